"""Clipping measured: without it the loss spikes, with it it does not; at a raised learning rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.models.cells import parameters
from minigrad.models.data.stream import drawn
from minigrad.models.data.text import Windows
from minigrad.models.lab import tables
from minigrad.models.language_model import RNNLM
from minigrad.models.train import loop

# The book trains at 1 and clips to 1, with 1024 examples at a time.
LEARNING_RATE = 5.0
MAX_NORM = 0.3
# A spike is a loss so many nats above the lowest so far.
SPIKE_NATS = 0.5
# What the order of the examples is drawn from, beside the seed.
DATA_STREAM = 5


@dataclass(frozen=True)
class Run:
    """Per update: the loss in nats, and the norm of the gradient before and after clipping."""

    name: str
    losses: list[float] = field(default_factory=list)
    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)

    @property
    def clipped(self) -> float:
        """The share of updates that were clipped."""
        shorter = np.array(self.after) < np.array(self.before)
        return float(np.mean(shorter))

    @property
    def spikes(self) -> int:
        """How often the loss is more than half a nat above the lowest so far.

        Counted where it rises there.
        """
        lowest = np.minimum.accumulate(self.losses)
        high = np.array(self.losses) > lowest + SPIKE_NATS
        rises = high[1:] & ~high[:-1]
        return int(np.sum(rises))


def clipping(
    windows: Windows,
    vocab: int,
    max_norm: float = MAX_NORM,
    lr: float = LEARNING_RATE,
    updates: int = 200,
    hidden: int = 32,
    batch: int = 128,
    seed: int = 0,
    on_update: Callable[[], Any] = lambda: None,
) -> list[Run]:
    """SGD of the book's RNN at the same rate from the same weights on the same batches, twice.

    Without clipping, and with the gradient clipped to ``max_norm``. ``vocab`` is the number of
    characters, ``batch`` that of windows at a time; ``on_update`` is called after each update.

    Raises: DataError where the loss is no longer finite.
    """
    runs = []
    for name, bound in (("not clipped", np.inf), (f"clipped to {max_norm:g}", max_norm)):
        run = Run(name)
        model = RNNLM("rnn", hidden, vocab, seed)
        rng = np.random.default_rng((seed, DATA_STREAM))
        chunks = drawn(windows.train, batch, updates, rng)
        optimizer = mg.optim.SGD(parameters(model), lr)
        for update in loop.updates(model, chunks, None, bound, optimizer):
            loop.refuse_nonfinite(update)
            run.losses.append(update.loss)
            run.before.append(update.norm)
            run.after.append(update.clipped_norm)
            on_update()
        runs.append(run)
    return runs


def table(runs: Sequence[Run]) -> str:
    """One line per run."""
    losses = f"{'spikes':>6}  {'highest above lowest':>20}  {'last 20':>8}"
    norms = f"{'norm before: median, largest':>28}  {'after: largest':>14}"
    lines = [f"{'':14}  {losses}  {'clipped':>7}  {norms}"]
    lines.extend(map(_line, runs))
    return "\n".join(lines)


def _line(run: Run) -> str:
    lowest = np.minimum.accumulate(run.losses)
    rise = float(np.max(np.array(run.losses) - lowest))
    losses = f"{run.spikes:6d}  {rise:20.2f}  {np.mean(run.losses[-20:]):8.3f}"
    before = f"{np.median(run.before):.3g}, {max(run.before):.3g}"
    norms = f"{before:>28}  {max(run.after):14.3g}"
    return f"{run.name:14}  {losses}  {run.clipped:7.0%}  {norms}"


def as_csv(runs: Sequence[Run]) -> bytes:
    """One line per update."""
    rows: list[tuple[Any, ...]] = []
    for run in runs:
        numbers = zip(run.losses, run.before, run.after, strict=True)
        for update, (loss, before, after) in enumerate(numbers):
            rows.append((run.name, update, loss, before, after))
    return tables.as_csv(("run", "update", "loss", "before", "after"), rows)


def as_json(runs: Sequence[Run], **about: Any) -> bytes:
    """Every run, with what was asked for in ``about``."""
    return tables.as_json({**about, "runs": [asdict(run) for run in runs]})
