"""Weights of PyTorch, in and out: modules, state_dicts, .safetensors files."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, DataError
from minigrad.internal import Array, write_atomically
from minigrad.models.language_model import RNNLM
from minigrad.models.train import tensorfile

from .assembly import assembled, input_size, language_model, layers_of
from .layouts import TORCH
from .packing import chosen, layout_for, read, write

RECURRENT = re.compile(
    r"(?P<prefix>.*?)(?P<array>(weight|bias)_(ih|hh|hr))(_l(?P<layer>\d+))?(?P<back>_reverse)?"
)
# What an embedding is called, where its shape could be that of a linear layer too.
EMBEDDING = re.compile("emb|enc|wte|tok|lookup", re.IGNORECASE)


def from_torch(source: Any, activation: str = "tanh", dtype: Any = None) -> Any:
    """A model of ours with the weights of an nn.RNN, nn.GRU, nn.LSTM or one of their cells.

    ``source``: the module, its state_dict (of torch tensors or arrays), or the path of a
    ``.safetensors`` file. Beside one recurrent module there may be a linear layer, and an embedding
    in front: then it is a language model, ``RNNLM``. ``activation``: "relu" for an nn.RNN of that
    ``nonlinearity``, which a state_dict does not say. ``dtype`` converts, such as np.float64; the
    default keeps float32 and float64 and refuses others.

    Returns a cell, ``Stacked``, ``Bidirectional`` or ``RNNLM``, for ``models.unroll``, which takes
    time first, (T, B, d), whatever ``batch_first`` was. Dropout is not carried over. Raises
    DataError, ArgumentError, ShapeError or DTypeError that names the array; all have to be used.

    >>> from minigrad import models
    >>> state_dict = {"weight_ih_l0": np.ones((6, 3)), "weight_hh_l0": np.ones((6, 2))}
    >>> cell = models.from_torch(state_dict)
    >>> type(cell).__name__, cell.reset, cell.W_xr.shape
    ('GRUCell', 'after', (3, 2))
    """
    caller = "from_torch"
    arrays = _arrays(source)
    groups: defaultdict[str, defaultdict[tuple[int, bool], dict[str, Array]]]
    groups = defaultdict(lambda: defaultdict(dict))
    others = {}
    for name, array in arrays.items():
        match = RECURRENT.fullmatch(name)
        if match is None:
            others[name] = array
            continue
        place = int(match["layer"] or 0), match["back"] is not None
        groups[match["prefix"]][place][match["array"]] = array
    if len(groups) != 1:
        listed = ", ".join(f"{prefix}weight_ih..." for prefix in groups) or "none in it"
        expected = "expected the weights of one nn.RNN, nn.GRU or nn.LSTM"
        raise ArgumentError(caller, got=tensorfile.shown(listed), expected=expected)
    ((prefix, places),) = groups.items()
    activation = _activation(source) or activation
    layers = _layers(prefix, places, activation, dtype)
    if not others:
        return assembled(caller, layers)
    embedding, linear = _parts(others, input_size(layers[0][0]))
    bias = others.get(f"{linear}.bias")
    head_name = f"{linear}.weight"
    head = head_name, others[head_name].T
    named_table = None
    if embedding is not None:
        table_name = f"{embedding}.weight"
        named_table = table_name, others[table_name]
    named_bias = None
    if bias is not None:
        named_bias = f"{linear}.bias", bias
    return language_model(
        caller,
        layers,
        named_table,
        head,
        named_bias,
        dtype,
    )


def _layers(
    prefix: str,
    places: Mapping[tuple[int, bool], dict[str, Array]],
    activation: str,
    dtype: Any,
) -> list[tuple[Any, ...]]:
    """The cells, by layer and direction."""
    caller = "from_torch"
    both = any(back for _, back in places)
    count = max(layer for layer, _ in places) + 1
    layers = []
    for layer in range(count):
        cells = []
        for back in (False, True)[: 1 + both]:
            if (layer, back) not in places:
                got = f"no {prefix}weight_ih_l{layer}{'_reverse' if back else ''}"
                raise ArgumentError(caller, got=got, expected=f"expected {count} layers")
            arrays = places[layer, back]
            where = f"layer {layer}{', reverse' if back else ''}: {prefix}"
            layout = chosen(caller, TORCH, arrays, where)
            settings = {"activation": activation} if layout.kind == "rnn" else {}
            cells.append(read(caller, layout, arrays, dtype, where, **settings))
        layers.append(tuple(cells))
    return layers


def _arrays(source: Any) -> dict[str, Array]:
    """The arrays of a module, a state_dict or a file, by name."""
    if isinstance(source, (str, os.PathLike)):
        arrays, _ = load_foreign(source)
        return arrays
    state_dict = source.state_dict() if hasattr(source, "state_dict") else source
    if not isinstance(state_dict, Mapping):
        got = f"a {type(source).__name__}"
        expected = "expected a module, a state_dict or the path of a .safetensors file"
        raise ArgumentError("from_torch", got=got, expected=expected)
    return {name: as_array("from_torch", name, value) for name, value in state_dict.items()}


def as_array(caller: str, name: Any, value: Any) -> Array:
    """A tensor of another library's as an array. Raises ArgumentError for what is none."""
    value = value.detach() if hasattr(value, "detach") else value
    value = value.cpu() if hasattr(value, "cpu") else value
    try:
        array = np.asarray(value)
    except TypeError:
        # A dtype that NumPy does not have: bfloat16 is exact in float32, but its name is lost.
        got = f"{name} is {value.dtype}"
        remedy = f"Give {name}.float()"
        raise ArgumentError(caller, got=got, expected="NumPy has none", remedy=remedy) from None
    if array.dtype == object:
        got = f"{name} is a {type(value).__name__}"
        raise ArgumentError(caller, got=got, expected="expected an array")
    return array


