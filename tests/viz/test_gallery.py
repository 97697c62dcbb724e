"""The gallery: every kind of picture of every network, and a page; that of the docs is what is drawn today."""

import re
from pathlib import Path

import pytest

from minigrad import cli
from minigrad.models.networks import NETWORKS
from tests.viz.test_figures import content

pytest.importorskip("matplotlib")
GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
# a small network without steps, and one with steps
DRAWN = ("attention", "bidirectional")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    from minigrad.cli import gallery

    folder = tmp_path_factory.mktemp("new") / "gallery"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gallery, "NETWORKS", {name: NETWORKS[name] for name in DRAWN})
        assert cli.main(["figure", "gallery", "-o", str(folder)]) == 0
    return folder


def shown_on(page):
    return re.findall('<img src="([^"]*)"', page.read_text(encoding="utf-8"))


def test_the_page_shows_each_picture_in_both_schemes(made):
    files = sorted(file.name for file in made.glob("*.svg"))
    assert sorted(shown_on(made / "index.html")) == sorted([*files, *files])
    assert {name.split("-")[0] for name in files} == set(DRAWN)


def test_the_gallery_of_the_docs_has_every_network():
    files = {file.name for file in GALLERY.glob("*.svg")}
    assert set(shown_on(GALLERY / "index.html")) == files
    assert {name.split("-")[0] for name in files} == set(NETWORKS)


def test_the_gallery_of_the_docs_is_current(made):
    for file in made.glob("*.svg"):
        assert content(GALLERY / file.name) == content(file)
