"""Which inputs are numbers of classes or rows, for engines that do not check them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.rolled.rolled_program import Call, Program, Read
from minigrad.ops import activations, op_name
from minigrad.ops.indexing import PART, getitem
from minigrad.ops.rows.embedding import embedding
from minigrad.ops.rows.one_hot import one_hot, refuse_other_indices


class Labels(NamedTuple):
    """An input that must hold integers in lowest..classes-1. reader: who reads it."""

    name: str
    classes: int
    reader: str
    lowest: int = 0


def labels_of(program: Program) -> list[Labels]:
    """The inputs that are labels, through rows and views."""
    behind = {call.name: call.reads for call in program.calls() if _only_moves(call)}
    for block in program.blocks:
        for result, value in getattr(block, "stacked", {}).items():
            behind[value] = (Read(result),)
    labels = []
    for call in program.calls():
        if call.fn in CLASSES:
            slot, classes = CLASSES[call.fn]
            for name in _inputs(call.reads[slot], behind, program):
                labels.append(Labels(name, classes(call, program), op_name(call.fn)))
        if call.fn is getitem and call.reads[1:]:
            size = _axis_indexed(call, program)
            for read in call.reads[1:]:
                for name in _inputs(read, behind, program) if size else []:
                    if program.inputs[name].dtype.kind in "iu":
                        labels.append(Labels(name, size, "getitem", -size))
    return list(dict.fromkeys(labels))


def refuse_other_labels(labels: list[Labels], arrays: dict[str, Any]) -> None:
    """Raise DTypeError or ArgumentError for arrays that are not what the inputs must hold."""
    for label in labels:
        # rows may be counted from the end
        numbers = arrays[label.name]
        if label.lowest:
            from_end = (numbers < 0) & (numbers >= label.lowest)
            numbers = np.where(from_end, 0, numbers)
        refuse_other_indices(f"'{label.name}'", numbers, label.classes)


def _only_moves(call: Call) -> bool:
    return op_name(call.fn) in ("joined_rows", "positive", "stack", "concatenate", "reshape")


def _inputs(
    read: Read,
    behind: dict[str, tuple[Read, ...]],
    program: Program,
) -> list[str]:
    """The inputs that an operand consists of."""
    inputs = []
    waiting = [read.source]
    while waiting:
        name = waiting.pop()
        if name in program.inputs:
            inputs.append(name)
        waiting += [r.source for r in behind.get(name, ())]
    return inputs


def _axis_indexed(call: Call, program: Program) -> int:
    """The length of the one axis that is indexed by an array; 0 where it is not plain to see."""
    array, *parts = call.reads
    index = call.kwargs["index"]
    plain = array.index is None and not array.views and array.source in program.forms
    one_axis_each = all(entry is PART or type(entry) in (int, slice) for entry in index)
    if not plain or len(parts) > 1 or not one_axis_each:
        return 0
    return int(program.forms[array.source].shape[index.index(PART)])


def _of_one_hot(call: Call, program: Program) -> int:
    return int(call.kwargs["classes"])


def _of_result(call: Call, program: Program) -> int:
    return call.shape[-1]


def _of_table(call: Call, program: Program) -> int:
    table = call.reads[1]
    form = program.forms[table.source]
    return form.shape[0 if table.index is None else 1]


def _of_logits(call: Call, program: Program) -> int:
    logits = call.reads[0]
    for other in program.calls():
        if other.name == logits.source and not logits.views:
            return other.shape[-1]
    return program.forms[logits.source].shape[-1]


Classes = Callable[[Call, Program], int]
CLASSES: dict[Any, tuple[int, Classes]] = {
    one_hot: (0, _of_one_hot),
    embedding: (0, _of_table),
    activations.surprisal: (1, _of_logits),
    activations.cross_entropy: (1, _of_logits),
    activations.surprisal_gradient: (1, _of_result),
}
