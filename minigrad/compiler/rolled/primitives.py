"""Functions that only rolled programs have."""

from __future__ import annotations

from typing import Any

import numpy as np


def joined_rows(*arrays: Any, stacked: tuple[bool, ...], rows: Any) -> Any:
    """Arrays of one shape as rows of one, in another order.

    stacked: which arrays are rows already. rows: a slice, or the numbers of those wanted.
    """
    parts = []
    for array, is_stacked in zip(arrays, stacked, strict=True):
        parts.append(array if is_stacked else np.expand_dims(array, 0))
    together = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return together[rows if isinstance(rows, slice) else list(rows)]
