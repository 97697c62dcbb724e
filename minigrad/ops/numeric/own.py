"""Operations of the user's own: a function of arrays and its vector-Jacobian product."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, DTypeError, MinigradError, ShapeError, UnsupportedError
from minigrad.ops.table import OPS, Fn, Rule, Says, defvjp, dispatched, op_name

REMEDY = "The rule is vjp(g, y, *inputs, **keywords), and gives what the input is sent"


def op(
    fn: Fn | None = None,
    *,
    vjp: Rule | Sequence[Rule | None] | None = None,
    says: Says = None,
) -> Any:
    """Make a function of arrays an operation: recorded, differentiated, drawn and compiled.

    ``fn(*inputs, **keywords)`` gets plain arrays and gives one array. ``vjp`` is the rule of its
    one input, or a list with the rule of each, None where no gradient passes: ``rule(g, y, *inputs,
    **keywords)`` gives the gradient of the loss by that input, in its shape (or in that of y, where
    the input was broadcast). g is the gradient by the result y. Keywords that fn takes are passed
    to every rule and must have a default there.

    Second derivatives and plans need a rule made of NumPy functions, or of other operations.
    ``says`` is the rule as a sentence for the debugger: ``"{g} ⊙ cos({x})"``.

    A ufunc, as those of scipy.special, is entered itself. Without fn, a decorator.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> @mg.op(vjp=lambda g, y, x: g * np.exp(-x * x), says="{g} ⊙ exp(-{x}²)")
    ... def bell(x):
    ...     # no derivative through here: the rule has it
    ...     points = np.linspace(0, x, 50)
    ...     return np.exp(-points * points).mean(axis=0) * x
    >>> x = mg.tensor([0.0, 1.0], requires_grad=True)
    >>> np.sum(bell(x)).backward()
    >>> x.grad.round(4)
    array([1.    , 0.3679])

    Raises ArgumentError for what is no function or no rule, and for a function that has a rule;
    when it is called, ArgumentError where fn fails, UnsupportedError where it gives something else
    than an array, and in backward ShapeError and DTypeError where the rule does.
    """
    if fn is None:
        return functools.partial(op, vjp=vjp, says=says)
    rules = _rules(fn, vjp)
    name = op_name(fn)
    checked = [
        None if rule is None else _checked(name, slot, rule) for slot, rule in enumerate(rules)
    ]
    if isinstance(fn, np.ufunc):
        public: Fn = fn
        call: Fn = fn
    else:
        public = dispatched(fn)
        call = _called(name, fn)
    defvjp(public, *checked, call=call, says=says)
    return public


def _rules(fn: Fn, vjp: Rule | Sequence[Rule | None] | None) -> tuple[Rule | None, ...]:
    """The rule of each input; refuse what cannot be one."""
    if not callable(fn):
        raise ArgumentError("op", got=f"a {type(fn).__name__}", expected="expected a function")
    if fn in OPS:
        raise ArgumentError("op", got=f"{op_name(fn)} has a rule already")
    rules = (vjp,) if vjp is None or callable(vjp) else tuple(vjp)
    if not all(rule is None or callable(rule) for rule in rules) or not any(rules):
        got = f"no rule for {op_name(fn)}"
        raise ArgumentError("op", got=got, expected="expected vjp=rule, or a list", remedy=REMEDY)
    count = _input_count(fn)
    if count > len(rules):
        got = f"{op_name(fn)} has {count} inputs and vjp {len(rules)} rules"
        remedy = "None is the rule of an input without a gradient"
        raise ArgumentError("op", got=got, remedy=remedy)
    return rules


def _input_count(fn: Fn) -> int:
    """How many inputs a function wants at least."""
    if isinstance(fn, np.ufunc):
        return fn.nin
    try:
        declared = inspect.signature(fn).parameters.values()
    except ValueError:
        # one of C that does not say
        return 0
    wanted = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in wanted and p.default is p.empty for p in declared)


def _called(name: str, fn: Fn) -> Fn:
    """The function; what fails in it says so, with its own traceback behind."""

    @functools.wraps(fn)
    def call(*inputs: Any, **keywords: Any) -> Any:
        try:
            y = fn(*inputs, **keywords)
        except MinigradError:
            raise
        except Exception as error:
            got = f"the function fails: {type(error).__name__}: {error}"
            raise ArgumentError(name, got=got) from error
        if not isinstance(y, (np.ndarray, np.generic, float, int)):
            got = f"the function gave a {type(y).__name__}"
            raise UnsupportedError(name, got=got, expected="expected one array")
        return y

    return call


def _checked(name: str, slot: int, rule: Rule) -> Rule:
    """The rule; refuse what it gives where that is no gradient by its input."""

    @functools.wraps(rule)
    def checked(g: Any, y: Any, *inputs: Any, **keywords: Any) -> Any:
        c = rule(g, y, *inputs, **keywords)
        _refuse_unfit(name, c, y, inputs[slot])
        return c

    return checked


def _refuse_unfit(name: str, c: Any, y: Any, x: Any) -> None:
    """Raise where c is no array, or neither in the shape of x nor in that to which x was spread."""
    subject = f"backward through {name}"
    if not hasattr(c, "shape") or not hasattr(c, "dtype"):
        got = f"the rule gave a {type(c).__name__}"
        expected = f"expected an array of shape {x.shape}"
        raise DTypeError(subject, got=got, expected=expected, remedy=REMEDY)
    if c.dtype.kind not in "fiub":
        got = f"the rule gave {c.dtype}"
        raise DTypeError(subject, got=got, expected="expected real numbers")
    if c.shape != x.shape and not (c.shape == y.shape and _spreads(x.shape, y.shape)):
        got = f"the rule gave the shape {c.shape}"
        expected = f"its input has the shape {x.shape}"
        raise ShapeError(subject, got=got, expected=expected)


def _spreads(shape: tuple[int, ...], result: tuple[int, ...]) -> bool:
    """Whether an input of that shape is broadcast to the shape of the result."""
    try:
        return np.broadcast_shapes(shape, result) == result
    except ValueError:
        return False
