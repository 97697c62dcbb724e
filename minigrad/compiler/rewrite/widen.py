"""Matrices side by side: [x W_1, x W_2] = x [W_1, W_2].

So the four products of an LSTM's step that share h_{t-1} are one, and what is done alike with each
is done once. That saves calls. Columns of one row lie in one piece; those of several rows do not,
and work on them takes longer by more than the calls saved.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from minigrad.compiler.graph import Graph, Node

from .columns import Nodes, take_columns
from .lift import Wide, goes_on_in, lift
from .rebuild import replace_nodes

# wider batches: the joined columns of several rows lie apart in memory, and work on them is slower
MAX_ROWS = 1
# how far results are followed to find those that go on alike
FOLLOWED_STEPS = 3


# of matrices side by side
Order = dict[Node, int]


def widen(graph: Graph) -> Graph:
    """Products of one matrix with several fixed ones, and elementwise work on them, as one.

    The same graph where there are none.
    """
    groups = _products_by_operand(graph)
    if not groups:
        return graph
    fixed = _fixed(graph)
    groups = _of_fixed_matrices(groups, fixed)
    if not groups:
        return graph
    wide = Wide(graph.readers(), graph.positions(), fixed)
    orders: dict[frozenset[Node], Order] = {}
    for products in groups:
        weights = _in_one_order(products, orders, wide)
        x = products[0].inputs[0]
        start = wide.put(products, x, wide.join(weights))
        lift(start, wide)
    instead = {}
    for n, (node, first) in wide.columns_of.items():
        last = first + n.shape[1]
        instead[n] = take_columns(node, first, last)
    joined = wide.joined.values()
    new = [*joined, *wide.parts, *instead.values()]
    return replace_nodes(graph, new, instead)


# --- which products -------------------------------------------------------------------------------
def _products_by_operand(graph: Graph) -> list[list[Node]]:
    """The products of one step that share the first operand and the shape of the second."""
    groups = defaultdict[Any, list[Node]](list)
    for n in graph.nodes:
        if n.time is not None and multiplies_few_rows(n):
            x, matrix = n.inputs
            groups[x, n.time, matrix.shape].append(n)
    return [products for products in groups.values() if len(products) > 1]


def _of_fixed_matrices(groups: list[list[Node]], fixed: set[Node]) -> list[list[Node]]:
    """Of each group the products with a matrix that is the same in every step, two or more."""
    chosen = []
    for group in groups:
        products = [n for n in group if n.inputs[1] in fixed]
        if len(products) > 1:
            chosen.append(products)
    return chosen


def multiplies_few_rows(n: Node) -> bool:
    """Whether n is a product of real matrices, the first with few enough rows."""
    if n.fn is not np.matmul or not n.is_real:
        return False
    for x in n.inputs:
        if x.ndim != 2 or x.dtype != n.dtype:
            return False
    return n.shape[0] <= MAX_ROWS


def _fixed(graph: Graph) -> set[Node]:
    """What is the same in every step: leaves, and what is computed outside from these."""
    fixed = set[Node]()
    for n in graph.nodes:
        outside = n.time is None or n.fn is np.transpose
        if n.fn is None or (outside and fixed.issuperset(n.inputs)):
            fixed.add(n)
    return fixed


def _in_one_order(
    products: list[Node],
    orders: dict[frozenset[Node], Order],
    wide: Wide,
) -> Nodes:
    """Sort products as those with the same matrices were sorted first; the matrices in that order.

    orders: for each set of matrices the place of each, entered here.
    """
    weights = frozenset(n.inputs[1] for n in products)
    if weights not in orders:
        products.sort(key=lambda n: _continuation(n, wide))
        sorted_weights = [n.inputs[1] for n in products]
        orders[weights] = {w: i for i, w in enumerate(sorted_weights)}
    order = orders[weights]
    products.sort(key=lambda n: order[n.inputs[1]])
    return tuple([n.inputs[1] for n in products])


def _continuation(n: Node, wide: Wide) -> tuple[str, int]:
    """A key that makes results that go on alike neighbours; among these, by who is read first."""
    readers = [wide.position[r] for r in wide.readers[n]]
    way = _way(n, wide, FOLLOWED_STEPS)
    return way, min(readers, default=0)


def _way(n: Node, wide: Wide, steps: int) -> str:
    """How a result goes on, as text, so many operations far."""
    if steps == 0:
        return ""
    ways = []
    for r in wide.readers[n]:
        if goes_on_in(r, n):
            function = getattr(r.fn, "__name__", "")
            rest = _way(r, wide, steps - 1)
            ways.append(f"{function}({rest})")
    return ",".join(sorted(ways))
