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
        from .long_refusals import no_real_numbers

        subject = op_name(fn) if fn else tensor_called(name)
        raise no_real_numbers(subject, data.dtype)
    return frozen(data)


def tensor_called(name: str | None) -> str:
    """How an error calls a tensor that does not exist yet."""
    return f"tensor {name!r}" if name else "tensor"


def plain(x: Array, subject: str = "tensor") -> Array:
    """An array in the machine's byte order, of no subclass whose operators mean something else."""
    if isinstance(x, (np.ma.MaskedArray, np.matrix)):
        from .long_refusals import no_plain_array

        raise no_plain_array(subject, x)
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
    try:
        array = np.array(x, subok=True)
    except RuntimeError as error:
        # an array of PyTorch's that needs a gradient
        raise DTypeError(op_name(fn), got=str(error)) from None
    return own(plain(array), fn=fn)


@functools.cache
def _number_dtype(is_float: bool, *dtypes: np.dtype[Any]) -> np.dtype[Any] | None:
    """The dtype of a Python number among operands of these dtypes."""
    if not dtypes:
        return None
    return np.result_type(*dtypes, 0.0 if is_float else 0)


def leaf_array(x: Any, dtype: npt.DTypeLike | None, name: str | None, requires_grad: bool) -> Array:
    """A copy of x as the array of a new leaf.

    Its dtype is the given one, else NumPy's; Python's whole numbers become float64 for a gradient.

    Raises DTypeError, which calls the leaf by its name.
    """
    subject = tensor_called(name)
    if x is None:
        raise DTypeError(subject, got="None")
    value = x.data if is_tensor(x) else x
    if hasattr(x, "__dlpack__") and not hasattr(x, "__array__"):
        value = np.from_dlpack(x)
    try:
        data = plain(np.array(value, dtype=dtype, subok=True))
    except MinigradError:
        raise
    except (TypeError, ValueError, RuntimeError) as error:
        from .long_refusals import no_array

        raise no_array(subject, x, error) from None
    if requires_grad and dtype is None and not hasattr(x, "dtype") and data.dtype.kind in "iub":
        data = data.astype(np.float64)
    return own(data, name, requires_grad)


def is_tensor(x: Any) -> bool:
    """Whether x is a Tensor, for the files that stand below the class."""
    return hasattr(x, "requires_grad")
