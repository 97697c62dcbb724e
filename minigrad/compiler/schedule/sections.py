"""When a node runs: before the shards, in one of them, or after all of them.

The invariant: what every shard shares is computed before they start; nothing crosses but through it.
What they give is joined after all of them. A family, and so a unit, runs in one section.
"""

from __future__ import annotations

import sys

from minigrad.compiler.graph import Node

from .loops import Unit, sources

BEFORE = 0
FIRST_SHARD = 1  # and so on, one after the other
AFTER = sys.maxsize


class CrossingError(Exception):
    """An internal error: a shard would read what another may not have written yet."""

    def __init__(self, n: Node, does: str) -> None:
        super().__init__(f"{n} of section {n.section} {does}")


def through(before: int, now: int) -> bool:
    """Whether nothing of the earlier section runs any more in the later one.

    Shards run at the same time.
    """
    return now in (before, AFTER)


def verify(order: list[Unit], root: dict[Node, Node]) -> None:
    """Raise CrossingError where the invariant does not hold. Cost: linear."""
    for unit in order:
        for n in unit.nodes:
            if n.section != unit.section:
                raise CrossingError(n, f"is in a unit of section {unit.section}")
            for source in sources(n, root):
                if source.section != BEFORE and not through(source.section, n.section):
                    raise CrossingError(n, f"reads {source} of section {source.section}")
