"""The page to step through backward with, and back: one file that asks for nothing else."""

from __future__ import annotations

import itertools
import os
from html import escape
from pathlib import Path
from typing import Any, overload

import numpy.typing as npt

from minigrad import Tape
from minigrad.internal import refuse_no_tape, write_atomically
from minigrad.viz import style

from .shell import data_text, filled, resource
from .shown import Stepper, refuse_other_suffix
from .steps import Reel, caption
from .svg import State, scene, still

# bytes of a page
LIMIT = 2_000_000
# numbers shown of one array; the first that keep the page below the limit are taken
NUMBERS = (256, 100, 64, 36, 16, 4, 1)
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
    scenes = [scene(reel.tape, f"t{i}", _blank_state(reel)) for i, reel in enumerate(reels)]
    moments = _steps_taken(reels)
    text = ""
    for most in NUMBERS:
        tapes = [reel.data(most) for reel in reels]
        text = _filled(scenes, {"moments": moments, "tapes": tapes})
        if len(text.encode()) < LIMIT:
            break
    return text


def _steps_taken(reels: list[Reel]) -> list[list[int]]:
    """At each moment how many steps each tape has taken, so that two tapes keep in step."""
    moments = sorted(set().union(*(reel.moments() for reel in reels)))
    taken = [dict(zip(reel.moments(), itertools.count(1), strict=False)) for reel in reels]
    counts = [[0] * len(reels)]
    for moment in moments:
        before = counts[-1]
        counts.append([t.get(moment, n) for t, n in zip(taken, before, strict=True)])
    return counts


def _blank_state(reel: Reel) -> State:
    return lambda n: "ahead" if n in reel.session.reached else "unreached"


def _filled(scenes: list[str], data: dict[str, Any]) -> str:
    """Template, style and script in one; the policy admits these two and nothing from outside."""
    titles = [style.plain(tape["title"], MAX_TITLE) for tape in data["tapes"]]
    parts = {
        "scenes": "\n".join(map(_framed, scenes)),
        "data": data_text(data),
        "title": escape(" | ".join(titles)),
    }
    css, js = resource("stepper.css"), resource("stepper.js")
    return filled("stepper.html", css, js, parts)


def _framed(svg: str) -> str:
    label = "the unrolled graph, scrollable"
    return f'<div class="scene" tabindex="0" aria-label="{label}">{svg}</div>'
