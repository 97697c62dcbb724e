"""What ``minigrad compare`` does once its options are read: one function per experiment."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.errors import ArgumentError
from minigrad.files import refuse_unwritable, write_atomically
from minigrad.models.book import balancing, clipping, exercises, long_memory
from minigrad.models.data.text import Windows, prepared
from minigrad.models.lab import result
from minigrad.models.lab.compare import compare as compare_strategies
from minigrad.models.lab.compare import work
from minigrad.models.lab.strategy import Strategy
from minigrad.models.language_model import RNNLM
from minigrad.models.train.bar import progress

from .outputs import PLOTS, command, refuse_unplottable

DATA = (".csv", ".json")
STRATEGIES = (
    "full",
    "every=4",
    "every=16",
    "window=4",
    "window=16",
    "random=0.9",
    "segments=0.9",
    "artbp=8",
)
LEARNING_RATE = 0.01
MAX_BATCH = 64
MAX_BATCHES = 40
VALIDATION_WINDOWS = 512
# The bar of the balancing experiment counts thousands.
STEPS_PER_PIECE = 1000


@dataclass(frozen=True)
class Outcome:
    """What an experiment leaves, to be written where it is asked for: a plot, CSV, JSON."""

    plot: Callable[[Any], Any]
    csv: Callable[[], bytes]
    json: Callable[[], bytes]


def compare(args: argparse.Namespace) -> None:
    """Run one experiment, print its table, write the files asked for."""
    for path in args.output:
        refuse_unwritable(path, (*PLOTS, *DATA))
        if Path(path).suffix.lower() in PLOTS:
            refuse_unplottable(path)
    outcome = EXPERIMENTS[args.experiment](args)
    if outcome is None:
        return
    for path in args.output:
        written = _write(outcome, path)
        print(f"wrote {written}")


def _write(outcome: Outcome, path: str) -> Path:
    """The plot or the numbers, by the suffix."""
    suffix = Path(path).suffix.lower()
    if suffix == ".csv":
        return write_atomically(path, outcome.csv())
    if suffix == ".json":
        return write_atomically(path, outcome.json())
    # Only here: viz needs libraries that the tables do without.
    from minigrad import viz
    from minigrad.viz.plots import comparison

    return viz.render(outcome.plot(comparison), path)


def _strategies(args: argparse.Namespace) -> Outcome:
    """The language model on a text under every strategy."""
    strategies = [Strategy.of(name) for name in args.strategies or STRATEGIES]
    text = prepared(args.text)
    rng = np.random.default_rng(args.seed)
    windows = text.windows(args.steps)
    batches = _batches(windows, rng)
    validation = _validation(windows, rng)
    seeds = range(args.seed, args.seed + args.seeds)
    lr = args.lr or LEARNING_RATE
    print(f"text: {text.source}")
    training = f"Adam lr {lr:g}; {len(batches)} batches of {len(batches[0][0])} windows"
    print(
        f"model: {args.cell}, {args.hidden} hidden; {training} of {args.steps}; "
        f"{args.updates} updates, seeds {seeds[0]} to {seeds[-1]}"
    )

    def model(seed: int) -> RNNLM:
        return RNNLM(args.cell, args.hidden, len(text.vocab.tokens), seed)

    with progress(work(strategies, args.updates, seeds)) as bar:
        results = compare_strategies(
            model,
            batches,
            strategies,
            updates=args.updates,
            lr=lr,
            optimizer=mg.optim.Adam,
            seeds=seeds,
            draws=args.draws,
            on_update=bar.update,
            validation=[validation],
        )
    print(result.table(results))

    def plot(comparison: Any) -> Any:
        return comparison.strategies(results, result.interval, "validation loss (nats)")

    return Outcome(
        plot,
        csv=partial(result.as_csv, results),
        json=partial(result.as_json, results, command=command(), text=text.source),
    )


def _batches(windows: Windows, rng: np.random.Generator) -> list[tuple[Any, Any]]:
    """Inputs and targets of random windows, the same ones for every strategy."""
    size = min(MAX_BATCH, len(windows.train))
    count = min(MAX_BATCHES, len(windows.train) // size)
    order = rng.permutation(len(windows.train))
    batches = []
    for places in order[: count * size].reshape(count, size):
        rows = windows.train[places]
        batches.append((rows[:, :-1], rows[:, 1:]))
    return batches


def _validation(windows: Windows, rng: np.random.Generator) -> tuple[Any, Any]:
    """Inputs and targets that nothing is learned from."""
    order = rng.permutation(len(windows.validation))
    rows = windows.validation[order[:VALIDATION_WINDOWS]]
    return rows[:, :-1], rows[:, 1:]


def _balancing(_: argparse.Namespace) -> Outcome:
    """Tallec and Ollivier's example."""
    artbp_runs = len(balancing.MEAN_LENGTHS) * len(balancing.SEEDS)
    runs = len(balancing.TRUNCATIONS) + artbp_runs
    with progress(runs * balancing.STEPS // STEPS_PER_PIECE) as bar:
        results = balancing.balancing(on_step=_Pieces(bar.update))
    print(balancing.table(results))
    return Outcome(
        plot=lambda comparison: comparison.balancing(results, balancing.OPTIMUM),
        csv=partial(balancing.as_csv, results),
        json=partial(balancing.as_json, results, command=command()),
    )


@dataclass
class _Pieces:
    """Counts steps, and says so whenever a thousand are full."""

    on_piece: Callable[[], Any]
    steps: int = 0

    def __call__(self, steps: int) -> None:
        before = self.steps // STEPS_PER_PIECE
        self.steps += steps
        for _ in range(before, self.steps // STEPS_PER_PIECE):
            self.on_piece()


def _memory(args: argparse.Namespace) -> Outcome:
    """Copy memory and the adding problem."""
    trials_to_come = long_memory.plan(args.updates, args.seed)
    updates = sum(planned.updates for planned in trials_to_come)
    with progress(updates) as bar:
        trials = long_memory.memory(args.updates, args.seed, bar.update)
    print(long_memory.table(trials))
    return Outcome(
        plot=lambda comparison: comparison.memory(trials),
        csv=partial(long_memory.as_csv, trials),
        json=partial(long_memory.as_json, trials, command=command()),
    )


def _clipping(args: argparse.Namespace) -> Outcome:
    """The book's RNN at a raised learning rate, with clipping and without."""
    text = prepared(args.text)
    print(f"text: {text.source}")
    with progress(2 * args.updates) as bar:
        runs = clipping.clipping(
            text.windows(args.steps),
            len(text.vocab.tokens),
            lr=args.lr or clipping.LEARNING_RATE,
            updates=args.updates,
            hidden=args.hidden,
            seed=args.seed,
            on_update=bar.update,
        )
    print(clipping.table(runs))
    return Outcome(
        plot=lambda comparison: comparison.clipping(runs),
        csv=partial(clipping.as_csv, runs),
        json=partial(clipping.as_json, runs, command=command()),
    )


def _exercises(args: argparse.Namespace) -> None:
    """The book's exercises; tables only."""
    if args.output:
        got = f"-o {args.output[0]}"
        raise ArgumentError("compare exercises", got=got, expected="these are tables only")
    print(exercises.power_table(), end="\n\n")
    print(exercises.eigenvalue_table(), end="\n\n")
    remedies = exercises.remedies()
    print(exercises.remedy_table(remedies))


EXPERIMENTS: dict[str, Callable[[argparse.Namespace], Outcome | None]] = {
    "strategies": _strategies,
    "influence-balancing": _balancing,
    "memory": _memory,
    "clipping": _clipping,
    "exercises": _exercises,
}
