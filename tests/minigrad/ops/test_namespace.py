"""Every public function of NumPy, called with Tensors: right result and gradient, or our error; no gradient is lost.

The functions come from NumPy's own namespaces, so that a new release is covered on the day it is installed.
"""

import types
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import MinigradError
from minigrad.ops.numeric.spectrum import Spectrum

NO_FUNCTIONS_OF_ARRAYS = {
    "test": "runs a test suite",
    "empty_like": "has no values to compare",
    "frombuffer": "is refused by Python: a Tensor is no buffer",
    "mintypecode": "takes type codes",
    "fromstring": "takes text",
    "bmat": "gives None for what is no list, array or string",
    "set_printoptions": "changes the process",
    "setbufsize": "changes the process",
    "seterr": "changes the process",
    "seterrcall": "changes the process",
    "info": "prints help",
    "show_config": "prints",
    "show_runtime": "prints",
}


def functions():
    for space in (np, np.linalg, np.fft):
        for name in dir(space):
            fn = getattr(space, name)
            public = (
                not name.startswith("_")
                and callable(fn)
                and not isinstance(fn, (type, types.ModuleType))
            )
            if public and name not in NO_FUNCTIONS_OF_ARRAYS:
                yield pytest.param(fn, id=f"{space.__name__}.{name}")


UFUNCS = sorted(
    {fn for fn in vars(np).values() if isinstance(fn, np.ufunc)}, key=lambda fn: fn.__name__
)
METHODS = [
    pytest.param(fn, m, id=f"{fn.__name__}.{m}")
    for fn in UFUNCS
    for m in ("reduce", "accumulate", "outer", "reduceat", "at")
]

S = np.array(0.7)
V, U = np.array([0.91, 0.32, 0.63, 0.47]), np.array([0.22, 0.83, 0.56, 0.37])
M = np.array([[2.1, 0.31, 0.42], [0.28, 1.7, 0.23], [0.37, 0.19, 1.3]])
N = M + np.arange(1, 10).reshape(3, 3) / 51
LOWER = {
    np.linalg.cholesky,
    np.linalg.eigh,
    np.linalg.eigvalsh,
}  # read one triangle of a symmetric matrix
# How to call: given a function that makes an operand of an array, the arguments
CALLS = [
    lambda t: ((t(S),), {}),
    lambda t: ((t(V),), {}),
    lambda t: ((t(M),), {}),
    lambda t: ((t(S), t(S * 0.45)), {}),
    lambda t: ((t(V), t(U)), {}),
    lambda t: ((t(M), t(N)), {}),
    lambda t: ((t(M), t(V[:3])), {}),
    lambda t: ((V.copy(), t(U)), {}),
    lambda t: ((t(V), U.copy()), {}),
    lambda t: ((t(V), 2), {}),
    lambda t: ((t(M), 1), {}),
    lambda t: ((t(M), 1, 0), {}),
    lambda t: ((t(M), (1, 0)), {}),
    lambda t: ((t(V), [0, 2]), {}),
    lambda t: ((t(M),), {"axis": 0}),
    lambda t: ((t(M),), {"axis": -1, "keepdims": True}),
    lambda t: (([t(V), t(U)],), {}),
    lambda t: (([t(M), N],), {"axis": 1}),
    lambda t: ((t(V), t(U), t(V * U)), {}),
    lambda t: ((V > 0.5, t(V), t(U)), {}),
    lambda t: ((V > 0.5, t(V)), {}),
    lambda t: ((V.copy(), [0, 1, 2, 3], t(U)), {}),
    lambda t: ((M.copy(), t(V[:3])), {}),
    lambda t: ((V.copy(), V > 0.5, t(U)), {}),
    lambda t: (([V > 0.5, V <= 0.5], [t(V), t(U)]), {}),
    lambda t: (("ij,jk", t(M), t(N)), {}),
    lambda t: ((np.max, 0, t(M)), {}),
    lambda t: ((3, t(V)), {}),
    lambda t: (((4,), t(S)), {}),
    lambda t: ((t(S), t(S * 3.2), 4), {}),
    lambda t: ((t(V), np.arange(4)), {}),
]


