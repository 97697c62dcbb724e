import re
from itertools import chain

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad import viz
from minigrad.errors import ArgumentError
from minigrad.models.networks import NETWORKS
from minigrad.viz import compare, diff, style
from minigrad.viz.graphs.fold import RULES
from tests.viz.conftest import picture, read_back, text_of
from tests.viz.geometry import crossings, overlaps, overprints, scene_of
from tests.zoo import TAPES, book_rnn, lstm


def panels(graph):
    """The places and looks in each panel by name, places from its first node."""
    found = {}
    for name, a in read_back(graph)[0].items():
        if m := re.match(r"(\d+)/(.*)", name):
            found.setdefault(int(m[1]), {})[m[2]] = (
                *map(float, a["pos"].rstrip("!").split(",")),
                a,
            )
    return found


def test_the_same_thing_stands_in_the_same_place_of_each_panel():
    b = lstm(4)
    graph = compare(
        [
            ("full", b),
            ("every 2", tf.truncate(b, every=2)),
            ("random", tf.truncate_randomly(b, 0.5, 1)),
        ]
    )
    (first, second, third), shift = panels(graph).values(), []
    for other in (second, third):
        common = [n for n in first if not n.startswith("gate")]
        assert set(common) <= set(other)
        apart = {(round(other[n][0] - first[n][0], 3), other[n][1] - first[n][1]) for n in common}
        assert len(apart) == 1
        shift += apart
    assert shift[1][0] == pytest.approx(2 * shift[0][0])
    assert picture(graph) is not None


def test_each_panel_has_its_name_and_its_own_gates():
    b = book_rnn(4)
    graph = compare([("full <b>", b), ("every 2", tf.truncate(b, every=2))])
    nodes, edges = read_back(graph)
    assert [text_of(nodes[f"name {k}"]["label"]) for k in (1, 2)] == ["full <b>", "every 2"]
    red = [(tail, head) for tail, head, a in edges if a.get("color") == style.CUT]
    assert red == [("2/h_2", "2/gate_at_h_2"), ("2/gate_at_h_2", "2/to_h_3")]
    assert {(a, b) for a, b, e in edges if e.get("penwidth") == "2"} == {
        ("1/h_2", "1/to_h_3"),
        *red,
    }


def test_equal_tapes_have_no_differences():
    b = book_rnn(4)
    assert not [
        e for e in read_back(compare([("a", b), ("b", book_rnn(4))]))[1] if "penwidth" in e[2]
    ]


def test_what_a_panel_lacks_is_drawn_as_missing():
    first, second = panels(compare([("short", book_rnn(3)), ("long", book_rnn(4))])).values()
    assert first["h_4"][2]["class"] == "variable missing"
    assert "differs" in second["h_4"][2]["class"].split()


def _two_parameters(order, split):
    """A step that reads two parameters in that order, and the loss one of them where split."""
    w = {name: mg.tensor(np.eye(2), requires_grad=True, name=name) for name in order}
    with mg.timestep(1):
        h = np.tanh(sum((w[name] for name in order[1:]), w[order[0]])).named("h_1")
    loss = np.sum(h @ w["W"] if split else h)
    return mg.Tape.of(loss.named("L"))


@pytest.mark.parametrize("orders", [("WV", "WV"), ("WV", "VW"), ("VW", "WV")])
@pytest.mark.parametrize("splits", [(False, False), (True, False), (False, True), (True, True)])
def test_a_parameter_that_each_tape_has_is_missing_in_no_panel(orders, splits):
    graph = compare(
        [(f"{k}", _two_parameters(o, s)) for k, o, s in zip("ab", orders, splits, strict=True)]
    )
    written = []
    for panel in panels(graph).values():
        boxes = {name: a for name, (*_, a) in panel.items() if "parameter" in a["class"].split()}
        written.append({name: sorted(text_of(a["label"]).split(", ")) for name, a in boxes.items()})
        assert sorted(chain.from_iterable(written[-1].values())) == ["V", "W"]
    assert written[0] == written[1]


def test_the_copies_of_a_window_have_room_beside_the_whole_network():
    b = book_rnn(6)
    graph = compare([("full", b), ("window", tf.truncate(b, window=3))])
    nodes, _ = read_back(graph)
    assert text_of(nodes["1/h_3"]["label"]) == "h3"
    assert text_of(nodes["2/h_3"]["label"]) == "h3\n3 copies"
    assert overlaps(scene_of(graph)) == []


def test_long_tapes_fold_alike():
    b = book_rnn(60)
    graph = compare([("full", b), ("every 20", tf.truncate(b, every=20))])
    for panel in panels(graph).values():
        assert {"h_1", "h_21", "h_41", "h_60"} <= set(panel)
    assert picture(graph) is not None


@pytest.mark.parametrize("wrong", [[], [("a", 3)], [(3, book_rnn())]])
def test_anything_else_is_refused(wrong):
    with pytest.raises(ArgumentError, match="expected"):
        compare(wrong)


def test_a_cut_rewires_one_input_and_adds_one_edge():
    b = book_rnn(4)
    found = diff(b, tf.truncate(b, every=2))
    assert found.added == (("h_2", "detach@3", 0),)
    assert found.removed == ()
    assert found.rewired == (("matmul@3#2", 1, "h_2", "detach@3"),)
    assert str(found) == "+ h_2 -> detach@3[0]\n~ matmul@3#2[1]: h_2 -> detach@3"
    assert picture(found.picture) is not None


