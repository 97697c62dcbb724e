"""Immediate against total derivative: the forward accumulation of 9.7.4 beside the reverse sum of 9.7.16."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minigrad import Tape, Tensor
from minigrad.transforms import untie

from .anatomy import Array, anatomy, entering
from .recurrence import Recurrence


@dataclass(frozen=True, eq=False)
class Row:
    """One step: how long the two derivatives of its state are, and its loss term's gradient computed both ways."""

    t: int
    immediate: float  # |df/dw|: h_{t-1} held fixed
    total: float  # |dh_t/dw| = |df/dw + df/dh_{t-1} dh_{t-1}/dw|, 9.7.4
    forward: Array  # dL_t/dw = dL_t/dh_t . dh_t/dw, accumulated forward with t
    reverse: Array  # dL_t/dw as the sum over i of G[t, i], backward from the loss

    @property
    def difference(self) -> float:
        """The largest of their elements' differences."""
        return float(np.max(np.abs(self.forward - self.reverse), initial=0.0))


def totals(tape: Tape, wrt: Tensor) -> list[Row]:
    """A row per step, for any recurrence; the whole dh_t/dw is kept, so wrt and the state had better be small.

    Cost: one sweep of a step per number in the state, an (N, wrt.size) matrix. Source: D2L 9.7.4, 9.7.7, 9.7.16.
    """
    reverse = anatomy(tape, wrt, norms_only=True)
    untied = untie(tape, wrt)
    r = Recurrence.of(untied)
    fresh = {
        x.label: x for x in untied.nodes if x.inputs and x.inputs[0] is wrt and x not in tape.times
    }
    rows: list[Row] = []
    enters = entering(untied)
    before: tuple[Tensor, ...] = ()
    D = np.zeros((0, wrt.size))  # of the state before step t
    for t, summed in zip(r.steps, reverse.rows, strict=True):
        use = fresh.get(f"{wrt.label}@{t}")
        at_t = [(x, c) for x, c in enters.items() if untied.times[x] == t]
        forward = sum(
            (_derivatives(r, t, x, c, before, use, D)[1] for x, c in at_t), np.zeros(wrt.size)
        )
        state = r.states.get(t, ())
        units = [(x, e) for x in state for e in np.eye(x.size).reshape(-1, *x.shape)]
        pairs = [_derivatives(r, t, x, e, before, use, D) for x, e in units]
        now, D = (np.array([p[k] for p in pairs]).reshape(-1, wrt.size) for k in (0, 1))
        before = state
        rows.append(
            Row(
                t,
                float(np.linalg.norm(now)),
                float(np.linalg.norm(D)),
                forward.reshape(wrt.shape),
                summed,
            )
        )
    return rows


def _derivatives(
    r: Recurrence,
    t: int,
    out: Tensor,
    seed: Array,
    before: tuple[Tensor, ...],
    use: Tensor | None,
    D: Array,
) -> tuple[Array, Array]:
    """(immediate, total) derivative of seed . out with respect to the weight, flat; D is that of the state before."""
    *carried, now = r.pull(t, out, seed, (*before, *([] if use is None else [use]))) or [
        np.zeros(0)
    ]
    if use is None:
        carried, now = [*carried, now], np.zeros(D.shape[1])
    back = np.concatenate([np.zeros(0), *(g.ravel() for g in carried)])
    return now.ravel(), now.ravel() + back @ D


def table(rows: Sequence[Row]) -> str:
    """The rows as text."""
    head = f"{'t':>4}  {'immediate':>10}  {'total':>10}  {'|dL_t/dw| forward':>18}  {'reverse':>10}  {'difference':>10}"
    lines = [
        f"{r.t:4d}  {r.immediate:10.4g}  {r.total:10.4g}  {np.linalg.norm(r.forward):18.4g}  "
        f"{np.linalg.norm(r.reverse):10.4g}  {r.difference:10.1e}"
        for r in rows
    ]
    return "\n".join([head, *lines])
