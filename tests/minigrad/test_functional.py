"""Derivatives of functions: against closed forms, the complex step, and JAX and PyTorch where they are installed."""

from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad.errors import ArgumentError, DTypeError, GradientError, ShapeError

Pair = namedtuple("Pair", "W b")
STEP = 1e-200


@dataclass(frozen=True, slots=True)
class Params:
    W: object
    b: object
    size: int = 2
    name: str = "p"


def values(x):
    """Arrays in place of the Tensors."""
    if isinstance(x, dict):
        return {k: values(v) for k, v in x.items()}
    if isinstance(x, Params):
        return Params(values(x.W), values(x.b), x.size, x.name)
    if isinstance(x, Pair):
        return Pair(*map(values, x))
    if isinstance(x, (list, tuple)):
        return type(x)(map(values, x))
    return x.data if isinstance(x, mg.Tensor) else x


def complex_step(f, x):
    """The Jacobian of an analytic function, by imaginary steps: no difference, no rounding."""
    columns = []
    for i in np.ndindex(x.shape):
        z = x.astype(complex)
        z[i] += STEP * 1j
        columns.append(np.asarray(f(z)).imag / STEP)
    out = np.shape(f(x))
    stacked = np.stack(columns, axis=-1) if columns else np.zeros((*out, 0))
    return stacked.reshape(out + x.shape)


arrays = hnp.arrays(
    float,
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=2),
    elements=st.floats(-2, 2),
)
FUNCTIONS = {
    "elementwise": lambda x: np.sin(x) * np.exp(x) + x**3,
    "a scalar": lambda x: np.sum(np.cos(x) * x),
    "rows": lambda x: np.sum(np.reshape(x, (1, -1)) * np.ones((2, 1)), axis=1) ** 2,
    "itself": lambda x: x + 0 if isinstance(x, np.ndarray) else x,
    "the first": lambda x: np.reshape(x, -1)[:1] ** 2,
}


@pytest.mark.parametrize("fn", FUNCTIONS.values(), ids=list(FUNCTIONS))
@given(x=arrays)
def test_the_jacobian_is_that_of_the_complex_step(fn, x):
    J = mg.jacobian(fn, x)
    np.testing.assert_allclose(J.data, complex_step(fn, x), atol=1e-12, strict=True)
    y, pull_back = mg.vjp(fn, x)
    np.testing.assert_array_equal(y.data, fn(x))
    c = np.arange(1.0, y.size + 1).reshape(y.shape)
    (g,) = pull_back(c)
    np.testing.assert_allclose(g.data, np.tensordot(c, J.data, c.ndim), atol=1e-12, strict=True)


@given(x=arrays, v=st.randoms(use_true_random=False))
def test_the_hessian_is_the_jacobian_of_the_gradient(x, v):
    v = np.array([v.uniform(-1, 1) for _ in range(x.size)]).reshape(x.shape)

    def slope(x):
        return np.cos(x) * np.exp(np.sum(np.sin(x))) + 2 * x

    def f(x):
        return np.exp(np.sum(np.sin(x))) + np.sum(x * x)

    H = mg.hessian(f, x)
    np.testing.assert_allclose(H.data, complex_step(slope, x), atol=1e-9, strict=True)
    product = mg.hvp(f, x, v).data
    np.testing.assert_allclose(product, np.tensordot(H.data, v, v.ndim), atol=1e-9, strict=True)


def test_closed_forms():
    rng = np.random.default_rng(0)
    A, x = rng.normal(size=(3, 4)), rng.normal(size=4)
    S = rng.normal(size=(4, 4))
    np.testing.assert_array_equal(mg.jacobian(lambda x: A @ x, x).data, A)
    np.testing.assert_allclose(mg.hessian(lambda x: x @ S @ x, x).data, S + S.T)
    # softmax: diag(p) - p p^T, for each row of a batch and for no other
    logits = rng.normal(size=(2, 3))
    p = mg.softmax(logits)
    J = mg.jacobian(mg.softmax, logits).data
    assert J.shape == (2, 3, 2, 3)
    for i in range(2):
        np.testing.assert_allclose(J[i, :, i], np.diag(p[i]) - np.outer(p[i], p[i]))
        np.testing.assert_array_equal(J[i, :, 1 - i], 0)
    third = mg.jacobian(lambda x: mg.hessian(lambda x: np.sum(x**4), x), np.array([1.0, 2.0]))
    np.testing.assert_array_equal(third.data[[0, 1], [0, 1], [0, 1]], [24.0, 48.0])
    assert np.count_nonzero(third.data) == 2


