"""When a node runs: before the shards, in one of them, or after all of them.

The invariant: what every shard shares is computed before they start; nothing crosses but through
it. What they give is joined after all of them. A family, and so a unit, runs in one section.
"""

from __future__ import annotations

import sys

from minigrad.compiler.graph import Node

from .schedule import Schedule

BEFORE = 0
# the second shard is 2, and so on
FIRST_SHARD = 1
AFTER = sys.maxsize


class CrossingError(Exception):
    """An internal error: a shard would read what another may not have written yet."""

    def __init__(self, node: Node, deed: str) -> None:
        super().__init__(f"{node} of section {node.section} {deed}")


def outlives(earlier: int, now: int) -> bool:
    """Whether nothing of the earlier section runs any more while the section now runs its own.

    Shards run at the same time: none outlives another.
    """
    return now in (earlier, AFTER)


def verify_sections(schedule: Schedule) -> None:
    """Raise CrossingError where the invariant does not hold. Cost: linear."""
    for unit in schedule.units:
        section = unit.section
        for n in unit.nodes:
            if n.section != section:
                raise CrossingError(n, f"is in a unit of section {section}")
            for source in schedule.sources(n):
                if source.section == BEFORE:
                    continue
                if not outlives(source.section, section):
                    raise CrossingError(n, f"reads {source} of section {source.section}")
