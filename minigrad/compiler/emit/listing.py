"""What a plan does, as text: each family once, with the loop it stands in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.memory.allocate import Memory
from minigrad.compiler.schedule.schedule import Schedule
from minigrad.compiler.schedule.shard_sections import AFTER, BEFORE, FIRST_SHARD
from minigrad.compiler.views import is_view
from minigrad.core.tensor import Tensor
from minigrad.ops import op_name
from minigrad.ops.indexing import getitem

from .program import Line, Program

# of more terms only the ends are shown
MAX_TERMS = 8
FIRST_TERMS = 4
LAST_TERMS = 2


def list_plan(
    schedule: Schedule,
    memory: Memory,
    program: Program,
    heading: Iterable[str],
    names: Mapping[Tensor, str],
    carried: Mapping[Tensor, int],
    given: Iterable[int],
) -> list[str]:
    """The heading, a text per line of the program, and what is returned.

    heading: a note on how it runs, and the constants. names: of the inputs, under which they are
    fed. carried: the leaves that hold outputs afterwards, with the numbers of these.
    given: the numbers of those that are returned.
    The head of a loop, or of a section, stands in front of its first line. Of the shards, which do
    the same, the first is shown; the texts of the others are empty.
    """
    texts = _Texts(schedule, names)
    for line in program.lines:
        texts.name(line.family, line.family.first)
    size = f"{len(program.calls)} calls, {memory.nbytes:,} bytes of buffers"
    note, *constants = heading
    first = f"plan: {size}; {note}"
    lines = ["\n".join([first, *constants])]
    last_unit = -1
    last_section = BEFORE
    for line in program.lines:
        family = line.family
        section = family.first.section
        if FIRST_SHARD < section < AFTER:
            lines.append("")
            continue
        text = f"{texts.definition(family)}    # {_result(line, memory)}"
        unit = schedule.units[line.unit]
        if unit.loop:
            text = f"    {text}"
        elif line.batching:
            text = f"{text}, {line.batching}"
        if unit.loop and line.unit != last_unit:
            times = [n.time for n in unit.nodes if n.time is not None]
            text = f"for t in {times[0]}..{times[-1]}:\n{text}"
        if section != last_section:
            where = "in each shard" if section == FIRST_SHARD else "after all shards"
            text = f"{where}:\n{text}"
        lines.append(text)
        last_unit = line.unit
        last_section = section
    outputs = [texts.operand(o, o) for o in schedule.graph.outputs]
    ends = [f"carry {names[leaf]} = {outputs[number]}" for leaf, number in carried.items()]
    returned = [outputs[number] for number in given]
    ends.append(f"return {', '.join(returned)}".rstrip())
    return [*lines, "\n".join(ends)]


def _result(line: Line, memory: Memory) -> str:
    """What a family gives and where it lies: ``float64[3, 5] x 5 in b2``."""
    family = line.family
    shape = f"{family.first.dtype}{list(family.first.shape)}"
    if len(family) > 1:
        shape = f"{shape} x {len(family)}"
    return f"{shape} in {memory.store_of[family].name}"


class _Texts:
    """Families and nodes as text, each under a name of its own."""

    def __init__(self, schedule: Schedule, inputs: Mapping[Tensor, str]) -> None:
        self._schedule = schedule
        self._inputs = inputs
        self._names: dict[Any, str] = {}
        self._count: Counter[str] = Counter()

    def name(self, key: Family | Node, node: Node) -> str:
        """The name of a family or leaf: its own, or its function's, numbered."""
        if key not in self._names:
            base = self._inputs.get(node.leaf) or _own_name(node)  # type: ignore[arg-type]
            if node.name and isinstance(key, Family) and len(key) > 1:
                # of h_1, h_2, ... the name of all is h
                base = base.partition("_")[0]
            self._count[base] += 1
            count = self._count[base]
            self._names[key] = base if count == 1 else f"{base}#{count}"
        return self._names[key]

    def operand(self, x: Node, reader: Node) -> str:
        """What a reader reads: ``tanh[t-1]``, ``transpose(W_hh)``, ``X[t]``, ``0.5``."""
        before = after = ""
        while is_view(x):
            if x.fn is getitem:
                in_no_step = x.time is None and reader.time is None
                index = "[...]" if in_no_step else "[t]"
                after = f"{index}{after}"
            else:
                before = f"{before}{_function(x)}("
                after = f"){after}"
            x = x.inputs[0]
        return f"{before}{self._source(x, reader)}{after}"

    def _source(self, x: Node, reader: Node) -> str:
        if x.value is not None and x.value.size == 1:
            return f"{x.value.item():.4g}"
        if x.fn is None:
            return self.name(x, x) or "constant"
        family = self._schedule.family_of[x]
        name = self.name(family, family.first)
        if len(family) < 2 or reader.time is None:
            return name
        lag = (x.time or 0) - (reader.time or 0)
        return f"{name}[t{lag:+d}]" if lag else f"{name}[t]"

    def definition(self, family: Family) -> str:
        """What the family computes, by the example of a member in its middle."""
        n = _in_the_middle(family)
        terms: list[str] = []
        for x in n.inputs:
            inner = self._schedule.family_of.get(x)
            if inner is None or inner not in self._schedule.total_of:
                terms.append(self.operand(x, n))
                continue
            summed = f"sum over t of {self._summed(inner)}"
            if summed not in terms:
                terms.append(summed)
        if len(terms) > MAX_TERMS:
            terms = [*terms[:FIRST_TERMS], "...", *terms[-LAST_TERMS:]]
        terms += [f"{k}={v}" for k, v in n.kwargs.items()]
        return f"{self.name(family, family.first)} = {_function(n)}({', '.join(terms)})"

    def _summed(self, family: Family) -> str:
        n = _in_the_middle(family)
        operands = ", ".join([self.operand(x, n) for x in n.inputs])
        return f"{_function(n)}({operands})"


def _own_name(node: Node) -> str:
    if node.name:
        return node.name
    return node.leaf.label if node.leaf is not None else _function(node)


def _function(node: Node) -> str:
    return op_name(node.fn) if node.fn else ""


def _in_the_middle(family: Family) -> Node:
    """A member that looks like most: those at the ends of a loop may read something else."""
    return family.members[len(family) // 2]
