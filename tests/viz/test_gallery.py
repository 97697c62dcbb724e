"""The figures in the README are the ones the commands in it make."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from minigrad.__main__ import main

GALLERY = Path(__file__).parents[2] / "viz" / "gallery"


def content(file):
    """What a picture shows, whatever release of Graphviz drew it: its groups, their texts and colours."""
    groups = ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}g")
    return sorted(
        (g[0].text, "".join(g.itertext()).split(), re.findall("fill=\"[^\"]*\"", ElementTree.tostring(g, "unicode")))
        for g in groups
        if {"node", "edge"} & set(g.get("class", "").split())
    )


@pytest.mark.parametrize("name", ["unrolled", "strategies"])
def test_the_committed_figure_is_current(name, tmp_path):
    assert main(["figure", name, "-o", str(tmp_path / f"{name}.svg")]) == 0
    assert content(GALLERY / f"{name}.svg") == content(tmp_path / f"{name}.svg")
