"""Calls of many operands, most of which are rows of one value: sums, stacks, concatenations."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from minigrad.compiler.graph import Node
from minigrad.compiler.primitives import added_rows, total
from minigrad.ops.elementwise import accumulate

from .blocks import add_sum, call_of
from .operand_looks import root_of
from .places import Place, Places
from .rolled_program import Call, Form, Read
from .value_names import own_name

# of so many rows a sum is one call
MIN_ROWS = 3


def add_call(
    n: Node,
    operands: list[Node],
    sums: list[str],
    places: Places,
) -> None:
    """Add the call of one node. sums: values that stand for the operands left out."""
    if _joins_alike(n, operands):
        places.place_of[n] = Place(_joined(n, operands, places))
        return
    reads = [Read(name) for name in sums]
    if n.fn in (total, accumulate):
        reads += _terms(n, operands, sums, places)
        if len(reads) == 1 and _is_whole(reads[0], n, places):
            places.place_of[n] = Place(reads[0].source)
            return
    elif n.fn is added_rows and len(operands) >= 2 * MIN_ROWS:
        for part in (operands[::2], operands[1::2]):
            reads.append(Read(places.join(_values(part, places))))
    else:
        reads += map(places.read, operands)
    name = places.value(own_name(n), n)
    places.place_of[n] = Place(name)
    places.blocks.append(call_of(n, name, tuple(reads)))


def _joins_alike(n: Node, operands: list[Node]) -> bool:
    """Whether a node stacks or concatenates many operands of one form."""
    if n.fn not in (np.stack, np.concatenate) or len(operands) < MIN_ROWS:
        return False
    forms = {(x.shape, x.dtype) for x in operands}
    return len(forms) == 1 and n.kwargs.get("axis", 0) is not None


def _terms(
    n: Node,
    operands: list[Node],
    sums: list[str],
    places: Places,
) -> list[Read]:
    """The terms of a sum, those that are rows of one value added up before."""
    reads: list[Read] = []
    for rows in _by_value(operands, places):
        first = rows[0]
        if len(rows) < MIN_ROWS or first.shape != n.shape or _is_single(first, places):
            reads += map(places.read, rows)
            continue
        is_all = not sums and len(rows) == len(operands)
        name = own_name(n) if is_all else f"part of {own_name(n)}"
        grid = [[x.made(np.positive, x, name=x.name)] for x in rows]
        reads.append(Read(add_sum(grid, name, places)))
    return reads


def _is_whole(read: Read, n: Node, places: Places) -> bool:
    """Whether what is read is a value as it is, of the node's form."""
    if read.index is not None or read.views:
        return False
    return places.forms[read.source] == Form(n.shape, n.dtype)


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
    return [places.as_root(x) for x in nodes]


def _joined(
    n: Node,
    operands: list[Node],
    places: Places,
) -> str:
    """What a stack or a concatenation of operands of one shape is: rows, moved and reshaped."""
    joined = places.join(_values(operands, places))
    length, *rest = range(len(places.forms[joined].shape))
    axis = n.kwargs.get("axis", 0) % len(n.shape)
    moved = (*rest[:axis], length, *rest[axis:])
    shape = tuple([places.forms[joined].shape[i] for i in moved])
    turned = places.fresh(f"{own_name(n)} moved")
    places.forms[turned] = Form(shape, n.dtype)
    axes = {"axes": moved}
    places.blocks.append(Call(turned, np.transpose, (Read(joined),), axes, shape, n.dtype))
    name = places.value(own_name(n), n)
    flat = {"shape": n.shape}
    places.blocks.append(Call(name, np.reshape, (Read(turned),), flat, n.shape, n.dtype))
    return name
