"""What became of one tape in another: the edges added, removed and rewired, as data and as a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import graphviz

from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError

from .compare import compare
from .marks import GATES

Ends = tuple[str, str, int]
"""Source, target and the target's slot."""
Rewired = tuple[str, int, str, str]
"""Target, slot, source before and after."""
Inputs = dict[str, list[str]]
"""The names of what each node reads."""


@dataclass(frozen=True)
class Diff:
    """The edges of two tapes by name: only in the second, only in the first, and inputs that come from elsewhere.

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
    picture: graphviz.Digraph

    def __str__(self) -> str:
        lines = [f"+ {source} -> {target}[{slot}]" for source, target, slot in self.added]
        for source, target, slot in self.removed:
            lines.append(f"- {source} -> {target}[{slot}]")
        for target, slot, before, after in self.rewired:
            lines.append(f"~ {target}[{slot}]: {before} -> {after}")
        return "\n".join(lines) or "no difference"

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
    picture = compare([("before", a), ("after", b)])
    return Diff(_only(after, before), _only(before, after), _rewired(before, after), picture)


def _inputs(tape: Tape, names: Mapping[Tensor, str]) -> Inputs:
    """What each node reads, by these names."""
    inputs: Inputs = {}
    for n in tape.nodes:
        inputs[names[n]] = [names[x] for x in n.inputs]
    return inputs


def _only(inputs: Inputs, others: Inputs) -> tuple[Ends, ...]:
    """The edges into nodes that the others do not have."""
    edges: list[Ends] = []
    for target, sources in inputs.items():
        if target not in others:
            edges += [(source, target, slot) for slot, source in enumerate(sources)]
    return tuple(edges)


def _rewired(before: Inputs, after: Inputs) -> tuple[Rewired, ...]:
    """The inputs of nodes on both tapes that come from elsewhere."""
    rewired: list[Rewired] = []
    for target, sources in after.items():
        pairs = zip(before.get(target, sources), sources, strict=False)
        for slot, (old, new) in enumerate(pairs):
            if old != new:
                rewired.append((target, slot, old, new))
    return tuple(rewired)


def _matched(a: Tape, b: Tape) -> dict[Tensor, str]:
    """For each node of a the name of its counterpart in b; its own where b has none, marked if that is taken there."""
    in_b = {origin: n for n, origin in _origins(b).items()}
    counterparts: dict[Tensor, str] = {}
    for n, origin in _origins(a).items():
        if origin in in_b:
            counterparts[n] = b.names[in_b[origin]]
    taken = set(counterparts.values())
    matched: dict[Tensor, str] = {}
    for n, name in a.names.items():
        own = f"{name} before" if name in taken else name
        matched[n] = counterparts.get(n, own)
    return matched


def _origins(tape: Tape) -> dict[Tensor, tuple[object, ...]]:
    """What copies of a node share, and which of the copies it is."""
    count: Counter[object] = Counter()
    origins: dict[Tensor, tuple[object, ...]] = {}
    for n in tape.nodes:
        origin = _origin(n)
        count[origin] += 1
        origins[n] = (*origin, count[origin])
    return origins


def _origin(n: Tensor) -> tuple[object, ...]:
    """When and how a node was made, what a gate is on, and the array of a leaf."""
    if n.fn in GATES:
        return n.serial, n.fn, n.inputs[0].serial
    if n.fn is None:
        return n.serial, n.fn, id(n.data)
    return n.serial, n.fn, None
