"""Sequences and curves: convolve, correlate, interp, polyval, unwrap."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.ops.compositions import COMPOSED
from minigrad.ops.indexing import at
from minigrad.ops.shapes import along
from minigrad.ops.table import defvjp

NAMES_OF_MODES = {0: "valid", 1: "same", 2: "full"}


# --- convolution ----------------------------------------------------------------------------------
def _in_full(g: Any, a: Any, v: Any, mode: str) -> Any:
    """The cotangent of a convolution as that of the full one: 0 where that was cut off."""
    shorter, longer = sorted([a.size, v.size])
    if mode == "full":
        return g
    left = shorter - 1 if mode == "valid" else (shorter - 1) // 2
    right = shorter + longer - 1 - left - g.size
    return np.pad(g, (left, right))


def _convolve_first(g: Any, y: Any, a: Any, v: Any, mode: str = "full") -> Any:
    """What meets an element of a, over all shifts: the full cotangent along v the other way."""
    return np.convolve(_in_full(g, a, v, mode), v[::-1], mode="valid")


def _convolve_second(g: Any, y: Any, a: Any, v: Any, mode: str = "full") -> Any:
    return _convolve_first(g, y, v, a, mode)


def _bind_convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    vectors = [np.reshape(x, -1) if np.ndim(x) == 0 else x for x in (a, v)]
    return vectors, {"mode": NAMES_OF_MODES.get(mode, mode)}


defvjp(
    np.convolve,
    _convolve_first,
    _convolve_second,
    bind=_bind_convolve,
    says=("correlate(full({g}), {v})", "correlate(full({g}), {a})"),
)


def _correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """A convolution with v the other way; the shorter one moves along the longer one."""
    (a, v), _ = _bind_convolve(a, v)
    if np.size(v) > np.size(a):
        moved = np.convolve(v, a[::-1], mode=mode)
        return moved[::-1]
    return np.convolve(a, v[::-1], mode=mode)


# --- curves ---------------------------------------------------------------------------------------
def _interp(
    x: Any,
    xp: Any,
    fp: Any,
    left: Any = None,
    right: Any = None,
) -> Any:
    """The line through the two points around each x, which comparisons find: a plan finds others.

    As NumPy's it is float64 always, and continues as a constant where left and right are not given.
    """
    x = _as_float64(x)
    xp = _as_float64(xp)
    fp = _as_float64(fp)
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ValueError("xp and fp must be vectors of one length, not empty")
    passed = x[..., None] >= xp[1:-1]
    before = np.sum(passed, axis=-1)
    behind = np.minimum(before + 1, xp.size - 1)
    x0 = at(xp, before)
    y0 = at(fp, before)
    y1 = at(fp, behind)
    width = at(xp, behind) - x0
    slope = (y1 - y0) / np.where(width == 0, 1.0, width)
    y = slope * (x - x0) + y0
    # Of two points at one place the last counts.
    y = np.where(width == 0, y1, y)
    y = np.where(x < xp[0], fp[0] if left is None else left, y)
    return np.where(x > xp[-1], fp[-1] if right is None else right, y)


def _as_float64(x: Any) -> Any:
    x = x if hasattr(x, "dtype") else np.asarray(x)
    return x if x.dtype == np.float64 else x.astype(np.float64)


def _polyval(p: Any, x: Any) -> Any:
    """Horner's scheme: the highest power first."""
    if isinstance(x, np.poly1d):
        raise TypeError("x is a polynomial: minigrad evaluates at numbers")
    x = x if hasattr(x, "dtype") else np.asarray(x)
    y = np.zeros_like(x)
    for coefficient in p:
        y = y * x + coefficient
    return y


def _unwrap(
    x: Any,
    discont: Any = None,
    axis: int = -1,
    *,
    period: float = 2 * np.pi,
) -> Any:
    """x plus whole periods, of which comparisons find how many."""
    steps = np.diff(x, axis=axis)
    half = period / 2
    wrapped = np.remainder(steps + half, period) - half
    wrapped = np.where((wrapped == -half) & (steps > 0), half, wrapped)
    least = half if discont is None else max(discont, half)
    jumps = np.where(np.absolute(steps) < least, 0.0, wrapped - steps)
    # A whole number of periods: it has no slope.
    whole = np.rint(jumps / period) * period
    first = along(x, axis, slice(1))
    others = along(x, axis, slice(1, None)) + np.cumsum(whole, axis=axis)
    return np.concatenate([first, others.astype(x.dtype)], axis=axis)


COMPOSED |= {
    np.correlate: _correlate,
    np.interp: _interp,
    np.polyval: _polyval,
    np.unwrap: _unwrap,
}
