"""A style reaches every format, and what means nothing is refused in one line."""

from collections import Counter, defaultdict
from xml.etree import ElementTree

import pytest

from minigrad import transforms as tf
from minigrad import viz
from minigrad.errors import ArgumentError
from minigrad.models.networks import NETWORKS
from minigrad.viz import style
from minigrad.viz.graphs.looks import KEYS, LOOKS, ROLES, refuse_style
from minigrad.viz.output.restyle import restyled
from tests.viz.geometry import scene_of
from tests.zoo import book_rnn

SVG = "{http://www.w3.org/2000/svg}"


def groups(graph):
    root = ElementTree.fromstring(viz.svg(graph))
    return root, {g.get("data-name"): g for g in root.iter(f"{SVG}g") if g.get("data-name")}


@pytest.mark.parametrize("draw", [viz.draw, viz.unrolled])
def test_colours_and_shapes_go_by_role(draw):
    looks = {"parameter": {"fill": "#102030", "line": "#aa0000", "shape": "octagon"}}
    _, drawn = groups(draw(book_rnn(1), style=looks))
    name = next(name for name in drawn if name.startswith("W_qh"))
    outline = drawn[name].find(f"{SVG}polygon")
    assert outline.get("fill") == "#102030"
    assert outline.get("stroke") == "#AA0000"
    assert len(outline.get("points").split()) == 8
    # text on a dark fill is light
    assert drawn[name].find(f"{SVG}text").get("fill") == "#FEFEFE"
    assert drawn["h_1"].find(f"{SVG}rect") is not None


def test_a_font_size_is_that_of_names_and_all_grows_with_it():
    small, _ = groups(viz.unrolled(book_rnn(2)))
    large, drawn = groups(viz.unrolled(book_rnn(2), style={"font_size": 22}))
    assert float(drawn["h_1"].find(f"{SVG}text").get("font-size")) == 22
    width = [float(root.get("viewBox").split()[2]) for root in (small, large)]
    assert 1.8 < width[1] / width[0] < 2.1


