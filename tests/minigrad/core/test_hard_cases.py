"""Programs on which an engine like this goes wrong without a word: each once did, here or elsewhere."""

import copy
import pickle
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad.errors import (
    ArgumentError,
    GradientError,
    MinigradError,
    ShapeError,
    StaleTapeError,
    UnsupportedError,
)
from tests import children
from tests.zoo import param


def loop(w, step, cut=lambda h: h, T=4):
    """Sum over t of step's losses; step(h, t) -> (state, loss term, total so far and term -> total)."""
    h, total = mg.tensor(np.full(2, 0.5)), 0
    for t in range(1, T + 1):
        h = cut(h) if t > 1 else h
        h, total = step(w, h, t, total)
    return np.mean(total)


def after_the_step(w, h, t, total):
    with mg.timestep(t):
        h = np.tanh(h * w)
    h = h * 0.9  # between the steps, as dropout or a mask
    return h, total + h * h


def in_the_step(w, h, t, total):
    with mg.timestep(t):
        h = np.tanh(h * w)
        total = total + h * h  # one loss per example
    return h, total


def watched(w, h, t, total):
    with mg.timestep(t):
        h = np.tanh(h * w)
        total = mg.scale_grad(mg.on_backward(total + h * h, lambda g: None), 1.0)
    return h, total


@pytest.mark.parametrize("step", [after_the_step, in_the_step, watched])
def test_truncation_finds_the_state_and_leaves_the_running_loss(step):
    w = param(0.5, "w")
    (by_hand,) = mg.grad(loop(w, step, mg.detach), w)
    (truncated,) = mg.grad(tf.truncate(mg.Tape.of(loop(w, step)), every=1).outputs[0], w)
    (random,) = mg.grad(
        tf.truncate_randomly(mg.Tape.of(loop(w, step)), 1e-9, 0, reweight=False).outputs[0], w
    )
    np.testing.assert_allclose([truncated.item(), random.item()], by_hand.item(), rtol=1e-12)


def test_gates_everywhere_hide_nothing():
    w = param(0.5, "w")
    tape = mg.Tape.of(loop(w, in_the_step))
    gated = tf.truncate(tf.clip_edges(tape, lambda e: True, 1e9), every=1)
    (by_hand,) = mg.grad(loop(w, in_the_step, mg.detach), w)
    np.testing.assert_allclose(mg.grad(gated.outputs[0], w)[0].item(), by_hand.item(), rtol=1e-12)


def test_two_edges_of_one_source_keep_their_own_factors():
    x = param(2.0, "x")
    tape = tf.scale(
        mg.Tape.of(np.tanh(x) + np.sin(x)),
        lambda e: e.source is x,
        lambda e: float(e.target.op == "sin"),
    )
    assert mg.grad(tape.outputs[0], x)[0].item() == pytest.approx(np.cos(2), rel=1e-15)


def test_a_factor_is_asked_once_per_edge():
    x, asked = param(2.0, "x"), []
    tf.scale(
        mg.Tape.of(np.tanh(x) + np.sin(x)),
        lambda e: e.source is x,
        lambda e: asked.append(e) or len(asked),
    )
    assert [e.target.op for e in asked] == ["tanh", "sin"]


def test_simplify_merges_no_clips_and_nothing_across_steps():
    x = param(3.0, "x")
    tape = mg.Tape.of(mg.clip_grad(x, 1.0) * 5 + mg.clip_grad(x, 1.0) * 7)
    assert mg.grad(tf.simplify(tape).outputs[0], x)[0].item() == 2
    W, h = param(np.eye(2) * 0.5, "W"), mg.tensor(np.ones((1, 2)))
    for t in (1, 2, 3):
        with mg.timestep(t):
            h = np.tanh(h @ W.T + 1)
    tape = mg.Tape.of(np.sum(h))
    grads = [
        mg.grad(tf.truncate(k, every=1).outputs[0], W)[0].data for k in (tape, tf.simplify(tape))
    ]
    np.testing.assert_array_equal(*grads)


def test_edges_and_tensors_of_another_tape_are_refused():
    w = param(0.5, "w")
    tape = mg.Tape.of(loop(w, in_the_step))
    with pytest.raises(ArgumentError, match="of another tape"):
        tf.cut(tf.untie(tape, w), tape.recurrent_edges())
    h_1 = next(n for n in tape.nodes if n.op == "tanh")
    with pytest.raises(GradientError, match="'tanh@1' is not on this tape"):
        mg.grad(tf.untie(tape, w).outputs[0], h_1)


