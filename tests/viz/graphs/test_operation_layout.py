import re
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import transforms as tf
from minigrad.viz import draw
from minigrad.viz.graphs.operations.operation_layout import Band, Box, columns
from minigrad.viz.output.render import svg
from tests.viz.conftest import read_back
from tests.zoo import TAPES, book_rnn, gru, lstm, two_layers

SVG = "{http://www.w3.org/2000/svg}"


def frames(graph):
    """(left, bottom, right, top) of each step's frame as Graphviz draws it, and the cluster's name."""
    for group in ElementTree.fromstring(svg(graph)).iter(f"{SVG}g"):
        if group.get("class") == "frame":
            box = next(group.iter(f"{SVG}rect"))
            x, y, w, h = (float(box.get(k)) for k in ("x", "y", "width", "height"))
            yield group.get("data-name"), (x, y, x + w, y + h)


def apart(p, q):
    return min(p[2], q[2]) <= max(p[0], q[0]) or min(p[3], q[3]) <= max(p[1], q[1])


@pytest.mark.parametrize("name", sorted(set(TAPES) - {"leaf", "unnamed", "mlp"}))
def test_one_frame_per_step_in_order_and_apart(name):
    found = list(frames(draw(TAPES[name]())))
    assert all(apart(p, q) for (_, p), (_, q) in combinations(found, 2))
    for kind in ("cluster_", "cluster_back_"):
        places = [
            (box[0], int(k.removeprefix(kind)))
            for k, box in found
            if re.fullmatch(rf"{kind}\d+", k)
        ]
        assert [t for _, t in sorted(places)] == sorted(t for _, t in places)


@pytest.mark.parametrize("model", [book_rnn, gru, lstm, two_layers])
def test_the_states_of_all_steps_stand_in_one_row(model):
    nodes, _ = read_back(draw(model(5), collapse=None))
    for state in ("h", "c", "h1", "h2"):
        its = [a["pos"] for n, a in nodes.items() if re.fullmatch(rf"{state}_[1-9]", n)]
        assert len({pos.partition(",")[2] for pos in its}) <= 1


def test_no_two_nodes_overlap(tape):
    boxes = []
    for _, a in read_back(draw(tape))[0].items():
        x, y = map(float, a["pos"].rstrip("!").split(","))
        w, h = 36 * float(a["width"]), 36 * float(a["height"])
        boxes.append((x - w, y - h, x + w, y + h))
    near = 1e-3
    for p, q in combinations(boxes, 2):
        assert apart((p[0] + near, p[1] + near, p[2] - near, p[3] - near), q)


def test_values_rise_and_backward_stands_above_the_loss():
    nodes, edges = read_back(draw(tf.differentiate(book_rnn(4)), collapse=None, rules="open"))
    y = {n: float(a["pos"].rstrip("!").split(",")[1]) for n, a in nodes.items()}
    steps = {n: a["tooltip"].partition("[t=")[2].partition(",")[0] for n, a in nodes.items()}
    for tail, head, _ in edges:
        assert y[tail] < y[head] or steps[tail] != steps[head]
    assert (
        max(y[f"h_{t}"] for t in range(1, 5)) < y["L"] < min(y[f"dL/dh_{t}"] for t in range(1, 5))
    )


@given(st.data())
def test_any_graph_finds_places_without_overlap(data):
    count = data.draw(st.integers(1, 14))
    boxes, edges = {}, []
    for n in range(count):
        band = data.draw(st.sampled_from(Band))
        column = data.draw(st.integers(-1, 3)) if band in (Band.FORWARD, Band.BACKWARD) else None
        boxes[n] = Box(data.draw(st.floats(1, 90)), data.draw(st.floats(1, 40)), band, column)
        edges += (
            [(x, n) for x in data.draw(st.sets(st.integers(0, n - 1), max_size=3))] if n else []
        )
    at = columns(boxes, edges)
    spans = {
        n: (
            at[n][0] - b.wide / 2,
            at[n][1] - b.tall / 2,
            at[n][0] + b.wide / 2,
            at[n][1] + b.tall / 2,
        )
        for n, b in boxes.items()
    }
    assert all(
        apart([v + e for v, e in zip(p, (1e-6, 1e-6, -1e-6, -1e-6), strict=True)], q)
        for p, q in combinations(spans.values(), 2)
    )
    for a, b in combinations(boxes, 2):
        if boxes[a].band < boxes[b].band:
            assert spans[a][3] <= spans[b][1]
    assert at == columns(boxes, edges)
