"""The laws of plans in shards: what they share is there before any of them reads it."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tr
from minigrad.compiler.graph import Graph, Node
from minigrad.compiler.schedule import schedule as schedules
from minigrad.compiler.schedule.schedule import Schedule, Unit
from minigrad.compiler.schedule.shard_sections import AFTER, BEFORE, CrossingError, verify_sections
from tests.laws import close, in_shards, is_sharded, shared_by_shards
from tests.zoo import H

T, ROWS = 4, 6


def gradients(step):
    """Those of a recurrent model, whose next state is ``step(x, h, W, s, U, b)``; the parameters."""
    rng = np.random.default_rng(0)
    U, W = (mg.tensor(rng.normal(size=(H, H)) / H, requires_grad=True, name=name) for name in "UW")
    s = mg.tensor(0.9, requires_grad=True, name="s")
    b = mg.tensor(rng.normal(size=H), requires_grad=True, name="b")
    X = mg.tensor(rng.normal(size=(T, ROWS, H)), name="X")
    h, loss = mg.tensor(np.zeros((ROWS, H)), name="h0"), 0
    for t in range(T):
        with mg.timestep(t + 1):
            h = step(X[t], h, W, s, U, b)
        loss = loss + np.mean(h * h)
    tape = tr.differentiate(mg.Tape.of(loss))
    return tape, tape.parameters


def agree_in_a_training_loop(plans, tape, parameters, calls=5):
    """Each plan gives what replaying gives, while the parameters are assigned between two calls."""
    before = [p.data.copy() for p in parameters]
    for _ in range(calls):
        for plan in plans:
            close(plan(), tape.replay())
        for p in parameters:
            p.assign(p.data * 1.1)
    for p, value in zip(parameters, before, strict=True):
        p.assign(value)


MASK = np.random.default_rng(1).random((H, H)) < 0.5
STEPS = {
    "plain": lambda x, h, W, s, U, b: np.tanh(x @ U + h @ W),
    "masked weight": lambda x, h, W, s, U, b: np.tanh(x @ U + h @ (W * MASK)),
    "W * W": lambda x, h, W, s, U, b: np.tanh(x @ U + h @ (W * W)),
    "W * s": lambda x, h, W, s, U, b: np.tanh(x @ U + h @ (W * s)),
    "W / norm(W)": lambda x, h, W, s, U, b: np.tanh(x @ U + h @ (W / np.linalg.norm(W))),
    "tanh(W)": lambda x, h, W, s, U, b: np.tanh(x @ U + h @ np.tanh(W)),
    "W + W.T": lambda x, h, W, s, U, b: np.tanh(x @ U + h @ (W + W.T)),
    "antisymmetric": lambda x, h, W, s, U, b: h + 0.1 * np.tanh(x @ U + h @ (W - W.T)),
    "s * s": lambda x, h, W, s, U, b: np.tanh(x @ U + h @ W * (s * s)),
    "leak": lambda x, h, W, s, U, b: (
        (1 - mg.sigmoid(s)) * h + mg.sigmoid(s) * np.tanh(x @ U + h @ W)
    ),
    "leak by tanh": lambda x, h, W, s, U, b: leaky(
        0.5 + 0.5 * np.tanh(0.5 * s), h, np.tanh(x @ U + h @ W)
    ),
    "leak once a step": lambda x, h, W, s, U, b: leaky(mg.sigmoid(s), h, np.tanh(x @ U + h @ W)),
    "clipped": lambda x, h, W, s, U, b: np.tanh(np.clip(x @ U + h @ W, -0.9, 0.9)),
    "power": lambda x, h, W, s, U, b: np.tanh(x @ U + h @ W * np.power(s * s + 0.3, 1.5)),
    "softplus decay": lambda x, h, W, s, U, b: (
        h * np.exp(-np.log1p(np.exp(s))) + np.tanh(x @ U + h @ W)
    ),
    "weight normalization": lambda x, h, W, s, U, b: np.tanh(
        x @ U + h @ (s * W / np.sqrt(np.sum(W * W, axis=0)))
    ),
    "a view that is a copy": lambda x, h, W, s, U, b: (
        np.tanh(x @ U + h @ W)
        + np.broadcast_to(np.reshape((W * s)[:1].T, (1, H)), h.shape)
        + np.broadcast_to(np.reshape(W.T[:, :, None], (H * H,))[:H], h.shape)
    ),
}


def leaky(a, h, new):
    return (1 - a) * h + a * new


@pytest.mark.parametrize("step", STEPS)
def test_steps_that_compute_from_parameters_alone(step):
    tape, parameters = gradients(STEPS[step])
    plans = [in_shards(tape, count) for count in (2, 3)]
    for plan in plans:
        assert is_sharded(plan)
        assert not shared_by_shards(plan)
    agree_in_a_training_loop([mg.compile(tape), *plans], tape, parameters)


def test_a_maximum_that_two_shards_write_is_found():
    tape, _ = gradients(STEPS["clipped"])
    plan = in_shards(tape, 2)
    calls = plan._inputs._calls
    first, *_, last = (k for k, (fn, _) in enumerate(calls) if is_maximum(fn))
    assert not shared_by_shards(plan)
    calls[last] = calls[first][0], calls[last][1]
    assert shared_by_shards(plan)


def is_maximum(fn):
    return isinstance(fn, functools.partial) and fn.func is np.maximum


OPS = [
    lambda a, b: a * b,
    lambda a, b: a * a,
    lambda a, b: a + b,
    lambda a, b: a - b.T,
    lambda a, b: 1 - a,
    lambda a, b: a / (1 + b * b),
    lambda a, b: np.tanh(a),
    lambda a, b: mg.sigmoid(a),
    lambda a, b: np.exp(-a * a),
    lambda a, b: np.power(a * a + 0.3, 1.5),
    lambda a, b: np.sum(a),
    lambda a, b: a / np.sqrt(1 + np.sum(a * a)),
    lambda a, b: np.where(b > 0, a, b),
    lambda a, b: np.reshape(a.T, a.shape),
    lambda a, b: a @ b if a.ndim == b.ndim == 2 else a,
]
NUMBERS = st.integers(0, 9)
PROGRAMS = st.lists(st.tuples(st.sampled_from(OPS), NUMBERS, NUMBERS), min_size=1, max_size=6)


@st.composite
def thresholds(draw):
    """Cores, columns that are too many, numbers that are worth a thread: not all of them split."""
    cores, wide = draw(st.integers(1, 4)), draw(st.sampled_from([1, H, H + 1, 128]))
    return cores, wide, draw(st.integers(1, ROWS * H))


@given(PROGRAMS, st.tuples(NUMBERS, NUMBERS, NUMBERS), thresholds())
def test_random_steps_that_compute_from_parameters_alone(program, chosen, at):
    def step(x, h, W, s, U, b):
        z, values = x @ U, [W, s, b]
        for op, i, j in program:
            values.append(op(values[i % len(values)], values[j % len(values)]))
        matrix, gate, shift = (np.tanh(values[-1 - i % len(values)]) for i in chosen)
        h = np.tanh(z + h @ (W * matrix))
        return h * (gate if gate.ndim < 2 else gate[0]) + (shift if shift.ndim < 2 else shift.T[0])

    tape, parameters = gradients(step)
    cores, wide, much = at
    drawn = in_shards(tape, cores, wide, much)
    assert is_sharded(drawn) == (wide > H and min(cores, ROWS * H // much) > 1)
    plans = [mg.compile(tape), drawn, in_shards(tape, 2)]
    assert is_sharded(plans[-1])
    assert not any(map(shared_by_shards, plans))
    agree_in_a_training_loop(plans, tape, parameters, calls=2)


# --- the invariant --------------------------------------------------------------------------------
def node(section, *inputs):
    return Node(np.tanh, inputs, {}, (2,), np.dtype(float), section=section)


def schedule_of(units):
    nodes = tuple(n for unit in units for n in unit.nodes)
    return Schedule(Graph(nodes, nodes[-1:]), {}, {n: n for n in nodes}, units, {})


@given(st.sampled_from([BEFORE, 1, 2, AFTER]), st.sampled_from([BEFORE, 1, 2, AFTER]))
def test_a_section_reads_itself_and_what_is_whole(before, now):
    x = node(before)
    y = node(now, x)
    schedule = schedule_of((Unit([], [x], False), Unit([], [y], False)))
    if before in (BEFORE, now) or now == AFTER:
        verify_sections(schedule)
    else:
        with pytest.raises(CrossingError, match="reads"):
            verify_sections(schedule)


def test_a_unit_runs_in_one_section():
    x, y = node(BEFORE), node(1)
    with pytest.raises(CrossingError, match="is in a unit of section 0"):
        verify_sections(schedule_of((Unit([], [x, y], True),)))


@pytest.mark.parametrize(
    "step", ["W * W", "W * s", "s * s", "leak by tanh", "weight normalization"]
)
def test_where_families_forget_the_sections_the_plan_is_not_split_and_says_so(step, monkeypatch):
    families = schedules.families

    def forgetful(graph, root):
        after = [n for n in graph.nodes if n.section == AFTER]
        for n in after:
            n.section = BEFORE
        found = families(graph, root)
        for n in after:
            n.section = AFTER
        return found

    monkeypatch.setattr(schedules, "families", forgetful)
    tape, parameters = gradients(STEPS[step])
    with pytest.warns(RuntimeWarning, match="the plan is right but not split: Node"):
        plan = in_shards(tape, 2)
    assert "not split: Node(" in str(plan)
    agree_in_a_training_loop([plan], tape, parameters)
