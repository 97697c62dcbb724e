"""Reading a Tensor's value into Python and NumPy: numbers, text, arrays; and what a tensor refuses.

These functions are methods of Tensor, which binds them by name. A value that Python reads may
decide what is recorded next (``if t > 0``, ``float(t)``), and that decision is on no tape: so
reading marks the tensor and its past.
"""

from __future__ import annotations

import operator
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.errors import UnsupportedError
from minigrad.source import serials, stores_into_an_item, user_place

from .array import Array

if TYPE_CHECKING:
    from .tensor import Tensor


def look(x: Tensor) -> None:
    """Mark x and what it was computed from as read by Python.

    ``peeked`` is (serial, place) of the first look at a result, and of the last at a leaf. A result
    is passed once in its life: what is marked has its past marked.
    """
    mark = (next(serials), user_place())
    waiting = [x]
    while waiting:
        node = waiting.pop()
        if node.fn is None:
            node.peeked = mark
        elif node.peeked is None:
            node.peeked = mark
            waiting += node.inputs


# --- Python's numbers -----------------------------------------------------------------------------
def item(self: Tensor, *index: int) -> Any:
    """The one number in it, or the one at an index, as Python's.

    >>> import minigrad as mg
    >>> mg.tensor([[1.0, 2.0]]).item(0, 1)
    2.0

    Raises ValueError where there are several and no index.
    """
    look(self)
    return self._array.item(*index)


def as_bool(self: Tensor) -> bool:
    """``if t``."""
    look(self)
    return bool(self._array)


def as_int(self: Tensor) -> int:
    """``int(t)``."""
    look(self)
    return int(self._array)


def as_index(self: Tensor) -> int:
    """t as an index or a length."""
    look(self)
    return operator.index(self._array)


def as_float(self: Tensor) -> float:
    """``float(t)``, which ``a[i] = t`` asks for too."""
    if self.requires_grad and stores_into_an_item(sys._getframe(1)):
        expected = "collect Tensors in a list and np.stack them"
        raise UnsupportedError("a[i] = t", got=_gradient_lost(self), expected=expected)
    look(self)
    return float(self._array)


def contains(self: Tensor, value: Any) -> bool:
    """``value in t``."""
    look(self)
    return bool(np.any(self._array == getattr(value, "data", value)))


# --- NumPy's arrays -------------------------------------------------------------------------------
def numpy(self: Tensor) -> Array:
    """A copy of the value, yours to change.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0])
    >>> array = x.numpy()
    >>> array[0] = 5
    >>> x
    tensor([1., 2.])
    """
    return self._array.copy()


def as_array(self: Tensor, dtype: Any = None, copy: bool | None = None) -> Any:
    """np.asarray: refused where it would lose a gradient."""
    if self.requires_grad:
        from .long_refusals import no_plain_array

        raise no_plain_array(_gradient_lost(self))
    look(self)
    return np.array(self._array, dtype=dtype, copy=copy)


def _gradient_lost(x: Tensor) -> str:
    return f"'{x.label}' needs a gradient, which a plain array would drop"


# --- text -----------------------------------------------------------------------------------------
def as_text(self: Tensor) -> str:
    """``tensor([1., 2.], name='x')``; a large value by dtype and shape."""
    from minigrad.core.inspection.text import tensor_text

    return tensor_text(self)


def formatted(self: Tensor, spec: str) -> str:
    """``f"{t:.2f}"``."""
    if self.size == 1 and spec:
        return format(self.item(), spec)
    return str(self)


def in_notebook(self: Tensor, **_: Any) -> dict[str, str]:
    """In a notebook: the value, and the picture of how it came to be."""
    if self.fn is None:
        return {"text/plain": repr(self)}
    from minigrad.core.inspection.text import notebook_bundle

    return notebook_bundle(self, repr(self))


# --- refused --------------------------------------------------------------------------------------
def refuse_item(self: Tensor, index: Any, value: Any) -> None:
    """``t[i] = value``: there is no such thing."""
    build = "build the new value with np.where, np.concatenate or np.stack"
    expected = f"{build}, or assign() a whole leaf"
    got = f"'{self.label}' is read-only"
    raise UnsupportedError("item assignment", got=got, expected=expected)
