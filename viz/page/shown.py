"""The page that steps through backward, before it is a file: a notebook shows it in a frame."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minigrad.errors import ArgumentError
from minigrad.internal import notebook_bundle, write_atomically


@dataclass(frozen=True)
class Stepper:
    """A page that steps through a backward pass: ``html`` is its text, which asks for nothing else.

    The last expression of a notebook's cell is shown in a frame.

    >>> from minigrad import models, viz
    >>> viz.stepper(models.section(T=3).tape)
    Stepper(full gradient, 3 time steps)
    """

    title: str
    html: str

    def write(self, file: str | os.PathLike[str]) -> Path:
        """Write the page, whole or not at all. Raises ArgumentError unless it is named .html.

        >>> from minigrad import models, viz
        >>> viz.stepper(models.section(T=3).tape).write("backward.html").name
        'backward.html'
        """
        refuse_other_suffix(file, "stepper", ".html")
        return write_atomically(file, self.html.encode())

    def __repr__(self) -> str:
        return f"Stepper({self.title})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return notebook_bundle("stepper", self, repr(self))


def refuse_other_suffix(file: str | os.PathLike[str], what: str, *suffixes: str) -> None:
    """Raise ArgumentError unless the name ends in the first suffix; the message names all."""
    if Path(file).suffix.lower() != suffixes[0]:
        expected = f"expected a name ending in {' or '.join(suffixes)}"
        raise ArgumentError(what, got=f"{str(file)!r}", expected=expected)
