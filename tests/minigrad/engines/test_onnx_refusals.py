"""What from_onnx refuses: one line each, with what, got, expected, remedy."""

import os
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

import onnx
from onnx import TensorProto, helper

import minigrad as mg
from minigrad.engines.onnx.onnx_file import MAX_OPSET
from tests.minigrad.engines.onnx_files import model_of

X = np.ones((2, 3), "f")
Y = {"y": (np.float32, 2)}
HERE = "test_onnx_refusals.py"


def one(op="Neg", inputs=("x",), known=(), opset=20, outputs=("y",), domain="", **attributes):
    node = helper.make_node(op, inputs, outputs, name="n1", domain=domain, **attributes)
    domains = [helper.make_opsetid(domain, 1)] if domain else []
    kinds = dict.fromkeys(outputs, (np.float32, 2))
    return model_of([node], {"x": X}, kinds, known, opset, domains)


def called(model, *args, **kwargs):
    return mg.from_onnx(model)(*args, **kwargs)


def said(call, kind):
    """The one line of an error, without its place."""
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    assert HERE in text
    return caught.value.text


def external(where="../../secret"):
    model = one("Add", ("x", "W"), {"W": X})
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", where
    return model


def with_function():
    node = helper.make_node("Neg", ["a"], ["b"])
    model = one()
    opsets = [helper.make_opsetid("", 20)]
    model.functions.append(helper.make_function("own", "F", ["a"], ["b"], [node], opsets))
    return model


def sparse():
    model = one("Add", ("x", "W"))
    tensor = model.graph.sparse_initializer.add()
    tensor.values.CopyFrom(helper.make_tensor("W", 1, [1], [1.0]))
    tensor.indices.CopyFrom(helper.make_tensor("i", 7, [1], [0]))
    tensor.dims.extend([2, 3])
    return model


def sequence():
    model = one()
    model.graph.input[0].CopyFrom(helper.make_tensor_sequence_value_info("x", 1, [2]))
    return model


def text_input():
    model = one("Identity")
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING
    return model


def short():
    model = one("Add", ("x", "W"), {"W": X})
    model.graph.initializer[0].raw_data = b"abc"
    return model


OTHER_FILE = (
    "from_onnx: 'W' lies in another file. Export with external_data=False, "
    "or pass onnx.load(path), which reads it."
)
REFUSED = [
    (external, OTHER_FILE),
    (lambda: external("/etc/passwd"), OTHER_FILE),
    (
        with_function,
        "from_onnx: functions of its own (F). "
        "onnx.inliner.inline_local_functions(model) writes them out.",
    ),
    (sparse, "from_onnx: sparse initializers."),
    (sequence, "from_onnx: input 'x' is a sequence_type."),
    (
        text_input,
        "from_onnx: a tensor of object; expected floats, integers or booleans of NumPy's.",
    ),
    (lambda: one(opset=6), f"from_onnx: opset 6; expected 7 to {MAX_OPSET}."),
    (
        lambda: one(opset=MAX_OPSET + 1),
        f"from_onnx: opset {MAX_OPSET + 1}; expected 7 to {MAX_OPSET}.",
    ),
]


@pytest.mark.parametrize(("make", "text"), REFUSED)
def test_what_a_model_needs_and_is_not_there(make, text):
    assert said(lambda: mg.from_onnx(make()), mg.errors.UnsupportedError) == text


@pytest.mark.parametrize(
    ("domain", "op", "name"), [("", "NonZero", "NonZero"), ("com.x", "Add", "com.x.Add")]
)
def test_an_operator_is_refused_by_name_with_what_is_possible(domain, op, name):
    text = said(lambda: mg.from_onnx(one(op, domain=domain)), mg.errors.UnsupportedError)
    assert text.startswith(f"from_onnx: operator {name} of node 'n1'; expected one of Abs, Acos, ")
    assert "LSTM, " in text


INVALID = [
    (lambda: b"no model", "from_onnx: cannot be read as ONNX, or is cut off: "),
    (lambda: b"", "from_onnx: cannot be read as ONNX: it names no operator set."),
    (lambda: one().SerializeToString()[:-9], "from_onnx: cannot be read as ONNX, or is cut off: "),
    (lambda: 3, "from_onnx: int; expected the path of a file, its bytes, or a model"),
    (lambda: "no/such.onnx", "from_onnx: 'no/such.onnx': No such file or directory."),
    (lambda: os.curdir, "from_onnx: '.': Is a directory."),
    (short, "from_onnx: the values of 'W' cannot be read: "),
    (lambda: one("Neg", ("x", "x")), "from_onnx: is no valid ONNX model: Node(n1)"),
    (lambda: one("Neg", ("nothing",)), "from_onnx: is no valid ONNX model: Nodes in a graph must"),
]


@pytest.mark.parametrize(("make", "text"), INVALID)
def test_what_is_no_valid_model(make, text):
    assert said(lambda: mg.from_onnx(make()), mg.errors.DataError).startswith(text)


