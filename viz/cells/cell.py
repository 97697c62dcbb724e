"""The parts of what a notebook shows in a cell: HTML that takes the notebook's colours, no script.

A notebook that is not trusted loses its styles, and pictures all but their words. So a picture is
hidden unless a style shows it, and that style may be the one of another cell, which was run here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any
from zlib import crc32

from minigrad.errors import MinigradError

# Numbers of an array that are written out; of a larger one, the corners.
MAX_NUMBERS = 64
MAX_LINE_CHARACTERS = 96
MAX_LISTED_LINES = 80

# A picture has the colours of the page's scheme, which need not be the notebook's: it brings the
# ground that it is drawn on. All else has the notebook's own colour, readable in every theme.
STYLE = """
.minigrad{font-size:13px;line-height:1.45;max-width:100%}
.minigrad p{margin:.2em 0}
.minigrad .soft{opacity:.8}
.minigrad code,.minigrad pre{font:12px/1.35 ui-monospace,Menlo,Consolas,monospace;
background:none;color:inherit;border:0;padding:0}
.minigrad pre{margin:.3em 0;max-height:32em;overflow:auto;white-space:pre}
.minigrad summary{cursor:pointer}
.minigrad table{border-collapse:collapse;margin:.4em 0;font-size:12px;color:inherit}
.minigrad th,.minigrad td{padding:.1em .7em .1em 0;text-align:right;border:0;
border-bottom:1px solid rgba(128,128,128,.45);background:none;color:inherit}
.minigrad th:first-child,.minigrad td:first-child,.minigrad .left{text-align:left}
.minigrad .picture:has(svg,iframe){display:block!important;max-width:100%;margin:.4em 0}
.minigrad .picture:has(svg,iframe)+.untrusted{display:none}
.minigrad .picture svg{max-width:100%;height:auto;vertical-align:top}
.minigrad .ground{color-scheme:light dark;background:Canvas;color:CanvasText;
display:inline-block;max-width:100%}
.minigrad iframe{width:100%;border:1px solid rgba(128,128,128,.45);resize:vertical}
.minigrad .unrolled{overflow:auto;max-height:40em}
.minigrad .unrolled rect{fill:none;stroke:currentColor}
.minigrad .unrolled .parameter rect{stroke-width:2.2}
.minigrad .unrolled text{font:13px Helvetica,Arial,sans-serif;fill:currentColor}
.minigrad .unrolled path{fill:none;stroke:currentColor;stroke-opacity:.55}
.minigrad .unrolled .cut{stroke-dasharray:4 3;stroke-opacity:1}
"""
TAG = re.compile("<[^>]*>")
# where an id is given or referred to
ID = re.compile(r"""(?<= id=")|(?<=href="#)|(?<=url\(#)|(?<=by=")""")
UNTRUSTED = "This notebook is not trusted: run the cell to see the picture."


def cell(*parts: str) -> str:
    """The whole output, with its style."""
    return f'<style>{STYLE}</style><div class="minigrad">{"".join(parts)}</div>'


def counted(count: int, noun: str) -> str:
    """``1 node``, ``1,204 nodes``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def words(text: str, kind: str = "") -> str:
    """A paragraph."""
    return f'<p class="{kind}">{escape(text)}</p>'


def heading(name: str, *facts: str) -> str:
    """A name, and what is known of it in a line."""
    rest = " · ".join(escape(fact) for fact in facts if fact)
    return f"<p><strong>{escape(name)}</strong> {rest}</p>"


def pre(text: str) -> str:
    """Text in lines, of many the first and the last."""
    lines = text.split("\n")
    if len(lines) > MAX_LISTED_LINES:
        half = MAX_LISTED_LINES // 2
        left_out = f"# ... {len(lines) - 2 * half:,} lines ..."
        lines = [*lines[:half], left_out, *lines[-half:]]
    return f"<pre>{escape(chr(10).join(lines))}</pre>"


def fold(title: str, *parts: str) -> str:
    """What stands behind a line until somebody opens it."""
    return f"<details><summary>{escape(title)}</summary>{''.join(parts)}</details>"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; floats are shown to four digits."""
    top = "".join(f"<th>{escape(text)}</th>" for text in head)
    body = "".join(_row(row) for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _row(row: Sequence[Any]) -> str:
    texts = [f"{x:.4g}" if isinstance(x, float) else str(x) for x in row]
    cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
    return f"<tr>{cells}</tr>"


def picture(svg: str) -> str:
    """A picture on its own ground, as wide as the cell at most."""
    return shown(f'<div class="ground">{standing_alone(svg)}</div>')


def picture_if_made(make: Callable[[], str]) -> str:
    """The picture of the SVG that is made; where it cannot be, a line that says why."""
    try:
        return picture(make())
    except MinigradError as error:
        return words(error.text)


def shown(html: str) -> str:
    """What only a trusted notebook shows, and what the others say instead."""
    hidden = f'<div class="picture" style="display:none">{html}</div>'
    return hidden + words(UNTRUSTED, "untrusted")


def standing_alone(svg: str) -> str:
    """The svg element with ids of its own: pictures of one page must not share any."""
    svg = svg[svg.index("<svg") :]
    prefix = f"f{crc32(svg.encode()):x}-"
    return TAG.sub(lambda tag: ID.sub(prefix, tag[0]), svg)
