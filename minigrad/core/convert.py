"""Reading a Tensor's value into Python: numbers, text, plain arrays, copies. What decides by it leaves its mark.

These functions are methods of Tensor: METHODS says which.
"""

from __future__ import annotations

import operator
import sys
from typing import Any

import numpy as np

from minigrad.companions import bundle
from minigrad.errors import UnsupportedError
from minigrad.source import stores_into_an_item

from .peeks import look
from .tensor import Tensor, tensor


def item(x: Tensor, *index: Any) -> Any:
    """The one number in it, or the one at an index, as Python's."""
    look(x)
    return x._array.item(*index)


def pickled(x: Tensor) -> tuple[Any, ...]:
    """Pickled and copied, a leaf is a new leaf: serials mean nothing in another process."""
    if x.fn is not None:
        got = f"'{x.label}' is a result of {x.op}"
        raise UnsupportedError(
            "pickle or copy", got=got, expected="only leaves can be", remedy="Take .numpy()"
        )
    return tensor, (x._array, x.requires_grad, x.name)


def shown(x: Tensor) -> str:
    """``tensor([1., 2.], name='x')``; a large value by dtype and shape."""
    text = np.array2string(x._array, precision=4, separator=", ") if x.size <= 8 else ""
    value = " ".join(text.split()) or f"{x.dtype}{list(x.shape)}"
    label = f", name={x.name!r}" if x.name else ""
    made = f", by {x.op} [{x.where}]" if x.fn else ", requires_grad=True" if x.requires_grad else ""
    return f"tensor({value}{label}{made})"


def in_notebook(x: Tensor, **_: Any) -> dict[str, str]:
    """In a notebook: the value, and the picture of how it came to be."""
    return bundle(x, repr(x)) if x.fn else {"text/plain": repr(x)}


def as_array(x: Tensor, dtype: Any = None, copy: bool | None = None) -> Any:
    """np.asarray: refused where it would lose a gradient."""
    if x.requires_grad:
        got = f"'{x.label}' needs a gradient, which a plain array would drop"
        expected = "use np.stack to join Tensors, and .data or .numpy() for the bare value"
        raise UnsupportedError("np.asarray", got=got, expected=expected)
    look(x)
    return np.array(x._array, dtype=dtype, copy=copy)


def refuse_item(x: Tensor, index: Any, value: Any) -> None:
    """``x[i] = value``: there is no such thing."""
    got = f"'{x.label}' is read-only"
    expected = (
        "build the new value with np.where, np.concatenate or np.stack, or assign() a whole leaf"
    )
    raise UnsupportedError("item assignment", got=got, expected=expected)


def as_bool(x: Tensor) -> bool:
    """``if x``."""
    look(x)
    return bool(x._array)


def formatted(x: Tensor, spec: str) -> str:
    """``f"{x:.2f}"``."""
    return format(x.item(), spec) if x.size == 1 and spec else str(x)


def as_float(x: Tensor) -> float:
    """``float(x)``, which ``a[i] = x`` asks for too."""
    if x.requires_grad and stores_into_an_item(sys._getframe(1)):
        got = f"'{x.label}' needs a gradient, which a plain array would drop"
        raise UnsupportedError(
            "a[i] = t", got=got, expected="collect Tensors in a list and np.stack them"
        )
    look(x)
    return float(x._array)


def as_int(x: Tensor) -> int:
    """``int(x)``."""
    look(x)
    return int(x._array)


def as_index(x: Tensor) -> int:
    """x as an index or a length."""
    look(x)
    return operator.index(x._array)


def contains(x: Tensor, value: Any) -> bool:
    """``value in x``."""
    look(x)
    return bool(np.any(x._array == getattr(value, "data", value)))


METHODS = {
    "item": item,
    "__reduce__": pickled,
    "__repr__": shown,
    "_repr_mimebundle_": in_notebook,
    "__array__": as_array,
    "__setitem__": refuse_item,
    "__bool__": as_bool,
    "__format__": formatted,
    "__float__": as_float,
    "__int__": as_int,
    "__index__": as_index,
    "__contains__": contains,
}
for name, method in METHODS.items():
    setattr(Tensor, name, method)
