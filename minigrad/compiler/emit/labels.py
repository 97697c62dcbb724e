"""The labelled elements of rows, x[i, y[i]], and the gradient that changes only these."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

import numpy as np

from minigrad.compiler.strided import viewed
from minigrad.core.array import Array
from minigrad.errors import ArgumentError

from .program import Call, Calls, Operands, copying


class Labelled(NamedTuple):
    """The elements that the labels name, of a matrix whose rows lie evenly in memory.

    flat: all elements in the order of memory. places: where in flat the labelled ones lie. locate:
    the call that computes the places, anew for the labels of each run.
    """

    flat: Array
    places: Array
    locate: Call


def pick_calls(args: Operands, out: Array) -> Calls | None:
    """out[i] = x[i, labels[i]]; None where x does not lie evenly."""
    x, labels = args
    labelled = _labelled(x, labels)
    if labelled is None or not out.flags.c_contiguous:
        return None
    flat, places, locate = labelled
    # the places are checked already; "clip" spares NumPy a buffer
    take: Call = np.take, (flat, places, None, out.reshape(-1), "clip")
    return [locate, take]


def softmax_minus_one_hot_calls(args: Operands, out: Array) -> Calls | None:
    """out = e * (c / s), less c at the labelled elements; None where out does not lie evenly.

    args: e = exp(x - max x), its sums s along the rows, the labels, and c, the gradient's factor:
    one number, or what broadcasts to one of each row.
    """
    exponentials, sums, labels, factor = args
    labelled = _labelled(out, labels)
    if labelled is None:
        return None
    flat, places, locate = labelled
    share = np.empty(sums.shape, sums.dtype)
    spread: Calls = []
    if factor.size > 1:
        each = np.empty(sums.shape, factor.dtype)
        spread.append(copying(each, factor))
        factor = each
    return [
        *spread,
        (np.divide, (factor, sums, share)),
        (np.multiply, (exponentials, share, out)),
        locate,
        (subtract_at, (flat, places, factor.reshape(-1))),
    ]


def _labelled(x: Array, labels: Array) -> Labelled | None:
    """The labelled elements of x; None where x lies unevenly or labels are no whole numbers."""
    rows = labels.size
    classes = x.shape[-1]
    matrix = viewed(x, (-1, classes))
    if matrix is None or labels.dtype.kind not in "iu":
        return None
    if matrix.flags.c_contiguous:
        flat = matrix.reshape(-1)
        starts = np.arange(rows) * classes
        step = 1
    elif matrix.T.flags.c_contiguous:
        flat = matrix.T.reshape(-1)
        starts = np.arange(rows)
        step = rows
    else:
        return None
    places = np.empty(rows, np.intp)
    locate: Call = locate_labels, (labels, classes, starts, step, places)
    return Labelled(flat, places, locate)


def locate_labels(labels: Array, classes: int, starts: Array, step: int, out: Array) -> None:
    """Write where in flat memory each row's labelled element lies; refuse a label that is none.

    starts: where the first class of each row lies. step: how far apart two classes of a row lie.
    """
    np.copyto(out, labels.reshape(-1), "unsafe")
    # viewed as unsigned, a negative label is huge, so one comparison finds both errors
    unsigned = out.view(np.uintp)
    if out.size and np.maximum.reduce(unsigned, None) >= classes:
        wrong = next(int(k) for k in labels.flat if not 0 <= k < classes)
        refuse_label(wrong, classes)
    np.multiply(out, step, out=out)
    np.add(out, starts, out=out)


def refuse_label(label: int, classes: int) -> NoReturn:
    """Refuse a label that is none of so many classes."""
    expected = f"expected 0..{classes - 1}"
    raise ArgumentError("cross_entropy: targets", got=f"{label}", expected=expected)


def subtract_at(flat: Array, places: Array, numbers: Array) -> None:
    """Subtract one number, or one of each, from these elements, each once."""
    flat[places] -= numbers
