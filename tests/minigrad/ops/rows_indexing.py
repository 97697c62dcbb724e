"""The rows of indexing in all of its forms, and their adjoints."""

from math import prod

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
from minigrad.ops.indexing import PART, getitem, scatter
from minigrad.ops.selection import put_along
from tests.minigrad.ops.strategies import an_axis, any_shape, numbers, seeds

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
def looked_up(draw):
    rows, width = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    indices = np.random.default_rng(draw(seeds)).integers(0, rows, any_shape(draw))
    return lambda weight: mg.embedding(indices, weight), numbers(draw, (rows, width))


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


INDEXING = [
    *((getitem, name, indexed(index)) for name, index in INDICES.items()),
    (scatter, "", scattered()),
    (mg.embedding, "", looked_up()),
    *((np.take_along_axis, fit, take_along_axis(fit)) for fit in ("exact", "broadcast", "flat")),
    (put_along, "", take_along_axis("exact", put=True)),
]
