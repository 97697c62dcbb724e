"""Which nodes and arrows of a picture lie on the ways that an adjoint comes, as the tape says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import NamedTuple

from minigrad import Tape, Tensor
from minigrad.viz.graphs.marks import closed, is_gate
from minigrad.viz.graphs.picture import Shown
from minigrad.viz.graphs.selection import adjoint_nodes, reached_nodes

Ids = list[str]
Ends = tuple[str, str]
Pairs = list[tuple[Tensor, Tensor]]
Homes = defaultdict[Tensor, Ids]
"""The drawn nodes that stand for each tensor."""
Passed = defaultdict[str, int]
"""Which adjoints come to a tensor from each drawn node behind it."""


class Arrow(NamedTuple):
    """An arrow between two drawn nodes; one that is closed lets no gradient pass."""

    tail: str
    head: str
    closed: bool


class Paths(NamedTuple):
    """Whose adjoints come through each drawn node and each arrow.

    targets: the drawn nodes that stand for tensors, in the order of the tape. nodes, arrows: sets
    of them, as bits that are numbered as the targets are.
    """

    targets: Ids
    nodes: dict[str, int]
    arrows: list[int]


def backward_paths(parts: Iterable[Shown], arrows: Sequence[Arrow]) -> Paths:
    """The ways from the output back to each drawn node.

    Those are the paths of the tape on which every operation sends something: a gate that is closed
    ends them. A recorded backward pass computes the adjoints on these ways: there they are what an
    adjoint is computed from.
    """
    targets: Ids = []
    nodes: defaultdict[str, int] = defaultdict(int)
    links: defaultdict[Ends, int] = defaultdict(int)
    known: set[str] = set()
    drawn = {(a.tail, a.head) for a in arrows}
    for part in parts:
        members = members_of(part, arrows)
        position = {n: k for k, n in enumerate(part.tape.nodes)}
        first: dict[str, int] = {}
        for name, tensors in members.items():
            first[name] = min(position[n] for n in tensors)
        names = sorted(first, key=first.__getitem__)
        bits = {name: 1 << k for k, name in enumerate(names, len(targets))}
        targets += names
        known |= members.keys()
        whole = part._replace(members=members)
        for direction in _directions(whole, bits, drawn):
            direction.spread()
            for name in names:
                nodes[name] |= bits[name] | direction.lit(name)
            for pair, lit in direction.links().items():
                links[pair] |= lit
    lit_arrows = _lit_arrows(arrows, known, links)
    for arrow, lit in zip(arrows, lit_arrows, strict=True):
        for name in {arrow.tail, arrow.head} - known:
            nodes[name] |= lit
    return Paths(targets, dict(nodes), lit_arrows)


@dataclass
class _Direction:
    """The pairs of tensors along which adjoints travel, the way that the bits of drawn nodes go.

    live: the tensors that have an adjoint. part: what is drawn. ends: those of the arrows drawn.
    forward: bits go from inputs to readers, else back.
    """

    pairs: Pairs
    live: set[Tensor]
    part: Shown
    bits: dict[str, int]
    ends: set[Ends]
    forward: bool

    def spread(self) -> None:
        """Send the bits along the pairs, past tensors that nothing stands for."""
        self.homes = _homes(self.part.members)
        self.arriving: defaultdict[Tensor, int] = defaultdict(int)
        self.between: defaultdict[Ends, int] = defaultdict(int)
        behind: defaultdict[Tensor, Passed] = defaultdict(lambda: defaultdict(int))
        for source, goal in self.pairs:
            homes = self.homes[source]
            own = sum(self.bits[name] for name in homes)
            lit = self.arriving[source] | own
            self.arriving[goal] |= lit
            passed = dict.fromkeys(homes, lit) or behind[source]
            for name, each in passed.items():
                for home in self.homes[goal]:
                    if self._on_one_side(name, home):
                        arrow = self._turned(name, home)
                        self.between[arrow] |= each
                if not self.homes[goal]:
                    behind[goal][name] |= each

    def _on_one_side(self, name: str, home: str) -> bool:
        """Whether both stand for values, or both for adjoints."""
        mirrored = self.part.mirrored
        return (name in mirrored) == (home in mirrored)

    def _turned(self, name: str, home: str) -> Ends:
        """The ends of an arrow that bits go along from the one to the other."""
        goes_on = self.forward and home not in self.part.mirrored
        return (name, home) if goes_on else (home, name)

    def lit(self, name: str) -> int:
        """Whose adjoints come through a drawn node."""
        lit = 0
        for n in self.part.members[name]:
            lit |= self._through(name, n)
        return lit

    def _through(self, name: str, n: Tensor) -> int:
        """Whose adjoints come through a tensor where this node stands for it.

        A tensor may have a circle and its box: what the box lights is not the circle.
        """
        if n not in self.live:
            return 0
        lit = self.arriving[n]
        is_first = self._is_first(name, n)
        for home in self.homes[n]:
            if not is_first or self._is_first(home, n):
                lit |= self.bits[home]
        return lit

    def _is_first(self, name: str, n: Tensor) -> bool:
        """Whether this is the circle of a tensor whose box is drawn, too."""
        return any(self._turned(name, home) in self.ends for home in self.homes[n])

    def links(self) -> dict[Ends, int]:
        """Whose adjoints come from drawn node to drawn node, by their names."""
        for n in self.live:
            for arrow in permutations(self.homes[n], 2):
                if arrow in self.ends:
                    tail, head = arrow
                    goes_on = self._turned(tail, head) == arrow
                    start = tail if goes_on else head
                    self.between[arrow] |= self._through(start, n)
        return self.between


def _directions(part: Shown, bits: dict[str, int], ends: set[Ends]) -> Iterator[_Direction]:
    """The tape of the loss, and where there is one the recorded backward pass."""
    tape = part.tape
    adjoint = adjoint_nodes(tape)
    shut = {n for n in tape.nodes if closed(n)}
    live = reached_nodes(tape) - adjoint - shut
    pairs: Pairs = []
    for e in tape.edges():
        if e.target in live and e.source in live and e.carries_gradient:
            pairs.append((e.source, e.target))
    yield _Direction(pairs, live, part, bits, ends, forward=True)
    if adjoint:
        back: Pairs = []
        for e in tape.edges():
            if e.target in adjoint and e.source in adjoint:
                back.append((e.target, e.source))
        back.reverse()
        yield _Direction(back, adjoint, part, bits, ends, forward=False)


def _homes(members: dict[str, list[Tensor]]) -> Homes:
    """The drawn nodes that stand for each tensor."""
    homes: Homes = defaultdict(list)
    for name, tensors in members.items():
        for n in tensors:
            homes[n].append(name)
    return homes


def members_of(part: Shown, arrows: Sequence[Arrow]) -> dict[str, list[Tensor]]:
    """What each drawn node stands for; a mark on an arrow for the gates between its ends."""
    members = {name: tensors for name, tensors in part.members.items() if tensors}
    homes = _homes(members)
    gates = [n for n in part.tape.nodes if is_gate(n) and not homes[n]]
    if not gates:
        return members
    readers = _readers(part.tape)
    heads: defaultdict[str, set[str]] = defaultdict(set)
    marks: defaultdict[str, list[str]] = defaultdict(list)
    for a in arrows:
        heads[a.tail].add(a.head)
        if a.head not in members:
            marks[a.tail].append(a.head)
    for gate in gates:
        before = _nearest(gate, homes, lambda n: n.inputs[:1])
        after = _nearest(gate, homes, readers.__getitem__)
        between = [mark for name in before for mark in marks[name]]
        for mark in between:
            if not after.isdisjoint(heads[mark]):
                members.setdefault(mark, []).append(gate)
    return members


def _readers(tape: Tape) -> defaultdict[Tensor, list[Tensor]]:
    """What reads each tensor."""
    readers: defaultdict[Tensor, list[Tensor]] = defaultdict(list)
    for e in tape.edges():
        readers[e.source].append(e.target)
    return readers


def _nearest(start: Tensor, homes: Homes, step: Callable[[Tensor], Iterable[Tensor]]) -> set[str]:
    """The drawn nodes next to a tensor that nothing stands for."""
    nearest: set[str] = set()
    seen = {start}
    stack = [start]
    while stack:
        for n in step(stack.pop()):
            nearest.update(homes[n])
            if n not in seen and not homes[n]:
                seen.add(n)
                stack.append(n)
    return nearest


def _lit_arrows(arrows: Sequence[Arrow], known: set[str], links: dict[Ends, int]) -> list[int]:
    """Whose adjoints come along each arrow; a chain of them may join two nodes."""
    incoming: defaultdict[str, Ids] = defaultdict(list)
    outgoing: defaultdict[str, Ids] = defaultdict(list)
    for a in arrows:
        if not a.closed:
            incoming[a.head].append(a.tail)
            outgoing[a.tail].append(a.head)
    lit = []
    for a in arrows:
        through = 0
        if not a.closed:
            tails = ends(a.tail, incoming, known)
            heads = ends(a.head, outgoing, known)
            for link in product(tails, heads):
                through |= links.get(link, 0)
        lit.append(through)
    return lit


def ends(name: str, onward: Mapping[str, Ids], known: Collection[str]) -> set[str]:
    """The nodes that stand for something, from this one on."""
    nearest: set[str] = set()
    seen = {name}
    stack = [name]
    while stack:
        name = stack.pop()
        if name in known:
            nearest.add(name)
            continue
        for other in onward.get(name, ()):
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return nearest
