"""Where every result lies: one slot per step in one buffer per family, shared as soon as nobody reads any more."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Graph, Node
from minigrad.compiler.schedule.loops import Unit
from minigrad.compiler.schedule.sections import AFTER, BEFORE, through
from minigrad.compiler.traits import may_overwrite
from minigrad.core.tensor import Array

from .packing import Packing


@dataclass(eq=False, slots=True)
class Store:
    """Memory for one or more families, one after the other; inside another's where that is a concatenation of it."""

    families: list[Family]
    slots: int
    kept: bool = False  # an output: nobody may write over it
    parent: Store | None = None
    children: list[Store] = field(default_factory=list)
    first: int = 0  # the unit that writes it first
    last: int = 0  # and the one that reads it last
    name: str = ""


@dataclass(slots=True)
class Uses:
    """Who reads what, and when: positions grow with execution; a family that runs all at once has one."""

    at: dict[Node, int] = field(default_factory=dict)
    unit: dict[Node, int] = field(default_factory=dict)
    readers: dict[Node, list[tuple[Node, bool]]] = field(
        default_factory=dict
    )  # (reader, not through a view)


def uses(order: list[Unit], root: dict[Node, Node], absorbed: dict[Family, Node]) -> Uses:
    """Count the positions and collect the readers. What is absorbed is read where it is summed."""
    found, now = Uses(), 0
    for i, unit in enumerate(order):
        now += 1
        for n in unit.nodes:
            now += unit.loop
            found.at[n], found.unit[n] = now, i
            found.readers[n] = []
    for family, into in absorbed.items():
        for m in family.members:
            found.at[m], found.unit[m] = found.at[into], found.unit[into]
    for unit in order:
        for n in unit.nodes:
            for x in n.inputs:
                if root[x].fn is not None:
                    found.readers[root[x]].append((n, root[x] is x))
    return found


def stores(
    graph: Graph,
    order: list[Unit],
    root: dict[Node, Node],
    of: dict[Node, Family],
    absorbed: dict[Family, Node],
    outermost: set[Family],
    packed: Packing,
) -> tuple[dict[Family, Store], Uses]:
    """Give every family that writes something a store, its own or one it takes over from an operand."""
    seen, store = uses(order, root, absorbed), dict[Family, Store]()
    kept = {of[root[o]] for o in graph.outputs if root[o] in of}
    last_read = {
        f: max((seen.at[r] for m in f.members for r, _ in seen.readers[m]), default=0)
        for unit in order
        for f in unit.families
    }
    inside = defaultdict[Family, list[Family]](list)
    for source, joined in packed.into.items():
        inside[joined].append(source)
    for i, unit in enumerate(order):
        for family in sorted(unit.families, key=lambda f: seen.at[f.first]):
            if family in absorbed:
                continue
            candidates = [
                of[x]
                for x in family.first.inputs
                if x in of
                and of[x] in store
                and may_overwrite(family.first.fn)
                and (x.shape, x.dtype) == (family.first.shape, family.first.dtype)
                and (of[x] in outermost) == (family in outermost)
                and through(of[x].first.section, family.first.section)
            ]
            free = next(
                (store[g] for g in candidates if _dead(g, family, store[g], seen, last_read)), None
            )
            store[family] = found = free or Store([], len(family), first=i)
            found.families.append(family)
            found.kept = found.kept or family in kept
            read = max(
                (seen.unit[r] for m in family.members for r, _ in seen.readers[m]), default=i
            )
            found.last = len(order) if found.kept else max(found.last, i, read)
            for source in inside[family]:
                _nest(store[source], found)
    for s in store.values():
        for child in s.children:
            s.first, s.last = min(s.first, child.first), max(s.last, child.last)
    return store, seen


def _nest(child: Store, parent: Store) -> None:
    """Let the child lie in its parent, if all that lies in it has its place there."""
    free = child.parent is None and not child.children and parent.parent is None
    if free and len(parent.families) == 1 and all(len(f) == child.slots for f in child.families):
        child.parent = parent
        parent.children.append(child)


