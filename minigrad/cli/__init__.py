"""The command line: ``minigrad demo | train | sample | figure | step | ...``, also ``python -m minigrad``."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import __version__, transforms
from minigrad.companions import companion
from minigrad.core.scope import timestep
from minigrad.core.tape import Tape
from minigrad.core.tensor import tensor
from minigrad.errors import ArgumentError, MinigradError
from minigrad.files import make_folder
from minigrad.ops.activations import cross_entropy

from .options import Parser, few, natural, positive, share, text, whole
from .train import add_sample, add_train

EXAMPLES = """examples:
  minigrad demo                                      the whole story within a minute, files in ./minigrad-demo/
  minigrad train --cell gru --epochs 50              train the book's character language model
  minigrad train --text book.txt --steps 64 --truncate 16 --save book.safetensors
  minigrad train --checkpoint run.safetensors --resume                go on where an interrupted run stands
  minigrad sample book.safetensors --prefix "it has" --temperature 0.8
  minigrad figure unrolled -o unrolled.svg           the unrolled graph of a recurrent network, Fig. 9.7.2
  minigrad figure strategies -o cuts.png --text "to be or not to be"
  minigrad step                                      step through backward, and back, in the terminal
  minigrad step --cell lstm --steps 6 --truncate 3 --html backward.html
  minigrad step train.py                             through the `loss` that your script leaves
  minigrad step --demo exploding                     then: b nan, c, w
  minigrad figure all -o docs/                       the five figures of the README
  minigrad anatomy --text book.txt --cell lstm -o report.html     where a gradient comes from, on one page
  minigrad compare -o strategies.svg                 strategies of truncation: bias, variance, cost, training
  minigrad compare influence-balancing -o balancing.svg
