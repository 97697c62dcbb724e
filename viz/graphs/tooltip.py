"""A tensor in one line: the tooltip of whatever stands for it."""

from __future__ import annotations

import numpy as np

from minigrad import Tape, Tensor


def summary(tape: Tape, n: Tensor) -> str:
    """``h_2: float64[5] add, -0.1 .. 0.3, mean 0.04 [t=2, train.py:41]``."""
    made = n.op if n.fn else "parameter" if n.requires_grad else "constant"
    return f"{tape.names[n]}: {n.dtype}{list(n.shape)} {made}, {values(n)} [{n.where}]"


def values(n: Tensor) -> str:
    """A few values, or where they lie."""
    if n.size <= 3:
        return " ".join(f"{v:.4g}" for v in n.data.ravel()) or "empty"
    with np.errstate(all="ignore"):
        low, high, mean = (data := n.data).min(), data.max(), data.mean()
    return f"{low:.4g} .. {high:.4g}, mean {mean:.4g}"
