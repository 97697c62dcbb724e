"""gradcheck: reverse mode against central differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .backward import grad
from .errors import DTypeError, GradientError
from .scope import no_grad
from .tensor import Tensor, tensor


def gradcheck(
    fn: Callable[..., Any], inputs: Tensor | Iterable[Tensor], eps: float = 1e-6, rtol: float = 1e-5, atol: float = 1e-7
) -> bool:
    """Whether fn's gradient equals its central differences in every element of every input that needs one.

    fn takes the inputs and returns a Tensor (summed if it is no scalar). Returns True, or raises GradientError that
    names the worst element and both values. Raises DTypeError below float64: differences of float32 are noise.
    """
    args = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    for x in args:
        if not isinstance(x, Tensor):
            remedy = "Wrap the inputs: tensor(x, requires_grad=True)"
            raise DTypeError("gradcheck", got=f"an input is a {type(x).__name__}", remedy=remedy)
        if x.requires_grad and x.dtype != np.float64:
            raise DTypeError("gradcheck", got=f"'{x.label}' is {x.dtype}", expected="central differences need float64")

    arrays = {x: x.numpy() for x in args}

    def value() -> float:
        with no_grad():
            return float(np.sum(fn(*[tensor(arrays[x]) for x in args]).data))

    asked = [x for x in arrays if x.requires_grad]
    for x, g in zip(asked, grad(np.sum(fn(*args)), asked), strict=True):
        array = arrays[x]
        numeric = np.empty_like(array)
        for i in np.ndindex(array.shape):
            was = array[i]
            array[i] = was + eps
            up = value()
            array[i] = was - eps
            numeric[i] = (up - value()) / (2 * eps)
            array[i] = was
        excess = np.abs(g.data - numeric) - (atol + rtol * np.abs(numeric))
        if not np.all(excess <= 0):
            worst = tuple(int(k) for k in np.unravel_index(np.argmax(np.nan_to_num(excess, nan=np.inf)), x.shape))
            raise GradientError(
                f"gradcheck: d/d{x.label}{list(worst)}",
                got=f"backward says {g.data[worst]:.9g}",
                expected=f"central differences say {numeric[worst]:.9g}",
            )
    return True
