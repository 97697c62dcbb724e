"""Which families share memory, one after the other: a result may be written over an operand."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from minigrad.compiler.families import Family
from minigrad.compiler.schedule.schedule import Schedule, Unit
from minigrad.compiler.schedule.shard_sections import outlives
from minigrad.compiler.traits import may_overwrite

from .concatenations import Packing
from .liveness import Liveness


@dataclass(eq=False, slots=True)
class Store:
    """Memory for one or more families, one after the other.

    slots: one for each member. first, last: the units that write it first and read it last. kept:
    an output lies there, so that nobody may write over it. parent: the store of the concatenation
    that it lies in. children: the stores that lie in it. name: of its buffer, as in the listing.
    """

    slots: int
    first: int
    last: int = 0
    kept: bool = False
    parent: Store | None = None
    families: list[Family] = field(default_factory=list)
    children: list[Store] = field(default_factory=list)
    name: str = ""

    @property
    def owner(self) -> Family:
        """The family that it was made for."""
        return self.families[0]

    def related(self) -> list[Store]:
        """The stores that share its memory, itself included."""
        stores = [self, *self.children]
        if self.parent is not None:
            stores.append(self.parent)
        return stores


@dataclass(frozen=True, slots=True)
class Layout:
    """What decides who may share memory.

    packing: which families lie in concatenations. outermost: those whose last axis lies outermost.
    """

    schedule: Schedule
    liveness: Liveness
    packing: Packing
    outermost: set[Family]


def assign_stores(layout: Layout) -> dict[Family, Store]:
    """Give every family that writes something a store, its own or that of an operand."""
    schedule = layout.schedule
    store_of: dict[Family, Store] = {}
    outputs = set(schedule.output_families())
    for number, unit in enumerate(schedule.units):
        for family in _by_position(unit, layout.liveness):
            if family in schedule.total_of:
                continue
            store = _taken_over(family, store_of, layout)
            if store is None:
                store = Store(len(family), first=number)
            store_of[family] = store
            store.families.append(family)
            read_last = layout.liveness.last_unit(family)
            store.last = max(store.last, number, read_last)
            if family in outputs:
                store.kept = True
            # an output is read after the last unit
            if store.kept:
                store.last = len(schedule.units)
            for source in layout.packing.sources[family]:
                _nest(store_of[source], store)
    _let_parents_live_as_long(store_of)
    return store_of


def _by_position(unit: Unit, liveness: Liveness) -> list[Family]:
    """The families of a unit in the order of their first members."""

    def position(family: Family) -> int:
        return liveness.position[family.first]

    return sorted(unit.families, key=position)


def _let_parents_live_as_long(store_of: dict[Family, Store]) -> None:
    """A store is needed as long as any that lies in it."""
    for store in store_of.values():
        for child in store.children:
            store.first = min(store.first, child.first)
            store.last = max(store.last, child.last)


def _taken_over(family: Family, store_of: dict[Family, Store], layout: Layout) -> Store | None:
    """The store of the first operand that the family may be written over."""
    if not may_overwrite(family.first.fn):
        return None
    for x in family.first.inputs:
        operand = layout.schedule.family_of.get(x)
        if operand is None or operand not in store_of:
            continue
        store = store_of[operand]
        if not _lie_alike(operand, family, layout.outermost):
            continue
        if _is_dead(operand, family, store, layout.liveness):
            return store
    return None


def _lie_alike(operand: Family, family: Family, outermost: set[Family]) -> bool:
    """Whether what one wrote has the bytes that the other needs, when it needs them."""
    a = operand.first
    b = family.first
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        return False
    if (operand in outermost) != (family in outermost):
        return False
    return outlives(a.section, b.section)


def _is_dead(operand: Family, family: Family, store: Store, liveness: Liveness) -> bool:
    """Whether each member of the family may write over the member of operand that it reads.

    Everybody else is through with that member, and with what else lies in its store.
    """
    if not _reads_one_each(operand, family):
        return False
    related = store.related()
    if any(other.kept for other in related):
        return False
    # the last family of a store wrote over those before it, whose readers were through
    latest = [other.families[-1] for other in related]
    return all(_all_read(other, family, liveness) for other in latest)


def _reads_one_each(operand: Family, family: Family) -> bool:
    """Whether member by member the family reads operand, in a way that lets it be written over."""
    if len(family) != len(operand):
        return False
    pairs = zip(operand.members, family.members, strict=True)
    for node, reader in pairs:
        count = reader.inputs.count(node)
        if count == 0:
            return False
        # a chain of x + y + x in the place of x would be 2 (x + y)
        if count > 1 and len(reader.inputs) > 2:
            return False
    return True


def _all_read(other: Family, family: Family, liveness: Liveness) -> bool:
    """Whether others have read what lies where each member of the family is going to be."""
    if len(other) == len(family):
        return all(map(liveness.may_overwrite, family.members, other.members))
    start = min(map(liveness.position.__getitem__, family.members))
    return liveness.last_position_of_any(other) < start


def _nest(child: Store, parent: Store) -> None:
    """Let the child lie in its parent, if all that lies in it has its place there."""
    if child.parent or child.children or parent.parent:
        return
    if len(parent.families) > 1:
        return
    if all(len(family) == child.slots for family in child.families):
        child.parent = parent
        parent.children.append(child)


def slots_needed(store: Store, layout: Layout) -> int:
    """One slot where a loop's store is read in the step that wrote it only; else one for each."""
    first_unit = layout.schedule.units[store.first]
    alone = not (store.kept or store.parent or store.children)
    if alone and first_unit.loop and _is_read_at_once(store, layout.liveness):
        return 1
    return store.slots


def _is_read_at_once(store: Store, liveness: Liveness) -> bool:
    """Whether every step's results are read before those of the next step are written."""
    for family in store.families:
        unit = liveness.unit[family.first]
        if unit != store.first or len(family) != store.slots:
            return False
    # all families of the store in each step, in the order of execution
    steps = list(zip(*[family.members for family in store.families], strict=True))
    steps.sort(key=lambda members: liveness.position[members[0]])
    for step, after in pairwise(steps):
        read = map(liveness.last_position, step)
        written = map(liveness.position.__getitem__, after)
        if max(read) >= min(written):
            return False
    return True
