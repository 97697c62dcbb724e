"""What ``minigrad figure`` draws."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tape, models, viz
from minigrad.files import make_folder
from minigrad.transforms import truncate, truncate_randomly

Options = argparse.Namespace
# The two layers of the rolled figure.
ROLLED_STEPS = 35
INPUTS = 4
HIDDEN = 3
CLASSES = 4


def draw(args: Options) -> None:
    """Draw one figure into the file that is asked for."""
    make = FIGURES[args.figure]
    path = viz.render(make(args), args.output)
    print(f"wrote {path}")


def draw_all(folder: Path, kinds: Sequence[argparse.ArgumentParser]) -> None:
    """Draw each figure with its defaults into the folder."""
    make_folder(folder)
    for kind in kinds:
        file = folder / f"{kind.get_default('figure')}.svg"
        args = kind.parse_args(["-o", str(file)])
        draw(args)


def _unrolled(args: Options) -> Any:
    example = models.section(args.steps)
    return viz.unrolled(example.tape)


def _strategies(args: Options) -> Any:
    return viz.strategies(
        args.text,
        segment=args.segment,
        keep=args.keep,
        seed=args.seed,
    )


def _rolled(_: Options) -> Any:
    """A character language model of two layers, over the book's 35 steps."""
    lower = models.LSTMCell(INPUTS, HIDDEN, 0)
    upper = models.LSTMCell(HIDDEN, HIDDEN, 0)
    xs = [mg.tensor(np.ones((1, INPUTS))) for _ in range(ROLLED_STEPS)]
    W_hq = mg.tensor(np.ones((HIDDEN, CLASSES)), requires_grad=True, name="W_hq")
    b_q = mg.tensor(np.ones(CLASSES), requires_grad=True, name="b_q")
    hs, _ = models.unroll(models.Stacked(lower, upper), xs)
    outputs = []
    for t, h in enumerate(hs, 1):
        with mg.timestep(t):
            o = h @ W_hq + b_q
            outputs.append(o.named(f"o_{t}"))
    targets = mg.tensor(np.zeros((ROLLED_STEPS, 1), int), name="Y", dtype=int)
    loss: Any = mg.cross_entropy(np.stack(outputs), targets)
    tape = Tape.of(loss.named("L"))
    return viz.draw(tape, "rolled")


def _gradients(args: Options) -> Any:
    example = models.section(args.steps)
    tape = truncate(example.tape, every=args.segment)
    return viz.unrolled(tape, grads=True)


def _compare(args: Options) -> Any:
    full = models.section(args.steps).tape
    rows = [
        ("full", full),
        (f"every {args.segment} steps", truncate(full, every=args.segment)),
        ("randomized", truncate_randomly(full, args.keep, rng=args.seed)),
    ]
    return viz.compare(rows)


FIGURES: dict[str, Callable[[Options], Any]] = {
    "unrolled": _unrolled,
    "strategies": _strategies,
    "rolled": _rolled,
    "gradients": _gradients,
    "compare": _compare,
}
