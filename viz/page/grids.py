"""Arrays for a page: a grid of numbers, in blocks where there are many, and a summary of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.internal import float_norm


def grid(x: Any, most: int) -> dict[str, Any]:
    """The array as rows and columns of about ``most`` numbers, each the largest of its block.

    ``v`` holds the numbers as they are shown, four digits each; NaN and infinities win their
    blocks. The other keys: ``s`` shape, ``r`` rows, ``n`` norm, ``lo`` and ``hi`` the range of the
    finite elements, ``bad`` how many are not finite, ``b`` the size of a block.
    """
    x = np.asarray(x)
    rows = _rows(x)
    down, across = _block_size(rows.shape, most)
    whole = down == across == 1
    cells = rows if whole else _largest(rows, down, across)
    finite = rows[np.isfinite(rows)]
    data: dict[str, Any] = {
        "s": "×".join(map(str, x.shape)),
        "r": cells.shape[0],
        "v": " ".join(f"{value:.4g}" for value in cells.ravel()),
        "n": f"{float_norm(x):.4g}",
    }
    if finite.size and x.size > 1:
        data["lo"] = f"{finite.min():.4g}"
        data["hi"] = f"{finite.max():.4g}"
    if finite.size < x.size:
        data["bad"] = x.size - finite.size
    if not whole:
        data["b"] = f"{down}×{across}"
    return data


def _rows(x: Any) -> Any:
    """The array as a matrix: its last axis across, all others down."""
    if x.ndim < 2:
        return x.reshape(1, -1)
    if x.size == 0:
        return x.reshape(1, 0)
    return x.reshape(-1, x.shape[-1])


def _block_size(shape: tuple[int, int], most: int) -> tuple[int, int]:
    """Height and width of the smallest blocks, nearly square, that leave no more than ``most``."""
    down = across = 1
    while -(-shape[0] // down) * -(-shape[1] // across) > most:
        if shape[0] / down >= shape[1] / across:
            down += 1
        else:
            across += 1
    return down, across


def _largest(x: Any, down: int, across: int) -> Any:
    """The element of largest magnitude of each block, with its sign."""
    high = -(-x.shape[0] // down)
    wide = -(-x.shape[1] // across)
    padded = np.zeros((high * down, wide * across), x.dtype)
    padded[: x.shape[0], : x.shape[1]] = x
    blocks = padded.reshape(high, down, wide, across).swapaxes(1, 2).reshape(high, wide, -1)
    # NaN first, then infinities, then the finite elements by their magnitude
    size = np.absolute(blocks)
    size = np.where(np.isinf(size), np.finfo(np.float64).max, size)
    size = np.where(np.isnan(blocks), np.inf, size)
    chosen = np.argmax(size, axis=-1)[..., None]
    return np.take_along_axis(blocks, chosen, axis=-1)[..., 0]
