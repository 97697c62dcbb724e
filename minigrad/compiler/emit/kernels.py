"""From an operation on arrays that lie still to the NumPy calls, with ``out=``, that carry it out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad.compiler.primitives import PAIRWISE, kept, pick, softmax_minus_one_hot
from minigrad.compiler.traits import REDUCTIONS, elementwise
from minigrad.core.tensor import Array
from minigrad.errors import ArgumentError, ShapeError
from minigrad.ops import OPS, op_name
from minigrad.ops.elementwise import cast

Call = tuple[Callable[..., Any], tuple[Any, ...]]


def calls(fn: Any, kwargs: dict[str, Any], args: list[Array], out: Array) -> list[Call]:
    """The calls that write fn(*args, **kwargs) into out."""
    if not out.size:
        return []
    if fn in KERNELS:
        return KERNELS[fn](args, out)
    if isinstance(fn, np.ufunc) and not kwargs:
        named = fn in (np.maximum, np.minimum)  # a third positional argument is deprecated
        return [(functools.partial(fn, out=out), tuple(args)) if named else (fn, (*args, out))]
    if fn in REDUCTIONS and kwargs.keys() <= {"axis", "keepdims"} and out.dtype == args[0].dtype:
        return [
            _reduction(
                REDUCTIONS[fn], args[0], kwargs.get("axis"), kwargs.get("keepdims", False), out
            )
        ]
    if fn in (np.stack, np.concatenate) and kwargs.get("axis", 0) is not None:
        return _joined(fn, kwargs.get("axis", 0), args, out)
    return [(_into, (out, OPS[fn].call if fn in OPS else fn, kwargs, *args))]


def gemm(a: Array, b: Array, out: Array) -> Call:
    """One matrix product, by BLAS into out or its transpose where it can be."""
    if a.ndim == b.ndim == 2 and a.dtype == b.dtype == out.dtype and out.dtype.kind == "f":
        if out.flags.c_contiguous:
            return np.dot, (a, b, out)
        if out.T.flags.c_contiguous:
            return np.dot, (b.T, a.T, out.T)
    return np.matmul, (a, b, out)


def _chain(fn: np.ufunc, terms: list[Array], out: Array) -> list[Call]:
    """Terms one after the other; the one that out lies on comes first."""
    if len(terms) > 2:
        terms = sorted(terms, key=lambda x: not same(x, out))
    if len(terms) == 1:
        return [(np.copyto, (out, terms[0]))]
    return [(fn, (terms[0], terms[1], out)), *[(fn, (out, x, out)) for x in terms[2:]]]


def same(a: Array, b: Array) -> bool:
    """Whether both are the same look at the same memory."""
    if a.shape != b.shape or address(a) != address(b):
        return False
    return all(s == t or n == 1 for s, t, n in zip(a.strides, b.strides, a.shape, strict=True))


def address(a: Array) -> int:
    """Where the array begins."""
    return int(a.__array_interface__["data"][0])


def owner(a: Array) -> Any:
    """Whose memory it is."""
    while (base := a.base) is not None:
        if not isinstance(base, np.ndarray):
            base = getattr(base, "base", None)  # as_strided's
            if not isinstance(base, np.ndarray):
                break
        a = base
    return a


def _reduction(fn: np.ufunc, x: Array, axis: Any, keepdims: bool, out: Array) -> Call:
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(sorted(i % x.ndim for i in axes))
    rows = int(np.prod([x.shape[i] for i in axes]))
    if (
        fn is np.add
        and x.dtype.kind == "f"
        and x.itemsize > 2
        and 0 < len(axes) < x.ndim
        and rows > 4
    ):
        front, back = (
            axes == tuple(range(len(axes))),
            axes == tuple(range(x.ndim - len(axes), x.ndim)),
        )
        flat = viewed(x, (rows, -1) if front else (-1, rows)) if front or back else None
        if flat is not None and out.flags.c_contiguous and min(flat.strides) == x.itemsize:
            return np.dot, (flat.T if front else flat, np.ones(rows, x.dtype), out.reshape(-1))
    return fn.reduce, (x, axes, None, out, keepdims)


def viewed(x: Array, shape: tuple[int, ...]) -> Array | None:
    """x in another shape where that takes no copy."""
    try:
        return np.reshape(x, shape, copy=False)
    except ValueError:
        return None


def _joined(fn: Any, axis: int, args: list[Array], out: Array) -> list[Call]:
    found: list[Call] = []
    start = 0
    for x in args:
        size = 1 if fn is np.stack else x.shape[axis]
        part = np.moveaxis(out, axis, 0)[start : start + size]
        part = part[0, ...] if fn is np.stack else np.moveaxis(part, 0, axis)
        if not same(part, x):  # it may have been written there
            found.append((np.copyto, (part, x)))
        start += size
    return found


def _into(out: Array, fn: Any, kwargs: dict[str, Any], *args: Array) -> None:
    found = np.asarray(fn(*args, **kwargs))
    if found.shape != out.shape:
        got, remedy = (
            f"the result was {out.shape} and would be {found.shape}",
            "Record and compile it anew",
        )
        raise ShapeError(f"plan: {op_name(fn)}", got=got, remedy=remedy)
    out[...] = found


def _flat_labels(labels: Array, classes: int, rows: Array, step: int, out: Array) -> None:
    """Where in flat memory each row's labelled element lies; refuse a label that is none."""
    np.copyto(out, labels.reshape(-1), "unsafe")
    if out.size and np.maximum.reduce(out.view(np.uintp), None) >= classes:  # -1 is large
        wrong = next(int(k) for k in labels.flat if not 0 <= k < classes)
        raise ArgumentError(
            "cross_entropy: targets", got=f"{wrong}", expected=f"expected 0..{classes - 1}"
        )
    np.multiply(out, step, out=out)
    np.add(out, rows, out=out)


