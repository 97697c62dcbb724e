"""What a strategy does to a model's gradient, and what that gradient costs."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
from minigrad import Tape, Tensor
from minigrad.internal import Array
from minigrad.models.cells import parameters

from .result import interval
from .strategy import Strategy

Batch = tuple[Any, ...]
MEASURING_SEED = 9


class Statistics(NamedTuple):
    """A strategy's gradient against the exact one, as Result has it."""

    draws: int
    bias: float
    bias_error: float
    spread: float
    cosine: float
    cosine_half: float


def gradient(
    model: Any,
    batch: Batch,
    strategy: Strategy,
    params: Sequence[Tensor],
    rng: np.random.Generator,
) -> list[Array]:
    """One forward pass, and the gradient by the strategy."""
    # No name for the loss: it would keep the recorded graph alive beside the rewritten one.
    return strategy.gradient(Tape.of(model.loss(*batch)), params, rng)


def gradient_statistics(model: Any, batch: Batch, strategy: Strategy, draws: int) -> Statistics:
    """The mean and the spread of so many unclipped gradients."""
    params = parameters(model)
    rng = np.random.default_rng(MEASURING_SEED)
    tape = Tape.of(model.loss(*batch))
    exact = _flat_gradient(tape, params)
    length = np.linalg.norm(exact) or 1.0
    mean = np.zeros_like(exact)
    squares = 0.0
    cosines = []
    # Welford's recurrence: one gradient in memory, not all of them.
    for draw in range(1, draws + 1):
        rewritten = strategy.rewrite(tape, rng)
        g = _flat_gradient(rewritten, params)
        mean_before = mean
        mean = mean + (g - mean) / draw
        squares += float((g - mean_before) @ (g - mean))
        g_length = np.linalg.norm(g) or 1.0
        cosines.append(float(g @ exact / (length * g_length)))
    variance = squares / max(draws - 1, 1)
    # A single gradient is not random: its cosine has no interval.
    cosine, cosine_half = interval(cosines) if draws > 1 else (cosines[0], 0.0)
    return Statistics(
        draws,
        bias=float(np.linalg.norm(mean - exact) / length),
        bias_error=float(np.sqrt(variance / draws) / length),
        spread=float(np.sqrt(variance) / length),
        cosine=cosine,
        cosine_half=cosine_half,
    )


def _flat_gradient(tape: Tape, params: Sequence[Tensor]) -> Array:
    """All elements of the gradient in float64. Shape: (number of parameters,)."""
    grads = mg.grad(tape.outputs[0], params)
    flat = np.concatenate([g.data.ravel() for g in grads])
    return flat.astype(np.float64)


def peak_megabytes(model: Any, batch: Batch, strategy: Strategy) -> float:
    """Megabytes that one gradient needs beyond the model, as Python's allocator counts them."""
    params = parameters(model)
    rng = np.random.default_rng(MEASURING_SEED)
    was_tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    gradient(model, batch, strategy, params, rng)
    _, peak = tracemalloc.get_traced_memory()
    if not was_tracing:
        tracemalloc.stop()
    return (peak - before) / 1e6
