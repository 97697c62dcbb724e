"""The anatomy of a gradient: its parts by loss term and by the step in which the weight is used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError
from minigrad.internal import Array, leading_to, notebook_bundle, refuse_no_tape, sweep
from minigrad.transforms import untie

from .contributions import Sent, add_to, contributions

Callback = Callable[[], Any]
Cotangents = dict[Tensor, Any]


@dataclass(frozen=True, eq=False, repr=False)
class Anatomy:
    """G[t, i], the part of the gradient of loss term t that passes through the use at step i.

    Shapes, for T steps: G (T, T, *wrt.shape), or None where only norms were asked for;
    norms (T, T); rows, columns and lags (T, *wrt.shape): the sums of G over i, over t, and over
    all cells with |t - i| = lag; outside (*wrt.shape): what reaches the weight through no step, as
    weight decay does.

    >>> from minigrad import models
    >>> example = models.section(T=4)
    >>> anatomy = models.anatomy(example.tape, example.rnn.W_hh)
    >>> anatomy.G.shape, anatomy.total.shape
    ((4, 4, 4, 4), (4, 4))

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
        """The gradient, as ``W.grad`` has it. Shape: that of wrt."""
        through_steps = self.rows.sum(axis=0)
        return np.asarray(through_steps + self.outside)

    @property
    def lost(self) -> Array:
        """How far ``truncate(window=w)`` is off, w = 0..T-1, relative to the gradient's norm."""
        from_far = np.cumsum(self.lags[::-1], axis=0)[::-1]
        # What comes from further back than w steps, for every w.
        beyond = from_far[1:]
        squares = np.square(beyond)
        flat = squares.reshape(len(beyond), self.outside.size)
        errors = np.sqrt(flat.sum(axis=1))
        length = np.linalg.norm(self.total) or 1.0
        return np.append(errors, 0.0) / length

    def __repr__(self) -> str:
        norm = np.linalg.norm(self.total)
        return f"Anatomy(dL/d{self.label}, {len(self.steps)} time steps, norm {norm:.4g})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return notebook_bundle("anatomy", self, repr(self))


class Cell(NamedTuple):
    """One cell of G: the step of its loss term, the step of the use, and the gradient between."""

    term: int
    use: int
    gradient: Array


class Use(NamedTuple):
    """What a step uses: the weight, or what was made of it outside the steps; and which step."""

    source: Tensor
    step: int


def anatomy(
    tape: Tape,
    wrt: Tensor,
    norms_only: bool = False,
    on_term: Callback = lambda: None,
) -> Anatomy:
    """Take the gradient of the tape's loss with respect to the leaf wrt apart.

    Loss term t is the part of the loss that enters the steps at step t, as ``truncate(window=)``
    has it. Works on any tape with time steps: every cell, any number of states and layers,
    truncated or not. ``norms_only`` keeps T arrays of wrt's shape, never T^2. ``on_term`` is called
    after each term. Cost: one sweep per term, through the steps before it.

    >>> from minigrad import models
    >>> example = models.section(T=4)
    >>> W = example.rnn.W_hh
    >>> parts = models.anatomy(example.tape, W)
    >>> parts.G.shape
    (4, 4, 4, 4)
    >>> bool(np.allclose(parts.total, mg.grad(example.tape.outputs[0], W)[0].data))
    True

    Raises: ArgumentError for a tape without time steps or a tensor that is no parameter of it.
    Source: D2L equations 9.7.4 and 9.7.7.
    """
    steps = steps_of(tape)
    if wrt not in set(tape.parameters):
        expected = "expected a parameter of the tape"
        raise ArgumentError("anatomy", got=f"'{wrt.label}'", expected=expected)
    T = len(steps)
    index = {t: k for k, t in enumerate(steps)}
    shape = (T, *wrt.shape)
    rows = np.zeros(shape, wrt.dtype)
    columns = np.zeros(shape, wrt.dtype)
    lags = np.zeros(shape, wrt.dtype)
    norms = np.zeros((T, T))
    G = None if norms_only else np.zeros((T, *shape), wrt.dtype)
    for cell in _cells(tape, wrt, on_term):
        row = index[cell.term]
        column = index[cell.use]
        g = cell.gradient
        norms[row, column] = np.linalg.norm(g)
        rows[row] += g
        columns[column] += g
        lags[abs(row - column)] += g
        if G is not None:
            G[row, column] = g
    return Anatomy(
        wrt.label,
        steps,
        G,
        norms,
        rows,
        columns,
        lags,
        outside=_gradient_outside(tape, wrt),
    )


