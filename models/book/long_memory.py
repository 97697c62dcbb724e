"""Long memory measured: an LSTM solves what a tanh RNN does not, and truncation shorter than the lag forbids it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tape
from minigrad.core import gates
from minigrad.models.cells import LSTMCell, RNNCell, parameters
from minigrad.models.data.tasks import (
    ADDING_BASELINE,
    Reader,
    adding,
    copy_baseline,
    copy_memory,
    recall,
)
from minigrad.models.lab.strategy import Strategy

HIDDEN, BATCH = 24, 32


@dataclass(frozen=True)
class Task:
    """A name, a model of a cell, batches, and the loss of knowing nothing."""

    name: str
    make: Callable[[str, int], Reader]
    batch: Callable[[np.random.Generator], tuple[Any, Any]]
    baseline: float


@dataclass(frozen=True)
class Trial:
    """One training: the losses on fresh batches after every tenth of the updates."""

    task: str
    cell: str
    strategy: str
    seed: int
    baseline: float
    losses: list[float]

    @property
    def solved(self) -> bool:
        """Whether the loss ended below a third of the baseline."""
        return self.losses[-1] < self.baseline / 3


def _cell(kind: str, inputs: int, rng: np.random.Generator) -> Any:
    """Weights from N(0, 1/fan-in); the LSTM's forget gate starts open (b_f = 1, Gers 2000)."""
    cell = {"rnn": RNNCell, "lstm": LSTMCell}[kind](inputs, HIDDEN, rng, sigma=1 / np.sqrt(HIDDEN))
    if isinstance(cell, LSTMCell):
        cell.b_f.assign(np.ones(HIDDEN))
    return cell


def adding_task(steps: int) -> Task:
    """The adding problem over so many steps."""

    def make(kind: str, seed: int) -> Reader:
        rng = np.random.default_rng(seed)
        return Reader(_cell(kind, 2, rng), HIDDEN, 1, rng, every=False)

    return Task(
        f"adding, {steps} steps", make, lambda rng: adding(BATCH, steps, rng), ADDING_BASELINE
    )


def copy_task(lag: int, length: int = 1, symbols: int = 4) -> Task:
    """Copy memory with so many blanks between."""
    classes = symbols + 2

    def make(kind: str, seed: int) -> Reader:
        rng = np.random.default_rng(seed)
        return Reader(_cell(kind, classes, rng), HIDDEN, classes, rng, every=True, classes=classes)

    name, base = f"copy {length} of {symbols}, lag {lag}", copy_baseline(lag, length, symbols)
    return Task(name, make, lambda rng: copy_memory(BATCH, lag, rng, length, symbols), base)


def recall_task(steps: int, symbols: int = 4) -> Task:
    """Recall of the first symbol, by a cell whose input weights do not tell the symbols apart yet: they are zero.

    Those weights are read at step 1 and matter at step T only. Where the gradient does not go back steps - 1 steps
    it is exactly zero, they stay zero, and every symbol gets the same answer: the loss cannot fall below ln(symbols).
    """
    classes = symbols + 2

    def make(kind: str, seed: int) -> Reader:
        rng = np.random.default_rng(seed)
        reader = Reader(
            _cell(kind, classes, rng), HIDDEN, symbols, rng, every=False, classes=classes
        )
        for p in parameters(reader.cell):
            if p.label.startswith("W_x"):
                p.assign(p.data * (np.arange(classes) < 2)[:, None])
        return reader

    name = f"recall, {steps} steps"
    return Task(name, make, lambda rng: recall(BATCH, steps, rng, symbols), float(np.log(symbols)))


def trial(
    task: Task,
    kind: str,
    strategy: str,
    updates: int,
    seed: int,
    lr: float = 0.01,
    on_update: Callable[[], Any] = lambda: None,
) -> Trial:
    """Train by Adam, the gradient clipped to 1, on a new batch every time."""
    model, chosen = task.make(kind, seed), Strategy.of(strategy)
    ps, rng = parameters(model), np.random.default_rng((seed, 3))
    optimizer, held = (
        mg.optim.Adam(ps, lr),
        [task.batch(np.random.default_rng((seed, k, 4))) for k in range(8)],
    )
    losses = []
    for k in range(updates + 1):
        if k % max(1, updates // 10) == 0:
            with mg.no_grad():
                losses.append(float(np.mean([model.loss(*b).item() for b in held])))
        if k < updates:
            tape = chosen.rewrite(Tape.of(model.loss(*task.batch(rng))), rng)
            grads = [g.data for g in mg.grad(tape.outputs[0], ps)]
            shrink = gates.shrink(gates.norm(*grads), 1.0)
            optimizer.step([g * shrink for g in grads])
            on_update()
    return Trial(task.name, kind, strategy, seed, task.baseline, losses)


def plan(updates: int, seed: int) -> list[tuple[Task, str, str, int, int]]:
    """(task, cell, strategy, updates, seed); in recall the symbol is 21 steps before its question."""
    copied, asked, added = copy_task(20), recall_task(22, symbols=2), adding_task(30)
    trials = [(asked, "lstm", how, updates, seed) for how in ("every=11", "window=20", "window=21")]
    trials += [(copied, cell, "full", 3 * updates, seed) for cell in ("lstm", "rnn")]
    trials += [
        (added, cell, "full", 4 * updates, seed + k) for k in range(3) for cell in ("lstm", "rnn")
    ]
    return trials


def memory(
    updates: int = 200, seed: int = 0, on_update: Callable[[], Any] = lambda: None
) -> list[Trial]:
    """Every trial of the plan."""
    return [
        trial(task, kind, how, n, s, on_update=on_update)
        for task, kind, how, n, s in plan(updates, seed)
    ]


def table(trials: Sequence[Trial]) -> str:
    """One line per trial."""
    lines = [f"{'task':22} {'cell':5} {'strategy':10} {'seed':>4} {'baseline':>9} {'loss':>9}"]
    for t in trials:
        stuck = "at the baseline" if t.losses[-1] > 0.8 * t.baseline else "below the baseline"
        verdict = "solved" if t.solved else stuck
        which = f"{t.task:22} {t.cell:5} {t.strategy:10} {t.seed:4d}"
        lines.append(f"{which} {t.baseline:9.4f} {t.losses[-1]:9.4f}  {verdict}")
    return "\n".join(lines)
