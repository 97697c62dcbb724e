"""What ``minigrad train`` and ``minigrad sample`` do once their options are read."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from minigrad.errors import ArgumentError
from minigrad.files import refuse_unwritable
from minigrad.models.train import checkpoint, tensorfile
from minigrad.models.train import run as trainer
from minigrad.models.train.reporter import Reporter
from minigrad.models.train.state import Keep

from .outputs import refuse_one_file, refuse_unplottable

FILE_OPTIONS = ("text", "checkpoint", "save", "log", "curve")
CONTINUED_CHARACTERS = 50


def train(args: argparse.Namespace) -> None:
    """Train the language model, then write what was asked for."""
    _refuse_files(args)
    _refuse_checkpoint(args)
    options = {field.name: getattr(args, field.name) for field in fields(trainer.Settings)}
    settings = trainer.Settings(**options)
    keep = None
    if args.checkpoint:
        keep = Keep(args.checkpoint, args.checkpoint_every)
    with Reporter(args.quiet, args.json, args.log) as reporter:
        if args.resume and not Path(args.checkpoint).exists():
            reporter.say(f"no '{args.checkpoint}' yet: from the start")
        run = trainer.train(settings, reporter, keep)
        written = [args.checkpoint] if args.checkpoint else []
        written += _write(args, run)
        continued = run.model.continue_text(args.prefix, CONTINUED_CHARACTERS, run.vocab)
        reporter.say(f"{args.prefix!r} continues, always with the likeliest: {continued!r}")
        for path in written:
            reporter.say(f"wrote {path}", event="wrote", path=str(path))


def _refuse_files(args: argparse.Namespace) -> None:
    """Better now than after the training: files that are one, or cannot be written."""
    paths = {f"--{name}": getattr(args, name) for name in FILE_OPTIONS}
    refuse_one_file(paths)
    for path in (args.save, args.checkpoint, args.log, args.curve):
        if path:
            refuse_unwritable(path)
    if args.save or args.checkpoint:
        tensorfile.require()
    if args.curve:
        refuse_unplottable(args.curve)


def _refuse_checkpoint(args: argparse.Namespace) -> None:
    """A checkpoint is written over only by the run that goes on with it."""
    if args.resume and not args.checkpoint:
        expected = "it says where to go on from"
        raise ArgumentError("--resume", got="no --checkpoint FILE", expected=expected)
    if args.checkpoint and not args.resume and Path(args.checkpoint).exists():
        got = f"'{args.checkpoint}' exists already"
        remedy = "Add --resume to go on with it, or delete it"
        raise ArgumentError("--checkpoint", got=got, remedy=remedy)


def _write(args: argparse.Namespace, run: Any) -> list[Path]:
    """The model and the curve, where they are asked for."""
    written = []
    if args.save:
        written.append(checkpoint.save(run.model, run.vocab, args.save))
    if args.curve:
        # Only here: viz needs libraries that training does without.
        from minigrad import viz

        written.append(viz.render(viz.plots.curves(run), args.curve))
    return written


def sample(args: argparse.Namespace) -> None:
    """Let a model that train wrote continue the prefix."""
    model, vocab = checkpoint.load(args.model)
    unknown = [c for c in dict.fromkeys(args.prefix) if c not in vocab.tokens]
    if unknown:
        listed = ", ".join(map(repr, unknown))
        known = "".join(vocab.tokens[1:])
        got = f"{listed} unknown to the model"
        raise ArgumentError("--prefix", got=got, expected=f"it knows {known!r}")
    print(model.continue_text(args.prefix, args.length, vocab, args.temperature, args.seed))
