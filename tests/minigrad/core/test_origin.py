"""Where a Tensor came from: line, step, name, scope, and the errors that say so."""

import re
import threading
from inspect import currentframe

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ShapeError
from tests.zoo import param


def line():
    """The number of the line that calls."""
    return currentframe().f_back.f_lineno


# --- where and when --------------------------------------------------------------------------------------------------
def test_origin_is_the_users_line():
    x, i = mg.tensor([1.0], requires_grad=True), line()
    y, j = np.tanh(x), line()
    z, k = mg.cross_entropy(np.stack([x, x], axis=1), [0]), line()
    w, n = x.sum(), line()
    assert [v.origin for v in (x, y, z, w)] == [f"test_origin.py:{m}" for m in (i, j, k, n)]


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
        f"(5). [t=3, test_origin.py:{n}]"
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
    assert re.search(r"\. \[test_origin\.py:\d+\]$", str(caught.value))
