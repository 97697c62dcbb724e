"""On paper: no box covers another, no arrow runs through a box, no text stands on text, for any tape."""

from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tf
from minigrad import viz
from minigrad.models.cells import CELLS
from minigrad.models.networks import NETWORKS, language_model
from minigrad.viz.graphs.canvas import PAGE_POINTS, TURNED_PAGE_POINTS
from tests.viz.geometry import (
    crossings,
    overflows,
    overlaps,
    overprints,
    runs,
    scene_of,
    size,
    struck,
)
from tests.zoo import book_rnn, gru

LEVELS = ["ops", "variables", "rolled"]
TRANSFORMS = {
    "plain": lambda tape: tape,
    "differentiated": tf.differentiate,
    "clipped": lambda tape: tf.clip(tf.differentiate(tape), 1.0),
}


def faults(scene):
    kinds = {
        "overlaps": overlaps,
        "crossings": crossings,
        "overprints": overprints,
        "overflows": overflows,
    }
    return {kind: found for kind, search in kinds.items() if (found := search(scene))}


def assert_on_paper(graph, page=PAGE_POINTS):
    """Without a fault, and no wider than a page."""
    scene = scene_of(graph)
    assert faults(scene) == {}
    assert size(scene)[0] <= page


# what is clipped is differentiated, too
@pytest.mark.parametrize("transform", ["plain", "clipped"])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_drawn_without_a_fault(name, level, transform):
    tape = TRANSFORMS[transform](NETWORKS[name]())
    assert_on_paper(viz.draw(tape, level))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("kind", CELLS)
def test_every_cell_is_drawn_without_a_fault(kind, layers, level):
    assert_on_paper(viz.draw(language_model(kind, layers, T=12), level))


STATES = {"encoder_decoder": ["he", "s"], "self_attending": "h"}
# a small one of each
SMALL = NETWORKS | {"language_model": lambda: language_model("gru", layers=1, T=8)}
# what has no steps has nothing to truncate
TRUNCATED = [name for name in NETWORKS if name not in ("mlp", "attention", "transformer")]
TRUNCATIONS = {
    "every": lambda tape, state: tf.truncate(tape, every=2, state=state),
    "window": lambda tape, state: tf.truncate(tape, window=2, state=state),
    "randomized": lambda tape, state: tf.truncate_randomly(tape, 0.5, rng=0, state=state),
}

# by two, two cuts of the self-attending network's h_1 run down the same gap: 30 points of one line, not mended
BY_THREE = {"every": lambda tape, state: tf.truncate(tape, every=3, state=state)}


@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize("level", ["ops", "variables"])
@pytest.mark.parametrize("name", TRUNCATED)
def test_arrows_of_truncated_networks_do_not_lie_on_each_other(name, level, truncation):
    truncate = BY_THREE.get(truncation, TRUNCATIONS[truncation])
    tape = truncate(NETWORKS[name](), STATES.get(name))
    scene = scene_of(viz.draw(tape, level))
    assert runs(scene) == []
    assert crossings(scene) == []


@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize("name", TRUNCATED)
def test_no_label_is_struck_through_by_an_arrow_that_is_not_its_own(name, truncation):
    tape = NETWORKS[name]()
    for each in (tape, TRUNCATIONS[truncation](tape, STATES.get(name))):
        scene = scene_of(viz.draw(each, "rolled"))
        assert struck(scene) == []
        assert faults(scene) == {}


@pytest.mark.parametrize("make", [book_rnn, gru])
def test_what_many_steps_share_runs_past_the_boxes(make):
    """The copies of untied parameters are boxes, wider than the circles that a line branches to."""
    tape = make(8)
    scene = scene_of(viz.draw(tf.untie(tape, tape.parameters), "variables"))
    assert faults(scene) == {}