def test_the_other_way_round_it_is_removed():
    b = book_rnn(4)
    found = diff(tf.truncate(b, every=2), b)
    assert (found.added, found.removed) == ((), (("h_2", "detach@3", 0),))
    assert found.rewired == (("matmul@3#2", 1, "detach@3", "h_2"),)


@pytest.mark.parametrize("name", sorted(TAPES))
def test_a_tape_does_not_differ_from_itself(name):
    tape = TAPES[name]()
    assert not diff(tape, tape)
    assert str(diff(tape, tape)) == "no difference"


def test_the_edges_of_one_tape_with_the_diff_are_those_of_the_other():
    a, b = book_rnn(6), tf.truncate(book_rnn(6), every=2)
    found = diff(a, b)
    edges = {(a.names[e.source], a.names[e.target], e.slot) for e in a.edges()}
    edges |= set(found.added)
    for target, slot, old, new in found.rewired:
        edges = edges - {(old, target, slot)} | {(new, target, slot)}
    assert edges - set(found.removed) == {
        (b.names[e.source], b.names[e.target], e.slot) for e in b.edges()
    }


def test_only_tapes_have_a_diff():
    with pytest.raises(ArgumentError, match="expected two Tapes"):
        diff(book_rnn(), 3)


def test_the_public_names():
    assert {"compare", "diff", "draw", "plots", "render", "strategies", "svg", "unrolled"} <= set(
        viz.__all__
    )


@pytest.mark.parametrize("name", ["mlp", "bidirectional"])
def test_backward_passes_are_compared_rule_by_rule(name):
    tape = NETWORKS[name]()
    backward = tf.differentiate(tape)
    sides = [("plain", tape), ("full", backward), ("clipped", tf.clip(backward, 1.0))]
    graph = compare(sides)
    scene = scene_of(graph)
    assert not overlaps(scene)
    assert not crossings(scene)
    assert not overprints(scene)
    nodes, edges = read_back(graph)
    adjoints = {n.partition("/")[2] for n in nodes if n.startswith("2/dL/d")}
    assert adjoints
    assert adjoints == {n.partition("/")[2] for n in nodes if n.startswith("3/dL/d")}
    assert not any(n.startswith("1/dL/d") for n in nodes)
    clips = {n for n, a in nodes.items() if "clipped" in a.get("class", "").split()}
    assert clips == {"3/after 1"}
    assert "differs" in nodes["3/after 1"]["class"].split()
    # values stand at the same places in all panels, and no arrow leads from panel to panel
    assert all(tail[0] == head[0] for tail, head, _ in edges)


def test_the_operations_of_rules_are_compared_on_demand():
    backward = tf.differentiate(book_rnn(2))
    folded = compare([("a", backward), ("b", backward)])
    opened = compare([("a", backward), ("b", backward)], rules="open")
    assert len(read_back(opened)[0]) > len(read_back(folded)[0])
    assert folded.reopened(frozenset({RULES})).source == opened.source


def test_panels_that_do_not_fit_a_page_stand_below_the_others():
    tape = book_rnn(3)
    graph = compare([(name, tape) for name in "abcd"])
    at = {
        int(n.split()[1]): tuple(map(float, a["pos"].rstrip("!").split(",")))
        for n, a in read_back(graph)[0].items()
        if n.startswith("name ")
    }
    assert at[1][1] == at[2][1] > at[3][1] == at[4][1]
    assert at[1][0] == at[3][0] < at[2][0] == at[4][0]


@pytest.mark.parametrize("kind", ["state", "unreached", "recomputed"])
def test_what_is_special_is_marked_as_in_the_picture_of_the_tape_alone(kind):
    tape = tf.checkpoint(tf.truncate(book_rnn(4), window=2), every=2)
    dead = (mg.tensor(2.0, requires_grad=True, name="u") * 3).named("v")
    tape = mg.Tape.of(*tape.outputs, dead)
    alone = marked(viz.draw(tape, "variables"), kind)
    beside = marked(compare([("a", tape), ("b", tape)]), kind)
    assert beside == {f"{k}/{n}" for k in (1, 2) for n in alone}


def marked(graph, kind):
    return {n for n, a in read_back(graph)[0].items() if kind in a.get("class", "").split()}


def test_a_mapping_of_tapes_is_compared_like_its_pairs():
    rows = [("full", book_rnn(3)), ("cut", tf.truncate(book_rnn(3), every=1))]
    assert compare(dict(rows)).source == compare(rows).source


@pytest.mark.parametrize("wrong", [[book_rnn(2)], book_rnn(2), [("full", 3)], {"full": 3}, 3, "ab"])
def test_what_is_no_pair_is_refused(wrong):
    with pytest.raises(ArgumentError, match=r"expected \(name, Tape\)"):
        compare(wrong)


@pytest.mark.parametrize("options", [{"steps": "ab"}, {"collapse": True}])
def test_options_that_only_look_right_are_refused(options):
    with pytest.raises(ArgumentError, match=next(iter(options))):
        compare([("full", book_rnn(2))], **options)
