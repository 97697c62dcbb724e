"""The small graph that every pass reads and writes: nodes in the order of execution. It prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.tensor import Array, Tensor
from minigrad.ops import OPS, op_name
from minigrad.source import Place

Fn = Callable[..., Any]
Shape = tuple[int, ...]


class Segment(NamedTuple):
    """A part of a checkpointed tape.

    first_step: the step it begins with. again: whether what is there is computed for the second
    time; None for the way back through it.
    """

    first_step: int
    again: bool | None


@dataclass(eq=False, slots=True, repr=False)
class Node:
    """One operation, or a leaf (fn is None): an input of the plan, or a constant with its value.

    fn, inputs, kwargs: the call that it stands for. time: its step, None outside the steps. place:
    where in the user's code. leaf: the tensor that a leaf was read from. section: when it runs,
    before the shards of the batch, in one of them, or after all. serial: the order on the tape.
    """

    fn: Fn | None
    inputs: tuple[Node, ...]
    kwargs: dict[str, Any]
    shape: Shape
    dtype: np.dtype[Any]
    time: int | None = None
    place: Place = None
    name: str = ""
    leaf: Tensor | None = None
    value: Array | None = None
    section: int = 0
    segment: Segment | None = None
    serial: int = 0

    def __repr__(self) -> str:
        function = getattr(self.fn, "__name__", "leaf")
        return f"Node({self.name or function}, {self.shape}, t={self.time})"

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def is_real(self) -> bool:
        """Whether it holds floating-point numbers."""
        return self.dtype.kind == "f"

    def with_inputs(self, inputs: tuple[Node, ...]) -> Node:
        """The same operation on other operands; itself where they are the same."""
        if inputs == self.inputs:
            return self
        return self._beside(self.fn, inputs, self.kwargs, self.shape, self.name)

    def made(
        self,
        fn: Fn,
        *inputs: Node,
        shape: Shape | None = None,
        name: str = "",
        **kwargs: Any,
    ) -> Node:
        """A new operation in this one's stead: its step, place and, if no other is given, shape.

        fn, inputs, kwargs: the new call, but for a keyword ``shape``. shape, name: those of the
        result.
        """
        if shape is None:
            shape = self.shape
        return self._beside(fn, inputs, kwargs, shape, name)

    def reshaped(self, shape: Shape) -> Node:
        """This one in another shape."""
        keywords = {"shape": shape}
        return self._beside(np.reshape, (self,), keywords, shape, name="")

    def _beside(
        self,
        fn: Fn | None,
        inputs: tuple[Node, ...],
        kwargs: dict[str, Any],
        shape: Shape,
        name: str,
    ) -> Node:
        """An operation where and when this one is."""
        return Node(
            fn,
            inputs,
            kwargs,
            shape,
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


Readers = dict[Node, list[Node]]


@dataclass(frozen=True)
class Graph:
    """Nodes in the order of execution, and those that are wanted.

    note: a sentence on how the batch was split into shards, or why not, for the listing of the
    plan.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[Node, ...]
    note: str = ""

    @staticmethod
    def of(outputs: tuple[Node, ...]) -> Graph:
        """The graph of what the outputs need, operands before their readers."""
        order: dict[Node, None] = {}
        for output in outputs:
            append(order, output)
        return Graph(tuple(order), outputs)

    def readers(self) -> Readers:
        """Who reads each node, once per operand."""
        readers: Readers = {n: [] for n in self.nodes}
        for n in self.nodes:
            for x in n.inputs:
                readers[x].append(n)
        return readers

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def mapped(nodes: tuple[Node, ...], new: Mapping[Node, Node]) -> tuple[Node, ...]:
    """What stands for each of the nodes."""
    return tuple(map(new.__getitem__, nodes))


def append(order: dict[Node, None], node: Node) -> None:
    """Append a node, and before it what it reads that is not there yet. Without recursion."""
    stack = [node]
    while stack:
        n = stack[-1]
        if n not in order:
            missing = [x for x in n.inputs if x not in order]
            if missing:
                stack.extend(reversed(missing))
                continue
            order[n] = None
        stack.pop()


def needed(order: Iterable[Node], outputs: tuple[Node, ...]) -> Graph:
    """The graph of those nodes, which are in order, without what the outputs do not need."""
    nodes = list(order)
    read = set(outputs)
    for n in reversed(nodes):
        if n in read:
            read.update(n.inputs)
    wanted = [n for n in nodes if n in read]
    return Graph(tuple(wanted), outputs)


def constant(value: Any, dtype: Any = None) -> Node:
    """A constant as a node."""
    array = np.asarray(value, dtype)
    return Node(None, (), {}, array.shape, array.dtype, value=array)


def evaluate(node: Node, values: list[Array]) -> Array:
    """What node's function makes of the values of its operands."""
    fn: Any = node.fn
    if fn in OPS:
        fn = OPS[fn].call
    result = fn(*values, **node.kwargs)
    return np.asarray(result)


# --- a graph as text ----------------------------------------------------------------------------
def _lines(graph: Graph) -> Iterator[str]:
    """A line for every node but plain numbers, which stand in the lines of their readers."""
    names = _names(graph)
    time = None
    for n in graph.nodes:
        if n.time != time:
            time = n.time
            yield "# outside the steps" if time is None else f"# t = {time}"
        if names[n] != _number(n):
            yield f"{names[n]}: {n.dtype}{list(n.shape)}{_right_side(n, names)}"
    outputs = [names[o] for o in graph.outputs]
    yield f"return {', '.join(outputs)}"


def _right_side(node: Node, names: dict[Node, str]) -> str:
    if node.fn is None:
        return "" if node.value is None else " = constant"
    arguments = [names[x] for x in node.inputs]
    arguments += [f"{key}={value}" for key, value in node.kwargs.items()]
    return f" = {op_name(node.fn)}({', '.join(arguments)})"


def _names(graph: Graph) -> dict[Node, str]:
    """A name for every node, with a number behind it where it is not the first of that name."""
    count: Counter[str] = Counter()
    names = {}
    for n in graph.nodes:
        name = _number(n)
        if name is None:
            name = _base_name(n)
            count[name] += 1
            if count[name] > 1:
                name = f"{name}#{count[name]}"
        names[n] = name
    return names


def _number(node: Node) -> str | None:
    """A constant of one element as text."""
    if node.value is None or node.value.size != 1:
        return None
    return f"{node.value.item():.4g}"


def _base_name(node: Node) -> str:
    if node.name or node.fn is None:
        return node.name or "constant"
    function = op_name(node.fn)
    return function if node.time is None else f"{function}@{node.time}"
