"""The options of ``minigrad train`` and ``minigrad sample``."""

from __future__ import annotations

import argparse

from .options import (
    CellKinds,
    add_prefix,
    add_seed,
    add_text_file,
    below_one,
    count,
    natural,
    non_negative,
    positive,
    text,
)


def add_train(train: argparse.ArgumentParser) -> None:
    """The options of train; their defaults are the book's configuration."""
    _add_data(train)
    _add_model(train)
    _add_optimization(train)
    _add_interruptions(train)
    _add_output(train)


def _add_data(train: argparse.ArgumentParser) -> None:
    data = train.add_argument_group("data")
    add_text_file(data)
    data.add_argument(
        "--stream",
        action="store_true",
        help="read all of it, in rows side by side whose state is "
        "carried on; the last tenth validates (default: the book's shuffled windows)",
    )
    data.add_argument(
        "--steps",
        type=count,
        default=32,
        metavar="T",
        help="time steps per chunk (%(default)s)",
    )
    data.add_argument(
        "--batch",
        type=count,
        metavar="B",
        help="rows per chunk (1024; with --stream 32)",
    )


def _add_model(train: argparse.ArgumentParser) -> None:
    model = train.add_argument_group("model")
    model.add_argument(
        "--cell",
        choices=CellKinds(),
        default="rnn",
        metavar="CELL",
        help="the recurrent cell: %(choices)s (%(default)s)",
    )
    model.add_argument(
        "--hidden",
        type=count,
        default=32,
        metavar="H",
        help="hidden units (%(default)s)",
    )
    model.add_argument(
        "--layers",
        type=count,
        default=1,
        metavar="N",
        help="layers of cells (%(default)s)",
    )
    model.add_argument(
        "--dropout",
        type=below_one,
        default=0.0,
        metavar="P",
        help="chance of a hidden unit to be left out of a chunk (%(default)s)",
    )


def _add_optimization(train: argparse.ArgumentParser) -> None:
    optimization = train.add_argument_group("optimization")
    optimization.add_argument(
        "--epochs",
        type=count,
        default=100,
        metavar="N",
        help="epochs of training (%(default)s)",
    )
    optimization.add_argument(
        "--optimizer",
        choices=["sgd", "adam", "adamw", "rmsprop", "adagrad"],
        default="sgd",
        help="the rule (%(default)s)",
    )
    optimization.add_argument(
        "--lr",
        type=positive,
        help="learning rate (with sgd the book's for this cell; 0.01)",
    )
    optimization.add_argument(
        "--schedule",
        choices=["constant", "cosine", "one-cycle"],
        default="constant",
        help="of it (%(default)s)",
    )
    optimization.add_argument(
        "--clip",
        type=positive,
        default=1.0,
        metavar="THETA",
        help="largest gradient norm (%(default)s)",
    )
    optimization.add_argument(
        "--truncate",
        type=count,
        metavar="K",
        help="cut the gradient every K steps (default: full)",
    )
    add_seed(optimization, 1, "of all random numbers")


def _add_interruptions(train: argparse.ArgumentParser) -> None:
    interruptions = train.add_argument_group("interruptions")
    interruptions.add_argument(
        "--checkpoint",
        type=text,
        metavar="FILE",
        help="keep the state of the training in this file",
    )
    interruptions.add_argument(
        "--checkpoint-every",
        type=non_negative,
        default=30.0,
        metavar="SECONDS",
        help="how often it is written; 0: after every update (%(default)s)",
    )
    interruptions.add_argument(
        "--resume",
        action="store_true",
        help="go on where the checkpoint stands, if there is one",
    )


def _add_output(train: argparse.ArgumentParser) -> None:
    output = train.add_argument_group("output")
    output.add_argument(
        "--save",
        type=text,
        metavar="FILE",
        help="write the trained model as safetensors",
    )
    output.add_argument(
        "--log",
        type=text,
        metavar="FILE",
        help="write every update and epoch as a line of JSON",
    )
    output.add_argument(
        "--curve",
        type=text,
        metavar="FILE",
        help="draw the perplexities: .svg, .png or .pdf",
    )
    add_prefix(output)
    printed = output.add_mutually_exclusive_group()
    printed.add_argument("--quiet", action="store_true", help="print errors only")
    printed.add_argument("--json", action="store_true", help="print lines of JSON, for scripts")


def add_sample(sample: argparse.ArgumentParser) -> None:
    """The options of sample."""
    sample.add_argument(
        "model",
        metavar="MODEL",
        help="what train wrote by --save or --checkpoint",
    )
    add_prefix(sample)
    sample.add_argument(
        "--length",
        type=natural,
        default=200,
        metavar="N",
        help="characters to add (%(default)s)",
    )
    sample.add_argument(
        "--temperature",
        type=non_negative,
        default=0.8,
        metavar="TAU",
        help="below 1 bolder, above 1 wilder; 0: always the likeliest (%(default)s)",
    )
    add_seed(sample, 1, "of all random numbers")
