"""What ``minigrad anatomy`` and ``minigrad compare`` do once their options are read."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.companions import companion
from minigrad.errors import ArgumentError
from minigrad.files import write_atomically
from minigrad.models.book import balancing, clipping, exercises
from minigrad.models.book import long_memory as memory
from minigrad.models.cells import parameters
from minigrad.models.data.stream import drawn
from minigrad.models.data.text import Vocabulary, Windows, load, preprocess
from minigrad.models.lab.compare import as_csv, as_json, compare, interval, table, work
from minigrad.models.lab.report import pieces, report
from minigrad.models.lab.strategy import Strategy
from minigrad.models.language_model import RNNLM
from minigrad.models.train import loop as train
from minigrad.models.train.progress import progress

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
PLOTS, DATA = (".svg", ".png", ".pdf"), (".csv", ".json")


def command() -> str:
    """The command line that is running, as one would type it."""
    return shlex.join(["minigrad", *sys.argv[1:]])


def _writable(path: str, suffixes: Sequence[str]) -> None:
    """Refuse now what could not be written after the work."""
    file = Path(path)
    if file.suffix.lower() not in suffixes:
        expected = f"expected one that ends in {', '.join(suffixes)}"
        raise ArgumentError(
            f"cannot write '{path}'",
            got="of no format that is known by its ending",
            expected=expected,
        )
    if not file.parent.is_dir():
        raise ArgumentError(
            f"cannot write '{path}'", got="its folder does not exist", remedy="Make it first"
        )
    if file.is_dir():
        raise ArgumentError(
            f"cannot write '{path}'", got="it is a folder", remedy="Name a file in it"
        )
    if file.suffix.lower() in (*PLOTS, ".html"):
        companion("minigrad.viz.plots.axes").figure(1, 1)


def anatomy_command(args: argparse.Namespace) -> None:
    """Train the language model on a text for a while, and write the report on its gradient over one window."""
    _writable(args.output, (".html",))
    raw, source = load(args.text)
    print(f"text: {source}")
    for name in args.strategies or ():
        Strategy.of(name)  # a mistake in it is worth no training
    corpus = preprocess(raw)
    vocab = Vocabulary.of(corpus)
    windows = Windows.of(vocab.encode(corpus), args.steps)
    exact = RNNLM(args.cell, args.hidden, len(vocab.tokens), args.seed, np.float64)
    with progress(args.updates) as bar:
        reached = _fit(exact, windows, args.updates, args.lr or 0.01, args.seed, bar.update)
    row = windows.validation[:1]
    tape = mg.Tape.of(exact.loss(row[:, :-1], row[:, 1:]))
    named = {p.label: p for p in tape.parameters}
    if args.wrt and args.wrt not in named:
        raise ArgumentError(
            "--wrt", got=f"'{args.wrt}'", expected=f"expected one of {', '.join(named)}"
        )
    about = {
        "command": command(),
        "text": source,
        "model": f"{args.cell}, {args.hidden} hidden units, {args.updates} updates by Adam, perplexity {reached:.2f}",
        "window": repr(vocab.decode(row[0].tolist())),
    }
    with progress(pieces(tape, args.strategies)) as bar:
        path = report(
            tape,
            args.output,
            named.get(args.wrt),
            strategies=args.strategies,
            seed=args.seed,
            about=about,
            title=f"Anatomy of a gradient: {args.cell}, {args.steps} steps",
            on_step=bar.update,
        )
    print(f"model: {about['model']}")
    print(f"wrote {path}")


def _fit(
    model: RNNLM, windows: Windows, updates: int, lr: float, seed: int, on_update: Callable[[], Any]
) -> float:
    """Train on batches of 32 windows; returns the perplexity on some of the others."""
    chunks = drawn(windows.train, 32, updates, np.random.default_rng((seed, 2)))
    for u in train.updates(model, chunks, None, 1.0, mg.optim.Adam(parameters(model), lr)):
        train.refuse_nonfinite(u)
        on_update()
    return train.perplexity(model, windows.validation[::20])


def compare_command(args: argparse.Namespace) -> None:
    """Run one experiment, print its table, write the files asked for."""
    for path in args.output:
        _writable(path, (*PLOTS, *DATA))
    EXPERIMENTS[args.experiment](args)


def _write(
    args: argparse.Namespace, chart: Callable[[], Any], data: dict[str, Callable[[], bytes]]
) -> None:
    """Every file asked for, by its suffix: the plot, or the numbers."""
    for path in args.output:
        suffix = Path(path).suffix.lower()
        if suffix in PLOTS:
            print(f"wrote {companion('minigrad.viz.plots.axes').save(chart(), path)}")
        else:
            print(f"wrote {write_atomically(path, data[suffix]())}")


def _strategies(args: argparse.Namespace) -> None:
    """The language model on a text under every strategy."""
    chosen = [Strategy.of(name) for name in args.strategies or STRATEGIES]
    raw, source = load(args.text)
    corpus = preprocess(raw)
    vocab = Vocabulary.of(corpus)
    windows = Windows.of(vocab.encode(corpus), args.steps)
    rng = np.random.default_rng(args.seed)
    size = min(64, len(windows.train))
    count = min(40, len(windows.train) // size)
    picked = rng.permutation(len(windows.train))[: count * size].reshape(count, size)
    batches = [(windows.train[i][:, :-1], windows.train[i][:, 1:]) for i in picked]
    held = windows.validation[rng.permutation(len(windows.validation))[:512]]
    seeds, lr = range(args.seed, args.seed + args.seeds), args.lr or 0.01
    print(f"text: {source}")
    print(
        f"model: {args.cell}, {args.hidden} hidden; Adam lr {lr:g}; {len(batches)} batches of {size} windows of "
        f"{args.steps}; {args.updates} updates, seeds {seeds[0]} to {seeds[-1]}"
    )
    with progress(work(chosen, args.updates, seeds)) as bar:
        results = compare(
            lambda seed: RNNLM(args.cell, args.hidden, len(vocab.tokens), seed),
            batches,
            chosen,
            updates=args.updates,
            lr=lr,
            optimizer=mg.optim.Adam,
            seeds=seeds,
            draws=args.draws,
            on_update=bar.update,
            validation=[(held[:, :-1], held[:, 1:])],
        )
    print(table(results))
    _write(
        args,
        lambda: companion("minigrad.viz.plots.comparison").strategies(
            results, interval, "validation loss (nats)"
        ),
        {
            ".csv": lambda: as_csv(results),
            ".json": lambda: as_json(results, command=command(), text=source),
        },
    )


def _balancing(args: argparse.Namespace) -> None:
    """Tallec and Ollivier's example."""
    runs = len(balancing.TRUNCATIONS) + len(balancing.LENGTHS) * len(balancing.SEEDS)
    thousands = balancing.STEPS // 1000
    with progress(runs * thousands) as bar:
        done = [0]

        def on_step(n: int) -> None:
            before, done[0] = done[0] // 1000, done[0] + n
            for _ in range(before, done[0] // 1000):
                bar.update()

        results = balancing.balancing(on_step=on_step)
    print(balancing.table(results))
    _write(
        args,
        lambda: companion("minigrad.viz.plots.comparison").balancing(results, balancing.OPTIMUM),
        {
            ".csv": lambda: balancing.as_csv(results),
            ".json": lambda: balancing.as_json(results, command=command()),
        },
    )


def _memory(args: argparse.Namespace) -> None:
    """Copy memory and the adding problem."""
    with progress(sum(n for *_, n, _ in memory.plan(args.updates, args.seed))) as bar:
        trials = memory.memory(args.updates, args.seed, bar.update)
    print(memory.table(trials))
    rows = [asdict(t) for t in trials]
    _write(
        args,
        lambda: companion("minigrad.viz.plots.comparison").memory(trials),
        {
            ".csv": lambda: "\n".join(
                [
                    "task,cell,strategy,seed,baseline,loss",
                    *(
                        f'"{t.task}",{t.cell},{t.strategy},{t.seed},{t.baseline!r},{t.losses[-1]!r}'
                        for t in trials
                    ),
                    "",
                ]
            ).encode(),
            ".json": lambda: json.dumps({"command": command(), "trials": rows}, indent=1).encode(),
        },
    )


def _clipping(args: argparse.Namespace) -> None:
    """The book's RNN at a raised learning rate, with clipping and without."""
    raw, source = load(args.text)
    corpus = preprocess(raw)
    vocab = Vocabulary.of(corpus)
    print(f"text: {source}")
    with progress(2 * args.updates) as bar:
        runs = clipping.clipping(
            Windows.of(vocab.encode(corpus), args.steps),
            len(vocab.tokens),
            lr=args.lr or clipping.RATE,
            updates=args.updates,
            hidden=args.hidden,
            seed=args.seed,
            on_update=bar.update,
        )
    print(clipping.table(runs))
    _write(
        args,
        lambda: companion("minigrad.viz.plots.comparison").clipping(runs),
        {
            ".csv": lambda: "\n".join(
                [
                    "run,update,loss,before,after",
                    *(
                        f"{r.name},{k},{a!r},{b!r},{c!r}"
                        for r in runs
                        for k, (a, b, c) in enumerate(zip(r.losses, r.before, r.after, strict=True))
                    ),
                    "",
                ]
            ).encode(),
            ".json": lambda: json.dumps(
                {"command": command(), "runs": [asdict(r) for r in runs]}
            ).encode(),
        },
    )


def _exercises(args: argparse.Namespace) -> None:
    """The book's exercises; tables only."""
    if args.output:
        raise ArgumentError(
            "compare exercises", got=f"-o {args.output[0]}", expected="these are tables only"
        )
    print(exercises.power_table(), exercises.eigenvalue_table(), sep="\n\n")
    print("\n" + exercises.remedy_table(exercises.remedies()))


EXPERIMENTS = {
    "strategies": _strategies,
    "influence-balancing": _balancing,
    "memory": _memory,
    "clipping": _clipping,
    "exercises": _exercises,
}
