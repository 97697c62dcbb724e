"""Laws of every picture as SVG: one element per line of text, two schemes, a legend of what occurs, legible text."""

import re
from xml.etree import ElementTree

import graphviz
import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad import viz
from minigrad.viz import style
from minigrad.viz.graphs.norm_colors import Scale
from minigrad.viz.output.schemes import DARK_FILLS, DARK_INKS
from tests.viz.conftest import legend, picture, read_back
from tests.zoo import book_rnn, lstm, weight

SVG = "{http://www.w3.org/2000/svg}"


def latex():
    W = mg.tensor(np.eye(2), requires_grad=True, name=r"\mathbf{W}_{hh}")
    h = mg.tensor(np.ones((1, 2)), name=r"\tilde{h}_0")
    for t in (1, 2):
        with mg.timestep(t):
            h = np.tanh(mg.clip_grad(h, 1.0) @ W).named(rf"\tilde{{h}}_{t}^{{(\ell)}}")
    return mg.Tape.of(np.sum(h).named(r"\mathcal{L}"))


def broken():
    tape = tf.truncate_randomly(book_rnn(3), 0.5, 3)
    return viz.unrolled(tape, grads={"h_1": np.inf, "h_2": np.nan, "o_1": 1.0, "W_hh": 0.3})


def hidden():
    a, b = weight("a", 2), weight("b", 2)
    return mg.Tape.of(np.sum(mg.detach(np.tanh(a).named("behind")) * b).named("L"))


PICTURES = {
    "unrolled": lambda: viz.unrolled(book_rnn()),
    "operations": lambda: viz.draw(book_rnn()),
    "rolled": lambda: viz.draw(lstm(4), "rolled"),
    "norms": lambda: viz.unrolled(tf.truncate(book_rnn(4), every=2), grads=True),
    "operations, norms": lambda: viz.draw(book_rnn(2), grads=True),
    "rolled, norms": lambda: viz.draw(tf.truncate(book_rnn(6), every=2), "rolled", grads=True),
    "not finite": broken,
    "hidden": lambda: viz.draw(hidden()),
    "hidden variables": lambda: viz.unrolled(hidden()),
    "adjoints": lambda: viz.draw(tf.clip(tf.differentiate(book_rnn(2)), 0.1)),
    "checkpointed": lambda: viz.unrolled(tf.checkpoint(book_rnn(4), 2)),
    "folded": lambda: viz.unrolled(book_rnn(40)),
    "compare": lambda: viz.compare(
        [("full", book_rnn(3)), ("cut", tf.truncate(book_rnn(2), every=1))]
    ),
    "strategies": viz.strategies,
    "latex": lambda: viz.unrolled(latex()),
    "latex operations": lambda: viz.draw(latex()),
}


@pytest.fixture(scope="module")
def drawn():
    """The text of each picture, drawn once."""
    made = {}

    def draw(name):
        if name not in made:
            made[name] = viz.svg(PICTURES[name]())
        return made[name]

    return draw


every_picture = pytest.mark.parametrize("name", PICTURES)


def groups(text):
    return list(ElementTree.fromstring(text).iter(f"{SVG}g"))


@every_picture
def test_an_element_per_line_of_text_and_nothing_placed_by_a_font(drawn, name):
    root = ElementTree.fromstring(drawn(name))
    for text in root.iter(f"{SVG}text"):
        assert text.get("text-anchor") in ("middle", "start", "end")
        spans = list(text)
        assert all(span.tag == f"{SVG}tspan" and "x" not in span.attrib for span in spans)
        # what is lowered comes back: the last shift leaves nothing or the text ends low
        height = 0.0
        for span in spans:
            height += float(span.get("dy", 0))
            assert abs(height) < float(text.get("font-size"))


@every_picture
def test_it_says_what_it_is(drawn, name):
    text = drawn(name)
    root = ElementTree.fromstring(text)
    assert root.get("role") == "img"
    assert (root[0].tag, root[1].tag) == (f"{SVG}title", f"{SVG}desc")
    assert len(root[0].text) > 10
    nodes = [g for g in groups(text) if g.get("class").startswith("node")]
    edges = [g for g in groups(text) if g.get("class").startswith("edge")]
    assert root[1].text.startswith(f"{len(nodes)} nodes and {len(edges)} arrows")
    assert "max-width:100%" in root.get("style")


@every_picture
def test_two_pictures_in_one_page_do_not_clash(drawn, name):
    text = drawn(name)
    assert not re.search(r'\sid="', text)
    rules = re.search("<style>(.*)</style>", text)[1]
    # what lights it stands in the scope of its own class
    own = re.search(r'class="minigrad (m\w{8})"', text)
    if own:
        rules, lit, dark = re.split(rf"\.{own[1]}(?=\{{--lit)", rules)
        assert re.fullmatch(r"\{.*\}@media[^{]*\{", lit)
        assert re.fullmatch(r"\{[^{}]*\}\}", dark)
        assert lit.count("{") - 1 == lit.count("}")
    selectors = re.findall(r"[{}]([^{}@]+)\{", rules)
    assert selectors
    assert all(s.startswith(".minigrad [") for s in selectors)


@every_picture
def test_the_same_picture_is_the_same_text(drawn, name):
    assert viz.svg(PICTURES[name]()) == drawn(name)


