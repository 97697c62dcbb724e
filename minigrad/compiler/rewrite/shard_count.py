"""Whether the batch is worth splitting over threads, and into how many shards.

NumPy lets go of the interpreter while it computes, so shards on threads run at the same time.
"""

from __future__ import annotations

import math
import os
from dataclasses import replace

import numpy as np

from minigrad.compiler.blas import blas_libraries
from minigrad.compiler.graph import Graph, Node

from .batch import batch_of, product_of_examples
from .shard import split_batch

# from so many columns of a state on, products dominate and the threads of BLAS have enough to do
MIN_BLAS_COLUMNS = 128
# fewer numbers per step and shard take less time than a thread costs
MIN_NUMBERS_PER_SHARD = 1 << 14
# of native code: a thread costs as much as some hundred thousand pairs of numbers
MIN_TERMS_PER_SHARD = 1 << 21
MIN_ROWS_PER_SHARD = 4

NO_EXAMPLES = "no product of examples and a parameter in its steps"


def split_over_threads(graph: Graph) -> Graph:
    """The graph, the batch split where threads pay; its note says what was chosen.

    A narrow state and many examples (32 columns, 1024 rows) keep elementwise functions busy, which
    have no threads of their own: there two shards halve the time. Where products dominate, BLAS's
    threads are better, and for few numbers none at all.
    """
    examples = product_of_examples(graph)
    if examples is None:
        return _whole(graph, NO_EXAMPLES)
    rows, width = _rows_and_width(graph, examples)
    count = min(_cores(), rows, rows * width // MIN_NUMBERS_PER_SHARD)
    if width >= MIN_BLAS_COLUMNS or count < 2:
        return _whole(graph, f"{rows} examples of {width} numbers per step")
    return _split(graph, examples, count)


def split_native_code(graph: Graph) -> Graph:
    """The graph, the batch split where threads pay that run native code and no BLAS of several.

    Two shards at least on any machine, so that one core gives the numbers that two give.
    """
    examples = product_of_examples(graph)
    if examples is None:
        return _whole(graph, NO_EXAMPLES)
    rows, width = _rows_and_width(graph, examples)
    count = min(max(_cores(), 2), rows // MIN_ROWS_PER_SHARD, _terms(graph) // MIN_TERMS_PER_SHARD)
    if count < 2:
        return _whole(graph, f"{rows} examples of {width} numbers per step")
    return _split(graph, examples, count)


def _whole(graph: Graph, reason: str) -> Graph:
    return replace(graph, note=f"not split: {reason}")


def _rows_and_width(graph: Graph, examples: Node) -> tuple[int, int]:
    """How many examples there are, and the columns of the widest product of a step."""
    steps = [n for n in graph.nodes if n.time is not None]
    width = max(n.shape[-1] for n in steps if n.fn is np.matmul)
    return examples.shape[0], width


def _terms(graph: Graph) -> int:
    """How many pairs of numbers all products multiply."""
    terms = 0
    for n in graph.nodes:
        if n.fn is np.matmul:
            terms += math.prod(n.shape) * n.inputs[0].shape[-1]
    return terms


def _split(graph: Graph, examples: Node, count: int) -> Graph:
    if not blas_libraries():
        remedy = f"{count} threads would pay; pip install threadpoolctl"
        return _whole(graph, f"{examples.shape[0]} examples, {remedy}")
    batch = batch_of(graph, examples)
    if batch is None:
        return _whole(graph, "the examples do not go through it one by one")
    sharded = split_batch(graph, batch, count)
    if sharded is graph:
        return _whole(graph, "something joins the examples on the way")
    each = "each on a thread of its own with one BLAS thread"
    return replace(sharded, note=f"{count} shards of the {batch.size} examples, {each}")


def _cores() -> int:
    """The cores that this process may use, where the system says so."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