"""
EXPERIMENTS = ("strategies", "influence-balancing", "memory", "clipping", "exercises")


def parser() -> argparse.ArgumentParser:
    """All commands and options."""
    plain = argparse.RawDescriptionHelpFormatter
    about = "Backpropagation through time you can see: tapes of NumPy code, rewritten, trained and drawn."
    top = Parser("minigrad", description=about, epilog=EXAMPLES, formatter_class=plain)
    top.add_argument("--version", action="version", version=f"minigrad {__version__}")
    top.set_defaults(run=lambda _: top.print_help())
    commands = top.add_subparsers(metavar="COMMAND")

    demo = commands.add_parser(
        "demo", help="unroll, rewrite, train and draw, on real text, within a minute"
    )
    demo.add_argument(
        "-o", "--output", metavar="DIR", default="minigrad-demo", help="folder (%(default)s)"
    )
    demo.add_argument("--text", metavar="FILE", help="a text of yours (default: The Time Machine)")
    demo.add_argument(
        "--epochs", type=whole, default=40, metavar="N", help="epochs of training (%(default)s)"
    )
    demo.add_argument(
        "--seed", type=natural, default=1, metavar="S", help="of all random numbers (%(default)s)"
    )
    demo.set_defaults(run=_demo)

    add_train(
        commands.add_parser("train", help="train the book's character language model on a text")
    )
    add_sample(commands.add_parser("sample", help="let a trained model write"))
    _add_figures(
        commands.add_parser(
            "figure", help="draw figures of the section as .svg, .png, .pdf or .dot"
        )
    )
    _laboratory(commands)
    _add_step(
        commands.add_parser(
            "step", help="step through a backward pass, and back, in the terminal or a page"
        )
    )
    return top


def _add_figures(figure: argparse.ArgumentParser) -> None:
    """The figures and their options."""
    kinds = figure.add_subparsers(metavar="FIGURE", required=True)
    unrolled = kinds.add_parser("unrolled", help="the unrolled computational graph, Fig. 9.7.2")
    unrolled.add_argument(
        "--steps", type=few, default=3, metavar="T", help="time steps (%(default)s)"
    )
    unrolled.set_defaults(make=_unrolled)
    strategies = kinds.add_parser(
        "strategies", help="randomized, regular and full truncation of a text, Fig. 9.7.1"
    )
    strategies.add_argument(
        "--text", default="the time machine by h g wells", help="the text itself, not a file"
    )
    strategies.add_argument(
        "--segment", type=whole, default=4, metavar="K", help="steps per segment (%(default)s)"
    )
    strategies.add_argument(
        "--keep", type=share, default=0.75, metavar="PI", help="chance not to cut (%(default)s)"
    )
    strategies.add_argument(
        "--seed", type=natural, default=0, metavar="S", help="of the random cuts (%(default)s)"
    )
    strategies.set_defaults(make=_strategies)
    rolled = kinds.add_parser("rolled", help="a language model of two LSTM layers, folded in time")
    rolled.set_defaults(make=_rolled)
    gradients = kinds.add_parser(
        "gradients", help="the norm of every adjoint, truncated every K steps"
    )
    gradients.add_argument(
        "--steps", type=few, default=8, metavar="T", help="time steps (%(default)s)"
    )
    gradients.add_argument(
        "--segment", type=whole, default=4, metavar="K", help="steps per segment (%(default)s)"
    )
    gradients.set_defaults(make=_gradients)
    compare = kinds.add_parser(
        "compare", help="full, regular and randomized truncation side by side"
    )
    compare.add_argument(
        "--steps", type=few, default=5, metavar="T", help="time steps (%(default)s)"
    )
    compare.add_argument(
        "--segment", type=whole, default=2, metavar="K", help="steps per segment (%(default)s)"
    )
    compare.add_argument(
        "--keep", type=share, default=0.6, metavar="PI", help="chance not to cut (%(default)s)"
    )
    compare.add_argument(
        "--seed", type=natural, default=1, metavar="S", help="of the random cuts (%(default)s)"
    )
    compare.set_defaults(make=_compare)
    every = kinds.add_parser("all", help="these five as svg files in a folder")
    every.add_argument(
        "-o", "--output", metavar="DIR", required=True, help="the folder, made where it is missing"
    )
    five = [unrolled, strategies, rolled, gradients, compare]
    for kind in five:
        kind.add_argument(
            "-o", "--output", metavar="FILE", required=True, help="the suffix decides the format"
        )
        kind.set_defaults(run=_figure)
    every.set_defaults(run=lambda args: _figures(args.output, five))


def _add_step(step: argparse.ArgumentParser) -> None:
    """What to step through."""
    step.add_argument(
        "file", nargs="?", metavar="FILE.py", help="a script that leaves a Tensor `loss`"
    )
    step.add_argument(
        "--cell", choices=["rnn", "gru", "lstm", "linear"], help="the cell of a small network (rnn)"
    )
    step.add_argument(
        "--demo", choices=["exploding", "vanishing"], help="a case to learn on, in place of a cell"
    )
    step.add_argument("--steps", type=few, metavar="T", help="time steps (3; of a demo 40 or 20)")
    step.add_argument(
        "--truncate", type=whole, metavar="K", help="cut the gradient every K steps (default: full)"
    )
    step.add_argument(
        "--untie",
        action="store_true",
        help="an alias of each parameter per step: W_hh@1, W_hh@2, ...",
    )
    step.add_argument(
        "--html", type=text, metavar="FILE", help="write the page instead; full beside --truncate"
    )
    step.set_defaults(run=_step)


def _laboratory(commands: Any) -> None:
    """The commands anatomy and compare."""
    anatomy = commands.add_parser(
        "anatomy", help="take a gradient apart: one page with figures, tables and a verdict"
    )
    anatomy.add_argument(
        "--updates", type=natural, default=300, metavar="N", help="of training (%(default)s)"
    )
    anatomy.add_argument(
        "--wrt", metavar="NAME", help="the parameter (default: the recurrent one that weighs most)"
    )
    anatomy.add_argument(
        "-o", "--output", metavar="FILE", default="report.html", help="the page (%(default)s)"
    )
    anatomy.set_defaults(
        run=lambda args: companion("minigrad.cli.laboratory").anatomy_command(args)
    )

    compare = commands.add_parser(
        "compare", help="strategies of truncation measured, and the section's experiments"
    )
    compare.add_argument(
        "experiment",
        nargs="?",
        default="strategies",
        choices=EXPERIMENTS,
        metavar="EXPERIMENT",
        help=f"one of {', '.join(EXPERIMENTS)} (%(default)s)",
    )
    compare.add_argument(
        "--updates", type=whole, default=200, metavar="N", help="of training (%(default)s)"
    )
    compare.add_argument(
        "--seeds", type=whole, default=3, metavar="N", help="how many, from --seed on (%(default)s)"
    )
    compare.add_argument(
        "--draws", type=whole, default=200, metavar="N", help="of a random gradient (%(default)s)"
    )
    compare.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        action="append",
        default=[],
        help=".svg, .png, .pdf: the plot; .csv, .json: the numbers; may be given again",
    )
    compare.set_defaults(
        run=lambda args: companion("minigrad.cli.laboratory").compare_command(args)
    )
    for command, hidden, steps in ((anatomy, 32, 48), (compare, 32, 32)):
        command.add_argument(
            "--text", metavar="FILE", help="plain text, UTF-8 (default: The Time Machine)"
        )
        command.add_argument(
            "--cell", choices=["rnn", "gru", "lstm"], default="rnn", help="the cell (%(default)s)"
        )
        command.add_argument(
            "--hidden", type=whole, default=hidden, metavar="H", help="hidden units (%(default)s)"
        )
        command.add_argument(
            "--steps", type=whole, default=steps, metavar="T", help="time steps (%(default)s)"
        )
        command.add_argument("--lr", type=positive, help="learning rate (that of Adam: 0.01)")
        command.add_argument(
            "--seed", type=natural, default=1, metavar="S", help="of all random numbers (1)"
        )
        command.add_argument(
            "--strategies",
            nargs="+",
            metavar="NAME",
            help="such as full every=8 window=8 random=0.9",
        )


def _demo(args: argparse.Namespace) -> None:
    from .demo import demo  # the demo needs both companions

    demo(Path(args.output), args.text, args.epochs, args.seed)


def _figure(args: argparse.Namespace) -> None:
    print(f"wrote {companion('minigrad.viz').render(args.make(args), args.output)}")


def _unrolled(args: argparse.Namespace) -> Any:
    return companion("minigrad.viz").unrolled(companion("minigrad.models").section(args.steps).tape)


def _figures(folder: str, kinds: list[Any]) -> None:
    """Each figure with its defaults."""
    make_folder(Path(folder))
    for kind in kinds:
        _figure(kind.parse_args(["-o", str(Path(folder) / f"{kind.prog.split()[-1]}.svg")]))


def _rolled(_: argparse.Namespace) -> Any:
    models = companion("minigrad.models")
    cells = models.Stacked(models.LSTMCell(4, 3, 0), models.LSTMCell(3, 3, 0))
    W, b = (
        tensor(np.ones((3, 4)), requires_grad=True, name="W_hq"),
        tensor(np.ones(4), requires_grad=True, name="b_q"),
    )
    hs, _ = models.unroll(cells, [tensor(np.ones((1, 4))) for _ in range(35)])
    outputs = []
    for t, h in enumerate(hs, 1):
        with timestep(t):
            outputs.append((h @ W + b).named(f"o_{t}"))
    targets = tensor(np.zeros((35, 1), int), name="Y", dtype=int)
    loss: Any = cross_entropy(np.stack(outputs), targets)
    return companion("minigrad.viz").draw(Tape.of(loss.named("L")), "rolled")


def _gradients(args: argparse.Namespace) -> Any:
    tape = transforms.truncate(
        companion("minigrad.models").section(args.steps).tape, every=args.segment
    )
    return companion("minigrad.viz").unrolled(tape, grads=True)


def _compare(args: argparse.Namespace) -> Any:
    full = companion("minigrad.models").section(args.steps).tape
    regular = transforms.truncate(full, every=args.segment)
    randomized = transforms.truncate_randomly(full, args.keep, rng=args.seed)
    rows = [("full", full), (f"every {args.segment} steps", regular), ("randomized", randomized)]
    return companion("minigrad.viz").compare(rows)


def _strategies(args: argparse.Namespace) -> Any:
    return companion("minigrad.viz").strategies(
        args.text, segment=args.segment, keep=args.keep, seed=args.seed
    )


def _step(args: argparse.Namespace) -> None:
    from minigrad.core.tape import Tape
    from minigrad.debugger import debug
    from minigrad.transforms import truncate, untie

    from .script import script

    if sum(map(bool, (args.file, args.demo, args.cell))) > 1 or (args.file and args.steps):
        given = f"'{args.file}'" if args.file else "--demo"
        raise ArgumentError(
            f"step {given}", got="another network too", expected="one of FILE.py, --demo and --cell"
        )
    if args.file:
        full = script(args.file)
    elif args.demo:
        full = Tape.of(
            companion("minigrad.models.book.cases").CASES[args.demo](
                **({"steps": args.steps} if args.steps else {})
            )
        )
    else:
        full = Tape.of(
            companion("minigrad.models.book.cases").network(args.cell or "rnn", args.steps or 3)
        )
    tape = truncate(full, every=args.truncate) if args.truncate else full
    full, tape = (untie(x, x.parameters) if args.untie else x for x in (full, tape))
    if args.html:
        beside = {"beside": tape} if tape is not full and args.truncate else {}
        print(f"wrote {companion('minigrad.viz.page.write').stepper(full, args.html, **beside)}")
    else:
        debug(tape)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; problems of the user's are one line on stderr and an exit code."""
    args = parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal without é is no reason to fail. Whoever reads a file or a pipe sees each line when it is said.
        sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)
    try:
        args.run(args)
    except (MinigradError, OSError) as error:
        if isinstance(
            error, BrokenPipeError
        ):  # the reader of our output has left: minigrad train | head
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        print(f"minigrad: {getattr(error, 'text', error)}", file=sys.stderr)
        return 1
    except MemoryError as error:
        print(
            f"minigrad: not enough memory: {str(error).rstrip('.')}. Try smaller sizes.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt as error:
        print(f"\nminigrad: interrupted{f': {error}.' if str(error) else ''}", file=sys.stderr)
        return 130
    return 0
