"""Calls of many operands, most of which are rows of one value: sums, stacks, concatenations."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from minigrad.compiler.graph import Node
from minigrad.compiler.primitives import added_rows, total
from minigrad.ops.elementwise import accumulate

from .blocks import add_sum, call_of
from .places import Place, Places, own_name, root_of
from .program import Call, Form, Read

# of so many rows a sum is one call
MIN_ROWS = 3


def add_call(n: Node, operands: list[Node], sums: list[str], places: Places) -> None:
    """Add the call of one node. sums: values that stand for the operands left out."""
    reads = [Read(name) for name in sums]
    if n.fn in (total, accumulate):
        for rows in _by_value(operands, places):
            if len(rows) < MIN_ROWS or rows[0].shape != n.shape or _is_single(rows[0], places):
                reads += map(places.read, rows)
            else:
                alone = not reads and len(rows) == len(operands)
                reads.append(Read(_sum_of_rows(rows, n, alone, places)))
                if alone:
                    places.place_of[n] = Place(reads[0].source)
                    return
    elif len(operands) >= MIN_ROWS and n.fn in (np.stack, np.concatenate):
        if len({x.shape for x in operands}) == 1:
            places.place_of[n] = Place(_joined(n, operands, places))
            return
        reads += map(places.read, operands)
    elif len(operands) >= 2 * MIN_ROWS and n.fn is added_rows:
        reads = [
            Read(places.join(_values(part, places))) for part in (operands[::2], operands[1::2])
        ]
    else:
        reads += map(places.read, operands)
    name = places.value(own_name(n), n)
    places.place_of[n] = Place(name)
    places.blocks.append(call_of(n, name, tuple(reads)))


def _by_value(operands: list[Node], places: Places) -> list[list[Node]]:
    """Operands in groups that are rows of one value, in the order of the rows."""
    groups = defaultdict[object, list[Node]](list)
    for x in operands:
        place = places.place(root_of(x))
        groups[place.value if place.row is not None else ""].append(x)
    for group in groups.values():
        group.sort(key=lambda x: places.place(root_of(x)).row or 0)
    return list(groups.values())


def _is_single(node: Node, places: Places) -> bool:
    return places.place(root_of(node)).row is None


def _values(nodes: list[Node], places: Places) -> list[Node]:
    return [places._as_root(x) for x in nodes]


def _sum_of_rows(nodes: list[Node], n: Node, alone: bool, places: Places) -> str:
    """The name of the value that adds up nodes which are rows of one value.

    n: the sum that they belong to. alone: whether it has no other terms.
    """
    grid = [[x.made(np.positive, x, name=x.name)] for x in nodes]
    return add_sum(grid, own_name(n) if alone else f"part of {own_name(n)}", places)


def _joined(n: Node, operands: list[Node], places: Places) -> str:
    """What a stack or a concatenation of operands of one shape is: rows, moved and reshaped."""
    joined = Read(places.join(_values(operands, places)))
    axis = n.kwargs.get("axis", 0)
    ndim = len(n.shape)
    axis %= ndim
    form = places.forms[joined.source]
    moved = list(range(1, len(form.shape)))
    moved.insert(axis, 0)
    name = places.fresh(f"{own_name(n)} moved")
    shape = tuple([form.shape[i] for i in moved])
    places.forms[name] = Form(shape, n.dtype)
    places.blocks.append(
        Call(name, np.transpose, (joined,), {"axes": tuple(moved)}, shape, n.dtype)
    )
    result = places.value(own_name(n), n)
    places.blocks.append(
        Call(result, np.reshape, (Read(name),), {"shape": n.shape}, n.shape, n.dtype)
    )
    return result
