"""Functions of each element: arithmetic, remainders, extremes, choices, casts.

One row is one function: its rules in the order of its inputs, and under them the same as
sentences. Where an operand was broadcast the sweep sums the contribution (core/sweep.py), so that
no rule has to.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError

from .compositions import COMPOSED
from .table import defvjp, dispatched

# --- arithmetic -----------------------------------------------------------------------------------
defvjp(
    np.add,
    lambda g, y, a, b: g,
    lambda g, y, a, b: g,
    says=("{g}", "{g}"),
)
defvjp(
    np.subtract,
    lambda g, y, a, b: g,
    lambda g, y, a, b: -g,
    says=("{g}", "-{g}"),
)
defvjp(
    np.multiply,
    lambda g, y, a, b: g * b,
    lambda g, y, a, b: g * a,
    says=("{g} ⊙ {b}", "{g} ⊙ {a}"),
)
defvjp(
    np.divide,
    lambda g, y, a, b: g / b,
    lambda g, y, a, b: -g * y / b,
    says=("{g} / {b}", "-{g} ⊙ {y} / {b}"),
)
defvjp(
    np.negative,
    lambda g, y, x: -g,
    says="-{g}",
)
defvjp(
    np.positive,
    lambda g, y, x: g,
    says="{g}",
)
defvjp(
    np.reciprocal,
    lambda g, y, x: -g * y * y,
    says="-{g} ⊙ {y}²",
)
for absolute in (np.absolute, np.fabs):
    defvjp(
        absolute,
        lambda g, y, x: g * np.sign(x),
        says="{g} ⊙ sign({x})",
    )


def _with_sign_of(b: Any, g: Any) -> Any:
    """-0.0 has the sign minus too."""
    return np.where(np.signbit(b), -g, g)


defvjp(
    np.copysign,
    lambda g, y, a, b: _with_sign_of(b, g) * np.sign(a),
    None,
    says=("{g} ⊙ sign({a}) ⊙ sign({b})", None),
)
defvjp(
    np.heaviside,
    None,
    lambda g, y, a, b: np.where(a == 0, g, 0),
    says=(None, "{g} ⊙ [{a} = 0]"),
)

# --- remainders -----------------------------------------------------------------------------------
# The quotient that NumPy took: a / b itself may round across a whole number.
defvjp(
    np.remainder,
    lambda g, y, a, b: g,
    lambda g, y, a, b: -g * np.floor_divide(a, b),
    says=("{g}", "-{g} ⊙ floor({a} / {b})"),
)
defvjp(
    np.fmod,
    lambda g, y, a, b: g,
    lambda g, y, a, b: -g * np.rint((a - y) / b),
    says=("{g}", "-{g} ⊙ trunc({a} / {b})"),
)


# --- extremes and choices -------------------------------------------------------------------------
def _extreme_a(g: Any, y: Any, a: Any, b: Any) -> Any:
    """The operand that won takes the cotangent; at a tie each takes half."""
    return np.where(a == y, np.where(b == y, g / 2, g), 0)


def _extreme_b(g: Any, y: Any, a: Any, b: Any) -> Any:
    return _extreme_a(g, y, b, a)


WINS = {np.maximum: ">", np.fmax: ">", np.minimum: "<", np.fmin: "<"}
for extreme, wins in WINS.items():
    defvjp(
        extreme,
        _extreme_a,
        _extreme_b,
        says=(
            f"{{g}} ⊙ ([{{a}} {wins} {{b}}] + [{{a}} = {{b}}] / 2)",
            f"{{g}} ⊙ ([{{b}} {wins} {{a}}] + [{{a}} = {{b}}] / 2)",
        ),
    )


def _bind_where(condition: Any, *choices: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A Python number takes the dtype of the other choice, whatever the condition's is."""
    if len(choices) != 2:
        remedy = "np.nonzero(condition) says where it holds"
        raise UnsupportedError("where", got="a condition alone", remedy=remedy)
    if not any(map(_is_python_number, choices)):
        return (condition, *choices), {}
    dtype = np.result_type(*map(_typed, choices))
    inputs = [condition]
    for x in choices:
        inputs.append(np.asarray(x, dtype) if _is_python_number(x) else x)
    return tuple(inputs), {}


def _is_python_number(x: Any) -> bool:
    return type(x) in (int, float)


def _typed(x: Any) -> Any:
    """What decides a dtype: a list counts as the array that it becomes."""
    if hasattr(x, "dtype") or np.ndim(x) == 0:
        return x
    return np.asarray(x)


defvjp(
    np.where,
    None,
    lambda g, y, c, a, b: np.where(c, g, 0),
    lambda g, y, c, a, b: np.where(c, 0, g),
    bind=_bind_where,
    says=(None, "where({c}, {g}, 0)", "where({c}, 0, {g})"),
)
defvjp(
    np.nan_to_num,
    lambda g, y, x, nan=0.0, posinf=None, neginf=None: np.where(np.isfinite(x), g, 0),
    says="{g} ⊙ [isfinite({x})]",
)


def _clip(
    x: Any,
    a_min: Any = None,
    a_max: Any = None,
    *,
    min: Any = None,
    max: Any = None,
) -> Any:
    """NumPy has two names for each bound."""
    low = a_min if min is None else min
    high = a_max if max is None else max
    if low is not None:
        x = np.maximum(x, low)
    if high is not None:
        x = np.minimum(x, high)
    return x


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """The first condition that holds decides, so the last is applied first."""
    if any(np.result_type(c).kind != "b" for c in condlist):
        raise ValueError("conditions must be boolean")
    y = default
    conditions = reversed(condlist)
    choices = reversed(choicelist)
    for condition, choice in zip(conditions, choices, strict=True):
        y = np.where(condition, choice, y)
    return y


def _full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    shape: Any = None,
) -> Any:
    """It depends on the value alone: of a only shape and dtype are read."""
    dtype = a.dtype if dtype is None else dtype
    shape = a.shape if shape is None else shape
    if _is_plain(fill_value):
        return np.full(shape, fill_value, dtype)
    return np.broadcast_to(cast(fill_value, dtype), shape)


def _is_plain(x: Any) -> bool:
    return isinstance(x, np.ndarray) or not hasattr(x, "__array_function__")


def _divmod(a: Any, b: Any) -> tuple[Any, Any]:
    return np.floor_divide(a, b), np.remainder(a, b)


COMPOSED[np.divmod] = _divmod
COMPOSED[np.full_like] = _full_like
COMPOSED[np.clip] = _clip
COMPOSED[np.select] = _select


# --- functions of ours ----------------------------------------------------------------------------
@dispatched
def cast(x: Any, dtype: Any) -> Any:
    """The same numbers in another floating dtype; the cotangent is cast back."""
    return x.astype(dtype)


@dispatched
def accumulate(*terms: Any) -> Any:
    """The sum of the contributions to one adjoint, in the order they came: 9.7.16's sum over t."""
    total = terms[0] + terms[1]
    for term in terms[2:]:
        total = total + term
    return total


defvjp(
    cast,
    lambda g, y, x, *, dtype=None: g,
    bind=lambda x, dtype: ((x,), {"dtype": np.dtype(dtype)}),
    says=lambda n: (f"cast({{g}}, {n.inputs[0].dtype})",),
)
defvjp(
    accumulate,
    joint=lambda g, y, *terms: [g] * len(terms),
    says=lambda n: ("{g}",) * len(n.inputs),
)
