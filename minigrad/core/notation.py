"""Formulas with the names filled in: ``dL/dh_2 += W_hhᵀ · dL/dh_3``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from minigrad.ops import OPS
from minigrad.ops.formulas import FORMULAS, Node, Templates, letter
from minigrad.ops.indexing import getitem, scatter

from . import gates


def templates(n: Node) -> Templates:
    """The template for each input of this node; None where no gradient passes."""
    found = OPS[n.fn].says or FORMULAS.get(n.fn)
    found = found(n) if callable(found) else (found,) if isinstance(found, str) else found
    if found is None:
        return tuple(
            f"vjp({n.op}, {{g}})" if OPS[n.fn].passes(i) else None for i in range(len(n.inputs))
        )
    return tuple(_conformed(n, slot, t) for slot, t in enumerate(found))


def letters(n: Node) -> list[str]:
    """The letter of each input in this node's templates."""
    if n.fn is np.where:
        return ["c", "a", "b"]
    several = n.fn in (getitem, scatter) or len(n.inputs) > 1
    return [letter(i, 2 if several else 1) for i in range(len(n.inputs))]


def _conformed(n: Node, slot: int, template: str | None) -> str | None:
    """Where the operand was broadcast, the axes that its cotangent is summed over."""
    stretched = isinstance(n.fn, np.ufunc) or n.fn in (np.where, np.broadcast_to, gates.scale_grad)
    x, shape = n.inputs[slot], n.shape
    if template is None or not stretched:
        return template
    if n.fn is np.matmul:
        a, b = n.inputs
        if min(a.ndim, b.ndim) < 2:
            shape = x.shape if max(a.ndim, b.ndim) < 3 else ()
        else:
            shape = (*shape[:-2], *x.shape[-2:])
    if x.shape == shape:
        return template
    lead = len(shape) - x.ndim
    axes = [i for i, k in enumerate(shape) if i < lead or (k != 1 and x.shape[i - lead] == 1)]
    if not axes:
        return template if shape else f"sum over the batch of {template}"
    return f"sum({template}, axis={axes[0] if len(axes) == 1 else tuple(axes)})"


def filled(n: Node, template: str, words: Mapping[Node, str], g: str) -> str:
    """A template with the names of this node's inputs, its result and its cotangent."""
    names = dict(zip(letters(n), (_operand(x, words) for x in n.inputs), strict=True))
    named = {"y": words.get(n, n.label), "g": g, "axis": -1, "max_norm": 1.0}
    return template.format(
        **{**named, **{k: v for k, v in n.kwargs.items() if k not in ("g", "y")}, **names}
    )


def _operand(x: Node, words: Mapping[Node, str]) -> str:
    if x.fn is None and x.size == 1 and x.name is None:
        return f"{x.data.item():.4g}"
    return words.get(x, x.label)


def cotangents(nodes: tuple[Node, ...], names: Mapping[Node, str], loss: str) -> dict[Node, str]:
    """What each adjoint is called: ``dL/dh_3``.

    An unnamed sum of matrix products has the adjoint that its one reader hands down unchanged, so it bears that
    reader's name, and equation 9.7.14 reads as in the book: dL/dh_2 += W_hhᵀ · dL/dh_3.
    """
    readers: dict[Node, list[tuple[Node, int]]] = {}
    for n in nodes:
        for slot, x in enumerate(n.inputs):
            if x.requires_grad:
                readers.setdefault(x, []).append((n, slot))
    found: dict[Node, str] = {}
    for n in reversed(nodes):
        found[n] = f"d{loss}/d{names[n]}"
        if n.fn is not None and n.name is None and len(its := readers.get(n, [])) == 1:
            reader, slot = its[0]
            if (
                reader.fn in (np.add, np.subtract, gates.alias, gates.recompute)
                and templates(reader)[slot] == "{g}"
            ):
                found[n] = found[reader]
    return found


_words: WeakKeyDictionary[Any, tuple[Mapping[Node, str], Mapping[Node, str]]] = WeakKeyDictionary()


def words_of(tape: Any) -> tuple[Mapping[Node, str], Mapping[Node, str]]:
    """The names of a tape's nodes and of their adjoints."""
    if tape not in _words:
        _words[tape] = tape.names, cotangents(tape.nodes, tape.names, _loss(tape))
    return _words[tape]


def sentences(n: Node, sent: Sequence[Any], tape: Any = None) -> list[str | None]:
    """For each input that is sent something: ``dL/dh_2 += W_hhᵀ · dL/dh_3``; None for the others."""
    names, adjoints = words_of(tape) if tape is not None else ({}, {})
    if n.fn is None:
        return []
    g = adjoints.get(n, f"dL/d{n.label}")
    lines: list[str | None] = []
    for x, c, template in zip(n.inputs, sent, templates(n), strict=True):
        to = adjoints.get(x, f"dL/d{names.get(x, x.label)}")
        if c is None or template is None:
            lines.append(None)
        else:  # "=": handed down unchanged, under the same name
            same = f"d{_loss(tape)}/d{names.get(x, x.label)} = {g}"
            lines.append(same if to == g else f"{to} += {filled(n, template, names, g)}")
    return lines


def _loss(tape: Any) -> str:
    return str(tape.outputs[0].name or "L")
