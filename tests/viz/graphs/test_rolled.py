import pytest

from minigrad import transforms as tf
from minigrad.viz import draw, style
from tests.viz.conftest import picture, read_back, text_of
from tests.zoo import TAPES, book_rnn, data_outside, encoder, gru, lstm, mlp, two_layers


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
        ("ot", "L", ""),
        ("yt", "L", ""),
    }


def recurrent(tape):
    return {e for e in network(tape)[1] if e[2]}


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
    assert red == ["t-1 ✂ at t = 4, 7, 10"]
    assert ("ht", "ht", "t-1 ‖g‖ ≤ 1.5") in recurrent(TAPES["clipped"]())
    assert ("ht", "ht", "t-1 look") in recurrent(TAPES["watched"]())
    assert ("ht", "ht", "t-1 ✂") in recurrent(tf.truncate(book_rnn(3), every=1))


def test_a_network_without_steps_is_itself():
    assert recurrent(mlp()) == set()
    assert "x" in network(mlp())[0]


def test_every_tape_rolls_up(tape):
    assert picture(draw(tape, "rolled")) is not None
    assert draw(tape, "rolled").source == draw(tape, "rolled").source
