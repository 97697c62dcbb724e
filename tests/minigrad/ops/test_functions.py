"""The functions that NumPy lacks: equal to their formulas, stable where the formulas are not, clear where misused."""

import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import minigrad as mg
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from tests.zoo import param

moderate = arrays(
    np.float64, array_shapes(max_dims=3, max_side=4), elements=st.floats(-20, 20, width=32)
)
FORMULAS = [
    (mg.sigmoid, lambda x: 1 / (1 + np.exp(-x))),
    (mg.relu, lambda x: np.where(x > 0, x, 0)),
    (mg.softmax, lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
    (mg.log_softmax, lambda x: np.log(np.exp(x) / np.exp(x).sum(-1, keepdims=True))),
]
formulas = pytest.mark.parametrize(
    ("fn", "formula"), FORMULAS, ids=[f.__name__ for f, _ in FORMULAS]
)


@formulas
@given(moderate)
def test_equal_to_the_formula(fn, formula, x):
    np.testing.assert_allclose(fn(mg.tensor(x)).data, formula(x), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(fn(x), fn(mg.tensor(x)).data)  # plain arrays in, plain arrays out


@given(moderate, st.integers(0, 2))
def test_softmax_along_any_axis(x, axis):
    axis = axis % x.ndim
    np.testing.assert_allclose(np.sum(mg.softmax(x, axis=axis), axis=axis), 1, rtol=1e-12)
    np.testing.assert_allclose(
        mg.log_softmax(x, axis), np.log(mg.softmax(x, axis)), rtol=1e-9, atol=1e-9
    )


STABLE = [  # the gradient of the sum of the values at x, by hand
    (mg.sigmoid, [-1000, 0, 1000], [0, 0.5, 1], [0, 0.25, 0]),
    (mg.relu, [-1000, 1000], [0, 1000], [0, 1]),
    (mg.softmax, [-1000, 0, 1000], [0, 0, 1], [0, 0, 0]),
    (mg.log_softmax, [-1000, 0, 1000], [-2000, -1000, 0], [1, 1, -2]),
    (lambda x: mg.cross_entropy(x, np.array(0)), [-1000, 0, 1000], 2000, [-1, 0, 1]),
    (lambda x: mg.cross_entropy(x, np.array(2)), [-1000, 0, 1000], 0, [0, 0, 0]),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("fn", "x", "y", "g"), STABLE)
def test_stable_at_a_thousand(fn, x, y, g, dtype):
    t = param(np.array(x, dtype))
    out = fn(t)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out.data, np.array(y, dtype))
    np.testing.assert_array_equal(mg.grad(np.sum(out), [t])[0].data, np.array(g, dtype))


@given(moderate, st.integers(0, 999))
def test_cross_entropy_is_the_mean_of_minus_log_probability(x, seed):
    targets = np.random.default_rng(seed).integers(0, x.shape[-1], x.shape[:-1])
    p = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
    chosen = [p[(*i, targets[i])] for i in np.ndindex(targets.shape)]
    np.testing.assert_allclose(
        mg.cross_entropy(x, targets), -np.mean(np.log(chosen)), rtol=1e-9, atol=1e-9
    )
    t = param(x)
    got = mg.grad(mg.cross_entropy(t, targets), [t])[0].data
    one_hot = np.eye(x.shape[-1])[targets]
    np.testing.assert_allclose(got, (p - one_hot) / len(chosen), rtol=1e-9, atol=1e-12)


def test_cross_entropy_of_equal_logits_is_log_of_their_number():
    np.testing.assert_allclose(
        mg.cross_entropy(np.zeros((5, 28)), np.arange(5)), np.log(28), rtol=1e-15
    )


@pytest.mark.parametrize(
    "targets", [[0, 2], (0, 2), np.array([0, 2], np.uint8), mg.tensor(np.array([0, 2]))]
)
def test_targets_may_be_any_integers(targets):
    t = param([[1.0, 2, 3], [4, 5, 6]])
    expected = -np.mean(np.log(mg.softmax(t.data))[[0, 1], [0, 2]])
    loss = mg.cross_entropy(t, targets)
    np.testing.assert_allclose(loss.item(), expected, rtol=1e-14)
    assert loss.requires_grad


def test_one_target_may_be_a_python_integer():
    x = param([1.0, 2.0, 3.0])
    assert mg.cross_entropy(x, 2).item() == mg.cross_entropy(x.data, 2)


ERRORS = [
    (
        lambda x: mg.cross_entropy(x, [0, 1, 2]),
        ShapeError,
        "cross_entropy: logits (2, 3) and targets (3,); targets must be (2,).",
    ),
    (
        lambda x: mg.cross_entropy(x, [[0], [1]]),
        ShapeError,
        "cross_entropy: logits (2, 3) and targets (2, 1)",
    ),
    (
        lambda x: mg.cross_entropy(x, [0.0, 1.0]),
        DTypeError,
        "cross_entropy: targets: float64; expected integers.",
    ),
    (
        lambda x: mg.cross_entropy(x, [0, 3]),
        ArgumentError,
        "cross_entropy: targets: 3; expected 0..2.",
    ),
    (
        lambda x: mg.cross_entropy(x, [-1, 0]),
        ArgumentError,
        "cross_entropy: targets: -1; expected 0..2.",
    ),
    (lambda x: mg.one_hot([0, 3], 3), ArgumentError, "one_hot: indices: 3; expected 0..2."),
    (lambda x: mg.one_hot([-1], 3), ArgumentError, "one_hot: indices: -1; expected 0..2."),
    (lambda x: mg.one_hot([0.5], 3), DTypeError, "one_hot: indices: float64; expected integers."),
]


@pytest.mark.parametrize("call", [0, 1], ids=["array", "tensor"])
@pytest.mark.parametrize(("fn", "error", "message"), ERRORS)
def test_misuse_is_named_with_its_line(fn, error, message, call):
    x = param(np.zeros((2, 3))) if call else np.zeros((2, 3))
    with pytest.raises(error, match=re.escape(message)) as caught:
        fn(x)
    assert re.search(r"\[test_functions\.py:\d+\]$", str(caught.value))


@pytest.mark.parametrize(
    "indices", [2, [0, 2], [[0], [1]], mg.tensor(np.array([1, 1])), np.zeros((0,), int)]
)
def test_one_hot_rows(indices):
    got = mg.one_hot(indices, 3, np.float32)
    plain = np.asarray(indices)
    assert got.shape == (*plain.shape, 3)
    assert got.dtype == np.float32
    for i in np.ndindex(plain.shape):
        assert np.asarray(got)[i].tolist() == [float(k == plain[i]) for k in range(3)]


def test_a_large_vocabulary_costs_memory_for_its_rows_alone():
    """Forward and backward, as GPT-2 has it; the identity of 50,257 rows would be 10 GB."""
    rows, classes = 2, 50_257
    logits, targets = param(np.zeros((rows, classes))), np.array([0, classes - 1])
    tracemalloc.start()
    try:
        mg.one_hot(targets, classes)
        mg.cross_entropy(logits, targets).backward()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * logits.data.nbytes


def test_mse():
    a, b = param([[1.0, 2.0], [3.0, 4.0]]), param([1.0, 0.0])
    assert mg.mse(a, b).item() == (0 + 4 + 4 + 16) / 4
    g, h = mg.grad(mg.mse(a, b), [a, b])
    np.testing.assert_array_equal(g.data, [[0, 1], [1, 2]])
    np.testing.assert_array_equal(h.data, [-1, -3])
