"""A picture of a backward pass that stands still: legible on light and on dark pages."""

import re
from xml.etree import ElementTree

import pytest

from minigrad import models
from minigrad.viz.page.svg import STILL, still
from tests.viz.output.test_svg_writer import contrast

STATES = ("node", "visited", "waiting", "current", "unreached")
LIGHT, DARK = STILL.split("@media")


def fills(css, part):
    """The fill that each state gives to its ``rect`` or ``text``; those of the last rule."""
    found = {}
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", css):
        colour = re.search(r"fill: (#\w+)", body)
        for selector in selectors.split(","):
            state, _, shape = selector.strip().removeprefix(".").partition(" ")
            if shape == part and colour:
                found[state] = colour[1]
    return found


def long(colour):
    return colour if len(colour) == 7 else "#" + "".join(2 * c for c in colour[1:])


@pytest.mark.parametrize("css", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_text_is_legible_in_every_state(css, state):
    ground, ink = (fills(css, part) for part in ("rect", "text"))
    pair = [long(of.get(state, of["node"])) for of in (ink, ground)]
    assert contrast(*pair) >= 4.5


def test_it_says_what_it_is_and_fits_its_page():
    root = ElementTree.fromstring(still(models.section(T=2).tape, lambda n: "visited"))
    assert root[0].tag.endswith("title")
    assert "svg { max-width: 100%; height: auto; }" in root[1].text
