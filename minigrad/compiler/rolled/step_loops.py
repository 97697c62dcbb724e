"""Families that read one another from step to step, as loops.

Segments that do the same run side by side, as lanes; in each the steps that do the same are a loop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node
from minigrad.compiler.schedule.loops import Edges, components
from minigrad.compiler.schedule.schedule import Unit

from .affine import UnevenError
from .blocks import add_block
from .ends import complete_ends
from .many import add_call
from .members import add_members
from .operand_looks import root_of
from .places import Places

Lanes = list[list[list[Node]]]
"""Segments that run side by side: of each its iterations, of each of these its nodes."""
# of a loop that does not go evenly from its start so many steps are tried before it
MAX_PEELED = 3


def roll_loop(unit: Unit, places: Places) -> None:
    """Add the loops of a unit: segments that do the same side by side, as lanes."""
    depth_of = _depths(unit)
    iterations = _iterations(unit)
    if not _are_in_order(iterations):
        parts = _sweeps(unit)
        for part in parts:
            if len(parts) == 1:
                # what does not come apart has no loop: steps read one another to and fro
                for n in unit.nodes:
                    add_call(n, list(n.inputs), [], places)
            elif part.loop:
                roll_loop(part, places)
            else:
                add_members(part.nodes, places)
        return
    segments = _segments(iterations)
    if len(segments) == 1 and max(depth_of.values()) + 1 < len(iterations):
        _roll_levels(unit, depth_of, places)
        return
    family_of = {n: family for family in unit.families for n in family.members}
    alike = defaultdict[object, Lanes](list)
    for segment in segments:
        complete_ends(segment, family_of)
        alike[tuple([_kind(iteration, family_of) for iteration in segment])].append(segment)
    for lanes in alike.values():
        _roll_lanes(lanes, family_of, places)


def _depths(unit: Unit) -> dict[Node, int]:
    """How many of the unit's operations lie one after another before each."""
    depth_of: dict[Node, int] = {}
    inside = set(unit.nodes)
    for n in unit.nodes:
        depth_of[n] = max([depth_of[x] + 1 for x in _roots(n) if x in inside], default=0)
    return depth_of


def _roll_levels(
    unit: Unit,
    depth_of: dict[Node, int],
    places: Places,
) -> None:
    """Few operations lie one after another, as in a window: all of one depth run at once."""
    levels = defaultdict[tuple[object, ...], list[Node]](list)
    for n in sorted(unit.nodes, key=depth_of.__getitem__):
        shapes = tuple([x.shape for x in n.inputs])
        levels[depth_of[n], n.fn, shapes, repr(n.kwargs)].append(n)
    for members in levels.values():
        members.sort(key=lambda n: n.time or 0)
        add_members(members, places)


def _iterations(unit: Unit) -> list[list[Node]]:
    """The nodes of each step, in the order of execution."""
    by_time: dict[int | None, list[Node]] = defaultdict(list)
    for n in unit.nodes:
        by_time[n.time].append(n)
    return list(by_time.values())


def _are_in_order(iterations: list[list[Node]]) -> bool:
    """Whether none reads a later one."""
    at = {n: i for i, iteration in enumerate(iterations) for n in iteration}
    return all(at.get(x, 0) <= i for n, i in at.items() for x in _roots(n))


def _sweeps(unit: Unit) -> list[Unit]:
    """The unit taken apart where time turns.

    Families of several ways through the steps went into one another: second derivatives go forward
    once more, and back once more.
    """
    family_of = {n: family for family in unit.families for n in family.members}
    parts: dict[object, Family] = {}
    part_of: dict[Node, Family] = {}
    for n, sweep in zip(unit.nodes, _sweep_numbers(unit.nodes), strict=True):
        part = parts.setdefault((family_of[n], sweep), Family([], len(parts)))
        part.members.append(n)
        part_of[n] = part
    reads: Edges = {part: {} for part in parts.values()}
    for n, part in part_of.items():
        inside = [x for x in _roots(n) if x in part_of]
        reads[part].update((part_of[x], None) for x in inside)
    return [_unit(component, unit, reads) for component in components([*reads], reads)]


