"""What is drawn of a tape's operations: a block per node or fold, and how the gradient fares between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from minigrad.viz import style
from minigrad.viz.graphs.canvas import Looks
from minigrad.viz.graphs.fold import View
from minigrad.viz.graphs.marks import GATES, closed, mark
from minigrad.viz.graphs.norms import Scale, number
from minigrad.viz.graphs.selection import (
    adjoint_nodes,
    is_number,
    reached_nodes,
    reading_steps,
    shown_nodes,
    written,
)
from minigrad.viz.graphs.tooltip import kind_of, summary

from minigrad import Edge, Tape, Tensor
from minigrad.internal import accumulate

from .operation_fold import FoldedNodes, fold_nodes

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
    """A line of a label, and the size of its font in points."""

    text: str
    size: float


@dataclass(frozen=True)
class Block:
    """What is drawn in one place: a node, or what stands for folded ones.

    step: the time step, in whose frame it stands; None outside the steps. backward: it is an adjoint.
    folded: it stands for others. bare: it is a mark without a box.
    """

    rows: list[Row]
    looks: Looks
    step: int | None
    backward: bool
    folded: bool = False
    bare: bool = False

    @property
    def oval(self) -> bool:
        """Whether its outline is an oval round the text."""
        return self.looks.get("shape") == "oval"


class Arc(NamedTuple):
    """An edge between two blocks."""

    tail: Key
    head: Key
    looks: Looks


@dataclass(frozen=True)
class OperationGraph:
    """The blocks in the order of execution, their identifiers, and what joins them."""

    blocks: dict[Key, Block]
    ids: dict[Key, str]
    arcs: list[Arc]
    has_recomputed: bool


@dataclass(frozen=True)
class _Facts:
    """What is known of a tape: what folds, where its nodes occur, what the gradient reaches."""

    tape: Tape
    colours: Scale | None
    folded: FoldedNodes
    occurrences: Mapping[Tensor, list[Occurrence]]

    @cached_property
    def reached(self) -> set[Tensor]:
        """The nodes that backward reaches."""
        return reached_nodes(self.tape)

    @cached_property
    def adjoint(self) -> set[Tensor]:
        """The nodes of a recorded backward pass."""
        return adjoint_nodes(self.tape)

    def is_faint(self, n: Tensor) -> bool:
        """Whether backward has nothing to do with the node."""
        return n not in self.reached and n not in self.adjoint

    def keys(self, n: Tensor) -> list[Key]:
        """Where a node is drawn, or what stands for it."""
        if n in self.folded.captions:
            return [self.folded.captions[n]]
        return [*self.occurrences.get(n, [])]


def operation_graph(tape: Tape, view: View, colours: Scale | None) -> OperationGraph:
    """The blocks and edges of a tape in that view, coloured where there are norms."""
    shown = shown_nodes(tape)
    folded = fold_nodes(tape, shown, view)
    occurrences = _occurrences(tape, [n for n in shown if n not in folded.captions])
    facts = _Facts(tape, colours, folded, occurrences)
    blocks: dict[Key, Block] = {}
    for n in tape.nodes:
        for key in facts.keys(n):
            if key not in blocks:
                blocks[key] = _block(key, n, facts)
    has_recomputed = any(n.recomputed for n in occurrences)
    return OperationGraph(blocks, _identifiers(facts), _arcs(facts), has_recomputed)


def _occurrences(tape: Tape, nodes: list[Tensor]) -> dict[Tensor, list[Occurrence]]:
    """Where each node is drawn: in its step; a leaf from outside that several steps read, in each of these."""
    read_in = reading_steps(tape.times, {n: n.inputs for n in nodes})
    occurrences: dict[Tensor, list[Occurrence]] = {}
    for n in nodes:
        steps = [tape.times[n]]
        is_outside = n.fn is None and tape.times[n] is None
        if is_outside and len(read_in.get(n, ())) > 1:
            steps = read_in[n]
        occurrences[n] = [Occurrence(n, t) for t in steps]
    return occurrences


def _identifiers(facts: _Facts) -> dict[Key, str]:
    """A DOT identifier per block: the tape's name, with the step where a leaf is drawn several times."""
    names: dict[Key, str] = {}
    for n, places in facts.occurrences.items():
        for key in places:
            name = facts.tape.names[n]
            names[key] = name if len(places) == 1 else f"{name}@{key.step}"
    for text in facts.folded.captions.values():
        names[text] = text
    return dict(zip(names, style.identifiers(names.values()), strict=True))


# --- blocks ---------------------------------------------------------------------------------------


def _block(key: Key, n: Tensor, facts: _Facts) -> Block:
    """The block of a node, or of the fold that it is the first of."""
    backward = n in facts.adjoint
    if isinstance(key, str):
        step = facts.folded.steps.get(key)
        looks = _fold_looks(key, step, bool(facts.adjoint))
        return Block(_fold_rows(key, facts), looks, step, backward, folded=True)
    looks = _looks(n, facts) | {"tooltip": style.tooltip(_tip(n, facts))}
    return Block(_rows(n, facts), looks, key.step, backward, bare=_is_bare(n))


def _is_bare(n: Tensor) -> bool:
    """Whether only the mark of a gate is drawn."""
    return n.fn in GATES and not n.name


