"""For every function of a program its twin in JAX: mostly of the same name in jax.numpy."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy
import numpy as np

from minigrad.compiler import primitives
from minigrad.core import gates
from minigrad.errors import UnsupportedError
from minigrad.ops import (
    activations,
    decompositions,
    discrete,
    elementwise,
    indexing,
    linalg,
    op_name,
    selection,
)
from minigrad.ops.numeric import fourier
from minigrad.ops.numeric.special_functions import polygamma
from minigrad.ops.rows.embedding import embedding
from minigrad.ops.rows.one_hot import one_hot

Fn = Callable[..., Any]
NAMESAKES = {
    "numpy": jnp,
    "numpy.linalg": jnp.linalg,
    "scipy.special": jax.scipy.special,
}
"""Modules whose functions have twins of the same name."""


def twin(fn: Fn) -> Fn:
    """The function of JAX that does what fn does.

    Raises UnsupportedError where there is none.
    """
    if fn in TWINS:
        return TWINS[fn]
    name = op_name(fn)
    for ours, theirs in NAMESAKES.items():
        if getattr(sys.modules.get(ours), name, None) is fn:
            namesake: Fn | None = getattr(theirs, name, None)
            if namesake is not None:
                return namesake
    raise UnsupportedError(f"lower: {name}", got="a function without a twin in JAX")


def _same(x: Any, **_: Any) -> Any:
    return x


def _total(*terms: Any) -> Any:
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


def _product(*factors: Any) -> Any:
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result


# --- rows of a table ------------------------------------------------------------------------------
def _picked(x: Any, labels: Any) -> Any:
    return jnp.take_along_axis(x, labels[..., None], axis=-1)[..., 0]


def _one_hot(
    indices: Any,
    classes: int,
    dtype: Any = np.float64,
) -> Any:
    return jax.nn.one_hot(indices, classes, dtype=dtype)


def _surprisal(logits: Any, targets: Any) -> Any:
    return jax.nn.logsumexp(logits, axis=-1) - _picked(logits, targets)


def _surprisal_gradient(
    logits: Any,
    targets: Any,
    g: Any,
) -> Any:
    hot = _one_hot(targets, logits.shape[-1], logits.dtype)
    return (jax.nn.softmax(logits, axis=-1) - hot) * jnp.asarray(g)[..., None]


def _softmax_minus_one_hot(
    e: Any,
    s: Any,
    labels: Any,
    c: Any,
) -> Any:
    return (e / s - _one_hot(labels, e.shape[-1], e.dtype)) * c


def _added_rows(*operands: Any, classes: int) -> Any:
    width = operands[0].shape[-1]
    out = jnp.zeros((classes, width), operands[0].dtype)
    for g, indices in zip(operands[::2], operands[1::2], strict=True):
        out = out.at[indices.reshape(-1)].add(g.reshape(-1, width))
    return out


# --- indexing -------------------------------------------------------------------------------------
def _getitem(
    x: Any,
    *parts: Any,
    index: Any,
) -> Any:
    waiting = iter(parts)
    filled = tuple([next(waiting) if entry is indexing.PART else entry for entry in index])
    return x[filled]


def _scatter(
    *operands: Any,
    indices: Any,
    shape: Any,
) -> Any:
    out = jnp.zeros(shape, operands[0].dtype)
    waiting = iter(operands)
    for index in indices:
        g = next(waiting)
        filled = tuple([next(waiting) if entry is indexing.PART else entry for entry in index])
        out = out.at[filled].add(g)
    return out


def _put_along(
    g: Any,
    indices: Any,
    axis: int,
    shape: Any,
) -> Any:
    grid = list(np.ogrid[tuple(map(slice, g.shape))])
    places = [p if length > 1 else p * 0 for p, length in zip(grid, shape, strict=True)]
    places[axis] = indices
    return jnp.zeros(shape, g.dtype).at[tuple(places)].add(g)


def _joined_rows(
    *arrays: Any,
    stacked: tuple[bool, ...],
    rows: Any,
) -> Any:
    parts = [x if s else x[None] for x, s in zip(arrays, stacked, strict=True)]
    together = parts[0] if len(parts) == 1 else jnp.concatenate(parts)
    return together[rows if isinstance(rows, slice) else np.array(rows)]


# --- matrices -------------------------------------------------------------------------------------
def _cofactors(x: Any) -> Any:
    u, s, vh = jnp.linalg.svd(x)
    n = s.shape[-1]
    others = jnp.prod(jnp.where(np.eye(n, dtype=bool), 1, s[..., None, :]), axis=-1)
    sign = jnp.linalg.det(u) * jnp.linalg.det(vh)
    return (u * (sign[..., None] * others)[..., None, :]) @ vh


def _eigh(x: Any, UPLO: Any = "L") -> Any:
    w, v = jnp.linalg.eigh(x, UPLO=UPLO)
    return jnp.concatenate([w[..., None, :], v], axis=-2)


def _svd(x: Any) -> Any:
    u, s, vh = jnp.linalg.svd(x, full_matrices=False)
    return jnp.concatenate([u, s[..., None, :], jnp.matrix_transpose(vh)], axis=-2)


def _transpose(x: Any, axes: Any = None) -> Any:
    return jnp.transpose(x, (axes,) if isinstance(axes, int) else axes)


def _fft(part: str) -> Fn:
    def of(
        x: Any,
        axis: int = -1,
        norm: Any = None,
    ) -> Any:
        return getattr(jnp.fft.fft(x, axis=axis, norm=norm), part)

    return of


TWINS: dict[Fn, Fn] = {
    **dict.fromkeys(gates.GATES, _same),
    primitives.total: _total,
    primitives.product: _product,
    primitives.pick: _picked,
    primitives.softmax_minus_one_hot: _softmax_minus_one_hot,
    primitives.added_rows: _added_rows,
    primitives.kept: _same,
    primitives.joined_rows: _joined_rows,
    elementwise.accumulate: _total,
    elementwise.cast: lambda x, dtype: x.astype(dtype),
    activations.sigmoid: jax.nn.sigmoid,
    activations.relu: lambda x: jnp.maximum(x, 0),
    activations.softmax: jax.nn.softmax,
    activations.log_softmax: jax.nn.log_softmax,
    activations.logsumexp: jax.nn.logsumexp,
    activations.surprisal: _surprisal,
    activations.surprisal_gradient: _surprisal_gradient,
    activations.cross_entropy: lambda logits, targets: jnp.mean(_surprisal(logits, targets)),
    activations.some_weight: _same,
    discrete.valid_lengths: lambda lengths, steps: lengths,
    one_hot: _one_hot,
    embedding: lambda indices, weight: weight[indices],
    indexing.getitem: _getitem,
    indexing.scatter: _scatter,
    selection.put_along: _put_along,
    np.concatenate: lambda *xs, **keywords: jnp.concatenate(xs, **keywords),
    np.stack: lambda *xs, **keywords: jnp.stack(xs, **keywords),
    np.einsum: lambda *xs, subscripts, **keywords: jnp.einsum(subscripts, *xs),
    np.linalg.multi_dot: lambda *xs: jnp.linalg.multi_dot(xs),
    np.transpose: _transpose,
    linalg.cofactors: _cofactors,
    linalg.slogdet: lambda x: jnp.stack(jnp.linalg.slogdet(x), axis=-1),
    decompositions.eigh: _eigh,
    decompositions.eigenvalues: lambda x, packed: packed[..., 0, :],
    decompositions.svd: _svd,
    decompositions.singular_values: lambda x, packed: packed[..., x.shape[-2], :],
    polygamma: lambda x, n: jax.scipy.special.polygamma(n, x),
    fourier.fft_real: _fft("real"),
    fourier.fft_imag: _fft("imag"),
}
