import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tf
from minigrad.errors import ArgumentError, GradientError
from minigrad.viz import draw, plots, style
from minigrad.viz.graphs.norm_colors import Scale, number, scale
from tests.viz.conftest import picture, read_back, text_of
from tests.zoo import book_rnn, constant, gru, lstm, weight

LEVELS = ["ops", "variables", "rolled"]
positive = st.floats(1e-300, 1e300)


def looks(graph):
    return read_back(graph)[0]


@pytest.mark.parametrize("model", [book_rnn, gru, lstm])
def test_every_node_says_the_norm_of_its_adjoint(model):
    tape = model(4)
    nodes = looks(draw(tape, grads=True))
    for tensor, g, _ in tape.steps():
        rows = (
            text_of(nodes[tape.names[tensor]]["label"]).splitlines()
            if tape.names[tensor] in nodes
            else []
        )
        assert not rows or rows[-1] == number(float(np.linalg.norm(g)))


def has_norm(node):
    """Whether a number stands below the names; the shape is none."""
    return any(line[0].isdigit() for line in text_of(node["label"]).splitlines())


@pytest.mark.parametrize("level", ["ops", "variables"])
def test_what_was_never_asked_is_no_zero(level):
    a, b = weight("a", 2), weight("b", 2)
    behind = np.tanh(a).named("behind")
    tape = mg.Tape.of(np.sum(mg.detach(behind) * b * constant("c", 2) + 0 * b).named("L"))
    nodes = looks(draw(tape, level, grads=True))
    for name in ("a", "behind"):
        assert text_of(nodes[name]["label"]).splitlines()[0] == name
        assert not has_norm(nodes[name])
        assert nodes[name]["fillcolor"] == style.UNREACHED
        assert "no gradient reaches it" in nodes[name]["tooltip"]
    assert not has_norm(nodes["c"])
    assert text_of(nodes["b"]["label"]).splitlines()[-1][0].isdigit()


def test_a_zero_is_a_zero():
    w = weight("w", 2)
    tape = mg.Tape.of(np.sum(w * 0.0).named("L"))
    assert text_of(looks(draw(tape, grads=True))["w"]["label"]) == "w\n(2,)\n0"


@pytest.mark.parametrize("level", LEVELS)
def test_a_mapping_gives_norms_or_arrays_by_name_or_tensor(level):
    tape = book_rnn(3)
    given_ = {"h_2": 0.5, tape["o_1"]: np.array([3.0, 4.0]), "h_1": None}
    said = [text_of(a["label"]) for a in looks(draw(tape, level, grads=given_)).values()]
    for number_ in ("0.50", "5.0"):
        assert any(number_ in text for text in said)
    assert not any(text.startswith(("h1\n", "h_1\n")) and "·" in text for text in said)


@pytest.mark.parametrize("level", LEVELS)
def test_the_picture_has_a_legend(level):
    nodes = looks(draw(book_rnn(3), level, grads=True))
    assert text_of(nodes["scale"]["label"]).startswith("norm of the adjoint")
    assert picture(draw(book_rnn(3), level, grads=True)) is not None
    assert "scale" not in looks(draw(book_rnn(3), level))


@given(st.lists(positive, min_size=1, max_size=6), positive)
def test_a_larger_norm_is_never_paler(norms, norm):
    s = Scale({}, min(norms), max(norms))
    green = [int(s.colour(v)[3:5], 16) for v in sorted({*norms, min(max(norm, s.low), s.high)})]
    assert green == sorted(green, reverse=True)


@given(positive)
def test_a_number_is_short_and_right(value):
    text = number(value)
    plain = text.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")).replace("·10", "e")
    assert len(text) <= 10
    assert math.isclose(float(plain), value, rel_tol=0.06)


def test_broken_norms_stand_out():
    tape = book_rnn(2)
    nodes = looks(draw(tape, grads={"h_1": math.inf, "h_2": math.nan, "o_1": 1.0}))
    assert nodes["h_1"]["fillcolor"] == nodes["h_2"]["fillcolor"] != nodes["o_1"]["fillcolor"]
    assert "inf" in nodes["h_1"]["label"]


@pytest.mark.parametrize("wrong", [3, "h_2", [1.0]])
def test_anything_else_is_refused(wrong):
    with pytest.raises(ArgumentError, match="expected True, or a mapping"):
        draw(book_rnn(), grads=wrong)


def test_what_has_no_backward_says_so():
    with pytest.raises(GradientError, match="does not depend"):
        draw(mg.Tape.of(mg.tensor(2.0) * 2), grads=True)
    with pytest.raises(ArgumentError, match="no node is named"):
        draw(book_rnn(), grads={"nobody": 1.0})


def test_where_the_output_is_no_scalar_its_norms_are_passed_as_the_message_says():
    tape = mg.Tape.of((weight("w", 2) * 2).named("y"))
    with pytest.raises(GradientError, match=r"'y' is \(2,\).* in tape\.steps\(gradient\)\}"):
        draw(tape, grads=True)
    grads = {s.tensor: s.grad for s in tape.steps([3.0, 4.0])}
    nodes = looks(draw(tape, grads=grads))
    assert text_of(nodes["y"]["label"]).endswith("5.0")
    assert text_of(nodes["w"]["label"]).endswith("10")


def test_a_tied_weight_accumulates_in_one_sum_of_its_steps():
    tape = tf.differentiate(book_rnn(5))
    nodes, edges = read_back(draw(tape, collapse=None, rules="open"))
    for name in ("dL/dW_hh", "dL/dW_hx", "dL/dW_qh"):
        assert text_of(nodes[name]["label"]).splitlines()[1] == "Σ of 5"
        assert nodes[name]["shape"] == "oval"
        assert len([1 for _, head, _ in edges if head == name]) == 5
    assert {a["class"] for n, a in nodes.items() if n.startswith("dL")} == {"adjoint"}


def test_clipping_shows_the_norm_the_min_and_the_scaling():
    tape = tf.clip(tf.differentiate(book_rnn(3)), 0.1)
    nodes, edges = read_back(draw(tape, collapse=3, rules="open"))
    said = {text_of(a["label"]): n for n, a in nodes.items()}
    (norm,) = (n for text, n in said.items() if text.startswith("‖g‖ = "))
    (least,) = (n for text, n in said.items() if text.startswith("min(1, 0.1/‖g‖) = "))
    pairs = {(a, b) for a, b, _ in edges}
    for w in ("W_hx", "W_hh", "W_qh"):
        assert {
            (f"dL/d{w}", norm),
            (least, f"clipped_dL/d{w}"),
            (f"dL/d{w}", f"clipped_dL/d{w}"),
        } <= pairs
    assert (norm, least) in pairs


def test_the_scale_is_that_of_backward():
    tape = lstm(3)
    assert scale(tape, True).norms == {
        s.tensor: float(np.linalg.norm(s.grad)) for s in tape.steps()
    }
    assert scale(tape, None) is None


@pytest.mark.parametrize("window", [0, 1, 2, 4])
def test_the_copies_of_a_window_hold_parts_of_one_adjoint(window):
    tape = tf.truncate(lstm(6), window=window)
    colours = scale(tape, True)
    expected = plots.state_norms(tape)
    for t in range(1, 7):
        states = [n for n in tape.nodes if n.name in (f"h_{t}", f"c_{t}")]
        assert math.hypot(*colours.joined(states)) == pytest.approx(expected[t])
    shown, _ = read_back(draw(tape, "variables", grads=True, collapse=None))
    (h,) = colours.joined([n for n in tape.nodes if n.name == "h_3"])
    assert number(h) in text_of(shown["h_3"]["label"])
