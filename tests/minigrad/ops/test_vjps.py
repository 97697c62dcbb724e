"""One row per differentiable function: first and second derivative, float32, and the backward pass replayed.

A row draws a function of plain NumPy and the arrays to differentiate it at. The reference is central differences of
that function on plain arrays, in which the engine has no part.
"""

import re
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

import minigrad as mg
from minigrad.core import gates
from minigrad.core.sweep import conform
from minigrad.errors import ShapeError, UnsupportedError
from minigrad.ops import COMPOSED, OPS, decompositions, op_name
from minigrad.ops.elementwise import accumulate, cast
from minigrad.ops.indexing import PART, getitem, put_along, scatter
from minigrad.transforms import differentiate

GATES = {  # see test_gates.py
    gates.detach,
    gates.scale_grad,
    gates.clip_grad,
    gates.on_backward,
    gates.alias,
    gates.recompute,
}
seeds = st.integers(0, 999)


# --- what rows draw -------------------------------------------------------------------------------------------------
def numbers(draw, *shapes, positive=False):
    """Arrays whose elements all differ in magnitude, within 0.3..2: away from zeros, kinks and ties."""
    sizes = [prod(s) for s in shapes]
    rng = np.random.default_rng(draw(seeds))
    pool = rng.permutation(np.linspace(0.3, 2, sum(sizes)))
    pool *= 1 if positive else rng.choice([-1, 1], pool.shape)
    return [
        p.reshape(s) for p, s in zip(np.split(pool, np.cumsum(sizes)[:-1]), shapes, strict=True)
    ]


def shapes_together(draw, n):
    return draw(mutually_broadcastable_shapes(num_shapes=n, max_dims=3, max_side=3)).input_shapes


def any_shape(draw, least=0):
    return draw(array_shapes(min_dims=least, max_dims=3, max_side=3))


def an_axis(draw, ndim):
    return draw(st.integers(-ndim, ndim - 1))


@st.composite
def each(draw, fn, n=1, positive=False):
    """A function of n operands that broadcast."""
    return fn, numbers(draw, *shapes_together(draw, n), positive=positive)


def solved(a, b):
    """A system that is far from singular."""
    return np.linalg.solve(a + 6 * np.eye(a.shape[-1], dtype=a.dtype), b)


def apart(x):
    """Matrices whose columns and singular values are far from each other and from 0."""
    m, n = x.shape[-2:]
    return x / 8 + np.eye(m, n, dtype=x.dtype) * np.arange(2, 2 * n + 1, 2, dtype=x.dtype)


def definite(x):
    """Symmetric matrices whose eigenvalues are far from each other and above 0."""
    return (apart(x) + np.swapaxes(apart(x), -1, -2)) / 2


def mixed(x):
    """The same with eigenvalues of both signs."""
    return definite(x) * np.array([[1, 1, -1], [1, 1, 1], [-1, 1, -1]], x.dtype)


def deficient(x):
    """Matrices of rank 2, whatever x is."""
    return apart(x)[..., :2] @ (x[..., :2, :] / 4 + np.eye(2, x.shape[-1], dtype=x.dtype))


def packed(u, s, *vh):
    """The results of a decomposition as one array, the vectors with signs that do not depend on the algorithm."""
    vectors = [u, *(np.swapaxes(v, -1, -2) for v in vh)]
    return np.concatenate(
        [s[..., None, :], *(v * np.sign(np.sum(v, -2, keepdims=True)) for v in vectors)], axis=-2
    )


def inside(fn):
    """fn on (-1/2, 1/2), within the domain of the inverse functions and off the poles of tan."""
    return lambda x: fn(0.45 * np.tanh(x))


def past_whole(fn):
    """fn where the quotient is off the whole numbers, at which a remainder jumps."""
    return lambda a, b: fn(5.3 + 0.05 * np.tanh(a), 2 + 0.05 * np.tanh(b))


@st.composite
def whole_power(draw):
    k = draw(st.sampled_from([-2, -1, 0, 1, 2, 3]))
    return lambda a: a**k, numbers(draw, any_shape(draw))


@st.composite
def where(draw):
    c, a, b = shapes_together(draw, 3)
    mask = np.random.default_rng(draw(seeds)).random(c) < 0.5
    return lambda a, b: np.where(mask, a, b), numbers(draw, a, b)


@st.composite
def clip(draw):
    x, low, high = numbers(draw, *shapes_together(draw, 3))
    return np.clip, [x, -np.abs(low), np.abs(high)]


@st.composite
def matmul(draw):
    sizes = mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=1, max_side=3)
    return np.matmul, numbers(draw, *draw(sizes).input_shapes)


@st.composite
def dot(draw):
    a, b = any_shape(draw), any_shape(draw)
    if a and b:
        a = (*a[:-1], b[max(len(b) - 2, 0)])
    return np.dot, numbers(draw, a, b)


@st.composite
def einsum(draw, subscripts):
    terms = subscripts.replace(" ", "").partition("->")[0].split(",")
    size = {c: draw(st.integers(1, 3)) for c in sorted(set("".join(terms)) - {"."})}
    dots = shapes_together(draw, len(terms))
    shapes = []
    for term, d in zip(terms, dots, strict=True):
        before, ellipsis, after = term.partition("...")
        shapes.append(
            (*(size[c] for c in before), *(d if ellipsis else ()), *(size[c] for c in after))
        )
    return lambda *xs: np.einsum(subscripts, *xs), numbers(draw, *shapes)


@st.composite
def einsum_of_ones(draw):
    a, b = draw(
        mutually_broadcastable_shapes(num_shapes=2, min_dims=2, max_dims=2, max_side=3)
    ).input_shapes
    return lambda a, b: np.einsum("ij,ij->", a, b), numbers(draw, a, b)


@st.composite
def reduction(draw, fn):
    shape = any_shape(draw)
    axes = (
        st.none() | st.just(())
        if not shape
        else st.none() | st.integers(-len(shape), len(shape) - 1)
    )
    if len(shape) > 1:
        axes |= st.sampled_from([(0, 1), (-1, 0), (1,), tuple(range(len(shape)))])
    axis, keep = draw(axes), draw(st.booleans())
    return lambda x: fn(x, axis=axis, keepdims=keep), numbers(draw, shape)


@st.composite
def along(draw, fn):
    shape = any_shape(draw, 1)
    axis = an_axis(draw, len(shape))
    return lambda x: fn(x, axis=axis), numbers(draw, shape)


@st.composite
def reshape(draw):
    shape = any_shape(draw)
    new = draw(st.sampled_from([(-1,), shape[::-1], (1, *shape), (prod(shape), 1), prod(shape)]))
    return lambda x: np.reshape(x, new), numbers(draw, shape)


@st.composite
def transpose(draw):
    shape = any_shape(draw)
    order = draw(st.permutations(range(len(shape))))
    axes = draw(st.none() | st.tuples(*(st.sampled_from([i, i - len(shape)]) for i in order)))
    return lambda x: np.transpose(x, axes), numbers(draw, shape)


@st.composite
def swapaxes(draw):
    shape = any_shape(draw, 1)
    i, j = an_axis(draw, len(shape)), an_axis(draw, len(shape))
    return lambda x: np.swapaxes(x, i, j), numbers(draw, shape)


