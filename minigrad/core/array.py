"""The arrays that the engine takes: plain, real, and read-only from then on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.errors import DTypeError
from minigrad.ops import op_name

Array = npt.NDArray[Any]
Method = Callable[..., Any]


def own(
    data: Array, name: str | None = None, requires_grad: bool = False, fn: Method | None = None
) -> Array:
    """Freeze an array that is ours; refuse the dtypes the engine does not carry."""
    if data.dtype.kind not in ("f" if requires_grad else "fiub"):
        whole, is_complex = data.dtype.kind in "iub", data.dtype.kind == "c"
        raise DTypeError(
            op_name(fn) if fn else f"tensor {name!r}" if name else "tensor",
            got=f"dtype {data.dtype}",
            expected="a gradient needs a floating dtype" if whole else "expected real numbers",
            remedy="Pass dtype=float"
            if whole
            else "Keep real and imaginary part as two Tensors"
            if is_complex
            else "",
        )
    return frozen(data)


def plain(x: Array) -> Array:
    """An array in the machine's byte order and of no subclass that means something else by its operators."""
    if isinstance(x, (np.ma.MaskedArray, np.matrix)):
        remedy = (
            "Pass .filled(value), and the mask apart"
            if isinstance(x, np.ma.MaskedArray)
            else "Pass np.asarray(m)"
        )
        raise DTypeError(
            "tensor", got=f"a {type(x).__name__}", expected="expected plain arrays", remedy=remedy
        )
    return np.asarray(x, x.dtype.newbyteorder("="))


def frozen(x: Any) -> Array:
    """x as a read-only array: itself, if it is one."""
    array: Array = x if type(x) is np.ndarray else np.asarray(x)
    array.setflags(False)  # type: ignore[call-arg]  # by keyword it takes twice as long
    return array


def constant(fn: Method, x: Any, operands: tuple[Any, ...]) -> Array:
    """A constant operand as our own array: a copy; Python numbers in the dtype that NumPy would give them (NEP 50)."""
    real = type(x) is float
    if real or type(x) is int:
        return frozen(
            np.array(x, _joined(real, *[o.dtype for o in operands if hasattr(o, "dtype")]))
        )
    return own(plain(np.array(x, subok=True)), fn=fn)


@functools.cache
def _joined(real: bool, *dtypes: np.dtype[Any]) -> np.dtype[Any] | None:
    """The dtype of a Python number, real or whole, among operands of these dtypes."""
    return np.result_type(*dtypes, 0.0 if real else 0) if dtypes else None
