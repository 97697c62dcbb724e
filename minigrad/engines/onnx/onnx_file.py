"""An ONNX file as a Graph; what it cannot be is said in one line.

Nothing in it is executed, and no other file is opened: external data are refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minigrad.core.array import Array, frozen
from minigrad.core.tensor import Tensor
from minigrad.errors import DataError, UnsupportedError

from .nodes import Graph, Node

# Read and tested: with the operators as these versions of ONNX's operator set define them.
MIN_OPSET = 7
MAX_OPSET = 28
# Whose node is a time loop, and a layer of its own in names.
RECURRENT = ("RNN", "GRU", "LSTM", "Scan", "Loop")
# Attributes that are the number of a type.
TYPES = ("to", "dtype")
MAX_SHOWN_CHARACTERS = 200


class Port(NamedTuple):
    """What is fed: its dtype, and the length of each axis, a name where it may be any."""

    dtype: np.dtype[Any]
    shape: tuple[int | str | None, ...] | None


class Model(NamedTuple):
    """The graph of a file, and what is to be fed."""

    graph: Graph
    ports: Mapping[str, Port]


def require(subject: str) -> Any:
    """The library onnx, for the function of that name; raises DataError without it."""
    try:
        import onnx
    except ImportError:
        remedy = "pip install onnx"
        raise DataError(subject, got="onnx is not installed", remedy=remedy) from None
    return onnx


def read(
    source: Any,
    operators: Sequence[str],
    dtype: npt.DTypeLike | None,
) -> Model:
    """The model in a file, in bytes, or as onnx.load gives it; floats in ``dtype``, if given.

    Raises DataError for what is no whole and valid model, UnsupportedError for what it needs and
    is not there.
    """
    onnx = require("from_onnx")
    subject = _subject(source)
    model = _parsed(onnx, source, subject)
    _refuse_parts(model, subject)
    opset = _opset(model, subject)
    reader = _Reader(onnx, opset, operators, None if dtype is None else np.dtype(dtype), subject)
    reader.refuse_unknown(model.graph)
    # before the checker, which looks for files beside the model
    graph = reader.graph(model.graph)
    try:
        onnx.checker.check_model(model)
    except (ValueError, RuntimeError, TypeError, onnx.checker.ValidationError) as error:
        raise DataError(subject, got=f"is no valid ONNX model: {first_line(error)}") from None
    given = [i for i in model.graph.input if i.name not in graph.constants]
    return Model(graph, {i.name: reader.port(i) for i in given})


def _subject(source: Any) -> str:
    if isinstance(source, (str, os.PathLike)):
        return f"from_onnx: '{source}'"
    return "from_onnx"


def _parsed(
    onnx: Any,
    source: Any,
    subject: str,
) -> Any:
    if isinstance(source, onnx.ModelProto):
        return source
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        model = onnx.ModelProto.FromString(data)
    except OSError as error:
        raise DataError(subject, got=error.strerror or str(error)) from None
    except TypeError:
        got = type(source).__name__
        expected = "expected the path of a file, its bytes, or a model that onnx.load gave"
        raise DataError(subject, got=got, expected=expected) from None
    # protobuf's own DecodeError, whose module is that of its implementation
    except Exception as error:
        got = f"cannot be read as ONNX, or is cut off: {first_line(error)}"
        raise DataError(subject, got=got) from None
    if not model.opset_import:
        raise DataError(subject, got="cannot be read as ONNX: it names no operator set")
    return model


def first_line(error: Exception) -> str:
    """What an error says first."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return shown(lines[0]).rstrip(". ")


def shown(text: Any) -> str:
    """What a file says, for a message of one line: printable, and not long."""
    short = str(text)[:MAX_SHOWN_CHARACTERS]
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in short)


def _refuse_parts(model: Any, subject: str) -> None:
    if model.functions:
        names = ", ".join(shown(f.name) for f in model.functions[:3])
        remedy = "onnx.inliner.inline_local_functions(model) writes them out"
        raise UnsupportedError(subject, got=f"functions of its own ({names})", remedy=remedy)


def _opset(model: Any, subject: str) -> int:
    """The version of ONNX's own operators that the model speaks."""
    versions = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
    opset: int = versions[0] if versions else MIN_OPSET
    if not MIN_OPSET <= opset <= MAX_OPSET:
        expected = f"expected {MIN_OPSET} to {MAX_OPSET}"
        raise UnsupportedError(subject, got=f"opset {opset}", expected=expected)
    return opset


