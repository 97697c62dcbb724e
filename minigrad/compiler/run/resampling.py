"""New random factors xi_t for a tape that was truncated randomly."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.core.array import Array
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError


def draw_again(leaves: Iterable[Tensor], rng: np.random.Generator | int) -> dict[Tensor, Array]:
    """New values for the leaves that are products of xi_t: xi_t is 1 / pi_t with probability pi_t, else 0.

    leaves: the inputs of a plan. rng: a generator, or a seed for one.

    Raises ArgumentError where no leaf says with what probabilities it was drawn.
    Source: D2L 9.7.1.3; Tallec and Ollivier, Unbiasing Truncated Backpropagation Through Time.
    """
    generator = _generator(rng)
    factors = [leaf for leaf in leaves if "keep" in leaf.kwargs]
    # the probabilities by step, of each truncation by itself
    keep: dict[Any, dict[int, float]] = {}
    for leaf in factors:
        keep.setdefault(leaf.kwargs["draw"], {}).update(leaf.kwargs["keep"])
    if not keep:
        got = "no xi_t with known probabilities on the tape"
        expected = "truncate_randomly(..., reweight=True) has"
        raise ArgumentError("resample", got=got, expected=expected)
    xi = {draw: _draw(generator, probability) for draw, probability in keep.items()}
    values = {}
    for leaf in factors:
        drawn = xi[leaf.kwargs["draw"]]
        crossed = [drawn[t] for t in leaf.kwargs["keep"]]
        values[leaf] = np.array(np.prod(crossed), leaf.dtype)
    return values


def _draw(generator: np.random.Generator, probability: dict[int, float]) -> dict[int, float]:
    """xi_t for each step, in the order of the steps."""
    xi = {}
    for t in sorted(probability):
        kept = generator.random() < probability[t]
        xi[t] = kept / probability[t]
    return xi


def _generator(rng: np.random.Generator | int) -> np.random.Generator:
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        expected = "expected a generator or a seed"
        raise ArgumentError("resample", got=repr(rng), expected=expected) from None
