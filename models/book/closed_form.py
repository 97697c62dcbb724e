"""Backpropagation through time for the linear RNN, by the book's equations alone: no autograd.

h_t = W_hx x_t + W_hh h_{t-1},  o_t = W_qh h_t,  L = (1/T) sum_t l(o_t, y_t).  Source: D2L 9.7.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Gradients:
    """Every gradient of the section; lists are indexed by t - 1.

    Shapes: do[t-1] = dL/do_t (q, B); dh[t-1] = dL/dh_t (h, B); W_hx (h, d), W_hh (h, h),
    W_qh (q, h).
    """

    do: list[Array]
    dh: list[Array]
    W_hx: Array
    W_hh: Array
    W_qh: Array


def forward(
    W_hx: Array,
    W_hh: Array,
    W_qh: Array,
    h_0: Array,
    xs: Sequence[Array],
) -> tuple[list[Array], list[Array]]:
    """States [h_0, h_1, ..., h_T] and outputs [o_1, ..., o_T].

    Shapes: x_t (d, B), h_t (h, B), o_t (q, B).
    """
    hs = [h_0]
    for x in xs:
        h = W_hx @ x + W_hh @ hs[-1]
        hs.append(h)
    os = [W_qh @ h for h in hs[1:]]
    return hs, os


def closed_form(
    W_hx: Array,
    W_hh: Array,
    W_qh: Array,
    h_0: Array,
    xs: Sequence[Array],
    dl: Callable[[Array, int], Array],
) -> Gradients:
    """All gradients by the recursion over t; ``dl(o_t, t)`` is dl/do_t, t from 1.

    Shapes: as ``forward`` has them. Source: D2L 9.7.11-9.7.14, 9.7.16.
    """
    T = len(xs)
    hs, os = forward(W_hx, W_hh, W_qh, h_0, xs)
    # 9.7.11
    do = [dl(o, t) / T for t, o in enumerate(os, 1)]
    # 9.7.13 for the last step, then 9.7.14 back to the first.
    dh = [W_qh.T @ do[-1]]
    for t in range(T - 1, 0, -1):
        earlier = W_hh.T @ dh[0] + W_qh.T @ do[t - 1]
        dh.insert(0, earlier)
    # 9.7.12 for the outputs, 9.7.16 for the rest; the state before step t is hs[t - 1].
    return Gradients(
        do,
        dh,
        W_hx=_sum_of_products(dh, xs),
        W_hh=_sum_of_products(dh, hs[:-1]),
        W_qh=_sum_of_products(do, hs[1:]),
    )


def _sum_of_products(cotangents: Sequence[Array], operands: Sequence[Array]) -> Array:
    """The gradient of a weight that is used once a step, summed over the steps."""
    products = [g @ x.T for g, x in zip(cotangents, operands, strict=True)]
    total: Array = np.sum(products, axis=0)
    return total


def expanded(W_hh: Array, W_qh: Array, do: Sequence[Array]) -> list[Array]:
    """dL/dh_t for every t as the explicit sum over powers of W_hh^T. Source: D2L 9.7.15."""
    T = len(do)
    sums = []
    for t in range(1, T + 1):
        terms = []
        for i in range(t, T + 1):
            power = np.linalg.matrix_power(W_hh.T, T - i)
            terms.append(power @ W_qh.T @ do[T + t - i - 1])
        sums.append(np.sum(terms, axis=0))
    return sums