def _labelled(x: Array, labels: Array) -> tuple[Array | None, list[Call], Array]:
    """x in a row, the call that finds its labelled elements there, and their indices."""
    rows, classes = labels.size, x.shape[-1]
    at = np.empty(rows, np.intp)
    order = viewed(x, (-1, classes))
    if order is None or labels.dtype.kind not in "iu":
        return None, [], at
    if order.flags.c_contiguous:
        flat, starts, step = order.reshape(-1), np.arange(rows) * classes, 1
    elif order.T.flags.c_contiguous:
        flat, starts, step = order.T.reshape(-1), np.arange(rows), rows
    else:
        return None, [], at
    return flat, [(_flat_labels, (labels, classes, starts, step, at))], at


def _pick(args: list[Array], out: Array) -> list[Call]:
    x, labels = args
    flat, found, at = _labelled(x, labels)
    if flat is None or not out.flags.c_contiguous:
        return [(_into, (out, pick, {}, *args))]
    return [*found, (np.take, (flat, at, None, out.reshape(-1), "clip"))]


def _softmax_minus_one_hot(args: list[Array], out: Array) -> list[Call]:
    e, s, labels, c = args
    flat, found, at = _labelled(out, labels)
    if flat is None:
        return [(_into, (out, softmax_minus_one_hot, {}, *args))]
    share = np.empty(s.shape, s.dtype)
    return [
        (np.divide, (c, s, share)),
        (np.multiply, (e, share, out)),
        *found,
        (_subtract_at, (flat, at, c)),
    ]


def _subtract_at(flat: Array, at: Array, c: Array) -> None:
    flat[at] -= c


KERNELS: dict[Any, Callable[[list[Array], Array], list[Call]]] = {
    **{chain: functools.partial(_chain, fn) for chain, fn in PAIRWISE.items()},
    np.matmul: lambda args, out: [gemm(args[0], args[1], out)],
    pick: _pick,
    softmax_minus_one_hot: _softmax_minus_one_hot,
    kept: lambda args, out: [(np.copyto, (out, args[0]))],
    cast: lambda args, out: [(np.copyto, (out, args[0], "unsafe"))],
}


_PIECE = (
    1 << 17
)  # bytes of an operand that BLAS works on best at a time where rows are many and short


