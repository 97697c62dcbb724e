"""What a plan gives out is the caller's: no later call changes it; dropped memory is used again."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tr
from minigrad.compiler.run import results
from minigrad.models.cells import RNNCell
from tests.laws import agrees, close, in_shards, same
from tests.zoo import stacked


@pytest.fixture
def every_size(monkeypatch):
    """Small outputs are given out as large ones are."""
    monkeypatch.setattr(results, "MIN_BYTES_TO_KEEP", 1)


def two_states(shape=(3, 2)):
    """The tape of a number and of two states that a next call may begin with, or exchange."""
    s, r = mg.tensor(np.ones(shape), name="s"), mg.tensor(np.full(shape, 2.0), name="r")
    # the second is a leaf that is given out, the third a view of the first
    return mg.Tape.of(np.sum(s * r), 0.5 * s + 0.25 * r, r, (0.5 * s + 0.25 * r)[:, ::-1])


WAYS_TO_HOLD = [
    lambda a: a,
    lambda a: a.view(),
    lambda a: a[..., None],
    lambda a: a.T,
    memoryview,
    lambda a: np.lib.stride_tricks.as_strided(a, a.shape, a.strides),
    lambda a: a.view(np.matrix) if a.ndim == 2 else a,
]
NUMBERS = st.integers(0, 9)
CALLS = st.lists(
    st.tuples(NUMBERS, NUMBERS, NUMBERS, st.booleans(), st.booleans(), NUMBERS), max_size=12
)


@pytest.mark.parametrize("least", [1, 1 << 17])
@pytest.mark.parametrize("in_place", [1, 1 << 16])
@given(calls=CALLS)
def test_what_is_held_stays_as_it_was(calls, least, in_place):
    """Random calls, fed with what earlier ones gave, of which some is held and some is dropped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "MIN_BYTES_TO_KEEP", least)
        patch.setattr("minigrad.compiler.run.leaf_binding.MIN_BYTES_TO_READ_IN_PLACE", in_place)
        tape = two_states()
        plan, held, given_out = mg.compile(tape), [], [np.full((3, 2), 0.5)]
        for i, j, k, feed_s, feed_r, way in calls:
            feeds = {}
            if feed_s:
                feeds["s"] = given_out[i % len(given_out)]
            if feed_r:
                feeds["r"] = given_out[j % len(given_out)]
            expected = tape.replay(
                {name: array.copy() for name, array in feeds.items()}, missing="recorded"
            )
            found = plan(feeds, missing="recorded")
            close(found, expected)
            view = WAYS_TO_HOLD[way % len(WAYS_TO_HOLD)](found[k % 4])
            held.append((view, np.array(view)))
            # all but the last few are dropped
            given_out = [*given_out[-2:], *found[1:]]
            held = held[-6:]
            for array, value in held:
                same(np.asarray(array), value)


def test_losses_kept_and_gradients_added_up():
    """The two habits of whoever writes a training loop."""
    loss, feeds = stacked(RNNCell)
    tape = tr.differentiate(mg.Tape.of(loss))
    for plan in (mg.compile(tape), in_shards(tape, 2)):
        losses, total, expected = [], None, []
        for k in range(3):
            fed = {"X": feeds["X"] * k}
            value, *grads = plan(fed, missing="recorded")
            losses.append(value)
            total = grads if total is None else [a + b for a, b in zip(total, grads, strict=True)]
            expected.append(tape.replay(fed, missing="recorded"))
        close(losses, [e[0] for e in expected])
        sums = [sum(terms[1:], terms[0]) for terms in zip(*expected, strict=True)]
        close(total, sums[1:])


def test_results_are_read_only_until_a_copy_is_asked_for(every_size):
    plan = mg.compile(two_states())
    for array in plan():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    mine = plan(copy=True)
    for array in mine:
        array[...] = 0
    close(plan(), two_states().replay())


def test_what_a_caller_does_to_a_dropped_result_is_forgotten(every_size):
    plan = mg.compile(two_states())
    for _ in range(4):
        a = plan()[1]
        a.shape = (6,)
        a.flags.writeable = True
        del a
    found = plan()[1]
    assert found.shape == (3, 2)
    assert not found.flags.writeable


def test_a_steady_loop_uses_two_arrays_in_turns():
    n = 200
    x, W = (
        mg.tensor(np.ones((4, n)), name="x"),
        mg.tensor(np.ones((n, n)), requires_grad=True, name="W"),
    )
    plan = mg.compile(tr.differentiate(mg.Tape.of(np.mean(x @ W)), [W]))
    assert W.data.nbytes > results.MIN_BYTES_TO_KEEP
    owners = set()
    for _ in range(4):
        loss, g = plan()
    tracemalloc.start()
    for _ in range(20):
        loss, g = plan()
        owners.add(id(g.base))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert float(loss) == n
    assert len(owners) == 2
    assert peak < W.data.nbytes / 4


def test_where_counts_may_lie_nothing_is_used_again(every_size, monkeypatch):
    monkeypatch.setattr(results, "UNHELD", 0)
    plan = mg.compile(two_states())
    given_out = []
    for _ in range(6):
        given_out.append(plan()[1])
    assert len({id(a.base) for a in given_out}) == 6


def test_a_plan_does_not_keep_what_was_dropped(every_size):
    """Of a hundred that were held at once, no more than it may need again."""
    plan = mg.compile(two_states())
    held = [plan()[1] for _ in range(100)]
    seen = [weakref.ref(a.base) for a in held]
    del held
    gc.collect()
    assert sum(ref() is not None for ref in seen) <= results.MAX_KEPT_ARRAYS


# --- axes of length 0 -----------------------------------------------------------------------------
@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=3),
    st.integers(0, 2),
    st.integers(0, 2),
    st.sampled_from([np.concatenate, np.stack, np.vstack, np.hstack, np.dstack]),
    st.integers(0, 3),
)
def test_joined_results_may_be_empty(rest, n, m, join, axis):
    """Whichever axes have length 0, and wherever they are joined."""
    axis %= len(rest)
    keywords = {"axis": axis} if join in (np.concatenate, np.stack) else {}
    first, second = list(rest), list(rest)
    if join is np.concatenate:
        first[axis], second[axis] = n, m
    x, y = (
        mg.tensor(np.random.default_rng(0).normal(size=shape), requires_grad=True, name=name)
        for name, shape in (("x", first), ("y", second))
    )
    joined = join([np.tanh(x), np.sin(y)], **keywords)
    agrees(tr.differentiate(mg.Tape.of(np.sum(joined * joined) + 1.0), [x, y]))
    agrees(mg.Tape.of(joined * 2, np.exp(joined)))


@given(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2), st.integers(1, 3))
def test_a_network_may_be_empty(rows, width, classes, steps):
    rng = np.random.default_rng(0)
    W = mg.tensor(rng.normal(size=(width, width)), requires_grad=True, name="W")
    V = mg.tensor(rng.normal(size=(width, classes)), requires_grad=True, name="V")
    X = mg.tensor(rng.normal(size=(steps, rows, width)), name="X")
    h, outs = mg.tensor(np.zeros((rows, width)), name="h_0"), []
    for t in range(steps):
        with mg.timestep(t):
            h = np.tanh(X[t] + h @ W)
            outs.append(h @ V)
    z = np.concatenate(outs)
    agrees(tr.differentiate(mg.Tape.of(np.sum(z * z)), [W, V]))
