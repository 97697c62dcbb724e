"""The options of ``minigrad anatomy`` and ``minigrad compare``."""

from __future__ import annotations

import argparse

from .options import CellKinds, add_seed, add_text_file, count, natural, positive

EXPERIMENTS = ("strategies", "influence-balancing", "memory", "clipping", "exercises")


def add_anatomy(anatomy: argparse.ArgumentParser) -> None:
    """The options of anatomy."""
    anatomy.add_argument(
        "--weights",
        metavar="FILE",
        help="a trained model in place of one trained here: .safetensors of PyTorch or of ours, "
        ".keras, .weights.h5",
    )
    anatomy.add_argument(
        "--vocabulary",
        metavar="FILE",
        help="a JSON list of the tokens of --weights (default: the characters of the text)",
    )
    anatomy.add_argument(
        "--updates",
        type=natural,
        default=300,
        metavar="N",
        help="of training (%(default)s)",
    )
    anatomy.add_argument(
        "--wrt",
        metavar="NAME",
        help="the parameter (default: the recurrent one that weighs most)",
    )
    anatomy.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        default="report.html",
        help="the page (%(default)s)",
    )
    _add_training(anatomy, steps=48)


def add_compare(compare: argparse.ArgumentParser) -> None:
    """The options of compare."""
    compare.add_argument(
        "experiment",
        nargs="?",
        default="strategies",
        choices=EXPERIMENTS,
        metavar="EXPERIMENT",
        help=f"one of {', '.join(EXPERIMENTS)} (%(default)s)",
    )
    compare.add_argument(
        "--updates",
        type=count,
        default=200,
        metavar="N",
        help="of training (%(default)s)",
    )
    compare.add_argument(
        "--seeds",
        type=count,
        default=3,
        metavar="N",
        help="how many, from --seed on (%(default)s)",
    )
    compare.add_argument(
        "--draws",
        type=count,
        default=200,
        metavar="N",
        help="of a random gradient (%(default)s)",
    )
    compare.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        action="append",
        default=[],
        help=".svg, .png, .pdf: the plot; .csv, .json: the numbers; may be given again",
    )
    _add_training(compare, steps=32)


def _add_training(command: argparse.ArgumentParser, steps: int) -> None:
    """The options of the model that is trained first."""
    add_text_file(command)
    command.add_argument(
        "--cell",
        choices=CellKinds(),
        default="rnn",
        metavar="CELL",
        help="the cell: %(choices)s (%(default)s)",
    )
    command.add_argument(
        "--hidden",
        type=count,
        default=32,
        metavar="H",
        help="hidden units (%(default)s)",
    )
    command.add_argument(
        "--steps",
        type=count,
        default=steps,
        metavar="T",
        help="time steps (%(default)s)",
    )
    command.add_argument(
        "--lr",
        type=positive,
        help="learning rate (that of Adam: 0.01)",
    )
    add_seed(command, 1, "of all random numbers")
    command.add_argument(
        "--strategies",
        nargs="+",
        metavar="NAME",
        help="such as full every=8 window=8 random=0.9",
    )
