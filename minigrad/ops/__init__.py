"""What can be differentiated. Importing this package fills its tables.

A function of NumPy has a row in the table (``defvjp`` in table.py), or is recorded as what it is
made of (compositions.py), or has no derivative (discrete.py). Read elementwise.py first.
"""

from . import (  # noqa: F401  (importing them fills the tables)
    contractions,
    decompositions,
    differences,
    elementwise,
    joining,
    linalg,
    numeric,
    products,
    reductions,
    selection,
    statistics,
    transcendental,
    vectors,
)
from .compositions import COMPOSED, compose
from .discrete import DISCRETE, STATIC
from .rows import embedding  # noqa: F401
from .table import OPS, defvjp, dispatched, op_name

__all__ = ["COMPOSED", "DISCRETE", "OPS", "STATIC", "compose", "defvjp", "dispatched", "op_name"]
