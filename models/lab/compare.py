"""Strategies of truncation side by side: what they do to the gradient, what they cost, how they train."""

from __future__ import annotations

import csv
import io
import json
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tape, Tensor
from minigrad.core import gates
from minigrad.errors import ArgumentError, DataError
from minigrad.models.cells import parameters

from .anatomy import Array
from .strategy import Strategy

Batch = tuple[Any, ...]
Numbers = tuple[int, float, float, float, float, float]
T_975 = (
    12.71,
    4.30,
    3.18,
    2.78,
    2.57,
    2.45,
    2.36,
    2.31,
    2.26,
    2.23,
)  # Student's quantile for 1, 2, ... degrees
Z_975 = 1.96


@dataclass(frozen=True)
class Result:
    """One strategy: its gradient against the exact one, relative to that one's norm, its cost, and its curves.

    bias is |mean - exact| over the draws, bias_error the length it would have by chance alone, were there none;
    spread the root of the variance; cosine between one draw and the exact gradient, half of its 95% interval beside
    it. curves (seeds, checkpoints) are losses after ``updates`` updates; clipped the share of updates that were.
    """

    name: str
    draws: int
    bias: float
    bias_error: float
    spread: float
    cosine: float
    cosine_half: float
    milliseconds: float
    megabytes: float
    clipped: float
    updates: list[int]
    curves: list[list[float]]

    @property
    def final(self) -> tuple[float, float]:
        """The last loss, the mean over the seeds and half of its 95% interval."""
        return interval([c[-1] for c in self.curves])


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean and half the width of its 95% confidence interval, by Student's t; NaN for fewer than two values."""
    n = len(values)
    half = np.std(values, ddof=1) / np.sqrt(n) if n > 1 else np.nan
    return float(np.mean(values)), float(
        half * (T_975[n - 2] if 2 <= n <= len(T_975) + 1 else Z_975)
    )


def compare(
    model: Callable[[int], Any],
    data: Sequence[Batch],
    strategies: Sequence[str | Strategy],
    *,
    updates: int = 100,
    lr: float = 1.0,
    seeds: Sequence[int] = (0, 1, 2),
    draws: int = 100,
    validation: Sequence[Batch] = (),
    checkpoints: int = 20,
    optimizer: Callable[..., Any] = mg.optim.SGD,
    on_update: Callable[[], Any] = lambda: None,
) -> list[Result]:
    """Train model(seed) on the batches with every strategy, and measure each strategy's gradient.

    A model has ``loss(*batch)``. Every strategy gets the same weights, batches and number of updates per seed. The
    gradients are measured on the first batch, at the weights where full backpropagation from the first seed arrives.
    ``on_update`` is called after each of the ``work(...)`` pieces of work.
    """
    chosen = [s if isinstance(s, Strategy) else Strategy.of(s) for s in strategies]
    if not chosen or not data or not seeds:
        raise ArgumentError(
            "compare",
            got="no strategy, no data or no seed",
            expected="expected one of each at least",
        )
    marks = sorted({round(k * updates / checkpoints) for k in range(checkpoints + 1)})
    held = validation or data

    def curve(strategy: Strategy, seed: int) -> tuple[Any, list[float], list[float], list[bool]]:
        net, losses, seconds, clipped = model(seed), [], [], []
        ps = parameters(net)
        optim, rng = optimizer(ps, lr), np.random.default_rng((seed, 7))
        order = np.random.default_rng((seed, 8)).integers(len(data), size=updates)
        for k in range(updates + 1):
            if k in marks:
                losses.append(_mean_loss(net, held))
            if k < updates:
                start = time.perf_counter()
                g, was_clipped = _update(net, ps, data[order[k]], strategy, rng)
                optim.step(g)
                seconds.append(time.perf_counter() - start)
                clipped.append(was_clipped)
                on_update()
        return net, losses, seconds, clipped

    full, *_ = curve(Strategy.of("full,clip=1"), seeds[0])
    results = []
    for strategy in chosen:
        runs = [curve(strategy, seed) for seed in seeds]
        results.append(
            Result(
                strategy.name,
                *_statistics(full, data[0], strategy, draws if strategy.random else 1),
                milliseconds=1e3 * float(np.median([s for r in runs for s in r[2]])),
                megabytes=_peak(full, data[0], strategy),
                clipped=float(np.mean([c for r in runs for c in r[3]])),
                updates=marks,
                curves=[r[1] for r in runs],
            )
        )
    return results


def work(strategies: Sequence[Any], updates: int, seeds: Sequence[int]) -> int:
    """How often ``compare`` calls on_update."""
    return updates * (len(strategies) * len(seeds) + 1)