def _fold_rows(text: str, facts: _Facts) -> list[Row]:
    """Dots over the caption of a run of steps, in two lines; a crowd has no dots."""
    rows = [Row(line, MARK_POINTS) for line in text.replace(" (", "\n(").split("\n")]
    if text in facts.folded.steps:
        rows.insert(0, Row("⋯", MARK_POINTS))
    return rows


def _fold_looks(text: str, step: int | None, has_adjoints: bool) -> Looks:
    """Plain text inside the frame of a step, a dashed box outside the steps."""
    looks = {"tooltip": text, "class": "fold"}
    if step is not None:
        return looks | {"shape": "plaintext", "style": ""}
    fill = style.ADJOINT if has_adjoints else style.BOX
    return looks | {"shape": "box", "style": "rounded,dashed,filled", "fillcolor": fill}


def _rows(n: Tensor, facts: _Facts) -> list[Row]:
    """What is written on a node: the name, the function, the norm of the adjoint."""
    if _is_bare(n):
        return [Row(mark(n).text or n.op, MARK_POINTS)]
    rows = []
    if is_number(n):
        rows.append(Row(f"{n.item():.4g}", FONT_POINTS))
    elif n.fn is None:
        rows.append(Row(facts.tape.names[n], FONT_POINTS))
    elif n.name:
        rows.append(Row(n.name, FONT_POINTS))
        rows.append(Row(_called(n), SMALL_POINTS))
    else:
        rows.append(Row(_called(n), MARK_POINTS))
    if facts.colours and n in facts.colours.norms:
        rows.append(Row(number(facts.colours.norms[n]), SMALL_POINTS))
    return rows


def _called(n: Tensor) -> str:
    """An operation: the function, and the constants among its operands; a sum of contributions says how many."""
    if n.fn is accumulate:
        return f"Σ of {len(n.inputs)}"
    if n.fn in GATES:
        return f"{n.op} {mark(n).text}"
    constants = written(n)
    if not constants:
        return str(n.op)
    operands = [f"{x.item():.4g}" if x in constants else "·" for x in n.inputs]
    return f"{n.op}({', '.join(operands)})"


def _tip(n: Tensor, facts: _Facts) -> str:
    """A tensor in one line, and why no gradient reaches it."""
    text = summary(facts.tape, n)
    if n.recomputed:
        text += ", recomputed"
    if facts.is_faint(n):
        text += ", no gradient reaches it" if n.requires_grad else ", needs no gradient"
    return text


def _looks(n: Tensor, facts: _Facts) -> Looks:
    """Shape, colours and class of one node."""
    if _is_bare(n):
        return _gate_looks(n)
    is_faint = facts.is_faint(n)
    ink = style.FAINT if is_faint else "black"
    kind = kind_of(n)
    looks = _shape(n) | {"color": ink, "fontcolor": ink, "fillcolor": FILLS[kind], "class": kind}
    if n in facts.adjoint:
        looks |= {"fillcolor": style.ADJOINT, "class": "adjoint"}
    elif is_faint:
        looks |= {"fillcolor": style.UNREACHED, "class": f"{kind} unreached"}
    elif facts.colours:
        looks |= _norm_looks(n, facts.colours)
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
    if kind_of(n) == "parameter":
        looks |= {"penwidth": "2", "color": style.PARAMETER}
    return looks


def _gate_looks(n: Tensor) -> Looks:
    """Coloured text."""
    looks = {"shape": "plaintext", "style": ""}
    if mark(n).closed:
        return looks | {"fontcolor": style.CUT, "class": "cut"}
    return looks | {"fontcolor": style.GATE, "class": "gate"}


# --- edges ----------------------------------------------------------------------------------------


def _arcs(facts: _Facts) -> list[Arc]:
    """The edges between blocks; into and out of a fold each once."""
    folded = facts.folded.captions
    drawn: set[tuple[Key, Key]] = set()
    arcs: list[Arc] = []
    for n in facts.tape.nodes:
        head = next(iter(facts.keys(n)), None)
        for slot, x in enumerate(n.inputs):
            tail = _tail(x, facts.tape.times[n], facts)
            if head is None or tail is None:
                continue
            if n in folded or x in folded:
                if tail == head or (tail, head) in drawn:
                    continue
                drawn.add((tail, head))
            arcs.append(Arc(tail, head, _arc_looks(Edge(x, n, slot), facts)))
    return arcs


def _tail(x: Tensor, reading_step: int | None, facts: _Facts) -> Key | None:
    """The block of what is read: of a leaf that several steps read, the one in the reader's step."""
    keys = facts.keys(x)
    if len(keys) == 1:
        return keys[0]
    in_step = [key for key in keys if not isinstance(key, str) and key.step == reading_step]
    return next(iter(in_step), None)


def _arc_looks(edge: Edge, facts: _Facts) -> Looks:
    """How the gradient fares along an edge."""
    x = edge.source
    n = edge.target
    if closed(x) or (closed(n) and edge.slot == 0):
        return {"color": style.CUT, "style": "dashed", "class": "cut"}
    if n in facts.adjoint:
        return {"color": style.BACKWARD, "class": "backward"}
    if n in facts.reached and edge.carries_gradient:
        return {}
    return {"color": style.FAINT, "class": "unreached"}
