"""The table of differentiable functions: one row per function, NumPy's and ours.

A row is a function, the rule of each of its inputs, and the same rules as sentences::

    defvjp(
        np.tanh,
        lambda g, y, x: g * (1 - y * y),
        says="{g} ⊙ (1 - {y}²)",
    )

A rule gets the cotangent g of the result y, y, and the inputs, and returns what its input is sent.
In a sentence braces hold g, y, keywords, and the inputs under the names that the rule gives them
(those of ``*xs`` are a, b, c ..., or x alone). Signs and words are listed in NOTATION, in
core/inspection/notation.py; the other words are NumPy's functions.
"""

from __future__ import annotations

import functools
import inspect
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.errors import MinigradError, UnsupportedError

Fn = Callable[..., Any]
Rule = Callable[..., Any]
"""``(g, y, *inputs, **keywords) -> contribution``: g the cotangent of y, all arrays or Tensors."""
Inputs = tuple[Any, ...]
Keywords = Mapping[str, Any]
Bind = Callable[..., tuple[Iterable[Any], Keywords]]
"""``(*args, **kwargs) -> (inputs, keywords)``."""
Template = str | None
"""What one input is sent, as mathematics: ``{g} ⊙ (1 - {y}²)``; None: nothing."""
Templates = tuple[Template, ...]
Says = Template | Templates | Callable[[Any], Templates] | None
"""One template, all of them, or a function of the node where they depend on shapes and keywords."""


@dataclass(frozen=True, slots=True)
class Op:
    """What the engine knows of one function: how to read its arguments, call it, and go back.

    ``rules`` has one rule per input, None where no gradient passes; or ``joint`` is one rule for
    all inputs, which returns as many contributions. ``keywords`` are those that the rules
    understand, None where any will do, for there is no gradient to get wrong. ``bind`` sorts the
    arguments of a function that does not begin with its inputs. The engine calls ``call(*inputs,
    **keywords)``.
    """

    fn: Fn
    rules: tuple[Rule | None, ...]
    joint: Rule | None
    keywords: frozenset[str] | None
    bind: Bind | None
    call: Fn
    says: Says = None
    plain_count: int = -1
    """Of how many arguments by position, and no others, a call consists that needs no sorting."""

    def split(self, args: Inputs, kwargs: Keywords) -> tuple[Inputs, dict[str, Any]]:
        """Sort the arguments of a call into differentiable inputs and keywords.

        Raises UnsupportedError for a keyword that the rules do not know.
        """
        if self.bind is not None:
            args, kwargs = self._bound(self.bind, args, kwargs)
        elif self.joint is None and len(args) != len(self.rules):
            args, kwargs = self._matched(args, kwargs)
        return args, self._known(kwargs) if kwargs else {}

    def passes(self, slot: int) -> bool:
        """Whether a gradient goes back to that input."""
        return self.joint is not None or self.rules[slot] is not None

    def letters(self, count: int) -> list[str]:
        """What the rules call their inputs, of which there are ``count``.

        >>> OPS[np.where].letters(3), OPS[np.stack].letters(2)
        (['c', 'a', 'b'], ['a', 'b'])
        """
        rules = [*filter(None, (*self.rules, self.joint))]
        names = [*_operands(rules[0])] if rules else []
        for slot in range(len(names), count):
            names.append(letter(slot, count))
        return names

    def _bound(self, bind: Bind, args: Inputs, kwargs: Keywords) -> tuple[Inputs, Keywords]:
        """The arguments as the row's own ``bind`` sorts them."""
        try:
            inputs, keywords = bind(*args, **kwargs)
        except MinigradError:
            raise
        except TypeError as error:
            raise UnsupportedError(op_name(self.fn), got=reason(error)) from None
        return tuple(inputs), keywords

    def _matched(self, args: Inputs, kwargs: Keywords) -> tuple[Inputs, Keywords]:
        """Inputs that were passed by name, and keywords that were passed by position."""
        count = len(self.rules)
        names = parameters(self.fn)
        keywords = dict(kwargs)
        inputs = args[:count]
        for name in names[len(args) : count]:
            if name in keywords:
                inputs = (*inputs, keywords.pop(name))
        if len(inputs) < count or len(args) > len(names):
            got = f"{len(args)} arguments"
            expected = f"{count} operands wanted"
            raise UnsupportedError(op_name(self.fn), got=got, expected=expected)
        by_position = zip(names[count:], args[count:], strict=False)
        return inputs, dict(by_position) | keywords

    def _known(self, keywords: Keywords) -> dict[str, Any]:
        """The keywords for the rules, without those that stand for "not given"."""
        if self.keywords is None or not keywords.keys() <= self.keywords:
            keywords = self._without_unknown(keywords)
        settled = {}
        for name, value in keywords.items():
            if value is not np._NoValue:
                settled[name] = _settled(value)
        return settled

    def _without_unknown(self, keywords: Keywords) -> Keywords:
        """The keywords that are known; refuse an unknown one, unless it is None."""
        unknown = keywords.keys() & {"out"}
        if self.keywords is not None:
            unknown = keywords.keys() - self.keywords
        refused = sorted(k for k in unknown if not _is_absent(keywords[k]))
        if "out" in refused:
            got = "out=, which would drop the gradient"
            remedy = "Write a = a + b, not a += b into a plain array"
            raise UnsupportedError(op_name(self.fn), got=got, remedy=remedy)
        if refused:
            got = f"keyword {', '.join(refused)}"
            expected = with_only(sorted(self.keywords or ()))
            raise UnsupportedError(op_name(self.fn), got=got, expected=expected)
        return {k: v for k, v in keywords.items() if k not in unknown}


