"""compile: Tape -> Plan. Roll the tape up into families, distribute the loop.

README.md of this folder has the phases, with an example after each.
"""

from __future__ import annotations

import functools
import warnings
from dataclasses import replace
from types import MappingProxyType

from minigrad.compiler.emit.calls import emit
from minigrad.compiler.emit.constants import list_constants
from minigrad.compiler.emit.listing import list_plan
from minigrad.compiler.memory.allocate import allocate_memory
from minigrad.compiler.memory.leaves import place_leaves
from minigrad.compiler.rewrite import NATIVE_PASSES, PASSES, Pass
from minigrad.compiler.run.plan import Plan
from minigrad.compiler.schedule.build import build_schedule
from minigrad.compiler.schedule.shard_sections import CrossingError
from minigrad.core.arguments import refuse_no_tape
from minigrad.core.array import Array
from minigrad.core.rerun.feeds import Leaves
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.gc_paused import uncollected

from .carry import Carried, Carry, carried_outputs, emit_carried, not_carried
from .choice import BACKENDS, Backend, planned
from .looked_at import refuse_off_tape, refuse_peeks
from .native.segments import to_native
from .read import is_input, read_graph

__all__ = ["Plan", "compile"]


def compile(tape: Tape, *, backend: Backend = "numpy", carry: Carry = MappingProxyType({})) -> Plan:
    """Compile a tape: ``plan({leaf or name: array, ...})`` then gives the values of its outputs.

    Named leaves and parameters are inputs; the others are constants. The plan calls NumPy on
    buffers that are allocated once, and gives what ``tape.replay`` gives but for rounding.

    backend: ``"numpy"``; ``"native"`` for machine code in place of most calls, which takes a C
    compiler on this machine, and a second or two the first time; ``"auto"`` for whichever of the
    two is measured to be faster. ``print(plan)`` says what was chosen.

    carry: which output, or its name, each of these leaves holds after a call, as if it had been
    assigned to it: ``{"h": h_next}``. The call does not give such outputs: the leaves have them,
    and ``plan.state``. What a tape carries by itself, as after ``transforms.update``, is carried
    too.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> from minigrad.transforms import differentiate
    >>> w = mg.tensor([2.0, 1.0], requires_grad=True, name="w")
    >>> x = mg.tensor([1.0, 3.0], name="x")
    >>> step = mg.compile(differentiate(mg.Tape.of(np.sum(w * x))))
    >>> loss, gradient = step({"x": [1.0, 1.0]})
    >>> float(loss), gradient.tolist()
    (3.0, [1.0, 1.0])
    >>> h = mg.tensor(1.0, name="h")
    >>> double = mg.compile(mg.Tape.of(2 * h), carry={"h": "multiply"})
    >>> double(), double(), h.item()
    ((), (), 4.0)

    Raises ArgumentError for what is no tape or backend, and for a carry of what is no input or
    output; ShapeError and DTypeError where the two are unlike; UnsupportedError for ``"native"``
    where nothing compiles C; GradientError where Python looked at a value while it was recorded, or
    a leaf without a name was computed from inputs or parameters off the tape.
    Warns where an internal check fails, and the plan, which is right, is not split over threads for
    this reason.
    """
    refuse_no_tape("compile", tape)
    if backend not in BACKENDS:
        got = f"backend={backend!r}"
        raise ArgumentError("compile", got=got, expected=f"expected one of {', '.join(BACKENDS)}")
    refuse_off_tape(tape, "compile")
    refuse_peeks(tape, "compile")
    carried = carried_outputs(tape, carry)
    return planned(functools.partial(_compiled_whole_or_split, tape, carried), backend)


def _compiled_whole_or_split(tape: Tape, carried: Carried, native: bool) -> Plan:
    *rewrites, split = NATIVE_PASSES if native else PASSES
    try:
        return _compiled(tape, carried, (*rewrites, split), native)
    except CrossingError as error:
        whole = f"not split: {error}"
        text = f"compile: an internal error; the plan is right but {whole}"
        warnings.warn(text, RuntimeWarning, stacklevel=4)
        unsplit = functools.partial(replace, note=whole)
        return _compiled(tape, carried, (*rewrites, unsplit), native)


@uncollected
def _compiled(tape: Tape, carried: Carried, passes: tuple[Pass, ...], native: bool) -> Plan:
    graph = read_graph(tape)
    for rewrite in passes:
        graph = rewrite(graph)
    schedule = build_schedule(graph)
    memory = allocate_memory(schedule)
    homes = place_leaves(schedule, memory)
    program = emit(schedule, memory)
    outputs = [program.array(o) for o in graph.outputs]
    inputs: dict[Tensor, Array] = {}
    constants = []
    for leaf in tape.leaves:
        if is_input(leaf):
            # one that no output depends on may be fed all the same
            inputs[leaf] = leaf.data
        else:
            constants.append(leaf)
    homes = inputs | homes
    values = {leaf: outputs[number] for leaf, number in carried.items()}
    emit_carried(program, values, homes)
    note = schedule.graph.note
    if native:
        note = f"{to_native(program, list(homes.values()))}; {note}"
    leaves = Leaves("plan", homes, tape.names, carried)
    given = not_carried(tape, carried)
    heading = [note, *list_constants(constants)]
    listing = list_plan(schedule, memory, program, heading, leaves.names, carried, given)
    returned = [outputs[number] for number in given]
    return Plan(program, returned, homes, leaves, carried, constants, listing, memory.nbytes)
