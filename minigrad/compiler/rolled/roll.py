"""From a schedule to the rolled program."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Graph, Node
from minigrad.compiler.primitives import PAIRWISE, total
from minigrad.compiler.schedule.build import build_schedule
from minigrad.compiler.schedule.schedule import Schedule
from minigrad.core.tensor import Tensor

from .blocks import add_sum
from .ends import in_order_of
from .fuse import fused
from .many import add_call
from .members import add_members, as_grid, read_alike
from .operand_looks import root_of
from .places import Place, Places
from .prune import without_unread
from .rolled_program import Program
from .step_loops import roll_loop
from .value_names import own_name


def roll_graph(graph: Graph, names: Mapping[Tensor, str]) -> Program:
    """The program that computes a graph. names: of the leaves that are inputs."""
    schedule = build_schedule(graph)
    _sort_terms(schedule)
    places = Places(names)
    for unit in schedule.units:
        if unit.loop:
            roll_loop(unit, places)
        else:
            (family,) = unit.families
            if family not in schedule.total_of:
                _roll_family(family, schedule, places)
    outputs = tuple([places.read(output) for output in graph.outputs])
    program = Program(places.inputs, places.constants, tuple(places.blocks), outputs, places.forms)
    return without_unread(fused(program))


def _sort_terms(schedule: Schedule) -> None:
    """Give the terms of sums and products, which may come in any order, one that steps share."""
    for n in schedule.graph.nodes:
        if n.fn in PAIRWISE:
            n.inputs = tuple(sorted(n.inputs, key=lambda x: _term(n, x, schedule)))
    # a first step reads a leaf where the others read what is carried
    for family in set(schedule.family_of.values()):
        like = family.members[len(family) // 2]
        for n in family.members if like.fn in PAIRWISE else []:
            if n is not like and len(n.inputs) == len(like.inputs):
                n.inputs = in_order_of(like, n, schedule.family_of)


def _term(
    n: Node,
    x: Node,
    schedule: Schedule,
) -> tuple[int, int, str]:
    root = root_of(x)
    family = schedule.family_of.get(root)
    lag = 0 if n.time is None or root.time is None else n.time - root.time
    return (-1 if family is None else family.serial), lag, root.name


# --- families that run all at once ----------------------------------------------------------------
def _roll_family(
    family: Family,
    schedule: Schedule,
    places: Places,
) -> None:
    if len(family) == 1:
        _add_single(family.first, schedule, places)
    else:
        add_members(family.members, places)


def _add_single(
    n: Node,
    schedule: Schedule,
    places: Places,
) -> None:
    """Add one call, whose absorbed summands are added up by loops of their own."""
    absorbed = defaultdict[Family, list[Node]](list)
    rest = []
    for x in n.inputs:
        family = schedule.family_of.get(root_of(x))
        if n.fn is total and family is not None and schedule.total_of.get(family) is n:
            absorbed[family].append(x)
        else:
            rest.append(x)
    groups = []
    for members in absorbed.values():
        members.sort(key=lambda x: x.time or 0)
        groups += read_alike(members, places)
    if len(groups) == 1 and not rest and len(groups[0]) > 1:
        places.place_of[n] = Place(add_sum(as_grid(groups[0], places), own_name(n), places))
        return
    sums = []
    for alike in groups:
        if len(alike) == 1:
            add_call(alike[0], list(alike[0].inputs), [], places)
            rest += alike
        else:
            sums.append(add_sum(as_grid(alike, places), f"part of {own_name(n)}", places))
    add_call(n, rest, sums, places)
