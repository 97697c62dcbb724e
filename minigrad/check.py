"""gradcheck: reverse mode against central differences; where they disagree, which operation is to blame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import numpy as np

from . import gates
from .anomaly import find_nonfinite
from .errors import ArgumentError, DTypeError, GradientError
from .nonfinite import elementwise
from .scope import no_grad
from .sweep import Step, sweep
from .tape import Tape, _elided
from .tensor import Array, Tensor, tensor

Value = Callable[[Mapping[Tensor, Array]], Array]  # the output, with other values in some leaves
Index = tuple[int, ...]
Kind = Literal["rule", "kink", "jump", "coarse", "edge"]

_GATES = {gates.detach, gates.scale_grad, gates.clip_grad, gates.on_backward}
_TIES = {np.maximum, np.minimum, np.fmax, np.fmin, np.max, np.min}


@np.errstate(all="ignore")  # what is not finite is an error of its own
def gradcheck(
    fn: Callable[..., Any] | Tape,
    inputs: Tensor | Iterable[Tensor] | None = None,
    eps: float = 1e-6,
    rtol: float = 1e-5,
    atol: float = 1e-7,
) -> bool:
    """Whether fn's gradient equals its central differences in every element of every input that needs one.

    fn takes the inputs and returns a Tensor (summed if it is no scalar), or is a Tape (inputs: its parameters). The
    step is eps, times the element where that is above 1. Returns True (also at a kink where backward gives the mean of
    both slopes, as abs at 0), or raises GradientError that names the worst element, both values, and the operation
    whose rule, kink or jump is the cause.

    Raises DTypeError below float64, and GradientError where the comparison has no meaning: a gate changes the gradient
    on purpose, fn is not finite, keeps state or draws random numbers, or no gradient comes back.
    """
    tape, leaves, value = _replayed(fn, inputs) if isinstance(fn, Tape) else _recorded(fn, inputs)
    found = _gradients(tape, leaves)
    for x in leaves:
        g, numeric = found.get(x, np.zeros(x.shape)), np.empty(x.shape)
        for i in np.ndindex(x.shape):
            h = _step(x, i, eps)
            numeric[i] = np.sum(_at(value, x, i, h) - _at(value, x, i, -h)) / (2 * h)
        excess = np.abs(g - numeric) - (atol + rtol * np.abs(numeric))
        if not np.all(excess <= 0):
            _same_again(tape, value)
            worst = tuple(map(int, np.unravel_index(np.argmax(np.nan_to_num(excess, nan=np.inf)), x.shape)))
            allowed = float(atol + rtol * np.abs(numeric[worst]))
            raise _blame(tape, value, x, worst, _step(x, worst, eps), float(g[worst]), float(numeric[worst]), allowed)
    return True


# --- the program and what makes it unfit ------------------------------------------------------------------------------
def _replayed(tape: Tape, inputs: Tensor | Iterable[Tensor] | None) -> tuple[Tape, list[Tensor], Value]:
    return tape, _asked(tape.parameters if inputs is None else inputs), lambda feeds: tape.replay(feeds)[0]


def _recorded(fn: Callable[..., Any], inputs: Tensor | Iterable[Tensor] | None) -> tuple[Tape, list[Tensor], Value]:
    """Run fn once on leaves of our own, so that whatever else it reads is known to come from outside."""
    if inputs is None:
        raise ArgumentError("gradcheck", got="no inputs", expected="a function is checked at some: gradcheck(fn, [x])")
    args = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    asked = _asked(args)
    own = {x: tensor(x, x.requires_grad, x.name or f"inputs[{k}]") for k, x in reversed(list(enumerate(args)))}
    out = fn(*[own[x] for x in args])
    if not isinstance(out, Tensor):
        expected = "expected one Tensor"
        raise ArgumentError("gradcheck", got=f"fn returns {type(out).__name__}", expected=expected)
    tape = Tape.of(out)
    for x in asked:
        if x in tape.names:
            got, remedy = f"fn reads '{x.label}' from outside", "Use the argument that stands for it"
            raise GradientError("gradcheck", got=got, expected="the differences change its arguments", remedy=remedy)

    def value(feeds: Mapping[Tensor, Array]) -> Array:
        with no_grad():
            result = fn(*[tensor(feeds.get(own[x], x.data)) for x in args])
        return np.asarray(result.data if isinstance(result, Tensor) else result)

    _same_again(tape, value)
    return tape, [own[x] for x in asked], value


def _asked(inputs: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """The inputs that need a gradient, each once."""
    args = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    for x in args:
        if not isinstance(x, Tensor):
            remedy = "Wrap the inputs: tensor(x, requires_grad=True)"
            raise DTypeError("gradcheck", got=f"an input is a {type(x).__name__}", remedy=remedy)
    asked = list(dict.fromkeys(x for x in args if x.requires_grad))
    if not asked:
        remedy = "Make one with tensor(x, requires_grad=True)"
        raise GradientError("gradcheck", got="no input needs a gradient", remedy=remedy)
    for x in asked:
        _precise(x, x.label)
    return asked


def _precise(x: Tensor, name: str) -> None:
    if x.dtype.kind == "f" and x.dtype.itemsize < 8:
        expected = f"central differences need float64: rounding by {np.finfo(x.dtype).eps:.1g} drowns them"
        remedy = f"Check in float64, train in {x.dtype}"
        raise DTypeError("gradcheck", got=f"'{name}' is {x.dtype}", expected=expected, remedy=remedy, where=x.where)


def _same_again(tape: Tape, value: Value) -> None:
    first, again = tape.outputs[0].data, value({})
    if not np.array_equal(first, again, equal_nan=True):
        pair = f"{first.shape} and then {again.shape}"
        if first.shape == again.shape:
            i = np.unravel_index(np.argmax(first != again), first.shape)
            pair = f"{first[i]:.9g} and then {again[i]:.9g}"
        raise GradientError(
            "gradcheck",
            got=f"for the same inputs fn returns {pair}",
            expected="expected a function of its inputs alone",
            remedy="Seed random generators inside fn, and keep no state between its calls",
        )


def _gradients(tape: Tape, leaves: list[Tensor]) -> dict[Tensor, Array]:
    """The leaves' adjoints, if they are meant to be the derivative."""
    out, reading = tape.outputs[0], _reading(tape, leaves)
    for n in tape.nodes:
        if n in reading:
            _precise(n, tape.names[n])
            if n.fn is gates.detach:
                raise _gated(tape, n)
    if not np.all(np.isfinite(out.data)):
        raise GradientError("gradcheck: fn is not finite", **_nonfinite(tape))
    if not out.requires_grad:
        lost = next((n for n in tape.nodes if n in reading and not n.requires_grad), None)
        why = f"'{tape.names[lost]}' sends none back" if lost is not None else "it does not depend on the inputs"
        where = (out if lost is None else lost).where
        raise GradientError("gradcheck", got=f"'{out.label}' needs no gradient", expected=why, where=where)
    found = {}
    for n, g, sent in tape.steps(np.ones(out.shape)):
        found[n] = g
        if n.fn in _GATES and n in reading and not np.array_equal(sent[0], g, equal_nan=True):
            raise _gated(tape, n)
    return {x: found[x] for x in leaves if x in found}


