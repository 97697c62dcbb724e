"""The VJP table. Importing this package fills it."""

from . import composed, decompositions, elementwise, indexing, linalg, reductions, shapes, ufuncs  # noqa: F401  (fills the table)
from .table import COMPOSED, OPS, defvjp, dispatched, op_name

__all__ = ["COMPOSED", "OPS", "defvjp", "dispatched", "op_name"]
