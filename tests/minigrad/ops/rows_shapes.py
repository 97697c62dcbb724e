"""The rows of other shapes and orders: reshape, transpose, concatenate, split, pad, sort."""

from math import prod

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from tests.minigrad.ops.strategies import an_axis, any_shape, numbers, of_shape, stacked, together


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


OF_ONE_ARRAY = [
    (np.copy, "", np.copy, (2, 3)),
    (np.real_if_close, "", np.real_if_close, (2, 3)),
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
    (np.transpose, "a number for axes", lambda x: np.transpose(x, 0), (3,)),
    (np.repeat, "number along its axis", lambda x: np.repeat(x, 2, axis=0), ()),
    (np.take, "number along its axis", lambda x: np.take(x, [0, 0], axis=-1), ()),
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
]
SHAPES = [
    (np.reshape, "", reshape()),
    (np.transpose, "", transpose()),
    (np.swapaxes, "", swapaxes()),
    (np.expand_dims, "", expand_dims()),
    (np.squeeze, "", squeeze()),
    (np.broadcast_to, "", broadcast_to()),
    (np.concatenate, "", concatenate()),
    (np.stack, "", stack()),
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
        np.block,
        "",
        together(lambda a, b, c: np.block([[a, b], [c]]), (2, 2), (2, 1), (1, 3)),
    ),
    (
        np.broadcast_arrays,
        "",
        together(lambda a, b: np.stack(np.broadcast_arrays(a, b)), (2, 1), (3,)),
    ),
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
    *((fn, name, of_shape(call, shape)) for fn, name, call, shape in OF_ONE_ARRAY),
]
