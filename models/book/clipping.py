"""Clipping measured: without it the loss spikes, with it it does not; the book's RNN at a raised learning rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.models.cells import parameters
from minigrad.models.data.stream import drawn
from minigrad.models.data.text import Windows
from minigrad.models.language_model import RNNLM
from minigrad.models.train import loop as train

RATE, BOUND = 5.0, 0.3  # the book trains at 1 and clips to 1, with 1024 examples at a time


@dataclass(frozen=True)
class Run:
    """Per update: the loss, and the norm of the gradient before and after clipping."""

    name: str
    losses: list[float] = field(default_factory=list)
    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)

    @property
    def clipped(self) -> float:
        """The share of updates that were clipped."""
        return float(np.mean([a < b for a, b in zip(self.after, self.before, strict=True)]))

    @property
    def spikes(self) -> int:
        """How often the loss is more than half a nat above the lowest so far, counted where it rises there."""
        lowest = np.minimum.accumulate(self.losses)
        high = np.array(self.losses) > lowest + 0.5
        return int(np.sum(high[1:] & ~high[:-1]))


def clipping(
    windows: Windows,
    vocab: int,
    max_norm: float = BOUND,
    lr: float = RATE,
    updates: int = 200,
    hidden: int = 32,
    batch: int = 128,
    seed: int = 0,
    on_update: Callable[[], Any] = lambda: None,
) -> list[Run]:
    """SGD at the same rate from the same weights on the same batches, without clipping and with it."""
    runs = []
    for name, bound in (("not clipped", np.inf), (f"clipped to {max_norm:g}", max_norm)):
        model, rng, run = (
            RNNLM("rnn", hidden, vocab, seed),
            np.random.default_rng((seed, 5)),
            Run(name),
        )
        chunks, optimizer = (
            drawn(windows.train, batch, updates, rng),
            mg.optim.SGD(parameters(model), lr),
        )
        for u in train.updates(model, chunks, None, bound, optimizer):
            train.refuse_nonfinite(u)
            run.losses.append(u.loss)
            run.before.append(u.norm)
            run.after.append(u.clipped_norm)
            on_update()
        runs.append(run)
    return runs


def table(runs: Sequence[Run]) -> str:
    """One line per run."""
    head = f"{'':14}  {'spikes':>6}  {'highest above lowest':>20}  {'last 20':>8}  {'clipped':>7}"
    lines = [f"{head}  {'norm before: median, largest':>28}  {'after: largest':>14}"]
    for r in runs:
        rise = float(np.max(np.array(r.losses) - np.minimum.accumulate(r.losses)))
        lines.append(
            f"{r.name:14}  {r.spikes:6d}  {rise:20.2f}  {np.mean(r.losses[-20:]):8.3f}  {r.clipped:7.0%}"
            f"  {f'{np.median(r.before):.3g}, {max(r.before):.3g}':>28}  {max(r.after):14.3g}"
        )
    return "\n".join(lines)
