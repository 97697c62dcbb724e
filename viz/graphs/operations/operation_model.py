"""What is drawn of a tape's operations: a block per node or fold, and what joins them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from minigrad import Edge, Tape, Tensor
from minigrad.viz import style
from minigrad.viz.graphs.canvas import Looks
from minigrad.viz.graphs.fold import View
from minigrad.viz.graphs.landmarks import landmarks
from minigrad.viz.graphs.marks import closed
from minigrad.viz.graphs.norm_colors import Scale
from minigrad.viz.graphs.selection import reading_steps, shown_nodes, state_nodes

from .operation_block import Block, Facts, Key, Occurrence, block_of
from .operation_fold import FoldedNodes, fold_nodes


class Arc(NamedTuple):
    """An edge between two blocks."""

    tail: Key
    head: Key
    looks: Looks


@dataclass(frozen=True)
class OperationGraph:
    """The blocks in the order of execution, their identifiers, and what joins them.

    members: what each identifier stands for. folds: what the folds among them are called.
    """

    blocks: dict[Key, Block]
    ids: dict[Key, str]
    arcs: list[Arc]
    members: Mapping[str, list[Tensor]]
    folds: Mapping[str, str]


def operation_graph(tape: Tape, view: View, colours: Scale | None) -> OperationGraph:
    """The blocks and edges of a tape in that view, coloured where there are norms."""
    shown = shown_nodes(tape)
    folded = fold_nodes(tape, shown, view, landmarks(tape, colours))
    occurrences = _occurrences(tape, shown, folded)
    facts = Facts(tape, colours, folded, occurrences, view)
    blocks: dict[Key, Block] = {}
    ids = _identifiers(facts)
    members: defaultdict[str, list[Tensor]] = defaultdict(list)
    for n in tape.nodes:
        for key in facts.keys(n):
            members[ids[key]].append(n)
            if key not in blocks:
                blocks[key] = block_of(key, n, facts)
    folds = {}
    for caption, name in folded.names.items():
        if caption in blocks:
            folds[ids[caption]] = name
    return OperationGraph(blocks, ids, _arcs(facts), members, folds)


def _occurrences(
    tape: Tape, shown: list[Tensor], folded: FoldedNodes
) -> dict[Tensor, list[Occurrence]]:
    """Where each node is drawn: in its step.

    A leaf from outside is drawn in each of the steps that read it and are shown; the state that the
    first step starts from stands before them.
    """
    states = state_nodes(tape)
    unfolded = [n for n in shown if n not in folded.captions]
    read_in = reading_steps(tape.times, {n: n.inputs for n in unfolded})
    occurrences: dict[Tensor, list[Occurrence]] = {}
    for n in unfolded:
        own = tape.times[n]
        steps = read_in.get(n, [])
        is_outside = n.fn is None and own is None
        if not is_outside or not steps or n in states:
            steps = [own]
        occurrences[n] = [Occurrence(n, t) for t in steps]
    return occurrences


def _identifiers(facts: Facts) -> dict[Key, str]:
    """A DOT identifier per block: the tape's name, with the step of a leaf drawn in several."""
    names: dict[Key, str] = {}
    for n, occurrences in facts.occurrences.items():
        for key in occurrences:
            names[key] = facts.tape.names[n]
            if len(occurrences) > 1:
                names[key] += f"@{key.step}"
    for text in facts.folded.captions.values():
        names[text] = text
    unique = style.identifiers(names.values())
    return dict(zip(names, unique, strict=True))


def _arcs(facts: Facts) -> list[Arc]:
    """The edges between blocks; into and out of a fold each once."""
    folded = facts.folded.captions
    drawn: set[tuple[Key, Key]] = set()
    arcs: list[Arc] = []
    for n in facts.tape.nodes:
        time = facts.tape.times[n]
        head = next(iter(facts.keys(n)), None)
        for slot, x in enumerate(n.inputs):
            tail = _tail(x, time, facts)
            if head is None or tail is None:
                continue
            ends = tail, head
            if n in folded or x in folded:
                if tail == head or ends in drawn:
                    continue
                drawn.add(ends)
            edge = Edge(x, n, slot)
            looks = _arc_looks(edge, facts)
            arcs.append(Arc(tail, head, looks))
    return arcs


def _tail(x: Tensor, reading_step: int | None, facts: Facts) -> Key | None:
    """The block that is read: of a leaf from outside, the one in the reader's step.

    A fold has the leaves that it reads inside.
    """
    at: dict[int | None, Key] = {}
    for key in facts.keys(x):
        if isinstance(key, str):
            return key
        at[key.step] = key
    return at.get(reading_step, at.get(facts.tape.times[x]))


def _arc_looks(edge: Edge, facts: Facts) -> Looks:
    """How the gradient fares along an edge."""
    x = edge.source
    n = edge.target
    passes_gate = closed(n) and edge.slot == 0
    if passes_gate or closed(x):
        return {"color": style.CUT, "style": "dashed", "class": "cut"}
    if n in facts.adjoint:
        return {"color": style.BACKWARD, "class": "backward"}
    if n in facts.reached and edge.carries_gradient:
        return {}
    return {"color": style.FAINT, "class": "unreached"}
