"""A tape as an SVG whose nodes and edges carry classes, which a page lights up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from importlib.resources import files

from minigrad import Tape, Tensor
from minigrad.viz import style
from minigrad.viz.graphs.selection import closed

from .colours import resolved
from .kinds import edge_kind, node_class
from .places import ROW_HEIGHT, Picture, Spot, picture

# pixels
NODE_HEIGHT = 26.0
MAX_STRAIGHT = 140  # across: nodes nearer than this are joined from top to bottom
SAME_COLUMN = 30  # across: nodes nearer than this stand above each other
DETOUR = 40
MIN_BEND, MAX_BEND = 30.0, 90.0
SUBSCRIPT_DROP = 4
MAX_TIP = 160  # characters
# time steps; with more, the edges from the parameters show only while they are lit
MAX_FEW_STEPS = 6
_RULES = files(__package__).joinpath("graph.css").read_text(encoding="utf-8")
_MORE_RULES = ".page { fill: var(--bg); }\n.few .tied { stroke: var(--faint); }\n"
STILL = "svg { max-width: 100%; height: auto; }\n" + resolved(_RULES + _MORE_RULES)
State = Callable[[Tensor], str]
"""How far a backward pass is at a node: visited, current, waiting, ahead or unreached."""


def scene(tape: Tape, prefix: str, state: State, head: str = "") -> str:
    """The SVG. Ids are ``<prefix>n<node>`` and ``<prefix>e<node>_<slot>``, counted on the tape."""
    places = picture(tape)
    index = {n: i for i, n in enumerate(tape.nodes)}
    lines = [_opening(places, head)]
    for t, x in places.columns.items():
        lines.append(f'<text class="step" x="{x:g}" y="16" text-anchor="middle">t = {t}</text>')
    lines += _edges(tape, places, prefix, index)
    for n, spot in places.spots.items():
        lines.append(_node(tape, n, spot, f"{prefix}n{index[n]}", state(n)))
    return "\n".join([*lines, "</svg>"])


def still(tape: Tape, state: State) -> str:
    """A picture on its own: the colours inside, light or dark as the page is."""
    page = '<rect class="page" width="100%" height="100%"/>'
    head = f"<title>The unrolled graph in a backward pass</title><style>{STILL}</style>{page}"
    return scene(tape, "", state, head)


def _opening(places: Picture, head: str) -> str:
    steps = "many" if len(places.columns) > MAX_FEW_STEPS else "few"
    width, height = f"{places.width:g}", f"{places.height:g}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{steps}" role="img" '
        f'aria-label="the unrolled graph" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">{head}'
    )


def _edges(tape: Tape, places: Picture, prefix: str, index: dict[Tensor, int]) -> Iterator[str]:
    """A path for every edge between two nodes that are drawn."""
    spots = places.spots
    for n in filter(spots.__contains__, tape.nodes):
        for slot, x in enumerate(n.inputs):
            if x in spots:
                kind = edge_kind(x, n, slot)
                name = f"{prefix}e{index[n]}_{slot}"
                curve = _curve(spots[x], spots[n])
                yield f'<path class="edge {kind}" id="{name}" d="{curve}"/>'


def _curve(a: Spot, b: Spot) -> str:
    """From a up to b; from one column to another in a bow."""
    top = a.y - NODE_HEIGHT / 2
    bottom = b.y + NODE_HEIGHT / 2
    across = abs(a.x - b.x)
    rise = a.y - b.y
    if across < MAX_STRAIGHT and rise > 0:
        if rise > 1.5 * ROW_HEIGHT and across < SAME_COLUMN:
            # past what stands between them
            x = max(a.x, b.x) + DETOUR
            return _cubic((a.x, top), (x, a.y), (x, b.y), (b.x, bottom))
        y = (a.y + b.y) / 2
        return _cubic((a.x, top), (a.x, y), (b.x, y), (b.x, bottom))
    if b.x < a.x:
        end = b.x + b.width / 2
        return f"M{a.x:.0f} {top:.0f}Q{a.x:.0f} {b.y:.0f} {end:.0f} {b.y:.0f}"
    start = a.x + a.width / 2
    end = b.x - b.width / 2
    half = abs(end - start) / 2
    bend = max(MIN_BEND, min(MAX_BEND, half))
    return _cubic((start, a.y), (start + bend, a.y), (end - bend, b.y), (end, b.y))


def _cubic(start: tuple[float, float], *others: tuple[float, float]) -> str:
    """The path of a cubic Bézier curve from its four points."""
    points = " ".join(f"{x:.0f} {y:.0f}" for x, y in others)
    return f"M{start[0]:.0f} {start[1]:.0f}C{points}"


def _node(tape: Tape, n: Tensor, spot: Spot, name: str, state: str) -> str:
    """The box of a node, with its tooltip."""
    scissors = " scissors" if closed(n) else ""
    radius = NODE_HEIGHT / 2 if n.fn is not None and not n.name else 4
    x, y = spot.x - spot.width / 2, spot.y - NODE_HEIGHT / 2
    made = f"{tape.names[n]}: {n.dtype}{list(n.shape)} by {n.op} [{n.where}]"
    tip = escape(style.plain(made, MAX_TIP))
    text = _lettering(spot.text, bool(n.name))
    return (
        f'<g class="node {state} {node_class(n)}{scissors}" id="{name}"><title>{tip}</title>'
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{spot.width:.0f}" height="{NODE_HEIGHT:g}" '
        f'rx="{radius:g}"/>'
        f'<text x="{spot.x:.0f}" y="{spot.y + 4:.0f}" text-anchor="middle">{text}</text></g>'
    )


def _lettering(text: str, named: bool) -> str:
    """The name with real subscripts, escaped."""
    if not named:
        return escape(text)
    pieces = []
    lowered = False
    for part, subscript in style.parts(text):
        # each piece moves relative to the one before
        move = SUBSCRIPT_DROP * (subscript - lowered)
        size = ' font-size="10"' if subscript else ""
        pieces.append(f'<tspan dy="{move}"{size}>{escape(part)}</tspan>')
        lowered = subscript
    return "".join(pieces)
