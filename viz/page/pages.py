"""The nodes of a tape without time steps on pages of a few rows, in the order of execution."""

from __future__ import annotations

from collections import Counter

from minigrad import Tape, Tensor

MAX_ROWS = 10
MAX_NODES = 60
MAX_ACROSS = 6
"""Nodes in a row."""


def pages(tape: Tape) -> dict[Tensor, int]:
    """The page of each node, from 0; a leaf is on that of its first reader."""
    page: dict[Tensor, int] = {}
    row: dict[Tensor, int] = {}
    last = 0
    across: Counter[int] = Counter()
    for n in tape.nodes:
        if n.fn is None:
            continue
        fresh = [x for x in n.inputs if x.fn is None and x not in page]
        above = [row[x] for x in n.inputs if x.fn and page[x] == last]
        height = 1 + max(above, default=0)
        across[height] += 1
        across[height - 1] += len(fresh)
        is_wide = max(across.values()) > MAX_ACROSS
        is_full = is_wide or across.total() > MAX_NODES or height > MAX_ROWS
        is_first = across.total() == 1 + len(fresh)
        if is_full and not is_first:
            last += 1
            height = 1
            across = Counter({0: len(fresh), 1: 1})
        row[n] = height
        page[n] = last
        page |= dict.fromkeys(fresh, last)
    # leaves that nothing reads
    return dict.fromkeys(tape.nodes, 0) | page
