"""The logistic function of arrays, to a few units in the last place everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np


def logistic(x: Any) -> Any:
    """1 / (1 + exp(-x)) as e / (1 + e), e = exp(x); nothing overflows."""
    e = np.exp(np.minimum(x, saturation(x)))
    return e / (1 + e)


def saturation(x: Any) -> float:
    """From where on exp(x) + 1 is exp(x), and the result 1; where exp(x) is finite still."""
    return 10.0 if getattr(x, "dtype", None) == np.float16 else 40.0
