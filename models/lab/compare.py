"""Strategies of truncation side by side: what they do to a gradient, their cost, how they train."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.errors import ArgumentError, DataError
from minigrad.internal import Array
from minigrad.models.cells import parameters
from minigrad.models.train.loop import clipped

from .measures import Batch, Statistics, gradient, gradient_statistics, peak_megabytes
from .result import Result
from .strategy import Strategy

# What random numbers are for, beside the seed: the strategy's draws, the order of the batches.
STRATEGY_STREAM = 7
ORDER_STREAM = 8


@dataclass(frozen=True)
class Run:
    """One training: the model, its losses at the checkpoints; seconds and clipped per update."""

    model: Any
    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    clipped: list[bool] = field(default_factory=list)


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
            grads = gradient(run.model, self.data[batch], strategy, params, rng)
            _refuse_nonfinite(grads, strategy)
            result = clipped(grads, strategy.max_norm)
            optimizer.step(result.grads)
            run.seconds.append(time.perf_counter() - start)
            run.clipped.append(result.clipped_norm < result.norm)
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
        statistics = gradient_statistics(measured, data[0], strategy, needed_draws)
        megabytes = peak_megabytes(measured, data[0], strategy)
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


def _refuse_nonfinite(grads: Sequence[Array], strategy: Strategy) -> None:
    finite = [np.isfinite(g).all() for g in grads]
    if not all(finite):
        got = "the gradient is no longer finite"
        remedy = "Lower the learning rate or add ,clip=1"
        raise DataError(f"compare: {strategy.name}", got=got, remedy=remedy)