def test_scalars():
    assert mg.jacobian(np.sin, 0.0).item() == 1.0
    assert mg.hessian(lambda x: x**3, 2.0).item() == 12.0
    assert mg.hvp(lambda x: x**3, 2.0, 0.5).item() == 6.0
    y, pull_back = mg.vjp(lambda x, y: x * y, 2.0, 3.0)
    assert (y.item(), [g.item() for g in pull_back(1.0)]) == (6.0, [3.0, 2.0])


def test_structures_come_back_output_outside_input_inside():
    p = {"l": Pair(np.array([1.0, 2.0]), 3.0), "s": [Params(np.array([4.0]), np.ones((1, 2)))]}

    def fn(p, x):
        (s,) = p["s"]
        assert (s.size, s.name) == (2, "p")
        return {"y": p["l"].W * p["l"].b, "z": (x * np.sum(s.W), [s.b[0]])}

    J = values(mg.jacobian(fn, p, 5.0))
    of_p, of_x = J["y"]
    assert type(of_p["l"]) is Pair
    np.testing.assert_array_equal(of_p["l"].W, [[3.0, 0.0], [0.0, 3.0]])
    np.testing.assert_array_equal(of_p["l"].b, [1.0, 2.0])
    np.testing.assert_array_equal(of_p["s"][0].W, np.zeros((2, 1)), strict=True)
    assert of_p["s"][0].size is of_p["s"][0].name is None
    np.testing.assert_array_equal(of_x, np.zeros(2), strict=True)
    of_p, of_x = J["z"][0]
    assert (of_x, of_p["s"][0].W) == (4.0, 5.0)
    np.testing.assert_array_equal(J["z"][1][0][0]["s"][0].b, np.eye(2)[:, None])
    H = values(mg.hessian(lambda p: np.sum(p["a"]) * p["b"] ** 2, {"a": np.ones(2), "b": 3.0}))
    np.testing.assert_array_equal(H["a"]["b"], [6.0, 6.0])
    np.testing.assert_array_equal(H["b"]["a"], [6.0, 6.0])
    assert H["b"]["b"] == 4.0
    (aa, ab), (ba, bb) = values(mg.hessian(lambda a, b: a * b**2, 2.0, 3.0))
    assert (aa, ab, ba, bb) == (0.0, 6.0, 6.0, 4.0)


def test_what_holds_no_floating_numbers_is_handed_on():
    labels, logits = np.array([0, 2]), np.zeros((2, 3))
    loss, pull_back = mg.vjp(mg.cross_entropy, logits, labels)
    g, none = pull_back(1.0)
    assert none is None
    expected = np.full((2, 3), 1 / 6)
    expected[[0, 1], labels] -= 1 / 2
    np.testing.assert_allclose(g.data, expected)
    assert loss.item() == pytest.approx(np.log(3))
    product = mg.hvp(mg.cross_entropy, (logits, labels), (np.ones((2, 3)), None))
    np.testing.assert_allclose(product[0].data, 0, atol=1e-15)
    assert product[1] is None


def test_the_same_array_twice_is_two_inputs():
    x = np.array([1.0, 2.0])
    J = mg.jacobian(lambda p: p["a"] * p["b"] ** 2, {"a": x, "b": x})
    np.testing.assert_array_equal(J["a"].data, np.diag(x**2))
    np.testing.assert_array_equal(J["b"].data, np.diag(2 * x**2))
    t = mg.tensor(x, requires_grad=True)
    a, b = mg.jacobian(lambda a, b: a * b**2, t, t)
    np.testing.assert_array_equal(a.data, np.diag(x**2))
    np.testing.assert_array_equal(b.data, np.diag(2 * x**2))


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
def test_dtypes_stay(dtype):
    x = np.ones(2, dtype)
    f = lambda x: np.sum(x**3)  # noqa: E731
    for got in (
        mg.jacobian(f, x),
        mg.hessian(f, x),
        mg.hvp(f, x, np.ones(2)),
        mg.vjp(f, x)[1](1)[0],
    ):
        assert got.dtype == dtype


