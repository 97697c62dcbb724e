"""Long memory measured: an LSTM solves what a tanh RNN does not, unless truncation is too short."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
from minigrad import Tape
from minigrad.models.cells import CELLS, LSTMCell, parameters
from minigrad.models.data.tasks import (
    ADDING_BASELINE,
    Reader,
    adding,
    copy_baseline,
    copy_memory,
    recall,
)
from minigrad.models.lab import tables
from minigrad.models.lab.strategy import Strategy
from minigrad.models.train.loop import clipped

HIDDEN = 24
BATCH = 32
MAX_NORM = 1.0
# Of each trial: the batches that are not learned from, and how often their loss is taken.
VALIDATION_BATCHES = 8
CHECKPOINTS = 10
# What random numbers are for, beside the seed.
TRAINING_STREAM = 3
VALIDATION_STREAM = 4
# Above this share of the baseline a trial has learned nothing.
STUCK_SHARE = 0.8


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

    @property
    def outcome(self) -> str:
        """What is to be said of it in one or three words."""
        if self.solved:
            return "solved"
        stuck = self.losses[-1] > STUCK_SHARE * self.baseline
        return "at the baseline" if stuck else "below the baseline"


def _cell(kind: str, inputs: int, rng: np.random.Generator) -> Any:
    """Weights from N(0, 1/fan-in); the LSTM's forget gate starts open (b_f = 1, Gers 2000)."""
    cell = CELLS[kind].make(inputs, HIDDEN, rng, sigma=1 / np.sqrt(HIDDEN))
    if isinstance(cell, LSTMCell):
        cell.b_f.assign(np.ones(HIDDEN))
    return cell


def adding_task(steps: int) -> Task:
    """The adding problem over so many steps."""

    def make(kind: str, seed: int) -> Reader:
        rng = np.random.default_rng(seed)
        return Reader(_cell(kind, 2, rng), HIDDEN, 1, rng, every=False)

    return Task(
        f"adding, {steps} steps",
        make,
        batch=lambda rng: adding(BATCH, steps, rng),
        baseline=ADDING_BASELINE,
    )


def copy_task(lag: int, length: int = 1, symbols: int = 4) -> Task:
    """Copy memory with so many blanks between."""
    classes = symbols + 2

    def make(kind: str, seed: int) -> Reader:
        rng = np.random.default_rng(seed)
        cell = _cell(kind, classes, rng)
        return Reader(cell, HIDDEN, classes, rng, every=True, classes=classes)

    return Task(
        f"copy {length} of {symbols}, lag {lag}",
        make,
        batch=lambda rng: copy_memory(BATCH, lag, rng, length, symbols),
        baseline=copy_baseline(lag, length, symbols),
    )


def recall_task(steps: int, symbols: int = 4) -> Task:
    """Recall of the first symbol, by a cell whose input weights do not tell the symbols apart yet.

    They are zero. They are read at step 1 and matter at step T only. Where the gradient does not go
    back steps - 1 steps it is exactly zero, they stay zero, and every symbol gets the same answer:
    the loss cannot fall below ln(symbols).
    """
    classes = symbols + 2

    def make(kind: str, seed: int) -> Reader:
        rng = np.random.default_rng(seed)
        cell = _cell(kind, classes, rng)
        reader = Reader(cell, HIDDEN, symbols, rng, every=False, classes=classes)
        is_symbol = np.arange(classes) >= classes - symbols
        for p in parameters(reader.cell):
            if p.label.startswith("W_x"):
                p.assign(p.data * ~is_symbol[:, None])
        return reader

    return Task(
        f"recall, {steps} steps",
        make,
        batch=lambda rng: recall(BATCH, steps, rng, symbols),
        baseline=float(np.log(symbols)),
    )


def trial(
    task: Task,
    kind: str,
    strategy: str,
    updates: int,
    seed: int,
    lr: float = 0.01,
    on_update: Callable[[], Any] = lambda: None,
) -> Trial:
    """Train the task's model by Adam, the gradient clipped to 1, on a new batch every time.

    ``kind`` is the cell, ``strategy`` as ``Strategy.of`` reads it; ``on_update`` is called after
    each update.
    """
    model = task.make(kind, seed)
    truncation = Strategy.of(strategy)
    params = parameters(model)
    rng = np.random.default_rng((seed, TRAINING_STREAM))
    optimizer = mg.optim.Adam(params, lr)
    held = _validation(task, seed)
    interval = max(1, updates // CHECKPOINTS)
    losses = []
    for update in range(updates + 1):
        if update % interval == 0:
            losses.append(_mean_loss(model, held))
        if update < updates:
            x, y = task.batch(rng)
            tape = Tape.of(model.loss(x, y))
            grads = clipped(truncation.gradient(tape, params, rng), MAX_NORM).grads
            optimizer.step(grads)
            on_update()
    return Trial(task.name, kind, strategy, seed, task.baseline, losses)


def _validation(task: Task, seed: int) -> list[tuple[Any, Any]]:
    """Batches that no update sees."""
    batches = []
    for k in range(VALIDATION_BATCHES):
        rng = np.random.default_rng((seed, k, VALIDATION_STREAM))
        batches.append(task.batch(rng))
    return batches


def _mean_loss(model: Reader, batches: Sequence[tuple[Any, Any]]) -> float:
    with mg.no_grad():
        losses = [model.loss(x, y).item() for x, y in batches]
    return float(np.mean(losses))


class Planned(NamedTuple):
    """A trial to come."""

    task: Task
    cell: str
    strategy: str
    updates: int
    seed: int


def plan(updates: int, seed: int) -> list[Planned]:
    """The trials, for so many updates of the quickest; in recall the symbol is 21 steps back."""
    copied = copy_task(20)
    recalled = recall_task(22, symbols=2)
    added = adding_task(30)
    trials = []
    for strategy in ("every=11", "window=20", "window=21"):
        trials.append(Planned(recalled, "lstm", strategy, updates, seed))
    for cell in ("lstm", "rnn"):
        trials.append(Planned(copied, cell, "full", 3 * updates, seed))
    for k in range(3):
        for cell in ("lstm", "rnn"):
            trials.append(Planned(added, cell, "full", 4 * updates, seed + k))
    return trials


def memory(
    updates: int = 200, seed: int = 0, on_update: Callable[[], Any] = lambda: None
) -> list[Trial]:
    """Every trial of the plan."""
    return [trial(*planned, on_update=on_update) for planned in plan(updates, seed)]


def table(trials: Sequence[Trial]) -> str:
    """One line per trial."""
    head = f"{'task':22} {'cell':5} {'strategy':10} {'seed':>4}"
    lines = [f"{head} {'baseline':>9} {'loss':>9}"]
    for t in trials:
        which = f"{t.task:22} {t.cell:5} {t.strategy:10} {t.seed:4d}"
        lines.append(f"{which} {t.baseline:9.4f} {t.losses[-1]:9.4f}  {t.outcome}")
    return "\n".join(lines)


def as_csv(trials: Sequence[Trial]) -> bytes:
    """One line per trial, with the last loss alone."""
    columns = ("task", "cell", "strategy", "seed", "baseline", "loss")
    rows = [(t.task, t.cell, t.strategy, t.seed, t.baseline, t.losses[-1]) for t in trials]
    return tables.as_csv(columns, rows)


def as_json(trials: Sequence[Trial], **about: Any) -> bytes:
    """Every trial, with what was asked for in ``about``."""
    return tables.as_json({**about, "trials": [asdict(t) for t in trials]}, indent=1)
