"""Where a derivative is a convention: kinks, ties, mixed dtypes, and what is refused instead."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import UnsupportedError
from tests.laws import slope

CONVENTIONS = [
    ("max shares a tie", np.max, [[1.0, 3.0, 3.0]], [[0, 0.5, 0.5]]),
    ("min shares a tie", np.min, [[1.0, 3.0, 1.0]], [[0.5, 0, 0.5]]),
    ("maximum shares a tie", np.maximum, [2.0, 2.0], [0.5, 0.5]),
    ("minimum shares a tie", np.minimum, [2.0, 2.0], [0.5, 0.5]),
    ("absolute at 0", np.absolute, [0.0], [0]),
    ("hypot at the origin", np.hypot, [0.0, 0.0], [0, 0]),
    ("relu at 0", mg.relu, [0.0], [0]),
    ("0 squared", lambda x: x**2, [0.0], [0]),
    ("0 to the 0", lambda x: x**0, [0.0], [0]),
    ("0 to the 1", lambda x: x**1, [0.0], [1]),
    ("exponent of 0", np.power, [0.0, 2.0], [0, 0]),
    ("norm of 0", np.linalg.norm, [np.zeros(3)], [np.zeros(3)]),
    (
        "norms, one of 0",
        lambda x: np.linalg.norm(x, axis=1) @ [1, 1],
        [[[0.0, 0], [0, 4]]],
        [[[0, 0], [0, 1]]],
    ),
    (
        "Frobenius norm of 0",
        lambda x: np.linalg.norm(x, "fro"),
        [np.zeros((2, 2))],
        [np.zeros((2, 2))],
    ),
    ("3-norm of 0", lambda x: np.linalg.norm(x, 3), [np.zeros(3)], [np.zeros(3)]),
    ("1-norm at 0", lambda x: np.linalg.norm(x, 1), [[0.0, -2]], [[0, -1]]),
    (
        "inf-norm shares a tie",
        lambda x: np.linalg.norm(x, np.inf),
        [[3.0, -3, 1]],
        [[0.5, -0.5, 0]],
    ),
    ("equal eigenvalues", lambda x: np.sum(np.linalg.eigh(x)[0]), [np.eye(3)], [np.eye(3)]),
    ("equal eigenvalues alone", lambda x: np.sum(np.linalg.eigvalsh(x)), [np.eye(3)], [np.eye(3)]),
    ("equal singular values", lambda x: np.sum(np.linalg.svd(x)[1]), [np.eye(3)], [np.eye(3)]),
    (
        "pseudo-inverse of equal singular values",
        lambda x: np.trace(np.linalg.pinv(x)),
        [np.eye(2)],
        [-np.eye(2)],
    ),
]


@pytest.mark.parametrize(
    ("fn", "at", "expected"), [c[1:] for c in CONVENTIONS], ids=[c[0] for c in CONVENTIONS]
)
def test_conventions_at_kinks(fn, at, expected):
    ts = [mg.tensor(x, requires_grad=True) for x in at]
    for g, e in zip(mg.grad(fn(*ts), ts), expected, strict=True):
        np.testing.assert_array_equal(g.data, e)


@pytest.mark.parametrize(
    "fn", [np.add, np.multiply, np.divide, np.maximum, lambda a, b: np.stack([a, b])]
)
def test_each_operand_gets_a_gradient_of_its_own_dtype(fn):
    a = mg.tensor(np.float32([1, 2]), requires_grad=True)
    b = mg.tensor([3.0, 4.0], requires_grad=True)
    y = fn(a, b)
    assert y.dtype == np.float64
    assert [g.dtype for g in mg.grad(np.sum(y), [a, b])] == [np.float32, np.float64]


@pytest.mark.parametrize(("of", "to"), [(np.float32, np.float64), (np.float64, np.float32)])
def test_a_cast_casts_the_gradient_back(of, to):
    x = mg.tensor(np.array([1, 2], of), requires_grad=True)
    y = x.astype(to)
    (g,) = mg.grad(np.sum(y * np.array([0.1, 3], to)), [x])
    assert (y.dtype, g.dtype) == (to, of)
    np.testing.assert_array_equal(g.data, np.array([0.1, 3], to).astype(of))


@pytest.mark.parametrize(
    ("fn", "message"),
    [
        (np.linalg.svd, r"full_matrices=True of matrices 2 by 3.*Pass full_matrices=False"),
        (lambda x: np.linalg.pinv(x, rcond=0.1), r"tolerance of 0\.1.*Pass rtol=None"),
        (lambda x: np.linalg.pinv(x, rtol=0.1), r"tolerance of 0\.1.*Pass rtol=None"),
        (lambda x: np.linalg.norm(x, 0, axis=1), "ord=0; any other number"),
        (lambda x: np.linalg.norm(x, "nuc", axis=1), "ord='nuc'; any other number"),
        (lambda x: np.linalg.norm(x, 3), "ord=3; None, 'fro'"),
        (lambda x: np.linalg.norm(x[None], 2), "3 axes; 1 of vectors or 2 of matrices"),
        (lambda x: np.cross(x[:, :2], x), r"vectors of 2 and 3 elements; 3 wanted"),
        (lambda x: np.linalg.multi_dot([x[None], x.T]), r"stacks of matrices"),
    ],
)
def test_what_has_no_derivative_is_refused_in_one_line(fn, message):
    with pytest.raises(UnsupportedError, match=message):
        fn(mg.tensor(np.ones((2, 3)), requires_grad=True))


@pytest.mark.parametrize("p", [2, 3])
def test_the_norm_of_zeros_is_flat_to_second_order(p):
    x = mg.tensor(np.zeros(3), requires_grad=True)
    (g,) = mg.grad(np.linalg.norm(x, p), [x], create_graph=True)
    (h,) = mg.grad(np.sum(g), [x])
    np.testing.assert_array_equal(h.data, np.zeros(3))


@pytest.mark.parametrize("p", [2, 4])
def test_norms_of_vectors_with_a_zero_in_them(p):
    x = np.array([1.0, 0.0, -2.0])
    t = mg.tensor(x, requires_grad=True)
    (g,) = mg.grad(np.linalg.norm(t, p), [t], create_graph=True)
    (h,) = mg.grad(np.sum(g * np.array([1.0, 2, 3])), [t])

    def along(z):
        (g,) = mg.grad(np.linalg.norm(u := mg.tensor(z, requires_grad=True), p), [u])
        return g.data @ [1, 2, 3]

    np.testing.assert_allclose(h.data, slope(along, x), atol=1e-8)
