"""W[t] in a plan is the look-up that mg.embedding is, with the numbers that NumPy gives for any index."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tr
from minigrad.errors import ArgumentError
from tests.laws import examples, in_shards, is_sharded
from tests.minigrad.compiler.native_code import cache, needs_compiler, own_cache, quickly  # noqa: F401

ROWS, H = 6, 4


def network(look_up, tokens, classes=ROWS):
    """Over steps (T, B), differentiated."""
    rng = np.random.default_rng(0)
    E = mg.tensor(rng.normal(size=(classes, H)), requires_grad=True, name="E")
    W = mg.tensor(rng.normal(size=(H, H)), requires_grad=True, name="W")
    t, h = mg.tensor(tokens, name="t"), mg.tensor(np.zeros((tokens.shape[1], H)))
    for step in range(len(tokens)):
        with mg.timestep(step):
            h = np.tanh(look_up(E, t[step]) + h @ W)
    return tr.differentiate(mg.Tape.of(np.sum(h * h)))


def by_index(E, t):
    return E[t]


def by_embedding(E, t):
    return mg.embedding(t, E)


@pytest.mark.parametrize("native", [False, pytest.param(True, marks=needs_compiler)])
@pytest.mark.parametrize("shape", [(5, 3), (4, 1), (3, 64)])
@pytest.mark.usefixtures("quickly")
def test_an_index_is_an_embedding(shape, native):
    tokens = np.random.default_rng(1).integers(0, ROWS, shape)
    backend = "native" if native else "numpy"
    tapes = [network(f, tokens) for f in (by_index, by_embedding)]
    mine, other = (mg.compile(tape, backend=backend) for tape in tapes)
    assert "embedding(" in str(mine)
    for a, b in zip(mine(), other(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_it_is_split_over_threads():
    tokens = np.random.default_rng(1).integers(-ROWS, ROWS, (5, 64))
    tape = network(by_index, tokens)
    plan = in_shards(tape, 2)
    assert is_sharded(plan)
    for a, b in zip(plan(), tape.replay(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


DTYPES = [np.int8, np.uint8, np.int32, np.int64]


@examples(40)
@given(st.sampled_from(DTYPES), st.integers(1, 200), st.lists(st.integers(0, 10**6), min_size=1))
def test_any_index_of_numpys(dtype, classes, numbers):
    """Those below 0 too, in integers that do not hold the number of every row."""
    info = np.iinfo(dtype)
    least, most = max(-classes, info.min), min(classes - 1, info.max)
    indices = np.array([least + n % (most - least + 1) for n in numbers], dtype)
    tape = network(by_index, np.zeros((1, len(indices)), dtype), classes)
    plan = mg.compile(tape)
    for a, b in zip(plan({"t": [indices]}), tape.replay({"t": [indices]}), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("native", [False, pytest.param(True, marks=needs_compiler)])
@pytest.mark.parametrize("index", [ROWS, -ROWS - 1])
@pytest.mark.usefixtures("quickly")
def test_an_index_that_is_none_is_refused_in_numpys_words(index, native):
    tape = network(by_index, np.zeros((2, 3), int))
    plan = mg.compile(tape, backend="native" if native else "numpy")
    with pytest.raises(ArgumentError, match=f"index {index} is out of bounds for axis 0 with size"):
        plan({"t": [[0, 1, 2], [0, index, 2]]})
