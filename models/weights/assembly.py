"""Cells to a model, and a model to its cells: layers from below, each of one direction or two."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.errors import ArgumentError, ShapeError
from minigrad.internal import Array
from minigrad.models.bidirectional import Bidirectional
from minigrad.models.cells import CELLS
from minigrad.models.language_model import RNNLM
from minigrad.models.stacked import Stacked

from .packing import converted

Layers = Sequence[tuple[Any, ...]]


def assembled(caller: str, layers: Layers) -> Any:
    """One cell, Stacked layers of them, or Bidirectional ones.

    Raises ArgumentError for layers of one direction among those of two, ShapeError for a layer that
    cannot read the one below.
    """
    directions = {len(layer) for layer in layers}
    if len(directions) != 1:
        got = "layers of one direction and of two"
        raise ArgumentError(caller, got=got, expected="expected one kind")
    (count,) = directions
    for number, (below, layer) in enumerate(pairwise(layers)):
        outputs = count * output_size(below[0])
        for cell in layer:
            if input_size(cell) != outputs:
                got = f"layer {number + 1} reads {input_size(cell)} numbers"
                raise ShapeError(caller, got=got, expected=f"layer {number} gives {outputs}")
    if count == 2:
        return Bidirectional(*[(layer[0], layer[1]) for layer in layers])
    cells = [layer[0] for layer in layers]
    return cells[0] if len(cells) == 1 else Stacked(*cells)


def layers_of(caller: str, model: Any) -> list[tuple[Any, ...]]:
    """The cells of a model of ours. Raises ArgumentError for what is none."""
    if isinstance(model, Bidirectional):
        return list(model.layers)
    if isinstance(model, Stacked):
        return [(cell,) for cell in model.cells]
    if type(model) in [kind.make for kind in CELLS.values()]:
        return [(model,)]
    expected = "expected an RNNCell, GRUCell, LSTMCell, Stacked, Bidirectional or RNNLM"
    raise ArgumentError(caller, got=f"a {type(model).__name__}", expected=expected)


def input_size(cell: Any) -> int:
    """How many numbers a cell reads at a step."""
    W: Array = cell.W_xc if hasattr(cell, "W_xc") else cell.W_xh
    return len(W)


def output_size(cell: Any) -> int:
    """How many numbers a cell gives: those of H."""
    W: Array = cell.W_hc if hasattr(cell, "W_hc") else cell.W_hh
    return len(W)


def language_model(
    caller: str,
    layers: Layers,
    embedding: tuple[str, Array] | None,
    head: tuple[str, Array],
    bias: tuple[str, Array] | None,
    dtype: Any,
) -> RNNLM:
    """A language model of layers, an embedding (V, e) and a head (h, V), each with its name.

    Raises ShapeError where they do not fit to each other.
    """
    parts = dict(part for part in (embedding, head, bias) if part is not None)
    numbers = converted(caller, parts, dtype)
    cell = assembled(caller, layers)
    name, W = head
    inputs = input_size(layers[0][0])
    outputs = len(layers[-1]) * output_size(layers[-1][0])
    if W.ndim != 2 or len(W) != outputs:
        got = f"{name} {W.shape[::-1]}"
        raise ShapeError(caller, got=got, expected=f"expected one that reads {outputs} numbers")
    vocab = W.shape[1]
    if bias is not None and bias[1].shape != (vocab,):
        got = f"{bias[0]} is {bias[1].shape}"
        raise ShapeError(caller, got=got, expected=f"expected ({vocab},)")
    if embedding is None and inputs != vocab:
        got = f"no embedding, and a first layer that reads {inputs} numbers"
        expected = f"expected one-hot characters of {name}, {vocab}"
        raise ShapeError(caller, got=got, expected=expected)
    if embedding is not None and embedding[1].shape != (vocab, inputs):
        got = f"{embedding[0]} is {embedding[1].shape}"
        raise ShapeError(caller, got=got, expected=f"expected {(vocab, inputs)}")
    W_e = None
    if embedding is not None:
        W_e = _parameter("W_e", numbers[embedding[0]])
    W_hq = _parameter("W_hq", numbers[name])
    if bias is None:
        # No parameter: it is not trained, and not sent back.
        b_q = mg.tensor(np.zeros(vocab, W_hq.dtype), name="b_q", dtype=W_hq.dtype)
    else:
        b_q = _parameter("b_q", numbers[bias[0]])
    return RNNLM.of(cell, W_hq, b_q, W_e)


def _parameter(name: str, values: Array) -> mg.Tensor:
    return mg.tensor(np.array(values), requires_grad=True, name=name, dtype=values.dtype)
