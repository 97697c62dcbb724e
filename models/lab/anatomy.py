"""The anatomy of a gradient: which part of it comes from which loss term, through the weight's use at which step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import starmap
from typing import Any

import numpy as np
import numpy.typing as npt

import minigrad as mg
from minigrad import Step, Tape, Tensor
from minigrad.core.order import leading_to
from minigrad.core.sweep import sweep
from minigrad.errors import ArgumentError
from minigrad.transforms import untie

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Anatomy:
    """G[t, i], the part of the gradient of loss term t that passes through the use at step i, and its sums.

    Shapes: G (T, T, *wrt.shape), or None where only norms were asked for; norms (T, T); rows, columns and lags
    (T, *wrt.shape): the sums of G over i, over t, and over all cells with |t - i| = lag;
    outside (*wrt.shape): what reaches the weight through no step at all, as weight decay does.
    Source: D2L equation 9.7.7, one term of it per cell.
    """

    label: str
    steps: tuple[int, ...]
    G: Array | None
    norms: Array
    rows: Array
    columns: Array
    lags: Array
    outside: Array

    @property
    def total(self) -> Array:
        """The gradient, as ``W.grad`` has it."""
        return np.asarray(self.rows.sum(axis=0) + self.outside)

    @property
    def lost(self) -> Array:
        """For every window w = 0..T-1, how far ``truncate(window=w)`` is off, relative to the norm of the gradient."""
        beyond = np.cumsum(self.lags[::-1], axis=0)[::-1][
            1:
        ]  # [w]: all that comes from further back than w
        errors = np.sqrt(np.square(beyond).reshape(len(beyond), self.outside.size).sum(axis=1))
        return np.append(errors, 0.0) / (np.linalg.norm(self.total) or 1.0)


def anatomy(
    tape: Tape, wrt: Tensor, norms_only: bool = False, on_term: Callable[[], Any] = lambda: None
) -> Anatomy:
    """Take the gradient of the tape's loss with respect to the leaf wrt apart, by loss term and by step of use.

    Loss term t is the part of the loss that enters the steps at step t, as ``truncate(window=)`` has it. Works on any
    tape with time steps: every cell, any number of states and layers, truncated or not. ``on_term`` is called after
    each term.

    Cost: one sweep per term, through the steps before it; ``norms_only`` keeps T arrays of wrt's shape, never T^2.
    Raises ArgumentError for a tape without time steps or a tensor that is no parameter of it.
    """
    steps = steps_of(tape)
    if wrt not in set(tape.parameters):
        raise ArgumentError(
            "anatomy", got=f"'{wrt.label}'", expected="expected a parameter of the tape"
        )
    at, T = {t: k for k, t in enumerate(steps)}, len(steps)
    rows, columns, lags = np.zeros((3, T, *wrt.shape), wrt.dtype)
    norms = np.zeros((T, T))
    G = None if norms_only else np.zeros((T, T, *wrt.shape), wrt.dtype)
    for t, i, g in _cells(tape, wrt, on_term):
        row, column = at[t], at[i]
        norms[row, column] = np.linalg.norm(g)
        rows[row] += g
        columns[column] += g
        lags[abs(row - column)] += g
        if G is not None:
            G[row, column] = g
    return Anatomy(wrt.label, steps, G, norms, rows, columns, lags, _outside(tape, wrt))


def steps_of(tape: Tape) -> tuple[int, ...]:
    """The time steps of a tape, in order. Raises ArgumentError where it has none."""
    steps = tuple(sorted({t for n, t in tape.times.items() if t is not None and n.fn is not None}))
    if not steps:
        remedy = "Run each step of the loop inside `with minigrad.timestep(t):`"
        raise ArgumentError("anatomy", got="the tape has no time steps", remedy=remedy)
    return steps


def entering(tape: Tape) -> dict[Tensor, Any]:
    """Where the loss enters the steps, and the cotangent with which it does."""
    found: dict[Tensor, Any] = {}
    for x, c in _from_outside(tape):
        if x.fn is not None and tape.times[x] is not None:
            found[x] = found[x] + c if x in found else c
    return found


def loss_terms(tape: Tape) -> dict[int, Tensor]:
    """A scalar for each step at which the loss enters: its gradient behind that entrance is the loss term's."""
    terms: dict[int, Any] = {}
    for x, c in sorted(entering(tape).items(), key=lambda e: tape.times[e[0]] or 0):
        t, term = tape.times[x] or 0, np.sum(x * c)
        terms[t] = terms[t] + term if t in terms else term
    return terms


def _from_outside(tape: Tape) -> Iterator[tuple[Tensor, Any]]:
    """What the part of the tape that lies in no step sends, and to whom; first the cotangent of the output."""
    if not tape.outputs[0].requires_grad:  # everything is cut
        return
    out, seed, _ = next(iter(tape.steps()))  # explains what is no loss
    yield out, seed
    nodes = tuple(n for n in tape.nodes if tape.times[n] is None)
    if tape.times[out] is None:
        for step in starmap(Step, sweep(nodes, out, seed)):
            for x, c in zip(step.tensor.inputs, step.contributions, strict=bool(step.sent)):
                if c is not None:
                    yield x, c


def _outside(tape: Tape, wrt: Tensor) -> Array:
    """The gradient along the paths that go through no step."""
    found = np.zeros(wrt.shape, wrt.dtype)
    for x, c in _from_outside(tape):
        if x is wrt:
            found += c
    return found


def _cells(tape: Tape, wrt: Tensor, on_term: Callable[[], Any]) -> Iterator[tuple[int, int, Array]]:
    """Every (t, i, G[t, i]) that a gradient reaches."""
    behind = _before_the_steps(tape, wrt)
    untied = untie(tape, behind)
    uses: dict[Tensor, tuple[Tensor, int]] = {}  # alias -> what it is one use of, and at which step
    for n in untied.nodes:
        for x in n.inputs:
            if x not in tape.times and x.inputs and x.inputs[0] in behind:
                uses[x] = x.inputs[0], untied.times[n]  # type: ignore[assignment]  # untie takes steps only
    for t, term in loss_terms(untied).items():
        nodes = Tape.of(term).nodes
        found: defaultdict[int, list[Array]] = defaultdict(list)
        for n, g, _ in sweep(nodes, term, np.ones((), term.dtype), leading_to(nodes, uses)):
            if n in uses:
                x, i = uses[n]
                found[i].append(g if x is wrt else mg.grad(x, wrt, g)[0].data)
        for i, parts in found.items():
            yield t, i, parts[0] if len(parts) == 1 else np.sum(parts, axis=0)
        on_term()


def _before_the_steps(tape: Tape, wrt: Tensor) -> set[Tensor]:
    """wrt and what was made of it outside the steps (a mask times it, its transpose) for the steps to use."""
    behind, beyond = {wrt}, set[Tensor]()
    for n in tape.nodes:
        if n.fn is not None and (tape.times[n] is not None or any(x in beyond for x in n.inputs)):
            beyond.add(n)
        elif n.requires_grad and any(x in behind for x in n.inputs):
            behind.add(n)
    return behind
