"""A step read through what only moves values is the step, whatever lies between."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.engines.onnx.step_reads import take

RNG = np.random.default_rng(0)
LETTERS = st.integers(0, 9)


def leaf(shape):
    return mg.tensor(RNG.normal(size=shape), requires_grad=True)


def stacked(x, k):
    return np.stack([x, x * 2, leaf(x.shape)][: 1 + k % 3], axis=k % (x.ndim + 1))


def reshaped(x, k):
    a = k % max(x.ndim - 1, 1)
    joined = (*x.shape[:a], int(np.prod(x.shape[a : a + 2])), *x.shape[a + 2 :])
    return np.reshape(x, joined)


def squeezed(x, k):
    ones = [a for a, length in enumerate(x.shape) if length == 1]
    return np.squeeze(x, axis=ones[k % len(ones)]) if ones and x.ndim > 1 else x


def beside(x, k):
    shape = [1 if (k >> a) & 1 else length for a, length in enumerate(x.shape)]
    return np.multiply(x, leaf(shape[k % x.ndim :]))


MOVES = [
    stacked,
    reshaped,
    squeezed,
    beside,
    lambda x, k: np.transpose(x, np.roll(np.arange(x.ndim), k)),
    lambda x, k: x.T,
    lambda x, k: np.expand_dims(x, k % (x.ndim + 1)),
    lambda x, k: np.concatenate([x, x + 1], axis=k % x.ndim),
    lambda x, k: np.tanh(x),
    lambda x, k: x @ leaf((x.shape[-1], 2)) if x.ndim > 1 else x,
    lambda x, k: leaf((x.shape[0],)) + x if x.ndim == 1 else x,
]


@given(st.lists(st.tuples(st.sampled_from(MOVES), LETTERS), max_size=6), LETTERS)
def test_it_is_the_index_whatever_was_moved(moves, k):
    x = stacked(leaf((2, 3)), k)
    for move, letter in moves:
        if x.ndim < 5:
            x = move(x, letter)
    axis = k % x.ndim
    for i in (0, x.shape[axis] - 1, -1):
        row = take(x, axis, i)
        np.testing.assert_allclose(row.data, np.take(x.data, i, axis), rtol=1e-12)


def test_it_does_not_pass_through_the_stack():
    states = [leaf((2, 4)).named(f"h_{t}") for t in (1, 2, 3)]
    # as PyTorch exports lead from one layer to the next, in one direction and in two
    one = np.squeeze(np.stack([np.stack(states)], axis=1), axis=1)
    assert [take(one, 0, t) for t in range(3)] == states
    both = np.stack([np.stack(states), np.stack(states[::-1])], axis=1)
    joined = np.reshape(np.transpose(both, (0, 2, 1, 3)), (3, 2, 8))
    row = take(joined, 0, 0)
    assert row.fn is np.concatenate
    assert row.inputs == (states[0], states[2])
