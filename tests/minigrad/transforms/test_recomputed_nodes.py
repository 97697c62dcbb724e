"""What a checkpoint dropped: recomputed once, behind gates, and seen by whoever reads it."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad.core import gates, recompute
from minigrad.errors import GradientError, StaleTapeError
from minigrad.ops.activations import sigmoid
from tests.laws import same
from tests.zoo import segmented_rnn

A = np.random.default_rng(0).normal(0, 0.7, (3, 3))


def test_a_differentiated_tape_recomputes_behind_one_gate_per_source_and_segment():
    _, loss = segmented_rnn()
    tape = tf.differentiate(tf.checkpoint(mg.Tape.of(loss), 3))
    again = dict.fromkeys(n for n in tape.nodes if n.recomputed and n.form is None)
    entered = {n for n in again if n.fn is gates.recompute}
    assert sorted((n.kwargs["steps"], n.inputs[0].name, n.time) for n in entered) == [
        ((1, 3), "W", 1),
        ((1, 3), "X", 1),
        ((1, 3), "h_0", 1),
        ((4, 6), "W", 4),
        ((4, 6), "X", 4),
        ((4, 6), "h_3", 4),
    ]
    assert all(x in again for n in again if n not in entered for x in n.inputs)
    assert [tape.names[n] for n in again if n.fn is np.tanh] == [
        "h_4'",
        "h_5'",
        "h_6'",
        "h_1'",
        "h_2'",
    ]
    assert len(set(tape.names.values())) == len(tape.nodes)
    assert {n for n in tape.nodes if n.form is None and n.fn is np.tanh} - set(again) == {
        tape["h_3"]
    }


def test_backward_reads_no_dropped_node_of_a_differentiated_tape():
    """So that whoever runs the tape forgets these values as soon as the forward pass is over them."""
    _, loss = segmented_rnn()
    tape = tf.checkpoint(mg.Tape.of(loss), 3)
    forward = set(tape.nodes)
    done = tf.differentiate(tape)
    assert not [
        n for n in done.nodes if n not in forward and any(x.form is not None for x in n.inputs)
    ]
    count = sum(n.recomputed for n in done.nodes)
    assert sum(n.recomputed for n in tf.simplify(done).nodes) == count, "simplify does not undo it"


def test_the_listing_says_what_is_recomputed():
    _, loss = segmented_rnn(T=2)
    lines = str(tf.checkpoint(mg.Tape.of(loss), 1)).splitlines()
    assert [line.split(":")[0] for line in lines if line.endswith("# recomputed")] == [
        "getitem@1",
        "matmul@1",
        "add@1",
        "multiply@1",
        "mean@1",
        "getitem@2",
        "matmul@2",
        "add@2",
        "h_2",
        "multiply@2",
    ]


def test_whoever_reads_a_dropped_value_sees_the_value():
    _, loss = segmented_rnn()
    plain = mg.Tape.of(loss)["h_2"]
    h = tf.checkpoint(mg.Tape.of(loss), 3)["h_2"]
    assert h.form is not None
    for look in (
        lambda h: h.data,
        lambda h: h.numpy(),
        lambda h: h * 2,
        lambda h: h[0],
        np.sum,
        lambda h: h.T,
        lambda h: h.detach(),
        lambda h: [h.item(1, 1)],
        lambda h: mg.tensor(h.detach()),
        lambda h: np.stack([h, h]),
        lambda h: mg.clip_grad(h, 1.0),
        lambda h: mg.cross_entropy(h, [0, 1]),
    ):
        a, b = look(h), look(plain)
        assert np.array_equal(getattr(a, "data", a), getattr(b, "data", b))


def test_no_placeholder_is_ever_an_array():
    _, loss = segmented_rnn()
    h = tf.checkpoint(mg.Tape.of(loss), 3)["h_2"]
    assert not isinstance(h.form, np.ndarray)
    assert not hasattr(h.form, "__array__")


def test_a_step_of_the_debugger_sees_the_values_and_the_formula():
    _, loss = segmented_rnn()
    tapes = mg.Tape.of(loss), tf.checkpoint(mg.Tape.of(loss), 2)
    for a, b in zip(*(t.steps() for t in tapes), strict=True):
        assert (a.name, a.formula) == (b.name, b.formula)
        same(*([c for c in s.contributions if c is not None] for s in (a, b)))
        np.testing.assert_array_equal(a.tensor.data, b.tensor.data)


def test_find_nonfinite_and_anomalies_look_at_dropped_values():
    W, loss = segmented_rnn()
    X = np.ones((6, 2, 3))
    X[1] = np.inf
    h, total = mg.tensor(np.zeros((2, 3))), 0.0
    for t in range(6):
        with mg.timestep(t), np.errstate(invalid="ignore"):
            h = (X[t] * 0 + h @ W).named(f"h_{t}")
            total = total + np.sum(np.tanh(h))
    tape = mg.Tape.of(total)
    plain, found = mg.find_nonfinite(tape), mg.find_nonfinite(tf.checkpoint(tape, 3))
    assert (found.node.serial, str(found)) == (plain.node.serial, str(plain))
    assert mg.find_nonfinite(tf.checkpoint(mg.Tape.of(loss), 3)) is None


def test_a_parameter_assigned_in_between_is_an_error_not_another_value():
    W, loss = segmented_rnn()
    tape = tf.checkpoint(mg.Tape.of(loss), 3)
    W.assign(W.data * 2)
    with pytest.raises(
        StaleTapeError, match=r"recompute 'matmul@1': 'W' was assigned a new value after"
    ):
        tape["h_2"].data
    with pytest.raises(StaleTapeError, match="'W' was assigned"):
        tape.backward()
    assert W.grad is None


def test_gradients_of_dropped_states():
    _, loss = segmented_rnn()
    plain, tape = mg.Tape.of(loss), tf.checkpoint(mg.Tape.of(loss), 3)
    for name in ("h_2", "h_3", "add@5"):
        same(mg.grad(tape.outputs[0], tape[name]), mg.grad(loss, plain[name]))


@pytest.mark.parametrize(
    "add", [lambda total, loss: total + loss, lambda total, loss: loss + total]
)
def test_backward_recomputes_each_value_once(add, monkeypatch):
    W, h, total = mg.tensor(A, requires_grad=True), mg.tensor(A), mg.tensor(0.0)
    for t in range(20):
        with mg.timestep(t):
            h = np.tanh(h @ W)
            loss = np.sum(h * h)
        total = add(total, loss)
    tape, calls, again = tf.checkpoint(mg.Tape.of(total), 5), [], recompute._computed
    monkeypatch.setattr(recompute, "_computed", lambda n, known: calls.append(n) or again(n, known))
    tape.backward()
    dropped = sum(n.form is not None for n in tape.nodes)
    assert len(calls) == len(set(calls)) == dropped
    done = tf.differentiate(tape)
    assert (
        sum(n.recomputed and n.form is None and n.fn is not gates.recompute for n in done.nodes)
        <= dropped
    )


def test_a_search_through_all_values_recomputes_each_once(monkeypatch):
    _, loss = segmented_rnn(30)
    tape, calls = tf.checkpoint(mg.Tape.of(loss), 10), []
    again = recompute._computed
    monkeypatch.setattr(recompute, "_computed", lambda n, known: calls.append(n) or again(n, known))
    assert mg.find_nonfinite(tape) is None
    dropped = sum(n.form is not None for n in tape.nodes)
    assert dropped <= len(calls) <= 2 * dropped, "in one backward pass, and in one forwards"


def test_two_passes_at_once_do_not_disturb_each_other():
    _, loss = segmented_rnn()
    tape, plain = tf.checkpoint(mg.Tape.of(loss), 2), [s.grad for s in mg.Tape.of(loss).steps()]
    for a, b, g in zip(tape.steps(), tape.steps(), plain, strict=True):
        next(tape.steps())
        same((a.grad, b.grad), (g, g))


def test_the_classic_guard_stays():
    _, loss = segmented_rnn(k=2)
    loss.backward()
    with pytest.raises(GradientError, match="an earlier backward"):
        loss.backward()


def lstm(W, x, h, c):
    z = x @ W + h
    c = sigmoid(z) * c + sigmoid(-z) * np.tanh(z)
    return sigmoid(z + c) * np.tanh(c), c


@pytest.mark.parametrize("layers_first", [False, True])
def test_two_lstm_layers_step_by_step_or_one_after_the_other(layers_first):
    Ws = [mg.tensor(A * s, requires_grad=True, name=f"W_{s}") for s in (1, 2)]
    below, states = {t: mg.tensor(A / t) for t in range(1, 8)}, [(mg.tensor(A), mg.tensor(A.T))] * 2
    order = [(t, i) for t in below for i in (0, 1)]
    for t, i in sorted(order, key=lambda at: at[1]) if layers_first else order:
        with mg.timestep(t):
            states[i] = lstm(Ws[i], below[t], *states[i])
            below[t] = states[i][0]
    loss = sum(mg.mse(h, np.zeros((3, 3))) for h in below.values())
    tape = tf.checkpoint(mg.Tape.of(loss), 3)
    same(mg.grad(tape.outputs[0], Ws), mg.grad(loss, Ws))
    same(tf.differentiate(tape, Ws).outputs, tf.differentiate(mg.Tape.of(loss), Ws).outputs)
    handed_on = sum(n.form is None and n.fn is not None for n in tape.nodes if n.time in (3, 6))
    assert handed_on == 2 * 2 * 2, "h and c of both layers at both boundaries"
