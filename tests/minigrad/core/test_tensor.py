"""Tensor: what it never changes, and what it does with dtypes."""

import contextlib
import functools
import operator
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import DTypeError, GradientError, ShapeError, StaleTapeError, UnsupportedError
from minigrad.transforms import cut, differentiate
from tests.zoo import param


def grad_of(y, x):
    return mg.grad(np.sum(y), [x])[0].data


# --- nothing changes behind the tape's back ---------------------------------------------------------------------------
def test_the_source_array_is_copied():
    source = np.array([1.0, 2.0])
    x = param(source)
    y = x * x
    source[:] = 100
    np.testing.assert_array_equal(x.data, [1, 2])
    np.testing.assert_array_equal(grad_of(y, x), [2, 4])


MUTABLE = [  # an operand, a function that reads it, and the gradient at x = [1, 2]
    ("factor", np.array([3.0, 5.0]), lambda x, a: x * a, [3, 5]),
    ("left factor", np.array([3.0, 5.0]), lambda x, a: a @ x, [3, 5]),
    ("list", [3.0, 5.0], lambda x, a: x * a, [3, 5]),
    ("condition", np.array([True, False]), lambda x, a: np.where(a, x, 0.0), [1, 0]),
    ("index", np.array([1, 1]), lambda x, a: x[a], [0, 2]),
    ("list index", [1, 1], lambda x, a: x[a], [0, 2]),
    ("index in a tuple", np.array([1, 1]), lambda x, a: x[..., a], [0, 2]),
    ("mask", np.array([True, False]), lambda x, a: x[a], [1, 0]),
    ("indices", np.array([1, 1]), lambda x, a: np.take_along_axis(x, a, 0), [0, 2]),
    (
        "targets",
        np.array([1, 1]),
        lambda x, a: 2 * mg.cross_entropy(np.stack([x * 0, x * 0]) + x * [[1], [0]], a),
        np.exp([1, 2]) / np.sum(np.exp([1, 2])) - [0, 1],
    ),
    ("scale", np.array([3.0, 5.0]), mg.scale_grad, [3, 5]),
    ("order of the axes", [1, 0], lambda x, a: np.transpose(x * [[3.0], [5.0]], a)[0], [8, 0]),
]


@pytest.mark.parametrize(
    ("a", "fn", "expected"), [m[1:] for m in MUTABLE], ids=[m[0] for m in MUTABLE]
)
def test_an_operand_changed_after_use_has_no_effect(a, fn, expected):
    x = param([1.0, 2.0])
    y = fn(x, a)
    value = y.numpy()
    a[0], a[1] = type(a[0])(0), type(a[1])(0) if a[1] else type(a[1])(1)
    np.testing.assert_array_equal(y.data, value)
    np.testing.assert_allclose(grad_of(y, x), expected, rtol=1e-14)


@pytest.mark.parametrize("make", [lambda x: x, lambda x: x * 2, lambda x: x[:1], mg.detach, np.sum])
def test_values_are_read_only(make):
    with pytest.raises(ValueError, match="read-only"):
        make(param([1.0, 2.0])).data[...] = 0


def test_gradients_are_read_only():
    x = param([1.0, 2.0])
    np.sum(x + x).backward()
    with pytest.raises(ValueError, match="read-only"):
        x.grad[0] = 0


def test_numpy_and_item_give_the_user_their_own():
    x = param([1.0, 2.0])
    x.numpy()[:] = 0
    np.testing.assert_array_equal(x.data, [1, 2])
    assert type(x[0].item()) is float


def test_item_assignment_explains_itself():
    x = param([1.0, 2.0], "x")
    expected = "item assignment: 'x' is read-only; build the new value with np.where, np.concatenate or np.stack"
    with pytest.raises(UnsupportedError, match=re.escape(expected)):
        x[0] = 1.0


def test_augmented_assignment_rebinds():
    x = param([1.0, 2.0])
    y = x + 1
    before = y
    y *= x
    total = mg.tensor(0.0)
    total += np.sum(y)
    assert y is not before
    np.testing.assert_array_equal(grad_of(total, x), [3, 5])


