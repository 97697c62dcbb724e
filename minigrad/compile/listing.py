"""What a plan does, as text: each family once, with the loop it stands in."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..vjps import op_name
from ..vjps.indexing import getitem
from .families import Family
from .graph import Graph, Node, is_view
from .loops import Unit
from .program import Program
from .storage import Store


def listing(
    graph: Graph, order: list[Unit], of: dict[Node, Family], absorbed: dict[Family, Node], store: dict[Family, Store],
    program: Program, size: int, how: str,
) -> list[str]:  # fmt: skip
    """A heading, a line per line of the program (a loop's head in front of its first), and what is returned."""
    names: dict[Any, str] = {}
    count: Counter[str] = Counter()

    def name(key: Any, node: Node) -> str:
        if key not in names:
            base = node.name or (node.leaf.label if node.leaf is not None else op_name(node.fn) if node.fn else "")
            base = base.partition("_")[0] if node.name and isinstance(key, Family) and len(key) > 1 else base
            count[base] += 1
            names[key] = base if count[base] == 1 else f"{base}#{count[base]}"
        return names[key]

    def shown(x: Node, reader: Node) -> str:
        if x.value is not None and x.value.size == 1:
            return f"{x.value.item():.4g}"
        if is_view(x):
            if x.fn is getitem:
                varies = x.time is not None or reader.time is not None
                return f"{shown(x.inputs[0], reader)}[{'t' if varies else '...'}]"
            return f"{op_name(x.fn) if x.fn else ''}({shown(x.inputs[0], reader)})"
        if x.fn is None:
            return name(x, x) or "constant"
        f = of[x]
        lag = (x.time or 0) - (reader.time or 0) if len(f) > 1 and reader.time is not None else 0
        step = f"[t{lag:+d}]" if lag else "[t]" if len(f) > 1 and reader.time is not None else ""
        return name(f, f.first) + step

    def text(f: Family) -> str:
        n = f.members[len(f) // 2]
        terms = []
        for x in n.inputs:
            inner = of.get(x)
            if inner in absorbed and inner is not None:
                m = inner.members[len(inner) // 2]
                each = f"{op_name(m.fn) if m.fn else ''}({', '.join(shown(y, m) for y in m.inputs)})"
                each = f"sum over t of {each}"
                if each not in terms:
                    terms.append(each)
            else:
                terms.append(shown(x, n))
        terms = terms if len(terms) <= 8 else [*terms[:4], "...", *terms[-2:]]
        keys = [f"{k}={v}" for k, v in n.kwargs.items()]
        made = f"{op_name(n.fn) if n.fn else ''}({', '.join([*terms, *keys])})"
        return f"{name(f, f.first)} = {made}"

    for unit in order:
        for f in unit.families:
            if f not in absorbed:
                name(f, f.first)
    lines, now = [f"plan: {len(program.calls)} calls, {size:,} bytes of buffers; {how}"], -1
    for line in program.lines:
        f, unit, head = line.family, order[line.unit], ""
        if unit.loop and line.unit != now:
            times = [t for n in unit.nodes if (t := n.time) is not None]
            head = f"for t in {times[0]}..{times[-1]}:\n"
        now = line.unit
        buffer = store[f].name
        shape = f"{f.first.dtype}{list(f.first.shape)}" + (f" x {len(f)}" if len(f) > 1 else "")
        how = f", {line.how}" if line.how and not unit.loop else ""
        lines.append(f"{head}{'    ' if unit.loop else ''}{text(f)}    # {shape} in {buffer}{how}")
    outputs = ", ".join(shown(o, o) for o in graph.outputs)
    return [*lines, f"return {outputs}"]
