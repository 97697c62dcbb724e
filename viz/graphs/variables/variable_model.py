"""What Fig. 9.7.2 shows of a tape: a box per named tensor, circles for operations between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from minigrad import Tape, Tensor
from minigrad.viz.graphs.marks import is_gate
from minigrad.viz.graphs.roles import Role, roles
from minigrad.viz.graphs.strip import Strip

from .variable_reads import (
    Marks,
    Mates,
    Reads,
    initial_states,
    joined_copies,
    reads_of,
    roots_of_circles,
    times_of_reads,
)
from .window_copies import Copies, copies_of, firsts

# Constants with the same readers: more of them share a box, as parameters always do.
MAX_CONSTANTS_APART = 12

Key = tuple[str, str]
"""``"box"`` or ``"circle"``, and a name of the tape."""


@dataclass(frozen=True)
class Item:
    """A box, or (without names) a circle.

    time: the step, None outside the steps. stands_for: of an initial state, whose place it takes at
    the first step. note: written small below the names. strip: of dots, which stand for the same
    item of many steps, what these hide. role: what it shares with its counterparts in other steps.
    labels: written in place of the names. title: written before them, which are in parentheses
    then. room: what it takes at least, in points. copies: the names of the other copies that a
    window has of it.
    """

    key: Key
    names: tuple[str, ...]
    time: int | None
    tip: str
    leaf: bool = False
    parameter: bool = False
    stands_for: Key | None = None
    note: str = ""
    strip: Strip | None = None
    role: Role = None
    title: str = ""
    labels: tuple[str, ...] = ()
    room: tuple[float, float] = (0.0, 0.0)
    copies: tuple[str, ...] = ()

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the tape's nodes that it stands for; a circle's is the one it computes."""
        own = self.names or (self.key[1],)
        return own + self.copies

    @property
    def dots(self) -> bool:
        """Whether it stands for the same item of many steps."""
        return self.strip is not None

    @property
    def is_circle(self) -> bool:
        """Whether it stands where circles do: dots in place of a circle, too."""
        return self.key[0] == "circle"


@dataclass(frozen=True)
class Arrow:
    """The head reads the tail, through these gates."""

    tail: Key
    head: Key
    marks: Marks = ()

    @property
    def closed(self) -> bool:
        """Whether no gradient passes."""
        return any(m.closed for m in self.marks)


Sharing = Mapping[str, Hashable]
"""Of the names of leaves what those have in common that may share a box."""
NO_SHARING: Sharing = {}


class VariableGraph(NamedTuple):
    """Items in the order of execution, a circle before its box, and the arrows between them."""

    items: list[Item]
    arrows: list[Arrow]

    @property
    def by_key(self) -> dict[Key, Item]:
        """The items by their keys."""
        return {i.key: i for i in self.items}

    @property
    def times(self) -> dict[Key, int | None]:
        """The step of each item."""
        return {i.key: i.time for i in self.items}

    @property
    def stamps(self) -> list[int]:
        """The steps that anything stands in, in order."""
        times = {i.time for i in self.items if i.time is not None}
        return sorted(times)


@dataclass(frozen=True)
class _Keys:
    """The keys of a tape's nodes.

    roots: the node whose circle each operation is part of. owners: the leaf whose box others share.
    roles: what each node shares with its counterparts in other steps. copies: of nodes, by the
    first.
    """

    names: Mapping[Tensor, str]
    roots: Mates
    owners: Mates
    roles: Mapping[Tensor, Role]
    copies: Copies

    def copies_of(self, n: Tensor) -> tuple[str, ...]:
        """The names of the copies of a node beside itself."""
        group = self.copies.get(n, [n])
        return tuple(self.names[copy] for copy in group[1:])

    def circle(self, n: Tensor) -> Key:
        """The circle that an operation is part of; in place of a named gate's stands its box."""
        root = self.roots[n]
        kind = "box" if is_gate(root) else "circle"
        return kind, self.names[root]

    def box(self, n: Tensor) -> Key:
        """The box of a named node or a leaf; the circle of any other."""
        if n.name or n.fn is None:
            owner = self.owners.get(n, n)
            return "box", self.names[owner]
        return self.circle(n)


