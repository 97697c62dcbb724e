"""Pictures of differentiated tapes: the backward pass mirrored, a box per rule, nothing at fault."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad.errors import ArgumentError
from minigrad.internal import passes_of
from minigrad.models.networks import NETWORKS
from minigrad.viz import draw, style
from minigrad.viz.graphs.backward.split import backward_of
from tests.viz.conftest import read_back, text_of, written_name
from tests.viz.geometry import crossings, overlaps, scene_of
from tests.zoo import book_rnn, weight

LEVELS = ["ops", "variables", "rolled"]
# The one of 35 steps is drawn once at each level.
SMALL = [name for name in NETWORKS if name != "language_model"]


def clipped(name):
    return tf.clip(tf.differentiate(NETWORKS[name]()), 1.0)


@pytest.mark.parametrize("name", SMALL)
def test_a_pass_knows_what_each_rule_made(name):
    tape = tf.differentiate(NETWORKS[name]())
    (made,) = passes_of(tape.nodes)
    forward = set(mg.Tape.of(tape.outputs[0]).nodes)
    own = [n for m in made for n in (*m.rule, *m.total)]
    recorded = {n for n in tape.nodes if n.fn and n not in forward}
    assert recorded <= set(own)
    assert len(own) == len(set(own))
    for m in made:
        assert m.node in forward
        for n in m.rule:
            # a rule is stamped as its node is, and reads nothing that came later
            assert (n.time, n.place) == (m.node.time, m.node.place)


@pytest.mark.parametrize("name", SMALL)
def test_what_has_an_adjoint_is_what_backward_goes_through(name):
    tape = NETWORKS[name]()
    seen = {step.tensor for step in tape.steps()}
    backward = backward_of(tf.differentiate(tape))
    assert backward.visited == seen == set(backward.made)


def test_adjoints_are_their_own_values():
    tape = tf.differentiate(book_rnn(4))
    expected = {s.tensor: s.grad for s in mg.Tape.of(tape.outputs[0]).steps()}
    backward = backward_of(tape)
    named = [n for n in backward.visited if n.name and backward.value(n) is not None]
    assert len(named) > 8
    for n in named:
        np.testing.assert_array_equal(backward.value(n).data, expected[n])


def test_the_notes_of_a_pass_go_with_its_tape():
    tape = tf.differentiate(book_rnn(3))
    assert passes_of(tape.nodes)
    kept = passes_of(tf.simplify(tf.clip(tape, 1.0)).nodes)
    assert len(kept) == 1


def test_one_box_per_rule_says_what_it_does():
    h, w = mg.tensor(np.ones(2), name="h_0"), weight("w", 2, 2)
    for t in (1, 2, 3):
        with mg.timestep(t):
            h = np.tanh(h @ w).named(f"h_{t}")
    nodes, _ = read_back(draw(tf.differentiate(mg.Tape.of(np.sum(h**2).named("L")))))
    said = {n: text_of(a["label"]).splitlines() for n, a in nodes.items()}
    assert said["dh_2"] == [written_name("∂L/∂h_2"), "tanh VJP", written_name("g ⊙ (1 - h_2²)")]
    assert nodes["dh_2"]["class"] == "adjoint rule"
    assert "made of" in nodes["dh_2"]["tooltip"]
    assert not {n for n, rows in said.items() if rows[0].startswith(("equal", "less", "where"))}


@pytest.mark.parametrize("level", ["ops", "variables"])
def test_an_adjoint_stands_in_the_column_of_its_value(level):
    nodes, edges = read_back(draw(tf.differentiate(book_rnn(4)), level, collapse=None))
    places = {n: tuple(map(float, a["pos"].rstrip("!").split(","))) for n, a in nodes.items()}
    prefix = "d" if level == "ops" else "dL/d"
    for t in range(1, 5):
        (x, y), (u, v) = places[f"h_{t}"], places[f"{prefix}h_{t}"]
        assert x == pytest.approx(u, abs=0.1)
        assert y < places["L"][1] < v or y < v
    back = {(a, b) for a, b, _ in edges}
    forward = {(a, b) for a, b in back if not a.startswith(prefix) and not b.startswith(prefix)}
    mirrored = {(prefix + b, prefix + a) for a, b in forward}
    assert {e for e in back - forward if e[0] != e[1]} <= mirrored


@pytest.mark.parametrize("level", ["variables", "rolled"])
def test_adjoints_say_of_what_they_are(level):
    nodes, _ = read_back(draw(tf.differentiate(book_rnn(3)), level))
    adjoints = {text_of(a["label"]) for a in nodes.values() if "adjoint" in a["class"].split()}
    t = "t" if level == "rolled" else "2"
    assert {f"∂L/∂h{t}", f"∂L/∂o{t}", "∂L/∂L = 1"} <= adjoints
    for a in nodes.values():
        assert ("adjoint" in a["class"].split()) == (a.get("fillcolor") == style.ADJOINT)
        assert "unreached" not in a["class"]


@pytest.mark.parametrize("level", LEVELS)
def test_clipping_is_one_box(level):
    tape = tf.clip_value(tf.clip(tf.differentiate(book_rnn(3)), 0.1), 0.05)
    nodes, _ = read_back(draw(tape, level))
    (box,) = (a for a in nodes.values() if "clipped" in a["class"].split())
    first, norm, elements = text_of(box["label"]).splitlines()
    assert first.startswith("clip ‖g‖ ≤ 0.1, of ")
    assert norm.startswith("‖g‖ = ")
    assert elements == "clip elements to [-0.05, 0.05]"


def test_a_clip_by_hand_is_one_box():
    tape = tf.differentiate(book_rnn(3))
    total = sum(np.sum(g * g) for g in tape.outputs[1:])
    factor = np.minimum(1.0, 0.5 / np.sqrt(total))
    by_hand = mg.Tape.of(tape.outputs[0], *(g * factor for g in tape.outputs[1:]), wrt=tape.wrt)
    nodes, _ = read_back(draw(by_hand))
    (box,) = (a for n, a in nodes.items() if n.startswith("after"))
    assert text_of(box["label"]).splitlines()[0].startswith("clip by the norm, of ")


OWN_FACTORS = {
    "by the norm": lambda norm: 1.0 / np.maximum(norm, 1.0),
    "by a number": lambda norm: norm / 3.0,
    "by a leaf": lambda norm: 1.0 / mg.tensor(2.0, name="s"),
}


@pytest.mark.parametrize("rules", ["folded", "open"])
@pytest.mark.parametrize("factor", OWN_FACTORS.values(), ids=OWN_FACTORS)
def test_what_is_called_clipped_need_not_be_made_by_clip(factor, rules):
    x = weight("x", 3)
    tape = tf.differentiate(mg.Tape.of(np.sum(x * x).named("L")))
    loss, gradient = tape.outputs
    norm = np.sqrt(np.sum(gradient * gradient))
    scaled = (gradient * factor(norm)).named("clipped g")
    graph = draw(mg.Tape.of(loss, scaled, wrt=tape.wrt), rules=rules)
    assert "min(1, " not in graph.source


def test_open_rules_show_every_operation_but_the_arithmetic_of_constants():
    w = weight("w", 3)
    tape = tf.differentiate(mg.Tape.of(np.sum((w - 1.0) ** 2).named("L")))
    nodes, _ = read_back(draw(tape, rules="open"))
    said = {text_of(a["label"]).splitlines()[0] for a in nodes.values()}
    assert not {text for text in said if text.startswith("equal")}
    assert any(text.startswith("less") for text in said)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("differentiated", [False, True])
def test_a_gradient_penalty_is_drawn_without_a_fault(level, differentiated):
    tape = NETWORKS["mlp"](2)
    loss = tape.outputs[0]
    slopes = mg.grad(loss, list(tape.parameters), create_graph=True)
    penalty = sum(np.sum(g**2) for g in slopes)
    tape = mg.Tape.of((loss + penalty).named("J"))
    if differentiated:
        tape = tf.differentiate(tape)
    scene = scene_of(draw(tape, level))
    assert overlaps(scene) == []
    assert crossings(scene) == []
    graph = draw(tape, level)
    assert any("adjoint" in a["class"].split() for a in read_back(graph)[0].values())


def test_a_cut_stops_the_gradient_in_the_mirror_too():
    tape = tf.differentiate(tf.truncate(book_rnn(4), every=2))
    nodes, _ = read_back(draw(tape, "variables"))
    cuts = [n for n, a in nodes.items() if a["class"] == "cut"]
    assert len(cuts) == 2


def test_rules_are_folded_or_open():
    with pytest.raises(ArgumentError, match="expected 'folded' or 'open'"):
        draw(book_rnn(), rules="shut")
