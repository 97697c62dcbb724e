"""The schedule: a graph with its families, and the units in which they run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from minigrad.compiler.families import Family, families
from minigrad.compiler.graph import Graph, Node
from minigrad.compiler.views import roots


@dataclass(eq=False, slots=True)
class Unit:
    """What runs together: one family for all steps, or the families of a cycle, step by step.

    nodes: all members, in the order of execution. loop: whether they run step by step.
    """

    families: list[Family]
    nodes: list[Node]
    loop: bool

    @property
    def section(self) -> int:
        """The section that all of it runs in; shard_sections.py verifies it."""
        return self.nodes[0].section


@dataclass(frozen=True, slots=True)
class Schedule:
    """Who runs together, and in which order. Passes of this folder take one and give another.

    graph: operands before their readers. family_of: the family of every operation that is no view.
    root_of: the node whose memory a node looks at, itself but for views. units: in the order of
    execution. total_of: for a family that exists only to be added up, the total that does it; its
    members never lie in memory.
    """

    graph: Graph
    family_of: dict[Node, Family]
    root_of: dict[Node, Node]
    units: tuple[Unit, ...]
    total_of: dict[Family, Node]

    def sources(self, node: Node) -> Iterator[Node]:
        """The nodes whose memory a node reads, leaves excepted."""
        for x in node.inputs:
            root = self.root_of[x]
            if root.fn is not None:
                yield root

    def source_family(self, x: Node) -> Family | None:
        """The family in whose memory a node lies; None for leaves."""
        root = self.root_of[x]
        return self.family_of.get(root)

    def output_families(self) -> list[Family]:
        """The families in whose memory the outputs lie."""
        families_or_leaves = map(self.source_family, self.graph.outputs)
        return [family for family in families_or_leaves if family is not None]


def without_order(graph: Graph) -> Schedule:
    """The families of a graph, in no order yet."""
    root_of = roots(graph)
    family_of = families(graph, root_of)
    return Schedule(graph, family_of, root_of, units=(), total_of={})
