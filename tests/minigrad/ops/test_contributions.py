"""What a rule returns, before the sweep makes it fit: it lies over its input in place, never by an equal size.

An axis of 1 that a rule sums over the wrong partner, or a contribution of shape (1, 2) for an input (2, 1), is right in
size and wrong in place.
"""

from itertools import product
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.core import sweep
from minigrad.ops import OPS
from minigrad.ops.indexing import Scattered
from tests.laws import examples
from tests.minigrad.ops.losses import params, scalar
from tests.minigrad.ops.rows import ROWS
from tests.minigrad.ops.test_rules import over


def summed_by_hand(c, shape):
    """c summed over the axes that an input of that shape lacks or has with length 1."""
    for _ in range(c.ndim - len(shape)):
        c = c[0] if c.shape[0] == 1 else sum(c, start=np.zeros(c.shape[1:], c.dtype))
    for axis, length in enumerate(shape):
        if length == 1 and c.shape[axis] != 1:
            c = np.add.reduce(c, axis, keepdims=True)
    return np.broadcast_to(c, shape)


def assert_in_place(loss):
    """Every rule behind a loss, called by hand, against what the sweep sends."""
    nodes = mg.Tape.of(loss).nodes
    for node, g, sent in sweep.sweep(nodes, loss, np.ones(loss.shape, loss.dtype)):
        if node.fn is None:
            continue
        op = OPS[node.fn]
        values = [x.data for x in node.inputs]
        operands = (g, node.data, *values)
        joint = None if op.joint is None else op.joint(*operands, **node.kwargs)
        for slot, (x, whole) in enumerate(zip(node.inputs, sent, strict=True)):
            if whole is None:
                continue
            raw = joint[slot] if joint else op.rules[slot](*operands, **node.kwargs)
            if isinstance(raw, Scattered):
                assert raw.shape == x.shape
                continue
            assert np.broadcast_shapes(raw.shape, x.shape) in (raw.shape, x.shape), node
            expected = summed_by_hand(raw, x.shape)
            np.testing.assert_allclose(whole, expected, rtol=1e-12, atol=1e-12)


@over(ROWS)
@examples(2)
@given(data=st.data())
def test_every_rule_sends_what_lies_over_its_input(row, data):
    """With axes cut to 1 where NumPy takes that: (2, 1) beside (1, 2), (1, 1, 3)."""
    fn, xs = data.draw(row)
    axes = [(i, axis) for i, x in enumerate(xs) for axis in range(x.ndim)]
    cut = list(xs)
    for i, axis in data.draw(st.sets(st.sampled_from(axes))) if axes else ():
        cut[i] = np.take(cut[i], [0], axis)
    with np.errstate(all="ignore"):
        try:
            scalar(fn, cut)
        # NumPy does not take them
        except (ValueError, IndexError, RuntimeWarning, DeprecationWarning):
            cut = xs
        with patch("warnings.warn"):
            loss = scalar(fn, params(cut))
            if np.all(np.isfinite(loss.data)):
                assert_in_place(loss)


MULTILINEAR = {
    "multiply": (np.multiply, "ij,ij"),
    "matmul": (np.matmul, "ij,jk"),
    "matmul of batches": (np.matmul, "aij,ajk"),
    "matmul of a matrix": (np.matmul, "aij,jk"),
    "matmul of a vector": (np.matmul, "aij,j"),
    "vector times matrices": (np.matmul, "j,ajk"),
    "dot": (np.dot, "ij,ajk"),
    "inner": (np.inner, "ij,kj"),
    "outer": (np.outer, "ij,kl"),
    "kron": (np.kron, "ij,kl"),
    "tensordot": (lambda a, b: np.tensordot(a, b, ((0, 1), (1, 0))), "ij,ji"),
    "vecdot": (np.vecdot, "ij,ij"),
    "multi_dot": (lambda a, b, c: np.linalg.multi_dot([a, b, c]), "ij,jk,kl"),
    **{
        subscripts: (lambda *xs, s=subscripts: np.einsum(s, *xs), subscripts)
        for subscripts in ("ij,ij", "ij,ji", "ij,jk", "ijk,kj", "i,j", "ij,j", "ij,k")
    },
    **{
        f"{subscripts}->": (lambda *xs, s=subscripts: np.einsum(f"{s}->", *xs), subscripts)
        for subscripts in ("ij,ij", "ij,ji", "ij,jk", "ijk,kj")
    },
}


@pytest.mark.parametrize("name", MULTILINEAR)
def test_products_of_all_shapes_of_ones_and_twos(name):
    """<gradient by a, u> is the product with u in the place of a: it is linear in each operand."""
    fn, subscripts = MULTILINEAR[name]
    terms = subscripts.split(",")
    rng = np.random.default_rng(0)
    tried = 0
    for sizes in product((1, 2), repeat=sum(map(len, terms))):
        # Each axis has a size of its own, so that axes of 1 meet longer ones where NumPy takes that.
        lengths = iter(sizes)
        xs = [rng.normal(size=[next(lengths) for _ in term]) for term in terms]
        try:
            y = fn(*xs)
        except ValueError:
            continue
        tried += 1
        weights = rng.normal(size=np.shape(y))
        ts = params(xs)
        loss = np.sum(fn(*ts) * weights)
        for slot, g in enumerate(mg.grad(loss, ts)):
            u = rng.normal(size=xs[slot].shape)
            along = np.sum(fn(*xs[:slot], u, *xs[slot + 1 :]) * weights)
            np.testing.assert_allclose(np.sum(g.data * u), along, rtol=1e-11, atol=1e-12)
    assert tried >= 4
