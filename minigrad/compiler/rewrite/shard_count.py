"""Whether the batch is worth splitting over threads, and into how many shards.

NumPy lets go of the interpreter while it computes, so shards on threads run at the same time.
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from minigrad.compiler.blas import blas_libraries
from minigrad.compiler.graph import Graph

from .batch import batch_of, product_of_examples
from .shard import split_batch

# from so many columns of a state on, products dominate and the threads of BLAS have enough to do
MIN_BLAS_COLUMNS = 128
# fewer numbers per step and shard take less time than a thread costs
MIN_NUMBERS_PER_SHARD = 1 << 14


def split_over_threads(graph: Graph) -> Graph:
    """The graph, the batch split where threads pay; its note says what was chosen.

    A narrow state and many examples (32 columns, 1024 rows) keep elementwise functions busy, which
    have no threads of their own: there two shards halve the time. Where products dominate, BLAS's
    threads are better, and for few numbers none at all.
    """
    examples = product_of_examples(graph)
    if examples is None:
        reason = "no product of examples and a parameter in its steps"
        return replace(graph, note=f"not split: {reason}")
    rows = examples.shape[0]
    steps = [n for n in graph.nodes if n.time is not None]
    width = max(n.shape[-1] for n in steps if n.fn is np.matmul)
    count = min(_cores(), rows, rows * width // MIN_NUMBERS_PER_SHARD)
    whole = f"not split: {rows} examples of {width} numbers per step"
    if width >= MIN_BLAS_COLUMNS or count < 2:
        return replace(graph, note=whole)
    if not blas_libraries():
        remedy = f"{count} threads would pay; pip install threadpoolctl"
        return replace(graph, note=f"{whole}, {remedy}")
    batch = batch_of(graph, examples)
    if batch is None:
        return replace(graph, note="not split: the examples do not go through it one by one")
    sharded = split_batch(graph, batch, count)
    if sharded is graph:
        return replace(graph, note="not split: something joins the examples on the way")
    each = "each on a thread of its own with one BLAS thread"
    return replace(sharded, note=f"{count} shards of the {batch.size} examples, {each}")


def _cores() -> int:
    """The cores that this process may use, where the system says so."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