def _gated(tape: Tape, n: Tensor) -> GradientError:
    name = "" if n.name is None else f" at '{tape.names[n]}'"
    return GradientError(
        "gradcheck",
        got=f"the gate {n.op}{name} changes the gradient",
        expected="it is deliberately not the derivative",
        remedy="Check the program without the gate, a truncated tape as it was before",
        where=n.where,
    )


# --- whose fault ------------------------------------------------------------------------------------------------------
def _blame(
    tape: Tape, value: Value, x: Tensor, i: Index, h: float, g: float, numeric: float, allowed: float
) -> GradientError:
    """The error that backward's g and the differences of x[i] call for.

    Let every node move as x[i] does: by dn, in differences. Per node, what its rule makes of the movements of its
    inputs, minus what its adjoint makes of its own, is its defect. The defects telescope to g - numeric over the whole
    tape: the largest tells whose rule is wrong, or which function bends or jumps between the two points.
    """
    place, out, every = f"{x.label}{list(i)}", tape.outputs[0], Tape(tape.nodes, tape.nodes)
    if not np.isfinite(g):
        return GradientError(f"gradcheck: d/d{place} is {g}", **_nonfinite(tape))

    def error(remedy: str, where: str = "") -> GradientError:
        got, expected = f"backward says {g:.9g}", f"central differences say {numeric:.9g}"
        return GradientError(f"gradcheck: d/d{place}", got=got, expected=expected, remedy=remedy, where=where)

    def moved(h: float) -> dict[Tensor, Array]:
        return dict(zip(tape.nodes, _at(every.replay, x, i, h), strict=True))

    up, down = moved(h), moved(-h)
    slope = {n: (up[n].astype(float) - down[n]) / (2 * h) for n in tape.nodes}
    rounding = 4 * float(np.sum(np.spacing(np.abs(out.data)) * (up[out] != down[out]))) / h
    if abs(g - numeric) <= rounding:
        return error(f"Rounding alone makes up to {rounding:.2g} here. Pass a larger eps, or smaller inputs", out.where)
    if abs(g - np.sum(slope[out])) <= allowed:  # the tape is innocent
        kind, left, right = _kind(lambda h: float(np.sum(_at(value, x, i, h))), h, g)
        if kind != "rule":
            return error(_cause(kind, left, right, g, "a branch in Python, which no tape holds", place))
        leaves = "A value leaves the tape and comes back as a constant, as by x.data or x.detach()"
        return error(f"{leaves}: replayed, the tape agrees with backward")

    seed, wanted = np.ones(out.shape), {n for n in _reading(tape, [x]) if n.dtype.kind == "f"}
    worst, culprit, says, adjoint = -1.0, x, 0.0, seed
    for step in (Step(*swept) for swept in sweep(tape.nodes, out, seed, wanted)):
        n, grad, sent = step
        if n.fn is not None:
            said = sum(float(np.sum(c * slope[m])) for m, c in zip(n.inputs, sent, strict=True) if c is not None)
            defect = abs(said - float(np.sum(grad * slope[n])))
            if not defect <= worst:
                worst, culprit, says, adjoint = defect, n, said, grad

    def seen_from_there(h: float) -> float:
        return float(np.sum(adjoint * (moved(h)[culprit] - culprit.data)))

    kind, left, right = _kind(seen_from_there, h, says)
    if kind == "rule":
        true = float(np.sum(adjoint * slope[culprit]))
        remedy = f"The rule of {culprit.op} sends {says:.9g} back where its own differences say {true:.9g}"
        return error(f"{remedy}: {_path(tape, culprit, x)}", culprit.where)
    flipped = (n for n in culprit.inputs if n.dtype.kind != "f" and not np.array_equal(up[n], down[n]))
    bent = next(flipped, culprit)
    what = _call(tape, bent, np.abs(up[bent].astype(float) - 2.0 * bent.data + down[bent]), kind == "kink")
    return error(_cause(kind, left, right, says, what, place), bent.where)


