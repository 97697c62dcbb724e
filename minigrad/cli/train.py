"""The commands ``minigrad train`` and ``minigrad sample``: their options, and what is checked before the work."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from minigrad.companions import companion
from minigrad.errors import ArgumentError

from .options import (
    below_one,
    least_zero,
    natural,
    positive,
    refuse_one_file,
    refuse_unwritable,
    text,
    whole,
)


def add_train(train: argparse.ArgumentParser) -> None:
    """The options of train; their defaults are the book's configuration."""
    data = train.add_argument_group("data")
    data.add_argument(
        "--text", metavar="FILE", help="plain text, UTF-8 (default: The Time Machine)"
    )
    data.add_argument(
        "--stream",
        action="store_true",
        help="read all of it, in rows side by side whose state is "
        "carried on; the last tenth validates (default: the book's shuffled windows)",
    )
    data.add_argument(
        "--steps", type=whole, default=32, metavar="T", help="time steps per chunk (%(default)s)"
    )
    data.add_argument(
        "--batch", type=whole, metavar="B", help="rows per chunk (1024; with --stream 32)"
    )
    model = train.add_argument_group("model")
    model.add_argument(
        "--cell",
        choices=["rnn", "gru", "lstm"],
        default="rnn",
        help="the recurrent cell (%(default)s)",
    )
    model.add_argument(
        "--hidden", type=whole, default=32, metavar="H", help="hidden units (%(default)s)"
    )
    model.add_argument(
        "--layers", type=whole, default=1, metavar="N", help="layers of cells (%(default)s)"
    )
    model.add_argument(
        "--dropout",
        type=below_one,
        default=0.0,
        metavar="P",
        help="chance of a hidden unit to be left out of a chunk (%(default)s)",
    )
    how = train.add_argument_group("optimization")
    how.add_argument(
        "--epochs", type=whole, default=100, metavar="N", help="epochs of training (%(default)s)"
    )
    how.add_argument(
        "--optimizer",
        choices=["sgd", "adam", "adamw"],
        default="sgd",
        help="the rule (%(default)s)",
    )
    how.add_argument(
        "--lr",
        type=positive,
        help="learning rate (sgd, the book's: 1 for rnn, 4 for gru and lstm; 0.01)",
    )
    how.add_argument(
        "--schedule",
        choices=["constant", "one-cycle"],
        default="constant",
        help="of it (%(default)s)",
    )
    how.add_argument(
        "--clip",
        type=positive,
        default=1.0,
        metavar="THETA",
        help="largest gradient norm (%(default)s)",
    )
    how.add_argument(
        "--truncate", type=whole, metavar="K", help="cut the gradient every K steps (default: full)"
    )
    how.add_argument(
        "--seed", type=natural, default=1, metavar="S", help="of all random numbers (%(default)s)"
    )
    kept = train.add_argument_group("interruptions")
    kept.add_argument(
        "--checkpoint",
        type=text,
        metavar="FILE",
        help="keep the state of the training in this file",
    )
    kept.add_argument(
        "--checkpoint-every",
        type=least_zero,
        default=30.0,
        metavar="SECONDS",
        help="how often it is written; 0: after every update (%(default)s)",
    )
    kept.add_argument(
        "--resume", action="store_true", help="go on where the checkpoint stands, if there is one"
    )
    out = train.add_argument_group("output")
    out.add_argument(
        "--save", type=text, metavar="FILE", help="write the trained model as safetensors"
    )
    out.add_argument(
        "--log", type=text, metavar="FILE", help="write every update and epoch as a line of JSON"
    )
    out.add_argument(
        "--curve", type=text, metavar="FILE", help="draw the perplexities: .svg, .png or .pdf"
    )
    out.add_argument(
        "--prefix",
        type=text,
        default="it has",
        metavar="TEXT",
        help="text to continue (%(default)s)",
    )
    show = out.add_mutually_exclusive_group()
    show.add_argument("--quiet", action="store_true", help="print errors only")
    show.add_argument("--json", action="store_true", help="print lines of JSON, for scripts")
    train.set_defaults(run=_train)


def add_sample(sample: argparse.ArgumentParser) -> None:
    """The options of sample."""
    sample.add_argument("model", metavar="MODEL", help="what train wrote by --save or --checkpoint")
    sample.add_argument(
        "--prefix",
        type=text,
        default="it has",
        metavar="TEXT",
        help="text to continue (%(default)s)",
    )
    sample.add_argument(
        "--length", type=natural, default=200, metavar="N", help="characters to add (%(default)s)"
    )
    sample.add_argument(
        "--temperature",
        type=least_zero,
        default=0.8,
        metavar="TAU",
        help="below 1 bolder, above 1 wilder; 0: always the likeliest (%(default)s)",
    )
    sample.add_argument(
        "--seed", type=natural, default=1, metavar="S", help="of all random numbers (%(default)s)"
    )
    sample.set_defaults(run=_sample)


def _train(args: argparse.Namespace) -> None:
    refuse_one_file(
        {
            f"--{name}": getattr(args, name)
            for name in ("text", "checkpoint", "save", "log", "curve")
        }
    )
    for path in filter(
        None, (args.save, args.checkpoint, args.log, args.curve)
    ):  # better now than after the training
        refuse_unwritable(path)
    if args.save or args.checkpoint:
        companion("minigrad.models.train.tensorfile").require()
    if args.curve:
        companion("minigrad.viz.plots.perplexities").refuse_unknown(args.curve)
    trainer: Any = companion("minigrad.models.train.run")
    if args.resume and not args.checkpoint:
        raise ArgumentError(
            "--resume", got="no --checkpoint FILE", expected="it says where to go on from"
        )
    if args.checkpoint and not args.resume and Path(args.checkpoint).exists():
        remedy = "Add --resume to go on with it, or delete it"
        raise ArgumentError(
            "--checkpoint", got=f"'{args.checkpoint}' exists already", remedy=remedy
        )
    settings = trainer.Settings(
        **{name: getattr(args, name) for name in trainer.Settings.__dataclass_fields__}
    )
    with companion("minigrad.models.train.log").Reporter(
        args.quiet, args.json, args.log
    ) as reporter:
        if args.resume and not Path(args.checkpoint).exists():
            reporter.say(f"no '{args.checkpoint}' yet: from the start")
        keep = trainer.Keep(args.checkpoint, args.checkpoint_every) if args.checkpoint else None
        run = trainer.train(settings, reporter, keep)
        saved = args.save and companion("minigrad.models.train.checkpoint").save(
            run.model, run.vocab, args.save
        )
        drawn = args.curve and companion("minigrad.viz.plots.perplexities").save(
            run.history, args.curve
        )
        continued = run.model.continue_text(args.prefix, 50, run.vocab)
        reporter.say(f"{args.prefix!r} continues, always with the likeliest: {continued!r}")
        for path in filter(None, (args.checkpoint, saved, drawn)):
            reporter.say(f"wrote {path}", event="wrote", path=str(path))


def _sample(args: argparse.Namespace) -> None:
    model, vocab = companion("minigrad.models.train.checkpoint").load(args.model)
    if unknown := [c for c in dict.fromkeys(args.prefix) if c not in vocab.tokens]:
        got = f"{', '.join(map(repr, unknown))} unknown to the model"
        raise ArgumentError("--prefix", got=got, expected=f"it knows {''.join(vocab.tokens[1:])!r}")
    print(model.continue_text(args.prefix, args.length, vocab, args.temperature, args.seed))
