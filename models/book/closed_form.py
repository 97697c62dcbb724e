"""Backpropagation through time for the linear RNN, from the book's equations alone: no autograd, no minigrad.

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
    """Every gradient of the section; lists are indexed by t - 1."""

    do: list[Array]  # dL/do_t (q, B)
    dh: list[Array]  # dL/dh_t (h, B)
    W_hx: Array
    W_hh: Array
    W_qh: Array


def forward(
    W_hx: Array, W_hh: Array, W_qh: Array, h_0: Array, xs: Sequence[Array]
) -> tuple[list[Array], list[Array]]:
    """States [h_0, h_1, ..., h_T] and outputs [o_1, ..., o_T]. Shapes: x_t (d, B), h_t (h, B), o_t (q, B)."""
    hs = [h_0]
    for x in xs:
        hs.append(W_hx @ x + W_hh @ hs[-1])
    return hs, [W_qh @ h for h in hs[1:]]


def closed_form(
    W_hx: Array,
    W_hh: Array,
    W_qh: Array,
    h_0: Array,
    xs: Sequence[Array],
    dl: Callable[[Array, int], Array],
) -> Gradients:
    """All gradients by the recursion over t; ``dl(o_t, t)`` is dl/do_t, t from 1. Source: 9.7.11-9.7.14, 9.7.16."""
    T = len(xs)
    hs, os = forward(W_hx, W_hh, W_qh, h_0, xs)
    do = [dl(os[t - 1], t) / T for t in range(1, T + 1)]  # 9.7.11
    dh = [W_qh.T @ do[T - 1]]  # 9.7.13
    for t in range(T - 1, 0, -1):
        dh.insert(0, W_hh.T @ dh[0] + W_qh.T @ do[t - 1])  # 9.7.14
    return Gradients(
        do=do,
        dh=dh,
        W_hx=np.sum([dh[t] @ xs[t].T for t in range(T)], axis=0),  # 9.7.16
        W_hh=np.sum(
            [dh[t] @ hs[t].T for t in range(T)], axis=0
        ),  # hs[t] is h_{t-1} for the step of dh[t]
        W_qh=np.sum([do[t] @ hs[t + 1].T for t in range(T)], axis=0),  # 9.7.12
    )


def expanded(W_hh: Array, W_qh: Array, do: Sequence[Array]) -> list[Array]:
    """dL/dh_t for every t as the explicit sum over powers of W_hh^T. Source: 9.7.15."""
    T = len(do)
    power = np.linalg.matrix_power
    return [
        np.sum([power(W_hh.T, T - i) @ W_qh.T @ do[T + t - i - 1] for i in range(t, T + 1)], axis=0)
        for t in range(1, T + 1)
    ]
