"""The backward pass as it travels over a picture: animated SVG for browsers, GIF for slides."""

from __future__ import annotations

import io
import math
from collections import defaultdict
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any, NamedTuple

from minigrad.errors import ArgumentError, UnsupportedError
from minigrad.viz.output.backward_order import backward_order
from minigrad.viz.output.backward_paths import Arrow, ends

from .converter import INSTALL_CONVERTER, frames_of, has_converter
from .legend import shown_groups
from .lighting import COLOURS, LIT, arrows_of, colours_on_dark
from .scene import Group, Scene
from .svg_writer import Corners, bounds, svg_text

MAX_FRAMES = 48
"""Of a pass: where it comes to more nodes, several light up at a time."""
FRAME_MILLISECONDS = 250
LAST_MILLISECONDS = 2000
MAX_PIXELS = 1400
"""The width of a GIF at most."""
MAX_SCALE = 2.0
"""Pixels to a point at most."""
SPARE_POINTS = 0.001
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


class Part(NamedTuple):
    """A rectangle of a picture, in pixels from its upper left corner."""

    left: int
    top: int
    right: int
    bottom: int


class Raster(NamedTuple):
    """The pixels of a picture: where the first one begins, in points, and how many make a point."""

    left: float
    top: float
    scale: float

    @classmethod
    def of(cls, corners: Corners) -> Raster:
        """The raster of a picture, at most so wide."""
        left, _, right, top = corners
        scale = min(MAX_SCALE, (MAX_PIXELS - 1) / (right - left))
        return cls(left, top, scale)

    def part(self, corners: Corners) -> Part:
        """The pixels that something touches."""
        left, bottom, right, top = corners
        return Part(
            left=math.floor((left - self.left) * self.scale),
            top=math.floor((self.top - top) * self.scale),
            right=math.ceil((right - self.left) * self.scale),
            bottom=math.ceil((self.top - bottom) * self.scale),
        )

    def size(self, part: Part) -> str:
        """The attributes of an SVG element that shows a part.

        It is a little smaller: the converter rounds its width up to whole pixels, then its height.
        """
        left, top, right, bottom = (pixels / self.scale for pixels in part)
        wide = right - left - SPARE_POINTS
        tall = bottom - top - SPARE_POINTS * max(1, 2 * (bottom - top) / wide)
        view = f"{self.left + left:.5f} {top - self.top:.5f} {wide:.5f} {tall:.5f}"
        return f'width="{wide:.5f}pt" height="{tall:.5f}pt" viewBox="{view}"'


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
    groups = shown_groups(scene)
    raster = Raster.of(_bounds(groups))
    lit: defaultdict[str, list[Group]] = defaultdict(list)
    for name, group in zip(classes, scene.groups, strict=True):
        lit[name].append(group)
    parts = [raster.part(_bounds(groups))]
    for k in range(count):
        # what lights up, and what was strong before
        changed = lit[f"k{k}"] + lit[f"k{k - 1}"]
        parts.append(raster.part(_bounds(changed)))
    frames = []
    for k, part in enumerate(parts):
        frame = Frame(classes, k)
        frames.append(svg_text(scene, frame, raster.size(part)))
    drawn = frames_of(frames, raster.scale * POINTS_PER_INCH)
    return _joined(_pasted(drawn, parts))


def _refuse(library: str, remedy: str) -> None:
    raise UnsupportedError("render", got=f"no {library} to make a .gif with", remedy=remedy)


def _bounds(groups: Iterable[Group]) -> Corners:
    """The corners of what is drawn of these."""
    return bounds(mark for group in groups for mark in group.marks)


def _pasted(drawn: list[bytes], parts: list[Part]) -> list[Any]:
    """The frames, whole; of each the part is drawn, as a PNG, that differs from the last."""
    from PIL import Image

    images: list[Any] = []
    for png, part in zip(drawn, parts, strict=True):
        piece = Image.open(io.BytesIO(png)).convert("RGB")
        if images:
            whole = images[-1].copy()
            whole.paste(piece, (part.left, part.top))
            piece = whole
        images.append(piece)
    return images


def _joined(images: list[Any]) -> bytes:
    """The frames as one GIF."""
    from PIL import Image

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
