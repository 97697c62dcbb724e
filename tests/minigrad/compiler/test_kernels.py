"""The calls for an operation: products, sums of products and reductions, in any order of memory."""

import numpy as np
import pytest

from minigrad.compiler.emit.kernels import calls
from minigrad.compiler.emit.stacks import batched, summed_products
from minigrad.compiler.strided import owner, stacked


def result(found, out):
    for fn, args in found:
        fn(*args)
    return out


RNG = np.random.default_rng(0)
ORDERS = [np.ascontiguousarray, np.asfortranarray]


@pytest.mark.parametrize("of_a", ORDERS)
@pytest.mark.parametrize("of_b", ORDERS)
@pytest.mark.parametrize("of_out", ORDERS)
@pytest.mark.parametrize("rows", [3, 5000])
def test_products_into_any_order(of_a, of_b, of_out, rows):
    a, b, out = (
        of_a(RNG.normal(size=(rows, 4))),
        of_b(RNG.normal(size=(4, 6))),
        of_out(np.empty((rows, 6))),
    )
    np.testing.assert_allclose(result(calls(np.matmul, {}, [a, b], out), out), a @ b)
    out3 = np.moveaxis(np.empty((6, 2, rows)), 0, -1)
    stack = np.stack([a, 2 * a])
    np.testing.assert_allclose(
        result(batched(np.matmul, {}, [stack, b], [False, True], out3), out3), stack @ b
    )


@pytest.mark.parametrize("shape", [(5, 4, 3), (3, 600, 3)])
def test_a_sum_of_products_is_one(shape):
    h, dz = RNG.normal(size=shape), RNG.normal(size=(*shape[:2], 2))
    for a in (h.transpose(0, 2, 1), np.ascontiguousarray(h.transpose(0, 2, 1))):
        for b in (dz, np.moveaxis(np.ascontiguousarray(np.moveaxis(dz, -1, 0)), 0, -1)):
            out = np.empty((3, 2))
            np.testing.assert_allclose(result(summed_products(a, b, out), out), (a @ b).sum(0))


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1), -1])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("fn", [np.sum, np.max])
def test_reductions_of_all_steps_at_once(fn, axis, order):
    a = order(RNG.normal(size=(6, 7, 8)))
    expected = np.stack([fn(x, axis=axis) for x in a])
    out = np.empty(expected.shape)
    np.testing.assert_allclose(
        result(batched(fn, {"axis": axis}, [a], [False], out), out), expected
    )


def test_stacks_run_both_ways_and_know_their_owner():
    a = np.arange(12.0).reshape(4, 3)
    np.testing.assert_array_equal(stacked(a[3], 4, -a.strides[0]), a[::-1])
    assert owner(stacked(a[3], 4, -a.strides[0])) is owner(a[1:, :2])
