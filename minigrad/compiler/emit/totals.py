"""Sums of many terms: terms that lie evenly are one reduction, products that do one product."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.primitives import total
from minigrad.compiler.strided import address, stacked
from minigrad.compiler.traits import reduced_axes
from minigrad.core.array import Array

from .even_steps import even_runs, stack_run
from .kernels import calls
from .program import Calls, Operands, Program
from .stacks import summed_products

Addend = Callable[[Array], Calls]
"""A part of a sum: from the array to write it to, the calls that do."""

# fewer terms are added one after the other
MIN_TERMS_TO_STACK = 3


def add_total(program: Program, node: Node, absorbed: list[Family]) -> None:
    """Write the calls of a total.

    absorbed: the families among its terms that it adds up as they are computed.
    """
    out = program.arrays[node]
    terms = _own_terms(program, node, absorbed)
    single, stacks = _stack_terms(program, terms, node.shape)
    empty = True
    if single:
        program.add(calls(total, {}, single, out))
        empty = False
    scratch: Array | None = None
    for addend in _addends(program, stacks, absorbed):
        # the first part is written to out itself, the others beside it and added
        if empty:
            program.add(addend(out))
            empty = False
            continue
        if scratch is None:
            scratch = np.empty(node.shape, node.dtype)
        program.add(addend(scratch))
        program.add([(np.add, (out, scratch, out))])


def _own_terms(program: Program, node: Node, absorbed: list[Family]) -> Operands:
    """The arrays of the terms that are not of absorbed families."""
    members: set[Node] = set()
    for family in absorbed:
        members.update(family.members)
    return [program.array(x) for x in node.inputs if x not in members]


def _stack_terms(
    program: Program, terms: Operands, shape: tuple[int, ...]
) -> tuple[Operands, Operands]:
    """The terms to be added one after the other, and those that lie evenly, stacked."""
    single = [x for x in terms if x.shape != shape]
    full_sized = [x for x in terms if x.shape == shape]
    full_sized = _in_order_of_memory(program, full_sized)
    rows = [[x] for x in full_sized]
    stacks = []
    for start, stop in even_runs(program, rows):
        run = full_sized[start:stop]
        if len(run) < MIN_TERMS_TO_STACK:
            single += run
            continue
        # one term that is added again and again is a stack too, of stride 0
        stride = address(run[1]) - address(run[0])
        stacks.append(stacked(run[0], len(run), stride))
    return single, stacks


def _in_order_of_memory(program: Program, terms: Operands) -> Operands:
    """The terms of each buffer by address; buffers in the order of the terms.

    So that the sum is the same in every process, wherever the buffers lie.
    """
    rank: dict[int, int] = {}
    keys = []
    for i, x in enumerate(terms):
        spot = program.spot(x)
        buffer = rank.setdefault(spot.buffer, len(rank))
        keys.append((buffer, spot.begin, i))
    return [terms[i] for _, _, i in sorted(keys)]


def _addends(program: Program, stacks: Operands, absorbed: list[Family]) -> Iterator[Addend]:
    """The parts of the sum besides the single terms."""
    for stack in stacks:
        yield functools.partial(calls, np.sum, {"axis": 0}, [stack])
    for family in absorbed:
        rows = []
        for member in family.members:
            rows.append(list(map(program.array, member.inputs)))
        for start, stop in even_runs(program, rows):
            yield _sum_of_run(family.first, rows[start:stop])


def _sum_of_run(node: Node, rows: list[Operands]) -> Addend:
    """The sum of what a node's function makes of each row of operands."""
    steps = len(rows)
    if steps == 1:
        return functools.partial(calls, node.fn, node.kwargs, rows[0])
    args = []
    stacks = stack_run(rows, steps)
    for x, first in zip(stacks, rows[0], strict=True):
        # what stands still is the array itself, and repeated
        stack = x
        if x is first:
            stack = np.broadcast_to(x, (steps, *x.shape))
        args.append(stack)
    if node.fn is np.matmul:
        return functools.partial(summed_products, *args)
    axis = node.kwargs.get("axis")
    axes = reduced_axes(axis, node.inputs[0].ndim)
    with_steps = (0, *[i + 1 for i in axes])
    return functools.partial(calls, np.sum, {"axis": with_steps}, args)
