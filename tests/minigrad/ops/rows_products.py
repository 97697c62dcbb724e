"""The rows of products: matmul, einsum, tensordot, kron, cross."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from tests.minigrad.ops.strategies import any_shape, numbers, shapes_together, stacked, together


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
def einsum_of_lists(draw):
    """The notation with a list of axes behind each operand, and one for the result or none."""
    spread, result = draw(st.booleans()), draw(st.sampled_from([(), ([..., 2, 0],)]))
    a, b = numbers(draw, (2, 3, 4) if spread else (3, 4), (4, 2))[0:2]
    return lambda a, b: np.einsum(a, [..., 0, 1], b, (1, 2), *result), [a, b]


@st.composite
def einsum_of_ones(draw):
    a, b = draw(
        mutually_broadcastable_shapes(num_shapes=2, min_dims=2, max_dims=2, max_side=3)
    ).input_shapes
    return lambda a, b: np.einsum("ij,ij->", a, b), numbers(draw, a, b)


SINCE_2_2 = [("matvec", [(2, 3), (4, 1, 3)]), ("vecmat", [(4, 1, 3), (3, 2)])]


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


PRODUCTS = [
    (np.matmul, "", matmul()),
    (np.dot, "", dot()),
    *((np.einsum, s, einsum(s)) for s in EINSUMS),
    (np.einsum, "lists of axes", einsum_of_lists()),
    (np.einsum, "ones under a letter", einsum_of_ones()),
    (
        np.einsum,
        "a column and a row",
        together(lambda a, b: np.einsum("ij,ij->", a, b), (2, 1), (1, 2)),
    ),
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
]
