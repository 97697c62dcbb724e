"""PNG and PDF are the SVG: of its size, with its colours where they stand in it."""

import re
import sys
import zlib
from xml.etree import ElementTree

import pytest

import minigrad as mg
from minigrad import viz
from minigrad.viz.output.converter import PNG_PIXELS_PER_INCH
from tests.viz.conftest import picture
from tests.viz.test_style import HOSTILE
from tests.zoo import book_rnn

typst = pytest.importorskip("typst", reason="typst is not installed: pip install typst")
image = pytest.importorskip("matplotlib.image", reason="matplotlib reads the pixels")

SVG = "{http://www.w3.org/2000/svg}"


def size(root):
    """Width and height in points."""
    return [float(root.get(k).removesuffix("pt")) for k in ("width", "height")]


def test_a_png_has_the_colours_of_the_svg_where_they_stand(tmp_path):
    graph = viz.unrolled(book_rnn(), grads=True)
    root = picture(graph)
    pixels = image.imread(viz.render(graph, tmp_path / "a.png"))
    scale = PNG_PIXELS_PER_INCH / 72
    wide, tall = size(root)
    assert pixels.shape[1] == pytest.approx(wide * scale, abs=1.5)
    assert pixels.shape[0] == pytest.approx(tall * scale, abs=1.5)
    left, top, _, _ = map(float, root.get("viewBox").split())
    seen = 0
    for box in root.iter(f"{SVG}rect"):
        if box.get("class") == "page":
            continue
        # near a corner, where no text is
        x, y = float(box.get("x")) + 2 - left, float(box.get("y")) + 2 - top
        r, g, b = (round(255 * v) for v in pixels[int(y * scale), int(x * scale)][:3])
        assert f"#{r:02X}{g:02X}{b:02X}" == box.get("fill")
        seen += 1
    assert seen > 15


def streams(pdf):
    """The contents of a PDF, inflated."""
    for match in re.finditer(rb"stream\r?\n(.*?)endstream", pdf, re.S):
        try:
            yield zlib.decompress(match[1])
        except zlib.error:
            continue


def test_a_pdf_has_the_size_of_the_svg_and_its_text_as_text(tmp_path):
    graph = viz.unrolled(book_rnn())
    pdf = viz.render(graph, tmp_path / "a.pdf").read_bytes()
    whole = b"".join([pdf, *streams(pdf)])
    box = [float(v) for v in re.search(rb"/MediaBox ?\[([^\]]*)\]", whole)[1].split()]
    assert box == pytest.approx([0, 0, *size(picture(graph))], abs=0.1)
    assert b"/Font" in whole
    assert b"/ToUnicode" in whole


@pytest.mark.parametrize("kind", ["svg", "png", "pdf", "dot"])
def test_hostile_names_are_text_in_every_suffix(tmp_path, kind):
    names = [
        *HOSTILE,
        '"); #eval("1',
        "#{sys.inputs}",
        "\\u{0}",
        "$x^",
        "]#panic()[",
        "%PDF",
        "\\N",
    ]
    xs = [mg.tensor(1.0, requires_grad=True, name=name) for name in names]
    tape = mg.Tape.of(sum(x * 2 for x in xs).named('"); #panic("'))
    for graph in (viz.draw(tape), viz.compare([(names[0], tape), ("#panic()", tape)])):
        path = viz.render(graph, tmp_path / f"a.{kind}")
        assert path.suffix == f".{kind}"
        assert path.stat().st_size > 1_000
        if kind == "svg":
            assert ElementTree.fromstring(path.read_bytes()).tag == f"{SVG}svg"


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_without_typst_the_svg_and_one_line(tmp_path, monkeypatch, capsys, kind):
    monkeypatch.setitem(sys.modules, "typst", None)
    path = viz.render(viz.strategies(), tmp_path / f"a.{kind}")
    assert path == tmp_path / "a.svg"
    assert path.read_text("utf-8") == viz.svg(viz.strategies())
    said = capsys.readouterr().err
    assert said == f"render: no typst to make a .{kind} with, wrote {path}. pip install typst\n"
