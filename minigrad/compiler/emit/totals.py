"""Sums of many terms: each run of terms that lie evenly is one reduction, each run of products one product."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import numpy as np

from minigrad.compiler.capabilities import reduced_axes
from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.rewrite.chains import total
from minigrad.compiler.strided import address, owner, stacked
from minigrad.core.array import Array

from .kernels import calls
from .program import Call, Program
from .runs import even_runs, stack_run
from .stacks import summed_products

Addend = Callable[[Array], list[Call]]
"""A part of a sum: from the array to write it to, the calls that do."""

# fewer terms are added one after the other
MIN_TERMS_TO_STACK = 3


def add_total(program: Program, node: Node, absorbed: list[Family]) -> None:
    """Write the calls of a total. absorbed: the families among its terms that it adds up as they are computed."""
    out = program.arrays[node]
    members = {member for family in absorbed for member in family.members}
    terms = [program.array(x) for x in node.inputs if x not in members]
    single, stacks = _stack_terms(program, terms, node.shape)
    if single:
        program.add(calls(total, {}, single, out))
    scratch: Array | None = None
    empty = not single
    for addend in _addends(program, stacks, absorbed):
        if empty:
            program.add(addend(out))
            empty = False
            continue
        if scratch is None:
            scratch = np.empty(node.shape, node.dtype)
        program.add(addend(scratch))
        program.add([(np.add, (out, scratch, out))])


def _stack_terms(
    program: Program, terms: list[Array], shape: tuple[int, ...]
) -> tuple[list[Array], list[Array]]:
    """The terms to be added one after the other, and those that lie evenly, stacked."""
    single = [x for x in terms if x.shape != shape]
    stacks = []
    full_sized = _in_order_of_memory([x for x in terms if x.shape == shape])
    for start, stop in even_runs(program, [[x] for x in full_sized]):
        run = full_sized[start:stop]
        if len(run) < MIN_TERMS_TO_STACK:
            single += run
        else:
            stacks.append(stacked(run[0], len(run), address(run[1]) - address(run[0])))
    return single, stacks


def _in_order_of_memory(terms: list[Array]) -> list[Array]:
    """The terms of each buffer by address; buffers in the order of the terms, for the same sum in every process."""
    rank: dict[int, int] = {}
    for x in terms:
        rank.setdefault(id(owner(x)), len(rank))
    return sorted(terms, key=lambda x: (rank[id(owner(x))], address(x)))


def _addends(program: Program, stacks: list[Array], absorbed: list[Family]) -> Iterator[Addend]:
    """The parts of the sum besides the single terms."""
    for stack in stacks:
        yield functools.partial(calls, np.sum, {"axis": 0}, [stack])
    for family in absorbed:
        rows = [[program.array(x) for x in member.inputs] for member in family.members]
        for start, stop in even_runs(program, rows):
            yield _sum_of_run(family.first, rows[start:stop])


def _sum_of_run(node: Node, rows: list[list[Array]]) -> Addend:
    """The sum of what a node's function makes of each row of operands."""
    if len(rows) == 1:
        return functools.partial(calls, node.fn, node.kwargs, rows[0])
    args = [
        _with_steps_in_front(x, first, len(rows))
        for x, first in zip(stack_run(rows[0], rows[1], len(rows)), rows[0], strict=True)
    ]
    if node.fn is np.matmul:
        return functools.partial(summed_products, args[0], args[1])
    axes = reduced_axes(node.kwargs.get("axis"), node.inputs[0].ndim)
    with_steps = (0, *[i + 1 for i in axes])
    return functools.partial(calls, np.sum, {"axis": with_steps}, args)


def _with_steps_in_front(x: Array, first: Array, steps: int) -> Array:
    """The stack of an operand; one that stands still, repeated."""
    return np.broadcast_to(first, (steps, *first.shape)) if x is first else x
