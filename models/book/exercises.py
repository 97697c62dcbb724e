"""The exercises of D2L 9.7: powers of a matrix, eigenvalues around 1, how to tame a gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
from minigrad import Tape
from minigrad.internal import Array
from minigrad.models.cells import LinearRNN, LSTMCell, RNNCell
from minigrad.models.lab.jacobians import state_gradients
from minigrad.models.lab.recurrence import Recurrence
from minigrad.models.unrolling import unroll
from minigrad.transforms import clip_edges

# A tangent needs something to divide by.
MIN_COSINE = 1e-300
# The powers at which the table shows the tangent.
SHOWN_POWERS = (10, 20, 30)


# --- exercise 1: powers of a symmetric matrix
class Example(NamedTuple):
    """A symmetric matrix by its eigenvalues, and where the powers start, in its eigenvectors."""

    name: str
    eigenvalues: tuple[float, ...]
    start: tuple[float, ...]


EVERYWHERE = (1.0, 1.0, 1.0)
ORTHOGONAL = (0.0, 1.0, 1.0)
EXAMPLES = (
    Example("eigenvalues 1.1, 0.8, 0.3", (1.1, 0.8, 0.3), EVERYWHERE),
    Example("eigenvalues 2, -1.8, 0.5", (2.0, -1.8, 0.5), EVERYWHERE),
    Example("fails: eigenvalues 1, -1, 0.5 (a tie)", (1.0, -1.0, 0.5), EVERYWHERE),
    Example("fails: 1.1, 0.8, 0.3, x orthogonal to v_1", (1.1, 0.8, 0.3), ORTHOGONAL),
)


def symmetric(eigenvalues: Sequence[float], seed: int = 0) -> tuple[Array, Array]:
    """A symmetric matrix with these eigenvalues, and its eigenvectors as columns in their order.

    Shapes: (n, n) both.
    """
    n = len(eigenvalues)
    rng = np.random.default_rng(seed)
    v, _ = np.linalg.qr(rng.normal(size=(n, n)))
    scaled = v * np.asarray(eigenvalues)
    return scaled @ v.T, v


def tangents(M: Array, v_1: Array, x: Array, powers: int) -> Array:
    """tan of the angle between M^k x and v_1 for k = 0..powers.

    It shrinks by |lambda_2/lambda_1| per power or faster. Shapes: M (n, n), v_1 and x (n,), the
    result (powers + 1,).
    """
    values = []
    for _ in range(powers + 1):
        x = x / np.linalg.norm(x)
        cosine = float(x @ v_1)
        beside = x - cosine * v_1
        sine = float(np.linalg.norm(beside))
        values.append(sine / max(abs(cosine), MIN_COSINE))
        x = M @ x
    return np.array(values)


def power_table(powers: int = 30) -> str:
    """Alignment with v_1 against the exact rate, and the two cases in which there is none."""
    heads = "  ".join(f"{f'k={k}':>9}" for k in SHOWN_POWERS)
    lines = [f"{'M^k x aligns with v_1':42}  {heads}  {'rate':>7}  {'exact':>7}"]
    lines.extend(_power_line(example, powers) for example in EXAMPLES)
    note = "(the tangent of the angle; orthogonal: rounding supplies the first trace of v_1)"
    return "\n".join([*lines, note])


def _power_line(example: Example, powers: int) -> str:
    M, v = symmetric(example.eigenvalues)
    start = v @ np.array(example.start)
    tan = tangents(M, v[:, 0], start, powers)
    # Per power, over the last ten.
    rate = (tan[powers] / tan[powers - 10]) ** 0.1
    largest, second, _ = example.eigenvalues
    values = "  ".join(f"{tan[k]:9.2g}" for k in SHOWN_POWERS)
    return f"{example.name:42}  {values}  {rate:7.4f}  {abs(second / largest):7.4f}"


# --- exercise 3: eigenvalues around 1 in the linear RNN
def growth(radius: float, T: int = 40, seed: int = 0) -> Array:
    """|dL/dh_t| for t = 1..T of the linear RNN with L = loss of the last step.

    W_hh is scaled to that spectral radius. Shape: (T,).
    """
    rng = np.random.default_rng(seed)
    rnn = LinearRNN(3, 8, 2, rng)
    W = rnn.W_hh.data
    factor = radius / _spectral_radius(W)
    rnn.W_hh.assign(W * factor)
    xs = rng.normal(size=(T, 3, 1))
    outputs, _ = unroll(rnn, list(xs))
    tape = Tape.of(np.sum(outputs[-1]))
    return state_gradients(tape, Recurrence.of(tape))


def _spectral_radius(W: Array) -> float:
    """The largest size of an eigenvalue."""
    eigenvalues = np.linalg.eigvals(W)
    sizes = np.abs(eigenvalues)
    return float(sizes.max())


def eigenvalue_table(T: int = 40) -> str:
    """The gradient's growth per step back beside the spectral radius, equation 9.7.15."""
    head = f"{'spectral radius of W_hh':>24}  {'|dL/dh_1| / |dL/dh_T|':>22}"
    lines = [f"{head}  {'per step, last 20':>18}"]
    for radius in (0.5, 0.9, 1.0, 1.1, 1.5):
        g = growth(radius, T)
        whole = g[0] / g[-1]
        per_step = (g[0] / g[20]) ** (1 / 20)
        lines.append(f"{radius:24.2f}  {whole:22.3g}  {per_step:18.4f}")
    return "\n".join(lines)


