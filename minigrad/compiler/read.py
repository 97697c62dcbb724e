"""A tape read into a graph: gates are gone, leaves are inputs or constants."""

from __future__ import annotations

from dataclasses import dataclass, field

from minigrad.core import gates
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor

from .graph import Graph, Node, Segment
from .primitives import kept

# A gate is the identity forward, and what it did to the gradient is on the tape already.
# What a checkpoint computes again stays: its memory is not that of the first time.
DROPPED = gates.GATES - {gates.recompute}


def is_input(leaf: Tensor) -> bool:
    """Whether a plan reads the leaf anew at every call: it has a name or a gradient."""
    return leaf.name is not None or leaf.requires_grad


def read_graph(tape: Tape, *, checkpoints: bool = True) -> Graph:
    """The tape as a graph, without its gates. Leaves without name and gradient are constants.

    checkpoints: whether what a checkpoint computes again is computed again.
    """
    reader = _Reader(_first_steps(tape) if checkpoints else {})
    dropped = DROPPED if checkpoints else gates.GATES
    for serial, n in enumerate(tape.nodes):
        if n.fn in dropped:
            reader.node_of[n] = reader.node_of[n.inputs[0]]
        else:
            reader.node_of[n] = reader.node(n, serial)
    outputs = tuple(reader.node_of[o] for o in tape.outputs)
    if reader.copies:
        return Graph.of(outputs)
    # the node of a gate is that of its operand, and comes once
    nodes = dict.fromkeys(reader.node_of.values())
    return Graph(tuple(nodes), outputs)


@dataclass(frozen=True, slots=True)
class _Reader:
    """The nodes for the tensors met so far.

    first_steps: of a step of a checkpointed tape, where its segment begins.
    """

    first_steps: dict[int | None, int]
    node_of: dict[Tensor, Node] = field(default_factory=dict)
    copies: dict[Tensor, Node] = field(default_factory=dict)

    def node(self, tensor: Tensor, serial: int) -> Node:
        """The node of a leaf or operation. serial: its place on the tape."""
        if self.first_steps:
            operands = tuple([self.operand(x, tensor) for x in tensor.inputs])
        else:
            operands = tuple(map(self.node_of.__getitem__, tensor.inputs))
        # of what a checkpoint dropped the form is left
        value = tensor.form or tensor._array
        node = Node(
            tensor.fn,
            operands,
            tensor.kwargs,
            value.shape,
            value.dtype,
            tensor.time,
            tensor.place,
            name=tensor.name or "",
            segment=self.segment(tensor) if self.first_steps else None,
            serial=serial,
        )
        if tensor.fn is None:
            node.leaf = tensor
            node.value = None if is_input(tensor) else tensor._array
        return node

    def operand(self, x: Tensor, reader: Tensor) -> Node:
        """What the reader reads for x: on the way back, a copy of what was computed before."""
        if x.time is None or not _runs_forward(x) or _runs_forward(reader):
            return self.node_of[x]
        if x not in self.copies:
            node = self.node_of[x]
            self.copies[x] = node.made(kept, node)
        return self.copies[x]

    def segment(self, tensor: Tensor) -> Segment | None:
        """The segment of a checkpointed tape that it runs in, if any."""
        if tensor.segment is not None:
            return Segment(tensor.segment.steps[0], tensor.segment.again)
        if tensor.time in self.first_steps:
            return Segment(self.first_steps[tensor.time], again=None)
        return None


def _first_steps(tape: Tape) -> dict[int | None, int]:
    """Of every step in a segment of a checkpointed tape the segment's first step."""
    segments = {n.segment.steps for n in tape.nodes if n.segment is not None}
    first_steps: dict[int | None, int] = {}
    for first, last in segments:
        steps = range(first, last + 1)
        first_steps.update(dict.fromkeys(steps, first))
    return first_steps


def _runs_forward(tensor: Tensor) -> bool:
    """Whether it was computed before anything went back through a checkpointed tape."""
    return tensor.segment is not None and not tensor.segment.again
