"""The laws of tapes written as ONNX: onnxruntime's values are the tape's, more steps are no more nodes."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

import onnx
import onnxruntime
import scipy.special
from onnx import helper

import minigrad as mg
from minigrad import transforms as tr
from minigrad.engines.onnx.writing.written import WITHOUT_DOUBLES
from minigrad.errors import ArgumentError, DataError, UnsupportedError
from minigrad.ops import OPS, op_name
from tests.laws import close, examples
from tests.minigrad.compiler.test_compile_programs import PROGRAMS, drawn
from tests.minigrad.compiler.test_rolled import REWRITES, network, rnn, tape_of
from tests.minigrad.engines.onnx_files import by_onnxruntime
from tests.minigrad.ops.losses import params, scalar
from tests.minigrad.ops.rows import ROWS
from tests.zoo import TAPES

onnxruntime.set_default_logger_severity(4)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tape.onnx"


def agrees_in_onnx(tape, path, rtol=1e-9, back=True):
    """What onnxruntime computes of the file, and what the file computes as a tape again."""
    single = any(output.dtype == np.float32 for output in tape.outputs)
    rtol = 1e-5 if single else rtol
    rolled = mg.roll(tape)
    assert mg.to_onnx(rolled, path) == path
    model = onnx.load(path)
    expected = list(tape.replay({}))
    defaults = {tensor.name for tensor in model.graph.initializer}
    fed = {port.name for port in model.graph.input if port.name not in defaults}
    feeds = {name: rolled.recorded[name] for name in fed}
    found = by_onnxruntime(model, feeds)
    assert [x.dtype for x in found] == [x.dtype for x in tape.outputs]
    close(found, expected, rtol=rtol, atol=1e-6 if single else 1e-12)
    if back:
        again = mg.from_onnx(path)(**feeds)
        again = again if isinstance(again, tuple) else (again,)
        close([x.data for x in again], expected, rtol=rtol, atol=1e-6 if single else 1e-12)
    return model


def count(graph):
    """Nodes, those of graphs in nodes too."""
    inner = [a.g for node in graph.node for a in node.attribute if a.HasField("g")]
    return len(graph.node) + sum(map(count, inner))


# --- values -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("rewrite", REWRITES)
def test_a_tape_has_its_values_in_onnxruntime(rewrite, path):
    agrees_in_onnx(REWRITES[rewrite](rnn(8)), path)


@pytest.mark.parametrize("name", ["gru", "lstm", "two layers", "encoder", "watched", "recomputed"])
def test_gated_and_other_tapes(name, path):
    tape = tape_of(TAPES[name])
    single = len(tape.outputs) == 1
    agrees_in_onnx(tr.clip(tr.differentiate(tape), 0.1) if single else tape, path)


@pytest.mark.parametrize("name", ["attention", "transformer", "self_attending", "language_model"])
def test_networks(name, path):
    agrees_in_onnx(tr.clip(tr.differentiate(network(name)), 0.1), path)


def test_random_programs(tmp_path):
    @examples(25)
    @given(PROGRAMS, st.integers(1, 7), st.booleans())
    def check(program, T, differentiated):
        loss, first = drawn(program, T)
        tape = mg.Tape.of(loss, first)
        if differentiated:
            tape = tr.differentiate(mg.Tape.of(loss))
        agrees_in_onnx(tape, tmp_path / "tape.onnx", rtol=1e-7, back=False)

    with np.errstate(all="ignore"):
        check()


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_what_is_carried_from_several_steps_before(lag, path):
    w = mg.tensor(0.7, requires_grad=True, name="w")
    states = [mg.tensor(1.0 + i) for i in range(lag)]
    for t in range(1, 13):
        with mg.timestep(t):
            states.append(np.tanh(w * states[-lag] + 0.1))
    agrees_in_onnx(tr.differentiate(mg.Tape.of(states[-1])), path)


def test_rows_of_any_axis_and_slices_that_move(path):
    x = mg.tensor(np.random.default_rng(0).normal(size=(3, 8, 2)), name="x")
    outs = []
    for t in range(4):
        with mg.timestep(t):
            outs.append(np.tanh(x[:, 2 * t] * x[:, 2 * t : 2 * t + 2, 1] @ np.ones((2, 2))))
    agrees_in_onnx(mg.Tape.of(np.stack(outs, axis=1), np.concatenate(outs, axis=-1)), path)


# --- whole training steps ---------------------------------------------------------------------------------------------
def language_model(T, look_up=mg.embedding):
    """An RNN over tokens with its clipped gradients."""
    rng = np.random.default_rng(0)
    W, U, V = (
        mg.tensor(rng.normal(size=shape), requires_grad=True, name=name)
        for name, shape in {"W": (5, 3), "U": (3, 3), "V": (3, 5)}.items()
    )
    X, Y = (mg.tensor(rng.integers(0, 5, (T, 2)), name=name) for name in ("X", "Y"))
    h, loss = mg.tensor(np.zeros((2, 3)), name="h_0"), 0.0
    for t in range(T):
        with mg.timestep(t + 1):
            h = np.tanh(look_up(X[t], W) + h @ U).named(f"h_{t + 1}")
            loss = loss + mg.cross_entropy(h @ V, Y[t])
    return tr.clip(tr.differentiate(mg.Tape.of(loss / T)), 0.5)


@pytest.mark.parametrize("look_up", [mg.embedding, lambda tokens, W: W[tokens]])
def test_a_language_model_grows_by_no_node(look_up, path):
    # Python gives W[tokens] another place once it has specialized it, after eight steps
    language_model(12, look_up)
    sizes = [count(agrees_in_onnx(language_model(T, look_up), path).graph) for T in (6, 12)]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("rule", [mg.optim.SGD, mg.optim.Adam])
def test_training_in_onnxruntime_is_training_here(rule, path):
    gradients = tr.clip(tr.differentiate(rnn(5)), 0.1)
    optimizer = rule(gradients.wrt, lr=0.1)
    tape = tr.update(gradients, optimizer)
    session = onnxruntime.InferenceSession(mg.to_onnx(tape, path))
    names = tape.names
    carried = {names[leaf]: leaf.data.copy() for leaf, _ in tape.carried}
    feeds = {port.name: mg.roll(tape).recorded[port.name] for port in session.get_inputs()}
    step = mg.compile(tape)
    for _ in range(4):
        expected = step()
        found = session.run(None, feeds | carried)
        close(found[0], expected[0], rtol=1e-9)
        carried = dict(zip(carried, found[1:], strict=True))


def test_integers_and_floats_keep_their_dtypes(path):
    n = mg.tensor(np.arange(3, dtype=np.int32), name="n")
    b = mg.tensor(np.arange(3, dtype=np.uint8), name="b")
    x = mg.tensor(np.ones(3, np.float32), name="x")
    agrees_in_onnx(mg.Tape.of(n * x, x * 2, n + 1, b * b, n // 2, x > n), path, back=False)


def test_parameters_have_their_values_in_the_file_and_may_be_fed(path):
    session = onnxruntime.InferenceSession(mg.to_onnx(rnn(4), path))
    assert [port.name for port in session.get_inputs()] == ["X", "h_0"]
    rolled = mg.roll(rnn(4))
    fed = {"X": rolled.recorded["X"], "h_0": rolled.recorded["h_0"]}
    for weights in ({}, {"U": np.zeros((2, 2))}):
        (expected,) = rolled(fed | weights)
        close(session.run(None, fed | weights)[0], expected, rtol=1e-9)


# --- every function ---------------------------------------------------------------------------------------------------
IN_TABLE = [fn for fn, op in OPS.items() if op.joint or any(op.rules)]
OF_SCIPY = set(filter(callable, vars(scipy.special).values()))
ROW_OF = {op_name(fn): row for fn, _, row in ROWS if fn in IN_TABLE and fn not in OF_SCIPY}
NO_FORM = {
    *("arctan2", "logaddexp2", "sinc", "copysign", "heaviside", "nan_to_num", "convolve"),
    *("inv", "det", "solve", "slogdet", "cofactors", "pinv", "cholesky", "svd", "svdvals"),
    *("eigh", "eigenvalues", "eigvalsh", "singular_values", "fft_real", "fft_imag"),
    "polygamma",
}
FOR_FLOAT32 = {
    *("arctan", "arcsin", "arccos", "tan", "sinh", "cosh", "arcsinh", "arccosh", "arctanh"),
}


@pytest.mark.parametrize("name", ROW_OF)
def test_every_differentiable_function_is_written_or_refused_by_name(name, path):
    @examples(1)
    @given(st.data())
    def check(data):
        fn, xs = data.draw(ROW_OF[name])
        ts = params(xs)
        tape = tr.differentiate(mg.Tape.of(scalar(fn, ts)), ts)
        if name in NO_FORM | FOR_FLOAT32:
            with pytest.raises(UnsupportedError, match="to_onnx"):
                mg.to_onnx(tape, path)
        else:
            agrees_in_onnx(tape, path, rtol=1e-7, back=False)

    check()


@pytest.mark.parametrize("name", sorted(FOR_FLOAT32))
def test_functions_that_the_runtime_has_for_float32(name, path):
    x = mg.tensor(np.array([1.25 if name == "arccosh" else 0.25], np.float32), name="x")
    agrees_in_onnx(mg.Tape.of(getattr(np, name)(x)), path, back=False)


@pytest.mark.parametrize("op", sorted(WITHOUT_DOUBLES))
def test_the_runtime_still_lacks_what_is_refused(op):
    port = helper.make_tensor_value_info("x", onnx.TensorProto.DOUBLE, [2])
    out = helper.make_tensor_value_info("y", onnx.TensorProto.DOUBLE, [2])
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"])], "g", [port], [out])
    opset = helper.make_opsetid("", 18)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented):
        onnxruntime.InferenceSession(model.SerializeToString())


INDICES = [
    np.s_[1],
    np.s_[::-2, 1:],
    np.s_[..., None, -1],
    np.s_[np.array([2, -1, 0])],
    np.s_[:, np.array([[1, 0], [-1, 2]])],
    np.s_[np.array([0, 1]), :, np.array([3, -4])],
    np.s_[:, np.array([0, 1]), np.array([[3], [0]])],
    np.s_[0, :, np.array([3, 3])],
    np.s_[2, np.array([0, 0]), 1:3],
    np.s_[None, np.array([0, 2]), ..., 1],
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_all_indices_are_read_and_added_at(index, path):
    x = mg.tensor(np.random.default_rng(0).normal(size=(3, 3, 4)), requires_grad=True, name="x")
    agrees_in_onnx(tr.differentiate(mg.Tape.of(np.sum(x[index] ** 3))), path)


# --- size -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("rewrite", sorted(REWRITES))
def test_more_steps_are_no_more_nodes(rewrite, path):
    sizes = []
    for T in (24, 48):
        model = onnx.load(mg.to_onnx(REWRITES[rewrite](rnn(T)), path))
        # what randomized truncation draws is an input of each step, which a node makes a row
        sizes.append(count(model.graph) - len(model.graph.input))
    assert sizes[0] == sizes[1]


# --- what is refused --------------------------------------------------------------------------------------------------
def refused(tape, path, error, match):
    with pytest.raises(error, match=match) as raised:
        mg.to_onnx(tape, path)
    assert "\n" not in str(raised.value)
    assert not path.exists()


@pytest.mark.usefixtures("own_operations")
def test_what_has_no_form_is_refused_by_name(path):
    x = mg.tensor(np.eye(2), name="x")
    refused(mg.Tape.of(np.linalg.inv(x)), path, UnsupportedError, "to_onnx: inv: a function")
    double = mg.op(lambda x: 2 * x, vjp=lambda g, y, x: 2 * g)
    refused(mg.Tape.of(double(x)), path, UnsupportedError, "no form in ONNX")
    refused(mg.Tape.of(np.tan(x)), path, UnsupportedError, "'tan': Tan of float64, which onnxrunt")
    refused(x, path, ArgumentError, "roll")


def test_a_dtype_that_is_not_there_is_refused(path):
    x = mg.tensor(np.ones(2, np.longdouble), name="x")
    refused(mg.Tape.of(x * 1), path, UnsupportedError, "'x': .*, which onnxruntime has not")


def test_a_path_that_cannot_be_written_is_refused(path):
    refused(rnn(3), path / "no" / "folder.onnx", DataError, "cannot write")


def test_without_onnx_a_line_says_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    refused(rnn(3), path, DataError, "to_onnx: onnx is not installed. pip install onnx")