def load_foreign(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays and strings of any .safetensors file.

    Raises DataError that names the file where it is none.
    """
    tensorfile.require()
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return arrays, dict(file.metadata() or {})
    except OSError as error:
        why = error.strerror or str(error)
    except (SafetensorError, ValueError, TypeError, AttributeError, KeyError) as error:
        why = tensorfile.shown(str(error).partition("\n")[0]).rstrip(".")
    remedy = "Write one with safetensors.torch.save_file(model.state_dict(), path)"
    raise DataError("from_torch", got=f"'{path}' cannot be read: {why}", remedy=remedy)


def _activation(source: Any) -> str | None:
    """The nonlinearity of a module, or of the one in it that has one."""
    if not hasattr(source, "modules"):
        return None
    names = {m.nonlinearity for m in source.modules() if hasattr(m, "nonlinearity")}
    return str(names.pop()) if len(names) == 1 else None


def _parts(others: Mapping[str, Array], inputs: int) -> tuple[str | None, str]:
    """The names of the embedding, if there is one, and of the linear layer.

    Only a linear layer has a bias; without one the shape decides, else the name. Raises
    ArgumentError that lists the arrays where they are something else.
    """
    matrices = []
    biased = []
    used = set()
    for name, array in others.items():
        module = name.removesuffix(".weight")
        if module == name or array.ndim != 2:
            continue
        matrices.append(module)
        used.add(name)
        bias = f"{module}.bias"
        if bias in others:
            biased.append(module)
            used.add(bias)
    if used == set(others):
        if len(matrices) == 1:
            return None, matrices[0]
        linear = biased or _unlike_an_embedding(matrices, others, inputs)
        if len(matrices) == 2 and len(linear) == 1:
            (embedding,) = {*matrices} - {*linear}
            return embedding, linear[0]
    listed = ", ".join(f"{name} {array.shape}" for name, array in others.items())
    got = f"beside the recurrent module {tensorfile.shown(listed)}"
    expected = "expected nothing, or one linear layer and perhaps one embedding"
    raise ArgumentError("from_torch", got=got, expected=expected)


def _unlike_an_embedding(
    matrices: list[str], others: Mapping[str, Array], inputs: int
) -> list[str]:
    """The modules that cannot be one by their shape; else those not named so."""
    shaped = []
    named = []
    for module in matrices:
        _, columns = others[f"{module}.weight"].shape
        if columns != inputs:
            shaped.append(module)
        if not EMBEDDING.search(module):
            named.append(module)
    return shaped or named


def to_torch(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    names: tuple[str, str, str] = ("embedding", "rnn", "linear"),
) -> Any:
    """The state_dict of torch tensors that the module takes, or a ``.safetensors`` file of it.

    ``nn.LSTM(...).load_state_dict(models.to_torch(model))``. With a ``path`` it is written there,
    without PyTorch, and the path returned. ``names``: of the modules, for a language model. A cell
    with one bias gives a second one of zeros.

    Raises ArgumentError for what PyTorch has not: a GRU that resets before the product. Raises
    DataError where PyTorch or safetensors is not installed, or the file cannot be written.

    >>> from minigrad import models
    >>> path = models.to_torch(models.LSTMCell(3, 2), "lstm.safetensors")
    >>> models.from_torch(path).W_xi.shape
    (3, 2)
    """
    arrays = _state_dict(model, names)
    if path is not None:
        tensorfile.require()
        from safetensors.numpy import save

        return write_atomically(Path(path), save(arrays))
    try:
        import torch
    except ImportError:
        got = "PyTorch is not installed"
        remedy = "pip install torch, or give a path to write a .safetensors file"
        raise DataError("to_torch", got=got, remedy=remedy) from None
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _state_dict(model: Any, names: tuple[str, str, str]) -> dict[str, Array]:
    """What PyTorch calls a model's parameters."""
    if not isinstance(model, RNNLM):
        return _recurrent("", model)
    embedding, recurrent, linear = names
    arrays = {}
    if model.W_e is not None:
        arrays[f"{embedding}.weight"] = model.W_e.numpy()
    arrays |= _recurrent(f"{recurrent}.", model.cell)
    arrays[f"{linear}.weight"] = np.ascontiguousarray(model.W_hq.numpy().T)
    if model.b_q.requires_grad:
        arrays[f"{linear}.bias"] = model.b_q.numpy()
    return arrays


def _recurrent(prefix: str, model: Any) -> dict[str, Array]:
    arrays = {}
    for layer, cells in enumerate(layers_of("to_torch", model)):
        for cell, suffix in zip(cells, ("", "_reverse"), strict=False):
            layout = layout_for("to_torch", TORCH, cell)
            for name, array in write("to_torch", layout, cell).items():
                arrays[f"{prefix}{name}_l{layer}{suffix}"] = array
    return arrays
