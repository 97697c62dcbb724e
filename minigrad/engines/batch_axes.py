"""Which axis of each input holds the examples of the batch, found on the tape."""

from __future__ import annotations

from minigrad.compiler.read import read_graph
from minigrad.compiler.rewrite.batch import batch_of, product_of_examples
from minigrad.compiler.rewrite.chains import flatten
from minigrad.compiler.rewrite.expand import expand
from minigrad.compiler.rewrite.fold import fold
from minigrad.core.tape import Tape


def batch_axes(tape: Tape) -> dict[str, int]:
    """The axis of the examples by the name of the input; empty where something mixes them.

    Left out is what has no examples, or has them beside other things along one axis.
    """
    graph = flatten(fold(expand(read_graph(tape, checkpoints=False))))
    seed = product_of_examples(graph)
    batch = None if seed is None else batch_of(graph, seed)
    axes: dict[str, int] = {}
    if batch is None:
        return axes
    for n, example_axis in batch.axis_of.items():
        if n.leaf is not None and n.value is None and n.shape[example_axis.axis] == batch.size:
            axes[tape.names[n.leaf]] = example_axis.axis
    return axes
