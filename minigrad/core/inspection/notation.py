"""Formulas with the names filled in: ``dL/dh_2 += W_hhᵀ · dL/dh_3``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from minigrad.core import gates
from minigrad.core.tensor import Tensor
from minigrad.ops import OPS
from minigrad.ops.table import Templates

from .text import is_inlined

if TYPE_CHECKING:
    from minigrad.core.tape import Tape

Words = Mapping[Tensor, str]
_HANDS_DOWN = {np.add, np.subtract} | gates.GATES - gates.CHANGES_GRADIENT
NOTATION = {
    "·": "matrix product",
    "⊙": "elementwise product",
    "⊗": "outer product",
    "ᵀ": "transposed",
    "⁻¹": "inverse",
    "[": "[condition]: 1 where it holds, else 0; x[i]: an element",
    "‖": "Euclidean norm",
    "spread": "repeated along the axes that were folded away",
    "full": "of a convolution: with zeros in the places that its mode cut off",
    "ties": "how many elements share the extreme",
}
"""The signs and words of the sentences that are not NumPy's."""


# --- templates ------------------------------------------------------------------------------------
def templates(node: Tensor) -> Templates:
    """The template for each input of this node; None where no gradient passes."""
    op = OPS[node.fn]  # type: ignore[index]  # no leaf
    says = op.says
    if callable(says):
        says = says(node)
    if says is None:
        unsaid = f"vjp({node.op}, {{g}})"
        slots = range(len(node.inputs))
        return tuple(unsaid if op.passes(slot) else None for slot in slots)
    if isinstance(says, str):
        says = (says,)
    return tuple(_conformed(node, slot, template) for slot, template in enumerate(says))


def letters(node: Tensor) -> list[str]:
    """The letter of each input in this node's templates."""
    return OPS[node.fn].letters(len(node.inputs))  # type: ignore[index]  # no leaf


def _conformed(node: Tensor, slot: int, template: str | None) -> str | None:
    """Where the operand was broadcast, the axes that its cotangent is summed over."""
    if template is None or not _stretches(node):
        return template
    x = node.inputs[slot]
    shape = _contribution_shape(node, x)
    if x.shape == shape:
        return template
    lead = len(shape) - x.ndim
    axes = []
    for axis, length in enumerate(shape):
        if axis < lead or (length != 1 and x.shape[axis - lead] == 1):
            axes.append(axis)
    if axes:
        folded = str(tuple(axes)) if len(axes) > 1 else str(axes[0])
        return f"sum({template}, axis={folded})"
    return template if shape else f"sum over the batch of {template}"


def _stretches(node: Tensor) -> bool:
    """Whether its function broadcasts its operands."""
    fn = node.fn
    return isinstance(fn, np.ufunc) or fn in (np.where, np.broadcast_to)


def _contribution_shape(node: Tensor, x: Tensor) -> tuple[int, ...]:
    """The shape of what a broadcasting node's rule gives for x; () for one summed over a batch."""
    if node.fn is not np.matmul:
        return node.shape
    dims = [operand.ndim for operand in node.inputs]
    both_are_matrices = min(dims) >= 2
    if both_are_matrices:
        return (*node.shape[:-2], *x.shape[-2:])
    return x.shape if max(dims) < 3 else ()


def filled(node: Tensor, template: str, words: Words, g: str) -> str:
    """A template with the names of this node's inputs, its result and its cotangent."""
    result = words.get(node, node.label)
    fields: dict[str, Any] = {"y": result, "g": g, "axis": -1, "max_norm": 1.0}
    for key, value in node.kwargs.items():
        if key not in ("g", "y"):
            fields[key] = value
    # np.stack's are about no operand, of which it may have a thousand
    if "{" in template.replace("{g}", ""):
        for key, x in zip(letters(node), node.inputs, strict=True):
            fields[key] = _operand(x, words)
    return template.format(**fields)


def _operand(x: Tensor, words: Words) -> str:
    if is_inlined(x):
        return f"{x.data.item():.4g}"
    return words.get(x, x.label)


# --- the names on a tape --------------------------------------------------------------------------
class Cotangents(Mapping["Tensor", str]):
    """What each adjoint is called: ``dL/dh_3``, found when it is asked for.

    An unnamed sum of matrix products has the adjoint that its one reader hands down unchanged, so
    it bears that reader's name, and equation 9.7.14 reads as in the book: dL/dh_2 += W_hhᵀ ·
    dL/dh_3.
    """

    def __init__(self, names: Words, loss: str) -> None:
        self.names = names
        self.loss = loss
        self._known: dict[Tensor, str] = {}
        # the one reader of what has no name of its own, and where it reads
        self._use: dict[Tensor, tuple[Tensor, int] | None] = {}
        for node in names:
            for slot, x in enumerate(node.inputs):
                if x.name is None and x.requires_grad:
                    self._use[x] = None if x in self._use else (node, slot)

    def __getitem__(self, node: Tensor) -> str:
        path = []
        while node not in self._known:
            path.append(node)
            reader = self._heir(node)
            if reader is None:
                self._known[node] = f"d{self.loss}/d{self.names[node]}"
            else:
                node = reader
        name = self._known[node]
        self._known.update(dict.fromkeys(path, name))
        return name

    def _heir(self, node: Tensor) -> Tensor | None:
        """The reader that hands its adjoint down to node unchanged, if one does."""
        use = self._use.get(node)
        if node.fn is None or use is None:
            return None
        reader, slot = use
        is_handed_down = reader.fn in _HANDS_DOWN and templates(reader)[slot] == "{g}"
        return reader if is_handed_down else None

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


_words = WeakKeyDictionary["Tape", tuple[Words, Words]]()


def words_of(tape: Tape | None) -> tuple[Words, Words]:
    """The names of a tape's nodes and of their adjoints; none without a tape."""
    if tape is None:
        return {}, {}
    if tape not in _words:
        _words[tape] = tape.names, Cotangents(tape.names, _loss_name(tape))
    return _words[tape]


def _loss_name(tape: Tape | None) -> str:
    if tape is None:
        return "L"
    loss = tape.outputs[0]
    return loss.label if loss.name else "L"


def sentences(node: Tensor, sent: Sequence[Any], tape: Tape | None = None) -> list[str | None]:
    """For each input that is sent something ``dL/dh_2 += W_hhᵀ · dL/dh_3``, else None."""
    if node.fn is None:
        return []
    names, adjoints = words_of(tape)
    g = adjoints.get(node, f"dL/d{node.label}")
    lines: list[str | None] = []
    for x, c, template in zip(node.inputs, sent, templates(node), strict=True):
        if c is None or template is None:
            lines.append(None)
            continue
        name = names.get(x, x.label)
        adjoint = adjoints.get(x, f"dL/d{name}")
        if adjoint == g:
            # handed down unchanged, under the same name
            line = f"d{_loss_name(tape)}/d{name} = {g}"
        else:
            line = f"{adjoint} += {filled(node, template, names, g)}"
        lines.append(line)
    return lines