AUGMENTED = [
    operator.iadd,
    operator.isub,
    operator.imul,
    operator.itruediv,
    operator.imatmul,
    operator.ipow,
    operator.imod,
    operator.ifloordiv,
    operator.iand,
    operator.ior,
    operator.ixor,
]


@pytest.mark.parametrize("op", AUGMENTED)
@pytest.mark.parametrize("scope", [contextlib.nullcontext, mg.no_grad])
def test_augmented_assignment_to_a_parameter_is_refused(op, scope):
    """Whoever writes W -= lr * g, under no_grad or not, would train nothing."""
    W = param(np.eye(2), "W")
    with scope(), pytest.raises(UnsupportedError, match=r"'W' is a parameter.*assign"):
        op(W, np.eye(2))
    np.testing.assert_array_equal(W.data, np.eye(2))


@pytest.mark.parametrize("op", AUGMENTED)
def test_augmented_assignment_to_a_leaf_without_a_gradient_is_the_operator(op):
    a = np.array([[True, False], [False, True]]) if op in AUGMENTED[-3:] else np.eye(2) + 1
    plain = getattr(operator, op.__name__.replace("i", "", 1), None) or operator.and_
    plain = {operator.iand: operator.and_, operator.ior: operator.or_}.get(op, plain)
    np.testing.assert_array_equal(op(mg.tensor(a), a).data, plain(a, a))


def test_a_result_is_not_written_into_an_array():
    a, x = np.ones(2), param([1.0, 2.0])
    with pytest.raises(UnsupportedError, match="out"):
        a += x
    with pytest.raises(UnsupportedError, match="out"):
        np.add(x, 1, out=a)
    np.testing.assert_array_equal(a, [1, 1])


def test_assign_changes_leaves_only_and_keeps_shape_and_dtype():
    x = param(np.float32([1, 2]), "x")
    x.assign([3, 4])
    assert (x.data.tolist(), x.dtype) == ([3, 4], np.float32)
    with pytest.raises(ValueError, match="read-only"):
        x.data[0] = 0
    with pytest.raises(ShapeError, match=re.escape("'x' is (2,), the new value (3,)")):
        x.assign([1, 2, 3])
    with pytest.raises(GradientError, match="result of multiply"):
        (x * 2).assign([1, 2])


def repeatedly(fn, x):
    """2^40 ways from the end back to x."""
    return functools.reduce(lambda y, _: fn(y, y), range(40), x)


def test_assign_writes_into_the_leafs_own_array():
    x = param([1.0, 2.0], "x")
    array, view, kept, apart, w = (
        x.data,
        x.data[:1],
        x.numpy(),
        x.detach(),
        mg.tensor(x, requires_grad=True),
    )
    with mg.no_grad():
        frozen = [x[:1], mg.detach(x), x.reshape(2, 1), +x]
    g, h = mg.grad((x + (y := param([0.0, 0.0]))).sum(), [x, y])
    x.assign(x.data[::-1] * 3)
    assert x.data is array
    assert (array.tolist(), view.tolist(), array.flags.writeable) == ([6, 3], [6], False)
    assert [kept.tolist(), apart.data.tolist(), w.data.tolist()] == [[1, 2]] * 3
    assert [np.ravel(f.data).tolist() for f in frozen] == [[1], [1, 2], [1, 2], [1, 2]]
    g.assign([5.0, 5.0])
    assert h.data.tolist() == [1, 1]


