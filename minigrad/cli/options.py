"""What every command reads its options with: usage errors of one line, numbers within their bounds."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from minigrad.errors import ArgumentError


class Parser(argparse.ArgumentParser):
    """argparse with usage errors of one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and leave with exit code 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _number(
    convert: Callable[[str], Any], good: Callable[[Any], bool], wanted: str
) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            value = convert(text)
        except ValueError:
            value = math.nan
        if not good(value):
            raise argparse.ArgumentTypeError(f"got {text!r}, expected {wanted}")
        return value

    return read


whole = _number(int, lambda n: n >= 1, "a whole number from 1")
natural = _number(int, lambda n: n >= 0, "a whole number from 0")
positive = _number(float, lambda v: 0 < v < math.inf, "a number above 0")
least_zero = _number(float, lambda v: 0 <= v < math.inf, "a number from 0")
text = _number(str, bool, "some text")
few = _number(int, lambda n: 1 <= n <= 200, "a whole number from 1 to 200")
share = _number(float, lambda v: 0 < v <= 1, "a probability above 0 and at most 1")
below_one = _number(float, lambda v: 0 <= v < 1, "a probability from 0, below 1")


def refuse_unwritable(path: str) -> None:
    """Say before the work what could not be written after it. Raises ArgumentError."""
    if not Path(path).parent.is_dir():
        raise ArgumentError(
            f"cannot write '{path}'", got="its folder does not exist", remedy="Make it first"
        )
    if Path(path).is_dir():
        raise ArgumentError(
            f"cannot write '{path}'", got="it is a folder", remedy="Name a file in it"
        )
    try:
        tempfile.TemporaryFile(dir=Path(path).parent).close()
    except OSError as error:
        remedy = "Give a path in a folder that exists and that you may write to"
        raise ArgumentError(
            f"cannot write '{path}'", got=error.strerror or str(error), remedy=remedy
        ) from None


def refuse_one_file(given: dict[str, str | None]) -> None:
    """Say which two options, by name, mean one file. Raises ArgumentError."""
    seen: dict[Path, str] = {}
    for name, path in given.items():
        if path and (other := seen.setdefault(Path(path).resolve(), name)) != name:
            raise ArgumentError(
                name, got=f"'{path}', which is the file of {other} too", remedy="Name another"
            )