OPS: dict[Fn, Op] = {}


def defvjp(
    fn: Fn,
    *rules: Rule | None,
    joint: Rule | None = None,
    bind: Bind | None = None,
    call: Fn | None = None,
    says: Says = None,
) -> None:
    """Enter fn into the table.

    ``rules``: one per input in their order, None where no gradient passes.
    ``joint``: instead of them, one rule that returns the contributions to all inputs.
    ``bind``: sorts the arguments into (inputs, keywords) where the inputs do not come first.
    ``call``: what the engine calls with (*inputs, **keywords), by default fn.
    ``says``: the rules as sentences, which the debugger prints (see the top of this file).
    """
    keywords = _understood(*rules, joint)
    plain_count = -1 if bind else len(rules)
    OPS[fn] = Op(fn, rules, joint, keywords, bind, call or fn, says, plain_count)


def _understood(*rules: Rule | None) -> frozenset[str] | None:
    """The keywords that any of the rules takes; None where there is no rule."""
    names: set[str] = set()
    for rule in filter(None, rules):
        names.update(_keywords(rule))
    return frozenset(names) if any(rules) else None


def _keywords(rule: Rule) -> list[str]:
    """The parameters of a rule that are no operands: with a default, or after ``*``."""
    names = []
    for p in inspect.signature(rule).parameters.values():
        if p.default is not p.empty or p.kind is p.KEYWORD_ONLY:
            names.append(p.name)
    return names


@functools.cache
def _operands(rule: Rule) -> list[str]:
    """What a rule calls its inputs: its parameters between y and the keywords."""
    declared = inspect.signature(rule).parameters.values()
    by_position = [p for p in declared if p.kind is p.POSITIONAL_OR_KEYWORD]
    return [p.name for p in by_position[2:] if p.default is p.empty]


@functools.cache
def parameters(fn: Fn) -> tuple[str, ...]:
    """The names of fn's positional parameters, as NumPy declares them."""
    declared = inspect.signature(fn).parameters.values()
    return tuple(p.name for p in declared if p.kind is not p.KEYWORD_ONLY)


def letter(slot: int, count: int = 2) -> str:
    """How sentences call an input without a name of its own: x if it is alone, else a, b, c.

    >>> letter(0, 1), letter(0, 2), letter(1, 2), letter(6, 8)
    ('x', 'a', 'b', 'x6')
    """
    if count == 1:
        return "x"
    return string.ascii_lowercase[slot] if slot < 6 else f"x{slot}"


def op_name(fn: Fn) -> str:
    """The function's name as a reader knows it: ``tanh``, ``getitem``, ``add.outer``."""
    name = str(getattr(fn, "__name__", fn))
    owner = getattr(fn, "__self__", None)
    return f"{owner.__name__}.{name}" if isinstance(owner, np.ufunc) else name


def dispatched(fn: Fn) -> Fn:
    """Give a function of ours the dispatch of NumPy's: a Tensor among the operands decides."""

    @functools.wraps(fn)
    def public(*args: Any, **kwargs: Any) -> Any:
        for a in (*args, *kwargs.values()):
            if not isinstance(a, np.ndarray) and hasattr(type(a), "__array_function__"):
                return a.__array_function__(public, (type(a),), args, kwargs)
        return fn(*args, **kwargs)

    return public


def _is_absent(value: Any) -> bool:
    """Whether a keyword says nothing, as an unknown one may."""
    return value is None or value is np._NoValue


def _settled(value: Any) -> Any:
    """A keyword that nobody can change any more: lists and arrays, such as axes, as tuples."""
    if isinstance(value, np.ndarray):
        return _settled(value.tolist())
    if isinstance(value, list) or type(value) is tuple:
        return tuple(map(_settled, value))
    return value


def reason(error: TypeError) -> str:
    """``<lambda>() got an unexpected keyword argument 'axes'`` without the function's name."""
    return str(error).rpartition("() ")[2]


def with_only(keywords: Iterable[str]) -> str:
    """What an error says is understood."""
    return f"minigrad differentiates it with {', '.join(keywords) or 'no keywords'}"
