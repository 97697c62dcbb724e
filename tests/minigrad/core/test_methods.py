"""Methods and operators of Tensors are those of arrays."""

import inspect
import operator
import pydoc

import numpy as np
import pytest

import minigrad as mg
from tests.zoo import param

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
    w = param([1.0, 2.0])
    x = w + 1
    x *= w
    x **= 2
    np.sum(x).backward()
    np.testing.assert_array_equal(w.data, [1, 2])
    np.testing.assert_allclose(w.grad, [12, 60])


PUBLIC = [
    name
    for name, value in vars(mg.Tensor).items()
    if callable(value)
    and (not name.startswith("_") or name in ("__add__", "__rmatmul__", "__gt__"))
]


@pytest.mark.parametrize("name", PUBLIC)
def test_a_method_knows_its_name_and_says_what_it_does(name):
    method = getattr(mg.Tensor, name)
    assert next(iter(inspect.signature(method).parameters)) == "self"
    assert method.__name__ == name
    assert len(method.__doc__) > len(name)
    assert "<lambda>" not in pydoc.render_doc(method)
