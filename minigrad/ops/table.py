"""The table of differentiable functions: one entry per NumPy function, and how our own functions join them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.errors import MinigradError, UnsupportedError

Fn = Callable[..., Any]
Rule = Callable[..., Any]
"""``(g, y, *inputs, **keywords) -> contribution``: g the cotangent of the result y, all of them arrays or Tensors."""


Template = str | None
"""What one input is sent, as mathematics: ``{g} ⊙ (1 - {y}²)``; None: nothing."""
Says = Template | tuple[Template, ...] | Callable[[Any], tuple[Template, ...]] | None
"""The template of every input: one, a tuple, or a function of the node where they depend on shapes and keywords."""


@dataclass(frozen=True, slots=True)
class Op:
    """What the engine knows of one function: how to read its arguments, how to call it, how to go back through it."""

    fn: Fn
    rules: tuple[Rule | None, ...]  # one per input; None: no gradient
    joint: Rule | None  # or one rule for all inputs, returning as many contributions
    keywords: (
        frozenset[str] | None
    )  # those the rules understand; None: any, for there is no gradient to get wrong
    bind: (
        Callable[..., tuple[Iterable[Any], Mapping[str, Any]]] | None
    )  # (*args, **kwargs) -> (inputs, keywords)
    call: Fn  # called as call(*inputs, **keywords)
    says: Says = None  # the rules as mathematics

    def split(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Sort the arguments of a call into differentiable inputs and keywords; refuse unknown keywords."""
        if self.bind is not None:
            try:
                bound, keywords = self.bind(*args, **kwargs)
            except MinigradError:
                raise
            except TypeError as error:
                raise UnsupportedError(op_name(self.fn), got=_reason(error)) from None
            return tuple(bound), self._known(keywords)
        n = len(self.rules)
        if len(args) == n or self.joint is not None:
            return args, self._known(kwargs) if kwargs else {}
        names, keywords = parameters(self.fn), dict(kwargs)
        inputs = args[:n] + tuple(
            keywords.pop(name) for name in names[len(args) : n] if name in keywords
        )
        if len(inputs) < n or len(args) > len(names):
            raise UnsupportedError(
                op_name(self.fn), got=f"{len(args)} arguments", expected=f"{n} operands wanted"
            )
        return inputs, self._known({**dict(zip(names[n:], args[n:], strict=False)), **keywords})

    def passes(self, slot: int) -> bool:
        """Whether a gradient goes back to that input."""
        return self.joint is not None or self.rules[slot] is not None

    def _known(self, keywords: Mapping[str, Any]) -> dict[str, Any]:
        if self.keywords is None or not keywords.keys() <= self.keywords:
            keywords = self._refused(keywords)
        return {k: _settled(v) for k, v in keywords.items() if v is not np._NoValue}

    def _refused(self, keywords: Mapping[str, Any]) -> Mapping[str, Any]:
        """The keywords without those that are unknown and None; refuse the other unknown ones."""
        unknown = (
            keywords.keys() - self.keywords
            if self.keywords is not None
            else keywords.keys() & {"out"}
        )
        given = {k: v for k, v in keywords.items() if k not in unknown}
        unknown = {k for k in unknown if keywords[k] is not None and keywords[k] is not np._NoValue}
        if "out" in unknown:
            remedy = "Write a = a + b, not a += b into a plain array"
            raise UnsupportedError(
                op_name(self.fn), got="out=, which would drop the gradient", remedy=remedy
            )
        if unknown:
            raise UnsupportedError(
                op_name(self.fn),
                got=f"keyword {', '.join(sorted(unknown))}",
                expected=f"minigrad differentiates it with {', '.join(sorted(self.keywords or ())) or 'no keywords'}",
            )
        return given


OPS: dict[Fn, Op] = {}
COMPOSED: dict[Fn, Fn] = {}
"""Functions that are recorded as what they are made of."""


DISCRETE: set[Fn] = set()
"""Functions whose results are no numbers that could have a derivative; they get and give plain arrays."""
STATIC: set[Fn] = set()
"""Those among them that decide nothing by the values: they ask for shapes and dtypes, print or save."""


