"""Laws of checkpointing: less memory, and otherwise nothing that anybody could tell from the plain tape."""

import gc
import tracemalloc
from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tf
from minigrad.core import gates, recompute
from minigrad.errors import ArgumentError, GradientError, StaleTapeError
from minigrad.ops.activations import sigmoid

A = np.random.default_rng(0).normal(0, 0.7, (3, 3))
OPS = [
    lambda a, b: np.tanh(a @ b),
    lambda a, b: a @ b * 0.5,
    lambda a, b: (a + b) / 2,
    lambda a, b: a * sigmoid(b),
    lambda a, b: a.T,
    lambda a, b: a.reshape(9)[::-1].reshape(3, 3),
    lambda a, b: np.where(a > b, a, b * a),
    lambda a, b: np.concatenate([a, b])[1:4],
    lambda a, b: mg.detach(a) - b,
    lambda a, b: mg.clip_grad(a, 2.0) * b,
    lambda a, b: (a - np.max(a)) * a.dtype.type(0.5),
]
picks = st.tuples(
    st.integers(0, len(OPS) - 1), st.integers(0, 99), st.integers(0, 99), st.sampled_from("ssssu")
)
programs = st.lists(st.lists(picks, min_size=1, max_size=5), min_size=1, max_size=9)
sizes = st.one_of(st.integers(1, 5), st.just("auto"))


def run(program, midway=lambda t, outputs: outputs):
    """Any operations on any earlier values, most of them in a step; the loss reads some value of every step."""
    made = [mg.tensor(A * s, requires_grad=True, name=n) for n, s in (("W", 1.0), ("U", -0.5))]
    params, made = made, [*made, mg.tensor(A.T, name="x")]
    loss = mg.tensor(0.0)
    for t, picked in enumerate(program, 1):
        made = [*made[:3], *made[-3:]]
        for op, i, j, where in picked:
            with mg.timestep(t) if where == "s" else nullcontext():
                made.append(OPS[op](made[-1 - i % len(made)], made[-1 - j % len(made)]))
        with mg.timestep(t):
            loss = loss + np.sum(made[-1] * made[-1]) + np.sum(params[t % 2])
        *made[3:], loss = midway(t, (*made[3:], loss))
    return params, loss


def same(these, those):
    for a, b in zip(these, those, strict=True):
        np.testing.assert_array_equal(getattr(a, "data", a), getattr(b, "data", b))


# --- nothing changes -------------------------------------------------------------------------------------------------
@given(programs, sizes)
def test_values_and_gradients_are_the_same_to_the_last_bit(program, k):
    params, loss = run(program)
    tape, expected = mg.Tape.of(loss), mg.grad(loss, params)
    new = tf.checkpoint(tape, k)
    assert new.outputs[0].data is loss.data
    same(new.nodes, tape.nodes)
    assert list(new.names.values()) == list(tape.names.values())
    assert [(n.shape, n.dtype, n.ndim, n.size, n.time) for n in new.nodes] == [
        (n.shape, n.dtype, n.ndim, n.size, n.time) for n in tape.nodes
    ]
    same(mg.grad(new.outputs[0], params), expected)
    same(mg.grad(new.outputs[0], params, create_graph=True), expected)
    same(tf.differentiate(new, params).outputs, (loss, *expected))
    same([s.grad for s in new.steps()], [s.grad for s in tape.steps()])
    new.outputs[0].backward()
    same([np.zeros(p.shape) if p.grad is None else p.grad for p in params], expected)


@given(programs, sizes)
def test_twice_is_once(program, k):
    _, loss = run(program)
    new = tf.checkpoint(mg.Tape.of(loss), k)
    assert tf.checkpoint(new, k) is new
    assert tf.checkpoint(new, 1) is new


@given(programs, st.integers(1, 4))
def test_in_the_loop_is_the_same_as_after_it(program, k):
    params, loss = run(program)
    again, late = run(
        program, lambda t, its: tf.checkpoint(mg.Tape.of(*its), k).outputs if t % k == 0 else its
    )
    same(mg.grad(late, again), mg.grad(loss, params))
    tape = mg.Tape.of(late)
    done = tf.checkpoint(tape, k)
    same(mg.grad(done.outputs[0], again), mg.grad(loss, params))
    kept = {n for n in tape.nodes if n.segment is not None}
    assert kept <= set(done.nodes), "old segments stay as they are"


