"""May this file be written: asked before the work."""

from pathlib import Path

import pytest

from minigrad.errors import ArgumentError
from minigrad.files import refuse_unwritable


@pytest.mark.parametrize(
    ("name", "suffixes", "words"),
    [
        (
            "page.svg",
            (".html",),
            "of no format that is known by its ending; expected one that ends in .html",
        ),
        ("page", (".svg", ".png"), "expected one that ends in .svg, .png"),
        ("none/page.html", (".html",), "its folder does not exist. Make it first"),
        ("folder.html", (".html",), "it is a folder. Name a file in it"),
        ("folder.html", (), "it is a folder. Name a file in it"),
    ],
)
def test_what_cannot_be_written_is_refused(name, suffixes, words, tmp_path):
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(ArgumentError) as refusal:
        refuse_unwritable(tmp_path / name, suffixes)
    assert refusal.value.text.startswith(f"cannot write '{tmp_path / name}': ")
    assert words in refusal.value.text


@pytest.mark.skipif(
    not Path("/proc/self").is_dir(), reason="no folder that even root cannot write to"
)
def test_a_closed_folder_is_refused_in_the_system_s_words():
    with pytest.raises(ArgumentError, match="that exists and that you may write to"):
        refuse_unwritable("/proc/self/page.html")


@pytest.mark.parametrize("name", ["new.HTML", "old.html"])
def test_what_can_be_written_is_left_as_it_is(name, tmp_path):
    (tmp_path / "old.html").write_text("before")
    refuse_unwritable(tmp_path / name, (".html",))
    assert [f.name for f in tmp_path.iterdir()] == ["old.html"]
    assert (tmp_path / "old.html").read_text() == "before"