FED = [
    (lambda: called(one()), "inputs: 0 by position and none by name; expected x."),
    (lambda: called(one(), X, X), "inputs: 2 by position and none by name; expected x."),
    (lambda: called(one(), z=X), "inputs: 0 by position and z by name; expected x."),
    (lambda: called(one(), X[0]), "input 'x': (3,); expected (x0, x1)."),
    (lambda: called(one(), X + 1j), "input 'x': complex64; expected float32."),
    (
        lambda: called(one(), mg.tensor(X, dtype=float)),
        "input 'x': float64; expected float32. mg.from_onnx(path, dtype='<f8') takes such.",
    ),
    (
        lambda: called(one("Reshape", ("x", "s"), {"s": np.array([4])}), X),
        "Reshape 'n1': reshape(shape=(4,)): 'x' is (2, 3); cannot reshape array of size 6 into shape (4,).",
    ),
    (
        lambda: called(one("Add", ("x", "W"), {"W": np.ones((2, 2), "f")}), X),
        "Add 'n1': add: 'x' is (2, 3) and 'W' is (2, 2); "
        "operands could not be broadcast together with shapes (2,3) (2,2).",
    ),
    (
        lambda: called(one("ConstantOfShape", ("s",), {"s": np.array([1 << 40])}), X),
        "ConstantOfShape 'n1': 1,099,511,627,776 elements; at most 134,217,728.",
    ),
    (
        lambda: called(one("BatchNormalization", "xxxxx", training_mode=1), X),
        "BatchNormalization 'n1': training_mode.",
    ),
    (
        lambda: called(one("Pad", ("x", "p"), {"p": np.zeros(4, int)}, mode="edge"), X),
        "Pad 'n1': mode 'edge'; expected 'constant'.",
    ),
]


@pytest.mark.parametrize(("call", "text"), FED)
def test_what_a_call_gets_wrong(call, text):
    assert said(call, mg.errors.MinigradError) == text


def test_shapes_have_to_be_known_when_recorded():
    node = helper.make_node("Reshape", ["x", "s"], ["y"], name="n1")
    model = model_of([node], {"x": X, "s": np.array([6])}, {"y": (np.float32, 1)})
    text = said(lambda: called(model, X, [6]), mg.errors.UnsupportedError)
    assert text == (
        "Reshape 'n1': its shape is computed from the values of inputs or parameters; "
        "expected one that is known from constants and shapes."
    )


def recurrent(R=(1, 8, 2), hidden=2, state=(1, 2, 2), **attributes):
    """An LSTM with two units that reads (4, 2, 3)."""
    names = ["x", "W", "R", "", "", "h"]
    node = helper.make_node("LSTM", names, ["y"], name="n1", hidden_size=hidden, **attributes)
    known = {"W": (1, 8, 3), "R": R, "h": state}
    arrays = {name: np.zeros(shape, "f") for name, shape in known.items()}
    x = np.zeros((4, 2, 3), "f")
    return mg.from_onnx(model_of([node], {"x": x}, {"y": (np.float32, 4)}, arrays))(x)


def test_what_a_recurrent_layer_gets_wrong():
    text = said(lambda: recurrent(hidden=3), mg.errors.UnsupportedError)
    assert text == "LSTM 'n1': hidden_size 3 and R for 2."
    text = said(lambda: recurrent(state=(1, 1, 2)), mg.errors.ShapeError)
    assert text == "LSTM 'n1': a first h of (1, 2) in each direction; expected (2, 2)."
    text = said(lambda: recurrent(activations=["Sine"] * 3), mg.errors.UnsupportedError)
    assert text.startswith("LSTM 'n1': activation 'Sine'; expected one of affine, elu, ")


@settings(max_examples=40)
@given(st.data())
def test_a_file_with_a_changed_or_lost_byte_is_one_line_or_a_model(data):
    whole = one("Add", ("x", "W"), {"W": X}).SerializeToString()
    k = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.binary(min_size=0, max_size=2))
    said = ""
    try:
        mg.from_onnx(whole[:k] + byte + whole[k + 1 :])(X)
    except mg.errors.MinigradError as error:
        said = str(error)
    assert "\n" not in said


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    text = said(lambda: mg.from_onnx("model.onnx"), mg.errors.DataError)
    assert text == "from_onnx: onnx is not installed. pip install onnx."


def test_a_path_bytes_and_a_model_are_one(tmp_path):
    model = one()
    onnx.save(model, tmp_path / "m.onnx")
    for source in (model, model.SerializeToString(), tmp_path / "m.onnx", str(tmp_path / "m.onnx")):
        assert np.array_equal(mg.from_onnx(source)(X).data, -X)


def test_named_axes_have_one_length_each():
    model = one("Identity")
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "x0"
    assert called(model, X[:, :2]).shape == (2, 2)
    text = said(lambda: called(model, X), mg.errors.ShapeError)
    assert text == "input 'x': (2, 3); expected (x0, x0)."