@st.composite
def expand_dims(draw):
    axis = draw(st.sampled_from([0, -1, (0, 1), (0, -1)]))
    return lambda x: np.expand_dims(x, axis), numbers(draw, any_shape(draw))


@st.composite
def squeeze(draw):
    axis = draw(st.sampled_from([None, 0, -1, (0, 2)]))
    return lambda x: np.squeeze(x, axis), numbers(draw, (1, draw(st.integers(1, 3)), 1))


@st.composite
def broadcast_to(draw):
    shapes = draw(
        mutually_broadcastable_shapes(num_shapes=1, base_shape=(2, 3), max_dims=3, max_side=3)
    )
    return lambda x: np.broadcast_to(x, shapes.result_shape), numbers(draw, *shapes.input_shapes)


@st.composite
def concatenate(draw):
    shape, n = any_shape(draw, 1), draw(st.integers(1, 3))
    axis = draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    shapes = []
    for _ in range(n):
        other = list(shape)
        other[axis or 0] = draw(st.integers(1, 3))
        shapes.append(tuple(other))
    return lambda *xs: np.concatenate(xs, axis=axis), numbers(draw, *shapes)


@st.composite
def stack(draw):
    shape, n = any_shape(draw), draw(st.integers(1, 3))
    axis = an_axis(draw, len(shape) + 1)
    return lambda *xs: np.stack(xs, axis=axis), numbers(draw, *[shape] * n)


INDICES = {
    "integer": 1,
    "negative integer": (0, -1, -2),
    "numpy integer": np.int64(2),
    "slice": slice(1, None),
    "negative step": (slice(None, None, -2), slice(3, 0, -1)),
    "nothing": slice(2, 2),
    "everything": (),
    "ellipsis": (..., 0),
    "newaxis": (None, slice(None), None, 1),
    "boolean": True,
    "integer array": np.array([2, 0]),
    "repeated integers": np.array([[1, 1], [-2, 1]]),
    "0-d integer array": np.array(1),
    "list": [0, 0, 2],
    "empty list": [],
    "list of booleans": [True, False, True],
    "mask": np.arange(24).reshape(3, 4, 2) % 5 < 2,
    "leading mask": np.array([True, False, True]),
    "mixed": (np.array([0, 2, 2]), slice(1, 3), np.array([1, 0, 0])),
    "mixed with ellipsis and newaxis": (..., None, np.array([1, 1])),
    "two arrays that broadcast": (np.array([[0], [2]]), np.array([1, 1, 3])),
    "list beside slice": (slice(None), [3, 3]),
    "Tensor": mg.tensor(np.array([1, 1, 0])),
    "Tensor mask": mg.tensor(np.array([False, True, True])),
    "Tensor beside integer": (1, mg.tensor(np.array([0, 0]))),
}


@st.composite
def indexed(draw, index):
    return lambda x: x[index], numbers(draw, (3, 4, 2))


@st.composite
def scattered(draw):
    rows, indices = np.array([2, 0, 2]), ((PART, slice(1, 3)), (1, slice(None)))
    return lambda g, h: scatter(g, rows, h, indices=indices, shape=(3, 4)), numbers(
        draw, (3, 2), (4,)
    )


@st.composite
def take_along_axis(draw, fit, put=False):
    shape = any_shape(draw, 1)
    axis = an_axis(draw, len(shape)) if fit != "flat" else None
    length = shape[axis] if axis is not None else prod(shape)
    picked = draw(st.integers(1, 3))
    sides = [n if fit == "exact" else 1 for n in shape] if axis is not None else [picked]
    sides[axis or 0] = picked
    indices = np.random.default_rng(draw(seeds)).integers(-length, length, sides)
    if put:
        return lambda g: put_along(g, indices, axis=axis, shape=shape), numbers(draw, indices.shape)
    return lambda x: np.take_along_axis(x, indices, axis=axis), numbers(draw, shape)


@st.composite
def cross_entropy(draw):
    shape = any_shape(draw, 1)
    targets = np.random.default_rng(draw(seeds)).integers(0, shape[-1], shape[:-1])
    return lambda x: mg.cross_entropy(x, targets), numbers(draw, shape)


@st.composite
def mse(draw):
    return mg.mse, numbers(draw, *shapes_together(draw, 2))


@st.composite
def accumulated(draw):
    return accumulate, numbers(draw, *[any_shape(draw)] * draw(st.integers(2, 4)))


@st.composite
def of_shape(draw, fn, shape):
    return fn, numbers(draw, shape)


@st.composite
def together(draw, fn, *shapes):
    return fn, numbers(draw, *shapes)


@st.composite
def stacked(draw, fn, *shapes):
    return lambda *xs: fn(xs), numbers(draw, *shapes)


@st.composite
def outer(draw, fn):
    a, b = numbers(draw, any_shape(draw), any_shape(draw), positive=True)
    return (past_whole(fn.outer) if fn in (np.remainder, np.fmod) else fn.outer), [a, b]


