"""What every command reads its options with: usage errors of one line, numbers within bounds."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

MAX_DRAWN_STEPS = 200


class CellKinds:
    """The kinds of cells that --cell takes, and names beside them.

    The models are asked when an option names one, so that ``minigrad --version`` imports none.
    """

    def __init__(self, *others: str) -> None:
        self.others = others

    def __iter__(self) -> Iterator[str]:
        from minigrad.models.cells import CELLS

        return iter((*CELLS, *self.others))

    def __contains__(self, kind: object) -> bool:
        return kind in tuple(self)


class Parser(argparse.ArgumentParser):
    """argparse with usage errors of one line.

    A command that ``passes_on`` leaves what follows ``--`` to a program, in ``arguments``.
    """

    passes_on = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Read the options: of a command that passes on, those in front of ``--``."""
        if not self.passes_on:
            return super().parse_known_args(args, namespace)
        cut = args.index("--") if "--" in args else len(args)
        read, unknown = super().parse_known_args(args[:cut], namespace)
        read.arguments = args[cut + 1 :]
        if unknown:
            listed = " ".join(unknown)
            self.error(f"unrecognized arguments: {listed}; those of a script go after --")
        return read, unknown

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and leave with exit code 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _value(
    convert: Callable[[str], Any],
    accepts: Callable[[Any], bool],
    expected: str,
) -> Callable[[str], Any]:
    """A type for argparse: what ``convert`` makes of the text, if it is accepted."""

    def read(text: str) -> Any:
        try:
            value = convert(text)
        except ValueError:
            # Refused below: no bound holds for NaN.
            value = math.nan
        if not accepts(value):
            raise argparse.ArgumentTypeError(f"got {text!r}, expected {expected}")
        return value

    return read


count = _value(int, lambda n: n >= 1, "a whole number from 1")
whole = _value(int, lambda n: n != 0, "a whole number, not 0")
natural = _value(int, lambda n: n >= 0, "a whole number from 0")
few_steps = _value(int, lambda n: 1 <= n <= MAX_DRAWN_STEPS, "a whole number from 1 to 200")
positive = _value(float, lambda v: 0 < v < math.inf, "a number above 0")
non_negative = _value(float, lambda v: 0 <= v < math.inf, "a number from 0")
probability = _value(float, lambda v: 0 < v <= 1, "a probability above 0 and at most 1")
below_one = _value(float, lambda v: 0 <= v < 1, "a probability from 0, below 1")
text = _value(str, bool, "some text")


def add_seed(command: argparse._ActionsContainer, default: int, meaning: str) -> None:
    """The option --seed."""
    command.add_argument(
        "--seed",
        type=natural,
        default=default,
        metavar="S",
        help=f"{meaning} (%(default)s)",
    )


def add_text_file(command: argparse._ActionsContainer) -> None:
    """The option --text, a file to learn from."""
    command.add_argument(
        "--text",
        metavar="FILE",
        help="plain text, UTF-8 (default: The Time Machine)",
    )


def add_prefix(command: argparse._ActionsContainer) -> None:
    """The option --prefix, of what writes text."""
    command.add_argument(
        "--prefix",
        type=text,
        default="it has",
        metavar="TEXT",
        help="text to continue (%(default)s)",
    )
