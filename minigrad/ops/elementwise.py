"""VJPs of functions that act on each element: arithmetic, powers, exponentials, comparisons, where."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError

from .table import COMPOSED, defvjp, dispatched

defvjp(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
defvjp(np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g)
defvjp(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
defvjp(np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b)
POWER = (
    lambda g, y, a, b: (
        g * b * np.power(a, np.where((a == 0) & (b == 0), 1, b - 1))
    ),  # 0 at b = 0, even where a = 0
    lambda g, y, a, b: g * y * np.log(np.where(a == 0, 1, a)),  # 0 at a = 0
)
defvjp(np.power, *POWER)
defvjp(np.negative, lambda g, y, x: -g)
defvjp(np.positive, lambda g, y, x: g)
defvjp(np.absolute, lambda g, y, x: g * np.sign(x))
defvjp(np.square, lambda g, y, x: g * 2 * x)
defvjp(np.sqrt, lambda g, y, x: g / (2 * y))
defvjp(np.exp, lambda g, y, x: g * y)
defvjp(np.log, lambda g, y, x: g / x)
defvjp(np.sin, lambda g, y, x: g * np.cos(x))
defvjp(np.cos, lambda g, y, x: -g * np.sin(x))
defvjp(np.tanh, lambda g, y, x: g * (1 - y * y))


def share(g: Any, y: Any, mine: Any, other: Any) -> Any:
    """The operand that won takes the cotangent; at a tie each takes half."""
    return np.where(mine == y, np.where(other == y, g / 2, g), 0)


for fn in (np.maximum, np.minimum):
    defvjp(fn, share, lambda g, y, a, b: share(g, y, b, a))


def _bind_where(condition: Any, *choices: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A Python number takes the dtype of the other choice, whatever the condition's is."""
    if len(choices) != 2:
        raise UnsupportedError(
            "where", got="a condition alone", remedy="np.nonzero(condition) says where it holds"
        )
    if any(type(x) in (int, float) for x in choices):
        dtype = np.result_type(
            *[x if hasattr(x, "dtype") or np.ndim(x) == 0 else np.asarray(x) for x in choices]
        )
        choices = tuple(np.asarray(x, dtype) if type(x) in (int, float) else x for x in choices)
    return (condition, *choices), {}


defvjp(
    np.where,
    None,
    lambda g, y, c, a, b: np.where(c, g, 0),
    lambda g, y, c, a, b: np.where(c, 0, g),
    bind=_bind_where,
)
defvjp(np.full_like, None, lambda g, y, a, v, dtype=None, shape=None: g)


def _clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if any(np.result_type(c).kind != "b" for c in condlist):
        raise ValueError("conditions must be boolean")
    y = default
    for c, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        y = np.where(c, choice, y)
    return y


COMPOSED |= {np.clip: _clip, np.select: _select}


@dispatched
def cast(x: Any, dtype: Any) -> Any:
    """The same numbers in another floating dtype; the cotangent is cast back."""
    return x.astype(dtype)


defvjp(
    cast, lambda g, y, x, *, dtype=None: g, bind=lambda x, dtype: ((x,), {"dtype": np.dtype(dtype)})
)


@dispatched
def accumulate(*terms: Any) -> Any:
    """The sum of the contributions to one adjoint, in the order they arrived (equation 9.7.16's sum over t)."""
    total = terms[0] + terms[1]
    for term in terms[2:]:
        total = total + term
    return total


defvjp(accumulate, joint=lambda g, y, *terms: [g] * len(terms))
