"""Where the examples of a batch lie in every array of a graph, found from one product outwards."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from minigrad.compiler.graph import Graph, Node
from minigrad.compiler.primitives import added_rows
from minigrad.compiler.views import root_of

from .example_axes import axes_in_operands, axis_in_result, sums_examples
from .examples import Batch, ExampleAxis, MixesExamples


def product_of_examples(graph: Graph) -> Node | None:
    """The first product, in a step, of rows of examples and a parameter."""
    for n in graph.nodes:
        if n.fn is np.matmul and n.time is not None and n.ndim == 2:
            rows, matrix = n.inputs
            if _is_parameter(matrix):
                fits = rows.ndim == 2 and not _is_parameter(rows)
                return n if fits else None
    return None


def batch_of(graph: Graph, seed: Node) -> Batch | None:
    """The batch whose examples are the rows of that product; None where something mixes them."""
    try:
        return _spread(graph, seed)
    except MixesExamples:
        return None


def _is_parameter(x: Node) -> bool:
    leaf = root_of(x).leaf
    return leaf is not None and leaf.requires_grad


def _spread(graph: Graph, seed: Node) -> Batch:
    """From every node to its operands and readers, until nothing new is learnt. Cost: linear.

    Raises: MixesExamples.
    """
    slots = _reading_slots(graph)
    spread = _Spread(Batch(seed.shape[0]))
    spread.learn(seed, ExampleAxis(axis=0, inner=1))
    while spread.waiting:
        n = spread.waiting.pop()
        spread.to_operands(n)
        for reader, slot in slots[n].items():
            spread.to_reader(n, reader, slot)
    return spread.batch


@dataclass(frozen=True, slots=True)
class _Spread:
    """What is known of the batch. waiting: the nodes whose operands and readers are to learn it."""

    batch: Batch
    waiting: list[Node] = field(default_factory=list)

    def learn(self, n: Node, example_axis: ExampleAxis | None) -> None:
        """Enter where the examples lie in n; None: nowhere. Raises: MixesExamples."""
        if example_axis is None:
            return
        if n not in self.batch:
            self.batch.axis_of[n] = example_axis
            self.waiting.append(n)
        elif self.batch.axis_of[n] != example_axis:
            raise MixesExamples

    def to_operands(self, n: Node) -> None:
        """Where they lie in what n reads. Raises: MixesExamples, also where n is a parameter."""
        if n.fn is None:
            if n.leaf is not None and n.leaf.requires_grad:
                raise MixesExamples
            return
        axes = axes_in_operands(n, self.batch)
        for x, example_axis in zip(n.inputs, axes, strict=True):
            self.learn(x, example_axis)

    def to_reader(self, n: Node, reader: Node, slot: int) -> None:
        """Where they lie in what reads n in that slot. Raises: MixesExamples."""
        if not sums_examples(reader, self.batch):
            self.learn(reader, axis_in_result(reader, slot, self.batch))
        elif reader.fn is added_rows:
            for x in reader.inputs:
                self.learn(x, self.batch.axis_of[n])
        elif reader.fn is np.matmul:
            # they lie along the columns of the first operand and the rows of the second
            a, b = reader.inputs
            inner = self.batch.axis_of[n].inner
            self.learn(a, ExampleAxis(1, inner))
            self.learn(b, ExampleAxis(0, inner))


def _reading_slots(graph: Graph) -> dict[Node, dict[Node, int]]:
    """The readers of every node, with the first slot in which each reads it."""
    slots = defaultdict[Node, dict[Node, int]](dict)
    for n in graph.nodes:
        for slot, x in enumerate(n.inputs):
            slots[x].setdefault(n, slot)
    return slots
