"""Fig. 9.7.1: randomized, regular and full backpropagation through time, read off tapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from graphviz import Digraph

import minigrad as mg
from minigrad import Tape
from minigrad.errors import ArgumentError
from minigrad.transforms import cut, truncate, truncate_randomly
from minigrad.viz import style

from .canvas import POINTS_PER_INCH
from .marks import closed
from .picture import Picture

MIN_CHARACTERS = 2
MAX_CHARACTERS = 100

# From character to character, from row to row, and the font.
PITCH_POINTS = 11.0
ROW_POINTS = 22.0
FONT_POINTS = 13.0
# The width of the rows' names.
LABEL_POINTS = 70.0

Rows = dict[str, list[int]]
"""The lengths of the segments of each strategy."""


def strategies(
    text: str = "the time machine by h g wells",
    segment: int = 4,
    keep: float = 0.75,
    seed: int = 0,
    cuts: Mapping[str, Sequence[int]] | None = None,
) -> Digraph:
    """A text, a character per time step, over the segments that three strategies go back through.

    >>> graph = strategies("time", segment=2)
    >>> "steps 1 to 2" in graph.source
    True

    text: 2 to 100 characters.
    segment: how many steps the regular strategy goes back through.
    keep: the probability with which the randomized strategy keeps an edge between two steps.
    seed: of its random numbers.
    cuts: the positions of the cuts of the "randomized" or "regular" row instead, each after that
    many characters.

    Raises: ArgumentError for a text, a row or a position outside these. Source: D2L, Fig. 9.7.1.
    """
    line = style.plain(text, MAX_CHARACTERS + 1)
    if not MIN_CHARACTERS <= len(line) <= MAX_CHARACTERS:
        expected = f"expected {MIN_CHARACTERS} to {MAX_CHARACTERS}, one per time step"
        raise ArgumentError("strategies: text", got=f"{len(text)} characters", expected=expected)
    tape = _recurrence(len(line))
    randomized = truncate_randomly(tape, keep, rng=seed, reweight=False)
    regular = truncate(tape, every=segment)
    tapes = {"randomized": randomized, "regular": regular, "full": tape}
    recurrent = tape.recurrent_edges()
    for name, after in (cuts or {}).items():
        _refuse_cuts(name, after, len(line))
        edges = [e for e in recurrent if e.source.time in after]
        tapes[name] = cut(tape, edges)
    rows: Rows = {}
    for name, row in tapes.items():
        rows[name] = segments(row)
    return _picture(line, rows)


def _refuse_cuts(name: str, after: Sequence[int], steps: int) -> None:
    """Raise ArgumentError for a row without cuts, and for positions not between two characters."""
    is_between = all(0 < k < steps for k in after)
    if is_between and name in ("randomized", "regular"):
        return
    expected = f"expected the row 'randomized' or 'regular' and positions in 1..{steps - 1}"
    raise ArgumentError("strategies: cuts", got=f"{name!r}: {list(after)}", expected=expected)


def segments(tape: Tape) -> list[int]:
    """The lengths of the segments: how many steps the gradient goes through between cuts."""
    open_to = set()
    for e in tape.recurrent_edges():
        if not closed(e.target):
            open_to.add(tape.times[e.target])
    lengths: list[int] = []
    for t in tape.stamps:
        if lengths and t in open_to:
            lengths[-1] += 1
        else:
            lengths.append(1)
    return lengths


def _recurrence(steps: int) -> Tape:
    """The least tape with one recurrent edge per step: h_t = tanh(w h_{t-1} + 1)."""
    w = mg.tensor(0.5, requires_grad=True, name="w")
    h = mg.tensor(0.0, name="h_0")
    for t in range(1, steps + 1):
        with mg.timestep(t):
            state: Any = np.tanh(w * h + 1)
            h = state.named(f"h_{t}")
    return Tape.of(h)


def _picture(line: str, rows: Rows) -> Digraph:
    """The characters of the line, and below it each row of segments."""
    graph = Picture("strategies", engine="neato")
    graph.attr(tooltip="How far gradients flow back, by strategy")
    graph.attr(inputscale="72", splines="line", pad="0.06")
    tight = {"margin": "0", "width": "0", "height": "0"}
    font = {"fontname": "Courier", "fontsize": f"{FONT_POINTS:g}"}
    graph.attr("node", shape="plaintext", **font, **tight)
    graph.attr("edge", arrowsize="0.6")
    for k, character in enumerate(line):
        text = style.label(character, size=FONT_POINTS)
        x = (k + 0.5) * PITCH_POINTS
        graph.node(f"c{k + 1}", text, pos=f"{x:g},0!", tooltip=f"t = {k + 1}")
    for row, name in enumerate(rows, start=1):
        y = -row * ROW_POINTS
        _put_row(graph, name, rows[name], y)
    return graph


def _put_row(graph: Digraph, name: str, lengths: list[int], y: float) -> None:
    """The name of a strategy, and an arrow per segment."""
    # \r: right-justified in a box of that width
    aligned = {"label": f"{name}\\r", "width": f"{LABEL_POINTS / POINTS_PER_INCH:g}"}
    x = -LABEL_POINTS / 2 - PITCH_POINTS
    font = {"fontname": style.SANS, "fontsize": "11"}
    graph.node(name, pos=f"{x:g},{y:g}!", **aligned, **font)
    start = 0
    for k, length in enumerate(lengths):
        first = f"{name}{k}a"
        last = f"{name}{k}b"
        end = start + length
        _put_point(graph, first, start * PITCH_POINTS + 1, y)
        _put_point(graph, last, end * PITCH_POINTS - 1, y)
        graph.edge(first, last, tooltip=f"steps {start + 1} to {end}")
        start = end


def _put_point(graph: Digraph, name: str, x: float, y: float) -> None:
    """An invisible end of an arrow."""
    graph.node(name, "", pos=f"{x:g},{y:g}!", shape="point", style="invis")
