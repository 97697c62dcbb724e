"""``mg.to_onnx``: a tape as one ONNX file, inference or a whole training step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.compiler.rolled.rolled import Rolled, roll
from minigrad.compiler.rolled.rolled_program import Call, Program
from minigrad.core.array import Array
from minigrad.core.tape import Tape
from minigrad.errors import UnsupportedError
from minigrad.files import write_atomically

from .onnx_file import first_line, require
from .writing.read_operands import Values, operand, outside, read_and_called
from .writing.scan_loops import write_loop
from .writing.written import File, Graph, Value

OPSET = 18
"""Of ONNX's operators: reductions that take their axes as inputs, Scatter... that adds."""
IR_VERSION = 8
"""Of the format: the one that came with that opset."""
KINDS = "fiub"
"""Kinds of dtypes that ONNX and onnxruntime compute with."""


def to_onnx(
    program: Tape | Rolled,
    path: str | os.PathLike[str],
) -> Path:
    """Write a tape, or what ``roll`` made of it, as an ONNX model; returns the path.

    Inputs and outputs have the names and dtypes of the tape; the parameters, leaves that need a
    gradient, have their values in the file as defaults, which may be fed too. A loop over time is a
    ``Scan``, or one node for all steps, so the file has as many nodes for 10 steps as for 1,000.
    ``differentiate``, ``clip`` and ``update`` first, and it is a whole training step. Opset 18,
    checked by onnx; needs the library onnx.

    Raises UnsupportedError for a function that has no form in ONNX, or that onnxruntime lacks for
    float64; DataError where onnx is not installed or the file cannot be written; and what ``roll``
    raises.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> w, h = mg.tensor(0.5, requires_grad=True, name="w"), mg.tensor(1.0, name="h_0")
    >>> for t in range(1, 101):
    ...     with mg.timestep(t):
    ...         h = np.tanh(w * h).named(f"h_{t}")
    >>> step = mg.transforms.differentiate(mg.Tape.of(h.named("L")))
    >>> mg.to_onnx(step, "step.onnx")
    PosixPath('step.onnx')
    >>> mg.from_onnx("step.onnx").inputs
    ('h_0',)
    """
    onnx = require("to_onnx")
    rolled = program if isinstance(program, Rolled) else roll(program)
    defaults = {name: rolled.recorded[name] for name in rolled.optional}
    model = _model(onnx, rolled.program, defaults)
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # the checker raises types of its own
        raise UnsupportedError("to_onnx", got=first_line(error)) from None
    return write_atomically(path, model.SerializeToString())


def _model(
    onnx: Any,
    program: Program,
    defaults: dict[str, Array],
) -> Any:
    """The program as a model."""
    for name, form in program.forms.items():
        _refuse_kind(name, form.dtype)
    for call in program.calls():
        _refuse_kind(call.name, call.dtype)
    file = File()
    graph = Graph(file)
    values: Values = {}
    for name, form in program.inputs.items():
        values[name] = graph.input(name, form.shape, form.dtype)
    names = [file.fresh(read.source) for read in program.outputs]
    for name, array in program.constants.items():
        values[name] = graph.constant(array)
    for block in program.blocks:
        if isinstance(block, Call):
            file.call = block.name
            values[block.name] = read_and_called(graph, block, values)
        else:
            values |= write_loop(graph, block, values)
    for name, read in zip(names, program.outputs, strict=True):
        file.call = name
        graph.output(operand(graph, values, read, outside(graph)), name)
    used = _read(graph)
    arrays = {name: array for name, array in file.constants.items() if name in used} | defaults
    tensors = [onnx.numpy_helper.from_array(x, name) for name, x in arrays.items()]
    proto = onnx.helper.make_graph(
        _nodes(onnx, graph),
        "minigrad",
        _ports(onnx, graph.inputs),
        _ports(onnx, graph.outputs),
        tensors,
    )
    opset = onnx.helper.make_opsetid("", OPSET)
    return onnx.helper.make_model(
        proto, opset_imports=[opset], ir_version=IR_VERSION, producer_name="minigrad"
    )


def _refuse_kind(
    name: str,
    dtype: np.dtype[Any],
) -> None:
    if dtype.kind not in KINDS or dtype.itemsize > np.dtype(np.float64).itemsize:
        raise UnsupportedError(f"to_onnx: '{name}'", got=f"{dtype}, which onnxruntime has not")


def _read(graph: Graph) -> set[str]:
    """The names that nodes read, in the graphs of nodes too."""
    names = set()
    for node in graph.nodes:
        names |= set(node.inputs)
        if "body" in node.attributes:
            names |= _read(node.attributes["body"])
    return names


def _nodes(
    onnx: Any,
    graph: Graph,
) -> list[Any]:
    protos = []
    for node in graph.nodes:
        attributes = {}
        for key, value in node.attributes.items():
            attributes[key] = _attribute(onnx, value)
        name = node.outputs[0] if node.outputs else ""
        protos.append(
            onnx.helper.make_node(node.op, node.inputs, node.outputs, name=name, **attributes)
        )
    return protos


def _attribute(
    onnx: Any,
    value: Any,
) -> Any:
    if isinstance(value, np.dtype):
        return onnx.helper.np_dtype_to_tensor_dtype(value)
    if isinstance(value, Graph):
        inputs, outputs = _ports(onnx, value.inputs), _ports(onnx, value.outputs)
        return onnx.helper.make_graph(_nodes(onnx, value), "step", inputs, outputs)
    return value


def _ports(
    onnx: Any,
    values: list[Value],
) -> list[Any]:
    ports = []
    for name, shape, dtype in values:
        number = onnx.helper.np_dtype_to_tensor_dtype(dtype)
        ports.append(onnx.helper.make_tensor_value_info(name, number, shape))
    return ports
