"""The options of ``minigrad step``."""

from __future__ import annotations

import argparse
from typing import Any

from .options import CellKinds, Parser, count, few_steps, text, whole

ABOUT = """step through a backward pass, and back

FILE.py is run as Python runs it. What is stepped is its last backward pass, with the values as they
were when it ran: loss.backward() or tape.backward(); mg.grad() where it calls neither. A script
without any is stepped from the Tensor `loss` that it leaves. A script that fails, or that you stop
with Ctrl-C, is stepped too: its last pass before that."""
EXAMPLES = """examples:
  minigrad step                                  a small tanh RNN; h lists the commands
  minigrad step train.py -- --epochs 3           what follows -- is the script's
  minigrad step train.py --pass 1                its first pass; -2 is the last but one
  minigrad step train.py --loss val_loss         the last pass from a loss of that name
  minigrad step -m package.train                 a module, as python -m runs it
  minigrad step train.py --truncate 3 --html backward.html
  minigrad step train.py < commands.txt          commands from a file
"""


def add_step(commands: Any, about: str) -> argparse.ArgumentParser:
    """What to step through, how it is rewritten, and where it is shown."""
    step: Parser = commands.add_parser(
        "step",
        help=about,
        usage="minigrad step [FILE.py | -m MODULE] [options] [-- ARGUMENTS]",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    step.passes_on = True
    _add_script(step.add_argument_group("a script of yours"))
    _add_network(step.add_argument_group("a network to learn on"))
    rewrite = step.add_argument_group("the tape")
    rewrite.add_argument(
        "--truncate",
        type=count,
        metavar="K",
        help="cut the gradient every K steps (default: full)",
    )
    rewrite.add_argument(
        "--untie",
        action="store_true",
        help="an alias of each parameter per step: W_hh@1, W_hh@2, ...",
    )
    rewrite.add_argument(
        "--html",
        type=text,
        metavar="FILE",
        help="write the page instead; full beside --truncate",
    )
    return step


def _add_script(script: Any) -> None:
    script.add_argument("file", nargs="?", metavar="FILE.py", help="a script that trains")
    script.add_argument(
        "-m", "--module", type=text, metavar="MODULE", help="a module in its stead, as python -m"
    )
    script.add_argument(
        "--loss",
        type=text,
        metavar="NAME",
        help="only passes from a loss of that name: a variable where backward() is called, or "
        "what .named() gave it; without a pass, the Tensor of that name that the script leaves",
    )
    script.add_argument(
        "--pass",
        dest="number",
        type=whole,
        metavar="N",
        help="which pass: 1 is the first, -1 the last, -2 the one before (-1)",
    )


def _add_network(network: Any) -> None:
    network.add_argument(
        "--cell",
        choices=CellKinds("linear"),
        metavar="CELL",
        help="the cell of a small network: %(choices)s (rnn)",
    )
    network.add_argument(
        "--demo",
        choices=["exploding", "vanishing"],
        help="a case to learn on, in place of a cell",
    )
    network.add_argument(
        "--steps",
        type=few_steps,
        metavar="T",
        help="time steps (3; of a demo 40 or 20)",
    )
