"""From families and stores to calls: all steps at once where the operands lie evenly in memory, else one by one."""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Graph, Node
from minigrad.compiler.primitives import PAIRWISE, total
from minigrad.compiler.schedule.loops import Unit
from minigrad.compiler.schedule.sections import AFTER, BEFORE
from minigrad.compiler.views import is_view
from minigrad.core.tensor import Array

from .kernels import address, batched, calls, owner, stacked, summed_products
from .program import Line, Program


def absorbed(
    graph: Graph, order: list[Unit], root: dict[Node, Node], of: dict[Node, Family]
) -> dict[Family, Node]:
    """Families of products and sums that exist only to be added up, with the total that does: sum_t h_{t-1}^T dz_t."""
    into = defaultdict[Node, list[Node]](list)
    for unit in order:
        for n in unit.nodes:
            for x in n.inputs:
                into[root[x]].append(n if root[x] is x else x)
    for o in graph.outputs:
        into[root[o]].append(o)
    found: dict[Family, Node] = {}
    for unit in order:
        for f in unit.families:
            if unit.loop or len(f) < 2 or not _sums(f.first):
                continue
            readers = {r for m in f.members for r in into[m]}
            if len(readers) == 1:
                reader = readers.pop()
                once = all(len(into[m]) == 1 for m in f.members)
                if (
                    once
                    and reader.fn is total
                    and len(of[reader]) == 1
                    and reader.shape == f.first.shape
                ):
                    found[f] = reader
    return found


def _sums(n: Node) -> bool:
    plain = all(x.dtype == n.dtype for x in n.inputs) and n.dtype.kind == "f"
    if n.fn is np.matmul:
        return plain and all(x.ndim == 2 for x in n.inputs)
    return n.fn is np.sum and plain and n.kwargs.keys() <= {"axis"}


def emit(
    order: list[Unit],
    of: dict[Node, Family],
    absorbed: dict[Family, Node],
    arrays: dict[Node, Array],
) -> Program:
    """Write the calls of every unit."""
    program = Program(arrays)
    parts: dict[Node, list[Family]] = {}
    for family, into in absorbed.items():
        parts.setdefault(into, []).append(family)
    for i, unit in enumerate(order):
        if unit.section != program.section:
            if program.section == BEFORE:
                _before_the_shards(program, order[i:])
            program.section = unit.section
            program.sections.append(len(program.calls))
        how, why = (
            ("step by step", "on a cycle: a step needs the one before it")
            if unit.loop
            else ("", "")
        )
        lines = {f: Line(f, i, how, why) for f in unit.families if f not in absorbed}
        program.lines += lines.values()
        if unit.loop:
            inside = set(unit.nodes)
            for n in unit.nodes:
                program.line = lines[of[n]]
                args = [program.array(x) for x in n.inputs]
                if n.fn is np.matmul and len(of[n]) >= _OFTEN:
                    args = [
                        _in_rows(program, n, x, a, inside)
                        for x, a in zip(n.inputs, args, strict=True)
                    ]
                program.add(calls(n.fn, n.kwargs, args, arrays[n]))
            continue
        family = unit.families[0]
        if family in absorbed:
            continue
        program.line = line = lines[family]
        if len(family) == 1 and family.first.fn is total:
            _sum_of_families(program, family.first, parts.get(family.first, []))
            line.how = "summed over steps" if len(family.first.inputs) > 2 else ""
        else:
            _all_steps(program, family, of)
    return program


def _before_the_shards(program: Program, order: list[Unit]) -> None:
    """What several shards read must be there before one of them comes to it: views that are copies in this layout."""
    program.line = None
    for unit in order:
        for n in unit.nodes if unit.section != AFTER else ():
            for x in n.inputs:
                shared = x
                while shared.section != BEFORE and is_view(shared):
                    shared = shared.inputs[0]
                if shared.section == BEFORE:
                    program.array(shared)


_OFTEN = 16  # steps that pay for copying a transposed matrix
_LARGE = 1 << 16  # bytes of one that a single row is multiplied by as fast without


def _in_rows(program: Program, n: Node, x: Node, array: Array, inside: set[Node]) -> Array:
    """A matrix that a loop multiplies by again and again, in C order: BLAS reads it up to twice as fast."""
    source = x
    while is_view(source):
        source = source.inputs[0]
    if array.ndim != 2 or source is x or source in inside or array.flags.c_contiguous:
        return array
    if array.nbytes >= _LARGE and math.prod(n.shape[:-1]) == 1:
        return array
    key = x, n.section
    if key not in program.copies:
        program.copies[key] = np.empty(x.shape, x.dtype)
        program.add([(np.copyto, (program.copies[key], array))])
    return program.copies[key]


