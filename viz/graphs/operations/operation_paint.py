"""A tape node by node: every operation, the leaves it reads, a cluster per time step, and what its gates do."""

from __future__ import annotations

from collections import defaultdict

import graphviz

from minigrad import Edge, Tape, Tensor
from minigrad.ops.elementwise import accumulate
from minigrad.viz import style
from minigrad.viz.graphs.folding import View
from minigrad.viz.graphs.marks import GATES, mark
from minigrad.viz.graphs.norms import Scale, number
from minigrad.viz.graphs.selection import (
    adjoint_nodes,
    closed,
    folds_of,
    reached_nodes,
    shown_nodes,
    written,
)
from minigrad.viz.graphs.tooltip import summary
from minigrad.viz.graphs.variables.variable_paint import blank, pin, put_text

from .operation_layout import AFTER, BACKWARD, BEFORE, FORWARD, LOSS, Box, columns

_FONT, _MARK, _SMALL = 13.0, 11.0, 10.0
_ROUND = 14.0  # Graphviz leads arrows round an oval as if it were that much wider
_MANY = 170  # nodes: beyond, arrows are straight
Spot = tuple[Tensor, int | None]  # a node, and the step that it is drawn in
What = Spot | str  # or the caption of what is folded
Looks = dict[str, str]


def ops(tape: Tape, view: View, scale: Scale | None) -> graphviz.Digraph:
    """The graph of a tape's operations, the steps from left to right, values rising, backward above the loss."""
    return _Picture(tape, view, scale).graph


