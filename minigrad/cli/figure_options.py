"""The options of ``minigrad figure``: a command of its own for every figure, and one for all."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from .options import add_seed, count, few_steps, probability

Run = Callable[[argparse.Namespace], None]


def add_figures(
    figure: argparse.ArgumentParser, draw: Run, draw_all: Run, draw_gallery: Run
) -> None:
    """The figures and their options; ``draw`` is run for one of them, ``draw_all`` for all."""
    commands = figure.add_subparsers(metavar="FIGURE", required=True)
    kinds = [
        _add_unrolled(commands),
        _add_strategies(commands),
        _add_rolled(commands),
        _add_gradients(commands),
        _add_compare(commands),
    ]
    for kind in kinds:
        kind.add_argument(
            "-o",
            "--output",
            metavar="FILE",
            required=True,
            help="the suffix decides the format",
        )
        kind.set_defaults(run=draw)
    everything = commands.add_parser("all", help="all of these as svg files in a folder")
    _add_folder(everything)
    everything.set_defaults(run=draw_all, kinds=kinds)
    about = "every kind of picture of every kind of network, and a page of them"
    gallery = commands.add_parser("gallery", help=about)
    _add_folder(gallery)
    gallery.set_defaults(run=draw_gallery)


def _add_folder(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        required=True,
        help="the folder, made where it is missing",
    )


def _add_unrolled(commands: Any) -> argparse.ArgumentParser:
    about = "the unrolled computational graph, Fig. 9.7.2"
    unrolled: argparse.ArgumentParser = commands.add_parser("unrolled", help=about)
    _add_steps(unrolled, 3)
    unrolled.set_defaults(figure="unrolled")
    return unrolled


def _add_strategies(commands: Any) -> argparse.ArgumentParser:
    about = "randomized, regular and full truncation of a text, Fig. 9.7.1"
    strategies: argparse.ArgumentParser = commands.add_parser("strategies", help=about)
    strategies.add_argument(
        "--text",
        default="the time machine by h g wells",
        help="the text itself, not a file",
    )
    _add_segment(strategies, 4)
    _add_keep(strategies, 0.75)
    add_seed(strategies, 0, "of the random cuts")
    strategies.set_defaults(figure="strategies")
    return strategies


def _add_rolled(commands: Any) -> argparse.ArgumentParser:
    about = "a language model of two LSTM layers, folded in time"
    rolled: argparse.ArgumentParser = commands.add_parser("rolled", help=about)
    rolled.set_defaults(figure="rolled")
    return rolled


def _add_gradients(commands: Any) -> argparse.ArgumentParser:
    about = "the norm of every adjoint, truncated every K steps"
    gradients: argparse.ArgumentParser = commands.add_parser("gradients", help=about)
    _add_steps(gradients, 8)
    _add_segment(gradients, 4)
    gradients.set_defaults(figure="gradients")
    return gradients


def _add_compare(commands: Any) -> argparse.ArgumentParser:
    about = "full, regular and randomized truncation side by side"
    compare: argparse.ArgumentParser = commands.add_parser("compare", help=about)
    _add_steps(compare, 5)
    _add_segment(compare, 2)
    _add_keep(compare, 0.6)
    add_seed(compare, 1, "of the random cuts")
    compare.set_defaults(figure="compare")
    return compare


def _add_steps(kind: argparse.ArgumentParser, default: int) -> None:
    kind.add_argument(
        "--steps",
        type=few_steps,
        default=default,
        metavar="T",
        help="time steps (%(default)s)",
    )


def _add_segment(kind: argparse.ArgumentParser, default: int) -> None:
    kind.add_argument(
        "--segment",
        type=count,
        default=default,
        metavar="K",
        help="steps per segment (%(default)s)",
    )


def _add_keep(kind: argparse.ArgumentParser, default: float) -> None:
    kind.add_argument(
        "--keep",
        type=probability,
        default=default,
        metavar="PI",
        help="chance not to cut (%(default)s)",
    )
