"""A tape node by node: every operation, the leaves it reads, a cluster per time step, and what its gates do."""

from __future__ import annotations

from collections import defaultdict
from html import escape

import graphviz

from minigrad import Edge, Tape, Tensor
from minigrad.errors import ArgumentError

from . import style
from .folding import DOZEN
from .marks import GATES, mark
from .selection import adjoint_nodes, closed, folds_of, reached_nodes, shown_nodes, written

_FONT, _MARK, _SMALL = 13.0, 11.0, 9.0
Spot = tuple[Tensor, int | None]  # a node, and the step that it is drawn in


def draw(tape: Tape, collapse: int | None = DOZEN) -> graphviz.Digraph:
    """The tape as a graph, time from left to right; a leaf that several steps read is drawn in each of them.

    Grey: no gradient reaches it. Orange: adjoints, on a differentiated tape. Red and dashed: the gradient is cut.
    More than ``collapse`` steps fold but for the first and last few, and so does a crowd of nodes; None unfolds all.
    """
    if not isinstance(tape, Tape):
        raise ArgumentError("draw", got=f"a {type(tape).__name__}", expected="expected a Tape, as Tape.of(loss) makes")
    if collapse is not None and not collapse >= 1:
        raise ArgumentError("draw: collapse", got=f"{collapse}", expected="expected a whole number from 1, or None")
    shown = shown_nodes(tape)
    folds = folds_of(tape, shown, collapse) if collapse else {}
    spots = _spots(tape, [n for n in shown if n not in folds])
    ids = _identifiers(tape, spots, folds)
    graph = graphviz.Digraph("tape")
    # newrank: steps stand in their order; the limits: dot does not search for hours where many steps are unfolded
    limits = {"nslimit": "2", "nslimit1": "2", "maxiter": "2"}
    graph.attr(rankdir="LR", newrank="true", ranksep="0.3", nodesep="0.15", fontname=style.SANS, **limits)
    graph.attr("node", fontname=style.SANS, fontsize=f"{_FONT:g}", style="filled", margin="0.07,0.03", height="0.3")
    graph.attr("edge", arrowsize="0.6", penwidth="0.8")
    _nodes(graph, tape, spots, ids)
    for text in dict.fromkeys(folds.values()):
        graph.node(ids[text], style.label(text, size=_FONT), shape="box", style="rounded,dashed", tooltip=text)
    _edges(graph, tape, spots, folds, ids)
    return graph


def _spots(tape: Tape, nodes: list[Tensor]) -> dict[Tensor, list[Spot]]:
    """Where each node is drawn: in its step; a leaf from outside that several steps read, in each of these."""
    readers: defaultdict[Tensor, dict[int | None, None]] = defaultdict(dict)
    for n in nodes:
        for x in n.inputs:
            if x.fn is None and tape.times[x] is None:
                readers[x][tape.times[n]] = None
    return {n: [(n, t) for t in (readers[n] if len(readers[n]) > 1 else [tape.times[n]])] for n in nodes}


def _identifiers(tape: Tape, spots: dict[Tensor, list[Spot]], folds: dict[Tensor, str]) -> dict[Spot | str, str]:
    """A DOT identifier per spot and per fold: the tape's name, with the step where a leaf is drawn several times."""
    wanted: dict[Spot | str, str] = {}
    for n, its in spots.items():
        for spot in its:
            wanted[spot] = tape.names[n] if len(its) == 1 else f"{tape.names[n]}@{spot[1]}"
    wanted |= {text: text for text in folds.values()}
    return dict(zip(wanted, style.identifiers(wanted.values()), strict=True))