def _dead(g: Family, f: Family, store: Store, seen: Uses, last_read: dict[Family, int]) -> bool:
    """Whether each member of f may write over the member of g that it reads: everybody else is through with it."""
    if len(f) != len(g):
        return False
    for a, b in zip(g.members, f.members, strict=True):
        if a not in b.inputs or (
            b.inputs.count(a) > 1 and len(b.inputs) > 2
        ):  # x + y + x in x's place is 2 (x + y)
            return False
    start = min(seen.at[m] for m in f.members)
    related = [store, *store.children, *([store.parent] if store.parent else [])]
    if any(s.kept for s in related):
        return False
    for other in [
        s.families[-1] for s in related
    ]:  # it wrote over those before it, whose readers were through
        if len(other) != len(f):
            if last_read[other] >= start:
                return False
            continue
        for a, b in zip(other.members, f.members, strict=True):
            for r, direct in seen.readers[a]:
                if seen.at[r] >= seen.at[b] and not (r is b and direct):
                    return False
    return True


def one_slot_is_enough(store: Store, order: list[Unit], seen: Uses) -> bool:
    """Whether a loop's store is read in the step that wrote it only."""
    if (
        store.slots == 1
        or not order[store.first].loop
        or store.kept
        or store.parent
        or store.children
    ):
        return False
    if any(seen.unit[f.first] != store.first or len(f) != store.slots for f in store.families):
        return False
    by_time = sorted(range(store.slots), key=lambda i: seen.at[store.families[0].members[i]])
    for i, after in pairwise(by_time):
        written = min(seen.at[f.members[after]] for f in store.families)
        if any(
            seen.at[r] >= written for f in store.families for r, _ in seen.readers[f.members[i]]
        ):
            return False
    return True


def allocate(
    order: list[Unit],
    store: dict[Family, Store],
    seen: Uses,
    outermost: set[Family],
    packed: Packing,
) -> tuple[dict[Node, Array], int]:
    """The array of every node, and the bytes of all buffers; memory is used again after its last reader.

    A shard uses memory of its own again; what comes after all shards uses any.
    """
    arrays: dict[Node, Array] = {}
    pools = defaultdict[int, list[Array]](list)
    section = BEFORE
    held: dict[Store, Array] = {}
    origin: dict[Store, int] = {}
    names: dict[int, str] = {}  # of the buffers, by their id: all of them are held
    size = 0
    ending = defaultdict[int, list[Store]](list)
    for s in dict.fromkeys(store.values()):
        ending[s.last].append(s)
    for i, unit in enumerate(order):
        if unit.section != section:
            section = unit.section
            if section == AFTER:
                pools[section] = [b for pool in pools.values() for b in pool]
        for s in dict.fromkeys(store[f].parent or store[f] for f in unit.families if f in store):
            if s in held:
                continue
            owner = s.families[0]
            slots = 1 if one_slot_is_enough(s, order, seen) else s.slots
            need = slots * math.prod(owner.first.shape) * owner.first.dtype.itemsize
            origin[s] = owner.first.section
            free = (
                pools[section] if origin[s] == section else []
            )  # what several shards write is nobody's to use again
            fit = min(
                (b for b in free if need <= b.size <= 2 * need + 4096),
                key=lambda b: b.size,
                default=None,
            )
            if fit is None:
                fit = np.empty(need, np.uint8)
                size += need
            else:
                free[:] = [b for b in free if b is not fit]
            s.name = names.setdefault(id(fit), f"b{len(names) + 1}")
            held[s] = fit
            _place(s, fit[:need], slots, arrays, owner in outermost)
            for child in s.children:
                child.name = s.name
                source = next(f for f in child.families if packed.into.get(f) is owner)
                views = [packed.part(m, arrays[packed.slot[m][0]]) for m in source.members]
                for f in child.families:
                    arrays.update(zip(f.members, views, strict=True))
        pools[section] += [held[s] for s in ending[i] if s in held and through(origin[s], section)]
    return arrays, size


def _place(s: Store, memory: Array, slots: int, arrays: dict[Node, Array], outermost: bool) -> None:
    """Lay the store's families into memory: (T, *shape), or (V, T, ...) where the class axis goes outermost."""
    node = s.families[0].first
    shape = (slots, *node.shape)
    if outermost:
        block = np.moveaxis(memory.view(node.dtype).reshape(shape[-1], *shape[:-1]), 0, -1)
    else:
        block = memory.view(node.dtype).reshape(shape)
    views = [block[i % slots, ...] for i in range(s.slots)]
    for family in s.families:
        arrays.update(zip(family.members, views, strict=True))
