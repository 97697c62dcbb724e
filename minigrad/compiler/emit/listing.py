"""What a plan does, as text: each family once, with the loop it stands in."""

from __future__ import annotations

from collections import Counter
from typing import Any

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Graph, Node
from minigrad.compiler.memory.allocate import Store
from minigrad.compiler.schedule.loops import Unit
from minigrad.compiler.schedule.sections import AFTER, BEFORE, FIRST_SHARD
from minigrad.compiler.views import is_view
from minigrad.ops import op_name
from minigrad.ops.indexing import getitem

from .program import Program


def listing(
    graph: Graph,
    order: list[Unit],
    of: dict[Node, Family],
    absorbed: dict[Family, Node],
    store: dict[Family, Store],
    program: Program,
    size: int,
    how: str,
) -> list[str]:
    """A heading, a text per line of the program (a loop's head in front of its first), and what is returned.

    Of the shards, which do the same, the first is shown; the texts of the others are empty.
    """
    texts = _Texts(of, absorbed)
    for line in program.lines:
        texts.name(line.family, line.family.first)
    lines = [f"plan: {len(program.calls)} calls, {size:,} bytes of buffers; {how}"]
    now, section = -1, BEFORE
    for line in program.lines:
        f, unit, head = line.family, order[line.unit], ""
        if FIRST_SHARD < f.first.section < AFTER:
            lines.append("")
            continue
        if f.first.section != section:
            head = "in each shard:\n" if f.first.section == FIRST_SHARD else "after all shards:\n"
        if unit.loop and line.unit != now:
            times = [t for n in unit.nodes if (t := n.time) is not None]
            head += f"for t in {times[0]}..{times[-1]}:\n"
        now, section = line.unit, f.first.section
        shape = f"{f.first.dtype}{list(f.first.shape)}" + (f" x {len(f)}" if len(f) > 1 else "")
        way = f", {line.how}" if line.how and not unit.loop else ""
        lines.append(
            f"{head}{'    ' if unit.loop else ''}{texts.of(f)}    # {shape} in {store[f].name}{way}"
        )
    outputs = ", ".join(texts.operand(o, o) for o in graph.outputs)
    return [*lines, f"return {outputs}"]


class _Texts:
    """Families and nodes as text, each under a name of its own."""

    def __init__(self, of: dict[Node, Family], absorbed: dict[Family, Node]) -> None:
        self._family, self._absorbed = of, absorbed
        self._names: dict[Any, str] = {}
        self._count: Counter[str] = Counter()

    def name(self, key: Any, node: Node) -> str:
        """The name of a family or leaf: its own, or its function's, numbered."""
        if key not in self._names:
            base = node.name or (
                node.leaf.label if node.leaf is not None else op_name(node.fn) if node.fn else ""
            )
            base = (
                base.partition("_")[0]
                if node.name and isinstance(key, Family) and len(key) > 1
                else base
            )
            self._count[base] += 1
            self._names[key] = base if self._count[base] == 1 else f"{base}#{self._count[base]}"
        return self._names[key]

    def operand(self, x: Node, reader: Node) -> str:
        """What a reader reads: ``tanh[t-1]``, ``transpose(W_hh)``, ``X[t]``, ``0.5``."""
        before = after = ""
        while is_view(x):
            if x.fn is getitem:
                after = ("[...]" if x.time is None and reader.time is None else "[t]") + after
            else:
                before, after = f"{before}{op_name(x.fn) if x.fn else ''}(", f"){after}"
            x = x.inputs[0]
        return before + self._source(x, reader) + after

    def _source(self, x: Node, reader: Node) -> str:
        if x.value is not None and x.value.size == 1:
            return f"{x.value.item():.4g}"
        if x.fn is None:
            return self.name(x, x) or "constant"
        f = self._family[x]
        lag = (x.time or 0) - (reader.time or 0) if len(f) > 1 and reader.time is not None else 0
        step = f"[t{lag:+d}]" if lag else "[t]" if len(f) > 1 and reader.time is not None else ""
        return self.name(f, f.first) + step

    def of(self, f: Family) -> str:
        """What the family computes, by the example of a member in its middle."""
        n = f.members[len(f) // 2]
        terms = []
        for x in n.inputs:
            inner = self._family.get(x)
            if inner in self._absorbed and inner is not None:
                m = inner.members[len(inner) // 2]
                each = f"{op_name(m.fn) if m.fn else ''}({', '.join(self.operand(y, m) for y in m.inputs)})"
                each = f"sum over t of {each}"
                if each not in terms:
                    terms.append(each)
            else:
                terms.append(self.operand(x, n))
        terms = terms if len(terms) <= 8 else [*terms[:4], "...", *terms[-2:]]
        keys = [f"{k}={v}" for k, v in n.kwargs.items()]
        return f"{self.name(f, f.first)} = {op_name(n.fn) if n.fn else ''}({', '.join([*terms, *keys])})"