class _Picture:
    """One picture in the making: what is known of its tape, and the graph so far."""

    def __init__(self, tape: Tape, view: View, scale: Scale | None) -> None:
        self.tape, self.scale = tape, scale
        self.reached, self.adjoint = reached_nodes(tape), adjoint_nodes(tape)
        shown = shown_nodes(tape)
        self.folds, self.captions = folds_of(tape, shown, view)
        self.spots = _spots(tape, [n for n in shown if n not in self.folds])
        self.ids = _identifiers(tape, self.spots, self.folds)
        edges = self._edges()
        boxes = self._boxes(edges)
        self.at = columns(boxes, [(tail, head) for tail, head, _ in edges])
        self.graph = blank("tape", len(boxes) > _MANY)
        self.graph.attr("node", fontname=style.SANS, fontsize=f"{_FONT:g}")
        self._draw(boxes)
        for tail, head, looks in edges:
            self.graph.edge(self.ids[tail], self.ids[head], **looks)
        xs, ys = zip(*self.at.values(), strict=True)
        middle, below = (min(xs) + max(xs)) / 2, min(ys) - 75
        if scale:
            put_text(
                self.graph,
                "scale",
                (middle, below),
                (190, 40),
                scale.legend(),
                **{"class": "legend"},
            )
        if any(n.recomputed for n in self.spots):
            word = style.label("dashed outline: recomputed", size=_SMALL)
            put_text(
                self.graph,
                "recomputed",
                (middle, below + 30),
                (150, 14),
                word,
                **{"class": "legend"},
            )

    # --- places -----------------------------------------------------------------------------------------------------
    def _boxes(self, edges: list[tuple[What, What, Looks]]) -> dict[What, Box]:
        """Measures, band and column of everything that is drawn, in the order of execution."""
        drawn: dict[What, Tensor] = {}
        for n in self.tape.nodes:
            for what in self.spots.get(n, [self.folds[n]] if n in self.folds else []):
                drawn.setdefault(what, n)
        steps = {
            w: t
            for w in drawn
            if (t := self.captions.get(w) if isinstance(w, str) else w[1]) is not None
        }
        inputs: defaultdict[What, list[What]] = defaultdict(list)
        for tail, head, _ in edges:
            inputs[head].append(tail)
        band: dict[What, int] = {}
        for what, n in drawn.items():
            below = max((band.get(x, BEFORE) for x in inputs[what]), default=BEFORE)
            if what in steps:
                band[what] = BACKWARD if n in self.adjoint else FORWARD
            else:
                band[what] = (
                    AFTER if below >= BACKWARD else LOSS if below or n in self.adjoint else BEFORE
                )
        heads: defaultdict[What, list[int]] = defaultdict(list)
        for tail, head, _ in edges:
            heads[tail].append(band[head])
        for what, its in heads.items():
            if (
                band[what] == BEFORE and min(its) >= LOSS
            ):  # targets of the loss, constants of backward
                band[what] = LOSS if min(its) == BACKWARD else min(its)
        return {
            what: Box(*self._size(what), band[what], steps.get(what), isinstance(what, str))
            for what in drawn
        }

    def _size(self, what: What) -> tuple[float, float]:
        rows = self._rows(what if isinstance(what, str) else what[0])
        bare = not isinstance(what, str) and what[0].fn in GATES and not what[0].name
        pad = (2.0, 2.0) if bare else (10.0, 7.0)
        wide, tall = (
            max(style.width(t, size) for t, size in rows),
            sum(1.25 * size for _, size in rows),
        )
        if not isinstance(what, str) and what[0].fn is accumulate:  # an oval round its text
            wide, tall = 1.42 * wide + _ROUND, 1.42 * tall
        return wide + pad[0], tall + pad[1]

    # --- nodes ------------------------------------------------------------------------------------------------------
    def _draw(self, boxes: dict[What, Box]) -> None:
        """Everything in its place, each step in a frame."""
        frames: defaultdict[tuple[int, int], list[What]] = defaultdict(list)
        for what, box in boxes.items():
            if box.column is None:
                self._node(self.graph, what, box)
            else:
                frames[box.band, box.column].append(what)
        for (band, t), members in sorted(frames.items()):
            with self.graph.subgraph(name=f"cluster_{'back_' * (band == BACKWARD)}{t}") as part:
                folded = isinstance(members[0], str)
                label = "" if folded else f"t = {t}" + ", backward" * (band == BACKWARD)
                look = "rounded,dashed" if folded else "rounded"
                part.attr(
                    label=label, style=look, color=style.FAINT, fontcolor=style.FAINT, labelloc="b"
                )
                part.attr(fontname=style.SANS, fontsize="11")
                for what in members:
                    self._node(part, what, boxes[what])
                self._corners(
                    part,
                    f"{'back ' * (band == BACKWARD)}{t}",
                    members,
                    boxes,
                    7.0 if folded else 20.0,
                )

    def _corners(
        self,
        part: graphviz.Digraph,
        name: str,
        members: list[What],
        boxes: dict[What, Box],
        below: float,
    ) -> None:
        """Graphviz draws a frame tight around what is in it: two invisible corners give it room."""
        spans = [(self.at[w], boxes[w].wide / 2, boxes[w].tall / 2) for w in members]
        low = min(x - w for (x, _), w, _ in spans) - 7, min(y - h for (_, y), _, h in spans) - below
        high = max(x + w for (x, _), w, _ in spans) + 7, max(y + h for (_, y), _, h in spans) + 7
        for corner, at in (("low", low), ("high", high)):
            looks = {"shape": "box", "label": "", "style": "invis", "class": "corner"}
            pin(part, f"{corner} {name}", at, (0.2, 0.2), **looks)

    def _node(self, part: graphviz.Digraph, what: What, box: Box) -> None:
        rows = [
            style.sized(text, size)
            for text, size in self._rows(what if isinstance(what, str) else what[0])
        ]
        table = "".join(f"<tr><td>{row}</td></tr>" for row in rows)
        looks = {"label": f"<{rows[0]}>"}
        if len(rows) > 1:
            looks = {
                "label": f'<<table border="0" cellspacing="0" cellpadding="0">{table}</table>>'
            }
        if isinstance(what, str):
            plain = {"shape": "plaintext", "style": "", "class": "fold"}
            dashed = {"shape": "box", "style": "rounded,dashed,filled", "class": "fold"}
            dashed["fillcolor"] = style.ADJOINT if self.adjoint else style.BOX
            looks |= {"tooltip": what, **(dashed if box.column is None else plain)}
        else:
            looks |= {"tooltip": style.tooltip(self._tip(what[0])), **self._looks(what[0])}
        wide = box.wide - _ROUND if looks.get("shape") == "oval" else box.wide
        pin(part, self.ids[what], self.at[what], (wide, box.tall), **looks)

    def _tip(self, n: Tensor) -> str:
        text = summary(self.tape, n) + (", recomputed" if n.recomputed else "")
        if n in self.reached or n in self.adjoint:
            return text
        return f"{text}, {'no gradient reaches it' if n.requires_grad else 'needs no gradient'}"

    def _rows(self, what: Tensor | str) -> list[tuple[str, float]]:
        """What is written on a node, and how large: the name, the function, the norm of the adjoint."""
        if isinstance(what, str):
            return [
                (row, _MARK)
                for row in ("⋯", *what.replace(" (", "\n(").split("\n"))[
                    what not in self.captions :
                ]
            ]
        n = what
        if n.fn in GATES and not n.name:
            return [(mark(n).text or n.op, _MARK)]
        if n.fn is None:
            text = (
                f"{n.item():.4g}"
                if n.size == 1 and not n.name and not n.requires_grad
                else self.tape.names[n]
            )
            rows = [(text, _FONT)]
        else:
            rows = [(n.name, _FONT)] if n.name else []
            rows.append((_called(n), _SMALL if n.name else _MARK))
        return (
            [*rows, (number(self.scale.norms[n]), _SMALL)]
            if self.scale and n in self.scale.norms
            else rows
        )

    def _looks(self, n: Tensor) -> Looks:
        """Shape and colours of one node."""
        faint = n not in self.reached and n not in self.adjoint
        ink = style.FAINT if faint else "black"
        if n.fn in GATES and not n.name:
            its = mark(n)
            colour = style.CUT if its.closed else style.GATE
            plain = {"shape": "plaintext", "style": "", "fontcolor": colour}
            return {"class": "cut" if its.closed else "gate", **plain}
        shape = "box" if n.fn is None else "oval" if n.fn is accumulate else "box"
        looks = {"shape": shape, "color": ink, "fontcolor": ink}
        if n.fn is not None and shape == "box":
            looks["style"] = "rounded,filled"
        kind = (
            "parameter"
            if n.fn is None and n.requires_grad
            else "constant"
            if n.fn is None
            else "operation"
        )
        fill = {"parameter": style.PARAMETER, "constant": style.BOX, "operation": style.OPERATION}[
            kind
        ]
        if n in self.adjoint:
            fill, kind = style.ADJOINT, "adjoint"
        elif faint:
            fill, kind = style.UNREACHED, f"{kind} unreached"
        if self.scale and not (n in self.adjoint or faint):
            known = n in self.scale.norms
            fill = self.scale.colour(self.scale.norms[n]) if known else fill
            looks |= {"penwidth": "2", "color": style.PARAMETER} if kind == "parameter" else {}
        if n.recomputed:
            looks["style"], kind = "rounded,filled,dashed", f"{kind} recomputed"
        return {**looks, "fillcolor": fill, "class": kind}

    # --- edges ------------------------------------------------------------------------------------------------------
    def _edges(self) -> list[tuple[What, What, Looks]]:
        """Tail, head and looks of each edge; into and out of a fold each once."""
        folds, spots, times = self.folds, self.spots, self.tape.times
        drawn: set[tuple[What, What]] = set()
        found: list[tuple[What, What, Looks]] = []
        for n in self.tape.nodes:
            head = folds.get(n) or (spots[n][0] if n in spots else None)
            for slot, x in enumerate(n.inputs):
                its = spots.get(x, [])
                tail = folds.get(x) or next(
                    (s for s in its if len(its) == 1 or s[1] == times[n]), None
                )
                if head is None or tail is None:
                    continue
                if n in folds or x in folds:
                    if (tail, head) in drawn or tail == head:
                        continue
                    drawn.add((tail, head))
                found.append((tail, head, self._road(Edge(x, n, slot))))
        return found

    def _road(self, edge: Edge) -> Looks:
        """How the gradient fares along an edge."""
        x, n = edge.source, edge.target
        if (closed(n) and edge.slot == 0) or closed(x):
            return {"color": style.CUT, "style": "dashed", "class": "cut"}
        if n in self.adjoint:
            return {"color": style.BACKWARD, "class": "backward"}
        if n in self.reached and edge.carries_gradient:
            return {}
        return {"color": style.FAINT, "class": "unreached"}


