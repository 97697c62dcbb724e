"""What samples say of what they were drawn from: quantiles, covariances, counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.ops.compositions import COMPOSED
from minigrad.ops.selection import put_along
from minigrad.ops.shapes import at_least, axes_of, folded_shape, rows_over


# --- quantiles ------------------------------------------------------------------------------------
def _quantile(x: Any, q: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """On the line between the two nearest in order; nan, which is sorted to the end, makes it nan.

    Shapes: q (...) of numbers in 0..1, result (..., the axes of x that are left).
    """
    share = np.asarray(q, x.dtype if isinstance(q, (int, float)) else None)
    if not np.all((share >= 0) & (share <= 1)):
        raise ValueError("Quantiles must be in the range [0, 1]")
    axes = axes_of(x, axis)
    row = np.sort(rows_over(x, axes))
    last = row.shape[-1] - 1
    place = share.reshape(-1) * last
    share_of_high = place - np.floor(place)
    before = place.astype(int)
    low = row[..., before]
    high = row[..., np.minimum(before + 1, last)]
    y = low + (high - low) * share_of_high
    largest = row[..., -1:]
    y = np.where(np.isnan(largest), np.nan, y)
    y = np.moveaxis(y, -1, 0)
    return np.reshape(y, share.shape + folded_shape(x, axes, keepdims))


def _percentile(x: Any, q: Any, axis: Any = None, keepdims: bool = False) -> Any:
    share = q / 100 if isinstance(q, (int, float)) else np.asarray(q) / 100
    return _quantile(x, share, axis, keepdims)


# --- covariances ----------------------------------------------------------------------------------
def _cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Any:
    """Between variables, which are the rows: of products of what they differ from their means.

    As NumPy's it is float64 at least.
    """
    x = _variables(m, rowvar)
    if y is not None:
        x = np.concatenate([x, _variables(y, rowvar)], axis=0)
    if ddof is None:
        ddof = 0 if bias else 1
    weights, count = _weights(x.shape[1], ddof, fweights, aweights)
    mean = np.sum(x * weights, axis=1, keepdims=True) / np.sum(weights)
    off = x - mean
    products = np.matmul(off, (off * weights).T)
    return np.squeeze(products / np.float64(max(count, 0)))


def _variables(m: Any, rowvar: bool) -> Any:
    """The variables as rows, of float64."""
    x = m if hasattr(m, "dtype") else np.asarray(m)
    if x.ndim > 2:
        raise ValueError("m has more than 2 dimensions")
    if not rowvar and x.ndim == 2:
        x = x.T
    x = at_least(2, x)
    return x if x.dtype == np.float64 else x.astype(np.float64)


def _weights(n: int, ddof: float, fweights: Any, aweights: Any) -> tuple[Any, Any]:
    """The weight of each of n observations, and what the sum of products is divided by."""
    ones = np.ones(n)
    repeats = ones if fweights is None else np.asarray(fweights, float)
    importance = ones if aweights is None else np.asarray(aweights, float)
    if not repeats.shape == importance.shape == (n,):
        raise ValueError("as many weights as observations wanted")
    weights = repeats * importance
    total = np.sum(weights)
    corrected = ddof if aweights is None else ddof * np.sum(weights * importance) / total
    return weights, total - corrected


def _corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    covariance = _cov(x, y, rowvar)
    if covariance.ndim == 0:
        return covariance / covariance
    deviation = np.sqrt(np.diag(covariance))
    scaled = covariance / deviation[:, None] / deviation
    return np.clip(scaled, -1, 1)


# --- counts ---------------------------------------------------------------------------------------
def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """The sum of the weights of each integer. As NumPy's it is float64."""
    bins = np.asarray(x)
    count = max(minlength, *np.bincount(bins).shape)
    if weights is None:
        return np.bincount(bins, minlength=minlength)
    if weights.shape != bins.shape:
        raise ValueError("The weights and list don't have the same length.")
    if weights.dtype != np.float64:
        weights = weights.astype(np.float64)
    return put_along(weights, bins, axis=0, shape=(count,))


COMPOSED |= {
    np.quantile: _quantile,
    np.percentile: _percentile,
    np.cov: _cov,
    np.corrcoef: _corrcoef,
    np.bincount: _bincount,
}