@given(programs, sizes)
def test_what_is_kept_is_what_a_segment_hands_on(program, k):
    """Against the definition: a value is dropped where every reader lies in its own segment."""
    _, loss = run(program)
    tape = mg.Tape.of(loss)
    stamps = sorted({t for n, t in tape.times.items() if n.fn is not None and t is not None})
    size = int(len(stamps) ** 0.5) if k == "auto" else k
    block = {
        n: None if n.fn is None or t is None else (t - stamps[0]) // size
        for n, t in tape.times.items()
    }
    readers = {n: [r for r in tape.nodes if n in set(r.inputs)] for n in tape.nodes}
    for n, copy in zip(tape.nodes, tf.checkpoint(tape, k).nodes, strict=True):
        inside = (
            block[n] is not None and n is not loss and all(block[r] == block[n] for r in readers[n])
        )
        assert (copy.form is not None) == inside


REWRITES = [
    partial(tf.truncate, every=2),
    partial(tf.truncate, window=1),
    partial(tf.truncate, every=2, window=2),
    lambda tape: tf.truncate_randomly(tape, 0.5, 3),
    lambda tape: tf.truncate_randomly(tape, 0.5, 3, reweight=False),
    lambda tape: tf.untie(tape, tape.parameters),
    lambda tape: tf.clip_edges(tape, tape.recurrent_edges(), 0.5),
    tf.simplify,
    lambda tape: tf.scale(tape, lambda e: e.source.name == "W", 0.5),
]


@pytest.mark.parametrize("rewrite", REWRITES)
@given(programs, st.integers(1, 4))
def test_it_commutes_with_the_other_transforms(rewrite, program, k):
    params, loss = run([*program, [(0, 0, 1, "s")], [(0, 0, 1, "s")]])
    plain = rewrite(mg.Tape.of(loss))
    for tape in (tf.checkpoint(plain, k), rewrite(tf.checkpoint(mg.Tape.of(loss), k))):
        assert any(n.form is not None for n in tape.nodes)
        same(mg.grad(tape.outputs[0], params), mg.grad(plain.outputs[0], params))
        done = tf.clip(tf.differentiate(tape, params), 1.0)
        same(done.outputs, tf.clip(tf.differentiate(plain, params), 1.0).outputs)
        np.testing.assert_allclose(done.replay()[0], done.outputs[0].data)


@given(programs, st.integers(1, 4))
def test_second_derivatives_are_the_same(program, k):
    params, loss = run(program)
    dots = []
    for out in (loss, tf.checkpoint(mg.Tape.of(loss), k).outputs[0]):
        first = mg.grad(out, params, create_graph=True)
        dots.append(
            mg.grad(sum(np.sum(g * g * p) for g, p in zip(first, params, strict=True)), params)
        )
    for a, b in zip(*dots, strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-9, atol=1e-9)


# --- the recomputed nodes --------------------------------------------------------------------------------------------
def rnn(T=6, k=None, B=2, H=3, X=None):
    rng = np.random.default_rng(1)
    W = mg.tensor(rng.normal(0, H**-0.5, (H, H)), requires_grad=True, name="W")
    h, loss = mg.tensor(np.zeros((B, H)), name="h_0"), mg.tensor(0.0)
    X = mg.tensor(rng.normal(size=(T, B, H)), name="X") if X is None else X
    for t in range(1, T + 1):
        with mg.timestep(t):
            h = np.tanh(X[t - 1] + h @ W).named(f"h_{t}")
            loss = loss + np.mean(h * h)
        if k and t % k == 0:
            h, loss = tf.checkpoint(mg.Tape.of(h, loss), k).outputs
    return W, loss.named("L")


def test_a_differentiated_tape_recomputes_behind_one_gate_per_source_and_segment():
    _, loss = rnn()
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
    _, loss = rnn()
    tape = tf.checkpoint(mg.Tape.of(loss), 3)
    forward = set(tape.nodes)
    done = tf.differentiate(tape)
    assert not [
        n for n in done.nodes if n not in forward and any(x.form is not None for x in n.inputs)
    ]
    count = sum(n.recomputed for n in done.nodes)
    assert sum(n.recomputed for n in tf.simplify(done).nodes) == count, "simplify does not undo it"


