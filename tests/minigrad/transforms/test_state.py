"""What is state: proven or named, never guessed; against loops whose states are detached by hand."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tf
from minigrad.errors import ArgumentError
from tests.laws import close, same
from tests.minigrad.transforms.gradients import grads, values
from tests.zoo.leaves import param

B, H = 2, 3


# --- loops that collect, in every way there is ----------------------------------------------------
def _at(t, T):
    return (np.arange(T) == t - 1)[:, None, None]


# (what was collected, or None; h; step; number of steps) -> what is collected now
JOINED = {
    "concatenate": lambda o, h, t, T: h[None] if o is None else np.concatenate([o, h[None]]),
    "append": lambda o, h, t, T: h[None] if o is None else np.append(o, h[None], axis=0),
    "vstack": lambda o, h, t, T: h if o is None else np.vstack([o, h]),
    "in front": lambda o, h, t, T: h if o is None else np.concatenate([h, o]),
    "where": lambda o, h, t, T: np.where(_at(t, T), h, np.zeros((T, B, H)) if o is None else o),
    "last valid": lambda o, h, t, T: h if o is None else np.where([[t < T], [t < 3]], h, o),
    "maximum": lambda o, h, t, T: h if o is None else np.maximum(o, h),
    "max": lambda o, h, t, T: h if o is None else np.max(np.stack([o, h]), axis=0),
    "minimum": lambda o, h, t, T: h * 2 if o is None else np.minimum(h * 2, o),
    "the last two": lambda o, h, t, T: np.concatenate([h, h] if o is None else [o[B:], h]),
}
ADDED = {
    "sum": lambda o, h, t, T: np.sum(h * h) + (0 if o is None else o),
    "discounted": lambda o, h, t, T: np.sum(h * h) + (0 if o is None else 0.9 * o),
    "of rows": lambda o, h, t, T: np.sum(h * h, axis=1) / T + (np.zeros(B) if o is None else o),
    "masked": lambda o, h, t, T: np.where(
        [True, t > 1, False],
        np.sum(h**2) + (0 if o is None else o),
        np.zeros(3) if o is None else o,
    ),
}
GROWN = {
    "product": lambda o, h, t, T: mg.sigmoid(h) * (1 if o is None else o),
    "logaddexp": lambda o, h, t, T: h * 2 if o is None else np.logaddexp(o, h * 2),
    "gated": lambda o, h, t, T: h * 2 if o is None else mg.sigmoid(h) * o + h,
}
COLLECTORS = {**JOINED, **ADDED, **GROWN}


@dataclass(frozen=True)
class Loop:
    """A recurrent network that collects what its state was in some way, and its gradients by hand."""

    collect: str
    T: int = 5
    states: int = 1
    bent: bool = True  # the end is not linear in what was collected
    connected: bool = False  # the state passes an unstamped operation between two steps
    read_inside: bool = False  # the end lies inside the last step
    listed: bool = False  # collected after the loop, from a list

    def run(self, enter=lambda t, x: x, enter_collected=lambda t, x: x):
        rng = np.random.default_rng(self.T)
        X = rng.normal(size=(self.T, B, H))
        W = [param(rng.normal(size=(H, H)) * 0.6, f"W{k}") for k in range(self.states)]
        h, collected = [np.ones((B, H)) * 0.1 * (k + 1) for k in range(self.states)], None
        outputs = []
        for t in range(1, self.T + 1):
            with mg.timestep(t):
                below = X[t - 1]
                before = [enter(t, x) for x in h]
                for k in range(self.states):
                    below = np.tanh(below + before[k] @ W[k] + before[k - 1] * 0.3)
                    h[k] = below
                outputs.append(below)
                if not self.listed:
                    collected = enter_collected(t, collected) if t > 1 else None
                    collected = COLLECTORS[self.collect](collected, below, t, self.T)
            if self.connected:
                h = [x * 1.5 for x in h]
            for k in range(self.states):
                h[k].named(f"h{k}_{t}")
            if collected is not None and collected is not below:
                collected.named(f"c_{t}")
        if self.listed:
            for t, output in enumerate(outputs, 1):
                collected = COLLECTORS[self.collect](collected, output, t, self.T)
        with mg.timestep(self.T) if self.read_inside else nullcontext():
            loss = np.mean(collected**2) if self.bent else np.mean(collected) * 2
        return loss, W

    def by_hand(self, cuts, collected_too=False):
        def enter(t, x):
            return mg.detach(x) if t in cuts else x

        loss, W = self.run(enter, enter if collected_too else lambda t, x: x)
        return values(mg.grad(loss, W))

    @property
    def names(self):
        return [f"h{k}" for k in range(self.states)]


shapes = {"T": st.integers(3, 7), "states": st.integers(1, 3), "connected": st.booleans()}
collecting = st.one_of(
    st.builds(Loop, st.sampled_from(list(JOINED)), **shapes, read_inside=st.booleans()),
    st.builds(Loop, st.sampled_from(list(ADDED)), **shapes, bent=st.just(False)),
)
doubtful = st.one_of(
    st.builds(Loop, st.sampled_from(list(ADDED)), **shapes, read_inside=st.booleans()),
    st.builds(Loop, st.sampled_from(list(GROWN)), **shapes, bent=st.booleans()),
)


@given(collecting, st.integers(1, 4))
def test_what_is_only_collected_is_never_cut(loop, k):
    loss, W = loop.run()
    tape = mg.Tape.of(loss)
    cut = grads(tf.truncate(tape, every=k), W)
    close(cut, loop.by_hand(range(1 + k, loop.T + 1, k)), atol=1e-12)
    same(grads(tf.truncate(tape, every=k, state=loop.names), W), cut)


@given(collecting, st.integers(1, 3), st.integers(0, 4))
def test_collecting_in_the_steps_is_collecting_in_a_list(loop, k, w):
    loss, W = loop.run()
    listed, V = replace(loop, listed=True, read_inside=False).run()
    for truncation in (
        partial(tf.truncate, window=w),
        partial(tf.truncate, every=k, window=w),
        partial(tf.truncate_randomly, keep=0.5, rng=w),
    ):
        inside, outside = truncation(mg.Tape.of(loss)), truncation(mg.Tape.of(listed))
        close(grads(inside, W), grads(outside, V), atol=1e-12)


@given(doubtful, st.integers(1, 2))
def test_what_is_refused_has_two_readings_and_a_name_tells_which(loop, k):
    loss, W = loop.run()
    tape = mg.Tape.of(loss)
    for ask in (partial(tf.truncate, every=k), partial(tf.truncate_randomly, keep=0.5, rng=0)):
        with pytest.raises(ArgumentError, match=r"'c' is handed on .* state=\['h0'.*'c'\]"):
            ask(tape)
    cuts = range(1 + k, loop.T + 1, k)
    as_loss, as_state = loop.by_hand(cuts), loop.by_hand(cuts, collected_too=True)
    assert np.abs(as_loss[-1] - as_state[-1]).max() > 1e-9
    close(grads(tf.truncate(tape, every=k, state=loop.names), W), as_loss, atol=1e-12)
    both = [*loop.names, "c"]
    close(grads(tf.truncate(tape, every=k, state=both), W), as_state, atol=1e-12)


# --- ways to name ---------------------------------------------------------------------------------
def test_a_state_is_named_by_name_tensor_or_predicate():
    loop = Loop("product", T=4)
    loss, W = loop.run()
    tape = mg.Tape.of(loss)
    expected = grads(tf.truncate(tape, every=1, state=["h0", "c"]), W)
    for state in (
        ("h0_t", "c_t"),
        [tape["h0_4"], tape["c_4"]],
        [tape["h0_2"], "c_3"],
        lambda n: n.name is not None and n.name[0] in "hc",
        ["h0", lambda n: n is not None and n.label.startswith("c_")],
    ):
        same(grads(tf.truncate(tape, every=1, state=state), W), expected)
    same(grads(tf.reweight(tape, dict.fromkeys([2, 3, 4], 0.0), state=["h0", "c"]), W), expected)
    edges = tape.recurrent_edges(state="c")
    assert [(e.source.name, e.target.name) for e in edges] == [
        ("c_1", "c_2"),
        ("c_2", "c_3"),
        ("c_3", "c_4"),
    ]
    once = tf.truncate(tape, every=2, state=["h0", "c"])
    assert tf.truncate(once, every=2, state=[tape["h0_2"], tape["c_2"]]) is once


@pytest.mark.parametrize("state", ["z", "h", lambda n: False, mg.tensor(1.0), ["h0", "z"]])
def test_a_name_that_nothing_has_lists_what_there_is(state):
    tape = mg.Tape.of(Loop("sum", T=3, bent=False).run()[0])
    with pytest.raises(ArgumentError, match=r"truncate: state: .*what is: 'h0', 'c'"):
        tf.truncate(tape, every=1, state=state)


def test_states_says_what_was_taken_for_state_and_why():
    states = mg.Tape.of(Loop("concatenate", T=4, states=2).run()[0]).states()
    assert [(s.name, s.steps, s.is_proven) for s in states] == [
        ("h0", (1, 2, 3), True),
        ("h1", (1, 2, 3), True),
    ]
    assert all("test_state.py:" in s.lines[0] and "computes with" in s.why for s in states)
    assert str(states[0]).startswith("State(h0, t=1..3, test_state.py:")
    doubts = mg.Tape.of(Loop("product", T=4).run()[0]).states()
    assert {s.name: s.is_proven for s in doubts} == {"h0": True, "c": False}


# --- what is a state by what computes with it -----------------------------------------------------
def _carried(update, enter, T=5, start=None):
    """The loss of a loop of c = update(c, x, w), read at the end alone."""
    w = param(np.full(3, 0.5), "w")
    c, X = (
        np.ones(3) * 0.1 if start is None else start,
        np.random.default_rng(0).normal(size=(T, 3)),
    )
    outs = []
    for t in range(1, T + 1):
        with mg.timestep(t):
            c = update(enter(t, c) if t > 1 else c, X[t - 1], w, outs)
    return np.mean(np.square(c)) + sum(outs), w


def _read_each_step(c, x, w, outs):
    c = c + np.tanh(x * w)
    outs.append(np.sum(c * w) ** 2)
    return c


PROVEN = {
    "through a function": lambda c, x, w, outs: np.tanh(c + x * w),
    "times a parameter": lambda c, x, w, outs: c * w + x,
    "times what is made of a parameter": lambda c, x, w, outs: mg.sigmoid(w) * c + x * w,
    "read in each step": _read_each_step,
    "mixed": lambda c, x, w, outs: np.sum(np.outer(c, w), axis=1) + np.sin(c - x) * w,
    "through a function of a maximum": lambda c, x, w, outs: np.tanh(np.maximum(c, x * w)),
    "through a function and beside it": lambda c, x, w, outs: c + np.tanh(c + x * w),
    "residual": lambda c, x, w, outs: c + np.tanh(c * w + x),
    "leaky": lambda c, x, w, outs: 0.9 * c + 0.1 * np.tanh(c * w + x),
    "padded": lambda c, x, w, outs: np.where([True, False, True], np.tanh(c * w + x), c),
    "gru": lambda c, x, w, outs: (z := mg.sigmoid(c * w)) * c + (1 - z) * np.tanh(x * w),
}


@pytest.mark.parametrize("update", PROVEN.values(), ids=list(PROVEN))
@pytest.mark.parametrize("T", [2, 5])
@pytest.mark.parametrize("k", [1, 2])
def test_what_the_steps_compute_with_is_a_state(update, T, k):
    loss, w = _carried(update, lambda t, c: c, T)
    by_hand, v = _carried(update, lambda t, c: mg.detach(c) if (t - 1) % k == 0 else c, T)
    close(grads(tf.truncate(mg.Tape.of(loss), every=k), [w]), values(mg.grad(by_hand, [v])))


def test_what_nothing_comes_into_is_a_state():
    h = param(np.ones(2), "h")
    for t in range(4):
        with mg.timestep(t):
            h = 0.5 * h
    assert len(mg.Tape.of(np.sum(h)).recurrent_edges()) == 3


# --- weights made in a step, and steps stamped twice ----------------------------------------------
def _normalized(first, enter=lambda t, h: h, T=4):
    V, h, W = param(np.random.default_rng(0).normal(size=(3, 3)), "V"), np.full(3, 0.3), None
    for t in range(1, T + 1):
        with mg.timestep(t):
            if W is None:
                W = first(V)
            h = np.tanh(enter(t, h) @ W + 0.1 * t)
    return np.sum(h), V


def test_a_weight_normalized_in_the_first_step_is_no_state():
    def first(V):
        return V / np.sqrt(np.sum(V * V))

    loss, V = _normalized(first)
    by_hand, U = _normalized(first, lambda t, h: mg.detach(h) if t > 1 and t % 2 else h)
    close(grads(tf.truncate(mg.Tape.of(loss), every=2), [V]), values(mg.grad(by_hand, [U])))
    for masked, T in (((lambda V: V * np.eye(3)), 4), (first, 2)):
        with pytest.raises(ArgumentError, match=r"'\w+@1' is computed in one step and read in"):
            tf.truncate(mg.Tape.of(_normalized(masked, T=T)[0]), every=1)


def _two_loops(again, T=3, attend=False):
    w = param(0.5, "w")
    h, hs = w * 1.0, []
    for t in range(1, T + 1):
        with mg.timestep(t):
            h = np.tanh(h * w)
        hs.append(h)
    H = np.stack(hs) if attend else 0.0
    for t in again:
        with mg.timestep(t):
            h = np.tanh(h * w + np.sum(H * w))
    return mg.Tape.of(h)


def test_steps_that_are_stamped_again_are_refused_where_they_read_later_ones():
    for again, attend in (([1, 2, 3], False), ([1, 2, 3], True), ([1, 2], False)):
        with pytest.raises(
            ArgumentError, match=r"truncate: step \d is stamped again: .*timestep\(T"
        ):
            tf.truncate(_two_loops(again, attend=attend), every=2)
    assert len(_two_loops([4, 5, 6]).recurrent_edges()) == 5
    # there and back again, as a bidirectional network
    assert len(_two_loops([3, 2, 1]).recurrent_edges()) == 4
