"""Decompositions: several results, the identity that they are made for, and equal values."""

import numpy as np
import pytest

import minigrad as mg
from tests.minigrad.ops.rows_matrices import apart


@pytest.mark.parametrize(
    "fn",
    [np.linalg.eigh, np.linalg.svd, np.linalg.slogdet, lambda x: np.linalg.svd(x, hermitian=True)],
)
def test_several_results_are_a_named_tuple_like_numpys(fn):
    x = np.diag([2.0, -1.0, 3.0])
    got, expected = fn(mg.tensor(x, requires_grad=True)), fn(x)
    assert type(got) is type(expected)
    for name, value in expected._asdict().items():
        np.testing.assert_array_equal(getattr(got, name).data, value)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
def test_what_a_decomposition_is_made_for_is_the_identity(shape):
    """u s vh is x, so the gradient through all three is the cotangent; likewise the second derivative."""
    x = mg.tensor(apart(np.random.default_rng(0).uniform(-1, 1, shape)), requires_grad=True)
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    (g,) = mg.grad(np.sum(((u * s) @ vh) ** 3), [x], create_graph=True)
    np.testing.assert_allclose(g.data, 3 * x.data**2, rtol=1e-11)
    (h,) = mg.grad(np.sum(g), [x])
    np.testing.assert_allclose(h.data, 6 * x.data, rtol=1e-9)


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: np.sum(np.linalg.eigh(x)[1] * np.arange(9.0).reshape(3, 3)),
        lambda x: np.sum(np.linalg.svd(x)[0] * np.arange(9.0).reshape(3, 3)),
    ],
)
def test_vectors_of_equal_values_have_no_gradient_and_say_so(fn):
    x = mg.tensor(np.eye(3), requires_grad=True)
    with pytest.warns(RuntimeWarning, match=r"divide by zero|invalid value"):
        (g,) = mg.grad(fn(x), [x])
    assert not np.any(np.isfinite(g.data[~np.eye(3, dtype=bool)]))


@pytest.mark.parametrize(
    "fn", [np.linalg.eigvalsh, np.linalg.svdvals, lambda x: np.linalg.eigh(x)[0]]
)
def test_second_derivatives_at_equal_values_are_not_there_and_say_so(fn):
    """Though this function, the squared distance to the identity, is smooth: its parts are not."""
    x = mg.tensor(np.eye(2), requires_grad=True)
    (g,) = mg.grad(np.sum((fn(x) - 1) ** 2), [x], create_graph=True)
    np.testing.assert_array_equal(g.data, np.zeros((2, 2)))
    with pytest.warns(RuntimeWarning, match=r"divide by zero|invalid value"):
        (h,) = mg.grad(np.sum(g * np.array([[1.0, 2], [2, 5]])), [x])
    assert not np.all(np.isfinite(h.data))