def luminance(colour):
    channels = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(a, b):
    """As the guidelines of the W3C define it."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def covers(shape, x, y):
    box = {k: float(v) for k, v in shape.attrib.items() if re.fullmatch("x|y|width|height", k)}
    if shape.tag == f"{SVG}rect":
        inside = box["x"] <= x <= box["x"] + box["width"]
        return inside and box["y"] <= y <= box["y"] + box["height"]
    if shape.tag == f"{SVG}ellipse":
        across = abs(x - float(shape.get("cx"))) / float(shape.get("rx"))
        return across**2 + (abs(y - float(shape.get("cy"))) / float(shape.get("ry"))) ** 2 <= 1
    return False


def pairs(text):
    """The colour of each text, and of what it stands on, as the file has them."""
    root = ElementTree.fromstring(text)
    page = next(e for e in root if e.get("class") == "page").get("fill")
    for group in root.iter(f"{SVG}g"):
        for line in group.iter(f"{SVG}text"):
            place = float(line.get("x")), float(line.get("y"))
            fills = [s.get("fill") for s in group if covers(s, *place)]
            yield line.get("fill"), [page, *(f for f in fills if f != "none")][-1]


@every_picture
def test_text_is_legible_in_both_schemes(drawn, name):
    text = drawn(name)
    dark = dict(re.findall(r'\[fill="([^"]+)"\]\{fill:([^}]+)\}', text))
    assert dark["#FFFFFF"] != "#FFFFFF"
    for ink, ground in pairs(text):
        seen = ["#000000" if ink == "black" else ink, ground]
        assert contrast(*seen) >= 4.5, seen
        seen = ["#000000" if ink == "black" else dark.get(ink, ink), dark.get(ground, ground)]
        assert contrast(*seen) >= 4.5, seen


def test_any_norm_is_legible():
    scale = Scale({}, 1e-3, 1e3)
    for norm in [*np.geomspace(1e-3, 1e3, 60), np.inf, np.nan]:
        assert scale.colour(norm) not in DARK_FILLS
        assert contrast("#000000", scale.colour(norm)) >= 4.5


def test_every_colour_of_a_text_is_legible_on_every_ground():
    light = {ink: contrast(ink, "#FFFFFF") for ink in DARK_INKS}
    dark = {ink: contrast(DARK_INKS[ink], DARK_FILLS["#FFFFFF"]) for ink in DARK_INKS}
    lines_only = {style.REMOVED}
    assert {ink for ink, value in light.items() if value < 4.5} <= lines_only
    assert {ink for ink, value in dark.items() if value < 4.5} <= lines_only


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unrolled", ["parameter", "state"]),
        ("strategies", []),
        ("not finite", ["parameter", "state", "gradient scaled", "not finite"]),
        ("hidden", ["parameter", "gradient cut", "no gradient"]),
        ("checkpointed", ["parameter", "state", "recomputed"]),
        ("compare", ["parameter", "state", "differs here", "missing here"]),
        ("latex", ["parameter", "state", "gradient clipped"]),
    ],
)
def test_the_legend_explains_what_occurs_and_nothing_else(name, said):
    found = legend(PICTURES[name]())
    assert set(said) <= set(found)
    assert set(found) - set(said) <= {"gradient cut"}


def test_a_legend_entry_looks_like_what_it_explains(drawn):
    for name in PICTURES:
        found = groups(drawn(name))
        entries = [g for g in found if g.get("class").startswith("legend ")]
        marks = [g for g in entries if g.get("class") != "legend scale"]
        shown = [g for g in found if g not in entries]
        for entry in marks:
            kind = entry.get("class").split()[1]
            strokes = {s.get("stroke") for g in shown if kind in g.get("class").split() for s in g}
            assert entry[0].tag == f"{SVG}text" or entry[0].get("stroke") in strokes


def test_names_are_found_and_joined(drawn):
    found = groups(drawn("unrolled"))
    nodes = {g.get("data-name") for g in found if g.get("class").startswith("node")}
    ends = {
        (g.get("data-tail"), g.get("data-head")) for g in found if g.get("class").startswith("edge")
    }
    shown, arrows = read_back(PICTURES["unrolled"]())
    assert nodes == set(shown)
    assert ends == {(a, b) for a, b, _ in arrows}


def test_a_graph_of_ones_own_is_written_too():
    graph = graphviz.Digraph("mine")
    graph.attr("node", shape="diamond")
    graph.node("a", "two\nlines")
    graph.node("b", shape="record", label="{x|y}")
    graph.node("c", shape="ellipse", style="dashed", color="red:blue")
    graph.edge("a", "b", label="1 & 2 <3>")
    graph.edge("a", "c", dir="both", arrowtail="odot")
    said = {"".join(t.itertext()) for t in picture(graph).iter(f"{SVG}text")}
    assert said == {"two", "lines", "x", "y", "c", "1 & 2 <3>"}


# --- in Chromium ----------------------------------------------------------------------------------------------------
MEASURE = """(() => {
const out = [];
for (const g of document.querySelectorAll("g.node")) {
  const box = g.querySelector("rect, ellipse");
  if (!box) continue;
  const b = box.getBBox();
  for (const t of g.querySelectorAll("text")) {
    const r = t.getBBox();
    out.push([t.textContent, b.x - r.x, r.x + r.width - b.x - b.width]);
  }
}
const texts = [...document.querySelectorAll("svg")].map(s => {
  const v = s.viewBox.baseVal;
  return [...s.querySelectorAll("text")].every(t => {
    const r = t.getBBox();
    return r.x >= v.x - 1 && r.x + r.width <= v.x + v.width + 1;
  });
});
return {out, texts};
})()"""


def test_no_text_leaves_its_box_in_a_browser(chromium, drawn, tmp_path):
    page = tmp_path / "page.html"
    pictures = "".join(map(drawn, PICTURES))
    page.write_text(f'<!doctype html><meta charset="utf-8"><body>{pictures}', "utf-8")
    chromium.open(page)
    measured = chromium.run(MEASURE)
    assert len(measured["out"]) > 150
    assert [m for m in measured["out"] if max(m[1:]) > 0] == []
    assert dict(zip(PICTURES, measured["texts"], strict=True)) == dict.fromkeys(PICTURES, True)