COMPOSITIONS = [
    (np.copy, "", np.copy, (2, 3)),
    (np.real_if_close, "", np.real_if_close, (2, 3)),
    (np.nan_to_num, "", np.nan_to_num, (2, 3)),
    (np.atleast_2d, "several", lambda x: np.atleast_2d(x, x * x)[1], (3,)),
    (np.rollaxis, "", lambda x: np.rollaxis(x, 2), (2, 3, 4)),
    (np.rollaxis, "start", lambda x: np.rollaxis(x, 0, -1), (2, 3, 4)),
    (np.rollaxis, "to the end", lambda x: np.rollaxis(x, -3, 3), (2, 3, 4)),
    (np.roll, "shifts on one axis", lambda x: np.roll(x, (1, 1), 0), (4, 2)),
    (np.pad, "", lambda x: np.pad(x, 2), (2, 3)),
    (
        np.pad,
        "constants",
        lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=((1, 2), (3, 4))),
        (2, 3),
    ),
    *(
        (np.pad, m, lambda x, m=m: np.pad(x, [(1, 2), (2, 1)], m), (3, 4))
        for m in ("edge", "reflect", "symmetric")
    ),
    (np.pad, "wrap", lambda x: np.pad(x, (1, 5), "wrap"), (3,)),
    (np.partition, "", lambda x: np.sort(np.partition(x, 2)[..., :3]), (2, 5)),
    (np.partition, "axis", lambda x: np.partition(x, (0, 3), axis=0)[np.array([0, 3])], (4, 2)),
    (np.delete, "", lambda x: np.delete(x, [1, -1]), (2, 3)),
    (np.delete, "axis", lambda x: np.delete(x, slice(0, 2), axis=1), (2, 3)),
    (np.average, "", lambda x: np.average(x, axis=0, keepdims=True), (2, 3)),
    (
        np.average,
        "one axis of weights",
        lambda x: np.average(x, 0, np.array([1, 3], x.dtype)),
        (2, 3),
    ),
    (np.median, "odd", np.median, (3, 3)),
    (np.median, "even", lambda x: np.median(x, axis=(0, -1), keepdims=True), (2, 3, 4)),
    (np.gradient, "", np.gradient, (5,)),
    (np.gradient, "axes", lambda x: np.gradient(x, 0.5, 2.0, edge_order=2)[1], (3, 4)),
    (np.gradient, "axis", lambda x: np.gradient(x, 3, axis=-1), (3, 2)),
    (
        np.gradient,
        "places",
        lambda x: np.gradient(x, np.array([0, 1, 3, 3.5], x.dtype), axis=0),
        (4, 2),
    ),
    (
        np.gradient,
        "parabola",
        lambda x: np.gradient(x, np.array([0, 1, 3, 4], x.dtype), axis=0, edge_order=2),
        (4, 2),
    ),
    (np.diff, "ends", lambda x: np.diff(x, prepend=x[:, :1], append=x[:, :2]), (2, 3)),
    (np.trapezoid, "", lambda x: np.trapezoid(x, dx=0.5, axis=0), (4, 2)),
    (np.cumulative_sum, "", lambda x: np.cumulative_sum(x, axis=1, include_initial=True), (2, 3)),
    (np.cumulative_prod, "", lambda x: np.cumulative_prod(x, axis=-1), (2, 3)),
    (np.cumulative_prod, "initial", lambda x: np.cumulative_prod(x, include_initial=True), (3,)),
    (np.unstack, "", lambda x: np.unstack(x, axis=1)[2], (2, 3)),
    (np.ravel, "", np.ravel, (2, 3)),
    (np.moveaxis, "", lambda x: np.moveaxis(x, 0, -1), (2, 3, 4)),
    (np.moveaxis, "several", lambda x: np.moveaxis(x, (0, -1), (-1, 1)), (2, 3, 4)),
    (np.roll, "", lambda x: np.roll(x, 4), (2, 3)),
    (np.roll, "axes", lambda x: np.roll(x, (1, -2), (0, -1)), (2, 3)),
    (np.rot90, "", lambda x: np.rot90(x, 3), (2, 3)),
    (np.rot90, "axes", lambda x: np.rot90(x, -3, (2, 0)), (2, 3, 4)),
    (np.flip, "", np.flip, (2, 3)),
    (np.flip, "axes", lambda x: np.flip(x, (0, -1)), (2, 3, 2)),
    (np.flipud, "", np.flipud, (2, 3)),
    (np.fliplr, "", np.fliplr, (2, 3)),
    (np.repeat, "", lambda x: np.repeat(x, 2), (2, 3)),
    (np.repeat, "axis", lambda x: np.repeat(x, [2, 0, 1], axis=-1), (2, 3)),
    (np.tile, "", lambda x: np.tile(x, 2), (2, 3)),
    (np.tile, "new axis", lambda x: np.tile(x, (2, 1, 3)), (2, 3)),
    (np.split, "", lambda x: np.split(x, 3, axis=-1)[1], (2, 6)),
    (np.array_split, "", lambda x: np.array_split(x, 3)[1], (5, 2)),
    (np.array_split, "places", lambda x: np.array_split(x, [1, 3])[2], (5, 2)),
    (np.vsplit, "", lambda x: np.vsplit(x, 2)[1], (4, 2)),
    (np.hsplit, "", lambda x: np.hsplit(x, 2)[0], (3, 4)),
    (np.hsplit, "vector", lambda x: np.hsplit(x, 2)[0], (4,)),
    (np.dsplit, "", lambda x: np.dsplit(x, 2)[1], (2, 2, 4)),
    *(
        (fn, str(n), fn, (2, 3)[:n])
        for fn in (np.atleast_1d, np.atleast_2d, np.atleast_3d)
        for n in range(3)
    ),
    (np.sort, "", np.sort, (2, 3)),
    (np.sort, "axis", lambda x: np.sort(x, axis=0), (3, 2)),
    (np.sort, "flat", lambda x: np.sort(x, axis=None), (3, 2)),
    (np.take, "", lambda x: np.take(x, [0, 0, -1]), (2, 3)),
    (np.take, "axis", lambda x: np.take(x, np.array([[0, 2], [1, 1]]), axis=1), (2, 3)),
    (np.diff, "", np.diff, (2, 3)),
    (np.diff, "twice", lambda x: np.diff(x, 2, axis=0), (4, 2)),
    (np.diagonal, "", lambda x: np.diagonal(x, 1, 0, 2), (2, 3, 4)),
    (np.diagonal, "below", lambda x: np.diagonal(x, -1), (3, 3)),
    (np.trace, "", np.trace, (3, 3)),
    (np.trace, "offset", lambda x: np.trace(x, 1, 1, 2), (2, 3, 3)),
    (np.diag, "take", lambda x: np.diag(x, -1), (3, 3)),
    (np.diag, "make", np.diag, (3,)),
    (np.diag, "above", lambda x: np.diag(x, 2), (3,)),
    (np.diag, "below", lambda x: np.diag(x, -1), (3,)),
    (np.tril, "", np.tril, (3, 3)),
    (np.triu, "", lambda x: np.triu(x, -1), (2, 3, 4)),
]


