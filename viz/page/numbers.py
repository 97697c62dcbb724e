"""Numbers as a page holds them: to four digits, as they are shown, in four characters each."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable

import numpy as np

# of a code: exponent and mantissa; the exponents of float64 are -324 to 308
MANTISSAS = 20_000
ZERO = 10_000
LEAST_EXPONENT = -324
NAN, INFINITY, MINUS_INFINITY = range(2**24 - 1, 2**24 - 4, -1)
MAX_COUNT = 2**24 - 1


def code_of(value: float) -> int:
    """An integer below 2**24 for the number as ``f"{value:.4g}"`` shows it.

    It is (exponent + 324) * 20,000 + mantissa + 10,000, where the mantissa has four digits.
    """
    if math.isnan(value):
        return NAN
    if math.isinf(value):
        return INFINITY if value > 0 else MINUS_INFINITY
    digits, exponent = f"{value:.3e}".split("e")
    mantissa = int(digits.replace(".", ""))
    return (int(exponent) - LEAST_EXPONENT) * MANTISSAS + mantissa + ZERO


def packed(codes: Iterable[int]) -> str:
    """The integers below 2**24, three bytes each, in base64."""
    whole = np.fromiter(codes, ">u4")
    octets = whole.view(np.uint8).reshape(-1, 4)[:, 1:]
    return base64.b64encode(octets.tobytes()).decode()
