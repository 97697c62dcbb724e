import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import transforms as tf
from minigrad.errors import ArgumentError
from minigrad.models.networks import NETWORKS
from minigrad.viz import draw, style
from tests.viz.conftest import picture, read_back, text_of
from tests.viz.geometry import crossings, overlaps, overprints, scene_of, size
from tests.zoo import (
    TAPES,
    TRUNCATIONS,
    book_rnn,
    data_outside,
    encoder,
    gru,
    lstm,
    mlp,
    nets,
    two_layers,
)

PAGE_POINTS = 700


def network(tape):
    """The labels of the folded network, and its edges as (tail, head, what is written on it)."""
    nodes, edges = read_back(draw(tape, "rolled"))
    said = {n: text_of(a["label"]) for n, a in nodes.items()}
    return set(said.values()), {
        (said[a], said[b], text_of(e.get("label") or "")) for a, b, e in edges
    }


def test_the_books_rnn_has_one_node_per_role_and_one_recurrent_edge():
    nodes, edges = network(book_rnn(5))
    assert nodes == {"Whx, Whh", "Wqh", "xt", "ht", "ot", "yt", "L"}
    assert edges == {
        ("xt", "ht", ""),
        ("Whx, Whh", "ht", ""),
        ("ht", "ht", "t-1"),
        ("ht", "ot", ""),
        ("Wqh", "ot", ""),
        ("ot", "L", "all t"),
        ("yt", "L", "all t"),
    }


def recurrent(tape):
    return {e for e in network(tape)[1] if e[2].startswith("t")}


def test_an_lstm_has_two_states_and_layers_have_their_own():
    assert recurrent(lstm(5)) == {
        ("ct", "ct", "t-1"),
        ("ht", "", "t-1"),
    }  # all gates read h through one circle
    assert recurrent(two_layers(4)) == {("h1t", "h1t", "t-1"), ("h2t", "h2t", "t-1")}
    assert ("h1t", "h2t", "") in network(two_layers(4))[1]


@pytest.mark.parametrize("model", [book_rnn, gru, lstm, two_layers])
@pytest.mark.parametrize("steps", [3, 4, 30])
def test_the_rolled_network_does_not_depend_on_the_number_of_steps(model, steps):
    assert network(model(steps)) == network(model(5))


def test_a_computed_or_learned_initial_state_stays():
    assert ("h0", "ht", "at t = 1") in network(data_outside(4))[1]
    assert ("h0", "ht", "at t = 1") in network(encoder(4))[1]
    assert not {"h0"} & network(book_rnn(4))[0]


def test_what_is_read_of_the_last_step_only_says_so():
    assert ("ht", "L", "at t = 3") in network(encoder(3))[1]


def test_gates_are_on_the_folded_edges():
    _, edges = read_back(draw(tf.truncate(book_rnn(12), every=3), "rolled"))
    red = [text_of(a["label"]) for _, _, a in edges if a.get("color") == style.CUT]
    # what is written beside the outer of two loops is said of both
    assert red == ["t-1\nt-1 ✂\nat t = 4, 7, 10"]
    assert ("ht", "ht", "t-1 ‖g‖ ≤ 1.5") in recurrent(TAPES["clipped"]())
    assert ("ht", "ht", "t-1 look") in recurrent(TAPES["watched"]())
    assert ("ht", "ht", "t-1 ✂") in recurrent(tf.truncate(book_rnn(3), every=1))


def test_attention_over_the_past_is_one_edge():
    _, edges = network(NETWORKS["self_attending"]())
    assert {e for e in edges if e[:2] == ("ht", "ct")} == {("ht", "ct", "all t")}
    assert ("ct", "ht", "") in edges
    _, edges = network(NETWORKS["encoder_decoder"]())
    assert {("het", "M", "all t"), ("M", "at", ""), ("M", "ct", "")} <= edges
    assert ("het", "st", "t-1\nat t = 5") in edges


def test_attention_that_is_cut_says_how_far_it_goes():
    tape = tf.truncate(NETWORKS["self_attending"](), every=2, state="h")
    to_c = {e[2] for e in network(tape)[1] if e[:2] == ("ht", "ct")}
    assert to_c == {"t-1", "t-1 … t-4 ✂\nat t = 3, 4, 5"}


def test_what_each_step_does_is_one_circle():
    for name in ("self_attending", "hierarchical", "bidirectional"):
        nodes, _ = read_back(draw(NETWORKS[name](), "rolled"))
        assert [a["label"] for a in nodes.values()].count("") == 1


