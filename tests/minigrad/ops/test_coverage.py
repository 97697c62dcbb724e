"""The README's table of functions is the one the engine runs on."""

from pathlib import Path

import numpy as np
import pytest

from minigrad.ops import COMPOSED, OPS
from minigrad.ops.coverage import table

ASKED = """
add subtract multiply divide true_divide power float_power remainder mod fmod negative positive reciprocal square sqrt
cbrt absolute fabs sign exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 sin cos tan arcsin arccos arctan
arctan2 hypot sinh cosh tanh arcsinh arccosh arctanh deg2rad rad2deg degrees radians maximum minimum fmax fmin sinc
floor ceil round trunc isfinite sum prod mean var std max min amax amin cumsum cumprod nansum argmax argmin argsort
any all matmul dot vdot inner outer tensordot einsum kron trace diag diagonal tril triu cross linalg.norm linalg.inv
linalg.solve linalg.det linalg.slogdet linalg.pinv linalg.cholesky linalg.eigh linalg.svd reshape ravel transpose
swapaxes moveaxis rollaxis roll expand_dims squeeze broadcast_to broadcast_arrays atleast_1d atleast_2d atleast_3d
concatenate stack vstack hstack dstack column_stack append split array_split hsplit vsplit dsplit repeat tile flip
fliplr flipud rot90 pad sort partition where select clip diff gradient take take_along_axis full_like
meshgrid real imag conj add.reduce multiply.reduce maximum.reduce minimum.reduce add.outer subtract.outer
multiply.outer divide.outer power.outer
"""


@pytest.mark.parametrize("name", ASKED.split())
def test_it_is_there(name):
    fn = np
    for part in name.split("."):
        fn = getattr(fn, part)
    assert fn in OPS or fn in COMPOSED


@pytest.mark.skipif(
    not hasattr(np, "matvec"), reason="the table in the README is that of NumPy 2.2 and later"
)
def test_the_readme_has_it():
    assert table() in (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
