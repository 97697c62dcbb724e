"""Where backward and central differences disagree: which operation's rule, kink or jump is to blame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from minigrad.core.order import dependents
from minigrad.core.step import Step
from minigrad.core.sweep import sweep
from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor
from minigrad.core.text import elided
from minigrad.errors import GradientError

from .finding import elementwise
from .nonfinite import find_nonfinite

Value = Callable[[Mapping[Tensor, Array]], Array]  # the output, with other values in some leaves
Index = tuple[int, ...]
Kind = Literal["rule", "kink", "jump", "coarse", "edge"]

_TIES = {np.maximum, np.minimum, np.fmax, np.fmin, np.max, np.min}


def blame(
    tape: Tape,
    value: Value,
    x: Tensor,
    i: Index,
    h: float,
    g: float,
    numeric: float,
    allowed: float,
) -> GradientError:
    """The error that backward's g and the differences of x[i] call for.

    Let every node move as x[i] does: by dn, in differences. Per node, what its rule makes of the movements of its
    inputs, minus what its adjoint makes of its own, is its defect. The defects telescope to g - numeric over the whole
    tape: the largest tells whose rule is wrong, or which function bends or jumps between the two points.
    """
    place, out, every = f"{x.label}{list(i)}", tape.outputs[0], Tape(tape.nodes)
    if not np.isfinite(g):
        return GradientError(f"gradcheck: d/d{place} is {g}", **nonfinite(tape))

    def error(remedy: str, where: str | None = None) -> GradientError:
        got, expected = f"backward says {g:.9g}", f"central differences say {numeric:.9g}"
        return GradientError(
            f"gradcheck: d/d{place}", got=got, expected=expected, remedy=remedy, where=where
        )

    def moved(h: float) -> dict[Tensor, Array]:
        return dict(zip(tape.nodes, at(every.replay, x, i, h), strict=True))

    up, down = moved(h), moved(-h)
    slope = {n: (up[n].astype(float) - down[n]) / (2 * h) for n in tape.nodes}
    rounding = 4 * float(np.sum(np.spacing(np.abs(out.data)) * (up[out] != down[out]))) / h
    if abs(g - numeric) <= rounding:
        return error(
            f"Rounding alone makes up to {rounding:.2g} here. Pass a larger eps, or smaller inputs",
            out.where,
        )
    if abs(g - np.sum(slope[out])) <= allowed:  # the tape is innocent
        kind, left, right = _kind(lambda h: float(np.sum(at(value, x, i, h))), h, g)
        if kind != "rule":
            return error(
                _cause(kind, left, right, g, "a branch in Python, which no tape holds", place)
            )
        leaves = "A value leaves the tape and comes back as a constant, as by x.data or x.detach()"
        return error(f"{leaves}: replayed, the tape agrees with backward")

    seed, wanted = (
        np.ones(out.shape),
        {n for n in dependents(tape.nodes, [x]) if n.dtype.kind == "f"},
    )
    worst, culprit, says, adjoint = -1.0, x, 0.0, seed
    for taken in (Step(*swept) for swept in sweep(tape.nodes, out, seed, wanted)):
        n, grad, sent = taken
        if n.fn is not None:
            said = sum(
                float(np.sum(c * slope[m]))
                for m, c in zip(n.inputs, sent, strict=True)
                if c is not None
            )
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
    flipped = (
        n for n in culprit.inputs if n.dtype.kind != "f" and not np.array_equal(up[n], down[n])
    )
    bent = next(flipped, culprit)
    what = _call(
        tape, bent, np.abs(up[bent].astype(float) - 2.0 * bent.data + down[bent]), kind == "kink"
    )
    return error(_cause(kind, left, right, says, what, place), bent.where)


def _call(tape: Tape, n: Tensor, change: Array, kink: bool) -> str:
    """The call that n's change comes from: ``absolute(0) at 'r'``, ``maximum(1, 1) ties``."""
    text, name = n.op, tape.names[n]
    if elementwise(n):
        k = np.unravel_index(np.argmax(change), n.shape)
        text += (
            f"({', '.join(f'{float(np.broadcast_to(m.data, n.shape)[k]):.4g}' for m in n.inputs)})"
        )
    text += " ties" if kink and n.fn in _TIES else ""
    return text if name == n.op else f"{text} at '{name}'"


def nonfinite(tape: Tape) -> dict[str, str]:
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
    verdict = (
        "lies between: a subgradient, no error of a rule"
        if inside
        else "does not lie between: no subgradient"
    )
    slopes = f"left slope {left:.4g}, right slope {right:.4g}"
    return f"kink: {slopes}; {what}. {says:.4g} {verdict}. Move {place} off the kink"


def _path(tape: Tape, culprit: Tensor, x: Tensor) -> str:
    """From the output by way of the culprit back to x: ``sum <- multiply <- tanh@3 <- W``."""
    n, names = tape.outputs[0], list[str]()
    for target in (culprit, x):
        on_way, part = dependents(tape.nodes, [target]), list[str]()
        while n is not target:
            part.append(tape.names[n])
            n = next(m for m in n.inputs if m in on_way)
        names += elided(part, 4, "...")
    return " <- ".join([*names, tape.names[x]])


def step(x: Tensor, i: Index, eps: float) -> float:
    """A power of 2 near eps, relative where |x| > 1: x + h and x - h are then as far apart as they claim."""
    return float(2.0 ** np.round(np.log2(eps * max(1.0, abs(float(x.data[i]))))))


def at(value: Callable[[Any], Any], x: Tensor, i: Index, h: float) -> Any:
    """The value with x[i] moved by h."""
    array = x.numpy()
    array[i] += h
    return value({x: array})