def variable_graph(tape: Tape, sharing: Sharing = NO_SHARING) -> VariableGraph:
    """The boxes and circles of a tape, and the arrows between them.

    sharing: of the names of leaves what those have in common that may share a box, in the order in
    which one gives the box its key; of a name that is not among them the readers alone decide.
    """
    copies = copies_of(tape)
    reads = joined_copies(tape, reads_of(tape), copies)
    successors = initial_states(reads, tape.times)
    times = times_of_reads(tape, reads, successors)
    first_of = firsts(copies)
    # A set: == of two Tensors is a Tensor.
    outputs = {first_of.get(n, n) for n in tape.outputs}
    roots = roots_of_circles(outputs, reads, times)
    # Who shares a box depends on the circles, which depend on no box.
    keys = _Keys(tape.names, roots, owners={}, roles=roles(reads, times), copies=copies)
    outside = [x for x in tape.leaves if times[x] is None and x not in successors]
    keys = replace(keys, owners=_owners(outside, reads, keys, sharing))
    operations = _operations(keys)
    items: dict[Key, Item] = {}
    arrows: dict[Arrow, None] = {}
    for n in reads:
        if n.fn is not None:
            arrows |= dict.fromkeys(_arrows_into(n, reads, keys))
        if roots.get(n) is n:
            circle = keys.circle(n)
            tip = " · ".join(operations[circle])
            items[circle] = Item(
                circle, (), times[n], tip, role=keys.roles[n], copies=keys.copies_of(n)
            )
        # An operation without a name is its circle alone.
        if n.name or (n.fn is None and _has_box(n)):
            box = _box(n, times[n], keys, successors.get(n))
            if box.key in items and n in keys.owners:
                box = _joined(items[box.key], box)
            items[box.key] = box
    return VariableGraph(list(items.values()), list(arrows))


def _operations(keys: _Keys) -> dict[Key, list[str]]:
    """The names of the operations in each circle."""
    operations: defaultdict[Key, list[str]] = defaultdict(list)
    for n in keys.roots:
        operations[keys.circle(n)].append(n.op)
    return operations


def _arrows_into(n: Tensor, reads: Reads, keys: _Keys) -> list[Arrow]:
    """The arrows from what an operation reads to its circle, and on to its box."""
    circle = keys.circle(n)
    arrows = []
    for x, marks in reads[n]:
        tail = keys.box(x) if _has_box(x) else circle
        if tail != circle:
            arrows.append(Arrow(tail, circle, marks))
    if n.name and not is_gate(n):
        arrows.append(Arrow(circle, keys.box(n)))
    return arrows


def _box(n: Tensor, time: int | None, keys: _Keys, successor: Tensor | None) -> Item:
    """The box of one node; the successor is what takes its place in the later steps."""
    name = keys.names[n]
    is_leaf = n.fn is None
    copies = keys.copies_of(n)
    return Item(
        keys.box(n),
        (name,),
        time,
        tip=f"{name}: {n.dtype}{list(n.shape)} [{n.where}]",
        leaf=is_leaf,
        parameter=is_leaf and n.requires_grad,
        stands_for=None if successor is None else keys.box(successor),
        role=keys.roles[n],
        note=f"{len(copies) + 1} copies" if copies else "",
        copies=copies,
    )


def _joined(item: Item, other: Item) -> Item:
    """One box for both."""
    names = item.names + other.names
    tip = f"{item.tip}; {other.tip}"
    return replace(other, names=names, tip=tip)


def _has_box(n: Tensor) -> bool:
    """An unnamed constant is not worth a box."""
    return bool(n.fn or n.name or n.requires_grad)


def _owners(leaves: list[Tensor], reads: Reads, keys: _Keys, sharing: Sharing) -> Mates:
    """The first of the leaves that share a box.

    That are parameters with the same readers, and constants where there are many.
    """
    rank = {name: k for k, name in enumerate(sharing)}

    def turn(x: Tensor) -> int:
        return rank.get(keys.names[x], 0)

    readers: defaultdict[Tensor, dict[Hashable, None]] = defaultdict(dict)
    for n in keys.roots:
        circle = keys.circle(n)
        for x, marks in reads[n]:
            readers[x][circle, marks] = None
    alike: defaultdict[Hashable, list[Tensor]] = defaultdict(list)
    for x in leaves:
        if _has_box(x):
            common = sharing.get(keys.names[x])
            alike[x.requires_grad, tuple(readers[x]), common].append(x)
    owners: Mates = {}
    for members in alike.values():
        # Tapes may record the same leaves in different orders.
        first = min(members, key=turn)
        if first.requires_grad or len(members) > MAX_CONSTANTS_APART:
            owners |= dict.fromkeys(members, first)
    return owners
