"""Arrays for a page: a grid of numbers, in blocks where there are many, and what there is to say about all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core.text import norm


def grid(x: Any, most: int) -> dict[str, Any]:
    """The array as rows and columns of at most about ``most`` numbers, each the largest of its block.

    ``v`` holds the numbers as they are shown, four digits each; NaN and infinities win their blocks.
    """
    x = np.asarray(x)
    rows = (
        x.reshape(1, -1)
        if x.ndim < 2
        else x.reshape(-1, x.shape[-1])
        if x.size
        else x.reshape(1, 0)
    )
    down, across = _blocks(rows.shape, most)
    shown = rows if down == across == 1 else _largest(rows, down, across)
    fine = rows[np.isfinite(rows)]
    found: dict[str, Any] = {
        "s": "×".join(map(str, x.shape)),
        "r": shown.shape[0],
        "v": " ".join(f"{v:.4g}" for v in shown.ravel()),
        "n": f"{norm(x):.4g}",
    }
    if fine.size and x.size > 1:
        found |= {"lo": f"{fine.min():.4g}", "hi": f"{fine.max():.4g}"}
    if bad := x.size - fine.size:
        found["bad"] = bad
    if (down, across) != (1, 1):
        found["b"] = f"{down}×{across}"
    return found


def _blocks(shape: tuple[int, int], most: int) -> tuple[int, int]:
    """The smallest blocks, nearly square, that leave no more than ``most``."""
    down = across = 1
    while -(-shape[0] // down) * -(-shape[1] // across) > most:
        if shape[0] / down >= shape[1] / across:
            down += 1
        else:
            across += 1
    return down, across


def _largest(x: Any, down: int, across: int) -> Any:
    """The element of largest magnitude of each block, with its sign."""
    high, wide = -(-x.shape[0] // down), -(-x.shape[1] // across)
    padded = np.zeros((high * down, wide * across), x.dtype)
    padded[: x.shape[0], : x.shape[1]] = x
    blocks = padded.reshape(high, down, wide, across).swapaxes(1, 2).reshape(high, wide, -1)
    size = np.where(np.isnan(blocks), np.inf, np.absolute(blocks))
    size = np.where(
        np.isnan(blocks), np.inf, np.where(np.isinf(size), np.finfo(np.float64).max, size)
    )
    return np.take_along_axis(blocks, np.argmax(size, axis=-1)[..., None], axis=-1)[..., 0]
