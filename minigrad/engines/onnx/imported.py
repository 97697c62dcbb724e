"""A model that another framework exported, as a function on Tensors that records our tape."""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minigrad.core.tensor import Tensor
from minigrad.errors import (
    ArgumentError,
    DataError,
    DTypeError,
    MinigradError,
    ShapeError,
    UnsupportedError,
)

from .arithmetic import ARITHMETIC, Operator
from .layout import LAYOUT, known_or_recorded
from .nodes import Graph, Node, Value, as_tensor
from .onnx_file import Port, first_line, read, shown
from .recurrent import gru, lstm, rnn
from .scans import branch, loop, scan

if TYPE_CHECKING:
    from onnx import ModelProto

OPERATORS: dict[str, Operator] = {**ARITHMETIC, **LAYOUT, "RNN": rnn, "GRU": gru, "LSTM": lstm}
"""What a node computes of its inputs, by the name of its operator."""
WITH_GRAPHS: dict[str, Operator] = {"Scan": scan, "Loop": loop, "If": branch}
"""The same of nodes that run graphs: they get a function that does."""


def from_onnx(
    path: str | os.PathLike[str] | bytes | ModelProto, dtype: npt.DTypeLike | None = None
) -> OnnxModel:
    """The model of an ONNX file as a function on Tensors, which records our tape.

    RNN, GRU, LSTM, Scan and Loop are unrolled; step t of each is recorded as time step t, and its
    states are called h_t and c_t, in the file's second layer ``h^{(2)}_t``. ``dtype``: that of all
    floats, float64 for instance, in place of the file's own. ``path`` may also be the bytes of a
    file, or what onnx.load gives. Opsets 7 to 28; needs the library onnx.

    Raises DataError for what is no whole and valid ONNX model, UnsupportedError for what it needs
    and is not there: an operator (named, with those that are), external data, functions.

    >>> import minigrad as mg
    >>> from onnx import helper
    >>> x, y = (helper.make_tensor_value_info(name, 1, ["B", 2]) for name in "xy")
    >>> W = helper.make_tensor("W", 1, [2, 2], [1.0, 0.0, 0.0, 2.0])
    >>> node = helper.make_node("MatMul", ["x", "W"], ["y"])
    >>> graph = helper.make_graph([node], "linear", [x], [y], [W])
    >>> model = mg.from_onnx(helper.make_model(graph))
    >>> model
    OnnxModel(x: float32 (B, 2)) -> y
    >>> np.sum(model(np.ones((3, 2)))).backward()
    >>> model.parameters["W"].grad
    array([[3., 3.],
           [3., 3.]], dtype=float32)
    """
    known = [*OPERATORS, *WITH_GRAPHS]
    graph, ports = read(path, known, dtype)
    return OnnxModel(graph, ports)