def test_the_listing_says_what_is_recomputed():
    _, loss = rnn(T=2)
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
    _, loss = rnn()
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
        repr,
        lambda h: [h.item(1, 1)],
        mg.tensor,
        lambda h: np.stack([h, h]),
        lambda h: mg.clip_grad(h, 1.0),
        lambda h: f"{h}",
        lambda h: mg.cross_entropy(h, [0, 1]),
    ):
        a, b = look(h), look(plain)
        assert (
            a == b
            if isinstance(a, str)
            else np.array_equal(getattr(a, "data", a), getattr(b, "data", b))
        )


def test_no_placeholder_is_ever_an_array():
    _, loss = rnn()
    h = tf.checkpoint(mg.Tape.of(loss), 3)["h_2"]
    assert not isinstance(h.form, np.ndarray)
    assert not hasattr(h.form, "__array__")


def test_a_step_of_the_debugger_sees_the_values_and_the_formula():
    _, loss = rnn()
    tapes = mg.Tape.of(loss), tf.checkpoint(mg.Tape.of(loss), 2)
    for a, b in zip(*(t.steps() for t in tapes), strict=True):
        assert (a.name, a.formula) == (b.name, b.formula)
        same(*([c for c in s.contributions if c is not None] for s in (a, b)))
        np.testing.assert_array_equal(a.tensor.data, b.tensor.data)


def test_find_nonfinite_and_anomalies_look_at_dropped_values():
    W, loss = rnn()
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
    W, loss = rnn()
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
    _, loss = rnn()
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
    _, loss = rnn(30)
    tape, calls = tf.checkpoint(mg.Tape.of(loss), 10), []
    again = recompute._computed
    monkeypatch.setattr(recompute, "_computed", lambda n, known: calls.append(n) or again(n, known))
    assert mg.find_nonfinite(tape) is None
    dropped = sum(n.form is not None for n in tape.nodes)
    assert dropped <= len(calls) <= 2 * dropped, "in one backward pass, and in one forwards"


def test_two_passes_at_once_do_not_disturb_each_other():
    _, loss = rnn()
    tape, plain = tf.checkpoint(mg.Tape.of(loss), 2), [s.grad for s in mg.Tape.of(loss).steps()]
    for a, b, g in zip(tape.steps(), tape.steps(), plain, strict=True):
        next(tape.steps())
        same((a.grad, b.grad), (g, g))


def test_the_classic_guard_stays():
    _, loss = rnn(k=2)
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


# --- memory ----------------------------------------------------------------------------------------------------------
def peak(call):
    """The most bytes that were allocated at any time during the call, beyond those before it."""
    gc.collect()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_memory_of_a_pass_is_at_most_12_per_cent():
    """Forward and backward, 1,024 steps in segments of 32; tests/benchmarks/checkpoint.py has the full size."""
    X = mg.tensor(np.random.default_rng(2).normal(size=(1024, 32, 64)), name="X")
    plain, checkpointed = [
        peak(lambda k=k: rnn(1024, k, B=32, H=64, X=X)[1].backward()) for k in (None, 32)
    ]
    assert checkpointed < 0.12 * plain


def test_a_dropped_tape_leaves_no_garbage():
    """Without cycles: what a training loop drops is freed at once, not when Python next looks for garbage."""
    X = mg.tensor(np.zeros((64, 2, 3)), name="X")
    rnn(64, 8, X=X)[1].backward()
    gc.collect()
    gc.disable()
    try:
        W, loss = rnn(64, 8, X=X)
        loss.backward()
        mg.grad(loss, [W])
        del W, loss
        assert gc.collect() == 0
    finally:
        gc.enable()


# --- misuse ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("every", [0, -1, 1.5, "often", None])
def test_a_bad_length_is_refused(every):
    with pytest.raises(
        ArgumentError, match=r"checkpoint: every: .*; expected a whole number from 1, or \"auto\""
    ):
        tf.checkpoint(mg.Tape.of(rnn()[1]), every)


def test_without_steps_there_is_nothing_to_recompute_which_is_a_mistake():
    x = mg.tensor(1.0, requires_grad=True)
    with pytest.raises(ArgumentError, match="checkpoint: the tape has no time steps"):
        tf.checkpoint(mg.Tape.of(np.tanh(x) * x), 2)
    with pytest.raises(GradientError, match="holds its gradients already"):
        tf.checkpoint(tf.differentiate(mg.Tape.of(rnn()[1])), 2)