def _gradient(
    net: Any, ps: list[Tensor], batch: Batch, strategy: Strategy, rng: np.random.Generator
) -> list[Array]:
    tape = strategy.rewrite(Tape.of(net.loss(*batch)), rng)
    return [g.data for g in mg.grad(tape.outputs[0], ps)]


def _update(
    net: Any, ps: list[Tensor], batch: Batch, strategy: Strategy, rng: np.random.Generator
) -> tuple[list[Array], bool]:
    """The gradients to step along, and whether they were clipped."""
    found = _gradient(net, ps, batch, strategy, rng)
    if not all(np.isfinite(g).all() for g in found):
        remedy = "Lower the learning rate or add ,clip=1"
        raise DataError(
            f"compare: {strategy.name}", got="the gradient is no longer finite", remedy=remedy
        )
    if strategy.max_norm == np.inf:
        return found, False
    shrink = gates.shrink(gates.norm(*found), strategy.max_norm)
    return [g * shrink for g in found], bool(shrink < 1)


def _mean_loss(net: Any, batches: Sequence[Batch]) -> float:
    with mg.no_grad():
        return float(np.mean([net.loss(*b).item() for b in batches]))


def _statistics(net: Any, batch: Batch, strategy: Strategy, draws: int) -> Numbers:
    """(draws, bias, bias_error, spread, cosine, cosine_half) of the unclipped gradient."""
    ps, rng = parameters(net), np.random.default_rng(9)
    tape = Tape.of(net.loss(*batch))

    def flat(rewritten: Tape) -> Array:
        return np.concatenate([g.data.ravel() for g in mg.grad(rewritten.outputs[0], ps)]).astype(
            np.float64
        )

    exact = flat(tape)
    length = np.linalg.norm(exact) or 1.0
    mean, squares, cosines = np.zeros_like(exact), 0.0, []
    for n in range(1, draws + 1):  # Welford's recurrence: one gradient in memory, not all of them
        g = flat(strategy.rewrite(tape, rng))
        before = mean
        mean = mean + (g - mean) / n
        squares += float((g - before) @ (g - mean))
        cosines.append(float(g @ exact / (length * (np.linalg.norm(g) or 1.0))))
    variance = squares / max(draws - 1, 1)
    cosine, half = interval(cosines) if draws > 1 else (cosines[0], 0.0)
    bias = float(np.linalg.norm(mean - exact) / length)
    return (
        draws,
        bias,
        float(np.sqrt(variance / draws) / length),
        float(np.sqrt(variance) / length),
        cosine,
        half,
    )


def _peak(net: Any, batch: Batch, strategy: Strategy) -> float:
    """Megabytes that one gradient needs beyond the model, forward and backward, as Python's allocator counts them."""
    ps, tracing = parameters(net), tracemalloc.is_tracing()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    _gradient(net, ps, batch, strategy, np.random.default_rng(9))
    peak = tracemalloc.get_traced_memory()[1] - before
    if not tracing:
        tracemalloc.stop()
    return peak / 1e6


def table(results: Sequence[Result]) -> str:
    """The results as text, one strategy a line."""
    width = max(8, *(len(r.name) for r in results))
    head = f"{'strategy':{width}}  {'bias':>16}  {'spread':>7}  {'cosine':>15}  {'ms/update':>9}  {'peak MB':>7}"
    lines = [f"{head}  {'clipped':>7}  {'final loss':>17}"]
    for r in results:
        bias = f"{r.bias:.3f} ({r.bias_error:.3f})" if r.draws > 1 else f"{r.bias:.3f}        "
        cosine = (
            f"{r.cosine:.3f} ± {r.cosine_half:.3f}" if r.draws > 1 else f"{r.cosine:.3f}        "
        )
        final, half = r.final
        lines.append(
            f"{r.name:{width}}  {bias:>16}  {r.spread:7.3f}  {cosine:>15}  {r.milliseconds:9.1f}  {r.megabytes:7.1f}"
            f"  {r.clipped:7.0%}  {final:8.4f} ± {half:.4f}"
        )
    return "\n".join(lines)


def as_json(results: Sequence[Result], **about: Any) -> bytes:
    """Everything, with what was asked for in ``about``."""
    return json.dumps({**about, "results": [asdict(r) for r in results]}, indent=1).encode()


def as_csv(results: Sequence[Result]) -> bytes:
    """One line per strategy, without the curves."""
    text = io.StringIO()
    numbers = [
        {k: v for k, v in asdict(r).items() if k not in ("updates", "curves")} for r in results
    ]
    rows = [
        {**n, "final": r.final[0], "final_half": r.final[1]}
        for n, r in zip(numbers, results, strict=True)
    ]
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