def _call(tape: Tape, n: Tensor, change: Array, kink: bool) -> str:
    """The call that n's change comes from: ``absolute(0) at 'r'``, ``maximum(1, 1) ties``."""
    text, name = n.op, tape.names[n]
    if elementwise(n):
        k = np.unravel_index(np.argmax(change), n.shape)
        text += f"({', '.join(f'{float(np.broadcast_to(m.data, n.shape)[k]):.4g}' for m in n.inputs)})"
    text += " ties" if kink and n.fn in _TIES else ""
    return text if name == n.op else f"{text} at '{name}'"


def _nonfinite(tape: Tape) -> dict[str, str]:
    """What find_nonfinite says, the line at the end."""
    found = find_nonfinite(tape, np.ones(tape.outputs[0].shape))
    where = found.node.where if found else ""
    return {"got": str(found).removesuffix(f" [{where}]"), "where": where}


def _kind(f: Callable[[float], float], h: float, says: float) -> tuple[Kind, float, float]:
    """Why f(h) does not rise by ``says`` per h, and the slopes to both sides of 0.

    The gap between them shrinks with the step by curvature, not by a kink, and grows at a jump.
    """

    def slopes(h: float) -> tuple[float, float]:
        return (f(0) - f(-h)) / h, (f(h) - f(0)) / h

    (left, right), fine, coarse = slopes(h), slopes(h / 8), slopes(h * 8)
    gap, less, more = (abs(b - a) for a, b in ((left, right), fine, coarse))
    defect = abs(says - (left + right) / 2)
    kind: Kind = "rule"
    if not np.isfinite(gap):
        kind = "edge"
    elif gap > defect / 100 and more < gap / 4:
        kind = "jump"
    elif gap > defect / 100 and not (4 * less < gap < 16 * less and 4 * gap < more < 16 * gap):
        kind = "kink"
    elif abs(says - sum(fine) / 2) < defect / 8:
        kind = "coarse"
    return kind, left, right


def _cause(kind: Kind, left: float, right: float, says: float, what: str, place: str) -> str:
    """What to know and to do about it."""
    if kind == "coarse":
        return f"They agree at a smaller step: {what} curves too much. Pass a smaller eps"
    if kind == "edge":
        return f"{what} is at the edge of its domain. Move {place} inside"
    if kind == "jump":
        return f"jump: {what}. There is no derivative; move {place} off the jump"
    slack = 0.01 * abs(right - left)
    inside = min(left, right) - slack <= says <= max(left, right) + slack
    verdict = "lies between: a subgradient, no error of a rule" if inside else "does not lie between: no subgradient"
    slopes = f"left slope {left:.4g}, right slope {right:.4g}"
    return f"kink: {slopes}; {what}. {says:.4g} {verdict}. Move {place} off the kink"


def _path(tape: Tape, culprit: Tensor, x: Tensor) -> str:
    """From the output by way of the culprit back to x: ``sum <- multiply <- tanh@3 <- W``."""
    n, names = tape.outputs[0], list[str]()
    for target in (culprit, x):
        reading, part = _reading(tape, [target]), list[str]()
        while n is not target:
            part.append(tape.names[n])
            n = next(m for m in n.inputs if m in reading)
        names += _elided(part, 4, "...")
    return " <- ".join([*names, tape.names[x]])


def _reading(tape: Tape, sources: Iterable[Tensor]) -> set[Tensor]:
    """The sources and what is computed from them, whether or not a gradient comes back."""
    found = set(sources)
    for n in tape.nodes:
        if any(m in found for m in n.inputs):
            found.add(n)
    return found


def _step(x: Tensor, i: Index, eps: float) -> float:
    """A power of 2 near eps, relative where |x| > 1: x + h and x - h are then as far apart as they claim."""
    return float(2.0 ** np.round(np.log2(eps * max(1.0, abs(float(x.data[i]))))))


def _at(value: Callable[[Any], Any], x: Tensor, i: Index, h: float) -> Any:
    """The value with x[i] moved by h."""
    array = x.numpy()
    array[i] += h
    return value({x: array})