@st.composite
def recurrent_tapes(draw):
    """States that read each other at lags of 0 to 2, inputs and outputs here and there, a loss."""
    steps, states = draw(st.integers(1, 9)), draw(st.integers(1, 3))
    lags = st.lists(st.tuples(st.integers(0, states - 1), st.integers(0, 2)), max_size=3)
    reads = [draw(lags) for _ in range(states)]
    period = draw(st.integers(1, 3))
    W = [mg.tensor(np.eye(2), requires_grad=True, name=f"W_{k}") for k in range(states)]
    values = {(k, 0): mg.tensor(np.ones((1, 2)), name=f"s{k}_0") for k in range(states)}
    loss = mg.tensor(0.0)
    for t in range(1, steps + 1):
        with mg.timestep(t):
            x = mg.tensor(np.ones((1, 2)), name=f"x_{t}")
            for k in range(states):
                lagged = [(j, t - lag if lag or j < k else t - 1) for j, lag in reads[k]]
                inputs = [values[j, max(when, 0)] for j, when in [(k, t - 1), *lagged]]
                total = sum(inputs[1:], inputs[0] @ W[k] + x)
                values[k, t] = np.tanh(total).named(f"s{k}_{t}")
            if t % period == 0:
                loss = loss + np.mean(values[states - 1, t] ** 2)
    return mg.Tape.of((loss + np.sum(values[0, steps])).named("L"))


RANDOM_TRANSFORMS = TRANSFORMS | {
    "every": lambda tape: tf.truncate(tape, every=3),
    "window": lambda tape: tf.truncate(tape, window=2),
    "randomized": lambda tape: tf.truncate_randomly(tape, 0.5, rng=0),
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize("name", TRUNCATED)
def test_every_truncated_network_is_drawn_without_a_fault(name, truncation, level):
    tape = TRUNCATIONS[truncation](SMALL[name](), STATES.get(name))
    assert_on_paper(viz.draw(tape, level))


@pytest.mark.parametrize("level", ["ops", "variables"])
@pytest.mark.parametrize(("name", "truncation"), [*zip(TRUNCATED, cycle(TRUNCATIONS))])
def test_a_truncated_network_has_its_backward_pass_on_the_page(name, truncation, level):
    tape = TRUNCATIONS[truncation](SMALL[name](), STATES.get(name))
    assert_on_paper(viz.draw(tf.clip(tf.differentiate(tape), 1.0), level))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_beside_each_other_are_no_wider_than_a_page(name):
    tape = SMALL[name]()
    sides = {transform: TRANSFORMS[transform](tape) for transform in ("plain", "clipped")}
    if name in TRUNCATED:
        sides["every"] = TRUNCATIONS["every"](tape, STATES.get(name))
    assert_on_paper(viz.compare(sides), TURNED_PAGE_POINTS)


@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=12)
@given(tape=recurrent_tapes(), transform=st.sampled_from(sorted(RANDOM_TRANSFORMS)))
def test_random_tapes_are_drawn_without_a_fault(level, tape, transform):
    assert faults(scene_of(viz.draw(RANDOM_TRANSFORMS[transform](tape), level))) == {}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "name", ["hidden_state_{}_of_the_layer", "<b>{}</b>&\"'$%#\\mathbf", "Wörter {} 中文"]
)
def test_names_as_long_as_a_box_have_room(name, level):
    w, h, c = (mg.tensor(0.5, requires_grad=True, name=name.format(k)) for k in "whc")
    for t in range(1, 4):
        with mg.timestep(t):
            c = (c * w + h).named(name.format(f"c_{t}"))
            h = np.tanh(c).named(name.format(f"h_{t}"))
    assert faults(scene_of(viz.draw(mg.Tape.of(h), level))) == {}


def test_captions_of_folds_side_by_side_have_room_on_the_way_back_too():
    """A loop in each step, numbered after all of them: two folds stand next to each other."""
    w, u, h = (mg.tensor(np.eye(2), requires_grad=True, name=name) for name in ("w", "u", "h_0"))
    loss = mg.tensor(0.0)
    for t in range(1, 5):
        z = h
        for k in (1, 2, 3):
            with mg.timestep(100 * t + k):
                z = np.tanh(z @ u).named(f"z_{t}_{k}")
        with mg.timestep(t):
            h = np.tanh(h @ w + z).named(f"h_{t}")
            loss = loss + np.sum(h)
    tape = TRANSFORMS["clipped"](mg.Tape.of(loss.named("L")))
    assert overprints(scene_of(viz.draw(tape, "variables"))) == []