@pytest.mark.parametrize(
    "view",
    [
        lambda w: w.T,
        lambda w: w[0],
        lambda w: w.reshape(4),
        lambda w: mg.detach(w.T),
        lambda w: mg.clip_grad(w, 1.0)[1:],
        lambda w: np.broadcast_to(w, (3, 2, 2)).T,
        lambda w: repeatedly(mg.scale_grad, w),
    ],
)
@pytest.mark.parametrize(
    "go",
    [
        lambda loss, x: loss.backward(),
        lambda loss, x: mg.grad(loss, [x]),
        lambda loss, x: differentiate(mg.Tape.of(loss)),
        lambda loss, x: cut(mg.Tape.of(loss), lambda e: True),
    ],
)
def test_who_read_a_view_of_an_assigned_leaf_is_stale(view, go):
    """Even where only the gradient of the other factor is wanted, which the new value would make wrong."""
    w, x = param([[1.0, 2.0], [3.0, 4.0]], "w"), param(2.0, "x")
    loss = np.sum(view(w) * x)
    w.assign(w.data + 1)
    with pytest.raises(
        StaleTapeError, match=r"'w' was assigned a new value after '[a-z_]+' read it"
    ):
        go(loss, x)
    assert x.grad is None
    np.sum(view(w) * x).backward()
    assert x.grad == np.sum(view(w).data)


def test_what_was_computed_from_a_leaf_does_not_change_with_it():
    w = param([1.0, 2.0])
    y = w * 1
    z = np.sum(y * y)
    w.assign([7.0, 7.0])
    assert (z.item(), y.data.tolist()) == (5, [1, 2])


def test_detached_tensor_is_a_leaf_with_the_same_value():
    y = (param([1.0, 2.0]) * 2).named("y")
    d = y.detach()
    assert (d.fn, d.inputs, d.requires_grad, d.name) == (None, (), False, "y")
    np.testing.assert_array_equal(d.data, y.data)


# --- dtypes ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("x", "dtype", "expected"),
    [
        (1, None, "int64"),
        ([1, 2], None, "int64"),
        ([1, 2.0], None, "float64"),
        ([], None, "float64"),
        (np.array([1, 2]), None, "int64"),
        (True, None, "bool"),
        ([[True], [False]], None, "bool"),
        (np.float32(1), None, "float32"),
        (np.array([True]), None, "bool"),
        ([1, 2], np.float32, "float32"),
        (np.array([1.0]), np.float32, "float32"),
        (mg.tensor([1.0], dtype=np.float16), None, "float16"),
    ],
)
def test_dtype_is_given_or_numpys(x, dtype, expected):
    assert mg.tensor(x, dtype=dtype).dtype == expected


numbers = st.sampled_from([2, 2.5, -1, 0.1])


binary = st.sampled_from([np.add, np.subtract, np.multiply, np.divide, np.maximum, np.power])


@given(binary, numbers, st.booleans(), st.sampled_from(["float32", "float64", "int64", "float16"]))
def test_python_numbers_do_not_promote(fn, number, left, dtype):
    array = np.array([1, 2], dtype)
    if dtype == "int64" and fn is np.power:
        number = 2.5  # NumPy refuses integers to negative integer powers
    args = (number, array) if left else (array, number)
    expected = fn(*args)
    got = fn(*(mg.tensor(a) if a is array else a for a in args))
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got.data, expected)


@pytest.mark.parametrize(
    "fn", [np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal]
)
def test_python_numbers_compare_as_numpy_does(fn):
    x = np.float32([0.1, 0.2])
    for a, b in ((x, 0.1), (0.1, x), (x, 0.2)):
        got = fn(*(mg.tensor(v) if v is x else v for v in (a, b)))
        np.testing.assert_array_equal(got.data, fn(a, b))


def test_integer_gradient_is_refused_by_name():
    message = "tensor 'n': dtype int64; a gradient needs a floating dtype. Pass dtype=float. ["
    with pytest.raises(DTypeError, match=re.escape(message)):
        param(np.array([1, 2]), "n")
    assert param(np.array([1, 2]), "n", dtype=float).dtype == np.float64


@pytest.mark.parametrize("x", [np.array([1j]), 1j, [1 + 2j], np.array(["a"]), np.array([None])])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_what_is_not_real_is_refused_by_name(x, requires_grad):
    with pytest.raises(DTypeError, match="tensor 'z'"):
        mg.tensor(x, requires_grad=requires_grad, name="z")


def test_complex_operand_is_refused():
    with pytest.raises(DTypeError, match="complex128"):
        param([1.0]) * 1j
