"""What ``minigrad anatomy`` does once its options are read."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tape
from minigrad.errors import ArgumentError
from minigrad.models.cells import parameters
from minigrad.models.data.stream import drawn
from minigrad.models.data.text import Windows, prepared
from minigrad.models.lab.report import pieces, report
from minigrad.models.lab.strategy import Strategy
from minigrad.models.language_model import RNNLM
from minigrad.models.train import loop
from minigrad.models.train.bar import progress

from .outputs import command, refuse_unplottable

LEARNING_RATE = 0.01
MAX_NORM = 1.0
BATCH = 32
# What the order of the windows is drawn from, beside the seed.
DATA_STREAM = 2
# The perplexity that the page names is taken on one window in so many.
VALIDATION_STRIDE = 20


def anatomy(args: argparse.Namespace) -> None:
    """Train the language model on a text for a while, and write the report on its gradient."""
    refuse_unplottable(args.output, (".html",))
    text = prepared(args.text)
    print(f"text: {text.source}")
    for name in args.strategies or ():
        # A mistake in it is worth no training.
        Strategy.of(name)
    windows = text.windows(args.steps)
    model = RNNLM(args.cell, args.hidden, len(text.vocab.tokens), args.seed, np.float64)
    lr = args.lr or LEARNING_RATE
    with progress(args.updates) as bar:
        reached = _fit(model, windows, args.updates, lr, args.seed, bar.update)
    window = windows.validation[:1]
    tape = Tape.of(model.loss(window[:, :-1], window[:, 1:]))
    parameter_of = {p.label: p for p in tape.parameters}
    if args.wrt and args.wrt not in parameter_of:
        expected = f"expected one of {', '.join(parameter_of)}"
        raise ArgumentError("--wrt", got=f"'{args.wrt}'", expected=expected)
    size = f"{args.cell}, {args.hidden} hidden units"
    about = {
        "command": command(),
        "text": text.source,
        "model": f"{size}, {args.updates} updates by Adam, perplexity {reached:.2f}",
        "window": repr(text.vocab.decode(window[0].tolist())),
    }
    with progress(pieces(tape, args.strategies)) as bar:
        path = report(
            tape,
            args.output,
            parameter_of.get(args.wrt),
            strategies=args.strategies,
            seed=args.seed,
            about=about,
            title=f"Anatomy of a gradient: {args.cell}, {args.steps} steps",
            on_step=bar.update,
        )
    print(f"model: {about['model']}")
    print(f"wrote {path}")


def _fit(
    model: RNNLM,
    windows: Windows,
    updates: int,
    lr: float,
    seed: int,
    on_update: Callable[[], Any],
) -> float:
    """Train on batches of windows; returns the perplexity on some of the others."""
    rng = np.random.default_rng((seed, DATA_STREAM))
    chunks = drawn(windows.train, BATCH, updates, rng)
    optimizer = mg.optim.Adam(parameters(model), lr)
    for update in loop.updates(model, chunks, None, MAX_NORM, optimizer):
        loop.refuse_nonfinite(update)
        on_update()
    held_out = windows.validation[::VALIDATION_STRIDE]
    return loop.perplexity(model, held_out)
