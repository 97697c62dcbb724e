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
from minigrad.core.time import steps_of, times_of
from minigrad.errors import ArgumentError, GradientError
from minigrad.ops.activations import sigmoid
from tests.laws import same
from tests.zoo import segmented_rnn

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


# --- nothing changes -------------------------------------------------------------------------------------------------
@given(programs, sizes)
def test_values_and_gradients_are_the_same_to_the_last_bit(program, k):
    params, loss = run(program)
    tape, expected = mg.Tape.of(loss), mg.grad(loss, params, allow_unused=True)
    new = tf.checkpoint(tape, k)
    assert new.outputs[0].data is loss.data
    same(new.nodes, tape.nodes)
    assert list(new.names.values()) == list(tape.names.values())
    assert [(n.shape, n.dtype, n.ndim, n.size, n.time) for n in new.nodes] == [
        (n.shape, n.dtype, n.ndim, n.size, n.time) for n in tape.nodes
    ]
    same(mg.grad(new.outputs[0], params, allow_unused=True), expected)
    same(mg.grad(new.outputs[0], params, create_graph=True, allow_unused=True), expected)
    same(tf.differentiate(new, params, allow_unused=True).outputs, (loss, *expected))
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
    same(mg.grad(late, again, allow_unused=True), mg.grad(loss, params, allow_unused=True))
    tape = mg.Tape.of(late)
    done = tf.checkpoint(tape, k)
    same(
        mg.grad(done.outputs[0], again, allow_unused=True), mg.grad(loss, params, allow_unused=True)
    )
    kept = {n for n in tape.nodes if n.segment is not None}
    assert kept <= set(done.nodes), "old segments stay as they are"


@given(programs, sizes)
def test_what_is_kept_is_what_a_segment_hands_on(program, k):
    """Against the definition: a value is dropped where every reader lies in its own segment."""
    _, loss = run(program)
    tape = mg.Tape.of(loss)
    # what is only collected in a step may be dropped too, but for a number
    stamped = times_of(tape.nodes)
    times = {n: t if n.size == 1 else stamped[n] for n, t in tape.times.items()}
    stamps = steps_of(times)
    size = int(len(stamps) ** 0.5) if k == "auto" else k
    block = {
        n: None if n.fn is None or t is None else (t - stamps[0]) // size for n, t in times.items()
    }
    readers = {n: [r for r in tape.nodes if n in set(r.inputs)] for n in tape.nodes}
    for n, copy in zip(tape.nodes, tf.checkpoint(tape, k).nodes, strict=True):
        inside = (
            block[n] is not None and n is not loss and all(block[r] == block[n] for r in readers[n])
        )
        assert (copy.form is not None) == inside


def everything(n):
    """Random programs do not say what is their state."""
    return True


REWRITES = [
    partial(tf.truncate, every=2, state=everything),
    partial(tf.truncate, window=1, state=everything),
    partial(tf.truncate, every=2, window=2, state=everything),
    partial(tf.truncate_randomly, keep=0.5, rng=3, state=everything),
    partial(tf.truncate_randomly, keep=0.5, rng=3, reweight=False, state=everything),
    lambda tape: tf.untie(tape, tape.parameters),
    lambda tape: tf.clip_edges(tape, tape.recurrent_edges(everything), 0.5),
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
        same(
            mg.grad(tape.outputs[0], params, allow_unused=True),
            mg.grad(plain.outputs[0], params, allow_unused=True),
        )
        done = tf.clip(tf.differentiate(tape, params), 1.0)
        same(done.outputs, tf.clip(tf.differentiate(plain, params), 1.0).outputs)
        np.testing.assert_allclose(done.replay()[0], done.outputs[0].data)


def is_linear_in_the_gradient(program):
    """Without clip_grad: a second pass clips what reaches a value and its recomputation apart."""
    return all("clip_grad" not in OPS[op].__code__.co_names for step in program for op, *_ in step)


@given(programs.filter(is_linear_in_the_gradient), st.integers(1, 4))
def test_second_derivatives_are_the_same(program, k):
    params, loss = run(program)
    dots = []
    for out in (loss, tf.checkpoint(mg.Tape.of(loss), k).outputs[0]):
        first = mg.grad(out, params, create_graph=True, allow_unused=True)
        dot = sum(np.sum(g * g * p) for g, p in zip(first, params, strict=True))
        dots.append(mg.grad(dot, params, allow_unused=True))
    for a, b in zip(*dots, strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-9, atol=1e-9)


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
    """Forward and backward, 1,024 steps in segments of 32; benchmarks/checkpoint.py has the full size."""
    X = mg.tensor(np.random.default_rng(2).normal(size=(1024, 32, 64)), name="X")
    plain, checkpointed = [
        peak(lambda k=k: segmented_rnn(1024, k, B=32, H=64, X=X)[1].backward()) for k in (None, 32)
    ]
    assert checkpointed < 0.12 * plain


def test_a_dropped_tape_leaves_no_garbage():
    """Without cycles: what a training loop drops is freed at once, not when Python next looks for garbage."""
    X = mg.tensor(np.zeros((64, 2, 3)), name="X")
    segmented_rnn(64, 8, X=X)[1].backward()
    gc.collect()
    gc.disable()
    try:
        W, loss = segmented_rnn(64, 8, X=X)
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
        tf.checkpoint(mg.Tape.of(segmented_rnn()[1]), every)


def test_without_steps_there_is_nothing_to_recompute_which_is_a_mistake():
    x = mg.tensor(1.0, requires_grad=True)
    with pytest.raises(ArgumentError, match="checkpoint: the tape has no time steps"):
        tf.checkpoint(mg.Tape.of(np.tanh(x) * x), 2)
    with pytest.raises(GradientError, match="holds its gradients already"):
        tf.checkpoint(tf.differentiate(mg.Tape.of(segmented_rnn()[1])), 2)