MATRICES = [
    (np.linalg.slogdet, "", lambda x: np.linalg.slogdet(apart(x))[1], (2, 3, 3)),
    (
        np.linalg.slogdet,
        "negative",
        lambda x: np.prod(np.stack(np.linalg.slogdet(-apart(x))), axis=0),
        (3, 3),
    ),
    (decompositions.slogdet, "", lambda x: decompositions.slogdet(apart(x)), (2, 2)),
    (np.linalg.pinv, "tall", lambda x: np.linalg.pinv(apart(x)), (2, 3, 2)),
    (np.linalg.pinv, "wide", lambda x: np.linalg.pinv(apart(x)), (2, 3)),
    (np.linalg.pinv, "square", lambda x: np.linalg.pinv(apart(x), rcond=None), (3, 3)),
    (np.linalg.pinv, "rank 2", lambda x: np.linalg.pinv(deficient(x), rtol=None), (4, 3)),
    (np.linalg.pinv, "hermitian", lambda x: np.linalg.pinv(definite(x), hermitian=True), (2, 3, 3)),
    (np.linalg.cholesky, "", lambda x: np.linalg.cholesky(definite(x)), (2, 3, 3)),
    (np.linalg.cholesky, "upper", lambda x: np.linalg.cholesky(definite(x), upper=True), (3, 3)),
    *(
        (fn, "", lambda x: packed(*np.linalg.eigh(mixed(x))[::-1]), (2, 3, 3))
        for fn in (decompositions.eigh, decompositions.eigenvalues, np.linalg.eigh)
    ),
    (np.linalg.eigh, "U", lambda x: packed(*np.linalg.eigh(mixed(x), UPLO="U")[::-1]), (3, 3)),
    (np.linalg.eigh, "values", lambda x: np.linalg.eigh(mixed(x)).eigenvalues, (3, 3)),
    (np.linalg.eigvalsh, "", lambda x: np.linalg.eigvalsh(mixed(x)), (2, 3, 3)),
    (np.linalg.eigvalsh, "U", lambda x: np.linalg.eigvalsh(mixed(x), "U"), (3, 3)),
    *(
        (fn, "", lambda x: packed(*np.linalg.svd(apart(x))), (2, 3, 3))
        for fn in (decompositions.svd, decompositions.singular_values, np.linalg.svd)
    ),
    (
        np.linalg.svd,
        "tall",
        lambda x: packed(*np.linalg.svd(apart(x), full_matrices=False)),
        (2, 3, 2),
    ),
    (np.linalg.svd, "wide", lambda x: packed(*np.linalg.svd(apart(x), False)), (2, 4)),
    (np.linalg.svd, "values", lambda x: np.linalg.svd(apart(x), compute_uv=False), (2, 3)),
    (
        np.linalg.svd,
        "hermitian",
        lambda x: packed(*np.linalg.svd(mixed(x), hermitian=True)),
        (2, 3, 3),
    ),
    (
        np.linalg.svd,
        "hermitian values",
        lambda x: np.linalg.svd(mixed(x), True, False, True),
        (3, 3),
    ),
    (np.linalg.svdvals, "", lambda x: np.linalg.svdvals(apart(x)), (2, 2, 3)),
    *(
        (
            np.linalg.matrix_power,
            str(n),
            lambda x, n=n: np.linalg.matrix_power(apart(x) / 4, n),
            (2, 2, 2),
        )
        for n in (-2, -1, 0, 1, 2, 3, 6)
    ),
    (np.linalg.norm, "", np.linalg.norm, (2, 3, 2)),
    (np.linalg.norm, "keepdims", lambda x: np.linalg.norm(x, keepdims=True), (2, 3)),
    (np.linalg.norm, "number", np.linalg.norm, ()),
    *(
        (np.linalg.norm, f"vector {p}", lambda x, p=p: np.linalg.norm(x, p), (4,))
        for p in (None, 1, 2, 3, 2.5, 0.5, -1, -2, -0.5, np.inf, -np.inf)
    ),
    *(
        (
            np.linalg.norm,
            f"vectors {p}",
            lambda x, p=p: np.linalg.norm(x, p, axis=0, keepdims=True),
            (3, 2),
        )
        for p in (None, 1, 2, 3, np.inf)
    ),
    *(
        (np.linalg.norm, f"matrix {p}", lambda x, p=p: np.linalg.norm(apart(x), p), (2, 3))
        for p in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
    ),
    *(
        (
            np.linalg.norm,
            f"matrices {p}",
            lambda x, p=p: np.linalg.norm(np.moveaxis(apart(x), -1, 0), p, axis=(2, 0)),
            (2, 3, 2),
        )
        for p in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
    ),
    *(
        (
            np.linalg.norm,
            f"matrices {p}, keepdims",
            lambda x, p=p: np.linalg.norm(apart(x), p, (-2, -1), True),
            (2, 2, 3),
        )
        for p in (None, "nuc", 1, np.inf)
    ),
    (np.linalg.vector_norm, "", np.linalg.vector_norm, (2, 3)),
    (
        np.linalg.vector_norm,
        "axes",
        lambda x: np.linalg.vector_norm(x, axis=(2, 0), keepdims=True, ord=3),
        (2, 3, 2),
    ),
    (np.linalg.vector_norm, "inf", lambda x: np.linalg.vector_norm(x, axis=1, ord=np.inf), (2, 3)),
    (np.linalg.matrix_norm, "", np.linalg.matrix_norm, (2, 3, 2)),
    (
        np.linalg.matrix_norm,
        "2",
        lambda x: np.linalg.matrix_norm(apart(x), ord=2, keepdims=True),
        (2, 3, 2),
    ),
    (np.matrix_transpose, "", np.matrix_transpose, (2, 3, 2)),
    (np.linalg.matrix_transpose, "", np.linalg.matrix_transpose, (2, 3, 2)),
    (np.linalg.diagonal, "", lambda x: np.linalg.diagonal(x, offset=1), (2, 3, 4)),
    (np.linalg.trace, "", lambda x: np.linalg.trace(x, offset=-1), (2, 3, 3)),
]
SINCE_2_2 = [("matvec", [(2, 3), (4, 1, 3)]), ("vecmat", [(4, 1, 3), (3, 2)])]