def _called(n: Tensor) -> str:
    """An operation: the function, and the constants among its operands; a sum of contributions says how many."""
    if n.fn is accumulate:
        return f"Σ of {len(n.inputs)}"
    if n.fn in GATES:
        return f"{n.op} {mark(n).text}"
    apart = written(n)
    operands = ", ".join(f"{x.item():.4g}" if x in apart else "·" for x in n.inputs)
    return f"{n.op}({operands})" if apart else n.op


def _spots(tape: Tape, nodes: list[Tensor]) -> dict[Tensor, list[Spot]]:
    """Where each node is drawn: in its step; a leaf from outside that several steps read, in each of these."""
    readers: defaultdict[Tensor, dict[int | None, None]] = defaultdict(dict)
    for n in nodes:
        for x in n.inputs:
            if x.fn is None and tape.times[x] is None:
                readers[x][tape.times[n]] = None
    return {
        n: [(n, t) for t in (readers[n] if len(readers[n]) > 1 else [tape.times[n]])] for n in nodes
    }


def _identifiers(
    tape: Tape, spots: dict[Tensor, list[Spot]], folds: dict[Tensor, str]
) -> dict[Spot | str, str]:
    """A DOT identifier per spot and per fold: the tape's name, with the step where a leaf is drawn several times."""
    wanted: dict[Spot | str, str] = {}
    for n, its in spots.items():
        for spot in its:
            wanted[spot] = tape.names[n] if len(its) == 1 else f"{tape.names[n]}@{spot[1]}"
    wanted |= {text: text for text in folds.values()}
    return dict(zip(wanted, style.identifiers(wanted.values()), strict=True))