class OnnxModel:
    """A function on Tensors, made by ``from_onnx``.

    ``inputs`` and ``outputs`` are names; ``parameters`` the file's initializers that are arrays of
    floats, by name: leaves that need a gradient. Single numbers, and integers, are constants.

    >>> import minigrad as mg
    >>> from onnx import helper
    >>> x, y = (helper.make_tensor_value_info(name, 1, [2]) for name in "xy")
    >>> graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [x], [y])
    >>> model = mg.from_onnx(helper.make_model(graph))
    >>> model.inputs, model.outputs, model.parameters
    (('x',), ('y',), {})
    >>> model([1, 2]).data
    array([-1., -2.], dtype=float32)
    """

    def __init__(
        self,
        graph: Graph,
        ports: Mapping[str, Port],
    ) -> None:
        self.graph = graph
        self.ports = ports
        self.inputs = tuple(ports)
        self.outputs = graph.outputs
        self.parameters = dict(_parameters(graph))

    def __repr__(self) -> str:
        ports = []
        for name, (dtype, shape) in self.ports.items():
            lengths = "" if shape is None else f" ({', '.join(map(_length, shape))})"
            ports.append(f"{name}: {dtype}{lengths}")
        return f"OnnxModel({', '.join(ports)}) -> {', '.join(self.outputs)}"

    def __call__(
        self,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """The output of these inputs, arrays or Tensors; a tuple where there are several.

        Raises ArgumentError, ShapeError or DTypeError for inputs that are not the model's.
        """
        values = _run(self.graph, self._fed(args, kwargs), {})
        outputs = tuple(map(as_tensor, values))
        for name, y in zip(self.outputs, outputs, strict=True):
            if y.fn is not None:
                as_tensor(y, name)
        return outputs[0] if len(outputs) == 1 else outputs

    def _fed(
        self,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> list[Tensor]:
        """The inputs in their order, as Tensors of the right dtype and shape."""
        given = dict(zip(self.inputs, args, strict=False)) | dict(kwargs)
        if len(args) > len(self.inputs) or given.keys() != set(self.inputs):
            got = f"{len(args)} by position and {', '.join(kwargs) or 'none'} by name"
            expected = f"expected {', '.join(map(shown, self.inputs)) or 'none'}"
            raise ArgumentError("inputs", got=got, expected=expected)
        lengths: dict[str, int] = {}
        return [_fed(name, given[name], port, lengths) for name, port in self.ports.items()]


def _parameters(graph: Graph) -> dict[str, Tensor]:
    """Those of the graph and of the graphs in its nodes."""
    found = {name: x for name, x in graph.constants.items() if isinstance(x, Tensor)}
    for node in graph.nodes:
        for inner in node.attributes.values():
            if isinstance(inner, Graph):
                found |= _parameters(inner)
    return found


def _length(length: int | str | None) -> str:
    return "?" if length is None else shown(str(length))


def _fed(
    name: str,
    x: Any,
    port: Port,
    lengths: dict[str, int],
) -> Any:
    """An input as a Tensor; ``lengths`` are those of named axes so far."""
    subject = f"input {name!r}"
    if not isinstance(x, Tensor):
        x = as_tensor(_cast(subject, np.asarray(x), port.dtype), name)
    if x.dtype != port.dtype:
        remedy = f"mg.from_onnx(path, dtype={x.dtype.str!r}) takes such" * (x.dtype.kind == "f")
        expected = f"expected {port.dtype}"
        raise DTypeError(subject, got=f"{x.dtype}", expected=expected, remedy=remedy)
    wanted = port.shape
    if wanted is None:
        return x
    fits = len(wanted) == x.ndim
    for length, axis in zip(x.shape, wanted, strict=False):
        if isinstance(axis, str):
            axis = lengths.setdefault(axis, length)  # noqa: PLW2901
        fits &= axis is None or axis == length
    if not fits:
        shape = ", ".join(map(_length, wanted))
        raise ShapeError(subject, got=f"{x.shape}", expected=f"expected ({shape})")
    return x


def _cast(
    subject: str,
    array: Any,
    dtype: np.dtype[Any],
) -> Any:
    """The array in that dtype, if it is of its kind."""
    new = array.astype(dtype) if np.can_cast(array.dtype, dtype, "same_kind") else None
    if new is None or (dtype.kind in "iu" and np.any(new != array)):
        raise DTypeError(subject, got=f"{array.dtype}", expected=f"expected {dtype}")
    return new


# --- the walk over a graph ------------------------------------------------------------------------
def _run(
    graph: Graph,
    inputs: Sequence[Value],
    outside: Mapping[str, Value],
) -> list[Value]:
    """The outputs of a graph: its nodes in their order, each value under its name."""
    inside = {**graph.constants, **dict(zip(graph.inputs, inputs, strict=True))}
    # an input that is left out has the empty name
    values = ChainMap(inside, {"": None}, outside)  # type: ignore[arg-type]
    for node in graph.nodes:
        results = _computed(node, values)
        for name, x in zip(node.outputs, results, strict=False):
            values[name] = known_or_recorded(x)
    return [values[name] for name in graph.outputs]


def _computed(node: Node, values: Mapping[str, Value]) -> Sequence[Value]:
    """What a node gives. Raises what is wrong with it, by its name."""
    inputs = [values[name] for name in node.inputs]
    try:
        if node.op in WITH_GRAPHS:
            result = WITH_GRAPHS[node.op](node, lambda g, xs: _run(g, xs, values), *inputs)
        else:
            result = OPERATORS[node.op](node, *inputs)
    except (UnsupportedError, DataError, DTypeError):
        raise
    except (ShapeError, ArgumentError) as error:
        if error.text.startswith(node.title):
            raise
        raise type(error)(node.title, got=error.text) from None
    except MinigradError:
        raise
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
        raise ShapeError(node.title, got=first_line(error)) from None
    except (MemoryError, RecursionError) as error:
        raise DataError(node.title, got=f"{type(error).__name__} {first_line(error)}") from None
    return result if isinstance(result, (tuple, list)) else (result,)
