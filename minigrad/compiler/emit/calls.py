"""From families and stores to calls: all steps at once where the operands lie evenly in memory."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.memory.allocate import Memory
from minigrad.compiler.primitives import PAIRWISE, total
from minigrad.compiler.schedule.schedule import Schedule, Unit
from minigrad.compiler.schedule.shard_sections import AFTER, BEFORE
from minigrad.compiler.views import is_view
from minigrad.core.array import Array

from .even_steps import even_runs, stack_run
from .kernels import calls
from .program import Calls, Line, Operands, Program, copying
from .stacks import batched
from .totals import add_total

# steps of a loop that pay for copying a matrix
MIN_STEPS_FOR_COPY = 16
# a single row times a transposed matrix of so many bytes is as fast as times a copy in C order
MIN_TRANSPOSED_BYTES = 1 << 16


def emit(schedule: Schedule, memory: Memory) -> Program:
    """Write the calls of every unit. The leaves must be placed already."""
    program = Program(memory.array_of)
    absorbed = defaultdict[Node, list[Family]](list)
    for family, node in schedule.total_of.items():
        absorbed[node].append(family)
    for number, unit in enumerate(schedule.units):
        if unit.section != program.section:
            # shards run at the same time: none may copy for another
            if program.section == BEFORE:
                _copy_what_shards_share(program, schedule.units[number:])
            program.begin_section(unit.section)
        if unit.loop:
            _emit_loop(program, unit, number, schedule)
            continue
        family = unit.families[0]
        if family in schedule.total_of:
            continue
        line = program.begin_line(Line(family, number))
        first = family.first
        if len(family) == 1 and first.fn is total:
            add_total(program, first, absorbed[first])
            if len(first.inputs) > 2:
                line.batching = "summed over steps"
        else:
            _emit_family(program, line, schedule)
    program.line = None
    return program


def _copy_what_shards_share(program: Program, units: tuple[Unit, ...]) -> None:
    """Copy out the views of what several shards read, if they are none in this layout.

    They must be there before a shard comes to them.
    """
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
    line_of = {}
    for family in unit.families:
        line = Line(family, number, "step by step", reason)
        line_of[family] = program.begin_line(line)
    inside = set(unit.nodes)
    for n in unit.nodes:
        family = schedule.family_of[n]
        program.line = line_of[family]
        args = [program.array(x) for x in n.inputs]
        if n.fn is np.matmul and len(family) >= MIN_STEPS_FOR_COPY:
            for i, x in enumerate(n.inputs):
                if _is_worth_a_copy(n, x, args[i], inside):
                    args[i] = _copied_once(program, n, x, args[i])
        program.add(calls(n.fn, n.kwargs, args, program.arrays[n]))


def _is_worth_a_copy(n: Node, x: Node, array: Array, inside: set[Node]) -> bool:
    """Whether x is a transposed matrix that a loop multiplies by again and again.

    BLAS reads it up to twice as fast in C order. n: the product. array: of its operand x. inside:
    the nodes of the loop, which change from step to step.
    """
    source = x
    while is_view(source):
        source = source.inputs[0]
    if source is x or source in inside:
        return False
    if array.ndim != 2 or array.flags.c_contiguous:
        return False
    single_row = math.prod(n.shape[:-1]) == 1
    return not single_row or array.nbytes < MIN_TRANSPOSED_BYTES


def _copied_once(program: Program, n: Node, x: Node, array: Array) -> Array:
    """A copy of x in C order, which all of a section share."""
    key = x, n.section
    if key not in program.copies:
        copy = np.empty(x.shape, x.dtype)
        program.add([copying(copy, array)])
        program.copies[key] = copy
    return program.copies[key]


def _emit_family(program: Program, line: Line, schedule: Schedule) -> None:
    """One call for each run of members whose operands lie evenly; single ones else."""
    family = line.family
    rows = []
    for member in family.members:
        args = _operands(program, member, schedule)
        rows.append([*args, program.arrays[member]])
    batching: dict[str, None] = {}
    reasons: dict[str, None] = {}
    for start, stop in even_runs(program, rows):
        run = rows[start:stop]
        at_once = _calls_at_once(family.first, run)
        if at_once is not None:
            program.add(at_once)
            batching[f"{len(run)} steps at once"] = None
            continue
        for row in run:
            program.add(_calls_of_step(family.first, row))
        if len(run) > 1:
            batching["one by one"] = None
            reasons["no call takes several steps at once"] = None
        else:
            batching["one step"] = None
            reasons["operands lie unevenly"] = None
    if not line.calls:
        line.batching = "no copy"
    elif len(family) > 1:
        line.batching = " + ".join(batching)
        line.reason = ", ".join(reasons)


def _calls_at_once(n: Node, run: list[Operands]) -> Calls | None:
    """The calls for a run of steps; None for a single step, or where no call takes several."""
    if len(run) < 2:
        return None
    *args, out = stack_run(run, len(run))
    free = []
    for x, first in zip(args, run[0], strict=False):
        # what is the same in every step is not stacked
        free.append(x is first)
    return batched(n.fn, n.kwargs, args, free, out)


def _calls_of_step(n: Node, row: Operands) -> Calls:
    *args, out = row
    return calls(n.fn, n.kwargs, args, out)


def _operands(program: Program, n: Node, schedule: Schedule) -> Operands:
    """The operands' arrays; the terms of a total in an order that is the same for all members."""
    inputs = list(n.inputs)
    if n.fn in PAIRWISE:
        inputs.sort(key=lambda x: _serial(x, schedule))
    return [program.array(x) for x in inputs]


def _serial(x: Node, schedule: Schedule) -> int:
    family = schedule.family_of.get(x)
    return -1 if family is None else family.serial