def test_a_gate_on_a_stale_leaf_is_stale_too():
    w, x = param(2.0, "w"), param(3.0, "x")
    tape = mg.Tape.of(w * x)
    w.assign(100.0)
    with pytest.raises(StaleTapeError, match="'w' was assigned a new value"):
        tf.cut(tape, lambda e: e.source is w)


def test_a_pickled_leaf_is_a_new_leaf_elsewhere(tmp_path):
    for _ in range(100):
        mg.tensor(0.0)  # serials run ahead of a fresh process's
    w = param([2.0])
    w.assign([3.0])
    (tmp_path / "w").write_bytes(pickle.dumps(w))
    load = "import pickle, sys, minigrad as mg; w = pickle.load(open(sys.argv[1], 'rb'))"
    script = f"{load}; print(mg.grad((w * w).sum(), w))"
    command = [sys.executable, "-c", script, tmp_path / "w"]
    out = children.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert out.stdout == "[tensor([6.])]\n"
    assert not copy.deepcopy(w).data.flags.writeable
    with pytest.raises(UnsupportedError, match="only leaves can be"):
        pickle.dumps(w * w)


@pytest.mark.parametrize("index", [((0, 0, 1),), ([0, 0, 1],), memoryview(np.array([0, 0, 1]))])
def test_repeated_indices_accumulate_however_they_are_spelled(index):
    x = param([1.0, 2.0], "x")
    np.testing.assert_array_equal(mg.grad(np.sum(x[index]), x)[0].data, [2, 1])


def test_no_gradient_passes_an_integer_cast():
    x = param([1.5, 2.5], "x")
    assert not (x.astype(int) * 2.5).requires_grad


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_infinite_threshold_clips_nothing(dtype):
    x = mg.tensor(np.array([3, 4]), requires_grad=True, dtype=dtype)
    tape = tf.differentiate(mg.Tape.of(np.sum(x * x)))
    for bound in (np.inf, 1e300):
        np.testing.assert_array_equal(tf.clip(tape, bound).outputs[1].data, [6, 8])


def test_leaves_do_not_move_the_segments_and_are_no_state():
    w, grads = param(0.5, "w"), []
    for stamp in (None, 10):
        if stamp is None:
            h = mg.tensor(0.5)
        else:
            with mg.timestep(stamp):
                h = mg.tensor(0.5)
        for t in range(11, 19):
            with mg.timestep(t):
                h = np.tanh(h * w)
        tape = mg.Tape.of(h)
        grads.append(mg.grad(tf.truncate(tape, every=4).outputs[0], w)[0].item())
        assert len(tape.recurrent_edges()) == 7
    assert grads[0] == grads[1]


def test_small_integer_stamps_do_not_overflow():
    w, grads = param(0.5, "w"), []
    for kind in (int, np.uint8):
        h = mg.tensor(0.5)
        for t in range(250, 256):
            with mg.timestep(kind(t)):
                h = np.tanh(h * w)
        grads.append(
            mg.grad(tf.truncate(mg.Tape.of(np.sum(h)), every=2, window=3).outputs[0], w)[0].item()
        )
    assert grads[0] == grads[1]


def test_a_bad_gradient_updates_nothing():
    a, b = param(np.ones(2), "a"), param(np.ones((2, 3)), "b")
    with pytest.raises(ShapeError, match=r"step: 'b' is \(2, 3\) and its gradient \(3,\)"):
        mg.optim.SGD([a, b], lr=1).step([np.ones(2), np.ones(3)])
    np.testing.assert_array_equal(a.data, 1)


# --- where NumPy and arithmetic are not what they seem ---------------------------------------------------------------
def test_the_slope_of_a_power_at_exponent_0():
    a, b = param(2.0), param(0.0)
    (g,) = mg.grad(a**b, a, create_graph=True)
    assert mg.grad(g, b)[0].item() == 0.5


@pytest.mark.parametrize("fn", [np.remainder, np.fmod])
def test_a_remainder_goes_back_by_the_quotient_that_numpy_took(fn):
    b = param(0.1)
    y = fn(param(1.0), b)
    assert mg.grad(y, b)[0].item() == -round((1.0 - y.item()) / 0.1) == -9