@dataclass(frozen=True)
class _Reader:
    onnx: Any
    opset: int
    operators: Sequence[str]
    floats: np.dtype[Any] | None
    """The dtype of all floats, or None: as they are."""
    subject: str

    def refuse_unknown(self, graph: Any) -> None:
        """Raise UnsupportedError for the first node, at any depth, that nothing here can do."""
        waiting = [graph]
        while waiting:
            for node in waiting.pop().node:
                is_known = node.domain in ("", "ai.onnx") and node.op_type in self.operators
                if not is_known:
                    name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
                    expected = f"expected one of {', '.join(sorted(self.operators))}"
                    got = f"operator {shown(name)} of node '{shown(node.name)}'"
                    raise UnsupportedError(self.subject, got=got, expected=expected)
                waiting += [a.g for a in node.attribute if a.HasField("g")]

    def graph(self, proto: Any) -> Graph:
        """A graph, and those inside its nodes."""
        if proto.sparse_initializer:
            raise UnsupportedError(self.subject, got="sparse initializers")
        constants = {self.text(t.name): self.constant(t) for t in proto.initializer}
        inputs = self.texts(i.name for i in proto.input if i.name not in constants)
        outputs = self.texts(o.name for o in proto.output)
        layers = sum(n.op_type in RECURRENT for n in proto.node)
        nodes = []
        layer = 0
        for n in proto.node:
            layer += n.op_type in RECURRENT
            ending = f"^{{({layer})}}" if layers > 1 and n.op_type in RECURRENT else ""
            nodes.append(self.node(n, ending))
        return Graph(inputs, outputs, constants, tuple(nodes))

    def node(
        self,
        proto: Any,
        layer: str,
    ) -> Node:
        """A node, its attributes as Python's and NumPy's values."""
        attributes = {self.text(a.name): self.attribute(proto, a) for a in proto.attribute}
        inputs, outputs = self.texts(proto.input), self.texts(proto.output)
        name = self.text(proto.name) or ", ".join(outputs)
        return Node(proto.op_type, name, inputs, outputs, attributes, self.opset, layer)

    def text(self, name: Any) -> str:
        """A name of the file; protobuf gives bytes where it is none."""
        if not isinstance(name, str):
            raise DataError(self.subject, got=f"the name {shown(name)} is no UTF-8")
        return name

    def texts(self, names: Iterable[Any]) -> tuple[str, ...]:
        """Names of the file."""
        return tuple(map(self.text, names))

    def attribute(
        self,
        node: Any,
        proto: Any,
    ) -> Any:
        """The value of an attribute: numbers, text, an array, a graph."""
        if proto.type == proto.GRAPH:
            return self.graph(proto.g)
        if proto.type == proto.TENSOR:
            return self.array(proto.t)
        if proto.type == proto.INT and proto.name in TYPES:
            return self.dtype(proto.i)
        if proto.type == proto.STRING:
            return proto.s.decode("utf-8", "replace")
        if proto.type == proto.STRINGS:
            return [s.decode("utf-8", "replace") for s in proto.strings]
        plain = {
            proto.INT: proto.i,
            proto.FLOAT: proto.f,
            proto.INTS: list(proto.ints),
            proto.FLOATS: list(proto.floats),
        }
        if proto.type not in plain:
            got = f"attribute {shown(proto.name)} of {node.op_type} '{shown(node.name)}'"
            raise UnsupportedError(self.subject, got=got)
        return plain[proto.type]

    def constant(self, proto: Any) -> Tensor | Array:
        """An initializer: a parameter where it is an array of floats, else what is known."""
        array = self.array(proto)
        if array.dtype.kind != "f" or array.ndim == 0:
            return array
        return Tensor(frozen(array), requires_grad=True, name=proto.name)

    def array(self, proto: Any) -> Array:
        """The values of a tensor, from the file itself."""
        if proto.data_location == proto.EXTERNAL or proto.external_data:
            got = f"'{shown(proto.name)}' lies in another file"
            remedy = "Export with external_data=False, or pass onnx.load(path), which reads it"
            raise UnsupportedError(self.subject, got=got, remedy=remedy)
        dtype = self.dtype(proto.data_type)
        try:
            array: Array = np.array(self.onnx.numpy_helper.to_array(proto))
            return array.astype(dtype, copy=False)
        except (ValueError, TypeError, MemoryError) as error:
            got = f"the values of '{shown(proto.name)}' cannot be read: {first_line(error)}"
            raise DataError(self.subject, got=got) from None

    def dtype(self, number: int) -> np.dtype[Any]:
        """NumPy's type for ONNX's number of it, if it is one of real numbers."""
        try:
            dtype: np.dtype[Any] = np.dtype(self.onnx.helper.tensor_dtype_to_np_dtype(number))
        except (KeyError, ValueError, TypeError):
            raise DataError(self.subject, got=f"a tensor of type {number}") from None
        if dtype.kind not in "fiub":
            expected = "expected floats, integers or booleans of NumPy's"
            raise UnsupportedError(self.subject, got=f"a tensor of {dtype}", expected=expected)
        return self.floats if self.floats and dtype.kind == "f" else dtype

    def port(self, proto: Any) -> Port:
        """What an input has to be."""
        if not proto.type.HasField("tensor_type"):
            kind = proto.type.WhichOneof("value")
            raise UnsupportedError(self.subject, got=f"input '{shown(proto.name)}' is a {kind}")
        kind = proto.type.tensor_type
        dtype = self.dtype(kind.elem_type)
        if not kind.HasField("shape"):
            return Port(dtype, None)
        lengths = []
        for axis in kind.shape.dim:
            fixed = axis.dim_value if axis.HasField("dim_value") else None
            lengths.append(axis.dim_param or fixed)
        return Port(dtype, tuple(lengths))
