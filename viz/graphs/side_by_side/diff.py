"""What became of one tape in another: its edges, as data and as a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphviz import Digraph

from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError
from minigrad.internal import notebook_bundle
from minigrad.viz.graphs.marks import is_gate

from .compare import compare

Ends = tuple[str, str, int]
"""Source, target and the target's slot."""
Rewired = tuple[str, int, str, str]
"""Target, slot, source before and after."""
Inputs = dict[str, list[str]]
"""The names of what each node reads."""
Origin = tuple[object, ...]
"""What the copies of a node share."""


@dataclass(frozen=True)
class Diff:
    """How the edges of two tapes differ, by the names of their nodes.

    A Diff is false where nothing differs, and prints a line per difference.

    added, removed: (source, target, slot) of each edge into a node that the other tape lacks.
    rewired: (target, slot, source before, source after). picture: both tapes side by side.

    >>> import minigrad as mg
    >>> tape = mg.Tape.of(mg.tensor(2.0, requires_grad=True, name="x") * 3)
    >>> bool(diff(tape, tape)), str(diff(tape, tape))
    (False, 'no difference')
    """

    added: tuple[Ends, ...]
    removed: tuple[Ends, ...]
    rewired: tuple[Rewired, ...]
    picture: Digraph

    def __str__(self) -> str:
        lines = [f"+ {source} -> {target}[{slot}]" for source, target, slot in self.added]
        for source, target, slot in self.removed:
            lines.append(f"- {source} -> {target}[{slot}]")
        for target, slot, before, after in self.rewired:
            lines.append(f"~ {target}[{slot}]: {before} -> {after}")
        return "\n".join(lines) or "no difference"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return notebook_bundle("diff", self, str(self))

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.rewired)


def diff(a: Tape, b: Tape) -> Diff:
    """What became of tape a in tape b, and both side by side.

    A node of b is that of a which has the same value and origin, as transforms keep them, else the
    same name.

    >>> import minigrad as mg
    >>> from minigrad.transforms import truncate
    >>> h = mg.tensor(0.5, requires_grad=True, name="h_0")
    >>> for t in (1, 2):
    ...     with mg.timestep(t):
    ...         h = (h * 3).named(f"h_{t}")
    >>> tape = mg.Tape.of(h)
    >>> print(diff(tape, truncate(tape, every=1)))
    + h_1 -> detach@2[0]
    ~ h_2[0]: h_1 -> detach@2

    Raises: ArgumentError for what is no Tape.
    """
    for tape in (a, b):
        if not isinstance(tape, Tape):
            got = f"a {type(tape).__name__}"
            raise ArgumentError("diff", got=got, expected="expected two Tapes")
    before = _inputs(a, _matched(a, b))
    after = _inputs(b, b.names)
    return Diff(
        added=_only(after, before),
        removed=_only(before, after),
        rewired=_rewired(before, after),
        picture=compare([("before", a), ("after", b)]),
    )


def _inputs(tape: Tape, names: Mapping[Tensor, str]) -> Inputs:
    """What each node reads, by these names."""
    inputs: Inputs = {}
    for n in tape.nodes:
        sources = [names[x] for x in n.inputs]
        inputs[names[n]] = sources
    return inputs


def _only(inputs: Inputs, others: Inputs) -> tuple[Ends, ...]:
    """The edges into nodes that the others do not have."""
    edges: list[Ends] = []
    for target, sources in inputs.items():
        if target in others:
            continue
        for slot, source in enumerate(sources):
            edges.append((source, target, slot))
    return tuple(edges)


def _rewired(before: Inputs, after: Inputs) -> tuple[Rewired, ...]:
    """The inputs of nodes on both tapes that come from elsewhere."""
    rewired: list[Rewired] = []
    for target, sources in after.items():
        old_sources = before.get(target, sources)
        pairs = zip(old_sources, sources, strict=False)
        for slot, (old, new) in enumerate(pairs):
            if old != new:
                rewired.append((target, slot, old, new))
    return tuple(rewired)


def _matched(a: Tape, b: Tape) -> dict[Tensor, str]:
    """For each node of a the name of its counterpart in b.

    Where b has none, that is its own name, marked if it is taken there.
    """
    names_in_b: dict[Origin, str] = {}
    for n, origin in _origins(b).items():
        names_in_b[origin] = b.names[n]
    counterparts: dict[Tensor, str] = {}
    for n, origin in _origins(a).items():
        if origin in names_in_b:
            counterparts[n] = names_in_b[origin]
    taken = set(counterparts.values())
    matched: dict[Tensor, str] = {}
    for n, name in a.names.items():
        own = f"{name} before" if name in taken else name
        matched[n] = counterparts.get(n, own)
    return matched


def _origins(tape: Tape) -> dict[Tensor, Origin]:
    """What copies of a node share, and which of the copies it is."""
    count: Counter[object] = Counter()
    origins: dict[Tensor, Origin] = {}
    for n in tape.nodes:
        origin = _origin(n)
        count[origin] += 1
        origins[n] = (*origin, count[origin])
    return origins


def _origin(n: Tensor) -> Origin:
    """When and how a node was made, what a gate is on, and the array of a leaf."""
    if is_gate(n):
        return n.serial, n.fn, n.inputs[0].serial
    if n.fn is None:
        return n.serial, n.fn, id(n.data)
    return n.serial, n.fn, None
