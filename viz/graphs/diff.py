"""What became of one tape in another: the edges added, removed and rewired, as data and as a picture."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import graphviz

from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError

from .compare import compare
from .marks import GATES

Ends = tuple[str, str, int]  # source, target and the target's slot


@dataclass(frozen=True)
class Diff:
    """The edges of two tapes by name: only in the second, only in the first, and inputs that come from elsewhere."""

    added: tuple[Ends, ...]
    removed: tuple[Ends, ...]
    rewired: tuple[tuple[str, int, str, str], ...]  # target, slot, source before and after
    picture: graphviz.Digraph

    def __str__(self) -> str:
        lines = [f"+ {source} -> {target}[{slot}]" for source, target, slot in self.added]
        lines += [f"- {source} -> {target}[{slot}]" for source, target, slot in self.removed]
        lines += [
            f"~ {target}[{slot}]: {before} -> {after}"
            for target, slot, before, after in self.rewired
        ]
        return "\n".join(lines) or "no difference"

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.rewired)


def diff(a: Tape, b: Tape) -> Diff:
    """What became of tape a in tape b, and both side by side.

    A node of b is that of a which has the same value and origin, as transforms keep them, else the same name.
    """
    for tape in (a, b):
        if not isinstance(tape, Tape):
            raise ArgumentError(
                "diff", got=f"a {type(tape).__name__}", expected="expected two Tapes"
            )
    names = _matched(a, b)
    before = {names[n]: [names[x] for x in n.inputs] for n in a.nodes}
    after = {b.names[n]: [b.names[x] for x in n.inputs] for n in b.nodes}
    rewired = [
        (target, slot, old, new)
        for target, its in after.items()
        for slot, (old, new) in enumerate(zip(before.get(target, its), its, strict=False))
        if old != new
    ]
    picture = compare([("before", a), ("after", b)])
    return Diff(_only(after, before), _only(before, after), tuple(rewired), picture)


def _only(these: dict[str, list[str]], those: dict[str, list[str]]) -> tuple[Ends, ...]:
    """The edges into nodes that the others do not have."""
    return tuple(
        (x, n, slot) for n, its in these.items() if n not in those for slot, x in enumerate(its)
    )


def _matched(a: Tape, b: Tape) -> dict[Tensor, str]:
    """For each node of a the name of its counterpart in b; its own where b has none, marked if that is taken there."""
    theirs = {key: n for n, key in _origins(b).items()}
    found = {n: b.names[theirs[key]] if key in theirs else None for n, key in _origins(a).items()}
    taken = set(found.values())
    return {
        n: found[n] or (f"{name} before" if name in taken else name) for n, name in a.names.items()
    }


def _origins(tape: Tape) -> dict[Tensor, tuple[object, ...]]:
    """What copies of a node share: when and how it was made, and what a gate is on; and which of the copies it is."""
    count: Counter[object] = Counter()
    found: dict[Tensor, tuple[object, ...]] = {}
    for n in tape.nodes:
        origin = (
            n.serial,
            n.fn,
            n.inputs[0].serial if n.fn in GATES else id(n.data) if n.fn is None else None,
        )
        count[origin] += 1
        found[n] = (*origin, count[origin])
    return found
