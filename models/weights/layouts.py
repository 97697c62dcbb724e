"""How frameworks lay out the parameters of a cell: one row of a table for each of their arrays.

A row says which of our parameters stand side by side in an array. All that differs between the
frameworks is here: names, the order of gates, which way matrices lie, and how many biases there
are. Measured with PyTorch 2.13.0, Keras 3.15.1, Flax 0.12.8 and Equinox 0.13.8; docs/weights.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Row(NamedTuple):
    """One array of a framework's, and our parameters in it, side by side along its last axis."""

    array: str
    parameters: tuple[str, ...]
    transposed: bool = False
    """Whether its matrices are (output, input): ours are (input, output)."""
    biases: int = 1
    """Whether the last axis is folded into so many rows."""
    optional: bool = False
    """Whether a cell may be without it: then it is without all that may be missing."""


@dataclass(frozen=True)
class Layout:
    """The arrays of one kind of cell in one framework."""

    cell: str
    """What the framework calls it."""
    kind: str
    """What it is here, a key of CELLS."""
    rows: tuple[Row, ...]
    reset: str = "before"
    """Of a GRU: whether the reset gate acts before or after the product."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Ours, in the order of the arrays."""
        return tuple(name for row in self.rows for name in row.parameters)


def _side_by_side(
    array: str,
    parameters: str,
    gates: str,
    transposed: bool = False,
    optional: bool = False,
) -> Row:
    """The row of an array that has one of these parameters for every gate."""
    names = tuple(parameters + gate for gate in gates)
    return Row(array, names, transposed, optional=optional)


def _torch(cell: str, kind: str, gates: str, *more: Row) -> Layout:
    rows = (
        _side_by_side("weight_ih", "W_x", gates, transposed=True),
        _side_by_side("weight_hh", "W_h", gates, transposed=True),
        _side_by_side("bias_ih", "b_", gates, optional=True),
        _side_by_side("bias_hh", "b_h", gates, optional=True),
    )
    return Layout(cell, kind, rows + more, reset="after")


def _keras(cell: str, kind: str, gates: str) -> Layout:
    rows = (
        _side_by_side("kernel", "W_x", gates),
        _side_by_side("recurrent_kernel", "W_h", gates),
        _side_by_side("bias", "b_", gates, optional=True),
    )
    return Layout(cell, kind, rows)


def _keras_after() -> Layout:
    *matrices, bias = _keras("GRU", "gru", "zrh").rows
    both = (*bias.parameters, "b_hz", "b_hr", "b_hh")
    rows = (*matrices, Row("bias", both, biases=2, optional=True))
    return Layout("GRU", "gru", rows, reset="after")


def _each(prefix: str, suffix: str, parameters: str, gates: dict[str, str]) -> tuple[Row, ...]:
    """Rows of one parameter: an array for every gate, by the framework's letter for it."""
    rows = []
    for theirs, ours in gates.items():
        rows.append(Row(f"{prefix}{theirs}.{suffix}", (parameters + ours,)))
    return tuple(rows)


def _linen_lstm(cell: str, forget: str = "f") -> Layout:
    """``forget``: how the input's matrix of the forget gate is called, as ``if`` is a keyword."""
    inputs = _each("i", "kernel", "W_x", {"i": "i", forget: "f", "g": "c", "o": "o"})
    gates = {"i": "i", "f": "f", "g": "c", "o": "o"}
    states = _each("h", "kernel", "W_h", gates)
    return Layout(cell, "lstm", inputs + states + _each("h", "bias", "b_", gates))


def _linen_gru() -> Layout:
    gates = {"r": "r", "z": "z", "n": "h"}
    inputs = _each("i", "kernel", "W_x", gates) + _each("i", "bias", "b_", gates)
    states = (*_each("h", "kernel", "W_h", gates), Row("hn.bias", ("b_hh",)))
    return Layout("GRUCell", "gru", inputs + states, reset="after")


def _dense(cell: str, kind: str, gates: str, bias: str, inputs: str, states: str) -> Layout:
    rows = (
        _side_by_side(f"{inputs}.kernel", "W_x", gates),
        _side_by_side(f"{states}.kernel", "W_h", gates),
        _side_by_side(f"{bias}.bias", "b_", gates),
    )
    return Layout(cell, kind, rows, reset="after")


def _equinox(cell: str, kind: str, gates: str, *more: Row) -> Layout:
    rows = (
        _side_by_side("weight_ih", "W_x", gates, transposed=True),
        _side_by_side("weight_hh", "W_h", gates, transposed=True),
        _side_by_side("bias", "b_", gates, optional=True),
    )
    return Layout(cell, kind, rows + more, reset="after")


TORCH = (
    _torch("RNN", "rnn", "h"),
    _torch("GRU", "gru", "rzh"),
    _torch("LSTM", "lstm", "ifco"),
    _torch("LSTM", "lstm", "ifco", Row("weight_hr", ("W_p",), transposed=True)),
)
KERAS = (
    _keras("SimpleRNN", "rnn", "h"),
    _keras("GRU", "gru", "zrh"),
    _keras_after(),
    _keras("LSTM", "lstm", "ifco"),
)
LINEN = (
    _dense("SimpleCell", "rnn", "h", bias="i", inputs="i", states="h"),
    _linen_gru(),
    _linen_lstm("OptimizedLSTMCell"),
)
NNX = (
    _dense("SimpleCell", "rnn", "h", bias="dense_i", inputs="dense_i", states="dense_h"),
    _dense("GRUCell", "gru", "rzh", bias="dense_i", inputs="dense_i", states="dense_h"),
    _dense("OptimizedLSTMCell", "lstm", "ifco", "dense_h", "dense_i", "dense_h"),
    _linen_lstm("LSTMCell", forget="f_"),
)
EQUINOX = (
    _equinox("GRUCell", "gru", "rzh", Row("bias_n", ("b_hh",), optional=True)),
    _equinox("LSTMCell", "lstm", "ifco"),
)
