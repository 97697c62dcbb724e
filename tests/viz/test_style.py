import string
from html.parser import HTMLParser

import graphviz
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import viz
from minigrad.viz import style
from tests.laws import examples
from tests.viz.conftest import picture, read_back

NASTY = st.text(alphabet="\"'<>&;:\\{}|#%\n\r\t\x00\x07\ud800￾_0aé漢😀 ", max_size=30)


def texts(root):
    return ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]


def test_the_layer_of_a_name_stands_high():
    read = [(p.text, p.kind) for p in style.pieces("xi_12^10, h_1^2#2")]
    assert read[:3] == [("ξ", ""), ("12", "sub"), ("10", "sup")]
    assert read[4:] == [("h", ""), ("1", "sub"), ("2", "sup"), ("#2", "sup")]
    assert [p.text for p in style.pieces("a^b^c, learning_rate^2")] == [
        "a^b^c",
        ", ",
        "learning_rate^2",
    ]


@pytest.mark.parametrize(
    ("name", "pieces"),
    [
        ("h_3", [("h", False), ("3", True)]),
        ("W_hh", [("W", False), ("hh", True)]),
        ("h_1_2", [("h", False), ("1,2", True)]),
        ("hidden_12", [("hidden", False), ("12", True)]),
        ("dL/dW_hh", [("dL/dW", False), ("hh", True)]),
        ("W_hh@3", [("W", False), ("hh", True), ("@3", False)]),
        ("learning_rate", [("learning_rate", False)]),
        ("xi_t", [("ξ", False), ("t", True)]),
        ("Gamma_max", [("Γ", False), ("max", True)]),
        ("2*sigma_1, xi", [("2*σ", False), ("1", True), (", ", False), ("xi", False)]),
        ("h_1² · W_hhᵀ", [("h", False), ("1", True), ("² · W", False), ("hh", True), ("ᵀ", False)]),
        ("taxi_fare", [("taxi_fare", False)]),
        ("PI_1", [("PI", False), ("1", True)]),
        ("_", [("_", False)]),
        ("", [("", False)]),
    ],
)
def test_an_index_becomes_a_subscript(name, pieces):
    assert style.parts(name) == pieces


@given(st.text() | NASTY)
def test_a_plain_line_is_printable_and_short(text):
    line = style.plain(text)
    assert line.isprintable()
    assert len(line) <= 40
    assert style.plain(line) == line


@examples(60)
@given(st.lists(st.text() | NASTY, min_size=1, max_size=4))
def test_any_name_gives_valid_dot_and_svg(names):
    graph = graphviz.Digraph()
    ids = style.identifiers(names)
    for identifier, name in zip(ids, names, strict=True):
        graph.node(identifier, style.label(name, size=12), tooltip=style.tooltip(name))
        graph.edge(ids[0], identifier)
    root = picture(graph)
    assert len([e for e in root.iter() if e.get("class") == "node"]) == len(names)
    tips = [
        e[0].text for e in root.iter() if e.get("class") == "node" and e[0].tag.endswith("}title")
    ]
    assert sorted(tips) == sorted(filter(None, (style.plain(n, 200) for n in names)))


def rolled(tape):
    return viz.draw(tape, "rolled")


def side_by_side(tape):
    return viz.compare([(tape.outputs[0].label, tape), ("again", tape)])


VIEWS = [viz.draw, viz.unrolled, rolled, side_by_side]


@examples(80)
@given(st.text(min_size=1) | NASTY, st.sampled_from(VIEWS))
def test_any_name_gives_a_valid_picture(name, view):
    x = mg.tensor(1.0, requires_grad=True, name=name)
    with mg.timestep(1):
        y = (x * 2).named(name)
    shown = " ".join(texts(picture(view(mg.Tape.of(y)))))
    for piece, _ in style.parts(x.label):
        assert set(piece) <= set(shown) | {" "}


HOSTILE = ["<script>alert(1)</script>", "]]>", '" onload="x', "a\nb\r\nc", "\u202eabc שלום", "-->"]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("view", VIEWS)
def test_a_name_cannot_leave_its_place(view, name):
    x = mg.tensor(1.0, requires_grad=True, name=name)
    with mg.timestep(1):
        y = (mg.scale_grad(x, mg.tensor(0.5, name=name)) * 2).named(name)
    graph = view(mg.Tape.of(y))
    root = picture(graph)
    tags = {e.tag.rpartition("}")[2] for e in root.iter()}
    assert tags <= {
        "svg",
        "g",
        "title",
        "desc",
        "style",
        "rect",
        "text",
        "path",
        "polygon",
        "polyline",
        "ellipse",
        "tspan",
    }
    assert not [k for e in root.iter() for k in e.attrib if k.lower().startswith("on")]
    page = HTMLParser()
    seen = []
    page.handle_starttag = lambda tag, attrs: seen.append(tag)
    page.feed(f"<body>{viz.svg(graph)}</body>")
    assert "script" not in seen
    nodes, _ = read_back(graph)
    assert len(nodes) >= 1


@pytest.mark.parametrize("view", VIEWS)
def test_a_name_of_ten_thousand_characters_is_shortened(view):
    tape = mg.Tape.of(
        (mg.tensor(1.0, requires_grad=True, name="<" * 10_000) * 2).named("\\" * 10_000)
    )
    assert len(view(tape).source) < 9_000
    assert picture(view(tape)) is not None


@given(st.lists(st.text() | NASTY))
def test_identifiers_are_unique_and_need_no_care(names):
    found = style.identifiers(names)
    assert len(set(found)) == len(found) == len(names)
    assert not set("".join(found)) & set("\"':;\\<>&{}| \n\x00")


@given(st.text(string.ascii_letters + "_0123", min_size=1, max_size=30))
def test_width_grows_with_the_name_and_the_font(name):
    assert 0 < style.width(name, 10) < style.width(name, 11)
    assert style.width(name, 10) <= style.width(f"{name}x", 10) or len(name) == 30 or "_" in name


def test_names_are_written_as_given():
    shown = "".join(
        texts(
            picture(
                viz.draw(mg.Tape.of(mg.tensor(1.0, True, 'a<b & "c"') * mg.tensor(2.0, True, "d")))
            )
        )
    )
    assert 'a<b & "c"' in shown


@pytest.mark.parametrize("name", [r"a\\b", r"C:\new\N\G", r"\nothing", "\\\\", "\\"])
def test_a_backslash_of_a_name_is_no_escape_of_graphviz(name):
    W = mg.tensor([1.0, 2.0], requires_grad=True, name=name)
    assert name in texts(picture(viz.draw(mg.Tape.of((W * 2).sum()))))
