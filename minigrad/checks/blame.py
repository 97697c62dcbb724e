"""Where backward and central differences disagree: which rule, kink or jump is to blame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from minigrad.core.inspection.step import Step
from minigrad.core.inspection.text import elided
from minigrad.core.order import dependents
from minigrad.core.rerun.replay import run
from minigrad.core.sweep import sweep
from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor
from minigrad.errors import GradientError

from .kinks import cause, shape_of
from .nonfinite import nonfinite_parts
from .perturbation import Index, Value, moved
from .wording import elementwise

TIES = {np.maximum, np.minimum, np.fmax, np.fmin, np.max, np.min}
"""Functions that have a kink where two operands are equal."""


@dataclass(frozen=True)
class Disagreement:
    """An element of a leaf in which backward and central differences disagree."""

    tape: Tape
    value: Value
    leaf: Tensor
    index: Index
    step: float
    backward: float
    differences: float
    allowed: float

    @property
    def place(self) -> str:
        """``x[1, 0]``."""
        return f"{self.leaf.label}{list(self.index)}"

    def error(self, remedy: str, where: str | None = None) -> GradientError:
        """What both say, and what to do about it."""
        return GradientError(
            f"gradcheck: d/d{self.place}",
            got=f"backward says {self.backward:.9g}",
            expected=f"central differences say {self.differences:.9g}",
            remedy=remedy,
            where=where,
        )


class Movement:
    """How every node of the tape moves with the element, in differences."""

    def __init__(self, case: Disagreement) -> None:
        self.case = case
        # All nodes are outputs of this tape, so that all of them come back.
        self.run = partial(run, Tape(case.tape.nodes))
        self.up = self.by(case.step)
        self.down = self.by(-case.step)
        self.slope: dict[Tensor, Array] = {}
        for n in case.tape.nodes:
            # Booleans and integers move too, and cannot be subtracted as they are.
            rise = self.up[n].astype(float) - self.down[n]
            self.slope[n] = rise / (2 * case.step)

    def by(self, h: float) -> dict[Tensor, Array]:
        """The values of all nodes where the element is moved by h."""
        values = moved(self.run, self.case.leaf, self.case.index, h)
        return dict(zip(self.case.tape.nodes, values, strict=True))

    def curvature(self, n: Tensor) -> Array:
        """How far the value lies off the middle between both sides."""
        bend: Array = self.up[n].astype(float) - 2.0 * n.data + self.down[n]
        return np.abs(bend)


def blame(case: Disagreement) -> GradientError:
    """The error that a disagreement calls for.

    Let every node move as the element does: by dn, in differences. Per node, what its rule makes of
    the movements of its inputs, minus what its adjoint makes of its own, is its defect. The defects
    telescope to backward - differences over the whole tape: the largest tells whose rule is wrong,
    or which function bends or jumps between the two points.
    """
    if not np.isfinite(case.backward):
        what = f"gradcheck: d/d{case.place} is {case.backward}"
        return GradientError(what, **nonfinite_parts(case.tape))
    movement = Movement(case)
    out = case.tape.outputs[0]
    rounding = _rounding(movement, out)
    if abs(case.backward - case.differences) <= rounding:
        remedy = (
            f"Rounding alone makes up to {rounding:.2g} here. Pass a larger eps, or smaller inputs"
        )
        return case.error(remedy, out.where)
    # The slope of the recorded program, which may be another than that of the function.
    replayed = np.sum(movement.slope[out])
    if abs(case.backward - replayed) <= case.allowed:
        return _outside_the_tape(case)
    return _on_the_tape(case, movement)


def _rounding(movement: Movement, out: Tensor) -> float:
    """The most that rounding of the output can make of the differences: nothing where it stayed."""
    spacing = np.spacing(np.abs(out.data))
    has_moved = movement.up[out] != movement.down[out]
    return 4 * float(np.sum(spacing * has_moved)) / movement.case.step


def _outside_the_tape(case: Disagreement) -> GradientError:
    """The tape is innocent: replayed, it agrees with backward, and the function does not."""

    def value(h: float) -> float:
        return float(np.sum(moved(case.value, case.leaf, case.index, h)))

    shape = shape_of(value, case.step, case.backward)
    if shape.kind != "rule":
        branch = "a branch in Python, which no tape holds"
        return case.error(cause(shape, case.backward, branch, case.place))
    leaves = "A value leaves the tape and comes back as a constant, as by x.data or x.detach()"
    return case.error(f"{leaves}: replayed, the tape agrees with backward")


# --- the node to blame ------------------------------------------------------------------------
class Defect(NamedTuple):
    """A node, and how much its rule disagrees with how it and its inputs move.

    ``said`` is what the rule makes of its inputs' movements, under the node's adjoint.
    """

    size: float
    node: Tensor
    said: float
    adjoint: Array


def _on_the_tape(case: Disagreement, movement: Movement) -> GradientError:
    """The rule that is wrong, or the function that bends or jumps."""
    worst = _worst_defect(case, movement)
    culprit = worst.node

    def value(h: float) -> float:
        change = movement.by(h)[culprit] - culprit.data
        return float(np.sum(worst.adjoint * change))

    # How the culprit alone moves, seen from the output: nothing behind it can be the cause.
    shape = shape_of(value, case.step, worst.said)
    if shape.kind == "rule":
        path = _path(case.tape, culprit, case.leaf)
        true = float(np.sum(worst.adjoint * movement.slope[culprit]))
        says = f"sends {worst.said:.9g} back where its own differences say {true:.9g}"
        return case.error(f"The rule of {culprit.op} {says}: {path}", culprit.where)
    bent = _bent(culprit, movement)
    change = movement.curvature(bent)
    call = _call(case.tape, bent, change, is_kink=shape.kind == "kink")
    return case.error(cause(shape, worst.said, call, case.place), bent.where)


def _worst_defect(case: Disagreement, movement: Movement) -> Defect:
    """The largest defect on the way back."""
    nodes = case.tape.nodes
    out = case.tape.outputs[0]
    seed = np.ones(out.shape)
    wanted = {n for n in dependents(nodes, [case.leaf]) if n.dtype.kind == "f"}
    worst = Defect(-1.0, case.leaf, 0.0, seed)
    for swept in sweep(nodes, out, seed, wanted):
        n, grad, sent = Step(*swept)
        if n.fn is None:
            continue
        said = 0.0
        for x, contribution in zip(n.inputs, sent, strict=True):
            if contribution is not None:
                said += float(np.sum(contribution * movement.slope[x]))
        size = abs(said - float(np.sum(grad * movement.slope[n])))
        # Not "size > worst.size": a NaN is worse than any number.
        if not size <= worst.size:
            worst = Defect(size, n, said, grad)
    return worst


def _bent(culprit: Tensor, movement: Movement) -> Tensor:
    """What bends or jumps: a condition or index that the culprit reads, or the culprit itself."""
    for n in culprit.inputs:
        is_discrete = n.dtype.kind != "f"
        if is_discrete and not np.array_equal(movement.up[n], movement.down[n]):
            return n
    return culprit


# --- words ------------------------------------------------------------------------------------
def _call(tape: Tape, n: Tensor, change: Array, is_kink: bool) -> str:
    """The call that n's change comes from: ``absolute(0) at 'r'``, ``maximum(1, 1) ties``."""
    text = n.op
    if elementwise(n):
        most = np.unravel_index(np.argmax(change), n.shape)
        operands = []
        for x in n.inputs:
            operand = float(np.broadcast_to(x.data, n.shape)[most])
            operands.append(f"{operand:.4g}")
        text += f"({', '.join(operands)})"
    if is_kink and n.fn in TIES:
        text += " ties"
    name = tape.names[n]
    return text if name == n.op else f"{text} at '{name}'"


def _path(tape: Tape, culprit: Tensor, x: Tensor) -> str:
    """From the output by way of the culprit back to x: ``sum <- multiply <- tanh@3 <- W``."""
    n = tape.outputs[0]
    names: list[str] = []
    for target in (culprit, x):
        on_way = dependents(tape.nodes, [target])
        part: list[str] = []
        while n is not target:
            part.append(tape.names[n])
            n = next(m for m in n.inputs if m in on_way)
        names += elided(part, 4, "...")
    return " <- ".join([*names, tape.names[x]])