@pytest.mark.parametrize("window", [1, 2, 4])
def test_a_window_says_how_many_copies_it_has_and_where_it_ends(window):
    nodes, edges = network(tf.truncate(book_rnn(9), window=window))
    state = f"ht\n{window + 1} copies"
    assert nodes == {"Whx, Whh", "Wqh", "xt", state, "ot", "yt", "L"}
    steps = "steps" if window > 1 else "step"
    # what is written beside the outer of two loops is said of both
    assert (state, state, f"t-1\nt-1 ✂\nafter {window} {steps}") in edges
    assert (state, state, "") in edges


@settings(max_examples=10)
@given(nets, st.integers(0, 3))
def test_a_window_has_the_nodes_of_the_whole_network(net, window):
    """At both levels: copies are drawn as what they are copies of."""
    tape, _ = net.tape()
    if net.T > 1:
        for level in ("variables", "rolled"):
            named = {style.plain(name) for name in drawn_names(tape, level)}
            windowed = tf.truncate(tape, window=window)
            assert {style.plain(name) for name in drawn_names(windowed, level)} == named


def drawn_names(tape, level):
    """The names of what is drawn, and its copies: those of the tape without the copies' counts."""
    ((_, members, _),) = draw(tape, level).shown
    named = [{n.name or n.op for n in tensors} for tensors in members.values()]
    return {" ".join(sorted(names)) for names in named}


def test_a_window_does_not_depend_on_the_number_of_steps():
    short, long = (network(tf.truncate(lstm(T), window=2)) for T in (9, 14))
    assert short[0] == long[0]


def test_the_factor_of_randomized_truncation_is_called_after_the_step():
    tape = tf.truncate_randomly(book_rnn(8), 0.5, 3)
    assert ("ht", "ht", "t-1 ξt = 2\nt-1 ✂ ξt = 0\nat t = 4, 5") in network(tape)[1]
    pi = {t: 0.9 - 0.1 * (t % 3) for t in range(2, 9)}
    (said,) = {e[2] for e in network(tf.truncate_randomly(book_rnn(8), pi, 0))[1] if "ξ" in e[2]}
    assert said.startswith("t-1 ξt\n")


def test_adjoints_are_painted_as_adjoints():
    nodes, _ = read_back(draw(tf.differentiate(book_rnn(4)), "rolled"))
    painted = {text_of(a["label"]) for a in nodes.values() if a["fillcolor"] == style.ADJOINT}
    assert {"∂L/∂ht", "∂L/∂ot", "∂L/∂L = 1"} <= painted
    assert not {"ht", "ot", "xt"} & painted


def test_a_network_without_steps_is_itself():
    assert recurrent(mlp()) == set()
    assert "t = 0" not in draw(mlp(), "rolled").source
    assert "x" in network(mlp())[0]


def test_every_tape_rolls_up(tape):
    assert picture(draw(tape, "rolled")) is not None
    assert draw(tape, "rolled").source == draw(tape, "rolled").source


def faults(tape):
    scene = scene_of(draw(tape, "rolled"))
    return overlaps(scene) + crossings(scene) + overprints(scene), size(scene)[0]


STATES = {"encoder_decoder": ["he", "s"], "self_attending": "h"}


@pytest.mark.parametrize("name", ["bidirectional", "encoder_decoder", "hierarchical"])
@pytest.mark.parametrize("lengths", [{"every": 2}, {"window": 1}, {"every": 3, "window": 2}])
def test_a_truncated_network_fits_on_a_page_and_nothing_lies_on_another(name, lengths):
    tape = tf.truncate(NETWORKS[name](), state=STATES.get(name), **lengths)
    wrong, width = faults(tape)
    assert wrong == []
    assert width <= PAGE_POINTS


@settings(max_examples=12)
@given(nets, st.sampled_from(sorted(TRUNCATIONS)))
def test_nothing_lies_on_another_in_any_recurrent_network(net, kind):
    tape, _ = net.tape()
    if net.T > 1:
        tape = TRUNCATIONS[kind](tape)
    assert faults(tape)[0] == []


@pytest.mark.parametrize(
    "fold", [{"steps": range(1, 2)}, {"collapse": 4}, {"collapse": None}, {"collapse": 0}]
)
def test_a_fold_of_what_stands_for_all_steps_is_refused(fold):
    ((option, value),) = fold.items()
    said = re.escape(f"draw: {option} of 'rolled': {value}; expected 'ops' or 'variables'")
    with pytest.raises(ArgumentError, match=said):
        draw(book_rnn(3), "rolled", **fold)
