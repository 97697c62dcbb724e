"""Operations in steps: what they are called, and that steps alike look alike."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad.viz import draw
from minigrad.viz.graphs.operations.operation_text import called
from tests.viz.conftest import legend, read_back, text_of
from tests.viz.geometry import crossings, overlaps, scene_of
from tests.zoo import book_rnn, gru, lstm, two_layers

X = mg.tensor(np.arange(24.0).reshape(2, 3, 4), requires_grad=True, name="X")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (X[1], "X[1]"),
        (X[..., 1:3], "X[..., 1:3]"),
        (X[:, ::2], "X[:, ::2]"),
        (X[None], "X[None]"),
        (X[[0, 1], 1:], "X[·, 1:]"),
        (np.tanh(X)[0], "·[0]"),
        (X.transpose(0, 2, 1), "transpose(0, 2, 1)"),
        (X.reshape(6, 4), "reshape(6, 4)"),
        (np.swapaxes(X, 0, 1), "swapaxes(0, 1)"),
        (np.sum(X, axis=-1, keepdims=True), "sum(axis=-1)"),
        (np.sum(X), "sum"),
        (np.concatenate([X, X], axis=1), "concatenate(axis=1)"),
        (mg.softmax(X, axis=0), "softmax(axis=0)"),
        (np.einsum("ijk->ik", X), "einsum(ijk->ik)"),
        (X**2, "power(·, 2)"),
    ],
)
def test_an_operation_says_its_axes_indices_and_constants(value, text):
    assert called(value) == text


def test_every_box_says_its_shape():
    tape = lstm(3)
    nodes, _ = read_back(draw(tape))
    for n, name in tape.names.items():
        for key in (name, *(f"{name}@{t}" for t in (1, 2, 3))):
            if key in nodes:
                assert str(n.shape) in text_of(nodes[key]["label"]).splitlines()


@pytest.mark.parametrize("model", [book_rnn, gru, lstm, two_layers])
def test_leaves_stand_in_the_same_order_at_every_step(model):
    nodes, _ = read_back(draw(model(5), collapse=None))
    orders = []
    for t in range(1, 6):
        leaves = {}
        for name, looks in nodes.items():
            base = re.fullmatch(rf"(.+)(@|_){t}", name)
            if base and "operation" not in looks["class"]:
                leaves[base[1]] = [float(v) for v in looks["pos"].rstrip("!").split(",")]
        orders.append(sorted(leaves, key=lambda name: leaves[name]))
    assert len(orders[0]) > 1
    assert all(order == orders[0] for order in orders)


def test_steps_alike_are_one_picture_moved():
    nodes, _ = read_back(draw(gru(5), collapse=None))
    at = {n: [float(v) for v in a["pos"].rstrip("!").split(",")] for n, a in nodes.items()}
    leaves = {n.partition("@")[0] for n in at if n.endswith("@3")}
    assert leaves
    for leaf in leaves:
        steps = [np.subtract(at[f"{leaf}@{t}"], at[f"h_{t}"]) for t in range(2, 6)]
        np.testing.assert_allclose(steps, [steps[0]] * 4, atol=0.01)


def test_a_fold_has_the_leaves_that_it_reads_inside():
    nodes, edges = read_back(draw(two_layers(40)))
    (fold,) = (n for n, a in nodes.items() if "fold" in a["class"].split())
    into = [tail for tail, head, _ in edges if head == fold]
    assert into
    assert not any("parameter" in nodes[tail]["class"] for tail in into)


def test_the_legend_explains_a_cut_that_only_a_fold_hides():
    graph = draw(tf.truncate(lstm(35), 7))
    assert not any("cut" in looks.get("class", "") for _, _, looks in read_back(graph)[1])
    assert "gradient cut" in legend(graph)
    assert "gradient cut" not in legend(draw(lstm(35)))


@pytest.mark.parametrize("model", [book_rnn, gru, lstm, two_layers])
def test_no_arrow_runs_through_a_box_of_any_step(model):
    scene = scene_of(draw(model(5), collapse=None))
    assert not overlaps(scene)
    assert not crossings(scene)
