"""What ``minigrad anatomy`` does once its options are read."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
from minigrad import Tape
from minigrad.errors import ArgumentError
from minigrad.internal import unique_names
from minigrad.models.cells import parameters
from minigrad.models.data.stream import drawn
from minigrad.models.data.text import Prepared, Windows, prepared
from minigrad.models.lab.report import pieces, report
from minigrad.models.lab.strategy import Strategy
from minigrad.models.language_model import RNNLM
from minigrad.models.train import loop
from minigrad.models.train.bar import progress
from minigrad.models.weights.characters import in_numbers_of, vocabulary
from minigrad.models.weights.loading import load_model

from .outputs import command, refuse_unplottable

LEARNING_RATE = 0.01
MAX_NORM = 1.0
BATCH = 32
# What the order of the windows is drawn from, beside the seed.
DATA_STREAM = 2
# The perplexity that the page names is taken on one window in so many.
VALIDATION_STRIDE = 20
# Options of training: beside --weights they would do nothing.
TRAINING_DEFAULTS = {"updates": 300, "cell": "rnn", "hidden": 32, "lr": None}


def anatomy(args: argparse.Namespace) -> None:
    """Train the language model on a text for a while, and write the report on its gradient.

    With --weights it is a trained one, of this project or another framework, and stays as it is.
    """
    refuse_unplottable(args.output, (".html",))
    for name in args.strategies or ():
        # A mistake in it is worth no training.
        Strategy.of(name)
    subject = _brought(args) if args.weights else _trained(args)
    window = subject.windows.validation[:1]
    tape = Tape.of(subject.model.loss(window[:, :-1], window[:, 1:]))
    names = unique_names(p.label for p in tape.parameters)
    parameter_of = dict(zip(names, tape.parameters, strict=True))
    if args.wrt and args.wrt not in parameter_of:
        expected = f"expected one of {', '.join(parameter_of)}"
        raise ArgumentError("--wrt", got=f"'{args.wrt}'", expected=expected)
    about = {
        "command": command(),
        "text": subject.text.source,
        "model": subject.says,
        "window": repr(subject.text.vocab.decode(window[0].tolist())),
    }
    with progress(pieces(tape, args.strategies)) as bar:
        path = report(
            tape,
            args.output,
            parameter_of.get(args.wrt),
            strategies=args.strategies,
            seed=args.seed,
            about=about,
            title=f"Anatomy of a gradient: {subject.name}, {args.steps} steps",
            on_step=bar.update,
        )
    print(f"model: {about['model']}")
    print(f"wrote {path}")


class Subject(NamedTuple):
    """What is taken apart: a model, and the text that it reads."""

    model: RNNLM
    text: Prepared
    windows: Windows
    name: str
    says: str


def _trained(args: argparse.Namespace) -> Subject:
    """A model that is trained here."""
    if args.vocabulary:
        expected = "it says what the tokens of --weights FILE are"
        raise ArgumentError("--vocabulary", got="no --weights", expected=expected)
    text = prepared(args.text)
    print(f"text: {text.source}")
    windows = text.windows(args.steps)
    model = RNNLM(args.cell, args.hidden, len(text.vocab.tokens), args.seed, np.float64)
    lr = args.lr or LEARNING_RATE
    with progress(args.updates) as bar:
        reached = _fit(model, windows, args.updates, lr, args.seed, bar.update)
    size = f"{args.cell}, {args.hidden} hidden units"
    says = f"{size}, {args.updates} updates by Adam, perplexity {reached:.2f}"
    return Subject(model, text, windows, args.cell, says)


def _brought(args: argparse.Namespace) -> Subject:
    """The model of a file."""
    for name, default in TRAINING_DEFAULTS.items():
        if getattr(args, name) != default:
            expected = "the model of --weights is not trained here"
            raise ArgumentError(f"--{name}", got=str(getattr(args, name)), expected=expected)
    model, tokens = load_model(args.weights)
    if args.vocabulary:
        tokens = vocabulary(args.vocabulary)
    text, numbers = in_numbers_of(len(model.b_q), args.text, tokens)
    print(f"text: {text.source}; tokens: {numbers}")
    windows = text.windows(args.steps)
    reached = loop.perplexity(model, windows.validation[::VALIDATION_STRIDE])
    cells = ", ".join(type(cell).__name__ for cell in model.layers)
    says = f"{args.weights}: {cells}, {len(model.W_hq)} units read out, perplexity {reached:.2f}"
    return Subject(model, text, windows, Path(args.weights).name, says)


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
