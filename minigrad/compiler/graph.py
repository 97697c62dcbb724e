"""The small graph that every pass reads and writes: nodes in the order of execution, without values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.core import gates
from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor
from minigrad.ops import OPS
from minigrad.ops.indexing import getitem
from minigrad.source import Place

Fn = Callable[..., Any]
GATES = gates.GATES - {gates.recompute}
"""Identities forward. What they did to the gradient is on the tape already."""
VIEWS = frozenset(
    {
        np.reshape,
        np.transpose,
        np.swapaxes,
        np.expand_dims,
        np.squeeze,
        np.broadcast_to,
        np.matrix_transpose,
        gates.recompute,
    }
)
"""Functions that look at the same memory in another way."""


@dataclass(eq=False, slots=True, repr=False)
class Node:
    """One operation, or a leaf (fn is None): an input of the plan, or a constant, which has a value."""

    fn: Fn | None
    inputs: tuple[Node, ...]
    kwargs: dict[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    time: int | None = None
    place: Place = None
    name: str = ""
    leaf: Tensor | None = None
    value: Array | None = None
    section: int = 0  # when it runs: before the shards of the batch, in one of them, or after all
    segment: Any = (
        None  # of a checkpointed tape: which steps, and whether forward, recomputed or backward
    )
    serial: int = 0  # the order on the tape

    def __repr__(self) -> str:
        return f"Node({self.name or getattr(self.fn, '__name__', 'leaf')}, {self.shape}, t={self.time})"

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def with_inputs(self, inputs: tuple[Node, ...]) -> Node:
        """The same operation on other operands; itself where they are the same."""
        if inputs == self.inputs:
            return self
        return Node(
            self.fn,
            inputs,
            self.kwargs,
            self.shape,
            self.dtype,
            self.time,
            self.place,
            self.name,
            None,
            None,
            self.section,
            self.segment,
            self.serial,
        )

    def made(
        self,
        fn: Fn,
        *inputs: Node,
        shape: tuple[int, ...] | None = None,
        name: str = "",
        **kwargs: Any,
    ) -> Node:
        """A new operation in this one's stead: its step, place and, if no other is given, shape."""
        return Node(
            fn,
            inputs,
            kwargs,
            self.shape if shape is None else shape,
            self.dtype,
            self.time,
            self.place,
            name,
            None,
            None,
            self.section,
            self.segment,
            self.serial,
        )


@dataclass(frozen=True)
class Graph:
    """Nodes in the order of execution, and those that are wanted."""

    nodes: tuple[Node, ...]
    outputs: tuple[Node, ...]

    def readers(self) -> dict[Node, list[Node]]:
        """Who reads each node, once per operand."""
        found: dict[Node, list[Node]] = {n: [] for n in self.nodes}
        for n in self.nodes:
            for x in n.inputs:
                found[x].append(n)
        return found


def constant(value: Any, dtype: Any = None) -> Node:
    """A constant as a node."""
    array = np.asarray(value, dtype)
    return Node(None, (), {}, array.shape, array.dtype, value=array)


def run(node: Node, values: list[Array]) -> Array:
    """What node's function makes of these values."""
    fn: Any = node.fn
    return np.asarray((OPS[fn].call if fn in OPS else fn)(*values, **node.kwargs))


def is_input(leaf: Tensor) -> bool:
    """Whether a plan reads the leaf anew at every call; one without name and gradient is a constant."""
    return leaf.name is not None or leaf.requires_grad


def kept(x: Any) -> Any:
    """A copy of what is read again on the way back through a checkpointed tape: the steps around it are forgotten."""
    return x


def read(tape: Tape) -> Graph:
    """The tape as a graph, without its gates. Leaves without name and gradient are constants."""
    new: dict[Tensor, Node] = {}
    copies: dict[Tensor, Node] = {}
    segments = {n.segment.steps for n in tape.nodes if n.segment is not None}
    start_of = {t: first for first, last in segments for t in range(first, last + 1)}

    def operand(x: Tensor, reader: Tensor) -> Node:
        if x.time is None or not _forward(x) or _forward(reader):
            return new[x]
        if x not in copies:
            copies[x] = new[x].made(kept, new[x])
        return copies[x]

    for i, n in enumerate(tape.nodes):
        if n.fn in GATES:
            new[n] = new[n.inputs[0]]
            continue
        value = n._array if n.fn is None and not is_input(n) else None
        leaf, inputs = (n if n.fn is None else None), tuple([operand(x, n) for x in n.inputs])
        segment = n.segment and (n.segment.steps[0], n.segment.again)
        if segment is None and n.time is not None:
            segment = start_of.get(n.time)
        new[n] = Node(
            n.fn,
            inputs,
            n.kwargs,
            n.shape,
            n.dtype,
            n.time,
            n.place,
            n.name or "",
            leaf,
            value,
            segment=segment,
            serial=i,
        )
    outputs = tuple(new[o] for o in tape.outputs)
    return ordered(outputs) if copies else Graph(tuple(dict.fromkeys(new.values())), outputs)


def _forward(n: Tensor) -> bool:
    """Whether n was computed before anything went back through a checkpointed tape."""
    return n.segment is not None and not n.segment.again


def rewritten(graph: Graph, rule: Callable[[Node], Node]) -> Graph:
    """Apply a rule to every node, its operands rewritten already, and drop what nobody needs any more.

    The nodes of the graph that is given are used again: it is spent.
    """
    new: dict[Node, Node] = {}
    order: dict[Node, None] = {}
    for n in graph.nodes:
        n.inputs = tuple([new[x] for x in n.inputs])
        new[n] = rule(n)
        append(order, new[n])
    return needed(order, tuple(new[o] for o in graph.outputs))


def append(order: dict[Node, None], node: Node) -> None:
    """Append a node, and before it what it reads that is not there yet. Without recursion."""
    stack = [node]
    while stack:
        n = stack[-1]
        if n not in order and (missing := [x for x in n.inputs if x not in order]):
            stack.extend(reversed(missing))
        else:
            order[stack.pop()] = None


def needed(order: Iterable[Node], outputs: tuple[Node, ...]) -> Graph:
    """The graph of those nodes, operands before their readers, without what the outputs do not need."""
    found, nodes = set(outputs), list(order)
    for n in reversed(nodes):
        if n in found:
            found.update(n.inputs)
    return Graph(tuple([n for n in nodes if n in found]), outputs)


def ordered(outputs: tuple[Node, ...]) -> Graph:
    """The graph of what the outputs need, operands before their readers."""
    order: dict[Node, None] = {}
    for o in outputs:
        append(order, o)
    return Graph(tuple(order), outputs)


def is_view(node: Node) -> bool:
    """Whether the node only looks at its operand's memory."""
    if node.fn in VIEWS:
        return True
    if node.fn is not getitem or len(node.inputs) > 1:
        return False
    return all(
        i is None or i is Ellipsis or type(i) in (int, slice) or isinstance(i, np.integer)
        for i in node.kwargs["index"]
    )


def roots(graph: Graph) -> dict[Node, Node]:
    """The node whose memory each node looks at: itself, but for views."""
    root: dict[Node, Node] = {}
    for n in graph.nodes:
        root[n] = root[n.inputs[0]] if is_view(n) else n
    return root