# --- differentiated again -------------------------------------------------------------------------
def test_derivatives_are_differentiated_through_primals_and_parameters():
    """A penalty on the gradient of the input, by the weights: the classic use."""
    w = mg.tensor([0.5, -1.0], requires_grad=True)
    x = np.array([1.0, 2.0])
    slope = mg.jacobian(lambda x: np.tanh(w @ x), x)
    (g,) = mg.grad(np.sum(slope**2), w)

    def penalty(w):
        return np.sum(((1 - np.tanh(w @ x) ** 2) * w) ** 2)

    np.testing.assert_allclose(g.data, complex_step(penalty, w.data), rtol=1e-12)
    # by a primal that is on the tape already, beside another use of it
    t = mg.tensor([1.0, 2.0], requires_grad=True)
    u = t * 2
    loss = np.sum(mg.jacobian(lambda u: u**3, u)) + np.sum(u)
    np.testing.assert_array_equal(mg.grad(loss, t)[0].data, 2 * (6 * u.data + 1))
    _, pull_back = mg.vjp(lambda u: u**2, u)
    (product,) = pull_back(u)
    np.testing.assert_array_equal(mg.grad(np.sum(product), t)[0].data, 8 * u.data)
    np.testing.assert_array_equal(
        mg.grad(np.sum(mg.hvp(lambda u: np.sum(u**3), u, np.ones(2))), t)[0].data, [12.0, 12.0]
    )


def test_no_more_than_asked_is_recorded():
    w, x = mg.tensor([2.0], requires_grad=True), np.ones(1)
    plain = mg.jacobian(np.sin, x)
    assert (plain.requires_grad, plain.fn) == (False, None)
    y, _ = mg.vjp(np.sin, x)
    assert not y.requires_grad
    assert mg.jacobian(lambda x: w * x, x).requires_grad
    y, _ = mg.vjp(lambda x: w * x, x)
    # our own inputs are no parameters of the user's tape
    assert mg.Tape.of(y).parameters == (w,)
    with mg.no_grad():
        J = mg.jacobian(lambda x: w * x, x)
        H = mg.hessian(lambda x: np.sum((w * x) ** 2), x)
        product = mg.hvp(lambda x: np.sum((w * x) ** 2), x, x)
    for got, number in ((J, 2.0), (H, 8.0), (product, 8.0)):
        assert (got.item(), got.requires_grad) == (number, False)
    assert w.grad is None


def test_a_linear_function_has_a_hessian_of_zeros():
    x = np.ones((2, 1))
    H = mg.hessian(np.sum, x)
    np.testing.assert_array_equal(H.data, np.zeros((2, 1, 2, 1)), strict=True)
    np.testing.assert_array_equal(mg.hvp(np.sum, x, x).data, np.zeros((2, 1)), strict=True)


def test_a_constant_among_the_results_has_zeros():
    J = mg.jacobian(lambda x: {"y": x * 2, "at": np.argmax(x) * mg.tensor(1.0)}, np.ones(2))
    np.testing.assert_array_equal(J["at"].data, [0.0, 0.0])


