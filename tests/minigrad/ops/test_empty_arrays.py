"""Arrays of nothing: the same result as NumPy, and a gradient of their shape."""

from math import prod

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops import decompositions, linalg
from tests.laws import slope
from tests.minigrad.ops.losses import params, scalar, swapped

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
    ("multi_dot over none", lambda a, b: np.linalg.multi_dot([a, b]), [(2, 0), (0, 3)]),
    (
        "multi_dot of no rows",
        lambda a, b, c: np.linalg.multi_dot([a, b, c]),
        [(0, 2), (2, 2), (2,)],
    ),
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
            linalg.slogdet,
        )
    ),
]


@pytest.mark.parametrize(("fn", "shapes"), [n[1:] for n in NOTHING], ids=[n[0] for n in NOTHING])
def test_empty_arrays(fn, shapes):
    xs = [np.linspace(1, 2, prod(s)).reshape(s) for s in shapes]
    ts = params(xs)
    np.testing.assert_array_equal(fn(*ts).data, fn(*xs))
    for i, (x, g) in enumerate(zip(xs, mg.grad(scalar(fn, ts), ts), strict=True)):
        expected = slope(lambda z, i=i: scalar(fn, swapped(xs, i, z)), x)
        np.testing.assert_allclose(g.data, expected, atol=1e-9, strict=True)