# --- the table ------------------------------------------------------------------------------------------------------
EINSUMS = [
    "i,i",
    "i,i->",
    "ij,jk",
    "ij,jk->ki",
    "ba",
    "ij->",
    "ij->j",
    "i->i",
    "ii",
    "ii->",
    "ii->i",
    "iij->j",
    "iij->ji",
    "iii->i",
    "ii,i->i",
    "ij,k->j",
    "ij,k->",
    ",ij->j",
    "bij,bjk->bik",
    "ij, jk, kl -> il",
    "ij,ij,jk->k",
    "...i",
    "i...->...",
    "...ij,...jk->...ik",
    "...i,...i->...",
    "...,i->i...",
    "ii...,...->...i",
]
BINARY = [
    fn
    for fn, op in OPS.items()
    if isinstance(fn, np.ufunc) and len(op.rules) == 2 and any(op.rules)
]
BINARY.remove(np.matmul)
ROWS = [
    *(
        (fn, "", each(fn, 2))
        for fn in (np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum)
    ),
    (np.power, "", each(np.power, 2, positive=True)),
    (np.power, "negative exponent", each(lambda a, b: np.power(a, -b), 2, positive=True)),
    (np.power, "whole number", whole_power()),
    (np.power, "number below", each(lambda b: 2.5**b)),
    *(
        (fn, "", each(fn))
        for fn in (
            np.negative,
            np.positive,
            np.absolute,
            np.square,
            np.exp,
            np.sin,
            np.cos,
            np.tanh,
        )
    ),
    *((fn, "", each(fn, positive=True)) for fn in (np.sqrt, np.log)),
    *(
        (fn, "", each(fn))
        for fn in (
            np.reciprocal,
            np.cbrt,
            np.fabs,
            np.exp2,
            np.expm1,
            np.arctan,
            np.sinh,
            np.cosh,
            np.arcsinh,
            np.deg2rad,
            np.radians,
            np.rad2deg,
            np.degrees,
            np.sinc,
            np.real,
            np.conjugate,
            np.imag,
        )
    ),
    *((fn, "", each(fn, positive=True)) for fn in (np.log2, np.log10, np.log1p)),
    *((fn, "", each(inside(fn))) for fn in (np.tan, np.arcsin, np.arccos, np.arctanh)),
    (np.arccosh, "", each(lambda x: np.arccosh(1 + x * x))),
    (np.sinc, "at 0", each(lambda x: np.sinc(x - x))),
    *(
        (fn, "", each(fn, 2))
        for fn in (np.logaddexp, np.logaddexp2, np.arctan2, np.hypot, np.fmax, np.fmin)
    ),
    (np.float_power, "", each(np.float_power, 2, positive=True)),
    *((fn, "", each(past_whole(fn), 2)) for fn in (np.remainder, np.fmod)),
    (np.where, "", where()),
    (np.where, "number", each(lambda a: np.where(a > 0, a, 0.5))),
    (np.clip, "", clip()),
    (np.clip, "one side", each(lambda x: np.clip(x, 0.2, None))),
    (cast, "", each(lambda x: x.astype(x.dtype))),
    (accumulate, "", accumulated()),
    (np.matmul, "", matmul()),
    (np.dot, "", dot()),
    *((np.einsum, s, einsum(s)) for s in EINSUMS),
    (np.einsum, "ones under a letter", einsum_of_ones()),
    (
        np.einsum,
        "a column and a row",
        together(lambda a, b: np.einsum("ij,ij->", a, b), (2, 1), (1, 2)),
    ),
    *((fn, "", reduction(fn)) for fn in (np.sum, np.mean, np.max, np.min)),
    (np.reshape, "", reshape()),
    (np.transpose, "", transpose()),
    (np.swapaxes, "", swapaxes()),
    (np.expand_dims, "", expand_dims()),
    (np.squeeze, "", squeeze()),
    (np.broadcast_to, "", broadcast_to()),
    (np.concatenate, "", concatenate()),
    (np.stack, "", stack()),
    *((getitem, name, indexed(index)) for name, index in INDICES.items()),
    (scatter, "", scattered()),
    *((np.take_along_axis, fit, take_along_axis(fit)) for fit in ("exact", "broadcast", "flat")),
    (put_along, "", take_along_axis("exact", put=True)),
    *((fn, name, of_shape(call, shape)) for fn, name, call, shape in COMPOSITIONS),
    (np.vstack, "", stacked(np.vstack, (2, 3), (1, 3))),
    (np.vstack, "vectors", stacked(np.vstack, (3,), (3,))),
    (np.hstack, "", stacked(np.hstack, (2, 3), (2, 1))),
    (np.hstack, "vectors", stacked(np.hstack, (3,), (2,))),
    (np.dstack, "", stacked(np.dstack, (2, 3), (2, 3))),
    (np.dstack, "vectors", stacked(np.dstack, (3,), (3,))),
    (np.column_stack, "", stacked(np.column_stack, (2,), (2, 3))),
    (np.append, "", together(np.append, (2, 3), (4,))),
    (np.append, "axis", together(lambda a, b: np.append(a, b, axis=0), (2, 3), (1, 3))),
    (
        np.broadcast_arrays,
        "",
        together(lambda a, b: np.stack(np.broadcast_arrays(a, b)), (2, 1), (3,)),
    ),
    *((fn, "", reduction(fn)) for fn in (np.var, np.nansum)),
    (np.std, "", of_shape(lambda x: np.std(x, axis=-1, keepdims=True), (2, 3))),
    (np.std, "all", of_shape(lambda x: np.std(x, ddof=1), (2, 3))),
    (np.var, "ddof", of_shape(lambda x: np.var(x, axis=-1, ddof=1), (2, 3))),
    (np.prod, "", reduction(np.prod)),
    (
        np.prod,
        "zeros",
        of_shape(lambda x: np.prod(x * np.array([1, 0, 1], x.dtype), axis=1), (2, 3)),
    ),
    (np.cumsum, "", along(np.cumsum)),
    (np.cumsum, "flat", of_shape(np.cumsum, (2, 3))),
    (np.cumprod, "", along(np.cumprod)),
    (
        np.cumprod,
        "zeros",
        of_shape(lambda x: np.cumprod(x * np.array([1, 0, 1, 1], x.dtype)), (4,)),
    ),
    *((fn, "", reduction(fn)) for fn in (np.amax, np.amin, np.ptp, np.nanmean)),
    *((fn.reduce, "", along(fn.reduce)) for fn in (np.add, np.multiply, np.maximum, np.minimum)),
    *((fn.accumulate, "", along(fn.accumulate)) for fn in (np.add, np.multiply)),
    *((fn.outer, "", outer(fn)) for fn in BINARY),
    (np.copysign, "", each(np.copysign, 2)),
    (np.heaviside, "", each(lambda x: np.heaviside(x - x, x))),
    (np.full_like, "", together(np.full_like, (2, 3), (3,))),
    (
        np.select,
        "",
        together(lambda a, b: np.select([a > 1, a > 0], [a, a * b], default=b), (2, 3), (3,)),
    ),
    (np.average, "weights", each(lambda a, w: np.average(a + w, weights=w - a + 5), 2)),
    (np.trapezoid, "places", together(np.trapezoid, (2, 3), (3,))),
    (np.linspace, "", together(lambda a, b: np.linspace(a, b, 4, axis=-1), (2, 1), (3,))),
    (np.linspace, "open", together(lambda a, b: np.linspace(a, b, num=3, endpoint=False), (), ())),
    (np.meshgrid, "", together(lambda a, b: np.stack(np.meshgrid(a, b)), (2,), (3,))),
    (
        np.meshgrid,
        "ij",
        together(lambda *xs: np.stack(np.meshgrid(*xs, indexing="ij")), (2,), (3,), (2,)),
    ),
    (
        np.meshgrid,
        "sparse",
        together(lambda a, b: np.add(*np.meshgrid(a, b, sparse=True)), (2,), (3,)),
    ),
    (
        np.linalg.inv,
        "",
        of_shape(lambda x: np.linalg.inv(x + 6 * np.eye(3, dtype=x.dtype)), (2, 3, 3)),
    ),
    (
        np.linalg.det,
        "",
        of_shape(lambda x: np.linalg.det(x / 4 + 1.5 * np.eye(3, dtype=x.dtype)), (2, 3, 3)),
    ),
    (np.linalg.solve, "", together(solved, (3, 3), (2, 3, 2))),
    (np.linalg.solve, "vector", together(solved, (3, 3), (3,))),
    (np.linalg.solve, "vector, batch", together(solved, (2, 2, 2), (2,))),
    *((fn, name, of_shape(call, shape)) for fn, name, call, shape in MATRICES),
    (np.kron, "", together(np.kron, (2, 3), (3, 2))),
    (np.kron, "fewer axes", together(np.kron, (2,), (2, 1, 3))),
    (np.kron, "more axes", together(np.kron, (1, 2, 2), (2, 3))),
    (np.kron, "number", together(np.kron, (), (2, 2))),
    (np.cross, "", together(np.cross, (3,), (3,))),
    (np.cross, "broadcast", together(np.cross, (2, 1, 3), (4, 3))),
    (
        np.cross,
        "axes",
        together(lambda a, b: np.cross(a, b, axisa=0, axisb=1, axisc=0), (3, 2), (2, 3)),
    ),
    (np.cross, "axis", together(lambda a, b: np.cross(a, b, axis=0), (3, 2), (3, 2))),
    (np.cross, "constant", together(lambda a: np.cross(np.array([0, 0, 1], a.dtype), a), (2, 3))),
    (np.linalg.cross, "", together(lambda a, b: np.linalg.cross(a, b, axis=0), (3, 2), (3, 2))),
    (np.linalg.multi_dot, "", stacked(np.linalg.multi_dot, (2, 3), (3, 4), (4, 1), (1, 3))),
    (np.linalg.multi_dot, "two", stacked(np.linalg.multi_dot, (2, 3), (3, 2))),
    (np.linalg.multi_dot, "vectors", stacked(np.linalg.multi_dot, (3,), (3, 2), (2,))),
    (
        np.linalg.multi_dot,
        "vector first",
        stacked(np.linalg.multi_dot, (3,), (3, 2), (2, 2), (2, 4)),
    ),
    (np.linalg.multi_dot, "vector last", stacked(np.linalg.multi_dot, (2, 3), (3, 2), (2,))),
    (np.linalg.multi_dot, "two vectors", stacked(np.linalg.multi_dot, (3,), (3,))),
    (np.linalg.matmul, "", together(np.linalg.matmul, (2, 3), (2, 3, 2))),
    (np.linalg.outer, "", together(np.linalg.outer, (2,), (3,))),
    (
        np.linalg.tensordot,
        "",
        together(lambda a, b: np.linalg.tensordot(a, b, axes=1), (2, 3), (3, 2)),
    ),
    *((fn, "", together(fn, (2, 1, 3), (4, 3))) for fn in (np.vecdot, np.linalg.vecdot)),
    (
        np.linalg.vecdot,
        "axis",
        together(lambda a, b: np.linalg.vecdot(a, b, axis=0), (3, 2), (3, 2)),
    ),
    (
        np.vecdot,
        "axis",
        together(lambda a, b: np.vecdot(a, b, axis=-2, keepdims=True), (3, 1), (2, 3, 2)),
    ),
    *(
        (getattr(np, name), "", together(getattr(np, name), *shapes))
        for name, shapes in SINCE_2_2
        if hasattr(np, name)
    ),
    (np.outer, "", together(np.outer, (2, 2), (3,))),
    (np.inner, "", together(np.inner, (2, 3), (4, 3))),
    (np.inner, "number", together(np.inner, (), (2, 3))),
    (np.vdot, "", together(np.vdot, (2, 3), (6,))),
    (np.tensordot, "", together(np.tensordot, (2, 3, 4), (3, 4, 2))),
    (
        np.tensordot,
        "axes",
        together(lambda a, b: np.tensordot(a, b, axes=([0, -1], [1, 0])), (2, 3, 4), (4, 2)),
    ),
    (np.tensordot, "none", together(lambda a, b: np.tensordot(a, b, axes=0), (2,), (3,))),
    (mg.sigmoid, "", each(mg.sigmoid)),
    (mg.relu, "", each(mg.relu)),
    *((fn, "", along(fn)) for fn in (mg.softmax, mg.log_softmax)),
    (mg.cross_entropy, "", cross_entropy()),
    (mg.mse, "", mse()),
]