def steps_of(tape: Tape) -> tuple[int, ...]:
    """The time steps of a tape, in order. Raises ArgumentError where it has none, or is no tape."""
    refuse_no_tape("anatomy", tape)
    if not tape.stamps:
        remedy = "Run each step of the loop inside `with minigrad.timestep(t):`"
        raise ArgumentError("anatomy", got="the tape has no time steps", remedy=remedy)
    return tape.stamps


def entering(tape: Tape) -> dict[int, Cotangents]:
    """Where the loss enters the steps, in order: the cotangent of each node that it enters."""
    entrances: defaultdict[int, Cotangents] = defaultdict(dict)
    for x, cotangent in _sent_from_outside(tape):
        t = tape.times[x]
        if x.fn is not None and t is not None:
            add_to(entrances[t], x, cotangent)
    return dict(sorted(entrances.items()))


def loss_terms(tape: Tape) -> dict[int, Tensor]:
    """A scalar for each step at which the loss enters: behind it lies the loss term's gradient."""
    terms: dict[int, Any] = {}
    for t, entrances in entering(tape).items():
        for x, cotangent in entrances.items():
            add_to(terms, t, np.sum(x * cotangent))
    return terms


def _sent_from_outside(tape: Tape) -> Sent:
    """What the part of the tape that lies in no step sends; first the cotangent of the output."""
    if not tape.outputs[0].requires_grad:
        # Everything is cut: there is no gradient, and asking for one would be refused.
        return
    # The first step of backward, which explains an output that is no loss.
    out, seed, _ = next(iter(tape.steps()))
    yield out, seed
    if tape.times[out] is None:
        outside = [n for n in tape.nodes if tape.times[n] is None]
        yield from contributions(tuple(outside), out, seed)


def _gradient_outside(tape: Tape, wrt: Tensor) -> Array:
    """The gradient along the paths that go through no step."""
    total = np.zeros(wrt.shape, wrt.dtype)
    for x, contribution in _sent_from_outside(tape):
        if x is wrt:
            total += contribution
    return total


def _cells(tape: Tape, wrt: Tensor, on_term: Callback) -> Iterator[Cell]:
    """Every cell of G that a gradient reaches."""
    prepared = _prepared_outside(tape, wrt)
    untied = untie(tape, prepared)
    uses = _uses(tape, untied, prepared)
    for t, term in loss_terms(untied).items():
        nodes = Tape.of(term).nodes
        seed = np.ones((), term.dtype)
        parts: defaultdict[int, list[Array]] = defaultdict(list)
        for n, g, _ in sweep(nodes, term, seed, leading_to(nodes, uses)):
            if n in uses:
                use = uses[n]
                part = _behind(use.source, wrt, g)
                parts[use.step].append(part)
        for step, gradients in parts.items():
            total = gradients[0] if len(gradients) == 1 else np.sum(gradients, axis=0)
            yield Cell(t, step, total)
        on_term()


def _behind(source: Tensor, wrt: Tensor, cotangent: Array) -> Array:
    """What the weight gets of a cotangent of the weight itself, or of what was made of it."""
    if source is wrt:
        return cotangent
    (gradient,) = mg.grad(source, wrt, cotangent)
    return gradient.data


def _uses(tape: Tape, untied: Tape, prepared: set[Tensor]) -> dict[Tensor, Use]:
    """Which use every alias that ``untie`` made stands for."""
    uses: dict[Tensor, Use] = {}
    for n in untied.nodes:
        t = untied.times[n]
        for x in n.inputs:
            if t is None or x in tape.times or not x.inputs:
                continue
            source = x.inputs[0]
            if source in prepared:
                uses[x] = Use(source, t)
    return uses


def _prepared_outside(tape: Tape, wrt: Tensor) -> set[Tensor]:
    """The weight, and what was made of it outside the steps (a mask times it, its transpose)."""
    prepared = {wrt}
    inside_or_after: set[Tensor] = set()
    for n in tape.nodes:
        in_step = tape.times[n] is not None
        after = not inside_or_after.isdisjoint(n.inputs)
        if n.fn is not None and (in_step or after):
            inside_or_after.add(n)
        elif n.requires_grad and not prepared.isdisjoint(n.inputs):
            prepared.add(n)
    return prepared
