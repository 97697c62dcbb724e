"""Rows added up where indices name them: out[i_k] += g_k, each time counts.

np.add.at takes 20 ns a number on whole rows. Three other ways are quicker, each on its own ground
(NumPy 2.4, float32, microseconds on one core):

    rows x width, into        add.at   by numbers   by rows   sorted
    700 x 200, 10,000          3,183          504     1,494    4,976
    700 x 800, 10,000         11,085        2,934     1,851    6,246
    1,120 x 256, 28            3,541          882     1,228      285
"""

from __future__ import annotations

from typing import Any

import numpy as np

# a row of so many numbers is worth a call of its own
MIN_WIDTH_FOR_CALLS = 512
# so many numbers for each row of the table are worth sorting
MIN_NUMBERS_TO_SORT = 2048


def add_rows(out: Any, indices: Any, g: Any) -> None:
    """Add the rows g[k] at out[indices[k]].

    Shapes: out (V, ...) in C order, indices (...) of integers in -V..V-1, g indices.shape and the
    axes of a row.
    """
    if not g.size:
        return
    count = len(out)
    rows = out.reshape(count, -1)
    width = rows.shape[1]
    # a sum with count needs integers that hold it
    places = indices.astype(np.intp).reshape(-1)
    places[places < 0] += count
    terms = g.reshape(-1, width)
    if terms.size >= MIN_NUMBERS_TO_SORT * count:
        _add_sorted(rows, places, terms)
    elif width >= MIN_WIDTH_FOR_CALLS:
        for i, term in zip(places.tolist(), terms, strict=True):
            row = rows[i]
            np.add(row, term, out=row)
    else:
        numbers = places[:, None] * width + np.arange(width)
        np.add.at(rows.reshape(-1), numbers.reshape(-1), terms.reshape(-1))


def _add_sorted(rows: Any, places: Any, terms: Any) -> None:
    """The terms of each place side by side, and one sum of them."""
    count = len(rows)
    # NumPy sorts short integers by their digits
    keys = places.astype(np.min_scalar_type(count))
    order = np.argsort(keys, kind="stable")
    side_by_side = np.take(terms, order, axis=0)
    ends = np.cumsum(np.bincount(places, minlength=count))
    start = 0
    for i, end in enumerate(ends.tolist()):
        if start < end:
            rows[i] += np.add.reduce(side_by_side[start:end], axis=0)
        start = end