def over(rows):
    """A test for each of these rows of the table."""
    names = [f"{op_name(fn)}-{name}".strip("-") for fn, name, _ in rows]
    return pytest.mark.parametrize("row", [row for _, _, row in rows], ids=names)


table = over(ROWS)
NEVER_CUT = {
    np.std,  # that of one element is 0, where a root has no slope
    put_along,  # our own: its operand has the shape of its indices
}


def test_every_differentiable_function_has_a_row():
    known = {fn for fn, op in OPS.items() if op.joint or any(op.rules)} | set(COMPOSED)
    assert known - GATES <= {op for op, _, _ in ROWS}


def weights(y, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 1.5, y.shape).astype(y.dtype)


def scalar(fn, xs):
    """A weighted sum, not linear in the result, so that second derivatives depend on everything."""
    y = fn(*xs)
    return np.sum(weights(y) * y * (1 + y))


def params(xs):
    return [mg.tensor(x, requires_grad=True) for x in xs]


def swapped(xs, i, x):
    return [*xs[:i], x, *xs[i + 1 :]]


def slope_along(fn, xs, us, eps=1e-3):
    """The derivative of the scalar in the direction us, by differences."""
    f = [scalar(fn, [x + k * eps * u for x, u in zip(xs, us, strict=True)]) for k in (-2, -1, 1, 2)]
    return (8 * (f[2] - f[1]) - f[3] + f[0]) / (12 * eps)


@table
@settings(max_examples=10)
@given(data=st.data())
def test_first_derivative(row, slope, data):
    fn, xs = data.draw(row)
    ts = params(xs)
    # np.dot is recorded as a matmul, whose sums may cancel: their rounding is that of their terms.
    np.testing.assert_allclose(fn(*ts).data, fn(*xs), rtol=1e-14, atol=1e-14)
    found = mg.grad(scalar(fn, ts), ts)
    for i, (x, g) in enumerate(zip(xs, found, strict=True)):
        assert (g.shape, g.dtype) == (x.shape, x.dtype)
        expected = slope(lambda z, i=i: scalar(fn, swapped(xs, i, z)), x)
        np.testing.assert_allclose(g.data, expected, rtol=1e-7, atol=1e-8)


@table
@settings(max_examples=10)
@given(data=st.data())
def test_second_derivative(row, slope, data):
    fn, xs = data.draw(row)
    ts, us = params(xs), [weights(x, seed=1) for x in xs]

    first = mg.grad(scalar(fn, ts), ts, create_graph=True)
    found = mg.grad(sum(np.sum(g * u) for g, u in zip(first, us, strict=True)), ts)
    for i, (x, g) in enumerate(zip(xs, found, strict=True)):
        expected = slope(lambda z, i=i: slope_along(fn, swapped(xs, i, z), us), x)
        np.testing.assert_allclose(g.data, expected, rtol=1e-6, atol=1e-6)


@over([row for row in ROWS if row[0] not in NEVER_CUT])
@settings(max_examples=10)
@given(data=st.data())
def test_axes_of_one_are_broadcast_forward_and_summed_backward(row, data):
    """The first derivative once more, where NumPy takes the arrays cut to length 1 along some of their axes."""
    fn, xs = data.draw(row)
    axes = [(i, axis) for i, x in enumerate(xs) for axis in range(x.ndim)]
    for i, axis in data.draw(st.sets(st.sampled_from(axes), min_size=1)) if axes else ():
        xs[i] = np.take(xs[i], [0], axis)
    with np.errstate(all="raise"):
        try:
            scalar(fn, xs)
        except (ValueError, IndexError, FloatingPointError, RuntimeWarning):  # NumPy does not
            return
    ts, us = params(xs), [weights(x, seed=1) for x in xs]
    gradients = mg.grad(scalar(fn, ts), ts)
    assert [g.shape for g in gradients] == [x.shape for x in xs]
    along_us = sum(np.sum(g.data * u) for g, u in zip(gradients, us, strict=True))
    expected, nearer = slope_along(fn, xs, us), slope_along(fn, xs, us, eps=3e-4)
    # Cut matrices may have equal eigenvalues, at which their vectors jump, and differences with them.
    if np.isclose(expected, nearer, rtol=1e-5):
        np.testing.assert_allclose(along_us, expected, rtol=1e-7, atol=1e-7)


@table
@settings(max_examples=10)
@given(data=st.data())
def test_float32_stays_float32(row, data):
    fn, xs = data.draw(row)
    ts, small = params(xs), params([x.astype(np.float32) for x in xs])
    loss = scalar(fn, small)
    numpys = np.result_type(fn(*[x.data for x in small]))
    assert loss.dtype == fn(*small).dtype == numpys
    assert numpys == np.float32 or fn in (
        np.float_power,
        np.float_power.outer,
    )  # never below float64
    for g, g64 in zip(mg.grad(loss, small), mg.grad(scalar(fn, ts), ts), strict=True):
        assert g.dtype == np.float32
        np.testing.assert_allclose(g.data, g64.data, rtol=1e-4, atol=1e-4)


