"""Strategies of truncation side by side: what they do to a gradient, their cost, how they train."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError, DataError
from minigrad.internal import Array
from minigrad.models.cells import parameters

from .result import Result, interval
from .strategy import Strategy, clipped

Batch = tuple[Any, ...]

# What random numbers are for: the strategy's draws, the order of the batches, what is measured.
STRATEGY_STREAM = 7
ORDER_STREAM = 8
MEASURING_SEED = 9


@dataclass(frozen=True)
class Run:
    """One training: the model, its losses at the checkpoints; seconds and clipped per update."""

    model: Any
    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    clipped: list[bool] = field(default_factory=list)


class Statistics(NamedTuple):
    """A strategy's gradient against the exact one, as Result has it."""

    draws: int
    bias: float
    bias_error: float
    spread: float
    cosine: float
    cosine_half: float


@dataclass(frozen=True)
class Experiment:
    """What all strategies have in common: model(seed), the batches, and how they are trained on."""

    model: Callable[[int], Any]
    data: Sequence[Batch]
    validation: Sequence[Batch]
    checkpoints: list[int]
    updates: int
    lr: float
    optimizer: Callable[..., Any]
    on_update: Callable[[], Any]

    def train(self, strategy: Strategy, seed: int) -> Run:
        """Train a new model with the strategy. Raises DataError where it diverges."""
        run = Run(self.model(seed))
        params = parameters(run.model)
        optimizer = self.optimizer(params, self.lr)
        rng = np.random.default_rng((seed, STRATEGY_STREAM))
        order = np.random.default_rng((seed, ORDER_STREAM))
        batches = order.integers(len(self.data), size=self.updates)
        for update, batch in enumerate(batches):
            if update in self.checkpoints:
                run.losses.append(self.validation_loss(run.model))
            start = time.perf_counter()
            grads = _gradient(run.model, self.data[batch], strategy, params, rng)
            _refuse_nonfinite(grads, strategy)
            grads, were_clipped = clipped(grads, strategy.max_norm)
            optimizer.step(grads)
            run.seconds.append(time.perf_counter() - start)
            run.clipped.append(were_clipped)
            self.on_update()
        run.losses.append(self.validation_loss(run.model))
        return run

    def validation_loss(self, model: Any) -> float:
        """The mean loss over the batches that nothing is learned from."""
        with mg.no_grad():
            losses = [model.loss(*batch).item() for batch in self.validation]
        return float(np.mean(losses))


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

    A model has ``loss(*batch)``. Every strategy gets the same weights, batches and number of
    updates per seed. The losses at the ``checkpoints`` are means over the batches of ``validation``
    (of the data where there are none). The gradients are measured on the first batch, random ones
    over ``draws`` draws, at the weights where full backpropagation from the first seed arrives.
    ``optimizer(parameters, lr)`` makes the rule; ``on_update`` is called after each of the
    ``work(...)`` pieces of work.

    >>> from minigrad import models
    >>> batch = np.random.default_rng(0).integers(0, 5, (2, 3, 6))
    >>> full, cut = models.compare(
    ...     lambda seed: models.RNNLM("rnn", 4, 5, seed),
    ...     data=[tuple(batch)],
    ...     strategies=["full", "every=2"],
    ...     updates=2,
    ... )
    >>> full.bias, cut.bias > 0
    (0.0, True)

    Raises: ArgumentError for no strategy, no data, no seed or an unknown strategy; DataError where
    a gradient is no longer finite.
    """
    chosen = [s if isinstance(s, Strategy) else Strategy.of(s) for s in strategies]
    if not chosen or not data or not seeds:
        got = "no strategy, no data or no seed"
        raise ArgumentError("compare", got=got, expected="expected one of each at least")
    marks = {round(k * updates / checkpoints) for k in range(checkpoints + 1)}
    experiment = Experiment(
        model,
        data,
        validation or data,
        sorted(marks),
        updates,
        lr,
        optimizer,
        on_update,
    )
    full = Strategy.of("full,clip=1")
    measured = experiment.train(full, seeds[0]).model
    results = []
    for strategy in chosen:
        runs = [experiment.train(strategy, seed) for seed in seeds]
        needed_draws = draws if strategy.random else 1
        statistics = _statistics(measured, data[0], strategy, needed_draws)
        megabytes = _peak(measured, data[0], strategy)
        results.append(_result(strategy, runs, statistics, megabytes, experiment.checkpoints))
    return results


def work(strategies: Sequence[Any], updates: int, seeds: Sequence[int]) -> int:
    """How often ``compare`` calls on_update."""
    return updates * (len(strategies) * len(seeds) + 1)


def _result(
    strategy: Strategy,
    runs: Sequence[Run],
    statistics: Statistics,
    megabytes: float,
    checkpoints: list[int],
) -> Result:
    """All of one strategy."""
    seconds = np.concatenate([run.seconds for run in runs])
    were_clipped = np.concatenate([run.clipped for run in runs])
    return Result(
        strategy.name,
        **statistics._asdict(),
        milliseconds=1e3 * float(np.median(seconds)),
        megabytes=megabytes,
        clipped=float(np.mean(were_clipped)),
        updates=checkpoints,
        curves=[run.losses for run in runs],
    )


def _gradient(
    model: Any,
    batch: Batch,
    strategy: Strategy,
    params: Sequence[Tensor],
    rng: np.random.Generator,
) -> list[Array]:
    """One forward pass, and the gradient by the strategy."""
    # No name for the loss: it would keep the recorded graph alive beside the rewritten one.
    return strategy.gradient(Tape.of(model.loss(*batch)), params, rng)


def _refuse_nonfinite(grads: Sequence[Array], strategy: Strategy) -> None:
    finite = [np.isfinite(g).all() for g in grads]
    if not all(finite):
        got = "the gradient is no longer finite"
        remedy = "Lower the learning rate or add ,clip=1"
        raise DataError(f"compare: {strategy.name}", got=got, remedy=remedy)


def _statistics(model: Any, batch: Batch, strategy: Strategy, draws: int) -> Statistics:
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


def _peak(model: Any, batch: Batch, strategy: Strategy) -> float:
    """Megabytes that one gradient needs beyond the model, as Python's allocator counts them."""
    params = parameters(model)
    rng = np.random.default_rng(MEASURING_SEED)
    was_tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    _gradient(model, batch, strategy, params, rng)
    _, peak = tracemalloc.get_traced_memory()
    if not was_tracing:
        tracemalloc.stop()
    return (peak - before) / 1e6
