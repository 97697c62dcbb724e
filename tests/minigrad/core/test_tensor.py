"""Tensor: what it refuses, what it never changes, and what it knows of where it came from."""

import functools
import operator
import re
import threading
from inspect import currentframe

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import DTypeError, GradientError, ShapeError, StaleTapeError, UnsupportedError
from minigrad.transforms import cut, differentiate


def line():
    """The number of the line that calls."""
    return currentframe().f_back.f_lineno


def param(x, name=None, **kw):
    return mg.tensor(x, requires_grad=True, name=name, **kw)


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
    x = y = param([1.0, 2.0])
    y += 1
    y *= x
    assert y is not x
    np.testing.assert_array_equal(x.data, [1, 2])
    np.testing.assert_array_equal(grad_of(y, x), [3, 5])


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
    array, view, kept, apart, w = x.data, x.data[:1], x.numpy(), x.detach(), mg.tensor(x)
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
        (1, None, "float64"),
        ([1, 2], None, "float64"),
        (np.array([1, 2]), None, "int64"),
        (True, None, "float64"),
        (np.float32(1), None, "float32"),
        (np.array([True]), None, "bool"),
        ([1, 2], np.float32, "float32"),
        (np.array([1.0]), np.float32, "float32"),
        (mg.tensor([1.0], dtype=np.float16), None, "float16"),
    ],
)
def test_dtype_is_given_or_carried_or_float64(x, dtype, expected):
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


UNSUPPORTED = [
    np.fft.fft,
    lambda x: np.linalg.qr(
        np.stack([x, x]) if isinstance(x, np.ndarray) else np.reshape(x, (2, 1))
    )[0],
    np.unwrap,
    np.nanmedian,
    lambda x: np.nanmax(x, axis=0),
    np.logaddexp.reduce,
    lambda x: np.add.reduceat(x, [0]),
]


@pytest.mark.parametrize("fn", UNSUPPORTED)
def test_unsupported_function_raises_where_a_gradient_is_needed(fn):
    with pytest.raises(
        UnsupportedError, match="needs a gradient and minigrad cannot differentiate this function"
    ):
        fn(param([1.0, 2.0], "x"))


@pytest.mark.parametrize("fn", [np.fft.fft, np.unwrap, np.nanmax, np.nanmedian, np.subtract.reduce])
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
        lambda x: np.einsum(x, [0], x, [0]),
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


# --- where and when --------------------------------------------------------------------------------------------------
def test_origin_is_the_users_line():
    x, i = mg.tensor([1.0], requires_grad=True), line()
    y, j = np.tanh(x), line()
    z, k = mg.cross_entropy(np.stack([x, x], axis=1), [0]), line()
    w, n = x.sum(), line()
    assert [v.origin for v in (x, y, z, w)] == [f"test_tensor.py:{m}" for m in (i, j, k, n)]


def test_timestep_stamps_and_nests():
    x = param([1.0])
    with mg.timestep(1):
        a = x * 2
        with mg.timestep(5):
            b = a * 2
        c = mg.tensor(1.0)
        with pytest.raises(ZeroDivisionError), mg.timestep(7):
            1 / 0
        d = b * 2
    assert [v.time for v in (x, a, b, c, d, a * 2)] == [None, 1, 5, 1, 1, None]
    assert [v.label for v in (x, a, b, d)] == [
        "parameter",
        "multiply@1",
        "multiply@5",
        "multiply@1",
    ]
    assert a.where == f"t=1, {a.origin}"


def test_names():
    x = param([1.0], "x")
    y = (x * 2).named("y")
    assert (x.label, y.label, (y + 1).label) == ("x", "y", "add")
    assert repr(x) == "tensor([1.], name='x', requires_grad=True)"
    assert repr(y) == f"tensor([2.], name='y', by multiply [{y.origin}])"
    assert repr(mg.tensor(np.zeros((3, 4)))) == "tensor(float64[3, 4])"


def test_no_grad_gives_leaves():
    x = param([1.0, 2.0])
    with mg.no_grad():
        y = x * 2
    assert (y.fn, y.inputs, y.requires_grad) == (None, (), False)
    np.testing.assert_array_equal(y.data, [2, 4])
    assert (x * 2).requires_grad


def test_threads_do_not_see_each_others_scopes():
    x, seen, inside, done = param([1.0]), {}, threading.Event(), threading.Event()

    def other():
        inside.wait(10)
        y = x * 2
        seen["other"] = (y.time, y.requires_grad)
        with mg.timestep(9):
            seen["inner"] = (x * 2).time
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with mg.timestep(3), mg.no_grad():
        inside.set()
        assert done.wait(10)
        y = x * 2
        seen["main"] = y.requires_grad
    with mg.timestep(4):
        seen["after"] = (x * 2).time
    thread.join()
    assert seen == {"other": (None, True), "inner": 9, "main": False, "after": 4}


