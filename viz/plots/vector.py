"""A plot as SVG as graphs have it: words are text, colours follow the page's scheme."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from minigrad.viz import style
from minigrad.viz.output.schemes import INK, dark_rules
from minigrad.viz.output.svg_writer import SANS, SHIFTS

from .axes import FONT, look

PIXELS_PER_INCH = 192
NAMESPACE = "{http://www.w3.org/2000/svg}"
LINKS = "{http://www.w3.org/1999/xlink}"
# what matplotlib says in a style sheet, which would hold for the whole page
LINES = {"stroke-linejoin": "round", "stroke-linecap": "butt"}
_WORD = re.compile(r"(\s+)")
_NO_DATES: dict[str, dict[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def written(fig: Any, kind: str) -> bytes:
    """The figure as matplotlib itself writes an svg, png or pdf; the same on every run."""
    file = io.BytesIO()
    with look():
        fig.savefig(file, format=kind, dpi=PIXELS_PER_INCH, metadata=_NO_DATES.get(kind))
    return file.getvalue()


def svg_text(fig: Any) -> str:
    """The figure as the text of an SVG element."""
    root = ElementTree.fromstring(written(fig, "svg"))
    for element in root.iter():
        _dress(element)
    _drop_unused(root)
    for definition in root.iter("defs"):
        # Their colours come from where they are used: no rule of the page reaches a definition.
        for shape in definition:
            shape.attrib = {k: v for k, v in shape.attrib.items() if k not in ("fill", "stroke")}
    figure = next(element for element in root if element.tag == "g")
    # Where matplotlib says no colour it means black.
    figure.set("fill", INK)
    colours = {element.get(name, "") for element in root.iter() for name in ("fill", "stroke")}
    root[:0] = [
        _said("title", _title(fig)),
        _said("desc", "; ".join(map(_description, fig.axes))),
        _said("style", dark_rules(colours)),
    ]
    looks = {"class": "minigrad", "role": "img", "style": "max-width:100%;height:auto"}
    names = {"xmlns": NAMESPACE[1:-1], "xmlns:xlink": LINKS[1:-1]}
    root.attrib = {**names, **looks, **LINES, **root.attrib}
    return ElementTree.tostring(root, "unicode") + "\n"


def _said(tag: str, text: str) -> Element:
    element = Element(tag)
    element.text = text
    return element


def _title(fig: Any) -> str:
    """The titles of its axes, or what they show."""
    titles = [axes.get_title(loc="left") or axes.get_ylabel() for axes in fig.axes]
    return ", ".join(filter(None, titles)) or "Plot"


def _description(axes: Any) -> str:
    """One of its axes, for those who do not see it."""
    _, names = axes.get_legend_handles_labels()
    shown = axes.get_title(loc="left") or axes.get_ylabel() or "plot"
    along = f" over {axes.get_xlabel()}" if axes.get_xlabel() else ""
    listed = f": {', '.join(names)}" if any(names) else ""
    return shown + along + listed


def _dress(element: Element) -> None:
    """Attributes in place of styles, which no style sheet can change; no names of other spaces."""
    element.tag = element.tag.removeprefix(NAMESPACE)
    if LINKS + "href" in element.attrib:
        element.set("xlink:href", element.attrib.pop(LINKS + "href"))
    for declaration in element.attrib.pop("style", "").split(";"):
        name, _, value = map(str.strip, declaration.partition(":"))
        if value.startswith("#"):
            value = value.upper()
        value = value.replace(f"'{FONT}'", SANS)
        if name == "font":
            element.set("style", f"font: {value}")
        elif name:
            element.set(name, value)
    element.tail = None
    if element.tag == "text" and len(element) == 0:
        _letter(element)
    elif element.tag not in ("text", "tspan"):
        element.text = None


def _letter(text: Element) -> None:
    """Indices as spans, lowered or raised relative to what stands before them."""
    runs = list(_runs(text.text or ""))
    if not any(kind for _, kind in runs):
        return
    text.text = None
    height = 0.0
    for written_text, kind in runs:
        span = _said("tspan", written_text)
        size = style.SHRINK if kind else 1.0
        shift = SHIFTS[kind] * size
        if kind:
            span.set("font-size", f"{size:.0%}")
        if shift != height:
            span.set("dy", f"{(shift - height) / size:.3g}em")
        height = shift
        text.append(span)


def _runs(line: str) -> Iterator[tuple[str, str]]:
    """The words and what is between them, each in pieces that are plain, ``sub`` or ``sup``."""
    for word in _WORD.split(line):
        if word.isspace():
            yield word, ""
        elif word:
            yield from ((piece.text, piece.kind) for piece in style.pieces(word))


def _drop_unused(root: Element) -> None:
    """Leave out what no picture needs: metadata, sheets, ids that nothing refers to."""
    texts = [value for element in root.iter() for value in element.attrib.values()]
    used = {name for text in texts for name in re.findall(r"#([\w.-]+)", text)}
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == "style" or child.tag.endswith("metadata"):
                parent.remove(child)
        if parent.get("id") not in used:
            parent.attrib.pop("id", None)
