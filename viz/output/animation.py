"""The backward pass as it travels over a picture: animated SVG for browsers, GIF for slides."""

from __future__ import annotations

import io
from collections import defaultdict
from importlib.util import find_spec
from typing import Any, NamedTuple

from minigrad.errors import ArgumentError, UnsupportedError
from minigrad.viz.output.backward_order import backward_order
from minigrad.viz.output.backward_paths import Arrow, ends

from .converter import INSTALL_CONVERTER, frames_of, has_converter
from .lighting import COLOURS, LIT, arrows_of, colours_on_dark
from .scene import Scene
from .svg_writer import bounds, svg_text

MAX_FRAMES = 48
"""Of a pass: where it comes to more nodes, several light up at a time."""
FRAME_MILLISECONDS = 250
LAST_MILLISECONDS = 2000
MAX_PIXELS = 1400
"""The width of a GIF at most."""
MAX_COLOURS = 64
INSTALL_PILLOW = "pip install pillow"
# What lights up is strong at first.
FIRST_WIDTH = 4
LASTING_WIDTH = 2
POINTS_PER_INCH = 72
TAGS = ("path", "polyline", "polygon", "rect", "ellipse")


class Motion(NamedTuple):
    """The frame ``k3`` in which each group lights up, and how many frames there are."""

    classes: list[str]
    frames: int

    def rules(self, picture: str) -> str:
        """The style sheet that animates the picture of this class, where less motion is not asked.

        The keyframes are named after the picture: they hold for the whole page.
        """
        whole = self.frames * FRAME_MILLISECONDS + LAST_MILLISECONDS
        steps, rules = "", ""
        for k in range(self.frames):
            begin = 100 * k * FRAME_MILLISECONDS / whole
            end = 100 * (k + 1) * FRAME_MILLISECONDS / whole
            first = f"stroke:var(--lit);stroke-width:{FIRST_WIDTH};stroke-opacity:1"
            then = f"stroke:var(--lit);stroke-width:{LASTING_WIDTH};stroke-opacity:1"
            name = f"{picture}-{k}"
            steps += f"@keyframes {name}{{{begin:.2f}%{{{first}}}{end:.2f}%{{{then}}}}}"
            steps += f"@keyframes {name}h{{{begin:.2f}%{{fill:var(--lit)}}}}"
            rules += f".k{k}>*{{animation-name:{name}}}"
            rules += f".edge.k{k}>polygon{{animation-name:{name},{name}h}}"
        timing = f"animation:{whole}ms step-end infinite"
        moving = f".node,.edge{{&>:not(text,title){{{timing}}}}}{rules}"
        dark = colours_on_dark(picture)
        motion = f"@media (prefers-reduced-motion:no-preference){{.{picture}{{{moving}}}}}"
        return f".{picture}{{{COLOURS}}}{dark}{steps}{motion}"


class Frame(NamedTuple):
    """The same classes, and how many frames of the pass have come; as any renderer reads it."""

    classes: list[str]
    number: int

    def rules(self, picture: str) -> str:
        """The style sheet of what has come, what came last strong."""
        rules = ""
        for k in range(self.number):
            width = FIRST_WIDTH if k == self.number - 1 else LASTING_WIDTH
            shapes = ",".join(f".k{k}>{tag}" for tag in TAGS)
            rules += (
                f"{shapes}{{stroke:{LIT};stroke-width:{width}}}.edge.k{k}>polygon{{fill:{LIT}}}"
            )
        return rules


def animated_svg(scene: Scene, graph: Any) -> str:
    """The picture over which the backward pass travels again and again.

    Where the reader's system asks for less motion it stands still.

    Raises ArgumentError for a picture of no backward pass.
    """
    return svg_text(scene, _motion(scene, graph))


def gif(scene: Scene, graph: Any) -> bytes:
    """The same as a GIF that begins again at its end: light, at most 1400 pixels wide.

    Raises ArgumentError for a picture of no backward pass, UnsupportedError where typst or Pillow
    are missing.
    """
    classes, count = _motion(scene, graph)
    if not has_converter():
        _refuse("typst", INSTALL_CONVERTER)
    if find_spec("PIL") is None:
        _refuse("Pillow", INSTALL_PILLOW)
    frames = [svg_text(scene, Frame(classes, k)) for k in range(count + 1)]
    left, _, right, _ = bounds(mark for group in scene.groups for mark in group.marks)
    scale = min(2.0, MAX_PIXELS / (right - left))
    return _joined(frames_of(frames, scale * POINTS_PER_INCH))


def _refuse(library: str, remedy: str) -> None:
    raise UnsupportedError("render", got=f"no {library} to make a .gif with", remedy=remedy)


def _joined(frames: list[bytes]) -> bytes:
    """The frames, each a PNG, as one GIF."""
    from PIL import Image

    images = [Image.open(io.BytesIO(frame)).convert("RGB") for frame in frames]
    # The last frame has all colours: of its palette all are made, so that nothing flickers.
    palette = images[-1].quantize(MAX_COLOURS)
    plain = Image.Dither.NONE
    first, *others = [image.quantize(palette=palette, dither=plain) for image in images]
    durations = [FRAME_MILLISECONDS] * len(others) + [LAST_MILLISECONDS]
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=others, duration=durations, loop=0)
    return file.getvalue()


def _motion(scene: Scene, graph: Any) -> Motion:
    """When each group lights up."""
    arrows = arrows_of(scene)
    moments = backward_order(getattr(graph, "shown", ()), arrows)
    if not moments:
        expected = "expected one of a tape, as viz.draw(tape) makes"
        raise ArgumentError("render", got="a picture of no backward pass", expected=expected)
    count = max(moments.values()) + 1
    frames = min(count, MAX_FRAMES)
    frame = {name: moment * frames // count for name, moment in moments.items()}
    along = iter(_along(arrows, frame))
    classes = []
    for group in scene.groups:
        lit = None
        if group.kind == "edge":
            lit = next(along)
        elif group.kind == "node":
            lit = frame.get(group.name)
        classes.append("" if lit is None else f"k{lit}")
    return Motion(classes, frames)


def _along(arrows: list[Arrow], frame: dict[str, int]) -> list[int | None]:
    """When each arrow lights up: with the node that it leads to, unless nothing comes along it."""
    outgoing: defaultdict[str, list[str]] = defaultdict(list)
    incoming: defaultdict[str, list[str]] = defaultdict(list)
    for a in arrows:
        outgoing[a.tail].append(a.head)
        incoming[a.head].append(a.tail)
    along: list[int | None] = []
    for a in arrows:
        heads = [frame[name] for name in ends(a.head, outgoing, frame)]
        reaches = bool(ends(a.tail, incoming, frame))
        along.append(min(heads) if heads and reaches and not a.closed else None)
    return along
