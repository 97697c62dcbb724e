"""The figures in the README are the ones the commands in it make."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from minigrad.cli import main
from minigrad.cli.figure import FIGURES

ROOT = Path(__file__).parents[2]


def content(file):
    """What a picture shows, whatever release of Graphviz drew it: its groups, their texts and colours."""
    groups = ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}g")
    return sorted(
        (
            sorted((k, v) for k, v in g.attrib.items()),
            ["".join(text.itertext()) for text in g.iter("{http://www.w3.org/2000/svg}text")],
            re.findall('fill="[^"]*"', ElementTree.tostring(g, "unicode")),
        )
        for g in groups
        if {"node", "edge"} & set(g.get("class", "").split())
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures") / "docs"
    assert main(["figure", "all", "-o", str(folder)]) == 0
    return folder


def test_one_command_makes_them_all(made):
    assert sorted(f.name for f in made.iterdir()) == sorted(f"{name}.svg" for name in FIGURES)
    assert sorted(f.name for f in (ROOT / "docs").glob("*.svg")) == sorted(
        f.name for f in made.iterdir()
    )


@pytest.mark.parametrize("name", FIGURES)
def test_the_committed_figure_is_current(name, made):
    assert content(ROOT / "docs" / f"{name}.svg") == content(made / f"{name}.svg")
