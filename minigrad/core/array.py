"""The arrays that the engine takes: plain, real, and read-only from then on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.errors import DTypeError, MinigradError
from minigrad.ops import op_name

Array = npt.NDArray[Any]
Method = Callable[..., Any]
REAL_KINDS = "fiub"
"""NumPy's letters for the dtypes that the engine carries: floating, integer, unsigned, boolean."""


def own(
    data: Array, name: str | None = None, requires_grad: bool = False, fn: Method | None = None
) -> Array:
    """Freeze an array that is ours; refuse the dtypes that the engine does not carry.

    ``name`` or ``fn`` is what the error calls it by; with ``requires_grad`` only floats pass.
    """
    kinds = "f" if requires_grad else REAL_KINDS
    if data.dtype.kind not in kinds:
        subject = op_name(fn) if fn else tensor_called(name)
        raise _dtype_refusal(subject, data.dtype)
    return frozen(data)


def tensor_called(name: str | None) -> str:
    """How an error calls a tensor that does not exist yet."""
    return f"tensor {name!r}" if name else "tensor"


def _dtype_refusal(subject: str, dtype: np.dtype[Any]) -> DTypeError:
    expected = "expected real numbers"
    remedy = ""
    if dtype.kind in "iub":
        expected = "a gradient needs a floating dtype"
        remedy = "Pass dtype=float"
    elif dtype.kind == "c":
        remedy = "Keep real and imaginary part as two Tensors"
    return DTypeError(subject, got=f"dtype {dtype}", expected=expected, remedy=remedy)


def plain(x: Array, subject: str = "tensor") -> Array:
    """An array in the machine's byte order, of no subclass whose operators mean something else."""
    remedy = ""
    if isinstance(x, np.ma.MaskedArray):
        remedy = "Pass .filled(value), and the mask apart"
    elif isinstance(x, np.matrix):
        remedy = "Pass np.asarray(m)"
    if remedy:
        got = f"a {type(x).__name__}"
        raise DTypeError(subject, got=got, expected="expected plain arrays", remedy=remedy)
    return np.asarray(x, x.dtype.newbyteorder("="))


def frozen(x: Any) -> Array:
    """x as a read-only array: itself, if it is one."""
    array: Array = x if type(x) is np.ndarray else np.asarray(x)
    # by position: by keyword it takes twice as long
    array.setflags(False)  # type: ignore[call-arg]
    return array


def constant(fn: Method, x: Any, operands: tuple[Any, ...]) -> Array:
    """A constant operand as our own array: a copy.

    Python numbers get the dtype that NumPy would give them among the other operands (NEP 50).
    """
    is_float = type(x) is float
    if is_float or type(x) is int:
        dtypes = [o.dtype for o in operands if hasattr(o, "dtype")]
        return frozen(np.array(x, _number_dtype(is_float, *dtypes)))
    return own(plain(np.array(x, subok=True)), fn=fn)


@functools.cache
def _number_dtype(is_float: bool, *dtypes: np.dtype[Any]) -> np.dtype[Any] | None:
    """The dtype of a Python number among operands of these dtypes."""
    if not dtypes:
        return None
    return np.result_type(*dtypes, 0.0 if is_float else 0)


def leaf_array(x: Any, dtype: npt.DTypeLike | None, name: str | None, requires_grad: bool) -> Array:
    """A copy of x as the array of a new leaf.

    Its dtype is the given one, else the one x carries, else float64.

    Raises DTypeError, which calls the leaf by its name.
    """
    subject = tensor_called(name)
    if x is None:
        raise DTypeError(subject, got="None")
    carried = getattr(x, "dtype", None)
    try:
        value = x.data if is_tensor(x) else x
        data = plain(np.array(value, dtype=dtype or carried, subok=True))
        if dtype is None and carried is None and data.dtype.kind in "iub":
            data = data.astype(np.float64)
    except MinigradError:
        raise
    except (TypeError, ValueError) as error:
        raise DTypeError(subject, got=str(error)) from None
    return own(data, name, requires_grad)


def is_tensor(x: Any) -> bool:
    """Whether x is a Tensor, for the files that stand below the class."""
    return hasattr(x, "requires_grad")
