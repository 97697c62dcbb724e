"""Functions without a derivative: comparisons, tests, searches, roundings.

The first kind is recorded, and no gradient passes; the second gets and gives plain arrays, numbers
and strings.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, DTypeError

from .table import Fn, defvjp, dispatched

# --- recorded -------------------------------------------------------------------------------------
UFUNCS = (
    np.greater,
    np.greater_equal,
    np.less,
    np.less_equal,
    np.equal,
    np.not_equal,
    np.logical_and,
    np.logical_or,
    np.logical_xor,
    np.logical_not,
    np.isfinite,
    np.isinf,
    np.isnan,
    np.signbit,
    np.sign,
    np.floor,
    np.ceil,
    np.trunc,
    np.rint,
    np.floor_divide,
    np.bitwise_and,
    np.bitwise_or,
    np.bitwise_xor,
    np.invert,
    np.left_shift,
    np.right_shift,
)
OF_ONE_ARRAY = (
    np.argmax,
    np.argmin,
    np.argsort,
    np.argpartition,
    np.any,
    np.all,
    np.count_nonzero,
    np.nanargmax,
    np.nanargmin,
    np.round,
    np.around,
    np.fix,
    # of real numbers: 0 or pi
    np.angle,
    np.isposinf,
    np.isneginf,
)
for ufunc in UFUNCS:
    defvjp(ufunc, *[None] * ufunc.nin)
for fn in OF_ONE_ARRAY:
    defvjp(fn, None)


@dispatched
def valid_lengths(lengths: Any, steps: int) -> Any:
    """Lengths as they are. Raises DTypeError or ArgumentError for what is none."""
    if lengths.dtype.kind not in "iu":
        raise DTypeError("lengths", got=f"{lengths.dtype}", expected="expected integers")
    wrong = lengths[(lengths < 1) | (lengths > steps)]
    if wrong.size:
        raise ArgumentError("lengths", got=f"{wrong[0]}", expected=f"expected 1..{steps}")
    return lengths


defvjp(valid_lengths, None)

# --- on plain arrays ------------------------------------------------------------------------------
# These decide nothing by the values: they ask for shapes and dtypes, print or save. What is made
# like a Tensor depends on none.
STATIC: set[Fn] = {
    np.shape,
    np.ndim,
    np.size,
    np.zeros_like,
    np.ones_like,
    np.empty_like,
    np.iscomplexobj,
    np.isrealobj,
    np.result_type,
    np.can_cast,
    np.common_type,
    np.shares_memory,
    np.may_share_memory,
    np.array_repr,
    np.array_str,
    np.array2string,
    np.einsum_path,
    np.save,
    np.savez,
    np.savez_compressed,
    np.savetxt,
}
# These look at the values, of which a tape knows nothing: the Tensors are marked as read.
DISCRETE: set[Fn] = STATIC | {
    np.allclose,
    np.isclose,
    np.array_equal,
    np.array_equiv,
    np.iscomplex,
    np.isreal,
    np.nonzero,
    np.flatnonzero,
    np.argwhere,
    np.searchsorted,
    np.digitize,
    np.isin,
    np.lexsort,
    np.min_scalar_type,
    np.linalg.matrix_rank,
}
LOGICAL = (
    np.logical_and,
    np.logical_or,
    np.logical_xor,
    np.bitwise_and,
    np.bitwise_or,
    np.bitwise_xor,
)
for logical in LOGICAL:
    DISCRETE |= {logical.reduce, logical.accumulate, logical.reduceat}


for ufunc in UFUNCS:
    if ufunc.nin == 2:
        DISCRETE.add(ufunc.outer)
