"""When a node runs: before the shards, in one of them, or after all of them.

The invariant: what every shard shares is computed before they start; nothing crosses but through it, and what they
give is joined after all of them. A family, and so a unit, runs in one section.
"""

from __future__ import annotations

import sys

from .graph import Node
from .loops import Unit, sources

BEFORE = 0
FIRST_SHARD = 1  # and so on, one after the other
AFTER = sys.maxsize


class CrossingError(Exception):
    """A plan in which a shard would read what another may not have written yet. An internal error."""


def through(before: int, now: int) -> bool:
    """Whether nothing of the earlier section runs any more in the later one: shards run at the same time."""
    return now in (before, AFTER)


def verify(order: list[Unit], root: dict[Node, Node]) -> None:
    """Raise CrossingError where the invariant does not hold. Cost: linear."""
    for unit in order:
        for n in unit.nodes:
            if n.section != unit.section:
                raise CrossingError(f"{_placed(n)} is in a unit of section {unit.section}")
            for source in sources(n, root):
                if source.section != BEFORE and not through(source.section, n.section):
                    raise CrossingError(f"{_placed(n)} reads {_placed(source)}")


def _placed(n: Node) -> str:
    return f"{n} of section {n.section}"
