"""The adjoints in the graph of operations: its mirror image, one box per rule."""

from __future__ import annotations

from dataclasses import dataclass, replace

from minigrad import Tensor
from minigrad.viz import style
from minigrad.viz.graphs.canvas import Looks
from minigrad.viz.graphs.fold import RULES
from minigrad.viz.graphs.marks import closed, is_gate, mark
from minigrad.viz.graphs.operations.operation_block import (
    Block,
    Key,
    Occurrence,
    Row,
)
from minigrad.viz.graphs.operations.operation_model import Arc, OperationGraph

from .rule_listing import Listing, listings
from .split import Backward

# The fonts of names, and of what stands below: an adjoint is no wider than its value, if it can be.
NAME_POINTS = 10.0
RULE_POINTS = 9.0

LOOKS: Looks = {"shape": "box", "color": "black", "fillcolor": style.ADJOINT}
BACK: Looks = {"color": style.BACKWARD, "class": "backward"}


@dataclass(frozen=True)
class AdjointOperations:
    """The adjoint of each block that has one, under its key; what goes back along its arcs.

    origins: the place of the arc of the forward pass that each arc goes back along. totals: the
    parameters that several steps read, and the sums of what these send them.
    """

    model: OperationGraph
    origins: list[int]
    totals: dict[Occurrence, Block]

    def rules(self, backward: Backward) -> dict[str, list[Listing]]:
        """What is computed by the rules that a box stands for."""
        rules = {}
        for name, fold in self.model.folds.items():
            if fold == RULES:
                rules[name] = listings(self.model.members[name], backward)
        return rules

    def with_totals(self) -> OperationGraph:
        """All of them."""
        names = [f"total {key.node.label}" for key in self.totals]
        unique = style.identifiers(names)
        blocks = dict(self.model.blocks)
        ids = dict(self.model.ids)
        members = dict(self.model.members)
        for name, (key, block) in zip(unique, self.totals.items(), strict=True):
            blocks[key] = block
            ids[key] = name
            members[name] = [key.node]
        return replace(self.model, blocks=blocks, ids=ids, members=members)


def adjoint_operations(model: OperationGraph, backward: Backward) -> AdjointOperations:
    """The adjoints of the blocks that are drawn of a forward pass."""
    blocks: dict[Key, Block] = {}
    shared: set[Tensor] = set()
    for key in reversed(model.blocks):
        block = model.blocks[key]
        if isinstance(key, str):
            blocks[key] = _fold(block, key)
            continue
        n = key.node
        if n in backward.visited or _cuts(n, backward):
            adjoint = _block(n, block, backward)
            if n.fn is None and key.step is not None:
                shared.add(n)
                share = Row("share", RULE_POINTS)
                adjoint = replace(adjoint, rows=[*adjoint.rows, share])
            blocks[key] = adjoint
    totals: dict[Occurrence, Block] = {}
    for n in backward.tape.wrt:
        if n in shared:
            key = Occurrence(n, None)
            totals[key] = _total(n, backward)
    ids: dict[Key, str] = {}
    members: dict[str, list[Tensor]] = {}
    folds: dict[str, str] = {}
    for key, block in blocks.items():
        value = model.ids[key]
        name = f"d{value}"
        ids[key] = name
        members[name] = model.members[value]
        if value in model.folds:
            folds[name] = model.folds[value]
        elif "rule" in block.looks["class"].split():
            folds[name] = RULES
    arcs, origins = _arcs(model, blocks)
    graph = OperationGraph(blocks, ids, arcs, members, folds)
    return AdjointOperations(graph, origins, totals)


def _arcs(model: OperationGraph, blocks: dict[Key, Block]) -> tuple[list[Arc], list[int]]:
    """What goes back along the arcs between blocks that have adjoints, and along which.

    Twice the same is one.
    """
    arcs: dict[tuple[Key, Key], Arc] = {}
    origins: list[int] = []
    for k, arc in enumerate(model.arcs):
        ends = arc.head, arc.tail
        kind = arc.looks.get("class", "")
        if kind == "unreached" or ends in arcs:
            continue
        if blocks.keys() >= {*ends}:
            looks = arc.looks if kind == "cut" else BACK
            arcs[ends] = Arc(*ends, looks)
            origins.append(k)
    return list(arcs.values()), origins


def _cuts(n: Tensor, backward: Backward) -> bool:
    """Whether a gate lets nothing through to something that has an adjoint anyway."""
    return closed(n) and n.inputs[0] in backward.visited


def _fold(block: Block, caption: str) -> Block:
    looks = block.looks | {"tooltip": f"{caption}, backward"}
    if looks["shape"] == "box":
        looks["fillcolor"] = style.ADJOINT
    rows = [row for row in block.rows if row.colour != style.CUT]
    return replace(block, rows=rows, looks=looks, backward=True, strip=None)


def _block(n: Tensor, block: Block, backward: Backward) -> Block:
    """The adjoint of a node, and what its rule makes of it."""
    if block.bare:
        looks = dict(block.looks)
        if not closed(n):
            looks["tooltip"] = style.tooltip(backward.tip(n))
        return replace(block, looks=looks, backward=True)
    rows = []
    tip = backward.describe(n)
    if n.name or n.fn is None:
        rows.append(Row(backward.title(n), NAME_POINTS))
    looks = LOOKS | {"class": "adjoint"}
    if n.fn is not None:
        looks |= {"class": "adjoint rule", "style": "rounded,filled"}
        texts = [f"{n.op} VJP", *backward.formulas(n)]
        if is_gate(n):
            texts = [mark(n).text]
        rows += [Row(text, RULE_POINTS) for text in texts]
        tip += f"; {backward.tip(n)}"
    looks["tooltip"] = style.tooltip(tip)
    return Block(rows, looks, block.step, backward=True)


def _total(n: Tensor, backward: Backward) -> Block:
    """The sum of what the steps send to a parameter."""
    rows = [Row(backward.title(n), NAME_POINTS)]
    made = backward.made.get(n)
    if made and made.total:
        count = len(made.total[-1].inputs)
        rows.append(Row(f"Σ of {count}", RULE_POINTS))
    looks = LOOKS | {"class": "adjoint total", "shape": "oval", "style": "filled"}
    looks["tooltip"] = style.tooltip(backward.describe(n))
    return Block(rows, looks, None, backward=True)