def test_the_mean_of_many_halves():
    x = param(np.ones(70_000, np.float16))
    np.testing.assert_allclose(
        mg.grad(np.mean(x), x, grad_output=1000.0)[0].data, 1000 / 70_000, rtol=1e-2
    )


def test_a_default_passed_on_is_a_default():
    x = param(np.ones((2, 2)))
    (g,) = mg.grad(np.sum(np.array([1.0, 10]) * np.sum(x, axis=1, keepdims=np._NoValue)), x)
    np.testing.assert_array_equal(g.data, [[1, 1], [10, 10]])


MASKED = [
    lambda x, m: x * m,
    lambda x, m: m * x,
    lambda x, m: np.ma.exp(x),
    lambda x, m: np.ma.getdata(x),
]


@pytest.mark.parametrize("fn", MASKED)
def test_masked_arrays_are_refused(fn):
    with pytest.raises(MinigradError):
        fn(param([1.0, 2.0]), np.ma.array([1.0, 2.0], mask=[True, False]))


SAME = [  # calls whose values once differed from NumPy's
    lambda x: np.average(x, axis=(1, 0), weights=np.arange(6.0).reshape(3, 2)),
    lambda x: np.median(x * [[1, np.nan, 1], [1, 1, 1]], axis=1),
    lambda x: np.prod(x * 0 + [1e300, 1e-300, 1e300], axis=1),
    lambda x: np.take(x, np.array([True, False, True])),
    lambda x: np.imag(x * np.inf),
    lambda x: np.append(x.astype(np.float32), 2),
    lambda x: np.gradient(x.astype(np.float32), [0.0, 1.0, 3.0], axis=1),
    lambda x: np.delete(x, np.argmax(x)),
    lambda x: np.copy(x > 0.5),
    lambda x: np.prod(np.round(x * 50).astype(np.int8)),
    lambda x: np.average([1.0, 2.0, 3.0], weights=x[0]),
    lambda x: np.diff([1, 2, 3], prepend=x[0, 0]),
    lambda x: x[:, : np.argmax(x[0])],
]


@pytest.mark.parametrize("call", SAME)
def test_the_value_is_numpys(call):
    x = np.array([[0.5, 0.25, 2.0], [1.5, 0.125, 0.75]])
    with np.errstate(all="ignore"):
        ours, numpys = call(param(x)), call(x)
    np.testing.assert_allclose(ours.data, numpys, rtol=1e-15)
    assert ours.dtype == numpys.dtype


REFUSED = [  # einsum would broadcast a 1
    lambda x: np.inner(x[:, :1], np.ones((2, 4))),
    lambda x: np.dot(x[:, :1], np.ones((2, 3, 4))),
    lambda x: np.tensordot(x[:, :1], np.ones((3, 4)), 1),
    lambda x: np.vdot(x[0, :1], np.ones(4)),
    lambda x: np.diff(x, -1),
    lambda x: np.gradient(x, edge_order=3),
    lambda x: np.vsplit(x[0], 1),
    lambda x: np.meshgrid(x[0], indexing="xx"),
    lambda x: np.average(x, weights=np.ones(6)),
    lambda x: x.astype(np.int8) + 300,
    lambda x: x * 10**400,
    lambda x: np.add(x, [[1], [1, 2]]),
    lambda x: x.assign("a"),
    lambda x: x.assign(np.array([1j])),
    lambda x: x.reshape(6, order="F"),
]


@pytest.mark.parametrize("call", REFUSED)
def test_what_numpy_refuses_is_refused(call):
    with pytest.raises(MinigradError):
        call(param(np.ones((2, 3))))


def test_bytes_in_the_other_order():
    x = param(np.array([1.0, 2.0]).astype(">f8"))
    np.testing.assert_array_equal(mg.grad(x[0] * 2, x)[0].data, [2, 0])


def test_a_wider_cotangent_is_cast():
    x = param(np.float32([1, 2]))
    for y in (x[[0, 0]], x * 2):
        (g,) = mg.grad(y, x, grad_output=mg.tensor([1.0, 2.0]), create_graph=True)
        assert g.dtype == np.float32


def test_integers_count():
    x = param([3.0, 1.0, 2.0])
    assert list(range(np.argmin(x))) == [0]
    assert ["a", "b", "c"][np.argmax(x)] == "a"
    assert 2.0 in x
    assert 5.0 not in x
