"""Weights of Keras 3, in and out: layers, models, their arrays, .keras and .weights.h5 files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError
from minigrad.internal import Array
from minigrad.models.language_model import RNNLM
from minigrad.models.train.tensorfile import shown

from .assembly import assembled, language_model, layers_of
from .keras_files import CALLER, RECURRENT, Layer, of_file
from .layouts import KERAS, Layout
from .packing import chosen, layout_for, read, write

ARRAYS = ("kernel", "recurrent_kernel", "bias")
# What changes nothing of what a trained model computes.
IDLE = {"InputLayer", "Dropout", "SpatialDropout1D"}
# What a layer may be told; else it computes something that there is not here.
SETTINGS: dict[str, tuple[Any, ...]] = {
    "activation": ("tanh",),
    "recurrent_activation": ("sigmoid",),
    "go_backwards": (False,),
    "merge_mode": ("concat",),
    "mask_zero": (False,),
}
OWN_SETTINGS: dict[str, tuple[Any, ...]] = {
    "SimpleRNN": ("tanh", "relu"),
    "SimpleRNNCell": ("tanh", "relu"),
    "Dense": ("linear", "softmax"),
}


def from_keras(source: Any, activation: str = "tanh", dtype: Any = None) -> Any:
    """A model of ours with the weights of Keras's SimpleRNN, GRU and LSTM layers.

    ``source``: a layer, a Sequential or functional model, the list that a layer's ``get_weights()``
    gives, or the path of a ``.keras`` or ``.weights.h5`` file. Behind the recurrent layers, which
    may be Bidirectional, there may be a Dense one, and an Embedding in front: then it is a language
    model, ``RNNLM``, whose outputs are logits. ``activation``: of a SimpleRNN, where the source
    holds arrays only, as get_weights() and ``.weights.h5`` do; so these are read as layers of
    Keras's defaults. ``dtype`` as in ``from_torch``.

    Returns what ``from_torch`` does; a GRU of ``reset_after=False`` is one with reset="before".
    Raises DataError, ArgumentError, ShapeError or DTypeError that names the layer; all arrays have
    to be used.

    >>> from minigrad import models
    >>> arrays = [np.ones((3, 6)), np.ones((2, 6)), np.zeros((2, 6))]
    >>> cell = models.from_keras(arrays)
    >>> type(cell).__name__, cell.reset, cell.W_xz.shape
    ('GRUCell', 'after', (3, 2))
    """
    layers = [layer for layer in _layers(source) if layer.kind not in IDLE]
    _refuse_order(layers)
    for layer in layers:
        _refuse_settings(layer)
    cells = []
    for layer in layers:
        if layer.kind in RECURRENT:
            cells.append(_cells(layer, activation, dtype))
    first = layers[0]
    last = layers[-1]
    if last.kind != "Dense":
        return assembled(CALLER, cells)
    embedding = None
    if first.kind == "Embedding":
        embedding = f"{first.name}/embeddings", first.arrays[0]
    kernel, *biases = last.arrays
    head = f"{last.name}/kernel", kernel
    bias = None
    if biases:
        bias = f"{last.name}/bias", biases[0]
    return language_model(
        CALLER,
        cells,
        embedding,
        head,
        bias,
        dtype,
    )


def _refuse_order(layers: Sequence[Layer]) -> None:
    """Raise ArgumentError for other layers than there are here."""
    shape = ""
    for layer in layers:
        kind = "*" if layer.kind in RECURRENT else layer.kind
        shape += f"{kind} "
    if re.fullmatch(r"((Embedding )?(\* )+Dense |(\* )+)", shape) is None:
        listed = ", ".join(layer.kind for layer in layers)
        got = shown(listed) or "no layers"
        expected = "expected recurrent layers, perhaps between an Embedding and a Dense layer"
        raise ArgumentError(CALLER, got=got, expected=expected)


def _refuse_settings(layer: Layer) -> None:
    """Raise ArgumentError for a layer that computes something that there is not here."""
    config = dict(layer.config)
    kind = layer.kind
    if "layer" in config:
        inner = config["layer"]
        kind = inner["class_name"]
        config |= inner["config"]
    for name, allowed in SETTINGS.items():
        accepted = OWN_SETTINGS.get(kind, allowed) if name == "activation" else allowed
        if name in config and config[name] not in accepted:
            got = f"{layer.name} with {name}={config[name]!r}"
            listed = " or ".join(map(repr, accepted))
            raise ArgumentError(CALLER, got=shown(got), expected=f"expected {listed}")


def _cells(layer: Layer, activation: str, dtype: Any) -> tuple[Any, ...]:
    """The cell of a layer, or its two."""
    config = {"activation": activation, **layer.config}
    if layer.kind != "Bidirectional":
        return (_cell(layer, layer.arrays, config, dtype),)
    half = len(layer.arrays) // 2
    if "layer" in config:
        config = config["layer"]["config"]
    forward = _cell(layer, layer.arrays[:half], config, dtype)
    return forward, _cell(layer, layer.arrays[half:], config, dtype)


def _cell(layer: Layer, arrays: Sequence[Array], config: Mapping[str, Any], dtype: Any) -> Any:
    where = f"{layer.name}/"
    if len(arrays) not in (2, 3):
        got = f"{len(arrays)} arrays of {layer.name}"
        remedy = "Of several layers give the model, or its file"
        raise ArgumentError(
            CALLER, got=got, expected="expected those of one layer, 2 or 3", remedy=remedy
        )
    named = dict(zip(ARRAYS, arrays, strict=False))
    layout = chosen(CALLER, _possible(layer, named, config), named, where)
    settings = {}
    if layout.kind == "rnn":
        settings["activation"] = config["activation"]
    return read(CALLER, layout, named, dtype, where, **settings)


def _possible(
    layer: Layer, arrays: Mapping[str, Array], config: Mapping[str, Any]
) -> Iterable[Layout]:
    """The layouts that the settings leave: the arrays of a GRU without a bias do not say which."""
    kernel = arrays["recurrent_kernel"]
    is_gru = kernel.ndim == 2 and kernel.shape[1] == 3 * kernel.shape[0]
    if not is_gru:
        return KERAS
    if "reset_after" in config:
        reset = "after" if config["reset_after"] else "before"
        return [layout for layout in KERAS if layout.reset == reset]
    if "bias" not in arrays:
        got = f"{layer.name}, a GRU without a bias: the arrays do not say whether it resets after"
        raise ArgumentError(CALLER, got=got, remedy="Give the layer, the model or a .keras file")
    return KERAS


# --- where the layers come from -------------------------------------------------------------------
def _layers(source: Any) -> list[Layer]:
    """The layers of a source, from below."""
    if isinstance(source, (str, os.PathLike)):
        return of_file(Path(source))
    if hasattr(source, "get_weights"):
        inside = getattr(source, "layers", None)
        layers = inside if isinstance(inside, list) else [source]
        return [_of_layer(layer) for layer in layers]
    if isinstance(source, (list, tuple)):
        return [Layer("get_weights()", "LSTM", {}, [np.asarray(a) for a in source])]
    got = f"a {type(source).__name__}"
    expected = (
        "expected a layer, a model, get_weights() or the path of a .keras or .weights.h5 file"
    )
    raise ArgumentError(CALLER, got=got, expected=expected)


def _of_layer(layer: Any) -> Layer:
    arrays = [np.asarray(a) for a in layer.get_weights()]
    return Layer(layer.name, type(layer).__name__, layer.get_config(), arrays)


def to_keras(model: Any) -> list[Array]:
    """The list of arrays that ``set_weights`` of the Keras layer, or of the whole model, takes.

    A second bias is added to the first where Keras has one only; biases that there are not are
    left out, as with ``use_bias=False``. Raises ArgumentError for a projection.

    >>> from minigrad import models
    >>> [a.shape for a in models.to_keras(models.GRUCell(3, 2, reset="after"))]
    [(3, 6), (2, 6), (2, 6)]
    """
    if not isinstance(model, RNNLM):
        return _recurrent(model)
    arrays = [] if model.W_e is None else [model.W_e.numpy()]
    arrays += [*_recurrent(model.cell), model.W_hq.numpy()]
    if model.b_q.requires_grad:
        arrays.append(model.b_q.numpy())
    return arrays


def _recurrent(model: Any) -> list[Array]:
    arrays: list[Array] = []
    for cells in layers_of("to_keras", model):
        for cell in cells:
            layout = layout_for("to_keras", KERAS, cell)
            arrays += write("to_keras", layout, cell).values()
    return arrays
