"""The exercises of D2L 9.7, run: powers of a matrix, eigenvalues around 1, what else than clipping tames a gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tape
from minigrad.models.cells import LinearRNN, LSTMCell, RNNCell
from minigrad.models.lab.anatomy import Array
from minigrad.models.lab.jacobians import state_gradients
from minigrad.models.lab.recurrence import Recurrence
from minigrad.models.unrolling import unroll
from minigrad.transforms import clip_edges


# --- exercise 1: powers of a symmetric matrix -----------------------------------------------------------------------
def symmetric(eigenvalues: Sequence[float], seed: int = 0) -> tuple[Array, Array]:
    """A symmetric matrix with these eigenvalues, and its eigenvectors as columns in their order."""
    n = len(eigenvalues)
    v, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))
    return (v * np.asarray(eigenvalues)) @ v.T, v


def tangents(M: Array, v_1: Array, x: Array, powers: int) -> Array:
    """tan of the angle between M^k x and v_1 for k = 0..powers: shrinks by |lambda_2/lambda_1| per power or faster."""
    found = []
    for _ in range(powers + 1):
        x = x / np.linalg.norm(x)
        along = abs(float(x @ v_1))
        found.append(float(np.linalg.norm(x - (x @ v_1) * v_1)) / max(along, 1e-300))
        x = M @ x
    return np.array(found)


def power_table(powers: int = 30) -> str:
    """Alignment with v_1 against the exact rate, and the two cases in which there is none."""
    lines = [
        f"{'M^k x aligns with v_1':42}  {'k=10':>9}  {'k=20':>9}  {'k=30':>9}  {'rate':>7}  {'exact':>7}"
    ]
    for name, eigenvalues, start in (
        ("eigenvalues 1.1, 0.8, 0.3", (1.1, 0.8, 0.3), (1.0, 1.0, 1.0)),
        ("eigenvalues 2, -1.8, 0.5", (2.0, -1.8, 0.5), (1.0, 1.0, 1.0)),
        ("fails: eigenvalues 1, -1, 0.5 (a tie)", (1.0, -1.0, 0.5), (1.0, 1.0, 1.0)),
        ("fails: 1.1, 0.8, 0.3, x orthogonal to v_1", (1.1, 0.8, 0.3), (0.0, 1.0, 1.0)),
    ):
        M, v = symmetric(eigenvalues)
        tan = tangents(M, v[:, 0], v @ np.array(start), powers)
        rate = (tan[powers] / tan[powers - 10]) ** 0.1
        shown = "  ".join(f"{tan[k]:9.2g}" for k in (10, 20, 30))
        lines.append(
            f"{name:42}  {shown}  {rate:7.4f}  {abs(eigenvalues[1] / eigenvalues[0]):7.4f}"
        )
    return "\n".join(
        [*lines, "(the tangent of the angle; orthogonal: rounding supplies the first trace of v_1)"]
    )


# --- exercise 3: eigenvalues around 1 in the linear RNN -------------------------------------------------------------
def growth(radius: float, T: int = 40, seed: int = 0) -> Array:
    """|dL/dh_t| for t = 1..T of the linear RNN with L = loss of the last step, W_hh scaled to that spectral radius."""
    rng = np.random.default_rng(seed)
    rnn = LinearRNN(3, 8, 2, rng)
    rnn.W_hh.assign(rnn.W_hh.data * (radius / np.abs(np.linalg.eigvals(rnn.W_hh.data)).max()))
    outputs, _ = unroll(rnn, list(rng.normal(size=(T, 3, 1))))
    tape = Tape.of(np.sum(outputs[-1]))
    return state_gradients(tape, Recurrence.of(tape))


def eigenvalue_table(T: int = 40) -> str:
    """The gradient's growth per step back beside the spectral radius, equation 9.7.15."""
    lines = [
        f"{'spectral radius of W_hh':>24}  {'|dL/dh_1| / |dL/dh_T|':>22}  {'per step, last 20':>18}"
    ]
    for radius in (0.5, 0.9, 1.0, 1.1, 1.5):
        g = growth(radius, T)
        lines.append(f"{radius:24.2f}  {g[0] / g[-1]:22.3g}  {(g[0] / g[20]) ** (1 / 20):18.4f}")
    return "\n".join(lines)


# --- exercise 4: what else than clipping tames an exploding gradient -------------------------------------------------
@dataclass(frozen=True)
class Remedy:
    """A name, and |dL/dh_1| / |dL/dh_T| over the seeds: 1 is tame."""

    name: str
    ratios: list[float]


def remedies(T: int = 50, h: int = 32, gain: float = 3.0, seeds: int = 10) -> list[Remedy]:
    """The gradient's growth over T steps in a network that explodes, and after each remedy."""
    names = (
        "as it is",
        "orthogonal W_hh",
        "identity W_hh",
        "spectral radius 0.95",
        "LSTM",
        "clip_edges 0.1",
    )
    return [Remedy(name, [_ratio(name, T, h, gain, s) for s in range(seeds)]) for name in names]


def _ratio(name: str, T: int, h: int, gain: float, seed: int) -> float:
    rng = np.random.default_rng(seed)
    xs = rng.normal(0, 0.1, (T, 1, 4))
    W = rng.normal(0, gain / np.sqrt(h), (h, h))
    cell: Any = RNNCell(4, h, rng, sigma=0.1)
    if name == "LSTM":
        cell = LSTMCell(4, h, rng, sigma=0.1)
        for p in (cell.W_hi, cell.W_hf, cell.W_ho, cell.W_hc):
            p.assign(rng.normal(0, gain / np.sqrt(h), (h, h)))
    else:
        scaled = {
            "orthogonal W_hh": np.linalg.qr(W)[0],
            "identity W_hh": np.eye(h),
            "spectral radius 0.95": W * (0.95 / np.abs(np.linalg.eigvals(W)).max()),
        }
        cell.W_hh.assign(scaled.get(name, W))
    hs, _ = unroll(cell, list(xs))
    tape = Tape.of(np.sum(hs[-1] * mg.tensor(rng.normal(size=(1, h)))))
    if name.startswith("clip_edges"):
        tape = clip_edges(tape, tape.recurrent_edges(), float(name.split()[1]))
    g = state_gradients(tape, Recurrence.of(tape))
    return float(g[0] / g[-1])


def remedy_table(found: Sequence[Remedy]) -> str:
    """Median, least and largest ratio of each."""
    lines = [f"{'|dL/dh_1| / |dL/dh_T|':24}  {'median':>9}  {'least':>9}  {'largest':>9}"]
    for r in found:
        lines.append(
            f"{r.name:24}  {np.median(r.ratios):9.2g}  {min(r.ratios):9.2g}  {max(r.ratios):9.2g}"
        )
    return "\n".join(lines)
