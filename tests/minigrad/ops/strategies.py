"""What the rows draw: arrays that stay off zeros, kinks and ties, and functions of them."""

from math import prod

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

seeds = st.integers(0, 999)


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
def of_shape(draw, fn, shape):
    return fn, numbers(draw, shape)


@st.composite
def together(draw, fn, *shapes):
    return fn, numbers(draw, *shapes)


@st.composite
def stacked(draw, fn, *shapes):
    return lambda *xs: fn(xs), numbers(draw, *shapes)
