"""What Fig. 9.7.2 shows of a tape: a box for each named tensor, one circle for the unnamed operations between them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from minigrad.viz.graphs.marks import GATES, Mark, inlined, mark, through
from minigrad.viz.graphs.selection import Times, drawn_times

from minigrad import Tape, Tensor
from minigrad.viz.graphs.marks import GATES, Mark, inlined, mark, through

Key = tuple[str, str]
"""``"box"`` or ``"circle"``, and a name of the tape."""
Reads = dict[Tensor, list[tuple[Tensor, tuple[Mark, ...]]]]
"""What each node reads, and the marks of the gates on the way."""

# Constants with the same readers: more of them share a box, as parameters always do.
MAX_CONSTANTS_APART = 12


@dataclass(frozen=True)
class Item:
    """A box, or (without names) a circle.

    time: the step, None outside the steps. stands_for: of an initial state, whose place it takes at
    the first step. dots: it stands for the same item of many steps. note: written small below the
    names.
    """

    key: Key
    names: tuple[str, ...]
    time: int | None
    tip: str
    leaf: bool = False
    parameter: bool = False
    stands_for: Key | None = None
    dots: bool = False
    note: str = ""

    @property
    def is_constant_start(self) -> bool:
        """Whether it is an initial state that nobody learns."""
        return self.stands_for is not None and self.leaf and not self.parameter


@dataclass(frozen=True)
class Arrow:
    """The head reads the tail, through these gates."""

    tail: Key
    head: Key
    marks: tuple[Mark, ...] = ()

    @property
    def closed(self) -> bool:
        """Whether no gradient passes."""
        return any(m.closed for m in self.marks)


@dataclass(frozen=True)
class _Keys:
    """The keys of a tape's nodes.

    roots: the node whose circle each operation is part of. owners: the leaf whose box others share.
    """

    names: Mapping[Tensor, str]
    roots: Mapping[Tensor, Tensor]
    owners: Mapping[Tensor, Tensor]

    def circle(self, n: Tensor) -> Key:
        """The circle that an operation is part of; a named gate has none, and its box takes its place."""
        root = self.roots[n]
        kind = "box" if root.fn in GATES else "circle"
        return kind, self.names[root]

    def box(self, n: Tensor) -> Key:
        """The box of a named node or a leaf; the circle of any other."""
        if n.name or n.fn is None:
            return "box", self.names[self.owners.get(n, n)]
        return self.circle(n)


def variable_graph(tape: Tape) -> tuple[list[Item], list[Arrow]]:
    """The items of a tape in its order, a circle before its box, and the arrows between them, each once."""
    reads = _reads(tape)
    successors = _initial_states(reads, tape.times)
    times = _times(tape, reads, successors)
    roots = _roots(tape, reads, times)
    keys = _Keys(tape.names, roots, {})
    outside = [x for x in tape.leaves if times[x] is None and x not in successors]
    keys = replace(keys, owners=_owners(outside, _readers_of(reads, keys)))

    operations: defaultdict[Key, list[str]] = defaultdict(list)
    for n in roots:
        operations[keys.circle(n)].append(n.op)
    items: dict[Key, Item] = {}
    arrows: dict[Arrow, None] = {}
    for n in reads:
        if n.fn is not None:
            arrows |= dict.fromkeys(_arrows_into(n, reads, keys))
            circle = keys.circle(n)
            if roots[n] is n:
                items[circle] = Item(circle, (), times[n], " · ".join(operations[circle]))
        if n.name or (n.fn is None and _has_box(n)):
            box = _box(n, times[n], keys, successors.get(n))
            if box.key in items and keys.owners.get(n, n) is not n:
                box = _joined(items[box.key], box)
            items[box.key] = box
    return list(items.values()), list(arrows)


def _arrows_into(n: Tensor, reads: Reads, keys: _Keys) -> list[Arrow]:
    """The arrows from what an operation reads to its circle, and on to its box."""
    circle = keys.circle(n)
    arrows = []
    for x, marks in reads[n]:
        if _has_box(x) and keys.box(x) != circle:
            arrows.append(Arrow(keys.box(x), circle, marks))
    if n.name and n.fn not in GATES:
        arrows.append(Arrow(circle, keys.box(n)))
    return arrows


def _box(n: Tensor, time: int | None, keys: _Keys, successor: Tensor | None) -> Item:
    """The box of one node."""
    name = keys.names[n]
    is_leaf = n.fn is None
    return Item(
        keys.box(n),
        (name,),
        time,
        tip=f"{name}: {n.dtype}{list(n.shape)} [{n.where}]",
        leaf=is_leaf,
        parameter=is_leaf and n.requires_grad,
        stands_for=None if successor is None else keys.box(successor),
    )


def _joined(item: Item, other: Item) -> Item:
    """One box for both."""
    names = item.names + other.names
    return replace(other, names=names, tip=f"{item.tip}; {other.tip}")


def _has_box(n: Tensor) -> bool:
    """An unnamed constant is not worth a box."""
    return bool(n.fn or n.name or n.requires_grad)


def _reads(tape: Tape) -> Reads:
    """What each node but the unnamed gates reads, behind those gates."""
    reads: Reads = {}
    told_by_marks: set[Tensor] = set()
    for n in tape.nodes:
        if n.fn not in GATES:
            reads[n] = [through(x) for x in n.inputs]
            continue
        told_by_marks.update(inlined(n))
        if n.name:
            source, marks = through(n.inputs[0])
            if mark(n).text:
                marks = (*marks, mark(n))
            reads[n] = [(source, marks)]
    read = {x for pairs in reads.values() for x, _ in pairs}
    return {n: pairs for n, pairs in reads.items() if n in read or n not in told_by_marks}


def _inputs(reads: Reads) -> dict[Tensor, list[Tensor]]:
    """What each node reads, without the marks."""
    inputs: dict[Tensor, list[Tensor]] = {}
    for n, pairs in reads.items():
        inputs[n] = [x for x, _ in pairs]
    return inputs


def _times(tape: Tape, reads: Reads, initial_states: Mapping[Tensor, Tensor]) -> Times:
    """The step that each node is drawn in; initial states are drawn outside the steps.

    Of a single step all constants stay outside.
    """
    if len({*tape.times.values()} - {None}) == 1:
        return dict(tape.times)
    return drawn_times(tape.times, _inputs(reads), outside=initial_states)


def _roots(tape: Tape, reads: Reads, times: Times) -> dict[Tensor, Tensor]:
    """The node whose circle each operation is part of: its readers', where they share one in the same step."""
    readers: defaultdict[Tensor, list[Tensor]] = defaultdict(list)
    gated: set[Tensor] = set()
    for n, pairs in reads.items():
        for x, marks in pairs:
            readers[x].append(n)
            if marks:
                gated.add(x)
    # A set: == of two Tensors is a Tensor.
    outputs = set(tape.outputs)
    roots: dict[Tensor, Tensor] = {}
    for n in reversed(reads):
        if n.fn is None:
            continue
        candidates = {roots[r] for r in readers[n]}
        root = candidates.pop() if len(candidates) == 1 else n
        stands_alone = n.name or n in outputs or n in gated or root.fn in GATES
        roots[n] = n if stands_alone or times[n] != times[root] else root
    return dict(reversed(roots.items()))


