"""From the arrays of a framework's cell to a cell of ours, and back, by a row of the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.internal import Array
from minigrad.models.cells import CELLS
from minigrad.models.train.tensorfile import shown

from .layouts import Layout, Row

Arrays = Mapping[str, Array]


def chosen(caller: str, layouts: Iterable[Layout], arrays: Arrays, where: str = "") -> Layout:
    """The layout of these arrays: names, and how often the state goes into W_h*.

    Raises ArgumentError that names the arrays where there is none.
    """
    for layout in layouts:
        if _is_of(layout, arrays):
            return layout
    listed = ", ".join(f"{where}{name} {a.shape}" for name, a in arrays.items())
    expected = "expected those of an RNN, GRU or LSTM"
    raise ArgumentError(caller, got=shown(listed), expected=expected)


def _is_of(layout: Layout, arrays: Arrays) -> bool:
    known = {row.array: row for row in layout.rows}
    needed = {row.array for row in layout.rows if not row.optional}
    optional = known.keys() - needed
    there = set(arrays)
    if not needed <= there or there - needed not in (set(), optional):
        return False
    return all(_fits(known[name], a, arrays, layout) for name, a in arrays.items())


def _fits(row: Row, a: Array, arrays: Arrays, layout: Layout) -> bool:
    """Whether an array has as many gates as its row, or as many biases: kinds share their names."""
    first = row.parameters[0]
    if first.startswith("b_"):
        axes = 2 if row.biases > 1 else 1
        return a.ndim == axes
    if not first.startswith("W_h") or a.ndim != 2:
        return True
    outputs, inputs = a.shape if row.transposed else a.shape[::-1]
    if "W_p" in layout.parameters:
        return True
    return bool(outputs == inputs * len(row.parameters))


def read(
    caller: str,
    layout: Layout,
    arrays: Arrays,
    dtype: Any = None,
    where: str = "",
    **settings: str,
) -> Any:
    """A cell of ours with these weights. ``where``: what stands before their names, in a message.

    Raises ShapeError, DTypeError or ArgumentError that names the array.
    """
    sizes = _sizes(layout, arrays)
    given: dict[str, Array] = {}
    missing: dict[str, Array] = {}
    for row in layout.rows:
        if row.array in arrays:
            given |= _unpacked(caller, row, arrays[row.array], sizes, where)
    checked = converted(caller, given, dtype, where)
    number = next(iter(checked.values())).dtype
    for name in layout.parameters:
        if name not in checked and _is_first_bias(name):
            missing[name] = np.zeros(_shape(name, sizes), number)
    if layout.kind == "gru":
        settings["reset"] = layout.reset
    cell: Any = CELLS[layout.kind].make
    return cell.of(checked, **settings).join(missing, trained=False)


def _is_first_bias(name: str) -> bool:
    """Whether a cell of ours always has it: b_i, and not b_hi."""
    return name.startswith("b_") and len(name) == len("b_i")


def converted(caller: str, arrays: Arrays, dtype: Any, where: str = "") -> dict[str, Array]:
    """The arrays in this dtype, or in their own, which has to be one for all, float32 or float64.

    Raises DTypeError, or ArgumentError for a NaN or an infinity.
    """
    result = {}
    kinds = {a.dtype for a in arrays.values()}
    for name, a in arrays.items():
        if dtype is None:
            _refuse_dtype(caller, f"{where}{name}", a, kinds)
        elif a.dtype.kind != "f" and a.dtype.name != "bfloat16":
            got = f"{where}{name} is {a.dtype}"
            raise DTypeError(caller, got=got, expected="expected floating point numbers")
        result[name] = np.asarray(a, dtype or a.dtype)
        if not np.isfinite(result[name]).all():
            raise ArgumentError(caller, got=f"{where}{name} holds a NaN or an infinity")
    return result


def _refuse_dtype(caller: str, name: str, a: Array, kinds: set[Any]) -> None:
    if a.dtype not in (np.float32, np.float64):
        got = f"{name} is {a.dtype}"
        expected = "expected float32 or float64"
        raise DTypeError(
            caller, got=got, expected=expected, remedy="To convert it, pass dtype=np.float32"
        )
    if len(kinds) > 1:
        got = f"weights of {' and '.join(sorted(map(str, kinds)))}"
        raise DTypeError(caller, got=got, remedy="To convert them, pass dtype=np.float64")


def _sizes(layout: Layout, arrays: Arrays) -> dict[str, int]:
    """Of an input, of the units, and of the state that is fed back, from the first matrices."""
    sizes: dict[str, int] = {}
    for row in layout.rows:
        first = row.parameters[0]
        if not first.startswith("W_") or arrays[row.array].ndim != 2:
            continue
        matrix = arrays[row.array].T if row.transposed else arrays[row.array]
        inputs, outputs = matrix.shape
        if first.startswith("W_x") and "d" not in sizes:
            sizes["d"] = inputs
            sizes["h"] = outputs // len(row.parameters)
        if first.startswith("W_h") and "p" not in sizes:
            sizes["p"] = inputs
    if "W_p" not in layout.parameters:
        # What does not fit to it is then named as too long or too short.
        sizes["p"] = sizes.get("h", 0)
    return {"d": 0, "h": 0, "p": 0, **sizes}


def _shape(name: str, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """That of a parameter of ours."""
    d, h, p = sizes["d"], sizes["h"], sizes["p"]
    if name == "W_p":
        return h, p
    if name.startswith("W_x"):
        return d, h
    return (p, h) if name.startswith("W_h") else (h,)


def _unpacked(
    caller: str, row: Row, array: Array, sizes: Mapping[str, int], where: str
) -> dict[str, Array]:
    """Our parameters in one array of theirs."""
    *inputs, outputs = _shape(row.parameters[0], sizes)
    expected = (*inputs, len(row.parameters) * outputs)
    flat = array.T if row.transposed else array
    shown_shape = expected[::-1] if row.transposed else expected
    if row.biases > 1:
        shown_shape = (row.biases, expected[-1] // row.biases)
        flat = array.reshape(-1) if array.shape == shown_shape else array
    if flat.shape != expected:
        got = f"{where}{row.array} is {array.shape}"
        raise ShapeError(caller, got=got, expected=f"expected {shown_shape}")
    parts = np.split(flat, len(row.parameters), axis=-1)
    return dict(zip(row.parameters, parts, strict=True))


def write(caller: str, layout: Layout, cell: Any) -> dict[str, Array]:
    """The arrays of a cell of ours as a framework has them.

    A second bias that the framework does not have is added to the first, one that is missing is
    zero. Raises ArgumentError for what the framework's cell cannot be.
    """
    weights = _weights(caller, layout, cell)
    has_biases = any(name.startswith("b_") for name in trained(cell))
    arrays = {}
    for row in layout.rows:
        if row.optional and not has_biases:
            continue
        flat = np.concatenate([weights[name] for name in row.parameters], axis=-1)
        if row.biases > 1:
            flat = flat.reshape(row.biases, -1)
        arrays[row.array] = np.ascontiguousarray(flat.T if row.transposed else flat)
    return arrays


def trained(cell: Any) -> dict[str, Any]:
    """The parameters of a cell by attribute."""
    named = {}
    for name, value in vars(cell).items():
        if getattr(value, "requires_grad", False):
            named[name] = value
    return named


def _weights(caller: str, layout: Layout, cell: Any) -> dict[str, Array]:
    """Our parameters that the layout has, and zeros for those that the cell does not have."""
    weights = {}
    for name in layout.parameters:
        value = getattr(cell, name, None)
        if value is None:
            first = getattr(cell, _first_bias(name))
            weights[name] = np.zeros_like(first.data)
        else:
            weights[name] = value.numpy()
    for name, value in trained(cell).items():
        if name in weights:
            continue
        first_name = _first_bias(name)
        # Between the biases of a GRU's candidate stands the reset gate: they are no sum.
        apart = layout.kind == "gru" and name == "b_hh" and layout.reset == "after"
        if apart and value.data.any():
            got = f"a cell with a bias {name} that the reset gate multiplies"
            raise ArgumentError(caller, got=got, expected=f"{layout.cell} has none")
        if not apart:
            weights[first_name] = weights[first_name] + value.numpy()
    return weights


def _first_bias(name: str) -> str:
    """The bias of the same gate that every cell has: b_i for b_hi."""
    return f"b_{name[-1]}"


def layout_for(caller: str, layouts: Sequence[Layout], cell: Any) -> Layout:
    """The layout of a cell of ours. Raises ArgumentError where the framework has none like it."""
    kinds = [kind for kind, known in CELLS.items() if type(cell) is known.make]
    projected = getattr(cell, "W_p", None) is not None
    for layout in layouts:
        if [layout.kind] != kinds or ("W_p" in layout.parameters) != projected:
            continue
        if layout.kind != "gru" or cell.reset == layout.reset:
            return layout
    got = type(cell).__name__
    if hasattr(cell, "reset"):
        got += f" with reset={cell.reset!r}"
    got += " with a projection" if projected else ""
    listed = ", ".join(dict.fromkeys(layout.cell for layout in layouts))
    raise ArgumentError(caller, got=got, expected=f"expected what can be one of {listed}")
