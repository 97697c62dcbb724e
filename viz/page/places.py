"""Where a tape's nodes stand: a column per time step, from left to right; in it the inputs below, the loss on top."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from minigrad.viz import style
from minigrad.viz.graphs.marks import GATES

from minigrad import Tape, Tensor

ROW, GAP, SIDE, TOP = 50.0, 12.0, 44.0, 34.0
SYMBOLS = {
    "matmul": "@",
    "add": "+",
    "subtract": "−",
    "multiply": "⊙",
    "divide": "÷",
    "sum": "Σ",
    "sigmoid": "σ",
    "power": "xⁿ",
    "square": "x²",
    "sqrt": "√x",
    "getitem": "[ ]",
    "negative": "−",
    "transpose": "ᵀ",
    "detach": "✂",
    "scale_grad": "×ξ",
    "alias": "=",
    "concatenate": "concat",
    "cross_entropy": "CE",
    "log_softmax": "log σ",
    "take_along_axis": "[i]",
}


@dataclass(frozen=True)
class Spot:
    """A node's centre and width, in pixels; what is written on it."""

    x: float
    y: float
    wide: float
    text: str


@dataclass(frozen=True)
class Picture:
    """The spots of the nodes that are drawn, the middle of each time step's column, and the size of it all."""

    spots: dict[Tensor, Spot]
    columns: dict[int, float]
    wide: float
    high: float


def picture(tape: Tape) -> Picture:
    """The places of all nodes but unnamed numbers. Cost: linear in the nodes and edges, without Graphviz."""
    column, layer = _columns(tape), dict[Tensor, int]()
    readers: defaultdict[Tensor, list[Tensor]] = defaultdict(list)
    for n in tape.nodes:
        for x in n.inputs:
            readers[x].append(n)
    shown = [n for n in tape.nodes if n.fn or n.name or n.requires_grad or n.size > 1]
    for n in (
        tape.nodes
    ):  # a gate at the entry of a step stands beside the inputs, so that the steps stay alike
        below = [layer[x] for x in n.inputs if x.fn and column[x] == column[n]]
        layer[n] = 1 + max(below, default=0) if n.fn and (below or n.fn not in GATES) else 0
    for n in tape.leaves:  # just below who reads it
        if column[n] is not None:
            layer[n] = min((layer[r] for r in readers[n] if column[r] == column[n]), default=1) - 1
    rows: defaultdict[int | None, defaultdict[int, list[Tensor]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for n in shown:
        rows[column[n]][layer[n]].append(n)
    if None in rows:  # a strip of their own, parameters below each other
        outside = [n for its in rows.pop(None).values() for n in its]
        rows[None] = defaultdict(list, {i: [n] for i, n in enumerate(outside)})
    deepest = max((k for its in rows.values() for k in its), default=0)
    spots: dict[Tensor, Spot] = {}
    columns: dict[int, float] = {}
    left = SIDE
    for t in sorted(rows, key=lambda t: (t is not None, t or 0)):
        widths = {k: sum(_width(tape, n) + GAP for n in its) for k, its in rows[t].items()}
        middle = left + max(widths.values()) / 2
        for k in sorted(rows[t]):
            wishes = {n: _wish(n, spots, middle) if t is not None else 0.0 for n in rows[t][k]}
            at = middle - widths[k] / 2
            for n in sorted(wishes, key=wishes.__getitem__):
                wide = _width(tape, n)
                spots[n] = Spot(
                    at + (wide + GAP) / 2, TOP + (deepest - k + 0.5) * ROW, wide, _text(tape, n)
                )
                at += wide + GAP
        if t is not None:
            columns[t] = middle
        left += max(widths.values()) + SIDE
    return Picture(spots, columns, left, TOP + (deepest + 1) * ROW)


def _columns(tape: Tape) -> dict[Tensor, int | None]:
    """The step a node is drawn in: its own, or the last one it depends on; a leaf's that one step alone reads."""
    times = tape.times
    found: dict[Tensor, int | None] = {}
    for n in tape.nodes:
        t = times[n]
        if t is None and n.fn is not None:
            t = max((c for x in n.inputs if (c := found[x]) is not None), default=None)
        found[n] = t
    readers: defaultdict[Tensor, set[int | None]] = defaultdict(set)
    for n in tape.nodes:
        for x in n.inputs:
            readers[x].add(found[n])
    for n in tape.leaves:
        if found[n] is None and not n.requires_grad and len(readers[n]) == 1:
            found[n] = next(iter(readers[n]))
    if not any(t is not None for t in found.values()):
        return {n: None if n.requires_grad and n.fn is None else 0 for n in tape.nodes}
    return found


def _wish(n: Tensor, spots: dict[Tensor, Spot], middle: float) -> float:
    """Above the middle of what it reads; what comes from the left stands left."""
    xs = [spots[x].x for x in n.inputs if x in spots and (x.fn is not None or not x.requires_grad)]
    return sum(xs) / len(xs) if xs else middle


def _text(tape: Tape, n: Tensor) -> str:
    if n.name or n.fn is None:
        return style.plain(tape.names[n], 18)
    return SYMBOLS.get(n.op, style.plain(n.op, 10))


def _width(tape: Tape, n: Tensor) -> float:
    text = _text(tape, n)
    return max(30.0, style.width(text, 13) + 12)