@table
@settings(max_examples=10)
@given(data=st.data())
def test_backward_replayed_with_other_values_is_backward_of_them(row, data):
    fn, xs = data.draw(row)
    ts, others = params(xs), [np.roll(x, 1) for x in xs]
    tape = differentiate(mg.Tape.of(scalar(fn, ts)), ts)
    again = params(others)
    loss = scalar(fn, again)
    for got, expected in zip(
        tape.replay(dict(zip(ts, others, strict=True))), [loss, *mg.grad(loss, again)], strict=True
    ):
        np.testing.assert_allclose(got, expected.data, rtol=1e-12, atol=1e-12)


# --- broadcasting undone -------------------------------------------------------------------------------------------
@given(
    shapes=mutually_broadcastable_shapes(
        num_shapes=1, base_shape=(2, 1, 3), max_dims=3, max_side=3, min_side=0
    )
)
def test_a_contribution_to_what_was_broadcast_is_its_sum(shapes):
    """Against a product with ones: the adjoint of broadcasting counts how often each element was used."""
    (shape,) = shapes.input_shapes
    x = mg.tensor(np.ones(shape), requires_grad=True)
    broadcast = np.broadcast_to(np.arange(x.size).reshape(shape), shapes.result_shape)
    uses = np.bincount(broadcast.ravel(), minlength=x.size).reshape(shape)
    for contribution in (np.ones(shapes.result_shape), mg.tensor(np.ones(shapes.result_shape))):
        np.testing.assert_array_equal(np.asarray(conform(contribution, x, x)), uses, strict=False)


@pytest.mark.parametrize(
    ("sent", "shape"),
    [
        ((1, 2), (2, 1)),
        ((2, 3), (3, 2)),
        ((6,), (2, 3)),
        ((2, 3), (6,)),
        ((3, 1), (3,)),
        ((3,), (3, 1)),
        ((2, 1, 3), (1, 2, 3)),
        ((2, 2), (3,)),
        ((1, 1), (3,)),
    ],
)
def test_a_contribution_of_the_elements_in_another_shape_is_refused(sent, shape):
    x = mg.tensor(np.ones(shape), name="x")
    y = np.negative(x)
    with pytest.raises(
        ShapeError,
        match=re.escape(f"contribution of shape {sent}; its input has the shape {shape}"),
    ):
        conform(np.ones(sent), x, y)


# --- where a derivative is a convention ------------------------------------------------------------------------------
CONVENTIONS = [
    ("max shares a tie", np.max, [[1.0, 3.0, 3.0]], [[0, 0.5, 0.5]]),
    ("min shares a tie", np.min, [[1.0, 3.0, 1.0]], [[0.5, 0, 0.5]]),
    ("maximum shares a tie", np.maximum, [2.0, 2.0], [0.5, 0.5]),
    ("minimum shares a tie", np.minimum, [2.0, 2.0], [0.5, 0.5]),
    ("absolute at 0", np.absolute, [0.0], [0]),
    ("hypot at the origin", np.hypot, [0.0, 0.0], [0, 0]),
    ("relu at 0", mg.relu, [0.0], [0]),
    ("0 squared", lambda x: x**2, [0.0], [0]),
    ("0 to the 0", lambda x: x**0, [0.0], [0]),
    ("0 to the 1", lambda x: x**1, [0.0], [1]),
    ("exponent of 0", np.power, [0.0, 2.0], [0, 0]),
    ("norm of 0", np.linalg.norm, [np.zeros(3)], [np.zeros(3)]),
    (
        "norms, one of 0",
        lambda x: np.linalg.norm(x, axis=1) @ [1, 1],
        [[[0.0, 0], [0, 4]]],
        [[[0, 0], [0, 1]]],
    ),
    (
        "Frobenius norm of 0",
        lambda x: np.linalg.norm(x, "fro"),
        [np.zeros((2, 2))],
        [np.zeros((2, 2))],
    ),
    ("3-norm of 0", lambda x: np.linalg.norm(x, 3), [np.zeros(3)], [np.zeros(3)]),
    ("1-norm at 0", lambda x: np.linalg.norm(x, 1), [[0.0, -2]], [[0, -1]]),
    (
        "inf-norm shares a tie",
        lambda x: np.linalg.norm(x, np.inf),
        [[3.0, -3, 1]],
        [[0.5, -0.5, 0]],
    ),
    ("equal eigenvalues", lambda x: np.sum(np.linalg.eigh(x)[0]), [np.eye(3)], [np.eye(3)]),
    ("equal eigenvalues alone", lambda x: np.sum(np.linalg.eigvalsh(x)), [np.eye(3)], [np.eye(3)]),
    ("equal singular values", lambda x: np.sum(np.linalg.svd(x)[1]), [np.eye(3)], [np.eye(3)]),
    (
        "pseudo-inverse of equal singular values",
        lambda x: np.trace(np.linalg.pinv(x)),
        [np.eye(2)],
        [-np.eye(2)],
    ),
]


@pytest.mark.parametrize(
    ("fn", "at", "expected"), [c[1:] for c in CONVENTIONS], ids=[c[0] for c in CONVENTIONS]
)
def test_conventions_at_kinks(fn, at, expected):
    ts = [mg.tensor(x, requires_grad=True) for x in at]
    for g, e in zip(mg.grad(fn(*ts), ts), expected, strict=True):
        np.testing.assert_array_equal(g.data, e)


@pytest.mark.parametrize(
    "fn", [np.add, np.multiply, np.divide, np.maximum, lambda a, b: np.stack([a, b])]
)
def test_each_operand_gets_a_gradient_of_its_own_dtype(fn):
    a = mg.tensor(np.float32([1, 2]), requires_grad=True)
    b = mg.tensor([3.0, 4.0], requires_grad=True)
    y = fn(a, b)
    assert y.dtype == np.float64
    assert [g.dtype for g in mg.grad(np.sum(y), [a, b])] == [np.float32, np.float64]


@pytest.mark.parametrize(("of", "to"), [(np.float32, np.float64), (np.float64, np.float32)])
def test_a_cast_casts_the_gradient_back(of, to):
    x = mg.tensor(np.array([1, 2], of), requires_grad=True)
    y = x.astype(to)
    (g,) = mg.grad(np.sum(y * np.array([0.1, 3], to)), [x])
    assert (y.dtype, g.dtype) == (to, of)
    np.testing.assert_array_equal(g.data, np.array([0.1, 3], to).astype(of))


# --- decompositions -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "fn",
    [np.linalg.eigh, np.linalg.svd, np.linalg.slogdet, lambda x: np.linalg.svd(x, hermitian=True)],
)
def test_several_results_are_a_named_tuple_like_numpys(fn):
    x = np.diag([2.0, -1.0, 3.0])
    got, expected = fn(mg.tensor(x, requires_grad=True)), fn(x)
    assert type(got) is type(expected)
    for name, value in expected._asdict().items():
        np.testing.assert_array_equal(getattr(got, name).data, value)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
