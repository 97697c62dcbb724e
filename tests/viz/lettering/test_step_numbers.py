"""Which number in a name is the step, and which the layer: read from all names of a tape."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import viz
from minigrad.viz.lettering.step_numbers import StepNumbers
from tests.viz.conftest import read_back

SPELLINGS = [
    "h_{t}_{l}",
    "h_{l}_{t}",
    "h_{{{t},{l}}}",
    "h_{{{l},{t}}}",
    "h_{{{t}}}_{{{l}}}",
    "h_{t}^{l}",
    "h^{l}_{t}",
    "h_{t}^{{({l})}}",
    "h^{{({l})}}_{{{t}}}",
    "h[{l}][{t}]",
    "h{l}_{t}",
    "layer {l}: h_{t}",
    "layer{l}/h/step{t}",
    "h{l}t{t}",
    "{t}th of h{l}",
]


def of_steps(name, layers, steps):
    """The names of the layers in each step."""
    return {(layer, t): name.format(t=t, l=layer) for t in steps for layer in layers}


def unbraced(name):
    """An index of several characters is in braces where it stands by itself, and low after a letter."""
    return re.sub(r"[_{}]", "", name)


@given(
    st.sampled_from(SPELLINGS),
    st.integers(0, 2),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(2, 5),
    st.integers(-3, 0),
)
def test_the_number_that_counts_the_steps_is_t_and_the_layer_stays(name, low, L, first, T, shift):
    names = of_steps(name, range(low, low + L), range(first, first + T))
    numbers = StepNumbers((text, t - shift) for (_, t), text in names.items())
    written = f"t{shift}" if shift else "t"
    for (layer, t), text in names.items():
        expected = of_steps(name, [layer], [written])[layer, written]
        assert unbraced(numbers.template(text, t - shift)) == unbraced(expected)
        assert numbers.stem(text) == of_steps(name, [layer], ["t"])[layer, "t"]


def test_what_counts_in_its_own_way_is_no_layer():
    slow = StepNumbers((f"s_{k}", 2 * k) for k in range(1, 4))
    assert [slow.template(f"s_{k}", 2 * k) for k in range(1, 4)] == ["s_{t'}"] * 3
    mirrored = StepNumbers((f"b_{5 - t}", t) for t in range(1, 5))
    assert mirrored.template("b_1", 4) == "b_{t'}"


def test_one_name_alone_counts_where_it_says_the_step():
    assert StepNumbers().template("h_3", 3) == "h_t"
    assert StepNumbers().template("h_3^{(3)}", 3) == "h_t^{(3)}"
    assert StepNumbers().template("h^3", 3) == "h^t"
    assert StepNumbers().template("h_2", 3) == "h_2"


def test_a_number_that_is_part_of_a_word_counts_the_steps_too():
    plain = StepNumbers((f"h{t}", t) for t in range(1, 12))
    assert {plain.template(f"h{t}", t) for t in range(1, 12)} == {"h_t"}
    decoder = StepNumbers((f"s{t - 4}", t) for t in range(5, 8))
    assert decoder.template("s2", 6) == "s_{t-4}"
    layers = StepNumbers((f"conv2d/step{t}", t) for t in range(1, 5))
    assert layers.template("conv2d/step2", 2) == "conv2d/step_t"


def test_layer_and_step_in_one_number_are_no_step():
    both = StepNumbers((f"h{layer}{t}", t) for layer in (1, 2) for t in range(1, 13))
    assert both.template("h112", 12) == "h112"


def test_a_start_computed_in_the_first_step_keeps_its_number():
    numbers = StepNumbers([("h_0", 1), *((f"h_{t}", t) for t in range(1, 4))])
    assert [numbers.template(f"h_{t}", max(t, 1)) for t in range(3)] == ["h_0", "h_t", "h_t"]


def layered(name, layers, steps):
    """A network of so many layers, and the state of each (layer, step)."""
    w = mg.tensor(0.5, requires_grad=True, name="w")
    last = {layer: mg.tensor(0.1) for layer in layers}
    states = {}
    for t in steps:
        with mg.timestep(t):
            x = mg.tensor(1.0, name=f"x_{t}")
            for layer in layers:
                x = mg.sigmoid(x + w * last[layer]).named(name.format(t=t, l=layer))
                last[layer] = states[layer, t] = x
    return mg.Tape.of((x * x).named("L")), states


def shown(graph, states):
    """Of each state the identifier of what shows it."""
    ((_, members, _),) = graph.shown
    ids = {id(n): name for name, tensors in members.items() for n in tensors if n.name}
    return {place: ids[id(n)] for place, n in states.items()}


networks = st.tuples(st.sampled_from(SPELLINGS), st.integers(1, 3), st.integers(1, 4))


@settings(max_examples=30)
@given(networks, st.integers(0, 1), st.integers(0, 1))
def test_the_rolled_network_has_a_node_a_layer(network, low, first):
    name, L, T = network
    tape, states = layered(name, range(low, low + L), range(first, first + T))
    ids = shown(viz.draw(tape, "rolled"), states)
    for layer in range(low, low + L):
        assert len({ids[layer, t] for t in range(first, first + T)}) == 1
    assert len({*ids.values()}) == L


@settings(max_examples=15)
@given(networks.filter(lambda network: min(network[1:]) > 1), st.integers(0, 1))
def test_each_layer_has_a_row_of_the_score(network, low):
    name, L, T = network
    layers, steps = range(low, low + L), range(1, T + 1)
    tape, states = layered(name, layers, steps)
    graph = viz.draw(tape, "variables")
    nodes, _ = read_back(graph)
    height = {
        place: nodes[own]["pos"].strip("!").split(",")[1]
        for place, own in shown(graph, states).items()
    }
    rows = [{height[layer, t] for t in steps} for layer in layers]
    assert [len(row) for row in rows] == [1] * L
    assert len(set.union(*rows)) == L


@pytest.mark.parametrize("outputs", [2, 5])
@pytest.mark.parametrize("first", [1, 5])
def test_a_decoder_that_counts_anew_is_rolled_up_like_the_encoder(first, outputs):
    w = mg.tensor(0.5, requires_grad=True, name="w")
    h, states = mg.tensor(0.0, name="h_0"), {}
    for t in range(1, 5):
        with mg.timestep(t):
            states["h", t] = h = mg.sigmoid(h * w).named(f"h_{t}")
    for k in range(outputs):
        with mg.timestep(first + k):
            states["s", k] = h = np.tanh(h * w).named(f"s_{k + 1}")
    graph = viz.draw(mg.Tape.of((h * h).named("L")), "rolled")
    ids = shown(graph, states)
    assert len({*ids.values()}) == 2
    nodes, _ = read_back(graph)
    looks = [nodes[ids[key]] for key in (("h", 1), ("s", 0))]
    assert all("state" in each["class"].split() for each in looks)
    assert "s_1" not in [each["tooltip"].partition(",")[0] for each in looks]
