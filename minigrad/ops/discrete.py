"""Functions without a derivative: comparisons, tests, searches, roundings. Their values are right, and that is all.

The first kind is recorded, and no gradient passes; the second gives plain arrays, numbers and strings.
"""

from __future__ import annotations

import numpy as np

from .table import DISCRETE, OPS, STATIC, defvjp

for fn in (
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
):
    defvjp(fn, *[None] * fn.nin)
for reduction in (
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
    np.zeros_like,
    np.ones_like,
    np.empty_like,
    np.isposinf,
    np.isneginf,
):
    defvjp(reduction, None)

STATIC |= {
    np.shape,
    np.ndim,
    np.size,
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
DISCRETE |= STATIC | {
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
for fn in (
    np.logical_and,
    np.logical_or,
    np.logical_xor,
    np.bitwise_and,
    np.bitwise_or,
    np.bitwise_xor,
):
    DISCRETE |= {fn.reduce, fn.accumulate, fn.reduceat}
DISCRETE |= {
    fn.outer for fn in OPS if isinstance(fn, np.ufunc) and fn.nin == 2 and not any(OPS[fn].rules)
}
