"""Immediate and total derivative: accumulated forward (9.7.4) beside the reverse sum (9.7.16)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minigrad import Tape, Tensor
from minigrad.internal import Array
from minigrad.transforms import untie

from .anatomy import anatomy, entering
from .recurrence import Recurrence


@dataclass(frozen=True, eq=False)
class Row:
    """One step: the size of its state's two derivatives, its loss term's gradient both ways.

    immediate: |df/dw|, h_{t-1} held fixed. total: |dh_t/dw| = |df/dw + df/dh_{t-1} dh_{t-1}/dw|,
    D2L 9.7.4. forward (*w.shape): dL_t/dw = dL_t/dh_t . dh_t/dw, accumulated forward with t.
    reverse (*w.shape): dL_t/dw as the sum over i of G[t, i], backward from the loss.
    """

    t: int
    immediate: float
    total: float
    forward: Array
    reverse: Array

    @property
    def difference(self) -> float:
        """The largest of their elements' differences."""
        apart = np.abs(self.forward - self.reverse)
        return float(np.max(apart, initial=0.0))


class Derivative(NamedTuple):
    """The derivative of one number with respect to the flattened weight, twice."""

    immediate: Array
    total: Array


@dataclass(frozen=True, eq=False)
class Before:
    """The state before a step, and its total derivative D (N, w.size)."""

    state: tuple[Tensor, ...]
    D: Array


@dataclass(frozen=True, eq=False)
class Differentiator:
    """The derivatives of what step t computes with respect to the weight, flattened.

    ``use`` is the alias of the weight that the step reads, None where it reads none.
    """

    recurrence: Recurrence
    t: int
    before: Before
    use: Tensor | None

    def derivative(self, out: Tensor, seed: Array) -> Derivative:
        """The derivative of seed . out, forward through the state before."""
        size = self.before.D.shape[1]
        sources = self.before.state
        if self.use is None:
            pulled = self.recurrence.pull(self.t, out, seed, sources)
            immediate = np.zeros(size)
        else:
            *pulled, g = self.recurrence.pull(self.t, out, seed, (*sources, self.use))
            immediate = g.ravel()
        flat = [g.ravel() for g in pulled]
        through_state = np.concatenate([np.zeros(0), *flat]) @ self.before.D
        return Derivative(immediate, immediate + through_state)

    def state_derivative(self, state: tuple[Tensor, ...]) -> tuple[Array, Array]:
        """The immediate and the total derivative of all its numbers. Shapes: (N, w.size)."""
        immediate = []
        total = []
        for x in state:
            units = np.eye(x.size).reshape(-1, *x.shape)
            for unit in units:
                derivative = self.derivative(x, unit)
                immediate.append(derivative.immediate)
                total.append(derivative.total)
        shape = (-1, self.before.D.shape[1])
        return np.array(immediate).reshape(shape), np.array(total).reshape(shape)


def totals(tape: Tape, wrt: Tensor) -> list[Row]:
    """A row per step, for any recurrence.

    The whole dh_t/dw is kept, so wrt and the state had better be small. Cost: one sweep of a step
    per number in the state, an (N, wrt.size) matrix.

    >>> from minigrad import models
    >>> example = models.section(T=3)
    >>> rows = models.totals(example.tape, example.rnn.W_hh)
    >>> [row.t for row in rows]
    [1, 2, 3]
    >>> rows[0].immediate == rows[0].total
    True
    >>> max(row.difference for row in rows) < 1e-12
    True

    Raises: ArgumentError for a tensor that is no parameter of the tape, and for a tape whose steps
    form no chain.
    Source: D2L 9.7.4, 9.7.7, 9.7.16.
    """
    reverse = anatomy(tape, wrt, norms_only=True)
    untied = untie(tape, wrt)
    recurrence = Recurrence.of(untied)
    aliases = _aliases(tape, untied, wrt)
    entrances = entering(untied)
    before = Before((), np.zeros((0, wrt.size)))
    rows: list[Row] = []
    for t, row_sum in zip(recurrence.steps, reverse.rows, strict=True):
        use = aliases.get(f"{wrt.label}@{t}")
        forward = np.zeros(wrt.size)
        enters = entrances.get(t, {})
        step = Differentiator(recurrence, t, before, use)
        for x, cotangent in enters.items():
            forward = forward + step.derivative(x, cotangent).total
        state = recurrence.states.get(t, ())
        immediate, D = step.state_derivative(state)
        before = Before(state, D)
        row = Row(
            t,
            immediate=float(np.linalg.norm(immediate)),
            total=float(np.linalg.norm(D)),
            forward=forward.reshape(wrt.shape),
            reverse=row_sum,
        )
        rows.append(row)
    return rows


def _aliases(tape: Tape, untied: Tape, wrt: Tensor) -> dict[str, Tensor]:
    """The aliases of wrt that ``untie`` made, by name: W_hh@3 is what step 3 uses."""
    aliases = {}
    for x in untied.nodes:
        if x.inputs and x.inputs[0] is wrt and x not in tape.times:
            aliases[x.label] = x
    return aliases


def table(rows: Sequence[Row]) -> str:
    """The rows as text."""
    head = f"{'t':>4}  {'immediate':>10}  {'total':>10}"
    lines = [f"{head}  {'|dL_t/dw| forward':>18}  {'reverse':>10}  {'difference':>10}"]
    for row in rows:
        forward = np.linalg.norm(row.forward)
        reverse = np.linalg.norm(row.reverse)
        sizes = f"{row.t:4d}  {row.immediate:10.4g}  {row.total:10.4g}"
        lines.append(f"{sizes}  {forward:18.4g}  {reverse:10.4g}  {row.difference:10.1e}")
    return "\n".join(lines)
