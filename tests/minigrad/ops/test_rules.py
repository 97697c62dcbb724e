"""One row per differentiable function: first and second derivative, float32, and the backward pass replayed.

A row draws a function of plain NumPy and the arrays to differentiate it at. The reference is central differences of
that function on plain arrays, in which the engine has no part.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.core.gates import GATES
from minigrad.ops import COMPOSED, OPS, op_name
from minigrad.ops.selection import put_along
from minigrad.transforms import differentiate
from tests.laws import examples, slope
from tests.minigrad.ops.losses import directional, params, scalar, slope_along, swapped, weights
from tests.minigrad.ops.rows import ROWS


def over(rows):
    """A test for each of these rows of the table."""
    names = [f"{op_name(fn)}-{name}".strip("-") for fn, name, _ in rows]
    return pytest.mark.parametrize("row", [row for _, _, row in rows], ids=names)


table = over(ROWS)


NEVER_CUT = {
    np.std,  # that of one element is 0, where a root has no slope
    put_along,  # our own: its operand has the shape of its indices
}

# NumPy gives float64 whatever it is given
WIDE = {
    *(np.float_power, np.float_power.outer, np.interp, np.cov, np.corrcoef),
    *(np.bincount, np.vander),
}
WIDE_ROWS = [row for fn, _, row in ROWS if fn in WIDE]


def test_every_differentiable_function_has_a_row():
    known = {fn for fn, op in OPS.items() if op.joint or any(op.rules)} | set(COMPOSED)
    assert known - GATES <= {op for op, _, _ in ROWS}


@table
@examples(5)
@given(data=st.data())
def test_first_derivative(row, data):
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
@examples(5)
@given(data=st.data())
def test_second_derivative(row, data):
    """In a random direction of each operand: an error in any element shows."""
    fn, xs = data.draw(row)
    ts, us = params(xs), [weights(x, seed=1) for x in xs]

    first = mg.grad(scalar(fn, ts), ts, create_graph=True)
    found = mg.grad(sum(np.sum(g * u) for g, u in zip(first, us, strict=True)), ts)
    for i, (x, g) in enumerate(zip(xs, found, strict=True)):
        v = weights(x, seed=2 + i)
        expected = directional(lambda z, i=i: slope_along(fn, swapped(xs, i, z), us), [x], [v])
        assert g.shape == x.shape
        np.testing.assert_allclose(np.sum(g.data * v), expected, rtol=1e-6, atol=1e-6)


@over([row for row in ROWS if row[0] not in NEVER_CUT])
@examples(5)
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
        # NumPy does not; where nothing is picked, 2.1 only warns of an index out of bounds
        except (ValueError, IndexError, FloatingPointError, RuntimeWarning, DeprecationWarning):
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
@examples(4)
@given(data=st.data())
def test_float32_stays_float32(row, data):
    fn, xs = data.draw(row)
    ts, small = params(xs), params([x.astype(np.float32) for x in xs])
    loss = scalar(fn, small)
    numpys = np.result_type(fn(*[x.data for x in small]))
    assert loss.dtype == fn(*small).dtype == numpys
    assert numpys == np.float32 or row in WIDE_ROWS
    for g, g64 in zip(mg.grad(loss, small), mg.grad(scalar(fn, ts), ts), strict=True):
        assert g.dtype == np.float32
        np.testing.assert_allclose(g.data, g64.data, rtol=1e-4, atol=1e-4)


@table
@examples(4)
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
