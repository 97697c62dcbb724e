"""Light and dark: each colour of a picture, and what it becomes on a dark page."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from minigrad.viz import style

INK = "#000000"
PAGE = "#FFFFFF"
FIXED_INK = "black"
"""The ink on a colour that is the same in both schemes; as a word, so that it stays."""

DARK_FILLS = {
    PAGE: "#0D1117",
    style.PARAMETER: "#1B5A91",
    style.CIRCLE: "#3E76AB",
    style.OPERATION: "#17324D",
    style.ADJOINT: "#5A3B12",
    style.UNREACHED: "#21262D",
}
"""What is drawn on, and what it becomes. Other colours stay, as those of norms, and ink on them."""

DARK_INKS = {
    INK: "#E6EDF3",
    style.CUT: "#FF7B72",
    style.GATE: "#CBAAFF",
    style.FAINT: "#A3ACB6",
    style.BACKWARD: "#E0A458",
    style.REMOVED: "#59616B",
}
"""What is drawn with: text, lines and the heads of arrows."""

DARK_SERIES = dict(
    zip(
        style.SERIES,
        (
            "#58A6FF",
            "#E08D52",
            "#00F5A3",
            "#FF149D",
            "#A852FF",
            "#F5CC00",
            "#FF1414",
            "#AEDCE0",
        ),
        strict=True,
    )
)
"""Lines and bars of plots: the same hues, another lightness."""


def light_and_dark(colours: Iterable[str]) -> str:
    """The same for a page in which the reader chooses the scheme: as ``color-scheme`` says."""
    return _rules(colours, lambda light, dark: f"light-dark({light},{dark})")


def dark_rules(colours: Iterable[str]) -> str:
    """The style sheet that gives the colours of a picture their dark ones where a page is dark.

    It says nothing of anything outside pictures: any number of them can stand in one page.
    """
    rules = _rules(colours, lambda _, dark: dark)
    return f"@media (prefers-color-scheme:dark){{{rules}}}"


def _rules(colours: Iterable[str], value: Callable[[str, str], str]) -> str:
    """A rule for each colour of a picture; value: what stands there, of its light and its dark."""
    rules = ""
    dark = DARK_FILLS | DARK_INKS | DARK_SERIES
    for colour in sorted({*colours} & dark.keys()):
        shown = value(colour, dark[colour])
        rules += f'.minigrad [fill="{colour}"]{{fill:{shown}}}'
        if colour not in DARK_FILLS:
            rules += f'.minigrad [stroke="{colour}"]{{stroke:{shown}}}'
    return rules
