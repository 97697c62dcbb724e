"""The layers in a .keras or .weights.h5 file of Keras 3."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigrad.errors import ArgumentError, DataError
from minigrad.internal import Array
from minigrad.models.train.tensorfile import shown

CALLER = "from_keras"
RECURRENT = {"SimpleRNN", "GRU", "LSTM"}
RECURRENT |= {f"{name}Cell" for name in RECURRENT} | {"Bidirectional"}
# The class of a group of a file that says no classes, by what Keras calls it.
CLASSES = {
    "simple_rnn": "SimpleRNN",
    "gru": "GRU",
    "lstm": "LSTM",
    "bidirectional": "Bidirectional",
    "embedding": "Embedding",
    "dense": "Dense",
}


class Layer(NamedTuple):
    """A layer of Keras: its arrays, and its settings where the source says them."""

    name: str
    kind: str
    config: Mapping[str, Any]
    arrays: list[Array]


def of_file(path: Path) -> list[Layer]:
    """Raises DataError that names the file where it cannot be read."""
    try:
        import h5py
    except ImportError:
        raise DataError(CALLER, got="h5py is not installed", remedy="pip install h5py") from None
    try:
        if path.suffix != ".keras":
            with h5py.File(path, "r") as file:
                return _without_settings(_groups(file), path)
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            weights = io.BytesIO(archive.read("model.weights.h5"))
        with h5py.File(weights, "r") as file:
            return _with_settings(_groups(file), config["config"]["layers"])
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile, RecursionError) as error:
        if isinstance(error, DataError | ArgumentError):
            raise
        why = shown(str(error).partition("\n")[0]).rstrip(".")
        remedy = "Make one with model.save(path) of Keras 3"
        raise DataError(CALLER, got=f"'{path}' cannot be read: {why}", remedy=remedy) from None


def _groups(file: Any) -> dict[str, list[Array]]:
    """The arrays of every layer in a file, by what the file calls it."""
    groups: dict[str, list[Array]] = {}
    for name, group in file["layers"].items():
        paths: list[str] = []
        group.visit(paths.append)
        # Dropout keeps the state of its random numbers there.
        paths = [path for path in paths if "seed_generator" not in path]
        # The file lists what is in it by the alphabet: backward before forward.
        paths.sort(key=lambda path: ("backward" in path, natural(path)))
        groups[name] = [np.asarray(group[p]) for p in paths if hasattr(group[p], "shape")]
    return groups


def _with_settings(
    groups: dict[str, list[Array]], configs: Sequence[Mapping[str, Any]]
) -> list[Layer]:
    """The layers in the order of the settings, each with its group of the file.

    Keras calls the group by the class, the second of a class lstm_1, whatever the layer's name.
    """
    layers = []
    seen: Counter[str] = Counter()
    for config in configs:
        kind = config["class_name"]
        base = snake_case(kind)
        group = f"{base}_{seen[base]}" if seen[base] else base
        seen[base] += 1
        layers.append(
            Layer(config["config"]["name"], kind, config["config"], groups.get(group, []))
        )
    return layers


def snake_case(name: str) -> str:
    """What Keras calls the group of a class: ``simple_rnn`` for SimpleRNN.

    >>> snake_case("SimpleRNN"), snake_case("LSTM"), snake_case("SpatialDropout1D")
    ('simple_rnn', 'lstm', 'spatial_dropout1d')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _without_settings(groups: dict[str, list[Array]], path: Path) -> list[Layer]:
    """The layers of a file that says names and arrays only: Keras's defaults are assumed.

    Raises ArgumentError where it does not say their order.
    """
    found: dict[str, list[Layer]] = {"Embedding": [], "recurrent": [], "Dense": []}
    bases = set()
    for name in sorted(groups, key=natural):
        base = re.sub(r"_\d+$", "", name)
        if not groups[name]:
            continue
        kind = CLASSES.get(base, base)
        place = "recurrent" if kind in RECURRENT else kind
        if place == "recurrent":
            bases.add(base)
        found.setdefault(place, []).append(Layer(name, kind, {}, groups[name]))
    if len(bases) > 1:
        got = f"'{path}', which does not say in which order {' and '.join(sorted(bases))} stand"
        raise ArgumentError(CALLER, got=got, remedy="Give the model, or a .keras file")
    return [layer for layers in found.values() for layer in layers]


def natural(path: str) -> list[tuple[int, str]]:
    """The order in which people count: lstm_2 before lstm_10.

    >>> sorted(["lstm_10", "lstm_2", "lstm"], key=natural)
    ['lstm', 'lstm_2', 'lstm_10']
    """
    parts = re.findall(r"\d+|\D+", path)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
