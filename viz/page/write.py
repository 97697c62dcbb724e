"""The page to step through backward with, and back: one file that asks for nothing else."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import Any, overload

import numpy.typing as npt

from minigrad import Tape
from minigrad.internal import refuse_no_tape, write_atomically
from minigrad.viz import style

from . import colours
from .shell import data_text, filled, resource
from .shown import Stepper, refuse_other_suffix
from .steps import Reel, caption
from .svg import State, still

# bytes of a page
LIMIT = 2_000_000
# the script with what the steps share, and what else than numbers a node takes
SCRIPT_SIZE = 200_000
NODE_SIZE = 60
# numbers shown of one array; the first that keep the page below the limit are taken
NUMBERS = (256, 100, 64, 36, 16, 4, 1)
SCRIPTS = (
    "elements",
    "data",
    "mathematics",
    "arrays",
    "layout",
    "graph",
    "ruler",
    "weights",
    "frame",
    "panel",
    "moving",
    "controls",
)
"""In the order of what they use; together one function."""
MAX_TITLE = 80  # characters


@overload
def stepper(
    tape: Tape,
    file: None = None,
    beside: Tape | None = None,
    gradient: npt.ArrayLike | None = None,
) -> Stepper: ...
@overload
def stepper(
    tape: Tape,
    file: str | os.PathLike[str],
    beside: Tape | None = None,
    gradient: npt.ArrayLike | None = None,
) -> Path: ...
def stepper(
    tape: Tape,
    file: str | os.PathLike[str] | None = None,
    beside: Tape | None = None,
    gradient: npt.ArrayLike | None = None,
) -> Stepper | Path:
    """An HTML page that steps through the backward pass of a tape, or of two in step.

    It is written to the file, or given back: as the last expression of a notebook's cell it is
    shown there. The page runs offline and loads nothing. Large arrays are shown in blocks, so that
    it stays below 2 MB. ``gradient`` is the cotangent of the output, 1 for a scalar.

    Raises ArgumentError for what is no tape or no .html, GradientError where the tape has no
    backward pass.

    >>> from minigrad import models, transforms, viz
    >>> tape = models.section(T=3).tape
    >>> viz.stepper(tape, "backward.html", beside=transforms.truncate(tape, every=1)).name
    'backward.html'
    """
    tapes = [tape] if beside is None else [tape, beside]
    for each in tapes:
        refuse_no_tape("stepper", each)
    if file is not None:
        refuse_other_suffix(file, "stepper", ".html")
    reels = [Reel(each, caption(each), gradient) for each in tapes]
    made = Stepper(" | ".join(reel.title for reel in reels), page(reels))
    return made if file is None else made.write(file)


def snapshot(tape: Tape, state: State, file: str | os.PathLike[str]) -> Path:
    """Write the tape as .svg, each node coloured by its state in a backward pass."""
    refuse_other_suffix(file, "draw", ".svg", ".html")
    return write_atomically(file, still(tape, state).encode())


def page(reels: list[Reel]) -> str:
    """The page's text."""
    most = next((most for most in NUMBERS if _size(reels, most) < LIMIT), NUMBERS[-1])
    tapes = [reel.data(most) for reel in reels]
    data: dict[str, Any] = {"tapes": tapes}
    if len(reels) > 1:
        data["moved"] = _moved(reels)
    return _filled(data)


def _size(reels: list[Reel], most: int) -> int:
    """About how many bytes the page takes with at most so many numbers an array."""
    nodes = sum(len(reel.tape.nodes) for reel in reels)
    numbers = sum(reel.size(most) for reel in reels)
    return SCRIPT_SIZE + NODE_SIZE * nodes + numbers


def _moved(reels: list[Reel]) -> str:
    """Which tapes take a step at each moment, a bit for each, so that they keep in step."""
    each = [set(reel.moments()) for reel in reels]
    bits = []
    for moment in sorted(set().union(*each)):
        here = [k for k, moments in enumerate(each) if moment in moments]
        bits.append(sum(1 << k for k in here))
    return "".join(map(str, bits))


def _filled(data: dict[str, Any]) -> str:
    """Template, style and script in one."""
    rules = resource("graph.css") + resource("stepper.css")
    css = colours.variables() + colours.shades() + rules
    scripts = [resource("script", f"{name}.js") for name in SCRIPTS]
    js = '"use strict";\n(() => {\n' + "".join(scripts) + "})();\n"
    titles = [style.plain(tape["title"], MAX_TITLE) for tape in data["tapes"]]
    parts = {"data": data_text(data), "title": escape(" | ".join(titles))}
    # a picture that the page makes of itself
    return filled("stepper.html", css, js, parts, images="data:")
