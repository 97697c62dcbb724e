"""An ONNX graph while it is written: arrays of known shape, and the nodes that make them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minigrad.core.array import Array
from minigrad.errors import UnsupportedError

Shape = tuple[int, ...]
DType = np.dtype[Any]
INT64 = np.dtype(np.int64)
BOOL = np.dtype(bool)
# Measured with onnxruntime 1.32.0 on a CPU; a test asks the runtime again.
WITHOUT_DOUBLES = frozenset(
    [
        "Acos",
        "Acosh",
        "Asin",
        "Asinh",
        "Atan",
        "Atanh",
        "Cosh",
        "Erf",
        "Sinh",
        "Tan",
    ]
)
"""Operators that onnxruntime has for float32 but not for float64."""


class Value(NamedTuple):
    """An array in the graph."""

    name: str
    shape: Shape
    dtype: DType

    @property
    def ndim(self) -> int:
        """How many axes."""
        return len(self.shape)


class Written(NamedTuple):
    """A node. Attributes may be a ``Graph``."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass
class File:
    """What all graphs of a file share: names that are taken, constants, the call being written."""

    taken: set[str] = field(default_factory=set)
    constants: dict[str, Array] = field(default_factory=dict)
    by_content: dict[tuple[Any, ...], Value] = field(default_factory=dict)
    call: str = "value"

    def fresh(self, name: str) -> str:
        """That name, or the first of name.1, name.2, ... that is free."""
        free, count = name, 0
        while free in self.taken:
            count += 1
            free = f"{name}.{count}"
        self.taken.add(free)
        return free