def defvjp(
    fn: Fn,
    *rules: Rule | None,
    joint: Rule | None = None,
    bind: Callable[..., tuple[Iterable[Any], Mapping[str, Any]]] | None = None,
    call: Fn | None = None,
    says: Says = None,
) -> None:
    """Enter fn into the table: its rules in the order of its inputs (None where no gradient passes).

    ``says`` is the same as mathematics, which the debugger prints; core/notation.py has the signs.
    """
    known = [r for r in (*rules, joint) if r is not None]
    keywords = frozenset(name for r in known for name in _keywords(r)) if known else None
    OPS[fn] = Op(fn, rules, joint, keywords, bind, call or fn, says)


def compose(fn: Fn, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call what fn is made of: its operands by position, the rest by the names that NumPy gives them."""
    how = COMPOSED[fn]
    declared, ours = _signature(fn, how).parameters, _signature(how, how).parameters
    try:
        given = _signature(fn, how).bind(*args, **kwargs).arguments
    except TypeError as error:
        raise UnsupportedError(op_name(fn), got=_reason(error)) from None
    wanted = sum(
        p.default is p.empty and p.kind not in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        for p in ours.values()
    )
    operands: list[Any] = []
    keywords: dict[str, Any] = {}
    for name, value in given.items():
        if declared[name].kind is inspect.Parameter.VAR_POSITIONAL:
            operands += value
        elif declared[name].kind is inspect.Parameter.VAR_KEYWORD:
            keywords |= value
        elif len(operands) < wanted:
            operands.append(value)
        elif (value is not None or name in ours) and value is not np._NoValue:
            keywords[name] = value
    if (
        operands
        and isinstance(operands[0], list)
        and all(isinstance(x, (int, float, list)) for x in operands[0])
    ):
        operands[0] = np.asarray(operands[0])
    for name in keywords.keys() - ours.keys():
        if name in declared and keywords[name] is declared[name].default:
            del keywords[name]
            continue
        known = ", ".join(n for n in list(ours)[wanted:]) or "no keywords"
        expected = f"minigrad differentiates it with {known}"
        raise UnsupportedError(op_name(fn), got=f"keyword {name}", expected=expected)
    return how(*operands, **keywords)


@functools.cache
def _signature(fn: Fn, otherwise: Fn) -> inspect.Signature:
    """How fn is called; as ``otherwise`` where NumPy does not say."""
    try:
        return inspect.signature(fn)
    except ValueError:
        return inspect.signature(otherwise)


def _reason(error: TypeError) -> str:
    """``<lambda>() got an unexpected keyword argument 'axes'`` without the function's name."""
    return str(error).rpartition("() ")[2]


def _settled(value: Any) -> Any:
    """A keyword that nobody can change any more: lists and arrays, such as axes, as tuples."""
    if type(value) is tuple or isinstance(value, (list, np.ndarray)):
        return tuple(map(_settled, value.tolist() if isinstance(value, np.ndarray) else value))
    return value


def _keywords(rule: Rule) -> list[str]:
    found = inspect.signature(rule).parameters.values()
    return [p.name for p in found if p.default is not p.empty or p.kind is p.KEYWORD_ONLY]


@functools.cache
def parameters(fn: Fn) -> tuple[str, ...]:
    """The names of fn's positional parameters, as NumPy declares them."""
    return tuple(
        p.name for p in inspect.signature(fn).parameters.values() if p.kind is not p.KEYWORD_ONLY
    )


def op_name(fn: Fn) -> str:
    """The function's name as a reader knows it: ``tanh``, ``matmul``, ``getitem``."""
    name, of = str(getattr(fn, "__name__", fn)), getattr(fn, "__self__", None)
    return f"{of.__name__}.{name}" if isinstance(of, np.ufunc) else name


def dispatched(fn: Fn) -> Fn:
    """Give a function of ours the dispatch that NumPy's own have: an operand that is no plain array decides."""

    @functools.wraps(fn)
    def public(*args: Any, **kwargs: Any) -> Any:
        for a in (*args, *kwargs.values()):
            if not isinstance(a, np.ndarray) and hasattr(type(a), "__array_function__"):
                return a.__array_function__(public, (type(a),), args, kwargs)
        return fn(*args, **kwargs)

    return public
