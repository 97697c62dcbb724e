"""Reading a Tensor's value into Python and NumPy: numbers, text, arrays; and what a tensor refuses.

These functions are methods of Tensor, which binds them by name. A value that Python reads may
decide what is recorded next (``if t > 0``, ``float(t)``), and that decision is on no tape: so
reading marks the tensor and its past.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from .array import Array

if TYPE_CHECKING:
    from .tensor import Tensor


def look(x: Tensor) -> None:
    """Mark x and its past as read by Python, unless somebody at a debugger reads."""
    from minigrad.core.inspection.looks import mark

    mark(x)


# --- Python's numbers -----------------------------------------------------------------------------
def item(self: Tensor, *index: int) -> Any:
    """The one number in it, or the one at an index, as Python's.

    >>> import minigrad as mg
    >>> mg.tensor([[1.0, 2.0]]).item(0, 1)
    2.0

    Raises ShapeError where there are several and no index.
    """
    return _taken(self, "item", lambda array: array.item(*index))


def as_bool(self: Tensor) -> bool:
    """``if t``."""
    return _taken(self, "bool", bool)  # type: ignore[no-any-return]


def as_index(self: Tensor) -> int:
    """t as an index or a length."""
    return _taken(self, "index", operator.index)  # type: ignore[no-any-return]


def as_int(self: Tensor) -> int:
    """``int(t)``."""
    return int(_number(self, "int"))


def as_float(self: Tensor) -> float:
    """``float(t)``, which ``math.tanh(t)`` asks for too."""
    return float(_number(self, "float"))


def _number(x: Tensor, name: str) -> Any:
    """The one number in x, with which Python goes on: backward() tells what that loses."""
    number = _taken(x, name, np.ndarray.item)
    if x.requires_grad:
        from minigrad.core.inspection.reads import mark

        mark(x, sys._getframe(2))
    return number


def _taken(x: Tensor, name: str, take: Callable[[Array], Any]) -> Any:
    look(x)
    try:
        return take(x._array)
    except (TypeError, ValueError, IndexError) as error:
        raise long_refusals().no_number(x, name, error) from None


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
        raise long_refusals().gradient_lost(self)
    look(self)
    return np.array(self._array, dtype=dtype, copy=copy)


def long_refusals() -> ModuleType:
    """The texts of what is refused, read when it is."""
    from . import long_refusals

    return long_refusals


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


def attributes(self: Tensor) -> set[str]:
    """``dir(t)``."""
    from minigrad.core.inspection import looks

    return looks.of_tensor(self)


def in_notebook(self: Tensor, **_: Any) -> dict[str, str]:
    """In a notebook: the value, and behind it how it came to be."""
    from minigrad.core.inspection.text import notebook_bundle

    return notebook_bundle("tensor", self, repr(self))


# --- refused --------------------------------------------------------------------------------------
def refuse_item(self: Tensor, index: Any, value: Any) -> None:
    """``t[i] = value``: there is no such thing."""
    raise long_refusals().item_assignment(self)
