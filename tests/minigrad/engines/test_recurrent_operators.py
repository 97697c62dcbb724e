"""RNN, GRU and LSTM of ONNX, over drawn attributes, beside onnxruntime."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from onnx import helper

import minigrad as mg
from tests.minigrad.engines.onnx_files import (
    assert_close,
    by_minigrad,
    by_onnxruntime,
    model_of,
)

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
FUNCTIONS = {"RNN": 1, "GRU": 2, "LSTM": 3}
SMOOTH = ["Tanh", "Sigmoid", "Softsign", "Softplus", "Elu", "ScaledTanh", "Affine"]
ANY = [*SMOOTH, "Relu", "LeakyRelu", "ThresholdedRelu", "HardSigmoid"]
# what takes an alpha or a beta
ALPHA = {"Elu", "ScaledTanh", "Affine", "LeakyRelu", "ThresholdedRelu", "HardSigmoid"}
BETA = {"ScaledTanh", "Affine", "HardSigmoid"}


@st.composite
def recurrent(draw, kinds=ANY, layout=0):
    """(node, inputs, initializers) of one operator."""
    op = draw(st.sampled_from(list(GATES)))
    T, B, d, h = (draw(st.integers(1, n)) for n in (4, 3, 3, 3))
    direction = draw(st.sampled_from(["forward", "reverse", "bidirectional"]))
    D = 1 + (direction == "bidirectional")
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    attributes = {"hidden_size": h, "direction": direction, **({"layout": 1} if layout else {})}
    if draw(st.booleans()):
        names = [draw(st.sampled_from(kinds)) for _ in range(FUNCTIONS[op])] * D
        attributes["activations"] = names
        factors = st.floats(0.25, 1.5, width=16)
        for key, takers in (("activation_alpha", ALPHA), ("activation_beta", BETA)):
            if any(name in takers for name in names):
                attributes[key] = [draw(factors) for name in names if name in takers]
    if kinds is ANY and draw(st.booleans()):
        attributes["clip"] = draw(st.floats(0.25, 2, width=16))
    if op == "GRU":
        attributes["linear_before_reset"] = draw(st.integers(0, 1))
    if op == "LSTM":
        attributes["input_forget"] = draw(st.integers(0, 1))

    def array(*shape):
        return rng.normal(scale=0.5, size=shape).astype(np.float32)

    gates = GATES[op]
    initializers = {"W": array(D, gates * h, d), "R": array(D, gates * h, h)}
    inputs = {"X": array(*((B, T) if layout else (T, B)), d)}
    names = ["X", "W", "R", "", "", ""]
    if draw(st.booleans()):
        initializers["B"] = array(D, 2 * gates * h)
        names[3] = "B"
    if draw(st.booleans()):
        inputs["lengths"] = rng.integers(1, T + 1, B).astype(np.int32)
        names[4] = "lengths"
    for k, state in enumerate(["h", "c"][: 1 + (op == "LSTM")]):
        if draw(st.booleans()):
            inputs[state] = array(*((B, D) if layout else (D, B)), h)
            names[5 + k : 6 + k] = [state]
        else:
            names[5 + k : 6 + k] = [""]
    if op == "LSTM" and draw(st.booleans()):
        initializers["P"] = array(D, 3 * h)
        names.append("P")
    outputs = ["Y", "Y_h", *(["Y_c"] if op == "LSTM" else [])]
    return helper.make_node(op, names, outputs, **attributes), inputs, initializers


def model(node, inputs, initializers, opset):
    outputs = {name: (np.float32, 3 + (name == "Y")) for name in node.output}
    return model_of([node], inputs, outputs, initializers, opset)


@settings(max_examples=60)
@given(recurrent(), st.sampled_from([7, 13, 14, 21, 22]))
def test_outputs_are_onnxruntime_s(drawn, opset):
    made = model(*drawn, opset)
    assert_close(by_minigrad(made, drawn[1]), by_onnxruntime(made, drawn[1]))


@settings(max_examples=15)
@given(recurrent(SMOOTH))
def test_gradients_are_those_of_central_differences(drawn):
    loaded = mg.from_onnx(model(*drawn, 14), dtype=np.float64)
    feeds = dict(drawn[1])
    lengths = feeds.pop("lengths", None)
    fixed = {} if lengths is None else {"lengths": lengths}
    leaves = [mg.tensor(x, requires_grad=True, dtype=np.float64) for x in feeds.values()]

    def total(*leaves):
        outputs = loaded(**fixed, **dict(zip(feeds, leaves, strict=False)))
        return sum(np.sum(y * np.cos(np.arange(y.size).reshape(y.shape))) for y in outputs)

    assert mg.gradcheck(mg.Tape.of(total(*leaves)))


@given(recurrent(layout=1))
def test_layout_1_is_layout_0_with_the_batch_in_front(drawn):
    node, inputs, initializers = drawn
    loaded = mg.from_onnx(model(*drawn, 14))
    ours = loaded(**inputs)
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute} | {"layout": 0}
    twin = helper.make_node(node.op_type, node.input, node.output, **attributes)
    moved = {k: x if k == "lengths" else np.swapaxes(x, 0, 1) for k, x in inputs.items()}
    Y, *lasts = by_onnxruntime(model(twin, moved, initializers, 14), moved)
    assert_close(ours, [np.transpose(Y, (2, 0, 1, 3)), *(np.swapaxes(y, 0, 1) for y in lasts)])


def small(op="LSTM", **attributes):
    """A model of one operator that reads x (T, B, 3), and its inputs."""
    rng = np.random.default_rng(0)
    D = 1 + (attributes.get("direction") == "bidirectional")
    gates = GATES[op]
    weights = {"W": rng.normal(size=(D, gates * 2, 3)), "R": rng.normal(size=(D, gates * 2, 2))}
    weights = {name: W.astype(np.float32) for name, W in weights.items()}
    outputs = ["Y", "Y_h"]
    node = helper.make_node(op, ["X", "W", "R"], outputs, hidden_size=2, **attributes)
    inputs = {"X": rng.normal(size=(4, 2, 3)).astype(np.float32)}
    return node, inputs, weights


def test_steps_are_stamped_and_states_are_named():
    _, h = mg.from_onnx(model(*small(), 14))(small()[1]["X"])
    tape = mg.Tape.of(h)
    named = {n.name: n.time for n in tape.nodes if n.name}
    states = {f"{name}_{t}": t for name in "hc" for t in range(1, 5)}
    assert states.items() <= named.items()
    assert {"x_1": 1, "x_4": 4}.items() <= named.items()
    assert {edge.source.name for edge in tape.recurrent_edges()} >= {"h_1", "c_3"}


def test_the_two_directions_have_names_of_their_own():
    Y, _ = mg.from_onnx(model(*small("GRU", direction="bidirectional"), 14))(small()[1]["X"])
    named = {n.name: n.time for n in mg.Tape.of(Y).nodes if n.name}
    assert {"hf_1": 1, "hf_4": 4, "hb_1": 1, "hb_4": 4}.items() <= named.items()


def test_lengths_are_an_input_of_a_plan():
    node, inputs, weights = small()
    node.input.extend(["", "lengths"])
    inputs["lengths"] = np.array([4, 1], np.int32)
    loaded = mg.from_onnx(model(node, inputs, weights, 14))
    plan = mg.compile(mg.Tape.of(*loaded(**inputs)))
    for lengths in ([4, 1], [2, 3], [1, 1]):
        inputs["lengths"] = np.array(lengths, np.int32)
        expected = by_onnxruntime(model(node, inputs, weights, 14), inputs)
        for got, wanted in zip(plan(inputs, missing="recorded"), expected, strict=True):
            np.testing.assert_allclose(got, wanted, atol=1e-6)
