"""From a graph to its schedule."""

from __future__ import annotations

from minigrad.compiler.graph import Graph

from .absorption import absorb
from .invariants import hoist
from .loops import distribute_loops, order_units
from .schedule import Schedule, without_order
from .shard_sections import verify_sections

PASSES = (distribute_loops, hoist, order_units, absorb)


def build_schedule(graph: Graph) -> Schedule:
    """Group nodes into families, put those into loops where they must be, and order them.

    Mutates nodes of the graph, as ``hoist`` says. Raises CrossingError where a shard would wait for
    another.
    """
    schedule = without_order(graph)
    for apply_pass in PASSES:
        schedule = apply_pass(schedule)
    verify_sections(schedule)
    return schedule
