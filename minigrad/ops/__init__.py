"""The VJP table. Importing this package fills it."""

from . import (  # noqa: F401  (importing them fills the table)
    decompositions,
    discrete,
    elementwise,
    indexing,
    linalg,
    products,
    rearrange,
    reductions,
    shapes,
    statistics,
    ufuncs,
)
from .table import COMPOSED, DISCRETE, OPS, STATIC, compose, defvjp, dispatched, op_name

__all__ = ["COMPOSED", "DISCRETE", "OPS", "STATIC", "compose", "defvjp", "dispatched", "op_name"]
