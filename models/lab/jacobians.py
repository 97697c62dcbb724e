"""The Jacobians of a recurrence, their products over lags, and what they do to a gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError

from .anatomy import Anatomy, Array
from .recurrence import Recurrence

LARGEST = 512  # numbers in a state: the Jacobian of one step costs a sweep each


@dataclass(frozen=True, eq=False)
class Jacobians:
    """What one step back does to a gradient, and what many do.

    Shapes, for T steps and a state of N numbers: J (T-1, N, N), J[k] = d state / d state before, of step steps[k+1];
    singular (T-1, N), its singular values; products (T-1, N), those of J[-1], J[-1] J[-2], ...: lags 1, 2, ...;
    local (T-1,), the product of the largest singular values over the same steps, which bounds the first of products;
    pascanu (T-1,) or None, (sigma_max(W_hh) max|phi'|)^lag, which bounds it too; gradients (T,), |dL/d state| after
    each of steps. Small singular values of a long product are lost in the rounding of the largest.
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
        """By what the largest singular value of the product changes per step back: a fit of its logarithm."""
        top = self.products[:, 0]
        lags = np.flatnonzero((top > 0) & np.isfinite(top))
        if len(lags) < 2:
            return float(top[0]) if len(top) else 1.0
        return float(np.exp(np.polyfit(lags, np.log(top[lags]), 1)[0]))


def jacobians(
    tape: Tape,
    example: int | None = None,
    axis: int = 0,
    W_hh: Tensor | None = None,
    slope: float = 1.0,
    on_step: Callable[[], Any] = lambda: None,
) -> Jacobians:
    """The Jacobian of every step of a tape, from sweeps through that step alone, with all tensors of the state.

    ``example`` picks one of a batch along ``axis`` of the state, for the block of the Jacobian that is its own; the
    default takes the whole state. With ``W_hh``, and ``slope`` the largest |phi'|, Pascanu's bound is computed too.

    Raises ArgumentError for a state of more than 512 numbers and for a tape whose steps form no chain.
    Source: Pascanu, Mikolov and Bengio 2013.
    """
    r = Recurrence.of(tape)
    steps = tuple(t for t in r.steps if t in r.states)
    picked = [_picked(x, example, axis) for x in r.states[steps[0]]]
    size = sum(map(len, picked))
    if size > LARGEST:
        got, remedy = (
            f"a state of {size} numbers",
            "Pick one example with example=0 (axis=1 where they are columns)",
        )
        raise ArgumentError(
            "jacobians", got=got, expected=f"expected at most {LARGEST}", remedy=remedy
        )
    found = []
    for before, t in pairwise(steps):
        rows = []
        for out, its in zip(r.states[t], picked, strict=True):
            for j in its:
                seed = np.zeros(out.size, out.dtype)
                seed[j] = 1
                row = r.pull(t, out, seed.reshape(out.shape), r.states[before])
                rows.append(
                    np.concatenate([g.ravel()[p] for g, p in zip(row, picked, strict=True)])
                )
        found.append(np.array(rows))
        on_step()
    J = np.array(found).reshape(-1, size, size)
    singular = np.linalg.svd(J, compute_uv=False)
    products, local = _products(J), np.cumprod(singular[::-1, 0])
    lags = np.arange(1, len(J) + 1)
    pascanu = None if W_hh is None else (np.linalg.norm(W_hh.data, 2) * slope) ** lags
    return Jacobians(steps, J, singular, products, local, pascanu, state_gradients(tape, r))


def _picked(x: Tensor, example: int | None, axis: int) -> Array:
    """The places of one example in the flattened state, or all."""
    places = np.arange(x.size).reshape(x.shape)
    if example is None:
        return np.ravel(places)
    if x.ndim < 2 or not 0 <= example < x.shape[axis]:
        got = f"example {example} along axis {axis} of a state {x.shape}"
        raise ArgumentError("jacobians", got=got, expected="expected one of the batch")
    return np.ravel(np.take(places, example, axis=axis))


def _products(J: Array) -> Array:
    """Singular values of J[-1], J[-1] J[-2], ...; each product is kept at norm 1 and its length beside it."""
    product, length, found = np.eye(J.shape[1]), 0.0, []
    for j in J[::-1]:
        product = product @ j
        norm = np.linalg.norm(product)
        if norm == 0:
            found.append(np.zeros(len(j)))
            continue
        product, length = product / norm, length + np.log(norm)
        with np.errstate(over="ignore", under="ignore"):
            found.append(np.linalg.svd(product, compute_uv=False) * np.exp(length))
    return np.array(found)


def state_gradients(tape: Tape, r: Recurrence) -> Array:
    """|dL/d state| after every step that has one."""
    squares = dict.fromkeys((x for xs in r.states.values() for x in xs), 0.0)
    for step in tape.steps():
        if step.tensor in squares:
            squares[step.tensor] = float(np.sum(np.square(step.grad)))
    found: Array = np.sqrt([sum(squares[x] for x in r.states[t]) for t in r.steps if t in r.states])
    return found


def verdict(j: Jacobians, a: Anatomy) -> str:
    """What becomes of this gradient on its way back, in words, each with its number."""
    change, T = j.factor ** (len(j.steps) - 1), len(a.steps)
    if not j.products[-1, 0] > 0:
        reach = int(np.count_nonzero(j.products[:, 0]))
        words = f"is cut: exactly zero beyond {reach} {'step' if reach == 1 else 'steps'} back from the last"
    elif change < 0.1:
        words = f"vanishes: halves every {np.log(2) / -np.log(j.factor):.3g} steps"
    elif change > 10:
        words = f"explodes: doubles every {np.log(2) / np.log(j.factor):.3g} steps back"
    else:
        words = f"keeps its size: changes by a factor of {j.factor:.3f} per step"
    if j.pascanu is not None and len(j.pascanu):
        gamma = j.pascanu[0]
        must = (
            "below 1: it has to vanish" if gamma < 1 else "not below 1: nothing forces it to vanish"
        )
        words += f" (sigma_max(W_hh) max|phi'| = {gamma:.3g}, {must})"
    lost, name = a.lost, f"dL/d{a.label}"
    if not np.linalg.norm(a.total):
        return f"{words}; {name} is zero"
    need = 1 + int(
        np.flatnonzero(np.append(True, lost > 0.01))[-1]
    )  # the loss below 1% from this many steps on
    if need >= T:
        return f"{words}; {name} needs all {T} steps: no shorter window comes within 1% of it"
    k = min(1 << (need - 1).bit_length(), T)
    words += f"; 99% of {name} comes from the last {need} {'step' if need == 1 else 'steps'}"
    return f"{words}; truncate(window={k - 1}), {k} steps, loses {_percent(lost[k - 1])}"


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%" if share >= 1e-6 else "less than 0.0001%" if share else "nothing"
