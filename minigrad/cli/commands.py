"""All commands, and what each of them runs: its module is imported when it is called."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from minigrad import __version__

from .figure_options import add_figures
from .laboratory_options import add_anatomy, add_compare
from .options import Parser, add_seed, count
from .step_options import add_step
from .train_options import add_sample, add_train

ABOUT = (
    "Backpropagation through time you can see: tapes of NumPy code, rewritten, trained and drawn."
)
EXAMPLES = """examples:
  minigrad demo                                      the whole story within a minute, \
files in ./minigrad-demo/
  minigrad train --cell gru --epochs 50              train the book's character language model
  minigrad train --text book.txt --steps 64 --truncate 16 --save book.safetensors
  minigrad train --checkpoint run.safetensors --resume                \
go on where an interrupted run stands
  minigrad sample book.safetensors --prefix "it has" --temperature 0.8
  minigrad figure unrolled -o unrolled.svg           \
the unrolled graph of a recurrent network, Fig. 9.7.2
  minigrad figure strategies -o cuts.png --text "to be or not to be"
  minigrad step                                      \
step through backward, and back, in the terminal
  minigrad step --cell lstm --steps 6 --truncate 3 --html backward.html
  minigrad step train.py -- --epochs 3               \
through the last backward pass of your script
  minigrad step --demo exploding                     then: b nan, c, w
  minigrad figure all -o docs/                       the five figures of the README
  minigrad figure gallery -o docs/gallery/           \
every kind of picture of every kind of network
  minigrad anatomy --text book.txt --cell lstm -o report.html     \
where a gradient comes from, on one page
  minigrad anatomy --weights model.safetensors --text book.txt     \
how far back a model of PyTorch sees
  minigrad compare -o strategies.svg                 \
strategies of truncation: bias, variance, cost, training
  minigrad compare influence-balancing -o balancing.svg
"""


def parser() -> argparse.ArgumentParser:
    """All commands and options."""
    top = Parser(
        "minigrad",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"minigrad {__version__}")
    top.set_defaults(run=lambda _: top.print_help())
    commands = top.add_subparsers(metavar="COMMAND")
    _add_demo(commands)
    _add_train(commands)
    _add_sample(commands)
    _add_figure(commands)
    _add_anatomy(commands)
    _add_compare(commands)
    _add_step(commands)
    return top


def _add_demo(commands: Any) -> None:
    about = "unroll, rewrite, train and draw, on real text, within a minute"
    demo = commands.add_parser("demo", help=about)
    demo.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        default="minigrad-demo",
        help="folder (%(default)s)",
    )
    demo.add_argument("--text", metavar="FILE", help="a text of yours (default: The Time Machine)")
    demo.add_argument(
        "--epochs",
        type=count,
        default=40,
        metavar="N",
        help="epochs of training (%(default)s)",
    )
    add_seed(demo, 1, "of all random numbers")
    demo.set_defaults(run=_demo)


def _demo(args: argparse.Namespace) -> None:
    from .demo import demo

    demo(Path(args.output), args.text, args.epochs, args.seed)


def _add_train(commands: Any) -> None:
    about = "train the book's character language model on a text"
    train = commands.add_parser("train", help=about)
    add_train(train)
    train.set_defaults(run=_train)


def _train(args: argparse.Namespace) -> None:
    from .train import train

    train(args)


def _add_sample(commands: Any) -> None:
    sample = commands.add_parser("sample", help="let a trained model write")
    add_sample(sample)
    sample.set_defaults(run=_sample)


def _sample(args: argparse.Namespace) -> None:
    from .train import sample

    sample(args)


def _add_figure(commands: Any) -> None:
    about = "draw figures of the section as .svg, .png, .pdf or .dot"
    figure = commands.add_parser("figure", help=about)
    add_figures(figure, draw=_draw, draw_all=_draw_all, draw_gallery=_draw_gallery)


def _draw(args: argparse.Namespace) -> None:
    from .figure import draw

    draw(args)


def _draw_all(args: argparse.Namespace) -> None:
    from .figure import draw_all

    draw_all(Path(args.output), args.kinds)


def _draw_gallery(args: argparse.Namespace) -> None:
    from .gallery import draw_gallery

    draw_gallery(Path(args.output))


def _add_anatomy(commands: Any) -> None:
    about = "take a gradient apart: one page with figures, tables and a verdict"
    anatomy = commands.add_parser("anatomy", help=about)
    add_anatomy(anatomy)
    anatomy.set_defaults(run=_anatomy)


def _anatomy(args: argparse.Namespace) -> None:
    from .anatomy import anatomy

    anatomy(args)


def _add_compare(commands: Any) -> None:
    about = "strategies of truncation measured, and the section's experiments"
    compare = commands.add_parser("compare", help=about)
    add_compare(compare)
    compare.set_defaults(run=_compare)


def _compare(args: argparse.Namespace) -> None:
    from .compare import compare

    compare(args)


def _add_step(commands: Any) -> None:
    about = "step through a backward pass, and back, in the terminal or a page"
    step = add_step(commands, about)
    step.set_defaults(run=_step)


def _step(args: argparse.Namespace) -> None:
    from .stepping import step

    step(args)
