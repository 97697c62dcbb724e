"""The laws of schedules and of the memory laid out for them."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler.memory.allocate import allocate_memory
from minigrad.compiler.memory.concatenations import pack
from minigrad.compiler.read import read_graph
from minigrad.compiler.rewrite import PASSES
from minigrad.compiler.schedule.build import build_schedule
from minigrad.compiler.schedule.invariants import hoist
from minigrad.compiler.schedule.loops import distribute_loops, order_units
from minigrad.compiler.schedule.schedule import without_order
from minigrad.compiler.verify import verify
from minigrad.compiler.views import is_view
from tests.zoo import CELLS, TRANSFORMS, stacked


def rewritten(cell, transform, every_step):
    graph = read_graph(
        TRANSFORMS[transform](mg.Tape.of(stacked(cell, T=3, every_step=every_step)[0]))
    )
    for rewrite in PASSES:
        graph = rewrite(graph)
    return graph


@pytest.fixture(params=itertools.product(CELLS, ["forward", "full", "clip"], [False, True]))
def graph(request):
    return rewritten(*request.param)


def test_hoisting_gives_a_legal_graph_and_leaves_the_schedule_it_is_given(graph):
    before = distribute_loops(without_order(graph))
    nodes, families, units = before.graph.nodes, dict(before.family_of), before.units
    after = hoist(before)
    assert (before.graph.nodes, before.family_of, before.units) == (nodes, families, units)
    verify(after.graph)
    operations = {n for n in after.graph.nodes if n.fn is not None and not is_view(n)}
    assert operations == set(after.family_of)
    assert {n for unit in after.units for n in unit.nodes} == operations


def test_units_come_after_what_they_read(graph):
    schedule = order_units(hoist(distribute_loops(without_order(graph))))
    ran = set()
    for unit in schedule.units:
        for n in unit.nodes:
            sources = set(schedule.sources(n))
            assert sources <= ran | (set(unit.nodes) if unit.loop else set())
            if unit.loop:
                ran.add(n)
        ran.update(unit.nodes)


def positions(schedule):
    """When each node runs: members of a family that runs all at once at the same time."""
    at, now = {}, itertools.count()
    for unit in schedule.units:
        together = next(now)
        for n in unit.nodes:
            at[n] = next(now) if unit.loop else together
    absorbed = {m: total for f, total in schedule.total_of.items() for m in f.members}
    return at | {m: at[total] for m, total in absorbed.items()}


def test_nobody_writes_over_what_is_still_to_be_read(graph):
    schedule = build_schedule(graph)
    memory, packing, at = allocate_memory(schedule), pack(schedule), positions(schedule)
    last_read = {n: at[n] for n in memory.array_of}
    for unit in schedule.units:
        for n in unit.nodes:
            for source in schedule.sources(n):
                if source in last_read:
                    last_read[source] = max(last_read[source], at[n])
    for output in graph.outputs:
        if schedule.root_of[output] in last_read:
            last_read[schedule.root_of[output]] = len(at) * 2
    for a, b in itertools.permutations(memory.array_of, 2):
        joined = b in {slot.joined for slot in packing.slots.values()}
        if (
            not joined
            and at[a] < at[b]
            and np.shares_memory(memory.array_of[a], memory.array_of[b])
        ):
            assert last_read[a] <= at[b], (a, b)


def test_a_store_holds_every_result_but_absorbed_ones(graph):
    schedule = build_schedule(graph)
    memory = allocate_memory(schedule)
    absorbed = {m for family in schedule.total_of for m in family.members}
    assert set(memory.array_of) == {n for u in schedule.units for n in u.nodes} - absorbed
    assert all((a.shape, a.dtype) == (n.shape, n.dtype) for n, a in memory.array_of.items())
