"""The table of the page's colours, light and dark: its variables, and rules that need none."""

from __future__ import annotations

import re
from collections.abc import Mapping

from minigrad.viz.output.schemes import DARK_FILLS, PAGE

COLOURS = {
    # what is drawn on, text and lines
    "bg": (PAGE.lower(), DARK_FILLS[PAGE].lower()),
    "card": ("#f6f8fa", "#161b22"),
    "ink": ("#1b2430", "#e6edf3"),
    "soft": ("#5b6675", "#a3acb6"),
    "line": ("#d4dae1", "#30363d"),
    "edge": ("#8c98a5", "#6b7683"),
    "faint": ("#e3e8ed", "#21262d"),
    # visited, and what can be pressed
    "blue": ("#1f6feb", "#58a6ff"),
    "visited": ("#cfe3fb", "#1b3a5c"),
    # current, and what it sends
    "amber": ("#ffb300", "#ffb300"),
    "amber-ink": ("#5c3b00", "#2b1b00"),
    "lit": ("#e08600", "#ffb300"),
    # waiting for more
    "cream": ("#fff3cd", "#4a3d12"),
    "cream-line": ("#9a6f00", "#d9b13b"),
    # cut; not finite
    "red": ("#c8001a", "#ff7b72"),
    "bad": ("#c2009a", "#ff5ad6"),
    "on-bad": ("#ffffff", "#0d1117"),
    # shades of numbers, red, green and blue
    "plus": ("214, 96, 20", "255, 142, 66"),
    "minus": ("33, 102, 172", "88, 166, 255"),
    # the share of a shade under text that can still be read
    "deepest": (".7", ".5"),
}  # fmt: skip
# as script/arrays.js counts them
SHADES = 16
LIGHT = {name: pair[0] for name, pair in COLOURS.items()}
DARK = {name: pair[1] for name, pair in COLOURS.items()}


def shades() -> str:
    """A class for each shade of a number, ``plus1`` to ``minus16``."""
    rules = ""
    for sign in ("plus", "minus"):
        for level in range(1, SHADES + 1):
            opacity = f"calc(var(--deepest) * {level / SHADES:g})"
            colour = f"rgba(var(--{sign}), {opacity})"
            rules += f".{sign}{level} {{ background: {colour}; fill: {colour}; }}\n"
    return rules


def variables() -> str:
    """The table as variables of a style sheet."""
    light, dark = (_declared(colours) for colours in (LIGHT, DARK))
    whole = ":root { color-scheme: light dark; " + light + "}\n"
    whole += "@media (prefers-color-scheme: dark) { :root { " + dark + "} }\n"
    # paper is light
    return whole + "@media print { :root { color-scheme: light; " + light + "} }\n"


def _declared(colours: Mapping[str, str]) -> str:
    return "".join(f"--{name}: {value}; " for name, value in colours.items())


def resolved(css: str) -> str:
    """Rules that use the variables, with the colours in their place: light, then where it is dark.

    Viewers that are no browsers know no variables.
    """
    return _with(css, LIGHT) + "@media (prefers-color-scheme: dark) {\n" + _with(css, DARK) + "}\n"


def _with(css: str, colours: Mapping[str, str]) -> str:
    return re.sub(r"var\(--([\w-]+)\)", lambda match: colours[match[1]], css)
