"""Products with one-hot rows as look-ups: one_hot(t) @ W is W[t], its gradient adds rows up.

Few rows of a small table are written the other way round first: what lies side by side with other
products is one product with them, and then one look-up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from minigrad.compiler.graph import Graph, Node, Readers
from minigrad.compiler.primitives import added_rows, counted, total
from minigrad.compiler.views import index_entries, is_view
from minigrad.ops.elementwise import accumulate
from minigrad.ops.indexing import PART, getitem
from minigrad.ops.rows.embedding import embedding
from minigrad.ops.rows.one_hot import one_hot

from .rebuild import replace_nodes, rewrite_nodes
from .widen import MAX_ROWS

# a larger table is not joined with others at each call
MAX_CLASSES_TO_JOIN = 256


# --- into products --------------------------------------------------------------------------------
def as_product(n: Node) -> Node:
    """embedding(t, W) of few rows as one_hot(t) @ W."""
    indices, weight = n.inputs
    if not _is_joinable(indices, weight.shape[0]):
        return n
    return n.made(np.matmul, _one_hot(n, indices, weight.shape[0]), weight)


def as_look_up(n: Node) -> Node:
    """W[t] of a table and integers as embedding(t, W), or what stands for that."""
    table, *parts = n.inputs
    if table.ndim != 2 or not table.is_real or n.kwargs["index"] != (PART,):
        return n
    if parts[0].dtype.kind not in "iu":
        return n
    indices = _counted(n, parts[0], table.shape[0])
    return as_product(n.made(embedding, indices, table, name=n.name))


def _counted(n: Node, indices: Node, classes: int) -> Node:
    """The rows that an index of NumPy's means, counted where n stands."""
    places = n.made(counted, indices, shape=indices.shape, classes=classes)
    return replace(places, dtype=np.dtype(np.intp))


def as_sum(n: Node) -> Node:
    """A scatter into rows as a sum of rows, or of products one_hot(t)^T @ g."""
    index = n.kwargs["indices"]
    if n.ndim != 2 or any(i != (PART,) for i in index):
        return n
    pairs = [*zip(n.inputs[::2], n.inputs[1::2], strict=True)]
    if any(i.dtype.kind not in "iu" for _, i in pairs):
        return n
    terms = [_term(n, g, _counted(g, i, n.shape[0])) for g, i in pairs]
    return terms[0] if len(terms) == 1 else n.made(accumulate, *terms, name=n.name)


def _term(n: Node, g: Node, indices: Node) -> Node:
    """What one use of a table adds to its gradient, at the step of the use."""
    classes = n.shape[0]
    if not _is_joinable(indices, classes) or g.ndim != 2:
        return g.made(added_rows, g, indices, shape=n.shape, classes=classes)
    hot = _one_hot(g, indices, classes)
    turned = hot.made(np.transpose, hot, shape=hot.shape[::-1])
    return g.made(np.matmul, turned, g, shape=n.shape)


def _is_joinable(indices: Node, classes: int) -> bool:
    return indices.shape == (MAX_ROWS,) and classes <= MAX_CLASSES_TO_JOIN


def _one_hot(n: Node, indices: Node, classes: int) -> Node:
    shape = (*indices.shape, classes)
    keywords: dict[str, Any] = {"classes": classes, "dtype": n.dtype}
    return n.made(one_hot, indices, shape=shape, **keywords)


# --- into look-ups --------------------------------------------------------------------------------
def look_up(graph: Graph) -> Graph:
    """Look up what products with one-hot rows pick; the same graph where there are none."""
    if not any(n.fn in (one_hot, added_rows) for n in graph.nodes):
        return graph
    return _joined(rewrite_nodes(graph, _looked_up))


def _looked_up(n: Node) -> Node:
    if n.fn is not np.matmul:
        return n
    a, b = n.inputs
    while _is_transposed(a) and _is_transposed(a.inputs[0]):
        a = a.inputs[0].inputs[0]
    if b.ndim != 2 or {a.dtype, b.dtype} != {n.dtype}:
        return n
    indices = _hot_places(a)
    if indices is not None:
        return n.made(embedding, indices, b, name=n.name)
    if _is_transposed(a):
        indices = _hot_places(a.inputs[0])
        if indices is not None:
            return n.made(added_rows, b, indices, name=n.name, classes=n.shape[0])
    return n


def _is_transposed(x: Node) -> bool:
    """Whether x is a matrix with rows for columns."""
    return x.ndim == 2 and x.fn in (np.transpose, np.matrix_transpose) and not x.kwargs


def _hot_places(x: Node) -> Node | None:
    """The integers whose one-hot rows x is, seen through views of whole rows; None: it is not."""
    views = []
    while is_view(x):
        views.append(x)
        x = x.inputs[0]
    if x.fn is not one_hot:
        return None
    classes = x.shape[-1]
    (places,) = x.inputs
    for view in reversed(views):
        keywords = _of_whole_rows(view, classes)
        if keywords is None:
            return None
        fn: Any = view.fn
        places = Node(
            fn,
            (places,),
            keywords,
            view.shape[:-1],
            places.dtype,
            view.time,
            view.place,
            section=view.section,
            segment=view.segment,
            serial=view.serial,
        )
    return places


def _of_whole_rows(view: Node, classes: int) -> dict[str, Any] | None:
    """The keywords of the same view without the axis of the classes; None where it moves that."""
    if not view.ndim or view.shape[-1] != classes:
        return None
    source = view.inputs[0]
    if view.fn is np.reshape and source.shape[-1] == classes:
        return {"shape": view.shape[:-1]}
    if view.fn is getitem:
        entries = index_entries(view.kwargs["index"], source.ndim)
        if entries[-1] == slice(None):
            return {"index": tuple(entries[:-1])}
    return None


def _joined(graph: Graph) -> Graph:
    """The rows that one sum adds up added up at once, without a table for each use."""
    readers = graph.readers()
    new: list[Node] = []
    instead = {}
    for n in graph.nodes:
        parts = []
        if n.fn is total:
            parts = [x for x in n.inputs if _is_part(x, n, readers) and x not in graph.outputs]
        if len(parts) > 1:
            rows, instead[n] = _at_once(n, parts)
            new += dict.fromkeys([rows, instead[n]])
    return replace_nodes(graph, new, instead) if new else graph


def _is_part(x: Node, n: Node, readers: Readers) -> bool:
    """Whether x is added rows that n alone reads."""
    return x.fn is added_rows and x.shape == n.shape and len(readers[x]) == 1


def _at_once(n: Node, parts: list[Node]) -> tuple[Node, Node]:
    """The rows of all parts of a sum, and the sum with its other terms."""
    operands = [y for x in parts for y in x.inputs]
    others = [x for x in n.inputs if x not in parts]
    name = "" if others else n.name
    rows = n.made(added_rows, *operands, name=name, **parts[0].kwargs)
    if not others:
        return rows, rows
    return rows, n.made(total, rows, *others, name=n.name)
