"""The parts of a page that stands alone: paragraphs, tables and figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from minigrad.viz.cells.cell import standing_alone

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #222; --soft: #555; --line: #ddd;
  --head: #888; --mark: #0072B2 }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6ebf1; --soft: #a3afbd;
  --line: #33404e; --head: #66758a; --mark: #58a6ff } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 62em; margin: 2.5em auto; padding: 0 1.5em }
h1 { font-size: 1.6em; margin-bottom: .2em } h2 { font-size: 1.15em; margin-top: 2.2em }
p { max-width: 46em }
.verdict { font-size: 1.1em; border-left: 4px solid var(--mark); padding: .3em 1em }
.verdict { margin: 1.2em 0 }
.wide { overflow-x: auto }
table { border-collapse: collapse; margin: .8em 0; font-variant-numeric: tabular-nums }
th, td { padding: .2em .8em; text-align: right; border-bottom: 1px solid var(--line) }
th { border-bottom: 1px solid var(--head) }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
table.about td { text-align: left }
figure { margin: 1em 0 } figure svg { max-width: 100%; height: auto }
figure img { max-width: 100%; max-height: 48em; display: block; margin: .4em 0 }
figcaption { color: var(--soft); font-size: .92em; max-width: 50em } code { font-size: .92em }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #222; --soft: #555 }
  body { margin: 0; max-width: none } h2 { break-after: avoid }
  figure, tr { break-inside: avoid } }
"""


def document(title: str, parts: Iterable[str]) -> bytes:
    """The whole file."""
    name = escape(title)
    viewport = '<meta name="viewport" content="width=device-width">'
    meta = f'<meta charset="utf-8">{viewport}<title>{name}</title>'
    head = f"<head>{meta}<style>{STYLE}</style></head>"
    body = "\n".join(["<main>", f"<h1>{name}</h1>", *parts, "</main>"])
    text = f'<!DOCTYPE html>\n<html lang="en">{head}\n<body>\n{body}\n</body></html>\n'
    return text.encode()


def heading(text: str) -> str:
    """The title of a part."""
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph, of a class if one is named."""
    if kind:
        return f'<p class="{kind}">{escape(text)}</p>'
    return f"<p>{escape(text)}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], kind: str = "") -> str:
    """A table; floats are shown to four digits."""
    top = "".join(f"<th>{escape(text)}</th>" for text in head)
    first = f"<tr>{top}</tr>" if top else ""
    body = "\n".join(_row(row) for row in rows)
    whole = f'<table class="{kind}">{first}\n{body}\n</table>'
    # Where it is wider than the window it scrolls, also for who has no mouse.
    return f'<div class="wide" role="group" aria-label="table" tabindex="0">{whole}</div>'


def _row(row: Sequence[Any]) -> str:
    cells = "".join(f"<td>{escape(number(cell))}</td>" for cell in row)
    return f"<tr>{cells}</tr>"


def picture(svg: str, caption: str) -> str:
    """A figure with what it shows under it."""
    return f"<figure>{standing_alone(svg)}<figcaption>{escape(caption)}</figcaption></figure>"


def two_schemes(file: str, caption: str) -> str:
    """A picture in a file beside the page, as a light page and as a dark one show it."""
    name, alt = escape(file), escape(caption)
    image = f'<a href="{name}"><img src="{name}" alt="{alt}" loading="lazy"'
    images = [f'{image} style="color-scheme:{scheme}"></a>' for scheme in ("light", "dark")]
    return f"<figure>{''.join(images)}<figcaption>{alt}</figcaption></figure>"


def number(x: Any) -> str:
    """A cell's text."""
    return f"{x:.4g}" if isinstance(x, float) else str(x)
