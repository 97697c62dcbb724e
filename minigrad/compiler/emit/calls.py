"""From families and stores to calls: all steps at once where the operands lie evenly in memory, else one by one."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node, is_view
from minigrad.compiler.memory.allocate import Memory
from minigrad.compiler.rewrite.chains import STEP, total
from minigrad.compiler.schedule.schedule import Schedule, Unit
from minigrad.compiler.schedule.sections import AFTER, BEFORE
from minigrad.core.array import Array

from .kernels import calls
from .program import Call, Line, Program
from .runs import even_runs, stack_run
from .stacks import batched
from .totals import add_total

# steps of a loop that pay for copying a matrix
MIN_STEPS_FOR_COPY = 16
# a single row times a transposed matrix of so many bytes is as fast as times a copy in C order
MIN_TRANSPOSED_BYTES = 1 << 16


def emit(schedule: Schedule, memory: Memory) -> Program:
    """Write the calls of every unit. The leaves must be placed already."""
    program = Program(memory.array_of)
    absorbed_by = defaultdict[Node, list[Family]](list)
    for family, node in schedule.total_of.items():
        absorbed_by[node].append(family)
    for i, unit in enumerate(schedule.units):
        if unit.section != program.section:
            if program.section == BEFORE:
                _copy_what_shards_share(program, schedule.units[i:])
            program.begin_section(unit.section)
        if unit.loop:
            _emit_loop(program, unit, i, schedule)
            continue
        family = unit.families[0]
        if family in schedule.total_of:
            continue
        program.line = Line(family, i)
        program.lines.append(program.line)
        if len(family) == 1 and family.first.fn is total:
            add_total(program, family.first, absorbed_by[family.first])
            if len(family.first.inputs) > 2:
                program.line.batching = "summed over steps"
        else:
            _emit_family(program, program.line, schedule)
    program.line = None
    return program


def _copy_what_shards_share(program: Program, units: tuple[Unit, ...]) -> None:
    """What several shards read must be there before one of them comes to it: views that are copies in this layout."""
    program.line = None
    for unit in units:
        if unit.section == AFTER:
            continue
        for n in unit.nodes:
            for x in n.inputs:
                shared = x
                while shared.section != BEFORE and is_view(shared):
                    shared = shared.inputs[0]
                if shared.section == BEFORE:
                    program.array(shared)


def _emit_loop(program: Program, unit: Unit, number: int, schedule: Schedule) -> None:
    """The calls of a loop, node by node; its lines, one for each family."""
    reason = "on a cycle: a step needs the one before it"
    lines = {family: Line(family, number, "step by step", reason) for family in unit.families}
    program.lines += lines.values()
    inside = set(unit.nodes)
    for n in unit.nodes:
        family = schedule.family_of[n]
        program.line = lines[family]
        args = [program.array(x) for x in n.inputs]
        if n.fn is np.matmul and len(family) >= MIN_STEPS_FOR_COPY:
            operands = zip(n.inputs, args, strict=True)
            args = [_in_c_order(program, n, x, array, inside) for x, array in operands]
        program.add(calls(n.fn, n.kwargs, args, program.arrays[n]))


def _in_c_order(program: Program, n: Node, x: Node, array: Array, inside: set[Node]) -> Array:
    """A transposed matrix that a loop multiplies by again and again, copied: BLAS reads it up to twice as fast.

    n: the product. x, array: its operand. inside: the nodes of the loop, which change from step to step.
    """
    source = x
    while is_view(source):
        source = source.inputs[0]
    if array.ndim != 2 or source is x or source in inside or array.flags.c_contiguous:
        return array
    if array.nbytes >= MIN_TRANSPOSED_BYTES and math.prod(n.shape[:-1]) == 1:
        return array
    key = x, n.section
    if key not in program.copies:
        program.copies[key] = np.empty(x.shape, x.dtype)
        program.add([(np.copyto, (program.copies[key], array))])
    return program.copies[key]


def _emit_family(program: Program, line: Line, schedule: Schedule) -> None:
    """One call for each run of members whose operands lie evenly; single ones where there is no such call."""
    family = line.family
    batching: list[str] = []
    reasons: list[str] = []
    operands = [_operands(program, member, schedule) for member in family.members]
    results = [program.arrays[member] for member in family.members]
    rows = [[*args, out] for args, out in zip(operands, results, strict=True)]
    for start, stop in even_runs(program, rows):
        length = stop - start
        at_once = _calls_at_once(family.first, rows, start, length)
        if at_once is not None:
            program.add(at_once)
            batching.append(f"{length} steps at once")
            continue
        n = family.first
        for args, out in zip(operands[start:stop], results[start:stop], strict=True):
            program.add(calls(n.fn, n.kwargs, args, out))
        if length > 1:
            batching.append("one by one")
            reasons.append("no call takes several steps at once")
        else:
            batching.append("one step")
            reasons.append("operands lie unevenly")
    if not line.calls:
        line.batching = "no copy"
    elif len(family) > 1:
        line.batching = " + ".join(dict.fromkeys(batching))
        line.reason = ", ".join(dict.fromkeys(reasons))


def _calls_at_once(n: Node, rows: list[list[Array]], start: int, length: int) -> list[Call] | None:
    """The calls for a run of steps; None for a single step, or where no call takes several."""
    if length < 2:
        return None
    *args, out = stack_run(rows[start], rows[start + 1], length)
    # what is not stacked is the array itself
    free = [x is first for x, first in zip(args, rows[start], strict=False)]
    return batched(n.fn, n.kwargs, args, free, out)


def _operands(program: Program, n: Node, schedule: Schedule) -> list[Array]:
    """The operands' arrays; the terms of a total in an order that is the same for all members."""
    inputs = list(n.inputs)
    if n.fn in STEP:
        inputs.sort(key=lambda x: _serial(x, schedule))
    return [program.array(x) for x in inputs]


def _serial(x: Node, schedule: Schedule) -> int:
    family = schedule.family_of.get(x)
    return -1 if family is None else family.serial
