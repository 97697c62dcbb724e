"""Weights of Flax and Equinox, in and out: trees of arrays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from minigrad.errors import ArgumentError
from minigrad.internal import Array
from minigrad.models.train.tensorfile import shown

from .assembly import assembled, layers_of
from .keras_files import natural
from .layouts import EQUINOX, LINEN, NNX, Layout
from .packing import chosen, layout_for, read, write
from .pytorch import as_array

# What to_flax writes for; the cell of Flax that an LSTM is differs.
FLAX: dict[str, tuple[Layout, ...]] = {
    "linen": LINEN,
    "nnx": NNX,
    "nnx.LSTMCell": NNX[-1:],
}


def from_flax(source: Any, activation: str = "tanh", dtype: Any = None) -> Any:
    """A model of ours with the weights of Flax's SimpleCell, GRUCell, LSTMCell, OptimizedLSTMCell.

    ``source``: the parameters of a linen module, a nested dict with or without "params", or those
    of an nnx one, ``nnx.state(module, nnx.Param)``. Each dict of a cell's arrays is a layer, in the
    order of their names; two that are forward and backward are one layer of ``Bidirectional``.
    ``activation``: of SimpleCell, whose parameters do not say it. ``dtype`` as in ``from_torch``.

    Returns a cell, ``Stacked`` or ``Bidirectional``. Raises ArgumentError, ShapeError or DTypeError
    that names the array; all have to be used.

    >>> import numpy as np
    >>> from minigrad import models
    >>> inputs = {"kernel": np.ones((3, 2)), "bias": np.zeros(2)}
    >>> cell = models.from_flax({"params": {"i": inputs, "h": {"kernel": np.ones((2, 2))}}})
    >>> type(cell).__name__, cell.W_xh.shape
    ('RNNCell', (3, 2))
    """
    caller = "from_flax"
    groups: defaultdict[tuple[str, ...], dict[str, Array]] = defaultdict(dict)
    if not isinstance(source, Mapping):
        expected = "expected a dict of parameters, or nnx.state(module, nnx.Param)"
        raise ArgumentError(caller, got=f"a {type(source).__name__}", expected=expected)
    for path, value in _leaves(source, ()):
        name = ".".join(path)
        owner = path[:-2]
        array = ".".join(path[-2:])
        groups[owner][array] = as_array(caller, name, value)
    layers: defaultdict[str, list[Any]] = defaultdict(list)
    # Forward before backward, as the alphabet does not.
    for path in sorted(groups, key=_order):
        where = "".join(f"{part}." for part in path)
        arrays = groups[path]
        layout = chosen(caller, LINEN + NNX, arrays, where)
        settings = {}
        if layout.kind == "rnn":
            settings["activation"] = activation
        cell = read(
            caller,
            layout,
            arrays,
            dtype,
            where,
            **settings,
        )
        layer = where.replace("backward", "forward")
        layers[layer].append(cell)
    if not layers:
        raise ArgumentError(caller, got="no arrays", expected="expected those of a cell")
    return assembled(caller, [tuple(cells) for cells in layers.values()])


def _leaves(tree: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What is no dict, with its keys."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value


def _order(path: tuple[str, ...]) -> Any:
    """By the names as people count, all forward directions first."""
    joined = "/".join(path)
    return "backward" in joined, natural(joined)


def to_flax(model: Any, api: str = "linen") -> dict[str, Any]:
    """The parameters of Flax's cell, a nested dict: ``cell.apply({"params": this}, ...)``.

    ``api``: "linen", "nnx" (SimpleCell, GRUCell, OptimizedLSTMCell; for ``nnx.update``), or
    "nnx.LSTMCell". Of several layers it is a dict layer_0, layer_1, ..., of two directions each
    has "forward" and "backward". A second bias is added to the first where Flax has one only.

    Raises ArgumentError for what Flax has not: a GRU that resets before the product, a projection,
    and in nnx a GRU with a bias b_hh that is not zero.

    >>> from minigrad import models
    >>> tree = models.to_flax(models.GRUCell(3, 2, reset="after"))
    >>> sorted(tree), tree["hn"]["bias"].shape
    (['hn', 'hr', 'hz', 'in', 'ir', 'iz'], (2,))
    """
    if api not in FLAX:
        expected = f"expected one of {', '.join(FLAX)}"
        raise ArgumentError("to_flax", got=f"api={api!r}", expected=expected)
    layers = []
    for cells in layers_of("to_flax", model):
        trees = [_tree(cell, FLAX[api]) for cell in cells]
        both = dict(zip(("forward", "backward"), trees, strict=False))
        layers.append(trees[0] if len(trees) == 1 else both)
    if len(layers) == 1:
        return layers[0]
    return {f"layer_{number}": layer for number, layer in enumerate(layers)}


def _tree(cell: Any, layouts: tuple[Layout, ...]) -> dict[str, Any]:
    tree: dict[str, dict[str, Array]] = {}
    layout = layout_for("to_flax", layouts, cell)
    for name, array in write("to_flax", layout, cell).items():
        part, _, leaf = name.partition(".")
        tree.setdefault(part, {})[leaf] = array
    return tree


def from_equinox(source: Any, dtype: Any = None) -> Any:
    """A model of ours with the weights of Equinox's GRUCell or LSTMCell.

    ``source``: a cell, or a list of them from below, or a dict of its arrays as ``to_equinox``
    gives it. ``dtype`` as in ``from_torch``. Returns a cell or ``Stacked``. Raises ArgumentError,
    ShapeError or DTypeError that names the array.

    >>> import numpy as np
    >>> from minigrad import models
    >>> cell = models.from_equinox({"weight_ih": np.ones((8, 3)), "weight_hh": np.ones((8, 2))})
    >>> type(cell).__name__, cell.W_xi.shape
    ('LSTMCell', (3, 2))
    """
    caller = "from_equinox"
    layers = []
    cells = source if isinstance(source, (list, tuple)) else [source]
    for number, cell in enumerate(cells):
        where = f"layer {number}: " if len(cells) > 1 else ""
        arrays = {}
        for name, value in _fields(caller, cell).items():
            if value is not None:
                arrays[name] = as_array(caller, where + name, value)
        layout = chosen(caller, EQUINOX, arrays, where)
        layers.append((read(caller, layout, arrays, dtype, where),))
    if not layers:
        raise ArgumentError(caller, got="no cells", expected="expected a cell or more")
    return assembled(caller, layers)


def _fields(caller: str, cell: Any) -> Mapping[str, Any]:
    """The arrays of a cell of Equinox's by name."""
    if isinstance(cell, Mapping):
        return cell
    names = {row.array for layout in EQUINOX for row in layout.rows}
    fields = {name: getattr(cell, name) for name in sorted(names) if hasattr(cell, name)}
    if not fields:
        got = shown(f"a {type(cell).__name__}")
        raise ArgumentError(caller, got=got, expected="expected a GRUCell or LSTMCell of Equinox")
    return fields


def to_equinox(model: Any) -> Any:
    """The arrays of Equinox's cell by name, or of several layers a list of them, for ``tree_at``.

    ``eqx.tree_at(lambda c: [getattr(c, name) for name in arrays], cell, list(arrays.values()))``.
    Raises ArgumentError for what Equinox has not: an RNN, a GRU that resets before the product, a
    projection, two directions.

    >>> from minigrad import models
    >>> {name: a.shape for name, a in models.to_equinox(models.LSTMCell(3, 2)).items()}
    {'weight_ih': (8, 3), 'weight_hh': (8, 2), 'bias': (8,)}
    """
    layers = []
    for cells in layers_of("to_equinox", model):
        if len(cells) > 1:
            raise ArgumentError("to_equinox", got="two directions", expected="Equinox has one")
        layout = layout_for("to_equinox", EQUINOX, cells[0])
        layers.append(write("to_equinox", layout, cells[0]))
    return layers[0] if len(layers) == 1 else layers
