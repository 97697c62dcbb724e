"""Replay: a tape run forward again with other values in its leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from minigrad.core.tensor import Array, Tensor
from minigrad.errors import ShapeError
from minigrad.ops import OPS

from .feeds import Feeds, Leaves, Missing
from .live import live_leaves, refresh
from .off_tape import frozen_refusal, is_frozen

if TYPE_CHECKING:
    from minigrad.core.tape import Tape


def replay(tape: Tape, feeds: Feeds | None = None, missing: Missing = "error") -> tuple[Array, ...]:
    """The arrays of the tape's outputs where its leaves have these values: ``Tape.replay``."""
    carried = [leaf for leaf, _ in tape.carried]
    refresh(live_leaves(tape.leaves))
    fed = Leaves("replay", tape.leaves, tape.names, carried).arrays(feeds or {}, missing)
    for leaf in tape.leaves:
        if is_frozen(leaf) and leaf not in fed and _may_be_old(leaf, tape, fed):
            raise frozen_refusal("replay", leaf)
    return run(tape, fed)


def run(tape: Tape, fed: Mapping[Tensor, Array]) -> tuple[Array, ...]:
    """The arrays of the tape's outputs, whatever lies beside the tape."""
    values: dict[Tensor, Array] = {}
    for node in tape.nodes:
        if node.fn is not None:
            values[node] = _computed(tape, node, values)
        elif node in fed:
            values[node] = fed[node].astype(node.dtype)
        else:
            values[node] = node.data
    return tuple(values[o] for o in tape.outputs)


def _may_be_old(frozen: Tensor, tape: Tape, fed: Mapping[Tensor, Array]) -> bool:
    """Whether a leaf that it may have been computed from is fed, or was assigned since."""
    older = [leaf for leaf in tape.leaves if leaf.born < frozen.born]
    return any(leaf in fed or leaf.assigned > frozen.born for leaf in older)


def _computed(tape: Tape, node: Tensor, values: Mapping[Tensor, Array]) -> Array:
    """The value of a node computed from those of its inputs, in the shape that it had."""
    inputs = [values[x] for x in node.inputs]
    value = np.asarray(OPS[node.fn].call(*inputs, **node.kwargs))  # type: ignore[index]  # no leaf
    if value.shape != node.shape:
        got = f"'{tape.names[node]}' was {node.shape} and would be {value.shape}"
        raise ShapeError("replay", got=got, remedy="Record it anew", where=node.where)
    return value
