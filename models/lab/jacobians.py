"""The Jacobians of a recurrence, their products over lags, and their bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError
from minigrad.internal import Array, notebook_bundle

from .recurrence import Recurrence

# The Jacobian of one step costs a sweep per number in the state.
MAX_STATE_NUMBERS = 512


@dataclass(frozen=True, eq=False, repr=False)
class Jacobians:
    """What one step back does to a gradient, and what many do.

    Shapes, for T steps and a state of N numbers: J (T-1, N, N), J[k] = d state / d state before, of
    step steps[k+1]; singular (T-1, N), its singular values; products (T-1, N), those of J[-1],
    J[-1] J[-2], ...: lags 1, 2, ...; local (T-1,), the product of the largest singular values over
    the same steps, which bounds the first of products; pascanu (T-1,) or None,
    (sigma_max(W_hh) max|phi'|)^lag, which bounds it too; gradients (T,), |dL/d state| after each of
    steps. Small singular values of a long product are lost in the rounding of the largest.

    >>> from minigrad import models
    >>> record = models.jacobians(models.section(T=4).tape)
    >>> record.J.shape, record.products.shape
    ((3, 4, 4), (3, 4))
    """

    steps: tuple[int, ...]
    J: Array
    singular: Array
    products: Array
    local: Array
    pascanu: Array | None
    gradients: Array

    @property
    def factor(self) -> float:
        """By what the largest singular value of the product changes per step back, fitted."""
        largest = self.products[:, 0]
        usable = (largest > 0) & np.isfinite(largest)
        lags = np.flatnonzero(usable)
        if len(lags) < 2:
            return float(largest[0]) if len(largest) else 1.0
        logs = np.log(largest[lags])
        slope, _ = np.polyfit(lags, logs, 1)
        return float(np.exp(slope))

    def __repr__(self) -> str:
        state = f"a state of {self.J.shape[-1]} numbers"
        return f"Jacobians({len(self.steps)} time steps, {state}, factor {self.factor:.4g})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return notebook_bundle("jacobians", self, repr(self))


def jacobians(
    tape: Tape,
    example: int | None = None,
    axis: int = 0,
    W_hh: Tensor | None = None,
    slope: float = 1.0,
    on_step: Callable[[], Any] = lambda: None,
) -> Jacobians:
    """The Jacobian of every step of a tape, from sweeps through that step alone.

    ``example`` picks one of a batch along ``axis`` of the state, for the block of the Jacobian that
    is its own; the default takes the whole state, all tensors of it. With ``W_hh``, and ``slope``
    the largest |phi'|, Pascanu's bound is computed too. ``on_step`` is called after each step.

    >>> from minigrad import models
    >>> example = models.section(T=4)
    >>> J = models.jacobians(example.tape).J
    >>> J.shape
    (3, 4, 4)
    >>> bool(np.allclose(J, example.rnn.W_hh.data))
    True

    Raises: ArgumentError for a state of more than 512 numbers, an example that the batch does not
    have, and a tape whose steps form no chain.
    Source: Pascanu, Mikolov and Bengio 2013.
    """
    recurrence = Recurrence.of(tape)
    states = recurrence.states
    steps = tuple(t for t in recurrence.steps if t in states)
    picked = [_picked(x, example, axis) for x in states[steps[0]]]
    size = sum(len(places) for places in picked)
    if size > MAX_STATE_NUMBERS:
        raise ArgumentError(
            "jacobians",
            got=f"a state of {size} numbers",
            expected=f"expected at most {MAX_STATE_NUMBERS}",
            remedy="Pick one example with example=0 (axis=1 where they are columns)",
        )
    one_step = []
    for before, t in pairwise(steps):
        one_step.append(_jacobian(recurrence, before, t, picked))
        on_step()
    J = np.array(one_step).reshape(-1, size, size)
    singular = np.linalg.svd(J, compute_uv=False)
    local = np.cumprod(singular[::-1, 0])
    pascanu = None
    if W_hh is not None:
        lags = np.arange(1, len(J) + 1)
        gamma = np.linalg.norm(W_hh.data, 2) * slope
        pascanu = gamma**lags
    return Jacobians(
        steps,
        J,
        singular,
        _products(J),
        local,
        pascanu,
        gradients=state_gradients(tape, recurrence),
    )


def _jacobian(
    recurrence: Recurrence,
    before: int,
    t: int,
    picked: list[Array],
) -> Array:
    """d state / d state before, of step t, at the picked places of each tensor of the state."""
    rows = []
    sources = recurrence.states[before]
    for out, places in zip(recurrence.states[t], picked, strict=True):
        for place in places:
            seed = np.zeros(out.size, out.dtype)
            seed[place] = 1
            seed = seed.reshape(out.shape)
            gradients = recurrence.pull(t, out, seed, sources)
            rows.append(_flat(gradients, picked))
    return np.array(rows)


def _flat(gradients: Iterable[Array], picked: Iterable[Array]) -> Array:
    """The picked elements of all gradients, one after the other."""
    parts = []
    for g, places in zip(gradients, picked, strict=True):
        flat = g.ravel()
        parts.append(flat[places])
    return np.concatenate(parts)


def _picked(x: Tensor, example: int | None, axis: int) -> Array:
    """The places of one example in the flattened state, or all."""
    places = np.arange(x.size).reshape(x.shape)
    if example is None:
        return np.ravel(places)
    is_one = x.ndim >= 2 and 0 <= example < x.shape[axis]
    if not is_one:
        got = f"example {example} along axis {axis} of a state {x.shape}"
        raise ArgumentError("jacobians", got=got, expected="expected one of the batch")
    of_example = np.take(places, example, axis=axis)
    return np.ravel(of_example)


def _products(J: Array) -> Array:
    """Singular values of J[-1], J[-1] J[-2], ..."""
    # Each product is kept at norm 1, the logarithm of its length beside it: no overflow on the way.
    product = np.eye(J.shape[1])
    log_length = 0.0
    singular = []
    for j in J[::-1]:
        product = product @ j
        norm = np.linalg.norm(product)
        if norm == 0:
            singular.append(np.zeros(len(j)))
            continue
        product = product / norm
        log_length += np.log(norm)
        unit = np.linalg.svd(product, compute_uv=False)
        with np.errstate(over="ignore", under="ignore"):
            singular.append(unit * np.exp(log_length))
    return np.array(singular)


def state_gradients(tape: Tape, recurrence: Recurrence) -> Array:
    """|dL/d state| after every step that has one. Shape: (T,)."""
    squares: dict[Tensor, float] = {}
    for state in recurrence.states.values():
        squares.update(dict.fromkeys(state, 0.0))
    for step in tape.steps():
        if step.tensor in squares:
            square = np.square(step.grad)
            squares[step.tensor] = float(np.sum(square))
    totals = []
    for t in recurrence.steps:
        if t in recurrence.states:
            state = recurrence.states[t]
            totals.append(sum(squares[x] for x in state))
    norms: Array = np.sqrt(totals)
    return norms
