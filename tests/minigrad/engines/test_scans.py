"""Scan, Loop and If: beside onnx's reference or onnxruntime, and as recurrent steps on the tape."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import minigrad as mg
from minigrad.transforms import truncate
from tests.minigrad.engines.onnx_files import assert_close, by_minigrad, by_onnxruntime, model_of

FLOAT = TensorProto.FLOAT
RNG = np.random.default_rng(0)
W = RNG.normal(size=(3, 3)).astype(np.float32)


def value(name, *shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def body(reads=1, writes=1):
    """h' = tanh(h W + x ...), the rows that are collected: h' and h' h'."""
    nodes = [helper.make_node("MatMul", ["h", "W"], ["a0"])]
    for k in range(reads):
        nodes.append(helper.make_node("Add", [f"a{k}", f"x{k}"], [f"a{k + 1}"]))
    nodes.append(helper.make_node("Tanh", [f"a{reads}"], ["next"]))
    rows = []
    for k in range(writes):
        nodes.append(helper.make_node("Mul", ["next", "next"], [f"r{k}"]))
        rows.append(value(f"r{k}", 2, 3))
    given = [value("h", 2, 3), *(value(f"x{k}", 2, 3) for k in range(reads))]
    return helper.make_graph(nodes, "body", given, [value("next", 2, 3), *rows])


@given(st.data())
def test_a_scan_is_onnxruntime_s(data):
    reads = data.draw(st.integers(1, 2))
    axes = [data.draw(st.integers(0, 2)) for _ in range(reads)]
    flags = st.integers(0, 1)
    node = helper.make_node(
        "Scan",
        ["h0", *(f"X{k}" for k in range(reads))],
        ["h", "Y"],
        num_scan_inputs=reads,
        scan_input_axes=axes,
        scan_input_directions=[data.draw(flags) for _ in range(reads)],
        scan_output_axes=[data.draw(st.integers(0, 2))],
        scan_output_directions=[data.draw(flags)],
        body=body(reads),
    )
    shapes = [np.insert([2, 3], axis, 4) for axis in axes]
    feeds = {f"X{k}": RNG.normal(size=shape).astype("f") for k, shape in enumerate(shapes)}
    feeds["h0"] = RNG.normal(size=(2, 3)).astype("f")
    outputs = {"h": (np.float32, 2), "Y": (np.float32, 3)}
    model = model_of([node], feeds, outputs, {"W": W})
    assert_close(by_minigrad(model, feeds), by_onnxruntime(model, feeds))
    leaves = {k: mg.tensor(x, requires_grad=True, dtype=float) for k, x in feeds.items()}
    h, Y = mg.from_onnx(model, dtype=float)(**leaves)
    assert mg.gradcheck(mg.Tape.of(np.sum(h) + np.sum(Y * Y)))


def scanned(T=4):
    node = helper.make_node("Scan", ["h0", "X0"], ["h"], num_scan_inputs=1, body=body(writes=0))
    feeds = {"h0": np.zeros((2, 3), "f"), "X0": RNG.normal(size=(T, 2, 3)).astype("f")}
    return model_of([node], feeds, {"h": (np.float32, 2)}, {"W": W}), feeds


def test_its_steps_are_stamped_and_its_states_named():
    model, feeds = scanned()
    (h,) = by_minigrad(model, feeds)
    named = {n.name: n.time for n in mg.Tape.of(h).nodes if n.name}
    assert named == {"h0": None, "X0": None, "W": None, "h_1": 1, "h_2": 2, "h_3": 3, "h_4": 4}


def test_it_can_be_truncated_compiled_and_stepped():
    model, feeds = scanned()
    loaded = mg.from_onnx(model, dtype=float)
    loss = np.sum(loaded(**feeds)).named("L")
    tape = truncate(mg.Tape.of(loss), every=2)
    tape.backward()
    own = mg.tensor(W, requires_grad=True, dtype=float)
    h = np.zeros((2, 3))
    for t, x in enumerate(feeds["X0"]):
        h = np.tanh((mg.detach(h) if t == 2 else h) @ own + x)
    np.sum(h).backward()
    np.testing.assert_allclose(loaded.parameters["W"].grad, own.grad)
    plan = mg.compile(mg.transforms.differentiate(tape))
    _, gradient = plan(feeds)
    np.testing.assert_allclose(gradient, own.grad)
    steps = [step.tensor.label for step in tape.steps()]
    assert steps[0] == "L"
    assert "h_3" in steps


LOOP = {
    "nodes": [
        helper.make_node("MatMul", ["h", "W"], ["a"]),
        helper.make_node("Gather", ["X", "i"], ["x"]),
        helper.make_node("Add", ["a", "x"], ["b"]),
        helper.make_node("Tanh", ["b"], ["next"]),
        helper.make_node("Less", ["i", "last"], ["go"]),
    ],
    "inputs": [
        value("i", kind=TensorProto.INT64),
        value("was", kind=TensorProto.BOOL),
        value("h", 2, 3),
    ],
    "outputs": [value("go", kind=TensorProto.BOOL), value("next", 2, 3), value("next", 2, 3)],
}


def looped(trips, last):
    graph = helper.make_graph(LOOP["nodes"], "body", LOOP["inputs"], LOOP["outputs"])
    node = helper.make_node("Loop", [trips and "trips", "", "h0"], ["h", "Y"], body=graph)
    feeds = {"h0": np.zeros((2, 3), "f"), "X": RNG.normal(size=(5, 2, 3)).astype("f")}
    known = {"W": W, "trips": np.array(trips or 1), "last": np.array(last)}
    outputs = {"h": (np.float32, 2), "Y": (np.float32, 3)}
    return model_of([node], feeds, outputs, known), feeds


@pytest.mark.parametrize(("trips", "last", "steps"), [(4, 9, 4), ("", 2, 3), (3, 0, 1)])
def test_a_loop_ends_by_count_or_condition(trips, last, steps):
    model, feeds = looped(trips, last)
    h, Y = by_minigrad(model, feeds)
    assert_close((h, Y), by_onnxruntime(model, feeds))
    assert len(Y) == steps
    assert Y.inputs[-1].name == f"h_{steps}"


def test_a_condition_is_known_or_refused():
    graphs = {}
    for name, op in (("then_branch", "Neg"), ("else_branch", "Abs")):
        node = helper.make_node(op, ["x"], [name])
        graphs[name] = helper.make_graph([node], name, [], [value(name, 2)])
    node = helper.make_node("If", ["c"], ["y"], name="choice", **graphs)
    x = np.array([-1, 2], "f")
    outputs = {"y": (np.float32, 1)}
    for c in (True, False):
        model = model_of([node], {"x": x}, outputs, {"c": np.array(c)})
        assert_close(by_minigrad(model, {"x": x}), ReferenceEvaluator(model).run(None, {"x": x}))
    feeds = {"x": x, "c": np.array(True)}
    with pytest.raises(mg.errors.UnsupportedError, match="If 'choice': its condition is computed"):
        by_minigrad(model_of([node], feeds, outputs), feeds)


def test_several_loops_are_layers():
    nodes = []
    for k in (1, 2):
        graph = body(writes=1)
        names = [f"h0{k}", f"Y{k - 1}"], [f"h{k}", f"Y{k}"]
        nodes.append(helper.make_node("Scan", *names, num_scan_inputs=1, body=graph))
    feeds = {"Y0": RNG.normal(size=(3, 2, 3)).astype("f")}
    first = {f"h0{k}": np.zeros((2, 3), "f") for k in (1, 2)}
    model = model_of(nodes, feeds, {"h2": (np.float32, 2)}, {"W": W, **first})
    (h,) = by_minigrad(model, feeds)
    assert_close((h,), by_onnxruntime(model, feeds))
    tape = mg.Tape.of(h)
    assert {state.name for state in tape.states()} == {"h^{(1)}", "h^{(2)}"}


def test_parameters_of_a_body_are_the_model_s():
    graph = body(writes=0)
    graph.initializer.append(numpy_helper.from_array(W, "W"))
    node = helper.make_node("Scan", ["h0", "X0"], ["h"], num_scan_inputs=1, body=graph)
    _, feeds = scanned()
    model = model_of([node], feeds, {"h": (np.float32, 2)})
    assert list(mg.from_onnx(model).parameters) == ["W"]