def bare(x):
    if isinstance(x, mg.Tensor):
        return x.data
    return [bare(i) for i in x] if isinstance(x, (list, tuple)) else x


def floats(x):
    """The floating arrays in a result, Tensors as they are; what is complex as two of them."""
    if isinstance(x, Spectrum) or (isinstance(x, (np.ndarray, complex)) and np.iscomplexobj(x)):
        return [x.real, x.imag]
    if isinstance(x, (list, tuple)):
        return [f for i in x for f in floats(i)]
    if isinstance(x, (mg.Tensor, np.ndarray, np.generic, float)):
        return [x] if np.asarray(bare(x)).dtype.kind == "f" else []
    return []


def weighted(arrays):
    return sum(np.sum(np.cos(np.arange(np.size(a))).reshape(np.shape(a)) * a) for a in arrays)


def attempt(fn, call, operand):
    """The result of a call, whatever it warns of."""
    args, kwargs = call(operand)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fn(*args, **kwargs)


def plain(x):
    x = np.copy(x)
    x.setflags(write=False)
    return x


def check(fn, call):
    operands = []

    def recorded(x):
        operands.append(mg.tensor(x, requires_grad=True))
        return operands[-1]

    try:
        wanted = floats(attempt(fn, call, plain))
    except Exception:  # of any kind: what NumPy refuses is not ours to get right
        return
    args, kwargs = call(recorded)
    given = [a.copy() if isinstance(a, np.ndarray) else None for a in args]
    try:
        got = attempt(fn, lambda _: (args, kwargs), recorded)
    except MinigradError:
        return
    for a, was in zip(args, given, strict=True):
        assert was is None or np.array_equal(a, was), (
            "an array was changed in place: the gradient is lost"
        )
    shown = floats(got)
    assert len(shown) == len(wanted)
    for a, b in zip(shown, wanted, strict=True):
        np.testing.assert_allclose(bare(a), b, rtol=1e-12, atol=1e-12)
    grads = [np.zeros(x.shape) for x in operands]
    tracked = [isinstance(a, mg.Tensor) and a.requires_grad for a in shown]
    if not operands or not shown or not all(np.all(np.isfinite(a)) for a in wanted):
        return  # outside the domain
    if any(tracked):
        with np.errstate(all="ignore"):
            total = weighted([a for a, has in zip(shown, tracked, strict=True) if has])
            # the zeros of an operand that is not used are held to the slope too
            found = mg.grad(total, operands, allow_unused=True)
        grads = [g.data for g in found]
    for k, g in enumerate(grads):
        expected = slopes(fn, call, k, tracked)
        expected = (expected + expected.T) / 2 if fn in LOWER else expected
        np.testing.assert_allclose(g, expected, rtol=1e-5, atol=1e-6)


def slopes(fn, call, k, tracked):
    """Central differences with respect to operand k; what is not tracked must not depend on it at all."""
    shape = []

    def moved(i, by):
        count = iter(range(99))

        def nudged(x):
            x = np.copy(x)
            if next(count) == k:
                shape[:] = [x.shape]
                x[i] += by
            return plain(x)

        return floats(attempt(fn, call, nudged))

    moved(..., 0.0)
    found = np.zeros(shape[0])
    for i in np.ndindex(shape[0]):
        up, down = moved(i, 1e-6), moved(i, -1e-6)
        for a, b, has in zip(up, down, tracked, strict=True):
            if not has:
                np.testing.assert_array_equal(
                    a, b, err_msg="a result that depends on a Tensor is not a Tensor"
                )
        found[i] = (
            sum(
                np.sum(np.cos(np.arange(np.size(a))).reshape(np.shape(a)) * (np.asarray(a) - b))
                for a, b, has in zip(up, down, tracked, strict=True)
                if has
            )
            / 2e-6
        )
    return found


@pytest.mark.parametrize("fn", list(functions()))
def test_no_function_loses_a_gradient(fn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # np.save is a function of arrays too
    for call in CALLS:
        check(fn, call)


@pytest.mark.parametrize(("fn", "method"), METHODS)
def test_no_ufunc_method_loses_a_gradient(fn, method):
    for call in CALLS:
        check(getattr(fn, method), call)