def _readers_of(reads: Reads, keys: _Keys) -> dict[Tensor, tuple[object, ...]]:
    """The circles that read each node, and through which gates."""
    readers: defaultdict[Tensor, dict[object, None]] = defaultdict(dict)
    for n in keys.roots:
        for x, marks in reads[n]:
            readers[x][keys.circle(n), marks] = None
    return {x: tuple(circles) for x, circles in readers.items()}


def _owners(
    leaves: list[Tensor], readers: Mapping[Tensor, tuple[object, ...]]
) -> dict[Tensor, Tensor]:
    """The first of the leaves that share a box: parameters with the same readers, and crowds of constants."""
    alike: defaultdict[object, list[Tensor]] = defaultdict(list)
    for x in leaves:
        if _has_box(x):
            alike[x.requires_grad, readers.get(x, ())].append(x)
    owners: dict[Tensor, Tensor] = {}
    for sharing in alike.values():
        if sharing[0].requires_grad or len(sharing) > MAX_CONSTANTS_APART:
            owners |= dict.fromkeys(sharing, sharing[0])
    return owners


def _initial_states(reads: Reads, times: Mapping[Tensor, int | None]) -> dict[Tensor, Tensor]:
    """From each tensor that enters the steps where a recurrent edge would, to the tensor read there one step later."""
    counterparts = _counterparts(reads, times)
    successors: dict[Tensor, Tensor] = {}
    for n, sibling in counterparts.items():
        for (x, _), (y, _) in zip(reads[n], reads[sibling], strict=False):
            enters = times[x] is None
            is_recurrent = times[y] not in (None, times[sibling])
            if enters and is_recurrent:
                successors.setdefault(x, y)
    return successors


def _counterparts(reads: Reads, times: Mapping[Tensor, int | None]) -> dict[Tensor, Tensor]:
    """From each operation in a step to the same one in the next step: by function, line and number."""
    count: Counter[object] = Counter()
    nodes: dict[tuple[int, object], Tensor] = {}
    for n in reads:
        t = times[n]
        if n.fn is not None and t is not None:
            count[t, n.fn, n.place] += 1
            nodes[t, (n.fn, n.place, count[t, n.fn, n.place])] = n
    stamps = sorted({t for t in times.values() if t is not None})
    following = dict(pairwise(stamps))
    counterparts: dict[Tensor, Tensor] = {}
    for (t, kind), n in nodes.items():
        if t in following:
            sibling = nodes.get((following[t], kind))
            if sibling is not None:
                counterparts[n] = sibling
    return counterparts