# --- many steps at once ---------------------------------------------------------------------------------------------
def stacked(first: Array, length: int, stride: int) -> Array:
    """The array that begins at first and repeats every stride bytes, as one with an axis in front."""
    return as_strided(first, (length, *first.shape), (stride, *first.strides))


def batched(
    fn: Any, kwargs: dict[str, Any], args: list[Array], free: list[bool], out: Array
) -> list[Call] | None:
    """The calls for all steps: the operands that are not free of the step have it as first axis; None: no way."""
    if not out.size:
        return []
    if fn in (pick, softmax_minus_one_hot) and not any(free[:3]):
        return calls(fn, kwargs, args, out)
    if elementwise(fn):
        return calls(fn, kwargs, _aligned(args, free, out), out)
    if fn is np.matmul:
        return _products(args, free, out)
    if fn in REDUCTIONS and not any(free) and kwargs.keys() <= {"axis", "keepdims"}:
        axis, n = kwargs.get("axis"), args[0].ndim - 1
        axes = range(n) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        return calls(fn, {**kwargs, "axis": tuple(i % n + 1 for i in axes)}, args, out)
    return None


def _products(args: list[Array], free: list[bool], out: Array) -> list[Call] | None:
    """A stack times one matrix is one product of all rows; everything else goes through matmul's own stacking."""
    (a, b), (a_free, b_free) = args, free
    if b_free and b.ndim == 2:
        rows, to = viewed(a, (-1, a.shape[-1])), viewed(out, (-1, out.shape[-1]))
        if rows is not None and to is not None:
            return _in_pieces(rows, b, to)
    if a_free and a.ndim == 2 and b.ndim == 2:  # a matrix times vectors
        return [gemm(b, a.T, out)]
    if a.ndim - (not a_free) < 2 or b.ndim - (not b_free) < 2:
        return None
    return [(np.matmul, (*_aligned(args, free, out), out))]


def _aligned(args: list[Array], free: list[bool], out: Array) -> list[Array]:
    """The operands with as many axes behind that of the steps as the result has."""
    return [
        x
        if same or x.ndim == out.ndim
        else x.reshape((len(x),) + (1,) * (out.ndim - x.ndim) + x.shape[1:], copy=False)
        for x, same in zip(args, free, strict=True)
    ]


def _in_pieces(rows: Array, b: Array, out: Array) -> list[Call]:
    """One product; a transposed result, whose columns lie far apart, some rows at a time."""
    size = min(max(_PIECE // max(rows.shape[1] * rows.itemsize, 1), 256), 1024)
    if out.flags.c_contiguous or len(rows) < 4 * size:
        return [gemm(rows, b, out)]
    return [
        (np.matmul, (rows[i : i + size], b, out[i : i + size])) for i in range(0, len(rows), size)
    ]


def summed_products(a: Array, b: Array, out: Array) -> list[Call]:
    """sum_t a_t b_t as one product, the steps stacked along the axis that is summed over."""
    steps, rows, inner = a.shape
    if (
        inner >= 512 and 1 < steps * rows * b.shape[-1] * out.itemsize <= 8 * _PIECE
    ):  # so many rows: a step is a piece
        each = np.empty((steps, *out.shape), out.dtype)
        return [(np.matmul, (a, b, each)), (np.add.reduce, (each, 0, None, out))]
    left = viewed(a.transpose(1, 0, 2), (rows, steps * inner))
    right = viewed(b, (steps * inner, b.shape[-1]))
    found: list[Call] = []
    if left is None:
        left = np.empty((rows, steps * inner), a.dtype)
        found.append((np.copyto, (left.reshape(rows, steps, inner), a.transpose(1, 0, 2))))
    if right is None:
        right = np.empty((steps * inner, b.shape[-1]), b.dtype)
        found.append((np.copyto, (right.reshape(b.shape), b)))
    if out.flags.c_contiguous and all(x.strides[0] < x.strides[1] for x in (left, right)):
        turned = np.empty(
            out.shape[::-1], out.dtype
        )  # two transposed operands: their transposed product is faster
        return [*found, gemm(right.T, left.T, turned), (np.copyto, (out, turned.T))]
    return [*found, gemm(left, right, out)]
