"""The adjoints in the graph of operations: its mirror image, one box per rule."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

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
    totals: dict[Key, Block] = field(default_factory=dict)

    def with_totals(self) -> OperationGraph:
        """All of them."""
        names = [f"total {key.node.label}" for key in self.totals if not isinstance(key, str)]
        ids = dict(zip(self.totals, style.identifiers(names), strict=True))
        blocks = self.model.blocks | self.totals
        every = self.model.ids | ids
        members: dict[str, list[Tensor]] = dict(self.model.members)
        for key in self.totals:
            members[every[key]] = [key.node] if isinstance(key, Occurrence) else []
        return OperationGraph(blocks, every, self.model.arcs, members, self.model.folds)


def adjoint_operations(model: OperationGraph, backward: Backward) -> AdjointOperations:
    """The adjoints of the blocks that are drawn of a forward pass."""
    blocks: dict[Key, Block] = {}
    shared: set[Tensor] = set()
    for key in reversed(model.blocks):
        block = model.blocks[key]
        if isinstance(key, str):
            blocks[key] = _fold(block, key)
        elif key.node in backward.visited or _cuts(key.node, backward):
            blocks[key] = _block(key.node, block, backward)
            if key.node.fn is None and key.step is not None:
                shared.add(key.node)
                blocks[key] = _with_row(blocks[key], "share")
    arcs, origins = _arcs(model, blocks)
    ids = {key: f"d{model.ids[key]}" for key in blocks}
    totals: dict[Key, Block] = {}
    for n in backward.tape.wrt:
        if n in shared:
            totals[Occurrence(n, None)] = _total(n, backward)
    members = {ids[key]: model.members[model.ids[key]] for key in blocks}
    folds = {}
    for key in blocks:
        if model.ids[key] in model.folds:
            folds[ids[key]] = model.folds[model.ids[key]]
        elif "rule" in blocks[key].looks["class"].split():
            folds[ids[key]] = RULES
    return AdjointOperations(OperationGraph(blocks, ids, arcs, members, folds), origins, totals)


def _arcs(model: OperationGraph, blocks: dict[Key, Block]) -> tuple[list[Arc], list[int]]:
    """What goes back along the arcs between blocks that have adjoints, and along which.

    Twice the same is one.
    """
    arcs: dict[tuple[Key, Key], Arc] = {}
    origins: list[int] = []
    for k, arc in enumerate(model.arcs):
        ends = arc.head, arc.tail
        kind = arc.looks.get("class", "")
        if ends not in arcs and kind != "unreached" and {*ends} <= blocks.keys():
            arcs[ends] = Arc(*ends, arc.looks if kind == "cut" else BACK)
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
        tip = style.tooltip(backward.tip(n)) if not closed(n) else block.looks["tooltip"]
        return replace(block, looks=block.looks | {"tooltip": tip}, backward=True)
    rows = []
    tip = backward.describe(n)
    if n.name or n.fn is None:
        rows.append(Row(backward.title(n), NAME_POINTS))
    looks = LOOKS | {"class": "adjoint"}
    if n.fn is not None:
        looks |= {"class": "adjoint rule", "style": "rounded,filled"}
        rule = mark(n).text if is_gate(n) else f"{n.op} VJP"
        rows.append(Row(rule, RULE_POINTS))
        if not is_gate(n):
            rows += [Row(text, RULE_POINTS) for text in backward.formulas(n)]
        tip += f"; {backward.tip(n)}"
    looks["tooltip"] = style.tooltip(tip)
    return Block(rows, looks, block.step, backward=True)


def _with_row(block: Block, text: str) -> Block:
    return replace(block, rows=[*block.rows, Row(text, RULE_POINTS)])


def _total(n: Tensor, backward: Backward) -> Block:
    """The sum of what the steps send to a parameter."""
    rows = [Row(backward.title(n), NAME_POINTS)]
    made = backward.made.get(n)
    if made and made.total:
        rows.append(Row(f"Σ of {len(made.total[-1].inputs)}", RULE_POINTS))
    looks = LOOKS | {"class": "adjoint total", "shape": "oval", "style": "filled"}
    looks["tooltip"] = style.tooltip(backward.describe(n))
    return Block(rows, looks, None, backward=True)
