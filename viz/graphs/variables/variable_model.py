"""What Fig. 9.7.2 shows of a tape: a box for each named tensor, one circle for the unnamed operations between them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise

from minigrad import Tape, Tensor
from minigrad.viz.graphs.marks import GATES, Mark, inlined, mark, through

Key = tuple[str, str]  # "box" or "circle", and a name of the tape
Reads = dict[Tensor, list[tuple[Tensor, tuple[Mark, ...]]]]
Times = dict[Tensor, int | None]
SHARED = 12  # constants beyond share a box, too


@dataclass(frozen=True)
class Item:
    """A box, or (without names) a circle."""

    key: Key
    names: tuple[str, ...]
    time: int | None  # None: outside the steps
    tip: str
    leaf: bool = False
    parameter: bool = False
    stands_for: Key | None = None  # an initial state: whose place it takes at the first step
    dots: bool = False  # stands for the same item of many steps
    note: str = ""  # written small below the names


@dataclass(frozen=True)
class Arrow:
    """The head reads the tail, through these gates."""

    tail: Key
    head: Key
    marks: tuple[Mark, ...] = ()


def circles(tape: Tape) -> tuple[list[Item], list[Arrow]]:
    """The items of a tape in its order, a circle before its box, and the arrows between them, each once."""
    reads = _reads(tape)
    roles = _initial_states(reads, tape.times)
    times = _times(tape, reads, roles)
    roots = _roots(tape, reads, times)
    names = tape.names

    def circle(n: Tensor) -> Key:
        return "box" if roots[n].fn in GATES else "circle", names[roots[n]]

    def box(n: Tensor) -> Key:
        return ("box", names[owner.get(n, n)]) if n.name or n.fn is None else circle(n)

    feeds: defaultdict[Tensor, dict[object, None]] = defaultdict(dict)
    merged: defaultdict[Key, list[str]] = defaultdict(list)
    for n in roots:  # in the order of execution
        merged[circle(n)].append(n.op)
        for x, marks in reads[n]:
            feeds[x][circle(n), marks] = None
    alike: defaultdict[object, list[Tensor]] = defaultdict(list)
    for x in tape.leaves:
        if times[x] is None and x not in roles and _shown(x):
            alike[x.requires_grad, tuple(feeds[x])].append(x)
    shared = [xs for xs in alike.values() if xs[0].requires_grad or len(xs) > SHARED]
    owner = {x: xs[0] for xs in shared for x in xs}

    arrows: dict[Arrow, None] = {}
    items: dict[Key, Item] = {}
    for n in reads:
        if n.fn is not None:
            for x, marks in reads[n]:
                if _shown(x) and box(x) != circle(n):
                    arrows[Arrow(box(x), circle(n), marks)] = None
            if roots[n] is n:
                items[circle(n)] = Item(circle(n), (), times[n], " · ".join(merged[circle(n)]))
            if n.name and n.fn not in GATES:
                arrows[Arrow(circle(n), box(n))] = None
        if n.name or (n.fn is None and _shown(n)):
            inside: tuple[str, ...] = (names[n],)
            tip = f"{names[n]}: {n.dtype}{list(n.shape)} [{n.where}]"
            if box(n) in items and owner.get(n, n) is not n:
                inside, tip = items[box(n)].names + inside, f"{items[box(n)].tip}; {tip}"
            role, leaf = box(roles[n]) if n in roles else None, n.fn is None
            items[box(n)] = Item(
                box(n), inside, times[n], tip, leaf, leaf and n.requires_grad, role
            )
    return list(items.values()), list(arrows)


def _shown(n: Tensor) -> bool:
    """An unnamed constant is not worth a box."""
    return bool(n.fn or n.name or n.requires_grad)


def _reads(tape: Tape) -> Reads:
    """What each node but the unnamed gates reads, behind those gates."""
    reads: Reads = {}
    told = {x for n in tape.nodes if n.fn in GATES for x in inlined(n)}
    for n in tape.nodes:
        if n.fn not in GATES:
            reads[n] = [through(x) for x in n.inputs]
        elif n.name:
            source, marks = through(n.inputs[0])
            reads[n] = [(source, (*marks, *([mark(n)] if mark(n).text else [])))]
    read = {x for pairs in reads.values() for x, _ in pairs}
    return {n: pairs for n, pairs in reads.items() if n in read or n not in told}


def _times(tape: Tape, reads: Reads, roles: dict[Tensor, Tensor]) -> Times:
    """Where nodes stand in time: a tape without steps is one step, and a leaf that one step alone reads is in it."""
    times = dict(tape.times)
    if not any(t is not None for t in times.values()):
        return {n: None if n.fn is None and n.requires_grad else 0 for n in times}
    readers: defaultdict[Tensor, set[int | None]] = defaultdict(set)
    for n, pairs in reads.items():
        for x, _ in pairs:
            readers[x].add(times[n])
    several = len({*times.values()} - {None}) > 1
    for n in tape.leaves:
        if (
            several
            and times[n] is None
            and not n.requires_grad
            and len(readers[n]) == 1
            and n not in roles
        ):
            times[n] = next(iter(readers[n]))
    return times


def _roots(tape: Tape, reads: Reads, times: Times) -> dict[Tensor, Tensor]:
    """The node whose circle each operation is part of: its readers', where they share one in the same step."""
    readers: defaultdict[Tensor, list[tuple[Tensor, bool]]] = defaultdict(list)
    for n, pairs in reads.items():
        for x, marks in pairs:
            readers[x].append((n, bool(marks)))
    roots: dict[Tensor, Tensor] = {}
    outputs = set(tape.outputs)  # a set: == of two Tensors is a Tensor
    for n in reversed(reads):
        if n.fn is None:
            continue
        found = {roots[r] for r, _ in readers[n]}
        root = found.pop() if len(found) == 1 else n
        gated = any(marked for _, marked in readers[n]) or root.fn in GATES
        apart = n.name or n in outputs or gated or times[n] != times[root]
        roots[n] = n if apart else root
    return dict(reversed(roots.items()))


def _initial_states(reads: Reads, times: Times) -> dict[Tensor, Tensor]:
    """From each tensor that enters the steps where a recurrent edge would, to the tensor read there one step later."""
    count: Counter[object] = Counter()
    family: dict[object, Tensor] = {}
    member: dict[Tensor, object] = {}
    for n in reads:
        if n.fn is not None and times[n] is not None:
            alike = (times[n], n.fn, n.place)
            count[alike] += 1
            member[n] = (n.fn, n.place, count[alike])
            family[times[n], member[n]] = n
    following = dict(pairwise(sorted({t for t in times.values() if t is not None})))
    roles: dict[Tensor, Tensor] = {}
    for n, kind in member.items():
        sibling = family.get((following.get(times[n]), kind))  # type: ignore[arg-type]
        if sibling is None:
            continue
        for (x, _), (y, _) in zip(reads[n], reads[sibling], strict=False):
            if times[x] is None and times[y] not in (None, times[sibling]):
                roles.setdefault(x, y)
    return roles
