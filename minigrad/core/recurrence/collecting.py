"""What is only collected on its way to the end, which is no state: outputs joined, losses summed.

A value that one step hands to another is a *state* where some other computation of the steps reads
it, on the way or through its own update: h by ``tanh(h @ W)``, S by ``S @ q``. What nothing reads
until the steps are over is one of three things, by what its update makes of it:

- *collected*, where each step only places it beside its own value or picks one of the two
  (concatenate, append, stack, where, maximum, minimum), whatever is made of it at the end;
- *collected* too, where each step adds a value of its own, scales it by constants (running and
  discounted losses), and the end is linear in it: then it is a sum of terms, one a step;
- *doubtful* otherwise: a sum that the end reads by another function, or a product, is the same
  graph whether it is a state or a running loss. Whoever asks has to be told.

Where nothing comes in (``h = 0.5 * h``) nothing is collected: a state. A factor that is the same in
every step, as in ``h = w * h``, computes with the value: a state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from minigrad.core.tensor import Tensor
from minigrad.core.time import Nodes, Times, crosses

from .passage import Passage, is_linear, passage

Handing = tuple[Tensor, Tensor]
"""What is handed on, and what reads it."""


Readers = defaultdict[Tensor, list[tuple[Tensor, int]]]


class Collecting(NamedTuple):
    """The collections of a tape."""

    collected: set[Tensor]
    """What lies outside the steps, for it holds nothing but what was collected."""
    handed_on: set[Handing]
    """Where a collection is read: whatever goes back there enters the steps anew."""
    doubtful: set[Tensor]
    """What is handed on, and could be a state or collected."""
    users: Mapping[Tensor, Tensor]
    """What proves a state to be one: a node that computes with it."""


def collecting(nodes: Nodes, times: Times, states: set[Tensor] | None = None) -> Collecting:
    """Find what is only collected.

    ``states`` are those that were named: then nothing is doubtful. Linear in the edges.
    """
    return _Collector(nodes, times, states).collecting()


class _Onward:
    """What lies between each node and the end, read from the last node to the first."""

    def __init__(self, nodes: Nodes, times: Times) -> None:
        self.times = times
        self.shared = _from_parameters_alone(nodes)
        # computed with in a step, and by what
        self.users: dict[Tensor, Tensor] = {}
        # followed by another step; read in a step that none follows; moved, added, ... to another
        self.leading: set[Tensor] = set()
        self.read_last: dict[Tensor, Tensor] = {}
        self.handed: set[Tensor] = set()
        # what is made of it from there on
        self.added: set[Tensor] = set()
        self.grown: set[Tensor] = set()
        self.bent: set[Tensor] = set()
        self.joined: set[Tensor] = set()
        for n in reversed(nodes):
            if n in self.read_last and n in self.handed:
                self.users[n] = self.read_last[n]
            for slot, x in enumerate(n.inputs):
                if x.fn is not None:
                    self._look(n, slot, x)

    def passage(self, n: Tensor, slot: int) -> Passage:
        """As passage(); but to be multiplied by what every step has is to be computed with."""
        way = passage(n, slot)
        others = [x for x in n.inputs if x is not n.inputs[slot]]
        if way is Passage.GROWN and not any(map(self._is_of_a_step, others)):
            return Passage.USED
        return way

    def _is_of_a_step(self, x: Tensor) -> bool:
        return self.times.get(x) is not None and x.fn is not None and x not in self.shared

    def _look(self, n: Tensor, slot: int, x: Tensor) -> None:
        """Tell x what its reader n knows."""
        way = self.passage(n, slot)
        is_handed = crosses(self.times, x, n)
        is_inside = self.times[n] is not None
        if is_handed or n in self.leading:
            self.leading.add(x)
        if is_inside and way is Passage.USED:
            readers = self.users if n in self.leading else self.read_last
            readers.setdefault(x, n)
        elif is_inside and n in self.users:
            self.users.setdefault(x, self.users[n])
        elif is_handed:
            self.handed.add(x)
        if not is_linear(n, slot):
            self.bent.add(x)
        if is_inside and way is not Passage.USED:
            self._tell_update(n, slot, x, way)
        for kind in (self.added, self.grown, self.bent, self.joined):
            if n in kind:
                kind.add(x)

    def _tell_update(self, n: Tensor, slot: int, x: Tensor, way: Passage) -> None:
        """What n adds to x; in the last step only the handing itself counts, see _Collector."""
        if _takes_in(n, slot):
            self.joined.add(x)
        if n in self.leading and way is Passage.ADDED:
            self.added.add(x)
        if n in self.leading and way is Passage.GROWN:
            self.grown.add(x)


class _Collector:
    """A walk over the nodes that follows what is collected."""

    def __init__(self, nodes: Nodes, times: Times, states: set[Tensor] | None) -> None:
        self.nodes = nodes
        self.times = times
        self.states = states
        self.onward = _Onward(nodes, times)
        self.collected: set[Tensor] = set()
        self.handed_on: set[Handing] = set()
        self.doubtful: set[Tensor] = set()
        # handed on, and has taken something in
        self.fed: set[Tensor] = set()

    def collecting(self) -> Collecting:
        mixed = set[Tensor]()
        for n in self.nodes:
            if self.times[n] is None or n.fn is None or n in self.onward.users:
                continue
            for slot, x in enumerate(n.inputs):
                if x.fn is not None:
                    self._follow(n, slot, x)
            if any(self._is_handed_a_state(x, n) for x in n.inputs):
                mixed.add(n)
        for n in self.nodes:
            self.handed_on.update((x, n) for x in n.inputs if x in self.collected)
        # what a collection takes straight from an earlier step is taken in its own
        return Collecting(
            self.collected - mixed,
            self.handed_on,
            self.doubtful,
            self.onward.users,
        )

    def _is_handed_a_state(self, x: Tensor, n: Tensor) -> bool:
        return crosses(self.times, x, n) and x in self.onward.users

    def _follow(self, n: Tensor, slot: int, x: Tensor) -> None:
        """Whether what is collected in x goes on in n."""
        way = self.onward.passage(n, slot)
        if way is Passage.USED:
            return
        is_handed = crosses(self.times, x, n)
        if x in self.onward.users or not (is_handed or x in self.fed or x in self.collected):
            return
        is_fed = x in self.fed or _takes_in(n, slot)
        if is_fed:
            self.fed.add(n)
        if is_handed and (is_fed or n in self.onward.joined) and not self._is_renewed(x, n):
            self._judge(n, slot, x, way)
        if x in self.collected or (x, n) in self.handed_on:
            self.collected.add(n)

    def _is_renewed(self, x: Tensor, n: Tensor) -> bool:
        """Whether the last step makes x anew by computing with n, as c = tanh(c + x) does.

        In the steps before it, what computes with c is known to be read by others.
        """
        if n in self.onward.leading:
            return False
        t = self.times[n]
        moved = self._behind({x}, t, is_used=False)
        used = self._read(moved, t, is_used=True)
        return any((y.fn, y.place) == (x.fn, x.place) for y in self._behind(used, t))

    def _behind(
        self, starts: set[Tensor], t: int | None, is_used: bool | None = None
    ) -> set[Tensor]:
        """The starts and what lies behind them in step t."""
        behind = set(starts)
        newest = behind
        while newest:
            newest = self._read(newest, t, is_used) - behind
            behind |= newest
        return behind

    def _read(self, nodes: set[Tensor], t: int | None, is_used: bool | None) -> set[Tensor]:
        """What reads one of the nodes in step t, to compute with it or not; None: either."""
        reading = set[Tensor]()
        for x in nodes:
            for n, slot in self.readers[x]:
                way = self.onward.passage(n, slot)
                if self.times[n] == t and is_used in (None, way is Passage.USED):
                    reading.add(n)
        return reading

    @cached_property
    def readers(self) -> Readers:
        """What reads each node, and in which slot."""
        readers: Readers = defaultdict(list)
        for n in self.nodes:
            for slot, x in enumerate(n.inputs):
                readers[x].append((n, slot))
        return readers

    def _judge(self, n: Tensor, slot: int, x: Tensor, way: Passage) -> None:
        """Say of what is handed on to n whether it is collected."""
        if self.states is not None:
            is_collected = x not in self.states
        else:
            is_collected = x in self.collected or self._is_collected(n, slot, way)
        if is_collected:
            self.handed_on.add((x, n))
            self.handed_on.update(self._first(x, n, slot))
        elif self.states is None and x.requires_grad:
            self.doubtful.add(x)

    def _is_collected(self, n: Tensor, slot: int, way: Passage) -> bool:
        if way is Passage.GROWN or n in self.onward.grown:
            return False
        is_added = way is Passage.ADDED or n in self.onward.added
        is_bent = n in self.onward.bent or not is_linear(n, slot)
        return not (is_added and is_bent)

    def _first(self, x: Tensor, n: Tensor, slot: int) -> Iterator[Handing]:
        """The state that the collection x begins with, in the slot in which n reads x."""
        reader = x
        while reader.fn is not n.fn and self._is_passed_on(reader, x):
            reader = reader.inputs[0]
        if reader.fn is not n.fn or slot >= len(reader.inputs):
            return
        first = reader.inputs[slot]
        while self._is_passed_on(first, x):
            reader = first
            first = first.inputs[0]
        if self._is_handed_a_state(first, reader):
            yield first, reader

    def _is_passed_on(self, y: Tensor, x: Tensor) -> bool:
        """Whether y is one value of x's step in another form."""
        return self.times.get(y) == self.times[x] and len(y.inputs) == 1


def _takes_in(n: Tensor, slot: int) -> bool:
    """Whether n has another input that a gradient goes to."""
    return any(x.requires_grad for k, x in enumerate(n.inputs) if k != slot)


def _from_parameters_alone(nodes: Nodes) -> set[Tensor]:
    """What is computed from parameters and from nothing else: the same in every step."""
    alone = set[Tensor]()
    for n in nodes:
        if all(x in alone for x in n.inputs) and (n.fn is not None or n.requires_grad):
            alone.add(n)
    return alone