# --- refused --------------------------------------------------------------------------------------
X = np.array([1.0, 2.0])
REFUSED = [
    (lambda: mg.jacobian(np.sum(mg.tensor(X)), X), ArgumentError, "a Tensor; expected a function"),
    (lambda: mg.jacobian(3, X), ArgumentError, "a int; expected a function"),
    (lambda: mg.jacobian(np.sum), ArgumentError, "no argument; expected floating numbers"),
    (lambda: mg.jacobian(np.sum, {}), ArgumentError, "dict; expected floating numbers"),
    (lambda: mg.jacobian(np.sum, np.array([1, 2])), ArgumentError, "ndarray; expected floating"),
    (lambda: mg.jacobian(np.sum, 1j * X), DTypeError, "dtype complex128"),
    (lambda: mg.jacobian(lambda x: None, X), ArgumentError, "fn returns None; expected a Tensor"),
    (lambda: mg.jacobian(lambda x: [], X), ArgumentError, "fn returns a list; expected a Tensor"),
    (lambda: mg.jacobian(lambda x: x.data, X), ArgumentError, "fn returns a ndarray"),
    (lambda: mg.vjp(lambda x: float(x[0]), X), ArgumentError, "fn returns a float"),
    (lambda: mg.hessian(lambda x: (x.sum(), 3), X), ArgumentError, "fn returns a int"),
    (lambda: mg.vjp(lambda x: x.detach(), X), GradientError, "does not depend on its arguments"),
    (lambda: mg.hvp(lambda x: mg.tensor(1.0), X, X), GradientError, "does not depend on"),
    (lambda: mg.hessian(np.argmax, X), GradientError, "does not depend on"),
    (lambda: mg.hvp(lambda x: x * 2, X, X), GradientError, r"'multiply' of shape \(2,\); expected"),
    (lambda: mg.hvp(lambda x: [x.sum()], X, X), GradientError, "returns list; expected one scalar"),
    (lambda: mg.hvp(np.sum, X, np.ones(3)), ShapeError, r"hvp: \(3,\) for"),
    (lambda: mg.hvp(np.sum, X, None), ShapeError, r"hvp: \(\) for"),
    (lambda: mg.hvp(np.dot, (X, X), (X,)), ArgumentError, "expected the same"),
    (lambda: mg.vjp(np.sin, X)[1]([1.0, 1.0, 1.0]), ShapeError, r"vjp: \(3,\) for 'sin'"),
    (lambda: mg.vjp(lambda x: {"y": x}, X)[1](X), ArgumentError, "expected the same"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_misuse_gets_one_line(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


# --- beside others --------------------------------------------------------------------------------
def model(np, p, x):
    """A small net with structure in and out, in NumPy or jax.numpy."""
    first, gain = p["l"]
    h = np.tanh(x @ first.W + first.b) * np.exp(gain)
    return {"y": h * p["s"][0], "z": (np.sum(h**2), h[None])}


def net():
    rng = np.random.default_rng(1)
    first = Pair(rng.normal(size=(3, 2)), rng.normal(size=2))
    return {"l": [first, np.array(0.3)], "s": (rng.normal(size=2),)}, rng.normal(size=3)


def test_structures_and_values_are_those_of_jax():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    tree = jax.tree_util

    def same(ours, theirs):
        ours, shape = tree.tree_flatten(values(ours))
        theirs, their_shape = tree.tree_flatten(theirs)
        assert shape == their_shape
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12, strict=False)
            assert a.shape == b.shape

    def ours(p, x):
        return model(np, p, x)

    def theirs(p, x):
        return model(jax.numpy, p, x)

    p, x = net()
    same(mg.jacobian(ours, p, x), jax.jacrev(theirs, (0, 1))(p, x))
    same(mg.hessian(ours, p, x), jax.hessian(theirs, (0, 1))(p, x))
    y, pull_back = mg.vjp(ours, p, x)
    their_y, their_pull_back = jax.vjp(theirs, p, x)
    same(y, their_y)
    same(pull_back(y), their_pull_back(their_y))
    slope = jax.grad(lambda p, x: theirs(p, x)["z"][0], (0, 1))
    product = mg.hvp(lambda p, x: ours(p, x)["z"][0], (p, x), (p, x))
    same(product, jax.jvp(slope, (p, x), (p, x))[1])


def test_values_are_those_of_torch():
    torch = pytest.importorskip("torch")
    functional = torch.autograd.functional
    x, v = np.array([0.3, -1.2, 2.0]), np.array([1.0, 0.5, -2.0])
    given_x, given_v = torch.tensor(x), torch.tensor(v)

    def ours(x):
        return np.sum(np.tanh(x) * np.outer(x, x) @ x)

    def theirs(x):
        return (x.tanh() * (torch.outer(x, x) @ x)).sum()

    for got, expected in (
        (mg.jacobian(ours, x), functional.jacobian(theirs, given_x)),
        (mg.hessian(ours, x), functional.hessian(theirs, given_x)),
        (mg.hvp(ours, x, v), functional.hvp(theirs, given_x, given_v)[1]),
    ):
        np.testing.assert_allclose(got.data, expected.numpy(), rtol=1e-10)
