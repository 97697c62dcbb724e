"""Fig. 9.7.1: randomized, regular and full backpropagation through time, read off transformed tapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import graphviz
import numpy as np

import minigrad as mg
from minigrad import Tape, transforms
from minigrad.errors import ArgumentError
from minigrad.viz import style

from .selection import closed

LONGEST = 100
PITCH, LINE, SIZE = 11.0, 22.0, 13.0  # from character to character, from row to row; the font
LABEL = 70.0  # the width of the rows' names


def strategies(
    text: str = "the time machine by h g wells",
    segment: int = 4,
    keep: float = 0.75,
    seed: int = 0,
    cuts: Mapping[str, Sequence[int]] | None = None,
) -> graphviz.Digraph:
    """A text, one character per time step, over the segments in which three strategies go back through it.

    ``cuts`` gives the positions of the cuts of the "randomized" or "regular" row instead: after that many characters.
    Raises ArgumentError for a text without two characters or too long for one line.
    """
    line = style.plain(text, LONGEST + 1)
    if not 2 <= len(line) <= LONGEST:
        expected = f"expected 2 to {LONGEST}, one per time step"
        raise ArgumentError("strategies: text", got=f"{len(text)} characters", expected=expected)
    tape = _recurrence(len(line))
    rows = {
        "randomized": transforms.truncate_randomly(tape, keep, rng=seed, reweight=False),
        "regular": transforms.truncate(tape, every=segment),
        "full": tape,
    }
    for name, after in (cuts or {}).items():
        if name not in ("randomized", "regular") or not all(0 < k < len(line) for k in after):
            expected = (
                f"expected the row 'randomized' or 'regular' and positions in 1..{len(line) - 1}"
            )
            raise ArgumentError(
                "strategies: cuts", got=f"{name!r}: {list(after)}", expected=expected
            )
        rows[name] = transforms.cut(
            tape, [e for e in tape.recurrent_edges() if e.source.time in after]
        )
    return _picture(line, {name: segments(row) for name, row in rows.items()})


def segments(tape: Tape) -> list[int]:
    """How many steps the gradient goes through between cuts: the lengths of the segments, first to last."""
    steps = sorted({t for t in tape.times.values() if t is not None})
    open_to = {tape.times[e.target] for e in tape.recurrent_edges() if not closed(e.target)}
    starts = [0, *(k for k, t in enumerate(steps) if k and t not in open_to), len(steps)]
    return [int(n) for n in np.diff(starts)]


def _recurrence(steps: int) -> Tape:
    """The least tape with one recurrent edge per step: h_t = tanh(w h_{t-1} + 1)."""
    w, h = mg.tensor(0.5, requires_grad=True, name="w"), mg.tensor(0.0, name="h_0")
    for t in range(1, steps + 1):
        with mg.timestep(t):
            h = np.tanh(w * h + 1).named(f"h_{t}")
    return Tape.of(h)


def _picture(line: str, rows: dict[str, list[int]]) -> graphviz.Digraph:
    graph = graphviz.Digraph("strategies", engine="neato")
    graph.attr(inputscale="72", splines="line", pad="0.06")
    graph.attr(
        "node",
        shape="plaintext",
        fontname="Courier",
        fontsize=f"{SIZE:g}",
        margin="0",
        width="0",
        height="0",
    )
    graph.attr("edge", arrowsize="0.6")
    for k, c in enumerate(line):
        graph.node(
            f"c{k + 1}",
            style.label(c, size=SIZE),
            pos=f"{(k + 0.5) * PITCH:g},0!",
            tooltip=f"t = {k + 1}",
        )
    for row, (name, lengths) in enumerate(rows.items(), start=1):
        y = -row * LINE
        aligned = (
            f'<<table border="0"><tr><td align="right" width="{LABEL:g}">{name}</td></tr></table>>'
        )
        graph.node(
            name, aligned, pos=f"{-LABEL / 2 - PITCH:g},{y:g}!", fontname=style.SANS, fontsize="11"
        )
        start = 0
        for k, length in enumerate(lengths):
            ends = f"{name}{k}a", f"{name}{k}b"
            for end, x in zip(ends, (start * PITCH + 1, (start + length) * PITCH - 1), strict=True):
                graph.node(end, "", pos=f"{x:g},{y:g}!", shape="point", style="invis")
            graph.edge(*ends, tooltip=f"steps {start + 1} to {start + length}")
            start += length
    return graph