def _all_steps(program: Program, family: Family, of: dict[Node, Family]) -> None:
    """One call for each run of members whose operands lie evenly; single ones where there is no such call."""
    n, line, ways, reasons = family.first, program.line, list[str](), list[str]()
    operands = [_operands(program, m, of) for m in family.members]
    rows = [[*xs, program.arrays[m]] for xs, m in zip(operands, family.members, strict=True)]
    for start, stop in _runs(program, rows):
        found = None
        if stop - start > 1:
            *args, out = _stack(rows[start : start + 2], stop - start)
            free = [x is y for x, y in zip(args, operands[start], strict=True)]
            found = batched(n.fn, n.kwargs, args, free, out)
        if found is not None:
            program.add(found)
            ways.append(f"{stop - start} steps at once")
            continue
        for i in range(start, stop):
            program.add(calls(n.fn, n.kwargs, operands[i], program.arrays[family.members[i]]))
        ways.append("one by one" if stop - start > 1 else "one step")
        reasons.append(
            "no call takes several steps at once" if stop - start > 1 else "operands lie unevenly"
        )
    if line is not None and not line.calls:
        line.how = "no copy"
    elif line is not None and len(family) > 1:
        line.how, line.why = " + ".join(dict.fromkeys(ways)), ", ".join(dict.fromkeys(reasons))


def _operands(program: Program, n: Node, of: dict[Node, Family]) -> list[Array]:
    """The operands' arrays; the terms of a total in an order that is the same for all members."""
    inputs = list(n.inputs)
    if n.fn in PAIRWISE:
        inputs.sort(key=lambda x: of[x].serial if x in of else -1)
    return [program.array(x) for x in inputs]


def _runs(program: Program, rows: list[list[Array]]) -> Iterator[tuple[int, int]]:
    """Split the members, a row of operands each, where the distance in memory to the next one changes."""
    if len(rows) < 2:
        yield 0, len(rows)
        return
    spots = [[program.spot(x) for x in row] for row in rows]
    start, gaps = 0, None
    for i in range(1, len(rows) + 1):
        now = None
        if i < len(rows) and all(a[0] == b[0] for a, b in zip(spots[i - 1], spots[i], strict=True)):
            now = [b[1] - a[1] for a, b in zip(spots[i - 1], spots[i], strict=True)]
        if now is None or (gaps is not None and now != gaps):
            yield start, i
            start, gaps = i, None
        else:
            gaps = now


def _stack(two: list[list[Array]], length: int) -> list[Array]:
    """The stacked operands of a run, from the rows of its first two members; those that stand still as they are."""
    gaps = [address(b) - address(a) for a, b in zip(*two, strict=True)]
    return [x if gap == 0 else stacked(x, length, gap) for x, gap in zip(two[0], gaps, strict=True)]


def _sum_of_families(program: Program, n: Node, parts: list[Family]) -> None:
    """A total, each run of whose terms, or of the operands of a family of terms, is one reduction or product."""
    out, inside = program.arrays[n], {m for f in parts for m in f.members}
    terms = [program.array(x) for x in n.inputs if x not in inside]
    met: dict[
        int, int
    ] = {}  # buffers in the order of the terms, not of memory: the same sum in every process
    alike = sorted(
        (x for x in terms if x.shape == n.shape),
        key=lambda x: (met.setdefault(id(owner(x)), len(met)), address(x)),
    )
    sums = (
        [(i, j) for i, j in _runs(program, [[x] for x in alike]) if j - i > 2]
        if len(alike) > 2
        else []
    )
    stacks = [stacked(alike[i], j - i, address(alike[i + 1]) - address(alike[i])) for i, j in sums]
    taken = {k for i, j in sums for k in range(i, j)}
    terms = [x for x in terms if x.shape != n.shape] + [
        x for k, x in enumerate(alike) if k not in taken
    ]
    spare: list[Array] = []
    first = not terms

    def into(found_for: Any) -> None:
        nonlocal first
        if not first and not spare:
            spare.append(np.empty(n.shape, n.dtype))
        program.add(found_for(out if first else spare[0]))
        if not first:
            program.add([(np.add, (out, spare[0], out))])
        first = False

    if terms:
        program.add(calls(total, {}, terms, out))
    for stack in stacks:
        into(functools.partial(calls, np.sum, {"axis": 0}, [stack]))
    for family in parts:
        rows = [[program.array(x) for x in m.inputs] for m in family.members]
        for start, stop in _runs(program, rows):
            into(_summed(family.first, rows, start, stop))


def _summed(m: Node, rows: list[list[Array]], start: int, stop: int) -> Any:
    """The calls that add up one run of a family, as a function of where to write."""
    if stop - start == 1:
        return lambda out: calls(m.fn, m.kwargs, rows[start], out)
    args = [
        x
        if len(x) == stop - start and x.ndim > rows[start][i].ndim
        else np.broadcast_to(x, (stop - start, *x.shape))
        for i, x in enumerate(_stack(rows[start : start + 2], stop - start))
    ]
    if m.fn is np.matmul:
        return lambda out: summed_products(args[0], args[1], out)
    axis, n = m.kwargs.get("axis"), m.inputs[0].ndim
    axes = range(n) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return lambda out: calls(np.sum, {"axis": (0, *[i % n + 1 for i in axes])}, args, out)
