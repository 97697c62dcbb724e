"""The gallery: every kind of picture of every network, and a page of them."""

import re

import pytest

from minigrad import cli
from minigrad.models import networks

pytest.importorskip("matplotlib")


def test_one_command_draws_the_pictures_and_their_page(tmp_path, monkeypatch, capsys):
    from minigrad.cli import gallery

    monkeypatch.setattr(gallery, "NETWORKS", {"bidirectional": networks.bidirectional})
    folder = tmp_path / "new" / "gallery"
    assert cli.main(["figure", "gallery", "-o", str(folder)]) == 0
    page = (folder / "index.html").read_text(encoding="utf-8")
    shown = re.findall('<img src="([^"]*)"', page)
    files = sorted(file.name for file in folder.glob("*.svg"))
    # each in both schemes
    assert sorted(shown) == sorted([*files, *files])
    assert len(files) == 10
    assert capsys.readouterr().out.count("wrote ") == 11
