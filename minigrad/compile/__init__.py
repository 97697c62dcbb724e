"""compile: Tape -> Plan. Roll the tape up into families, distribute the loop.

One pass per file, in this order: graph, expand, fold, sums, families, loops, layout, storage, emit.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..errors import ArgumentError
from ..tape import Tape
from ..tensor import Array, Tensor
from .emit import absorbed, emit
from .expand import expand
from .families import families
from .fold import fold
from .graph import Graph, Node, read, roots
from .layout import class_axis_outermost
from .listing import listing
from .loops import hoist, units
from .packing import packing
from .peeks import peeks_of, refuse_peeks
from .plan import Plan
from .storage import allocate, stores
from .sums import flatten

__all__ = ["Plan", "compile"]


def compile(tape: Tape) -> Plan:
    """Compile a tape: ``plan({leaf or name: array, ...})`` then gives the values of its outputs.

    Named leaves and parameters are inputs; the others are constants.
    """
    if not isinstance(tape, Tape):
        raise ArgumentError("compile", got=f"a {type(tape).__name__}", expected="expected a Tape, as Tape.of(loss)")
    refuse_peeks(tape, peeks_of(tape))
    with _no_collection():
        return _compiled(tape)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Many small objects are made and all are kept: looking for garbage among them again and again finds none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _compiled(tape: Tape) -> Plan:
    graph = flatten(fold(expand(read(tape))))
    root = roots(graph)
    of = families(graph, root)
    order = hoist(units(graph, root, of), root, of)
    summed = absorbed(graph, order, root, of)
    packed = packing(order, of, summed)
    outermost = class_axis_outermost(graph, order, of, packed)
    store, seen = stores(graph, order, root, of, summed, outermost, packed)
    arrays, size = allocate(order, store, seen, outermost, packed)
    homes, constants = _leaves(graph, tape, arrays)
    program = emit(graph, order, of, summed, store, arrays)
    program.line = None
    outputs = tuple(program.array(o) for o in graph.outputs)
    text = listing(graph, order, of, summed, store, program, size)
    return Plan(program, outputs, homes, constants, text, size)


def _leaves(graph: Graph, tape: Tape, arrays: dict[Node, Array]) -> tuple[dict[Tensor, Array], list[Tensor]]:
    """Give every leaf an array: inputs of one shape lie side by side, constants where they are."""
    kinds: dict[tuple[tuple[int, ...], np.dtype[np.generic]], list[Node]] = {}
    for n in graph.nodes:
        if n.fn is not None:
            continue
        if n.value is not None:
            arrays[n] = n.value
        elif n.leaf is not None:
            kinds.setdefault((n.shape, n.dtype), []).append(n)
    for (shape, dtype), nodes in kinds.items():
        if len(nodes) == 1:
            arrays[nodes[0]] = np.empty(shape, dtype)
            continue
        block = np.empty((len(nodes), *shape), dtype)
        arrays.update((n, block[i, ...]) for i, n in enumerate(nodes))
    used = {n.leaf: arrays[n] for n in graph.nodes if n.leaf is not None and n.value is None}
    constants = []
    for leaf in tape.leaves:
        if leaf.name is None and not leaf.requires_grad:
            constants.append(leaf)
        elif leaf not in used:
            used[leaf] = np.empty(leaf.shape, leaf.dtype)
    return used, constants
