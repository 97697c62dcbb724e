"""Which families share memory, one after the other: a result may be written over an operand that nobody reads again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from minigrad.compiler.capabilities import may_overwrite
from minigrad.compiler.families import Family
from minigrad.compiler.schedule.schedule import Schedule, Unit
from minigrad.compiler.schedule.sections import outlives

from .liveness import Liveness
from .packing import Packing


@dataclass(eq=False, slots=True)
class Store:
    """Memory for one or more families, one after the other; inside another's where that is a concatenation of it.

    slots: one for each member. kept: an output lies there, so that nobody may write over it. parent, children: the
    store of the concatenation that it lies in, the stores that lie in it. first, last: the units that write it first
    and read it last. name: of its buffer, as in the listing.
    """

    slots: int
    first: int
    last: int = 0
    families: list[Family] = field(default_factory=list)
    kept: bool = False
    parent: Store | None = None
    children: list[Store] = field(default_factory=list)
    name: str = ""

    @property
    def owner(self) -> Family:
        """The family that it was made for."""
        return self.families[0]

    def related(self) -> Iterator[Store]:
        """The stores that share its memory, itself included."""
        yield self
        yield from self.children
        if self.parent is not None:
            yield self.parent


def assign_stores(
    schedule: Schedule, liveness: Liveness, packing: Packing, outermost: set[Family]
) -> dict[Family, Store]:
    """Give every family that writes something a store, its own or one it takes over from an operand.

    packing: what lies in a concatenation. outermost: the families whose last axis lies outermost.
    """
    store_of: dict[Family, Store] = {}
    outputs = set(schedule.output_families())
    for i, unit in enumerate(schedule.units):
        for family in _by_position(unit, liveness):
            if family in schedule.total_of:
                continue
            store = _taken_over(family, store_of, schedule, liveness, outermost)
            if store is None:
                store = Store(len(family), first=i)
            store_of[family] = store
            store.families.append(family)
            store.kept = store.kept or family in outputs
            store.last = max(store.last, i, liveness.last_unit(family))
            if store.kept:
                store.last = len(schedule.units)
            for source in packing.sources.get(family, ()):
                _nest(store_of[source], store)
    for store in store_of.values():
        for child in store.children:
            store.first = min(store.first, child.first)
            store.last = max(store.last, child.last)
    return store_of


def _by_position(unit: Unit, liveness: Liveness) -> list[Family]:
    return sorted(unit.families, key=lambda family: liveness.position[family.first])


def _taken_over(
    family: Family,
    store_of: dict[Family, Store],
    schedule: Schedule,
    liveness: Liveness,
    outermost: set[Family],
) -> Store | None:
    """The store of the first operand that the family may be written over."""
    first = family.first
    if not may_overwrite(first.fn):
        return None
    for x in first.inputs:
        operand = schedule.family_of.get(x)
        store = None if operand is None else store_of.get(operand)
        if operand is None or store is None:
            continue
        same_layout = (operand in outermost) == (family in outermost)
        if (
            (x.shape, x.dtype) == (first.shape, first.dtype)
            and same_layout
            and outlives(operand.first.section, first.section)
            and _is_dead(operand, family, store, liveness)
        ):
            return store
    return None


def _is_dead(operand: Family, family: Family, store: Store, liveness: Liveness) -> bool:
    """Whether each member of the family may write over the member of operand that it reads.

    Everybody else is through with that member, and with what else lies in its store.
    """
    if not _reads_one_each(operand, family):
        return False
    related = list(store.related())
    if any(other.kept for other in related):
        return False
    start = min([liveness.position[member] for member in family.members])
    # the last family of a store wrote over those before it, whose readers were through
    for last in [other.families[-1] for other in related]:
        if len(last) != len(family):
            if liveness.last_position(last) >= start:
                return False
            continue
        pairs = zip(last.members, family.members, strict=True)
        if not all(liveness.may_overwrite(reader, node) for node, reader in pairs):
            return False
    return True


def _reads_one_each(operand: Family, family: Family) -> bool:
    """Whether member by member the family reads operand, in a way that lets it be written over."""
    if len(family) != len(operand):
        return False
    for node, reader in zip(operand.members, family.members, strict=True):
        count = reader.inputs.count(node)
        # a chain of x + y + x in the place of x would be 2 (x + y)
        if count == 0 or (count > 1 and len(reader.inputs) > 2):
            return False
    return True


def _nest(child: Store, parent: Store) -> None:
    """Let the child lie in its parent, if all that lies in it has its place there."""
    free = child.parent is None and not child.children and parent.parent is None
    all_sizes = {len(family) for family in child.families}
    if free and len(parent.families) == 1 and all_sizes == {child.slots}:
        child.parent = parent
        parent.children.append(child)


def slots_needed(store: Store, units: tuple[Unit, ...], liveness: Liveness) -> int:
    """One slot where a loop's store is read in the step that wrote it only; else one for each member."""
    if store.slots == 1 or not units[store.first].loop:
        return store.slots
    if store.kept or store.parent is not None or store.children:
        return store.slots
    for family in store.families:
        if liveness.unit[family.first] != store.first or len(family) != store.slots:
            return store.slots
    return 1 if _is_read_at_once(store, liveness) else store.slots


def _is_read_at_once(store: Store, liveness: Liveness) -> bool:
    """Whether every step's results are read before those of the next step are written."""
    members = store.owner.members
    in_time = sorted(range(store.slots), key=lambda i: liveness.position[members[i]])
    for step, after in pairwise(in_time):
        written = min([liveness.position[family.members[after]] for family in store.families])
        for family in store.families:
            if liveness.last_position_of(family.members[step]) >= written:
                return False
    return True
