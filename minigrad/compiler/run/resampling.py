"""New random factors xi_t for a tape that was truncated randomly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.core.array import Array
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError

Probabilities = dict[int, float]
"""pi_t by step: with what probability a boundary is kept."""


def draw_again(leaves: Iterable[Tensor], rng: np.random.Generator | int) -> dict[Tensor, Array]:
    """New values for leaves that are products of xi_t: 1 / pi_t with probability pi_t, else 0.

    leaves: the inputs of a plan. rng: a generator, or a seed for one.

    Raises ArgumentError where no leaf says with what probabilities it was drawn.
    Source: D2L 9.7.1.3; Tallec and Ollivier, Unbiasing Truncated Backpropagation Through Time.
    """
    generator = _generator(rng)
    factors = [leaf for leaf in leaves if "keep" in leaf.kwargs]
    # a tape may be truncated several times: each truncation draws by itself
    keep_of = defaultdict[Any, Probabilities](dict)
    for leaf in factors:
        draw = leaf.kwargs["draw"]
        keep_of[draw].update(leaf.kwargs["keep"])
    if not keep_of:
        got = "no xi_t with known probabilities on the tape"
        expected = "truncate_randomly(..., reweight=True) has"
        raise ArgumentError("resample", got=got, expected=expected)
    xi_of = {}
    for draw, keep in keep_of.items():
        xi_of[draw] = _draw(generator, keep)
    values = {}
    for leaf in factors:
        xi = xi_of[leaf.kwargs["draw"]]
        crossed = [xi[t] for t in leaf.kwargs["keep"]]
        product = np.prod(crossed)
        values[leaf] = np.array(product, leaf.dtype)
    return values


def _draw(generator: np.random.Generator, keep: Probabilities) -> dict[int, float]:
    """xi_t for each step, in the order of the steps."""
    xi = {}
    for t in sorted(keep):
        is_kept = generator.random() < keep[t]
        # pi_t = 0 is never kept
        xi[t] = 1 / keep[t] if is_kept else 0.0
    return xi


def _generator(rng: np.random.Generator | int) -> np.random.Generator:
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        expected = "expected a generator or a seed"
        raise ArgumentError("resample", got=repr(rng), expected=expected) from None