# --- errors are sentences --------------------------------------------------------------------------------------------
def test_matmul_mismatch():
    h, W = param(np.ones((1, 4)), "h_3"), param(np.ones((5, 5)), "W_hh")
    with mg.timestep(3), pytest.raises(ShapeError) as caught:
        h @ W
    n = caught.traceback[0].lineno + 1
    assert str(caught.value) == (
        "matmul: 'h_3' is (1, 4) and 'W_hh' is (5, 5); the last axis of the first (4) must equal the second's first "
        f"(5). [t=3, test_tensor.py:{n}]"
    )


REFUSED = [
    (
        lambda x: x @ np.ones((2, 4, 2)),
        "matmul: 'x' is (2, 3) and 'constant' is (2, 4, 2); the last axis of the first "
        "(3) must equal the second's second-to-last (4).",
    ),
    (
        lambda x: x + np.ones(2),
        "add: 'x' is (2, 3) and 'constant' is (2,); operands could not be broadcast together",
    ),
    (
        lambda x: np.reshape(x, (4, 2)),
        "reshape(shape=(4, 2)): 'x' is (2, 3); cannot reshape array of size 6",
    ),
    (lambda x: x[5], "getitem(index=(5,)): 'x' is (2, 3); index 5 is out of bounds"),
    (lambda x: np.sum(x, axis=4), "sum(axis=4): 'x' is (2, 3); axis 4 is out of bounds"),
    (
        lambda x: np.concatenate([x, x[0]]),
        "concatenate(axis=0): 'x' is (2, 3) and 'getitem' is (3,); ",
    ),
    (
        lambda x: np.einsum("ij,jk->ik", x, x),
        "einsum(subscripts='ij,jk->ik'): 'x' is (2, 3) and 'x' is (2, 3); ",
    ),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_refusals_name_operands_shapes_and_place(call, message):
    with pytest.raises(ShapeError, match=re.escape(message)) as caught:
        call(param(np.ones((2, 3)), "x"))
    assert re.search(r"\. \[test_tensor\.py:\d+\]$", str(caught.value))


# --- methods and operators are NumPy's ------------------------------------------------------------------------------
ARGUMENTS = {
    "clip": (0.5, 2.5),
    "repeat": (2,),
    "take": ([1, 0],),
    "dot": (np.arange(9.0).reshape(3, 3),),
    "round": (1,),
    "swapaxes": (0, 1),
    "reshape": (-1,),
    "searchsorted": ([1.5],),
    "astype": (np.float32,),
}
SHARED = [name for name in dir(np.ndarray) if not name.startswith("_") and hasattr(mg.Tensor, name)]


@pytest.mark.parametrize("name", [name for name in SHARED if name not in ("data", "item", "dtype")])
def test_a_method_is_that_of_arrays(name):
    x = (
        np.array([1.0, 2.0, 3.0])
        if name == "searchsorted"
        else np.linspace(0.1, 3, 9).reshape(3, 3)
    )
    ours, numpys = (getattr(a, name) for a in (param(x), x))
    if callable(numpys):
        ours, numpys = ours(*ARGUMENTS.get(name, ())), numpys(*ARGUMENTS.get(name, ()))
    np.testing.assert_allclose(
        ours.data if isinstance(ours, mg.Tensor) else ours, numpys, rtol=1e-14
    )


OPERATORS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
    operator.matmul,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.eq,
    operator.ne,
]


OTHERS = [np.full((2, 2), 1.5), 2.0, 2, [[1.0, 2.0], [3.0, 0.5]], np.float32(2), np.arange(1, 3)]


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
@pytest.mark.parametrize("other", OTHERS)
def test_an_operator_is_that_of_arrays_on_either_side(op, other):
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    if op is operator.matmul and np.ndim(other) == 0:
        return
    for ours, numpys in ((op(param(x), other), op(x, other)), (op(other, param(x)), op(other, x))):
        np.testing.assert_array_equal(ours.data, numpys, strict=True)


@pytest.mark.parametrize("op", [operator.and_, operator.or_, operator.xor])
def test_logical_operators_of_conditions(op):
    x = param([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(op(x > 1.5, ~(x < 2.5)).data, op(x.data > 1.5, ~(x.data < 2.5)))


def test_rebinding_a_name_with_an_operator_is_fine():
    w = x = param([1.0, 2.0])
    x += 1
    x *= w
    x **= 2
    np.sum(x).backward()
    np.testing.assert_array_equal(w.data, [1, 2])
    np.testing.assert_allclose(w.grad, [12, 60])