@dataclass
class Graph:
    """Nodes in their order. A graph in a node sees the values of those around it."""

    file: File
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    nodes: list[Written] = field(default_factory=list)

    # --- the parts --------------------------------------------------------------------------------
    def input(
        self,
        name: str,
        shape: Shape,
        dtype: DType,
    ) -> Value:
        """A new input."""
        value = Value(self.file.fresh(name), shape, dtype)
        self.inputs.append(value)
        return value

    def constant(
        self,
        x: npt.ArrayLike,
        dtype: npt.DTypeLike | None = None,
    ) -> Value:
        """An array of the file, in it once however often it is asked for."""
        array = np.asarray(x, dtype)
        key = (array.shape, array.dtype, array.tobytes())
        if key not in self.file.by_content:
            name = self.file.fresh("constant")
            self.file.constants[name] = array
            self.file.by_content[key] = Value(name, array.shape, array.dtype)
        return self.file.by_content[key]

    def node(
        self, op: str, inputs: Sequence[Value], shape: Shape, dtype: DType, **attributes: Any
    ) -> Value:
        """What a node of one output gives. Raises UnsupportedError where the runtime has none."""
        if op in WITHOUT_DOUBLES and dtype == np.float64:
            got = f"{op} of float64, which onnxruntime has not"
            raise UnsupportedError(
                f"to_onnx: '{self.file.call}'", got=got, remedy="Record in float32"
            )
        (value,) = self.nodes_of(op, inputs, [(shape, dtype)], **attributes)
        return value

    def nodes_of(
        self,
        op: str,
        inputs: Sequence[Value],
        forms: Sequence[tuple[Shape, DType]],
        **attributes: Any,
    ) -> list[Value]:
        """What a node of several outputs gives."""
        values = [Value(self.file.fresh(self.file.call), *form) for form in forms]
        names = tuple([x.name for x in inputs])
        outputs = tuple([value.name for value in values])
        self.nodes.append(Written(op, names, outputs, attributes))
        return values

    def output(
        self,
        value: Value,
        name: str | None = None,
    ) -> None:
        """Give a value out, under that name; no two outputs are one value, and none is an input."""
        made = {output for node in self.nodes for output in node.outputs}
        if name or value.name not in made or value in self.outputs:
            out = Value(name or self.file.fresh(self.file.call), value.shape, value.dtype)
            self.nodes.append(Written("Identity", (value.name,), (out.name,), {}))
            value = out
        self.outputs.append(value)

    # --- what needs a shape -----------------------------------------------------------------------
    def each(
        self,
        op: str,
        *xs: Value,
        dtype: DType | None = None,
        **attributes: Any,
    ) -> Value:
        """An elementwise operator; dtype: that of the result, if not the operands'."""
        shape = np.broadcast_shapes(*[x.shape for x in xs])
        return self.node(op, xs, shape, xs[-1].dtype if dtype is None else dtype, **attributes)

    def cast(
        self,
        x: Value,
        dtype: npt.DTypeLike,
    ) -> Value:
        """The numbers in another dtype, as NumPy's astype."""
        wanted = np.dtype(dtype)
        return x if x.dtype == wanted else self.node("Cast", [x], x.shape, wanted, to=wanted)

    def reshape(
        self,
        x: Value,
        shape: Shape,
    ) -> Value:
        """The same elements in another shape."""
        if x.shape == shape:
            return x
        # where an axis is empty a 0 means 0, not "as before"
        zeros = {"allowzero": 1} if 0 in shape else {}
        return self.node("Reshape", [x, self.constant(shape, INT64)], shape, x.dtype, **zeros)

    def expand(
        self,
        x: Value,
        shape: Shape,
    ) -> Value:
        """Broadcast."""
        if x.shape == shape:
            return x
        return self.node("Expand", [x, self.constant(shape, INT64)], shape, x.dtype)

    def transpose(
        self,
        x: Value,
        axes: Sequence[int],
    ) -> Value:
        """The axes in another order."""
        if list(axes) == list(range(x.ndim)):
            return x
        shape = tuple([x.shape[axis] for axis in axes])
        return self.node("Transpose", [x], shape, x.dtype, perm=list(axes))

    def gather(
        self,
        x: Value,
        indices: Value,
        axis: int,
    ) -> Value:
        """The elements along an axis that the indices name."""
        shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
        return self.node("Gather", [x, indices], shape, x.dtype, axis=axis)

    def slice(
        self,
        x: Value,
        slices: Sequence[slice],
    ) -> Value:
        """x[slices], one for each axis."""
        cut = []
        for axis, (entry, length) in enumerate(zip(slices, x.shape, strict=True)):
            start, stop, step = entry.indices(length)
            if (start, stop, step) != (0, length, 1):
                # -1 would be the last element; so far below 0 is the place in front of the first
                cut.append((start, stop if stop >= 0 else -length - 1, axis, step))
        if not cut:
            return x
        shape = np.broadcast_to(0, x.shape)[tuple(slices)].shape
        numbers = [self.constant(column, INT64) for column in zip(*cut, strict=True)]
        return self.node("Slice", [x, *numbers], shape, x.dtype)

    def reduce(
        self,
        op: str,
        x: Value,
        axes: Sequence[int],
        keepdims: bool = False,
    ) -> Value:
        """Reduce over those axes."""
        if not axes:
            return x
        shape = []
        for axis, length in enumerate(x.shape):
            if axis not in axes:
                shape.append(length)
            elif keepdims:
                shape.append(1)
        operands = [x, self.constant(sorted(axes), INT64)]
        return self.node(op, operands, tuple(shape), x.dtype, keepdims=int(keepdims))

    def matmul(
        self,
        a: Value,
        b: Value,
    ) -> Value:
        """The matrix product, as NumPy's."""
        rows, columns = np.broadcast_to(0, a.shape), np.broadcast_to(0, b.shape)
        return self.node("MatMul", [a, b], np.matmul(rows, columns).shape, a.dtype)

    def concatenate(
        self,
        xs: Sequence[Value],
        axis: int,
    ) -> Value:
        """One behind another along an axis."""
        if len(xs) == 1:
            return xs[0]
        length = sum([x.shape[axis] for x in xs])
        shape = (*xs[0].shape[:axis], length, *xs[0].shape[axis + 1 :])
        return self.node("Concat", xs, shape, xs[0].dtype, axis=axis)

    def flat(self, x: Value) -> Value:
        """All elements along one axis."""
        return self.reshape(x, (math.prod(x.shape),))
