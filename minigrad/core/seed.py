"""What backward starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minigrad.errors import DTypeError, ShapeError

from .array import REAL_KINDS, Array

if TYPE_CHECKING:
    from .tape import Tape


def seed_for(tape: Tape, gradient: npt.ArrayLike | None = None) -> Array:
    """The cotangent of the tape's one output: the user's gradient, or 1 for a scalar.

    Raises GradientError where there is no way back or nothing to start from; DTypeError or
    ShapeError for a gradient that does not fit.
    """
    out = tape.outputs[0]
    startless = gradient is None and out.size != 1
    if len(tape.outputs) > 1 or not out.requires_grad or startless:
        from .long_refusals import no_way_back

        raise no_way_back(tape)
    if gradient is None:
        return np.ones(out.shape, out.dtype)
    cotangent = np.asarray(gradient)
    if cotangent.dtype.kind not in REAL_KINDS:
        got = f"gradient of dtype {cotangent.dtype}"
        raise DTypeError("backward", got=got, expected="real numbers")
    if cotangent.shape != out.shape:
        got = f"'{out.label}' is {out.shape} and gradient {cotangent.shape}"
        raise ShapeError("backward", got=got, where=out.where)
    return np.array(cotangent, out.dtype)
