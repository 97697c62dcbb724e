"""compile: Tape -> Plan. Roll the tape up into families, distribute the loop.

README.md of this folder has the phases, with an example after each.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np

from minigrad.compiler.emit.calls import absorbed, emit
from minigrad.compiler.emit.listing import listing
from minigrad.compiler.memory.allocate import allocate, stores
from minigrad.compiler.memory.class_axis import class_axis_outermost
from minigrad.compiler.memory.packing import packing
from minigrad.compiler.rewrite import PASSES, Pass
from minigrad.compiler.rewrite.guard import refuse_peeks
from minigrad.compiler.run.plan import Plan
from minigrad.compiler.schedule.loops import hoist, scheduled, units
from minigrad.compiler.schedule.sections import CrossingError
from minigrad.compiler.schedule.sections import verify as verify_sections
from minigrad.core.arguments import refuse_no_tape
from minigrad.core.gc_paused import uncollected
from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor

from .families import families
from .graph import Graph, Node
from .read import is_input, read
from .views import roots

__all__ = ["Plan", "compile"]


def compile(tape: Tape) -> Plan:
    """Compile a tape: ``plan({leaf or name: array, ...})`` then gives the values of its outputs.

    Named leaves and parameters are inputs; the others are constants. Raises ArgumentError for what is no tape,
    GradientError where Python looked at a value while it was recorded.
    """
    refuse_no_tape("compile", tape)
    refuse_peeks(tape)
    try:
        return _compiled(tape, PASSES)
    except CrossingError as error:
        whole = f"not split: {error}"
        text = f"compile: an internal error; the plan is right but {whole}"
        warnings.warn(text, RuntimeWarning, stacklevel=2)
        return _compiled(tape, (*PASSES[:-1], lambda graph: replace(graph, note=whole)))


@uncollected()
def _compiled(tape: Tape, passes: tuple[Pass, ...]) -> Plan:
    graph = read(tape)
    for rewrite in passes:
        graph = rewrite(graph)
    root = roots(graph)
    of = families(graph, root)
    order = scheduled(hoist(units(graph, root, of), root, of), root, of)
    order.sort(key=lambda unit: unit.section)
    verify_sections(order, root)
    summed = absorbed(graph, order, root, of)
    packed = packing(order, of, summed)
    outermost = class_axis_outermost(order, of, packed)
    store, seen = stores(graph, order, root, of, summed, outermost, packed)
    arrays, size = allocate(order, store, seen, outermost, packed)
    homes, constants = _leaves(graph, tape, arrays, root)
    program = emit(order, of, summed, arrays)
    program.line = None
    outputs = tuple(program.array(o) for o in graph.outputs)
    text = listing(graph, order, of, summed, store, program, size, graph.note)
    return Plan(program, outputs, homes, constants, text, size)


def _leaves(
    graph: Graph, tape: Tape, arrays: dict[Node, Array], root: dict[Node, Node]
) -> tuple[dict[Tensor, Array], list[Tensor]]:
    """Where every leaf is read: in its own array; in memory of the plan, if it is an output or one of many alike.

    Inputs of one shape lie side by side there, so that the steps that read them run at once. Also the constants.
    """
    alike = defaultdict[Any, list[Node]](list)
    homes: dict[Tensor, Array] = {}
    apart = {root[o] for o in graph.outputs}
    for n in graph.nodes:
        if n.value is not None:
            arrays[n] = n.value
        elif n.leaf is not None:
            own = n not in apart and n.leaf.data.flags.c_contiguous
            alike[(n.shape, n.dtype) if own and not n.leaf.requires_grad else n].append(n)
            homes[n.leaf] = arrays[n] = n.leaf.data if own else np.empty(n.shape, n.dtype)
    for nodes in [its for its in alike.values() if len(its) > 1]:
        block = np.empty((len(nodes), *nodes[0].shape), nodes[0].dtype)
        for i, n in enumerate(nodes):
            if n.leaf is not None:
                homes[n.leaf] = arrays[n] = block[i, ...]
    inputs = {leaf: leaf.data for leaf in tape.leaves if is_input(leaf)}
    return inputs | homes, [leaf for leaf in tape.leaves if leaf not in inputs]
