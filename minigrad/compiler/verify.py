"""What a legal graph is. Passes are checked against it in the tests; a plan is compiled without."""

from __future__ import annotations

import math
from typing import NoReturn

import numpy as np

from .graph import Graph, Node
from .primitives import PAIRWISE, kept
from .traits import elementwise
from .views import is_view


class IllegalGraphError(Exception):
    """An internal error: a pass has made a graph that breaks a rule of verify."""


def verify(graph: Graph) -> None:
    """Check every node of a graph. Cost: linear.

    Operands come before their readers and no node comes twice; leaves have a value or are inputs;
    shapes and dtypes are those that the function gives, for elementwise functions, products of
    matrices and views.

    Raises: IllegalGraphError for the first node that breaks a rule.
    """
    seen = set[Node]()
    for n in graph.nodes:
        if n in seen:
            _refuse(n, "comes twice")
        for x in n.inputs:
            if x not in seen:
                _refuse(n, f"reads {x}, which does not come before it")
        if n.fn is None:
            _verify_leaf(n)
        else:
            _verify_operation(n)
        seen.add(n)
    for output in graph.outputs:
        if output not in seen:
            _refuse(output, "is an output and not among the nodes")


def _verify_leaf(n: Node) -> None:
    if n.inputs:
        _refuse(n, "is a leaf and has operands")
    source = n.leaf if n.value is None else n.value
    if source is None:
        _refuse(n, "is a leaf that is neither an input nor a constant")
    if source.shape != n.shape or source.dtype != n.dtype:
        _refuse(n, f"stands for {source.dtype}{list(source.shape)}")


def _verify_operation(n: Node) -> None:
    if n.leaf is not None or n.value is not None:
        _refuse(n, "is an operation and has what a leaf has")
    expected = n.shape
    if elementwise(n.fn):
        expected = np.broadcast_shapes(*[x.shape for x in n.inputs])
    elif n.fn is np.matmul:
        expected = _shape_of_product(n)
    elif n.fn is np.reshape:
        source = n.inputs[0].shape
        if math.prod(n.shape) != math.prod(source):
            _refuse(n, f"reshapes {source}")
    if n.shape != expected:
        _refuse(n, f"has operands that give the shape {expected}")
    dtypes = {x.dtype for x in n.inputs}
    if _keeps_dtype(n) and dtypes != {n.dtype}:
        _refuse(n, f"is {n.dtype} of {', '.join(sorted(map(str, dtypes)))}")


def _shape_of_product(n: Node) -> tuple[int, ...]:
    """The shape of a product of two arrays of two axes or more; of vectors, whatever it is."""
    a, b = [x.shape for x in n.inputs]
    if len(a) < 2 or len(b) < 2:
        return n.shape
    if a[-1] != b[-2]:
        _refuse(n, f"multiplies {a} by {b}")
    stack = np.broadcast_shapes(a[:-2], b[:-2])
    return (*stack, a[-2], b[-1])


def _keeps_dtype(n: Node) -> bool:
    """Whether the operands have the dtype of the result."""
    return n.fn is kept or n.fn in PAIRWISE or is_view(n)


def _refuse(n: Node, does: str) -> NoReturn:
    raise IllegalGraphError(f"{n!r} {does}")