def _nodes(graph: graphviz.Digraph, tape: Tape, spots: dict[Tensor, list[Spot]], ids: dict[Spot | str, str]) -> None:
    """The nodes, those of one step in a cluster, the steps in order."""
    reached, adjoint = reached_nodes(tape), adjoint_nodes(tape)
    steps: defaultdict[int | None, list[Spot]] = defaultdict(list)
    for its in spots.values():
        for spot in its:
            steps[spot[1]].append(spot)
    for t in sorted(steps, key=lambda t: (t is not None, t or 0)):
        part = graph if t is None else graphviz.Digraph(f"cluster_{t}")
        for spot in steps[t]:
            n = spot[0]
            faint = n not in reached and n not in adjoint
            part.node(ids[spot], tooltip=_tooltip(tape, n), **_looks(n, tape.names[n], faint, n in adjoint))
        if t is not None:
            part.attr(label=f"t = {t}", style="rounded", color=style.FAINT, fontcolor=style.FAINT)
            graph.subgraph(part)


def _looks(n: Tensor, name: str, faint: bool, adjoint: bool) -> dict[str, str]:
    """Shape, label and colours of one node."""
    ink = style.FAINT if faint else "black"
    if n.fn in GATES and not n.name:
        its = mark(n)
        colour = style.CUT if its.closed else style.GATE
        text = style.label(its.text or n.op, size=_MARK)
        return {"label": text, "shape": "plaintext", "style": "", "fontcolor": colour, "height": "0", "width": "0"}
    if n.fn is None:
        text = f"{n.item():.4g}" if n.size == 1 and not n.name and not n.requires_grad else name
        fill = style.PARAMETER if n.requires_grad else style.BOX
        looks = {"label": style.label(text, size=_FONT), "shape": "box"}
    else:
        fill = style.OPERATION
        looks = {"label": _called(n), "shape": "box", "style": "rounded,filled"}
    fill = style.ADJOINT if adjoint else style.UNREACHED if faint else fill
    return {**looks, "fillcolor": fill, "color": ink, "fontcolor": ink}


def _called(n: Tensor) -> str:
    """An operation's label: its name if it has one, the function, and the constants among its operands."""
    apart = written(n)
    if n.fn in GATES:
        made = f"{n.op} {mark(n).text}"
    else:
        operands = ", ".join(f"{x.item():.4g}" if x in apart else "·" for x in n.inputs)
        made = f"{n.op}({operands})" if apart else n.op
    made = escape(style.plain(made))
    if not n.name:
        return f'<<font point-size="{_MARK:g}">{made}</font>>'
    rows = style.html(n.name, _FONT), f'<font point-size="{_SMALL:g}">{made}</font>'
    cells = "".join(f"<tr><td>{row}</td></tr>" for row in rows)
    return f'<<table border="0" cellspacing="0" cellpadding="0">{cells}</table>>'


def _tooltip(tape: Tape, n: Tensor) -> str:
    made = n.op if n.fn else "parameter" if n.requires_grad else "constant"
    return style.tooltip(f"{tape.names[n]}: {n.dtype}{list(n.shape)} {made} [{n.where}]")


def _edges(
    graph: graphviz.Digraph,
    tape: Tape,
    spots: dict[Tensor, list[Spot]],
    folds: dict[Tensor, str],
    ids: dict[Spot | str, str],
) -> None:
    """The edges: red and dashed at a cut, grey where no gradient goes; into and out of a fold each once."""
    reached, adjoint = reached_nodes(tape), adjoint_nodes(tape)
    drawn: set[tuple[str, str]] = set()
    for n in tape.nodes:
        head = folds.get(n) or (spots[n][0] if n in spots else None)
        for slot, x in enumerate(n.inputs):
            its = spots.get(x, [])
            tail = folds.get(x) or next((s for s in its if len(its) == 1 or s[1] == tape.times[n]), None)
            if head is None or tail is None:
                continue
            ends = ids[tail], ids[head]
            if n in folds or x in folds:
                if ends in drawn or ends[0] == ends[1]:
                    continue
                drawn.add(ends)
            looks = {}
            if (closed(n) and slot == 0) or closed(x):
                looks = {"color": style.CUT, "style": "dashed"}
            elif not (n in adjoint or (n in reached and Edge(x, n, slot).carries_gradient)):
                looks = {"color": style.FAINT}
            graph.edge(*ends, **looks)
