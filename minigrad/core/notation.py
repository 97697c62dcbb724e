"""A rule's sentence with the names filled in: ``dL/dh_2 += W_hhᵀ · dL/dh_3``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from minigrad.ops import OPS
from minigrad.ops.table import Template, Templates

from . import gates

# A Tensor; this file stands below the one that defines it.
Node = Any
Names = Mapping[Node, str]

NOTATION = {
    "·": "matrix product",
    "⊙": "elementwise product",
    "⊗": "outer product",
    "ᵀ": "transposed",
    "⁻¹": "inverse",
    "[": "[condition]: 1 where it holds, else 0; x[i]: an element",
    "‖": "Euclidean norm",
    "spread": "repeated along the axes that were folded away",
    "ties": "how many elements share the extreme",
}
"""The signs and words of the sentences that are not NumPy's."""

# Their operands may be broadcast, as those of ufuncs are.
BROADCASTS = {np.where, np.broadcast_to, gates.scale_grad}
# They may hand down the cotangent as it is, so that it keeps its name.
HANDS_DOWN = {np.add, np.subtract, gates.alias, gates.recompute}


# --- the sentence of a rule -----------------------------------------------------------------------
def templates(n: Node) -> Templates:
    """The template for each input of this node; None where no gradient passes."""
    op = OPS[n.fn]
    says = op.says
    if callable(says):
        says = says(n)
    if isinstance(says, str):
        says = (says,)
    if says is None:
        unsaid = f"vjp({n.op}, {{g}})"
        slots = range(len(n.inputs))
        return tuple(unsaid if op.passes(slot) else None for slot in slots)
    return tuple(_summed_where_broadcast(n, slot, t) for slot, t in enumerate(says))


def letters(n: Node) -> list[str]:
    """The letter of each input in this node's templates."""
    return OPS[n.fn].letters(len(n.inputs))


def filled(n: Node, template: str, names: Names, g: str) -> str:
    """A template with the names of this node's inputs, its result and its cotangent."""
    words: dict[str, Any] = {"axis": -1, "max_norm": 1.0, **n.kwargs}
    words |= {"y": names.get(n, n.label), "g": g}
    for word, x in zip(letters(n), n.inputs, strict=True):
        words[word] = _operand(x, names)
    return template.format(**words)


def _operand(x: Node, names: Names) -> str:
    """A number as its value, everything else by its name."""
    if x.fn is None and x.size == 1 and x.name is None:
        return f"{x.data.item():.4g}"
    return names.get(x, x.label)


def _summed_where_broadcast(n: Node, slot: int, template: Template) -> Template:
    """The template, within a sum over the axes along which its operand was broadcast."""
    stretches = isinstance(n.fn, np.ufunc) or n.fn in BROADCASTS
    if template is None or not stretches:
        return template
    x = n.inputs[slot]
    shape = _contribution_shape(n, slot)
    if x.shape == shape:
        return template
    if not shape:
        return f"sum over the batch of {template}"
    lead = len(shape) - x.ndim
    axes = list(range(lead))
    for a in range(x.ndim):
        if x.shape[a] == 1 and shape[lead + a] != 1:
            axes.append(lead + a)
    if axes:
        return f"sum({template}, axis={axes[0] if len(axes) == 1 else tuple(axes)})"
    return template


def _contribution_shape(n: Node, slot: int) -> tuple[int, ...]:
    """The shape of what the rule computes, before the sweep sums it to that of the input.

    () stands for a batch of products with a vector, whose axes do not line up with the operand's.
    """
    shape: tuple[int, ...] = n.shape
    if n.fn is not np.matmul:
        return shape
    operand_shape: tuple[int, ...] = n.inputs[slot].shape
    ndims = [x.ndim for x in n.inputs]
    if min(ndims) >= 2:
        return (*shape[:-2], *operand_shape[-2:])
    return operand_shape if max(ndims) < 3 else ()


# --- the names of adjoints ------------------------------------------------------------------------
def cotangents(nodes: tuple[Node, ...], names: Names, loss: str) -> dict[Node, str]:
    """What each adjoint is called: ``dL/dh_3``.

    An unnamed sum of matrix products has the adjoint that its one reader hands down unchanged, so
    it bears that reader's name, and equation 9.7.14 reads as in the book: dL/dh_2 += W_hhᵀ ·
    dL/dh_3.
    """
    readers: dict[Node, list[tuple[Node, int]]] = {}
    for n in nodes:
        for slot, x in enumerate(n.inputs):
            if x.requires_grad:
                readers.setdefault(x, []).append((n, slot))
    adjoints: dict[Node, str] = {}
    for n in reversed(nodes):
        adjoints[n] = f"d{loss}/d{names[n]}"
        unnamed_result = n.fn is not None and n.name is None
        if unnamed_result and len(readers.get(n, [])) == 1:
            reader, slot = readers[n][0]
            if reader.fn in HANDS_DOWN and templates(reader)[slot] == "{g}":
                adjoints[n] = adjoints[reader]
    return adjoints


_words: WeakKeyDictionary[Any, tuple[Names, Names]] = WeakKeyDictionary()


def words_of(tape: Any) -> tuple[Names, Names]:
    """The names of a tape's nodes and of their adjoints."""
    if tape not in _words:
        _words[tape] = tape.names, cotangents(tape.nodes, tape.names, _loss(tape))
    return _words[tape]


def sentences(n: Node, sent: Sequence[Any], tape: Any = None) -> list[str | None]:
    """For each input that is sent something ``dL/dh_2 += W_hhᵀ · dL/dh_3``, None for the others."""
    names: Names = {}
    adjoints: Names = {}
    if tape is not None:
        names, adjoints = words_of(tape)
    if n.fn is None:
        return []
    g = adjoints.get(n, f"dL/d{n.label}")
    lines: list[str | None] = []
    for x, contribution, template in zip(n.inputs, sent, templates(n), strict=True):
        own_name = names.get(x, x.label)
        adjoint = adjoints.get(x, f"dL/d{own_name}")
        if contribution is None or template is None:
            lines.append(None)
        elif adjoint == g:
            # Handed down unchanged, under the same name.
            lines.append(f"d{_loss(tape)}/d{own_name} = {g}")
        else:
            lines.append(f"{adjoint} += {filled(n, template, names, g)}")
    return lines


def _loss(tape: Any) -> str:
    return str(tape.outputs[0].name or "L")
