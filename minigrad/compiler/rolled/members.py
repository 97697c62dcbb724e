"""Nodes that do the same and do not wait for one another, as loops that run all at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from minigrad.compiler.graph import Node
from minigrad.compiler.primitives import PAIRWISE

from .blocks import add_block
from .many import add_call
from .operand_looks import root_of
from .places import Places

# members that read more different values than these read rows of one that is made for them
MAX_GROUPS = 4
MAX_OPERANDS = 8


def add_members(members: list[Node], places: Places) -> None:
    """Add the calls of nodes that read nothing of one another, in as few loops as may be."""
    for alike in read_alike(members, places):
        if len(alike) == 1 or len(alike[0].inputs) > MAX_OPERANDS:
            for n in alike:
                add_call(n, list(n.inputs), [], places)
        else:
            add_block([as_grid(alike, places)], places)


def read_alike(members: list[Node], places: Places) -> list[list[Node]]:
    """Members in groups whose operands are rows of the same values."""
    groups = defaultdict[object, list[Node]](list)
    by_form = defaultdict[object, list[Node]](list)
    for n in members:
        if n.fn in PAIRWISE:
            n.inputs = tuple(sorted(n.inputs, key=lambda x: places.order(root_of(x))))
        forms = []
        sources = []
        for x in n.inputs:
            root = root_of(x)
            place = places.place(root)
            # values of one step each are made rows of one
            is_value = place.row is not None or root.time is None
            sources.append(place.value if is_value else "")
            forms.append((x.shape, root.shape, root.dtype, _views(x, root)))
        by_form[tuple(forms)].append(n)
        groups[tuple(forms), tuple(sources)].append(n)
    chosen = by_form if len(groups) > MAX_GROUPS else groups
    return list(chosen.values())


def _views(x: Node, root: Node) -> tuple[object, ...]:
    views = []
    while x is not root:
        views.append(x.fn)
        x = x.inputs[0]
    return tuple(views)


def _forms(x: Node) -> tuple[object, ...]:
    """Shape and dtype of an operand and of what it looks at."""
    root = root_of(x)
    return x.shape, root.shape, root.dtype


def as_grid(members: list[Node], places: Places) -> list[list[Node]]:
    """Members as steps and lanes, so that the rows of their operands lie evenly."""
    flat = [[n] for n in members]
    for period in _periods(members, places):
        if len(members) % period == 0:
            return [members[i : i + period] for i in range(0, len(members), period)]
    return flat


def _periods(members: list[Node], places: Places) -> Iterator[int]:
    """After how many members the rows of an operand jump."""
    for slot in range(len(members[0].inputs)):
        rows = [places.place(root_of(n.inputs[slot])).row for n in members]
        if None in rows:
            continue
        differences = np.diff(np.array(rows))
        jumps = np.flatnonzero(differences != differences[:1])
        if len(jumps):
            yield int(jumps[0]) + 1