def test_a_colour_that_says_a_norm_stays():
    plain = groups(viz.unrolled(book_rnn(2), grads=True))[1]
    styled = groups(viz.unrolled(book_rnn(2), grads=True, style={"state": {"fill": "#000000"}}))[1]
    fills = [each["h_1"].find(f"{SVG}rect").get("fill") for each in (plain, styled)]
    assert fills[0] == fills[1]


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ({"gate": {"shape": "box"}}, "draw: style: gate: 'shape'; expected line, text, which it"),
        ({"variable": {}}, "draw: style: 'variable'; expected font_size or one of parameter"),
        ({"weights": {}}, "draw: style: 'weights'; expected font_size or one of parameter"),
        ({"parameter": {"color": "#000000"}}, "draw: style: parameter: 'color'; expected fill"),
        ({"parameter": {"fill": "red"}}, "draw: style: parameter: fill: 'red'; expected a colour"),
        ({"state": {"shape": "star"}}, "draw: style: state: shape: 'star'; expected box"),
        ({"state": "#000000"}, "draw: style: state: '#000000'; expected a mapping"),
        ({"font_size": 400}, "draw: style: font_size: 400; expected 4 to 72 points"),
        ([1], "draw: style: a list; expected a mapping"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(looks, told):
    with pytest.raises(ArgumentError) as error:
        viz.draw(book_rnn(1), style=looks)
    assert str(error.value).startswith(told)
    assert "\n" not in str(error.value)


def words(graph, name):
    return "".join(groups(graph)[1][name].find(f"{SVG}text").itertext())


@pytest.mark.parametrize(
    ("draw", "name"),
    [(viz.draw, "h_1"), (viz.unrolled, "h_1"), (lambda t, **o: viz.draw(t, "rolled", **o), "h_t")],
)
def test_a_label_takes_the_place_of_the_name_and_stays_text(draw, name):
    hostile = "</text><b> & 1"
    graph = draw(book_rnn(1), label=lambda n: hostile if (n.name or "").startswith("h_1") else None)
    assert words(graph, name) == hostile
    assert "W" in "".join("".join(g.itertext()) for g in groups(graph)[1].values())


def test_a_label_is_text():
    with pytest.raises(ArgumentError, match=r"draw: label: a int; expected text, or None"):
        viz.draw(book_rnn(1), label=lambda n: 3)
    with pytest.raises(ArgumentError, match=r"unrolled: label: 'h'; expected a function of a node"):
        viz.unrolled(book_rnn(1), label="h")


PURPLE = "#8A2BE2"
SHORT = tf.truncate(book_rnn(3), every=2)
LONG = tf.truncate(book_rnn(20), every=3)
PICTURES = [(SHORT, "ops"), (LONG, "variables"), (SHORT, "rolled")]


def colours_by_class(graph):
    """Of the nodes and edges of each class: fill and stroke of their shapes, fill of their text."""
    found = defaultdict(lambda: {"fill": set(), "line": set(), "text": set()})
    for g in ElementTree.fromstring(viz.svg(graph)).iter(f"{SVG}g"):
        shapes = [e for e in g if e.tag in (f"{SVG}rect", f"{SVG}ellipse", f"{SVG}path")]
        for name in (g.get("class") or "").split():
            found[name]["text"] |= {e.get("fill") for e in g.iter(f"{SVG}text")}
            found[name]["line"] |= {e.get("stroke") for e in shapes}
            found[name]["fill"] |= {e.get("fill") for e in shapes}
            if "legend" in g.get("class"):
                break
    return found


def every_role():
    """Tapes that have all roles among them."""
    yield LONG
    yield MARKED["gate"](book_rnn(20))
    yield tf.differentiate(book_rnn(2))
    yield NETWORKS["hierarchical"]()


@pytest.mark.parametrize("level", LOOKS)
def test_every_key_that_a_picture_has_changes_it_and_no_other_is_taken(level):
    scenes = [scene_of(viz.draw(tape, level)) for tape in every_role()]
    for role in ROLES:
        for key in KEYS:
            look = {role: {key: "octagon" if key == "shape" else PURPLE}}
            if key in LOOKS[level].get(role, ()):
                refuse_style("draw", look, level)
                assert any(restyled(scene, look) != scene for scene in scenes), look
            else:
                with pytest.raises(ArgumentError, match=repr(level)):
                    refuse_style("draw", look, level)


@pytest.mark.parametrize(("tape", "level"), PICTURES)
@pytest.mark.parametrize("key", KEYS[:3])
def test_every_key_of_a_role_changes_all_that_has_it(tape, level, key):
    own = {role: ROLES[role] for role, keys in LOOKS[level].items() if key in keys}
    boxes = own.keys() - {"cut", "gate", "fold"}
    styled = colours_by_class(viz.draw(tape, level, style={role: {key: PURPLE} for role in boxes}))
    kinds = [own[role] for role in boxes if own[role] in styled]
    assert len(kinds) >= 2
    for kind in kinds:
        assert styled[kind][key] <= {PURPLE}, kind


@pytest.mark.parametrize("role", ["cut", "gate"])
@pytest.mark.parametrize(("steps", "level"), [(3, "ops"), (20, "variables"), (20, "ops")])
def test_the_line_of_a_mark_is_all_that_says_it(role, steps, level):
    """The arrows and their heads, the signs, those counted on folds, and the legend."""
    tape = MARKED[role](book_rnn(steps))
    plain = colours_of(viz.draw(tape, level))
    styled = colours_of(viz.draw(tape, level, style={role: {"line": PURPLE}}))
    colour = {"cut": style.CUT, "gate": style.GATE}[role]
    assert plain[colour] == styled[PURPLE] > 0
    assert styled[colour] == plain[PURPLE] == 0


MARKED = {
    "cut": lambda tape: tf.truncate(tape, every=2),
    "gate": lambda tape: tf.scale(tape, tape.recurrent_edges(), 0.5),
}


def colours_of(graph):
    root = ElementTree.fromstring(viz.svg(graph))
    return Counter(value for e in root.iter() for value in e.attrib.values())


def test_a_cut_in_a_fold_does_not_dress_the_fold():
    look = {"cut": {"text": PURPLE}}
    plain, styled = (colours_by_class(viz.draw(LONG, **o)) for o in ({}, {"style": look}))
    assert style.CUT in plain["fold"]["text"]
    assert styled["fold"]["text"] == plain["fold"]["text"] - {style.CUT} | {PURPLE}