def _sweep_numbers(nodes: list[Node]) -> Iterator[int]:
    """For every node how often time had turned before it."""
    sweep = 0
    direction = 0
    before = 0
    for n in nodes:
        now = n.time or 0
        turn = (now > before) - (now < before)
        if turn * direction < 0:
            sweep += 1
        direction = turn or direction
        before = now
        yield sweep


def _unit(
    component: list[Family],
    whole: Unit,
    reads: Edges,
) -> Unit:
    """The unit of some families of another, in its order."""
    members = {n for part in component for n in part.members}
    nodes = [n for n in whole.nodes if n in members]
    first = component[0]
    loop = len(component) > 1 or first in reads[first]
    return Unit(component, nodes, loop)


def _roots(n: Node) -> list[Node]:
    return [root_of(x) for x in n.inputs]


def _segments(iterations: list[list[Node]]) -> list[list[list[Node]]]:
    """Runs of iterations that read nothing of those before."""
    at = {n: i for i, iteration in enumerate(iterations) for n in iteration}
    earliest = []
    for i, iteration in enumerate(iterations):
        read = [at[x] for n in iteration for x in _roots(n) if x in at]
        earliest.append(min(read, default=i))
    segments: list[list[list[Node]]] = []
    after = len(iterations)
    for i in reversed(range(len(iterations))):
        after = min(after, earliest[i])
        if after >= i:
            segments.append(iterations[i:])
            iterations = iterations[:i]
            after = i
    return segments[::-1]


def _kind(iteration: list[Node], family_of: dict[Node, Family]) -> object:
    """What iterations that do the same have in common."""
    return tuple(sorted((family_of[n].serial, len(n.inputs)) for n in iteration))


def _roll_lanes(
    lanes: Lanes,
    family_of: dict[Node, Family],
    places: Places,
) -> None:
    """Add loops over runs of iterations that do the same, in all lanes at once."""
    first = lanes[0]
    kinds = [_kind(iteration, family_of) for iteration in first]
    start = 0
    while start < len(first):
        stop = start + 1
        while stop < len(first) and kinds[stop] == kinds[start]:
            stop += 1
        # what the first steps do otherwise than the others is done before the loop
        for peeled in range(min(MAX_PEELED, stop - start - 1) + 1):
            if _add_run(lanes, start + peeled, stop, family_of, places):
                break
            _add_steps(lanes, start + peeled, start + peeled + 1, family_of, places)
        else:
            _add_steps(lanes, start + peeled + 1, stop, family_of, places)
        start = stop


def _add_run(
    lanes: Lanes,
    start: int,
    stop: int,
    family_of: dict[Node, Family],
    places: Places,
) -> bool:
    """Add iterations as one loop; whether they read one another evenly."""
    if stop - start == 1:
        return False
    grids = _grids(lanes, start, stop, family_of)
    try:
        add_block(grids, places, backward=_is_backward(lanes[0][start:stop]))
    except UnevenError:
        return False
    return True


def _add_steps(
    lanes: Lanes,
    start: int,
    stop: int,
    family_of: dict[Node, Family],
    places: Places,
) -> None:
    """Add iterations one by one, the lanes of each at once where they go evenly."""
    for step in range(start, stop):
        for grid in _grids(lanes, step, step + 1, family_of):
            try:
                add_block([grid], places)
            except UnevenError:
                continue
        for segment in lanes:
            for n in segment[step]:
                if n not in places.place_of:
                    add_call(n, list(n.inputs), [], places)


def _grids(
    lanes: Lanes,
    start: int,
    stop: int,
    family_of: dict[Node, Family],
) -> list[list[list[Node]]]:
    """For every family its nodes in the order of time, a row for every step."""
    grids = []
    for family in [family_of[n] for n in lanes[0][stop - 1]]:
        rows = []
        for i in range(start, stop):
            rows.append([n for segment in lanes for n in segment[i] if family_of[n] is family])
        if stop - start > 1 and _is_backward(lanes[0][start:stop]):
            rows.reverse()
        grids.append(rows)
    return grids


def _is_backward(iterations: list[list[Node]]) -> bool:
    times = [iteration[0].time or 0 for iteration in iterations]
    return times[-1] < times[0]