# --- exercise 4: what else than clipping tames an exploding gradient
REMEDIES = (
    "as it is",
    "orthogonal W_hh",
    "identity W_hh",
    "spectral radius 0.95",
    "LSTM",
    "clip_edges 0.1",
)


@dataclass(frozen=True)
class Remedy:
    """A name, and |dL/dh_1| / |dL/dh_T| over the seeds: 1 is tame."""

    name: str
    ratios: list[float]


def remedies(
    T: int = 50,
    h: int = 32,
    gain: float = 3.0,
    seeds: int = 10,
) -> list[Remedy]:
    """The gradient's growth over T steps in a network that explodes, and after each remedy.

    The network has h hidden units; W_hh is drawn with a spectral radius of about ``gain``.
    """
    measured = []
    for name in REMEDIES:
        ratios = [_ratio(name, T, h, gain, seed) for seed in range(seeds)]
        measured.append(Remedy(name, ratios))
    return measured


def _ratio(
    name: str,
    T: int,
    h: int,
    gain: float,
    seed: int,
) -> float:
    """|dL/dh_1| / |dL/dh_T| of one network."""
    rng = np.random.default_rng(seed)
    xs = rng.normal(0, 0.1, (T, 1, 4))
    W = _random_weight(h, gain, rng)
    cell: Any = RNNCell(4, h, rng, sigma=0.1)
    if name == "LSTM":
        cell = LSTMCell(4, h, rng, sigma=0.1)
        for p in (cell.W_hi, cell.W_hf, cell.W_ho, cell.W_hc):
            p.assign(_random_weight(h, gain, rng))
    else:
        cell.W_hh.assign(_remedied(name, W))
    hs, _ = unroll(cell, list(xs))
    cotangent = mg.tensor(rng.normal(size=(1, h)))
    loss = np.sum(hs[-1] * cotangent)
    tape = Tape.of(loss)
    if name.startswith("clip_edges"):
        max_norm = float(name.split()[1])
        tape = clip_edges(tape, tape.recurrent_edges(), max_norm)
    g = state_gradients(tape, Recurrence.of(tape))
    return float(g[0] / g[-1])


def _random_weight(h: int, gain: float, rng: np.random.Generator) -> Array:
    sigma = gain / np.sqrt(h)
    return rng.normal(0, sigma, (h, h))


def _remedied(name: str, W: Array) -> Array:
    """W_hh by the remedy of that name; W itself where the remedy is elsewhere."""
    if name == "orthogonal W_hh":
        Q, _ = np.linalg.qr(W)
        return Q
    if name == "identity W_hh":
        return np.eye(len(W))
    if name == "spectral radius 0.95":
        factor = 0.95 / _spectral_radius(W)
        return W * factor
    return W


def remedy_table(measured: Sequence[Remedy]) -> str:
    """Median, least and largest ratio of each."""
    lines = [f"{'|dL/dh_1| / |dL/dh_T|':24}  {'median':>9}  {'least':>9}  {'largest':>9}"]
    for r in measured:
        median = np.median(r.ratios)
        least = min(r.ratios)
        largest = max(r.ratios)
        lines.append(f"{r.name:24}  {median:9.2g}  {least:9.2g}  {largest:9.2g}")
    return "\n".join(lines)
