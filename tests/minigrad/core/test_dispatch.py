"""NumPy on Tensors: what becomes a plain array, what is refused, operators and methods."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import UnsupportedError
from minigrad.ops import COMPOSED, OPS
from tests.zoo import param


# --- no gradient is lost in silence -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "lose",
    [
        np.asarray,
        np.array,
        lambda x: np.array([x, x]),
        lambda x: mg.tensor([x, x]),
        lambda x: np.add(np.ones(2), [x, x]),
    ],
)
def test_becoming_a_plain_array_is_refused_and_names_the_way(lose):
    with pytest.raises(TypeError, match=r"'x' needs a gradient.*np\.stack.*\.data"):
        lose(param([1.0, 2.0], "x"))


def test_without_a_gradient_it_becomes_an_array():
    a = np.asarray(mg.tensor([1.0, 2.0]))
    assert type(a) is np.ndarray
    np.testing.assert_array_equal(a, [1, 2])


def no_ops(*fns):
    """Those of them that nobody has declared yet."""
    return [fn for fn in fns if fn not in OPS and fn not in COMPOSED]


UNSUPPORTED = {
    np.fft.fft: np.fft.fft,
    np.linalg.qr: lambda x: np.linalg.qr(
        np.stack([x, x]) if isinstance(x, np.ndarray) else np.reshape(x, (2, 1))
    )[0],
    np.unwrap: np.unwrap,
    np.nanmedian: np.nanmedian,
    np.nanmax: lambda x: np.nanmax(x, axis=0),
    np.logaddexp.reduce: np.logaddexp.reduce,
    np.add.reduceat: lambda x: np.add.reduceat(x, [0]),
}


@pytest.mark.parametrize("fn", [UNSUPPORTED[fn] for fn in no_ops(*UNSUPPORTED)])
def test_unsupported_function_raises_where_a_gradient_is_needed(fn):
    with pytest.raises(
        UnsupportedError, match="needs a gradient and minigrad cannot differentiate this function"
    ):
        fn(param([1.0, 2.0], "x"))


@pytest.mark.parametrize(
    "fn", no_ops(np.fft.fft, np.unwrap, np.nanmax, np.nanmedian, np.subtract.reduce)
)
def test_unsupported_function_gives_plain_values_elsewhere(fn):
    got = fn(mg.tensor([1.0, 2.0]))
    assert not isinstance(got, mg.Tensor)
    np.testing.assert_array_equal(got, fn(np.array([1.0, 2.0])))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(x, dtype=np.float32),
        lambda x: np.sum(x, where=[True, False]),
        lambda x: np.sum(x, initial=1.0),
        lambda x: np.reshape(x, (2, 1), order="F"),
        lambda x: np.exp(x, where=[True, False]),
        lambda x: np.multiply(x, x, dtype=np.float32),
        lambda x: np.concatenate([x, x], dtype=np.float32),
        np.subtract.reduce,
        lambda x: np.add.at(x, [0], x),
        lambda x: np.var(x, None, np.float32),
    ],
)
def test_unsupported_keyword_or_method_raises(call):
    with pytest.raises(UnsupportedError):
        call(param([1.0, 2.0]))


def test_shape_and_ndim_of_a_tensor_are_plain():
    x = param([[1.0, 2.0]])
    assert (np.shape(x), np.ndim(x)) == ((1, 2), 2)


@pytest.mark.parametrize("fn", [np.greater, np.less_equal, np.equal, np.not_equal, np.logical_and])
def test_comparisons_are_recorded_without_a_gradient(fn):
    x = param([1.0, 2.0])
    y = fn(x, 1.5)
    assert not y.requires_grad
    assert y.dtype == bool
    assert y.inputs[0] is x


def test_comparison_operators():
    x, a = param([1.0, 2.0]), np.array([1.0, 2.0])
    for got, expected in (
        (x > 1, a > 1),
        (x >= 2, a >= 2),
        (x < 2, a < 2),
        (x <= 1, a <= 1),
        (x == 1, a == 1),
        (x != 1, a != 1),
        (a > x, a > a.copy()),
        (a <= x, a <= a.copy()),
    ):
        np.testing.assert_array_equal(got.data, expected)


# --- NumPy's manners -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "fn",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: a @ b,
        lambda a, b: abs(a) ** b,
        np.maximum,
    ],
)
def test_array_and_tensor_meet_in_either_order(fn):
    a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[2.0, 0.5], [1.5, 1.0]])
    for x, y in ((param(a), b), (a, param(b)), (param(a), param(b))):
        got = fn(x, y)
        assert isinstance(got, mg.Tensor)
        assert got.requires_grad
        np.testing.assert_array_equal(got.data, fn(a, b))


@pytest.mark.parametrize("fn", [np.add, lambda a, b: a * b, lambda a, b: a @ b, lambda a, b: b - a])
@pytest.mark.parametrize("other", [[3.0, 4.0], (3, 4)])
def test_lists_are_operands(fn, other):
    x = param([1.0, 2.0])
    np.testing.assert_array_equal(fn(x, other).data, fn(x.data, np.array(other)))
    np.testing.assert_array_equal(fn(other, x).data, fn(np.array(other), x.data))


METHODS = [
    lambda x: x.sum(),
    lambda x: x.sum(axis=0),
    lambda x: x.sum(0, keepdims=True),
    lambda x: x.mean(-1),
    lambda x: x.max(1),
    lambda x: x.min(),
    lambda x: x.argmax(0),
    lambda x: x.argmin(),
    lambda x: x.any(),
    lambda x: x.all(axis=1),
    lambda x: x.reshape(3, 2),
    lambda x: x.reshape((3, -1)),
    lambda x: x.reshape(-1),
    lambda x: x.transpose(),
    lambda x: x.transpose(1, 0),
    lambda x: x.transpose((1, 0)),
    lambda x: x.T,
    lambda x: x.swapaxes(0, 1),
    lambda x: x[:1].squeeze(),
    lambda x: x.dot(x.T),
    lambda x: x.clip(0, 1),
    lambda x: x.clip(max=1),
    lambda x: x.astype(np.float32),
    lambda x: -x,
    lambda x: +x,
    abs,
    lambda x: next(iter(x)),
]


@pytest.mark.parametrize("method", METHODS)
def test_methods_are_numpys(method):
    a = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])
    got, expected = method(param(a)), method(a)
    assert isinstance(got, mg.Tensor)
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(got.data, expected)


def test_python_protocols():
    x = param([[1.0, 2.0], [3.0, 4.0]])
    assert (len(x), x.ndim, x.size, x.shape) == (2, 2, 4, (2, 2))
    assert (float(x[0, 1]), int(x[1, 0]), bool(x[0, 0] > 0)) == (2.0, 3, True)
    assert [r.data.tolist() for r in x] == [[1, 2], [3, 4]]
    assert len({x, x + 0, x}) == 2  # hashed by identity
    with pytest.raises(TypeError):
        len(x[0, 0])
