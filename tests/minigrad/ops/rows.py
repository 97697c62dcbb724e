"""One row per differentiable function, by subject: (function, what is special, a draw of call and arrays)."""

from tests.minigrad.ops.rows_elementwise import ELEMENTWISE
from tests.minigrad.ops.rows_indexing import INDEXING
from tests.minigrad.ops.rows_matrices import LINEAR_ALGEBRA
from tests.minigrad.ops.rows_products import PRODUCTS
from tests.minigrad.ops.rows_reductions import REDUCTIONS
from tests.minigrad.ops.rows_shapes import SHAPES
from tests.minigrad.ops.rows_signal import SIGNAL
from tests.minigrad.ops.rows_special import SPECIAL

ROWS = [
    *ELEMENTWISE,
    *REDUCTIONS,
    *SHAPES,
    *INDEXING,
    *PRODUCTS,
    *LINEAR_ALGEBRA,
    *SIGNAL,
    *SPECIAL,
]
