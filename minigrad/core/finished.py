"""What backward() has finished with is not kept in memory by what is computed next.

Three habits would let one tape hold all earlier ones: a running ``total += loss``, state that is
carried by ``h = mg.detach(h)``, and parameters that an update makes (``W = W - lr * g``). What lies
behind such a value is let go of where nobody can ask for a gradient through it any more.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.errors import GradientError

from .gates import CLOSED
from .inspection.asking import renew_shown_frames

if TYPE_CHECKING:
    from .tensor import Tensor

MAX_NODES_OF_AN_UPDATE = 32


# --- total += loss --------------------------------------------------------------------------------
def released(fn: Any, inputs: list[Tensor]) -> list[Tensor]:
    """The inputs of a number, those numbers without their past that backward() has finished with.

    Only what adds up, or reads nothing else, is taken for a total: ``h * w`` may be state.
    """
    finished = [x.requires_grad and _is_finished(x) for x in inputs]
    adds = fn is np.add or fn is np.subtract
    if not adds and any(x.requires_grad > done for x, done in zip(inputs, finished, strict=True)):
        return inputs
    return [_without_past(x) if done else x for x, done in zip(inputs, finished, strict=True)]


def _is_finished(x: Tensor) -> bool:
    """Whether backward() was called on this number, or on all that it was made of."""
    if x.size != 1:
        return False
    parts = [i for i in x.inputs if i.requires_grad]
    return _is_root(x) or (bool(parts) and all(map(_is_root, parts)))


def _is_root(x: Tensor) -> bool:
    return x.asked and x.swept > 0


def _without_past(x: Tensor) -> Tensor:
    """A leaf in its stead; to go backward to it is an error."""
    if x.fn is None:
        return x
    leaf: Tensor = type(x)(x._array, True, x.name, like=x)
    leaf.swept = 1
    leaf.asked = True
    return leaf


def went_through(leaf: Tensor) -> GradientError:
    """The error for a gradient that arrives at a leaf without past."""
    got = f"an earlier backward() already went through '{leaf.label}' and let go of it"
    remedy = "Pass retain_graph=True to that one, or add the losses up before it"
    return GradientError("backward", got=got, remedy=remedy, where=leaf.where)


# --- h = mg.detach(h) -----------------------------------------------------------------------------
def let_go_behind_gates(nodes: Iterable[Tensor], sweep: int) -> None:
    """Make leaves of the closed gates that these nodes read, if an earlier sweep finished there."""
    for node in nodes:
        for x in node.inputs:
            if x.fn in CLOSED and 0 < x.inputs[0].swept < sweep:
                cut_off(x)


def cut_off(gate: Tensor) -> None:
    """Make a closed gate the leaf that ``.detach()`` would have given."""
    gate.cut = f"{gate.op}()"
    _forget(gate)


# --- W = W - lr * g -------------------------------------------------------------------------------
def let_go_of_updates(targets: Iterable[Tensor]) -> None:
    """Make leaves of the targets that were made from earlier targets which nobody holds any more.

    Who holds an earlier one, or anything on the way, may ask through it: then the past stays.
    """
    for x in targets:
        if x.fn is not None and _is_update(x):
            _forget(x)
        x.asked = True


def _is_update(x: Tensor) -> bool:
    references: Counter[Tensor] = Counter()
    waiting = [x]
    while waiting:
        if len(references) > MAX_NODES_OF_AN_UPDATE:
            return False
        for source in waiting.pop().inputs:
            if not source.requires_grad:
                continue
            references[source] += 1
            if source.asked != (source.fn is None):
                # a leaf that was no target, or an earlier target that somebody may ask through
                return False
            if references[source] == 1:
                waiting.append(source)
    return bool(references) and not _are_held(references)


def _are_held(references: Counter[Tensor]) -> bool:
    """Whether anybody refers to one of these nodes but the nodes that read them.

    A debugger that has shown a frame is nobody.
    """
    if not _are_counted(references):
        return False
    renew_shown_frames()
    return _are_counted(references)


def _are_counted(references: Counter[Tensor]) -> bool:
    held = _references(references)
    return any(held[x] - _OWN_REFERENCES > count for x, count in references.items())


def _references(keys: Iterable[Any]) -> dict[Any, int]:
    """How many references Python counts to each key, in here and out there."""
    counts = {}
    for key in keys:
        counts[key] = sys.getrefcount(key)
    return counts


def _own_references() -> int:
    """How many of them are from in here: other Pythons count otherwise."""
    holder = (object(),)
    (count,) = _references(Counter(holder)).values()
    return count - len(holder)


_OWN_REFERENCES = _own_references()


def _forget(x: Tensor) -> None:
    x.fn = None
    x.inputs = ()
    x.kwargs = {}
    x.grad = None
