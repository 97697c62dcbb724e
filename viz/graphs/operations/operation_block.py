"""What a node, or what stands for folded ones, says and how it looks in the graph of operations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from minigrad import Tape, Tensor
from minigrad.internal import accumulate
from minigrad.viz import style
from minigrad.viz.graphs.canvas import Looks
from minigrad.viz.graphs.fold import View
from minigrad.viz.graphs.landmarks import is_broken
from minigrad.viz.graphs.marks import is_gate, mark
from minigrad.viz.graphs.norm_colors import BROKEN, Scale, number
from minigrad.viz.graphs.roles import Role, roles
from minigrad.viz.graphs.selection import (
    adjoint_nodes,
    is_number,
    reached_nodes,
    state_nodes,
)
from minigrad.viz.graphs.strip import Strip
from minigrad.viz.graphs.tooltip import kind_of, summary

from .operation_fold import FoldedNodes
from .operation_text import called

# The fonts of names, of marks, and of what stands below a name.
FONT_POINTS = 13.0
MARK_POINTS = 11.0
SMALL_POINTS = 10.0

FILLS = {
    "parameter": style.PARAMETER,
    "constant": style.BOX,
    "operation": style.OPERATION,
}


class Occurrence(NamedTuple):
    """A node, and the step that it is drawn in."""

    node: Tensor
    step: int | None


Key = Occurrence | str
"""An occurrence, or the caption of what is folded."""


class Row(NamedTuple):
    """A line of a label, the size of its font in points, and its colour if it has its own."""

    text: str
    size: float
    colour: str = ""

    @property
    def html(self) -> str:
        """The line as a row of a label."""
        line = style.sized(self.text, self.size)
        return f'<font color="{self.colour}">{line}</font>' if self.colour else line


@dataclass(frozen=True)
class Block:
    """What is drawn in one place: a node, or what stands for folded ones.

    step: the time step, in whose frame it stands; None outside the steps. backward: it is an
    adjoint. folded: it stands for others. bare: it is a mark without a box. strip: what folded
    steps hide, drawn below the rows. role: that of its counterparts in other steps.
    """

    rows: list[Row]
    looks: Looks
    step: int | None
    backward: bool
    folded: bool = False
    bare: bool = False
    strip: Strip | None = None
    role: Role = None

    @property
    def oval(self) -> bool:
        """Whether its outline is an oval round the text."""
        return self.looks.get("shape") == "oval"


@dataclass(frozen=True)
class Facts:
    """What is known of a tape: what folds, where its nodes occur, what the gradient reaches."""

    tape: Tape
    colours: Scale | None
    folded: FoldedNodes
    occurrences: Mapping[Tensor, list[Occurrence]]
    view: View

    @cached_property
    def reached(self) -> set[Tensor]:
        """The nodes that backward reaches."""
        return reached_nodes(self.tape)

    @cached_property
    def adjoint(self) -> set[Tensor]:
        """The nodes of a recorded backward pass."""
        return adjoint_nodes(self.tape)

    @cached_property
    def roles(self) -> dict[Tensor, Role]:
        """What each node is in its step; a leaf that one step alone reads belongs to it."""
        times = dict(self.tape.times)
        for n, occurrences in self.occurrences.items():
            if len(occurrences) == 1:
                times[n] = occurrences[0].step
        return roles(self.tape.nodes, times, by_gradient=False)

    @cached_property
    def states(self) -> set[Tensor]:
        """The nodes that carry the network from step to step."""
        return state_nodes(self.tape)

    def is_faint(self, n: Tensor) -> bool:
        """Whether backward has nothing to do with the node."""
        return n not in self.reached and n not in self.adjoint

    def keys(self, n: Tensor) -> list[Key]:
        """Where a node is drawn, or what stands for it."""
        caption = self.folded.captions.get(n)
        if caption is not None:
            return [caption]
        return [*self.occurrences.get(n, [])]


def block_of(key: Key, n: Tensor, facts: Facts) -> Block:
    """The block of a node, or of the fold that it is the first of."""
    backward = n in facts.adjoint
    if isinstance(key, str):
        step = facts.folded.steps.get(key)
        rows = _fold_rows(key, has_dots=key in facts.folded.steps)
        looks = _fold_looks(key, step, has_adjoints=bool(facts.adjoint))
        if key in facts.folded.cut:
            looks["class"] += " cut"
        strip = facts.folded.strips.get(key)
        if strip and strip.scissors:
            rows.append(Row(strip.scissors, MARK_POINTS, style.CUT))
            looks["tooltip"] += f", {strip.scissors}"
        if strip and not strip.says_something:
            strip = None
        return Block(rows, looks, step, backward, folded=True, strip=strip)
    rows = _rows(n, facts)
    looks = _looks(n, facts)
    if key.step is not None:
        looks["step"] = f"{key.step}"
    looks["tooltip"] = style.tooltip(_tip(n, facts))
    return Block(rows, looks, key.step, backward, bare=_is_bare(n), role=facts.roles[n])


def _is_bare(n: Tensor) -> bool:
    """Whether only the mark of a gate is drawn."""
    return is_gate(n) and not n.name


def _fold_rows(text: str, has_dots: bool) -> list[Row]:
    """Dots over the caption of a run of steps, in two lines; a crowd has no dots."""
    rows = []
    if has_dots:
        rows.append(Row("⋯", MARK_POINTS))
    for line in text.replace(" (", "\n(").split("\n"):
        rows.append(Row(line, MARK_POINTS))
    return rows


def _fold_looks(text: str, step: int | None, has_adjoints: bool) -> Looks:
    """Plain text inside the frame of a step, a dashed box outside the steps."""
    looks = {"tooltip": text, "class": "fold"}
    if step is not None:
        return looks | {"shape": "plaintext", "style": ""}
    looks["shape"] = "box"
    looks["style"] = "rounded,dashed,filled"
    looks["fillcolor"] = style.ADJOINT if has_adjoints else style.BOX
    return looks


def _rows(n: Tensor, facts: Facts) -> list[Row]:
    """What is written on a node: the name, the function, the shape, the norm of the adjoint."""
    if _is_bare(n):
        return [Row(mark(n).text or n.op, MARK_POINTS)]
    rows = []
    text = facts.view.text(n)
    if text is not None:
        rows.append(Row(text, FONT_POINTS))
    elif is_number(n):
        rows.append(Row(f"{n.item():.4g}", FONT_POINTS))
    elif n.fn is None:
        rows.append(Row(facts.tape.names[n], FONT_POINTS))
    elif n.name:
        rows.append(Row(n.label, FONT_POINTS))
        rows.append(Row(called(n), SMALL_POINTS))
    else:
        rows.append(Row(called(n), MARK_POINTS))
    if not is_number(n):
        rows.append(Row(f"{n.shape}", style.NOTE_POINTS))
    if facts.colours and n in facts.colours.norms:
        norm = facts.colours.norms[n]
        rows.append(Row(number(norm), SMALL_POINTS))
    return rows


def _tip(n: Tensor, facts: Facts) -> str:
    """A tensor in one line, and why no gradient reaches it."""
    text = summary(facts.tape, n)
    if n.recomputed:
        text += ", recomputed"
    if facts.is_faint(n):
        text += ", no gradient reaches it" if n.requires_grad else ", needs no gradient"
    return text


def _looks(n: Tensor, facts: Facts) -> Looks:
    """Shape, colours and class of one node."""
    if _is_bare(n):
        return _gate_looks(n)
    is_faint = facts.is_faint(n)
    kind = kind_of(n)
    looks = _shape(n)
    looks["fillcolor"] = FILLS[kind]
    looks["class"] = kind
    looks["color"] = style.FAINT if is_faint else "black"
    looks["fontcolor"] = looks["color"]
    if n in facts.adjoint:
        looks |= {"fillcolor": style.ADJOINT, "class": "adjoint"}
    elif is_faint:
        looks |= {"fillcolor": style.UNREACHED, "class": f"{kind} unreached"}
    elif facts.colours:
        looks |= _norm_looks(n, facts.colours)
    if n in facts.states and not is_faint:
        looks |= {"penwidth": style.STATE_WIDTH}
        looks["class"] += " state"
    if is_broken(n):
        looks |= {"fillcolor": BROKEN, "fontcolor": "black"}
        looks["class"] += " nonfinite"
    if n.recomputed:
        looks["style"] = "rounded,filled,dashed"
        looks["class"] += " recomputed"
    return looks


def _shape(n: Tensor) -> Looks:
    """A box for a leaf, a round one for an operation, an oval for a sum of contributions."""
    if n.fn is None:
        return {"shape": "box"}
    if n.fn is accumulate:
        return {"shape": "oval"}
    return {"shape": "box", "style": "rounded,filled"}


def _norm_looks(n: Tensor, colours: Scale) -> Looks:
    """The colour of its norm; the outline tells a parameter."""
    looks: Looks = {}
    if n in colours.norms:
        looks["fillcolor"] = colours.colour(colours.norms[n])
        if not math.isfinite(colours.norms[n]) and not is_broken(n):
            looks["class"] = f"{kind_of(n)} nonfinite"
    if kind_of(n) == "parameter":
        looks["penwidth"] = "2"
        looks["color"] = style.PARAMETER
    return looks


def _gate_looks(n: Tensor) -> Looks:
    """Coloured text."""
    looks = {"shape": "plaintext", "style": ""}
    if mark(n).closed:
        return looks | {"fontcolor": style.CUT, "class": "cut"}
    return looks | {"fontcolor": style.GATE, "class": mark(n).classes}