def test_what_a_decomposition_is_made_for_is_the_identity(shape):
    """u s vh is x, so the gradient through all three is the cotangent; likewise the second derivative."""
    x = mg.tensor(apart(np.random.default_rng(0).uniform(-1, 1, shape)), requires_grad=True)
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    (g,) = mg.grad(np.sum(((u * s) @ vh) ** 3), [x], create_graph=True)
    np.testing.assert_allclose(g.data, 3 * x.data**2, rtol=1e-11)
    (h,) = mg.grad(np.sum(g), [x])
    np.testing.assert_allclose(h.data, 6 * x.data, rtol=1e-9)


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: np.sum(np.linalg.eigh(x)[1] * np.arange(9.0).reshape(3, 3)),
        lambda x: np.sum(np.linalg.svd(x)[0] * np.arange(9.0).reshape(3, 3)),
    ],
)
def test_vectors_of_equal_values_have_no_gradient_and_say_so(fn):
    x = mg.tensor(np.eye(3), requires_grad=True)
    with pytest.warns(RuntimeWarning, match=r"divide by zero|invalid value"):
        (g,) = mg.grad(fn(x), [x])
    assert not np.any(np.isfinite(g.data[~np.eye(3, dtype=bool)]))


@pytest.mark.parametrize(
    "fn", [np.linalg.eigvalsh, np.linalg.svdvals, lambda x: np.linalg.eigh(x)[0]]
)
def test_second_derivatives_at_equal_values_are_not_there_and_say_so(fn):
    """Though this function, the squared distance to the identity, is smooth: its parts are not."""
    x = mg.tensor(np.eye(2), requires_grad=True)
    (g,) = mg.grad(np.sum((fn(x) - 1) ** 2), [x], create_graph=True)
    np.testing.assert_array_equal(g.data, np.zeros((2, 2)))
    with pytest.warns(RuntimeWarning, match=r"divide by zero|invalid value"):
        (h,) = mg.grad(np.sum(g * np.array([[1.0, 2], [2, 5]])), [x])
    assert not np.all(np.isfinite(h.data))


@pytest.mark.parametrize(
    ("fn", "message"),
    [
        (np.linalg.svd, r"full_matrices=True of matrices 2 by 3.*Pass full_matrices=False"),
        (lambda x: np.linalg.pinv(x, rcond=0.1), r"tolerance of 0\.1.*Pass rtol=None"),
        (lambda x: np.linalg.pinv(x, rtol=0.1), r"tolerance of 0\.1.*Pass rtol=None"),
        (lambda x: np.linalg.norm(x, 0, axis=1), "ord=0; any other number"),
        (lambda x: np.linalg.norm(x, "nuc", axis=1), "ord='nuc'; any other number"),
        (lambda x: np.linalg.norm(x, 3), "ord=3; None, 'fro'"),
        (lambda x: np.linalg.norm(x[None], 2), "3 axes; 1 of vectors or 2 of matrices"),
        (lambda x: np.cross(x[:, :2], x), r"vectors of 2 and 3 elements; 3 wanted"),
        (lambda x: np.linalg.multi_dot([x[None], x.T]), r"stacks of matrices"),
    ],
)
def test_what_has_no_derivative_is_refused_in_one_line(fn, message):
    with pytest.raises(UnsupportedError, match=message):
        fn(mg.tensor(np.ones((2, 3)), requires_grad=True))


@pytest.mark.parametrize("p", [2, 3])
def test_the_norm_of_zeros_is_flat_to_second_order(p):
    x = mg.tensor(np.zeros(3), requires_grad=True)
    (g,) = mg.grad(np.linalg.norm(x, p), [x], create_graph=True)
    (h,) = mg.grad(np.sum(g), [x])
    np.testing.assert_array_equal(h.data, np.zeros(3))


@pytest.mark.parametrize("p", [2, 4])
def test_norms_of_vectors_with_a_zero_in_them(p, slope):
    x = np.array([1.0, 0.0, -2.0])
    t = mg.tensor(x, requires_grad=True)
    (g,) = mg.grad(np.linalg.norm(t, p), [t], create_graph=True)
    (h,) = mg.grad(np.sum(g * np.array([1.0, 2, 3])), [t])

    def along(z):
        (g,) = mg.grad(np.linalg.norm(u := mg.tensor(z, requires_grad=True), p), [u])
        return g.data @ [1, 2, 3]

    np.testing.assert_allclose(h.data, slope(along, x), atol=1e-8)


# --- nothing in it ---------------------------------------------------------------------------------------------------
NOTHING = [
    ("one against none", np.add, [(1, 3), (0, 3)]),
    ("none against one", np.multiply, [(2, 0), (2, 1)]),
    ("none against a number", np.divide, [(0,), ()]),
    ("none against a row", np.maximum, [(0, 3), (3,)]),
    ("where", lambda a, b: np.where(True, a, b), [(0,), (1,)]),
    ("inner product", np.matmul, [(0,), (0,)]),
    ("matmul over none", np.matmul, [(2, 0), (0, 3)]),
    ("matmul over none, batch", np.matmul, [(2, 3, 0), (0, 4)]),
    ("matmul of no batch", np.matmul, [(0, 2, 3), (3, 4)]),
    ("matmul of no rows", np.matmul, [(0, 3), (3, 2)]),
    ("einsum", lambda x: np.einsum("ij->", x), [(0, 3)]),
    ("einsum over none", lambda a, b: np.einsum("ij,k->j", a, b), [(0, 3), (2,)]),
    ("einsum product", lambda a, b: np.einsum("ij,jk->ik", a, b), [(2, 0), (0, 3)]),
    ("sum", np.sum, [(0, 3)]),
    ("sum over none", lambda x: np.sum(x, axis=0), [(0, 3)]),
    ("max of no rows", lambda x: np.max(x, axis=1), [(0, 3)]),
    ("softmax of no rows", mg.softmax, [(0, 3)]),
    ("concatenate", lambda a, b: np.concatenate([a, b]), [(0, 3), (2, 3)]),
    ("stack", lambda a, b: np.stack([a, b], axis=1), [(0,), (0,)]),
    ("reshape", lambda x: np.reshape(x, (3, 0)), [(0, 3)]),
    ("broadcast_to", lambda x: np.broadcast_to(x, (0, 3)), [(1, 3)]),
    ("slice", lambda x: x[1:1], [(3, 2)]),
    ("integer array", lambda x: x[np.array([], int)], [(3, 2)]),
    ("no norms", lambda x: np.linalg.norm(x, axis=-1), [(0, 3)]),
    ("norm of nothing", np.linalg.norm, [(0,)]),
    ("kron", np.kron, [(0, 2), (2, 2)]),
    ("no cross products", np.cross, [(0, 3), (3,)]),
    *(
        (fn.__name__, fn, [(0, 2, 2)])
        for fn in (
            np.linalg.pinv,
            np.linalg.cholesky,
            np.linalg.eigvalsh,
            np.linalg.svdvals,
            decompositions.eigh,
            decompositions.svd,
            decompositions.slogdet,
        )
    ),
]


@pytest.mark.parametrize(("fn", "shapes"), [n[1:] for n in NOTHING], ids=[n[0] for n in NOTHING])
def test_empty_arrays(fn, shapes, slope):
    xs = [np.linspace(1, 2, prod(s)).reshape(s) for s in shapes]
    ts = params(xs)
    np.testing.assert_array_equal(fn(*ts).data, fn(*xs))
    for i, (x, g) in enumerate(zip(xs, mg.grad(scalar(fn, ts), ts), strict=True)):
        expected = slope(lambda z, i=i: scalar(fn, swapped(xs, i, z)), x)
        np.testing.assert_allclose(g.data, expected, atol=1e-9, strict=True)
