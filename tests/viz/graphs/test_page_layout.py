"""Tapes without steps: rows that rise with the flow, on one page."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.models.networks import NETWORKS, mlp, transformer
from minigrad.viz import draw
from minigrad.viz.graphs.lines.outlines import outline
from minigrad.viz.graphs.operations.page_layout import ROWS_POINTS, on_a_page
from tests.viz.conftest import read_back
from tests.viz.geometry import crossings, overlaps, scene_of, size
from tests.viz.graphs.test_routing import runs_through

PAGE = 700
TAPES = {
    "mlp": NETWORKS["mlp"],
    "attention": NETWORKS["attention"],
    "transformer": NETWORKS["transformer"],
    "deep": lambda: mlp(10),
    "wide": lambda: transformer(4),
}


@pytest.mark.parametrize("name", TAPES)
def test_a_picture_without_steps_is_on_a_page_and_in_order(name):
    graph = draw(TAPES[name](), "ops")
    scene = scene_of(graph)
    assert size(scene)[0] <= PAGE
    assert not overlaps(scene)
    assert not crossings(scene)
    nodes, edges = read_back(graph)
    at = {n: [float(v) for v in a["pos"].rstrip("!").split(",")] for n, a in nodes.items()}
    read_from = {head for _, head, _ in edges}
    readers = {tail: [h for t, h, _ in edges if t == tail] for tail, _, _ in edges}
    for tail, head, _ in edges:
        rises = at[tail][1] < at[head][1]
        stands_beside = (
            tail not in read_from and readers[tail] == [head] and at[tail][1] == at[head][1]
        )
        assert rises or stands_beside


def test_a_deep_row_of_variables_becomes_rows_on_a_page():
    shallow, deep = (scene_of(draw(mlp(k), "variables")) for k in (3, 10))
    assert size(shallow)[0] > size(shallow)[1]
    assert size(deep)[0] <= PAGE
    assert not overlaps(deep)


@st.composite
def graphs(draw):
    """Boxes in an order of execution, each reading some of those before it."""
    count = draw(st.integers(1, 24))
    sizes = {n: (draw(st.floats(2, 150)), draw(st.floats(2, 50))) for n in range(count)}
    edges = [
        (x, n) for n in range(1, count) for x in draw(st.lists(st.integers(0, n - 1), max_size=3))
    ]
    return sizes, edges


@settings(max_examples=25, deadline=None)
@given(graphs())
def test_any_graph_stands_on_a_page_and_its_paths_are_free(graph):
    sizes, edges = graph
    placed = on_a_page(sizes, edges)
    boxes = {n: outline(placed.centres[n], sizes[n]) for n in sizes}
    for a, b in combinations(boxes.values(), 2):
        across = min(a.right, b.right) - max(a.left, b.left)
        up = min(a.top, b.top) - max(a.bottom, b.bottom)
        assert min(across, up) < 1e-6
    lefts, rights = zip(*((box.left, box.right) for box in boxes.values()), strict=True)
    assert max(rights) - min(lefts) <= ROWS_POINTS + 1e-6
    for (tail, head), path in zip(edges, placed.paths, strict=True):
        assert boxes[tail].bottom < boxes[head].top
        if path:
            assert not any(runs_through(path, boxes[n]) for n in boxes.keys() - {tail, head})
            assert np.isclose(path[0][1], boxes[tail].top)
            assert np.isclose(path[-1][1], boxes[head].bottom)


def test_the_same_graph_stands_the_same():
    sizes = dict.fromkeys(range(6), (40.0, 20.0))
    edges = [(0, 2), (1, 2), (2, 3), (0, 3), (3, 4), (3, 5), (4, 5)]
    assert on_a_page(sizes, edges) == on_a_page(dict(sizes), list(edges))


def test_a_chain_and_the_lane_beside_it_are_upright():
    sizes = dict.fromkeys(range(5), (40.0, 20.0))
    placed = on_a_page(sizes, [(0, 1), (1, 2), (2, 3), (3, 4), (1, 4)])
    assert len({round(x, 3) for x, _ in placed.centres.values()}) == 1
    lane = placed.paths[-1]
    middle = [x for x, y in lane if placed.centres[2][1] - 10 <= y <= placed.centres[3][1] + 10]
    assert len({round(x, 3) for x in middle}) == 1
