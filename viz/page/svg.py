"""A tape as an SVG whose nodes and edges carry classes: what a page lights up, and a still picture of a session."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from minigrad.viz import style
from minigrad.viz.graphs.marks import GATES
from minigrad.viz.graphs.selection import closed

from minigrad import Edge, Tape, Tensor

from .places import ROW, Spot, picture

HIGH = 26.0
MANY = 6  # time steps; with more, the edges from the parameters show only while they are lit
STILL = """
.node rect { fill: #fff; stroke: #5f6b7a; } .node text { font: 13px Helvetica, Arial, sans-serif; fill: #1b2430; }
.edge { fill: none; stroke: #aab4c0; } .tied, .plain { stroke: #e3e7ec; } .many .tied { stroke: none; }
.cut { stroke: #d0021b; stroke-dasharray: 4 3; } .parameter rect { stroke-width: 2; }
.visited rect { fill: #cfe3fb; stroke: #1f6feb; }
.waiting rect { fill: #fff3cd; stroke: #b8860b; stroke-dasharray: 4 2; }
.current rect { fill: #ffb300; stroke: #7a4f00; stroke-width: 2.5; }
.unreached rect { fill: #f1f3f5; stroke: #c3cad2; } .unreached text { fill: #8a95a3; }
.step { font: 12px Helvetica, Arial, sans-serif; fill: #6b7684; }
"""


def scene(tape: Tape, prefix: str, state: Callable[[Tensor], str], head: str = "") -> str:
    """The SVG. Ids are ``<prefix>n<node>`` and ``<prefix>e<node>_<slot>``, counted on the tape; names are escaped."""
    its, index = picture(tape), {n: i for i, n in enumerate(tape.nodes)}
    many = "many" if len(its.columns) > MANY else "few"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{many}" role="img" aria-label="the unrolled graph" '
        f'viewBox="0 0 {its.wide:g} {its.high:g}" width="{its.wide:g}" height="{its.high:g}">{head}',
        *(
            f'<text class="step" x="{x:g}" y="16" text-anchor="middle">t = {t}</text>'
            for t, x in its.columns.items()
        ),
    ]
    for n in tape.nodes:
        for slot, x in enumerate(n.inputs):
            if x in its.spots and n in its.spots:
                kind = _kind(x, n, slot)
                ends = _curve(its.spots[x], its.spots[n])
                lines.append(
                    f'<path class="edge {kind}" id="{prefix}e{index[n]}_{slot}" d="{ends}"/>'
                )
    lines += [
        _node(tape, n, spot, f"{prefix}n{index[n]}", state(n)) for n, spot in its.spots.items()
    ]
    return "\n".join([*lines, "</svg>"])


def _kind(x: Tensor, n: Tensor, slot: int) -> str:
    if closed(n) and slot == 0:
        return "cut"
    if not Edge(x, n, slot).carries_gradient:
        return "plain"
    return "tied" if x.fn is None and x.requires_grad else ""


def _curve(a: Spot, b: Spot) -> str:
    """From a up to b; from one column to another in a bow."""
    if abs(a.x - b.x) < 140 and a.y > b.y:
        y = (a.y + b.y) / 2
        if a.y - b.y > 1.5 * ROW and abs(a.x - b.x) < 30:  # past what stands between them
            side, up = max(a.x, b.x) + 40, HIGH / 2
            return f"M{a.x:.0f} {a.y - up:.0f}C{side:.0f} {a.y:.0f} {side:.0f} {b.y:.0f} {b.x:.0f} {b.y + up:.0f}"
        return f"M{a.x:.0f} {a.y - HIGH / 2:.0f}C{a.x:.0f} {y:.0f} {b.x:.0f} {y:.0f} {b.x:.0f} {b.y + HIGH / 2:.0f}"
    if b.x < a.x:
        return (
            f"M{a.x:.0f} {a.y - HIGH / 2:.0f}Q{a.x:.0f} {b.y:.0f} {b.x + b.wide / 2:.0f} {b.y:.0f}"
        )
    start, end = a.x + a.wide / 2, b.x - b.wide / 2
    bend = max(30.0, min(90.0, abs(end - start) / 2))
    return f"M{start:.0f} {a.y:.0f}C{start + bend:.0f} {a.y:.0f} {end - bend:.0f} {b.y:.0f} {end:.0f} {b.y:.0f}"


def _node(tape: Tape, n: Tensor, spot: Spot, name: str, state: str) -> str:
    kind = (
        ("parameter" if n.requires_grad else "leaf")
        if n.fn is None
        else "gate"
        if n.fn in GATES
        else "op"
    )
    kind += " scissors" if closed(n) else ""
    x, y = spot.x - spot.wide / 2, spot.y - HIGH / 2
    round_ = HIGH / 2 if n.fn is not None and not n.name else 4
    tip = escape(
        style.plain(f"{tape.names[n]}: {n.dtype}{list(n.shape)} by {n.op} [{n.where}]", 160)
    )
    return (
        f'<g class="node {state} {kind}" id="{name}"><title>{tip}</title>'
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{spot.wide:.0f}" height="{HIGH:g}" rx="{round_:g}"/>'
        f'<text x="{spot.x:.0f}" y="{spot.y + 4:.0f}" text-anchor="middle">{_lettering(spot.text, bool(n.name))}</text>'
        "</g>"
    )


def _lettering(text: str, named: bool) -> str:
    """The name with real subscripts, escaped."""
    if not named:
        return escape(text)
    pieces, down = [], False
    for part, lowered in style.parts(text):
        move = 4 if lowered and not down else -4 if down and not lowered else 0
        small = ' font-size="10"' if lowered else ""
        pieces.append(f'<tspan dy="{move}"{small}>{escape(part)}</tspan>')
        down = lowered
    return "".join(pieces)


def still(tape: Tape, state: Callable[[Tensor], str]) -> str:
    """A picture on its own: white behind, the colours inside."""
    head = f'<style>{STILL}</style><rect width="100%" height="100%" fill="#fff"/>'
    return scene(tape, "", state, head)
