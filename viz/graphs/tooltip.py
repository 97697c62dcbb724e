"""A tensor in one line: the tooltip of whatever stands for it."""

from __future__ import annotations

import numpy as np

from minigrad import Tape, Tensor

MAX_LISTED_VALUES = 3


def summary(tape: Tape, n: Tensor) -> str:
    """``h_2: float64[5] add, state, -0.1 .. 0.3, mean 0.04 [t=2, train.py:41]``."""
    made_by = n.op if n.fn else kind_of(n)
    if n in tape.reading.sources:
        made_by += ", state"
    return f"{tape.names[n]}: {n.dtype}{list(n.shape)} {made_by}, {values(n)} [{n.where}]"


def kind_of(n: Tensor) -> str:
    """``parameter``, ``constant`` or ``operation``."""
    if n.fn is not None:
        return "operation"
    return "parameter" if n.requires_grad else "constant"


def values(n: Tensor) -> str:
    """The values where they are few, or where they lie."""
    if n.size <= MAX_LISTED_VALUES:
        return " ".join(f"{v:.4g}" for v in n.data.ravel()) or "empty"
    with np.errstate(all="ignore"):
        low = n.data.min()
        high = n.data.max()
        mean = n.data.mean()
    return f"{low:.4g} .. {high:.4g}, mean {mean:.4g}"
