"""Replay: a tape run forward again with other values in its leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.ops import OPS

from .tensor import Array, Tensor

if TYPE_CHECKING:
    from .tape import Tape


def replay(
    tape: Tape, feeds: Mapping[Tensor | str, npt.ArrayLike] | None = None
) -> tuple[Array, ...]:
    """The arrays of the tape's outputs where its leaves have these values: ``Tape.replay``."""
    values: dict[Tensor, Array] = {}
    for key, value in (feeds or {}).items():
        leaf = _leaf(tape, key)
        values[leaf] = _fed(leaf, value)
    for node in tape.nodes:
        if node.fn is not None:
            values[node] = _computed(tape, node, values)
        elif node not in values:
            values[node] = node.data
    return tuple(values[o] for o in tape.outputs)


def _leaf(tape: Tape, key: Tensor | str) -> Tensor:
    """The leaf of the tape that a key means."""
    leaf = tape[key] if isinstance(key, str) else key
    if not isinstance(leaf, Tensor):
        raise ArgumentError("replay", got=f"the key {key!r}", expected="a leaf or its name")
    if leaf not in tape.names or leaf.fn is not None:
        raise ArgumentError("replay", got=f"'{leaf.label}' is no leaf of this tape")
    return leaf


def _fed(leaf: Tensor, value: npt.ArrayLike) -> Array:
    """The value in the shape and dtype of the leaf, or an error."""
    new = np.asarray(value)
    if new.shape != leaf.shape:
        got = f"'{leaf.label}' is {leaf.shape} and the value {new.shape}"
        raise ShapeError("replay", got=got)
    if not np.can_cast(new.dtype, leaf.dtype, "same_kind"):
        got = f"'{leaf.label}' is {leaf.dtype} and the value {new.dtype}"
        raise DTypeError("replay", got=got)
    return new.astype(leaf.dtype)


def _computed(tape: Tape, node: Tensor, values: Mapping[Tensor, Array]) -> Array:
    """The value of a node computed from those of its inputs, in the shape that it had."""
    inputs = [values[x] for x in node.inputs]
    value = np.asarray(OPS[node.fn].call(*inputs, **node.kwargs))  # type: ignore[index]  # no leaf
    if value.shape != node.shape:
        got = f"'{tape.names[node]}' was {node.shape} and would be {value.shape}"
        raise ShapeError("replay", got=got, remedy="Record it anew", where=node.where)
    return value
