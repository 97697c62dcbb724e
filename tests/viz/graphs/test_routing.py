from itertools import combinations, pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.viz.graphs.curves import position
from minigrad.viz.graphs.lines.outlines import outline
from minigrad.viz.graphs.lines.routing import routes

SHARES = np.linspace(0, 1, 33)[:, None]


def sampled(path):
    """Points along a chain of cubic Bézier curves."""
    p, t = np.array(path), SHARES
    parts = zip(p[:-1:3], p[1::3], p[2::3], p[3::3], strict=True)
    return np.concatenate(
        [
            a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t**2 * (1 - t) + d * t**3
            for a, b, c, d in parts
        ]
    )


def runs_through(path, box):
    deep = np.array(box[:4]) + np.array([1, 1, -1, -1]) * 1e-6
    points = sampled(path)
    return ((points > deep[:2]) & (points < deep[2:])).all(axis=1).any()


@st.composite
def pictures(draw):
    """Boxes in the cells of a grid, far enough apart to pass, and edges between any of them."""
    cells = draw(
        st.lists(
            st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=16, unique=True
        )
    )
    sizes = st.floats(1, 60)
    boxes = {
        k: outline((70 * x, 70 * y), (draw(sizes), draw(sizes)), draw(st.booleans()))
        for k, (x, y) in enumerate(cells)
    }
    return boxes, draw(st.lists(st.sampled_from(list(combinations(boxes, 2))), max_size=12))


@settings(max_examples=40, deadline=None)
@given(pictures())
def test_no_arrow_runs_through_a_box_that_is_not_its_end(picture):
    boxes, edges = picture
    for (tail, head), path in zip(edges, routes(boxes, edges), strict=True):
        assert not any(runs_through(path, box) for k, box in boxes.items() if k not in (tail, head))


@settings(max_examples=40, deadline=None)
@given(pictures())
def test_arrows_lead_from_border_to_border_in_whole_curves(picture):
    boxes, edges = picture
    for ends, path in zip(edges, routes(boxes, edges), strict=True):
        assert len(path) % 3 == 1
        for key, (x, y) in zip(ends, (path[0], path[-1]), strict=True):
            left, bottom, right, top, is_round = boxes[key]
            across = abs(2 * x - left - right) / (right - left)
            up = abs(2 * y - bottom - top) / (top - bottom)
            depth = np.hypot(across, up) if is_round else max(across, up)
            assert abs(depth - 1) < 1e-6


def test_a_free_way_is_straight_and_a_blocked_one_as_short_as_can_be():
    boxes = {"a": outline((0, 0), (20, 20)), "b": outline((200, 0), (20, 20))}
    (path,) = routes(boxes, [("a", "b")])
    assert {y for _, y in path} == {0.0}
    boxes["c"] = outline((100, 10), (20, 60))
    (path,) = routes(boxes, [("a", "b")])
    length = sum(np.hypot(*step) for step in np.diff(sampled(path), axis=0))
    # under the box, whose lower border with its margin is at -24
    assert 180 < length < 2 * np.hypot(90, 24) + 20 - 10
    assert min(y for _, y in sampled(path)) > -24.1


def test_arrows_that_join_the_same_boxes_stand_side_by_side():
    boxes = {"a": outline((0, 0), (20, 20)), "b": outline((0, 90), (20, 20))}
    there, again, back = routes(boxes, [("a", "b"), ("a", "b"), ("b", "a")])
    starts = sorted(path[0][0] for path in (there, again, back))
    assert all(right - left > 3 for left, right in pairwise(starts))


def test_a_position_ends_in_an_arrowhead():
    path = [(0.0, 0.0), (10.0, 0.0), (20.0, 0.0), (30.0, 0.0)]
    assert position(path).startswith("e,30.00,0.00 0.00,0.00 ")
    assert position(path).endswith(" 25.00,0.00")
    assert position(path, has_head=False).endswith(" 30.00,0.00")


def test_an_arrow_past_many_boxes_takes_a_corridor():
    """One beside the columns: it bends a few times, not at each box."""
    boxes = {(x, y): outline((50 * x, 40 * y), (40, 30)) for x in range(3) for y in range(40)}
    edges = [((1, 0), (1, 39)), ((0, 1), (2, 37)), ((2, 35), (0, 0))]
    for ends, path in zip(edges, routes(boxes, edges), strict=True):
        assert not any(runs_through(path, box) for key, box in boxes.items() if key not in ends)
        assert len(path) < 3 * 14
    flat = {(y, x): outline((b.centre[1], b.centre[0]), (30, 40)) for (x, y), b in boxes.items()}
    (path,) = routes(flat, [((0, 1), (39, 1))])
    assert not any(runs_through(path, box) for key, box in flat.items() if key[1] != 1)
