"""A scene as a flowchart of Mermaid's, for READMEs: what is joined and how it looks, not where."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from minigrad.viz.lettering.latex_symbols import LOWERED, RAISED

from .legend import MEANINGS
from .scene import (
    Group,
    Line,
    Pen,
    Point,
    Run,
    Scene,
)
from .schemes import INK

# What GitHub draws at most.
MAX_EDGES = 500
MAX_CHARACTERS = 50_000
# By whether they are dashed, and whether they have a head.
_LINES = {
    (False, False): "---",
    (False, True): "-->",
    (True, False): "-.-",
    (True, True): "-.->",
}
# A line of text is a node without a shape.
_TEXT_LOOKS = "fill:none,stroke:none"
_ARROWS = re.compile(r"^  n\d+ \S*-", re.M)
# What means itself but where a line begins.
_SAFE_INSIDE = " ,=-/()"


def mermaid_text(scene: Scene) -> str:
    """The picture as a flowchart: steps are subgraphs, cut edges are dashed and red."""
    nodes = {group.name: group for group in scene.groups if _is_node(group)}
    ids = {name: f"n{k}" for k, name in enumerate(nodes, start=1)}
    edges = list(_edges(scene, nodes))
    looks = _Looks()
    lines = [f"flowchart {_direction(nodes, edges)}", f"  accTitle: {_encoded(scene.title)}"]
    for step, members in _by_step(nodes.values()).items():
        rows = [f"{ids[node.name]}{_box(node)}:::{looks.of(node)}" for node in members]
        if step is None:
            lines += [f"  {row}" for row in rows]
        else:
            lines.append(f'  subgraph step{step}["{_encoded(f"t = {step}")}"]')
            lines += [f"    {row}" for row in rows]
            lines.append("  end")
    inks: defaultdict[str, list[str]] = defaultdict(list)
    for k, (tail, head, edge) in enumerate(edges):
        lines.append(f"  {ids[tail]} {_arrow(edge)} {ids[head]}")
        if ink := _ink(edge):
            inks[ink].append(str(k))
    lines += [f"  {definition}" for definition in looks.definitions()]
    for ink, numbers in inks.items():
        lines.append(f"  linkStyle {','.join(numbers)} {ink}")
    return "\n".join(lines) + "\n"


def mermaid_limits(text: str) -> str:
    """What to say of a flowchart that is too large for GitHub; nothing of one that is not."""
    count = len(_ARROWS.findall(text))
    if count <= MAX_EDGES and len(text) <= MAX_CHARACTERS:
        return ""
    return (
        f"{count:,} arrows and {len(text):,} characters: GitHub draws {MAX_EDGES} and "
        f"{MAX_CHARACTERS:,}. Fold more of it, or take level='rolled'"
    )


def _is_node(group: Group) -> bool:
    return group.kind == "node" and not group.has("legend")


def _edges(scene: Scene, nodes: Mapping[str, Group]) -> Iterator[tuple[str, str, Group]]:
    """The arrows between nodes, those that share a line each from where it starts."""
    into: defaultdict[str, list[Group]] = defaultdict(list)
    arrows = [group for group in scene.groups if group.kind == "edge"]
    for group in arrows:
        into[group.ends[1]].append(group)
    for group in arrows:
        tail, head = group.ends
        if head not in nodes:
            continue
        waiting = [tail]
        seen = {tail}
        while waiting:
            start = waiting.pop()
            if start in nodes:
                yield start, head, group
                continue
            sources = [before.ends[0] for before in into[start]]
            waiting += [source for source in sources if source not in seen]
            seen.update(sources)


def _direction(nodes: Mapping[str, Group], edges: Iterable[tuple[str, str, Group]]) -> str:
    """Where most arrows of the picture lead."""
    right = up = 0.0
    for tail, head, _ in edges:
        x, y = _place(nodes[tail])
        end_x, end_y = _place(nodes[head])
        right += end_x - x
        up += end_y - y
    if abs(right) > abs(up):
        return "LR" if right > 0 else "RL"
    return "BT" if up > 0 else "TB"


def _place(group: Group) -> Point:
    """A point of what is drawn."""
    mark = group.marks[0]
    return (mark.x, mark.y) if isinstance(mark, Line) else mark.points[0]


def _by_step(nodes: Iterable[Group]) -> dict[int | None, list[Group]]:
    members: defaultdict[int | None, list[Group]] = defaultdict(list)
    for node in nodes:
        members[node.step].append(node)
    return members


def _box(node: Group) -> str:
    """The label in the brackets that stand for its shape."""
    text = _label(node)
    shape = node.shape
    if shape and shape.kind == "ellipse":
        (left, bottom), (right, top) = shape.points
        is_circle = abs((right - left) - (top - bottom)) < 1
        return f'(("{text}"))' if is_circle else f'(["{text}"])'
    return f'("{text}")' if shape and shape.radius else f'["{text}"]'


def _label(group: Group) -> str:
    lines = [_written(line.runs) for line in group.lines]
    return "<br/>".join(lines) or " "


class _Looks:
    """The classes that nodes are drawn in: one for each look, called after what it means."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def of(self, node: Group) -> str:
        """The class of a node."""
        css = _css(node)
        if css not in self._names:
            base = next(filter(node.has, MEANINGS), "other")
            self._names[css] = f"{base}{len(self._names) + 1}"
        return self._names[css]

    def definitions(self) -> Iterator[str]:
        """What the classes look like."""
        for css, name in self._names.items():
            yield f"classDef {name} {css}"


def _css(node: Group) -> str:
    shape = node.shape
    ink = next((line.colour for line in node.lines), INK)
    if shape is None:
        return _TEXT_LOOKS if ink == INK else f"{_TEXT_LOOKS},color:{ink}"
    fill = shape.pen.fill or "none"
    # Text is black on the colours of boxes whatever the page's.
    return f"fill:{fill},{_stroke(shape.pen)},color:{ink}"


def _stroke(pen: Pen) -> str:
    dash = ",stroke-dasharray:4 3" if pen.dash else ""
    return f"stroke:{pen.stroke or 'none'},stroke-width:{pen.width:g}px{dash}"


def _arrow(edge: Group) -> str:
    """The arrow, dashed where it is, with what is written on it."""
    text = _label(edge)
    has_head = any(shape.kind == "polygon" for shape in edge.shapes)
    is_dashed = edge.shape is not None and bool(edge.shape.pen.dash)
    line = _LINES[is_dashed, has_head]
    return line if text == " " else f'{line}|"{text}"|'


def _ink(edge: Group) -> str:
    """The colour of an arrow that is not drawn as others are."""
    stroke = edge.shape.pen.stroke if edge.shape else ""
    return "" if stroke in ("", INK) else f"stroke:{stroke}"


def _written(runs: Iterable[Run]) -> str:
    """A line of text, its indices in letters that are low or high where there are such."""
    return _encoded("".join(map(_run, runs)))


def _run(run: Run) -> str:
    tables = {"sub": (LOWERED, "_"), "sup": (RAISED, "^")}
    if run.rise not in tables:
        return run.text
    table, sign = tables[run.rise]
    has_all = all(ord(character) in table for character in run.text)
    return run.text.translate(table) if has_all else sign + run.text


def _encoded(text: str) -> str:
    """The text with an entity for every character that might mean anything but itself."""
    written = ""
    for character in text:
        is_safe = character.isalnum() or (written and character in _SAFE_INSIDE)
        written += character if is_safe else f"#{ord(character)};"
    return written
