"""The network folded in time: one node per role (h_t stands for every h_3), recurrent edges labelled with their lag."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import graphviz

from minigrad import Tape, Tensor
from minigrad.viz import style
from minigrad.viz.graphs.variables.variable_layout import lines
from minigrad.viz.graphs.variables.variable_model import Item, circles

from .marks import Mark
from .norms import Scale, number
from .roles import Role, roles, template

_FONT, _SMALL = 13.0, 10.0
_LISTED = 4  # steps named one by one


@dataclass
class Node:
    """One role: the items that have it, by their tensors."""

    items: dict[Tensor, Item] = field(default_factory=dict)
    starts: list[str] = field(
        default_factory=list
    )  # constants that enter in place of the first step's predecessor

    @property
    def times(self) -> set[int]:
        """The steps it is there in."""
        return {i.time for i in self.items.values() if i.time is not None}


@dataclass(frozen=True)
class Link:
    """All edges between two roles at one lag (None: one of them lies outside the steps)."""

    tail: Role
    head: Role
    lag: int | None
    closed: bool


Uses = list[
    tuple[int | None, tuple[Mark, ...]]
]  # the step at the inner end of each edge, and its gates


def rolled(tape: Tape, scale: Scale | None) -> graphviz.Digraph:
    """The folded network of any stamped loop; a circle is an unnamed operation that more than one thing reads."""
    nodes, links = roll(tape)
    ids = dict(zip(nodes, style.identifiers(_title(node) for node in nodes.values()), strict=True))
    graph = graphviz.Digraph("rolled")
    graph.attr(rankdir="LR", ranksep="0.45", nodesep="0.25", fontname=style.SANS)
    graph.attr(
        "node",
        fontname=style.MATH,
        fontsize=f"{_FONT:g}",
        style="filled",
        margin="0.06,0.04",
        penwidth="0.8",
    )
    graph.attr("node", height="0.35", width="0.35")
    graph.attr("edge", arrowsize="0.6", penwidth="0.8", fontname=style.SANS, fontsize=f"{_SMALL:g}")
    by_name = {name: n for n, name in tape.names.items()}
    for role, node in nodes.items():
        _node(graph, ids[role], node, scale, by_name)
    for link, uses in sorted(
        links.items(), key=lambda item: item[0].closed
    ):  # a cut loop goes round an open one
        text = _said(link, uses, nodes)
        looks = (
            {"color": style.CUT, "fontcolor": style.CUT, "style": "dashed"} if link.closed else {}
        )
        kind = "recurrent" if link.lag else "edge"
        looks |= {"label": style.label(f" {text}", size=_SMALL)} if text else {}
        back = {"constraint": "false"} if link.lag else {}
        graph.edge(
            ids[link.tail],
            ids[link.head],
            **looks,
            **back,
            **{"class": kind + " cut" * link.closed},
        )
    steps = sorted({t for node in nodes.values() for t in node.times})
    if steps:
        text = (
            f"t = {steps[0]}..{steps[-1]} ({len(steps)} steps)"
            if len(steps) > 1
            else f"t = {steps[0]}"
        )
        graph.attr(
            label=f"<{text}>",
            labelloc="b",
            labeljust="l",
            fontsize=f"{_SMALL:g}",
            fontcolor=style.FAINT,
        )
    if scale:
        graph.node(
            "scale",
            scale.legend(),
            shape="plaintext",
            style="",
            fontname=style.SANS,
            **{"class": "legend"},
        )
    return graph


def roll(tape: Tape) -> tuple[dict[Role, Node], dict[Link, Uses]]:
    """The roles on a tape and what joins them: a named operation and its box are one."""
    items, arrows = circles(tape)
    by_name = {name: n for n, name in tape.names.items()}
    tensor = {i.key: by_name[i.key[1]] for i in items}
    time = {tensor[i.key]: i.time for i in items}
    role = roles(time, time)
    nodes: defaultdict[Role, Node] = defaultdict(Node)
    constant = {i.key for i in items if i.stands_for and i.leaf and not i.parameter}
    for i in items:
        if i.key in constant:
            nodes[role[tensor[i.stands_for]]].starts += i.names  # type: ignore[index]  # what is constant stands for one
        else:  # the box comes after its circle, and is what is shown
            nodes[role[tensor[i.key]]].items[tensor[i.key]] = i
    links: defaultdict[Link, Uses] = defaultdict(list)
    for a in arrows:
        x, n = tensor[a.tail], tensor[a.head]
        if a.tail not in constant and x is not n:
            lag = None if time[x] is None or time[n] is None else time[n] - time[x]  # type: ignore[operator]
            link = Link(role[x], role[n], lag, any(m.closed for m in a.marks))
            links[link].append((time[x] if time[n] is None else time[n], a.marks))
    return dict(nodes), dict(links)


def _title(node: Node) -> str:
    """What the role is called: ``h_t``, or the names in its one box."""
    n, item = next(iter(node.items.items()))
    name = n.name or "circle"
    return item.key[1] if item.time is None else template(name, item.time)


def _node(
    graph: graphviz.Digraph, name: str, node: Node, scale: Scale | None, by_name: dict[str, Tensor]
) -> None:
    item = next(iter(node.items.values()))
    looks = {"shape": "box", "fillcolor": style.PARAMETER if item.parameter else style.BOX}
    kind = "parameter" if item.parameter else "variable"
    if not item.names:
        looks, kind = {"shape": "circle", "fillcolor": style.CIRCLE}, "operation"
    note = ""
    text = lines(item) if item.time is None else [_title(node)] if item.names else []
    members = [by_name[k] for i in node.items.values() for k in i.names or (i.key[1],)]
    known = [scale.norms[n] for n in members if n in scale.norms] if scale else []
    if scale and known:
        low, high = min(known), max(known)
        looks["fillcolor"] = scale.colour(high)
        if item.names:
            note = number(low) if low == high else f"{number(low)} … {number(high)}"
    times = sorted(node.times)
    tip = (
        item.tip
        if len(node.items) == 1
        else f"{_title(node)}, t = {times[0]}..{times[-1]}; the first: {item.tip}"
    )
    tip += f"; starts from {', '.join(node.starts)}" if node.starts else ""
    label = style.label(*text, size=_FONT, note=note) if text else ""
    graph.node(
        name, label, tooltip=style.tooltip(tip), id=f"node_{name}", **looks, **{"class": kind}
    )


def _said(link: Link, uses: Uses, nodes: dict[Role, Node]) -> str:
    """The lag, what the gates do, and where, unless that is everywhere."""
    tail, head = nodes[link.tail].times, nodes[link.head].times
    used = {t for t, _ in uses if t is not None}
    everywhere = {t for t in head if t - link.lag in tail} if link.lag is not None else head or tail
    words = []
    if link.lag:
        words.append(f"t{-link.lag:+d}")
    texts = list(dict.fromkeys(" ".join(m.text for m in marks) for _, marks in uses if marks))
    if texts:
        words.append("✂" if link.closed else texts[0] if len(texts) == 1 else f"{texts[0]} …")
    if used and used < everywhere and (link.closed or not link.lag):
        words.append("at t = " + _listed(sorted(used)))
    return " ".join(words)


def _listed(steps: list[int]) -> str:
    more = [f"… {steps[-1]}"] if len(steps) > _LISTED else []
    return ", ".join([*map(str, steps[:_LISTED]), *more])
