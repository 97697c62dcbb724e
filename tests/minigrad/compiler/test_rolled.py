"""The laws of rolled programs: the same values, no more blocks for more steps, files that are whole or refused."""

import contextlib
import itertools
import json
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

import minigrad as mg
from minigrad import transforms as tr
from minigrad.compiler.rolled.rolled_program import Index, Loop
from minigrad.errors import ArgumentError, DataError, GradientError, UnsupportedError
from minigrad.models.networks import NETWORKS
from tests import children
from tests.laws import close, examples, same
from tests.minigrad.compiler.test_compile_programs import PROGRAMS, drawn
from tests.zoo import TAPES

REWRITES = {
    "plain": lambda tape: tape,
    "differentiated": tr.differentiate,
    "every": lambda tape: tr.differentiate(tr.truncate(tape, every=3)),
    "window": lambda tape: tr.differentiate(tr.truncate(tape, window=2)),
    "both": lambda tape: tr.differentiate(tr.truncate(tape, every=2, window=2)),
    "randomized": lambda tape: tr.differentiate(tr.truncate_randomly(tape, 0.5, 0)),
    "clipped": lambda tape: tr.clip(tr.differentiate(tape), 0.1),
    "checkpointed": lambda tape: tr.differentiate(tr.checkpoint(tape, 3)),
    "second": lambda tape: second_derivative(tr.differentiate(tape)),
}
RECURRENT = [
    "book",
    "ten",
    "gru",
    "lstm",
    "two layers",
    "data outside",
    "watched",
    "clipped",
    "untied",
]
TRUNCATED = ["bidirectional", "hierarchical", "self_attending"]


def a_third(names):
    """Every name with a third of the rewrites, every rewrite with a third of the names."""
    rows = itertools.product(enumerate(names), enumerate(REWRITES))
    return [(name, rewrite) for (i, name), (j, rewrite) in rows if (i + j) % 3 == 0]


def second_derivative(tape):
    squares = [np.sum(g * g) for g in tape.outputs[1:]]
    return tr.differentiate(mg.Tape.of(sum(squares)))


def tape_of(build):
    loss = build()
    return loss if isinstance(loss, mg.Tape) else mg.Tape.of(loss)


def network(name):
    return tape_of(NETWORKS[name])


def rnn(T, cell=np.tanh):
    """An RNN of two units that is read at every step."""
    rng = np.random.default_rng(0)
    W, U = (mg.tensor(rng.normal(size=(2, 2)), requires_grad=True, name=n) for n in ("W", "U"))
    X, h = mg.tensor(rng.normal(size=(T, 3, 2)), name="X"), mg.tensor(np.zeros((3, 2)), name="h_0")
    loss = 0.0
    for t in range(1, T + 1):
        with mg.timestep(t):
            h = cell(X[t - 1] @ W + h @ U).named(f"h_{t}")
            loss = loss + np.sum(h * h)
    return mg.Tape.of(loss)


def agrees_rolled(tape):
    rolled = mg.roll(tape)
    expected = tape.replay({})
    single = any(output.dtype == np.float32 for output in tape.outputs)
    close(list(rolled()), list(expected), rtol=1e-5 if single else 1e-10)
    return rolled


# --- values -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "rewrite"), a_third(RECURRENT))
def test_a_rolled_tape_has_the_values_of_the_tape(name, rewrite):
    agrees_rolled(REWRITES[rewrite](tape_of(TAPES[name])))


@pytest.mark.parametrize(("name", "rewrite"), a_third(TRUNCATED))
def test_a_rolled_network_has_the_values_of_the_network(name, rewrite):
    agrees_rolled(REWRITES[rewrite](network(name)))


@pytest.mark.parametrize("name", ["mlp", "attention", "transformer", "encoder_decoder"])
def test_networks_that_cannot_be_truncated(name):
    agrees_rolled(tr.clip(tr.differentiate(network(name)), 0.1))


@examples(40)
@given(PROGRAMS, st.integers(1, 7), st.booleans())
def test_random_programs(program, T, differentiated):
    loss, first = drawn(program, T)
    agrees_rolled(tr.differentiate(mg.Tape.of(loss)) if differentiated else mg.Tape.of(loss, first))


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_what_is_carried_from_several_steps_before(lag):
    w, states = (
        mg.tensor(0.7, requires_grad=True, name="w"),
        [mg.tensor(1.0 + i) for i in range(lag)],
    )
    for t in range(1, 13):
        with mg.timestep(t):
            states.append(np.tanh(w * states[-lag] + 0.1))
    rolled = agrees_rolled(tr.differentiate(mg.Tape.of(states[-1])))
    assert sum(isinstance(block, Loop) for block in rolled.program.blocks) >= 2


def test_rows_of_any_axis_and_slices_that_move():
    x = mg.tensor(np.random.default_rng(0).normal(size=(3, 8, 2)), name="x")
    outs = []
    for t in range(4):
        with mg.timestep(t):
            outs.append(np.tanh(x[:, 2 * t] * x[:, 2 * t : 2 * t + 2, 1] @ np.ones((2, 2))))
    rolled = agrees_rolled(mg.Tape.of(np.stack(outs, axis=1), np.concatenate(outs, axis=-1)))
    (loop, *_) = rolled.program.blocks[-6:]
    assert len(rolled.program.blocks) <= 9, rolled
    assert loop is not None


ROWS_READ = {
    "from the end": lambda x, t: x[-t - 1],
    "across the start": lambda x, t: x[t - 3],
    "of another axis, across the start": lambda x, t: x.T[:, t - 3],
    "every second": lambda x, t: np.sum(x[t : t + 4 : 2], axis=0),
    "backwards": lambda x, t: np.sum(x[t + 4 : t : -1], axis=0),
    "blocks from the end": lambda x, t: np.sum(x[-2 * t - 4 : -2 * t - 2], axis=0),
    "none": lambda x, t: np.sum(x[t:t], axis=0),
    "past the end": lambda x, t: np.sum(x[20 + 2 * t : 22 + 2 * t], axis=0),
    "cut off at the start": lambda x, t: np.sum(x[t - 40 : 5], axis=0),
    "first of the rest": lambda x, t: x[t:][0],
    "last so far": lambda x, t: x[: t + 1][-1],
    "with another step": lambda x, t: np.sum(x[5 :: t + 8], axis=0),
}
"""Ways to read some rows of twenty in step t, counted from 0."""


def reading(how):
    x = mg.tensor(np.random.default_rng(0).normal(size=(20, 3)), name="x", requires_grad=True)
    h = mg.tensor(np.zeros(3), name="h_0")
    for t in range(6):
        with mg.timestep(t + 1):
            h = np.tanh(h / 2 + ROWS_READ[how](x, t)).named(f"h_{t + 1}")
    return tr.differentiate(mg.Tape.of(np.sum(h * h)))


@pytest.mark.parametrize("how", ROWS_READ)
def test_rows_are_read_as_numpy_counts_them(how):
    agrees_rolled(reading(how))


def scaled(T):
    """A state of three numbers, times one number: the first step reads leaves alone."""
    w, h = mg.tensor(0.5, requires_grad=True, name="w"), mg.tensor(np.ones(3), name="h_0")
    for t in range(1, T + 1):
        with mg.timestep(t):
            h = np.tanh(w * h).named(f"h_{t}")
    return mg.Tape.of(np.sum(h))


@pytest.mark.parametrize("T", [1, 2, 3, 9])
def test_factors_of_different_shapes(T):
    agrees_rolled(tr.differentiate(scaled(T)))
    assert len(agrees_rolled(scaled(T)).program.blocks) <= 3


def late():
    """What is read of three steps before is one number at first."""
    states = [mg.tensor(np.ones(3), name="h_0", requires_grad=True)]
    for t in range(8):
        with mg.timestep(t + 1):
            before = states[t - 3] if t >= 3 else 0.0
            states.append(np.tanh(states[-1] + before).named(f"h_{t + 1}"))
    return tr.differentiate(mg.Tape.of(np.sum(states[-1])))


def test_first_values_of_another_shape():
    agrees_rolled(late())


def test_steps_that_read_one_another_to_and_fro():
    x = mg.tensor([0.5, 0.2], name="x", requires_grad=True)
    for _ in range(6):
        for t in (3, None, 0, None):
            with mg.timestep(t) if t is not None else contextlib.nullcontext():
                x = np.tanh(x * x + 1.0)
    agrees_rolled(tr.differentiate(mg.Tape.of(np.sum(x))))


def test_what_is_fed_is_read():
    tape = tr.differentiate(rnn(6))
    x = np.random.default_rng(1).normal(size=(6, 3, 2))
    rolled = mg.roll(tape)
    fed = {"X": x, "h_0": np.ones((3, 2))}
    leaves = {leaf.name: leaf for leaf in tape.leaves if leaf.name}
    close(
        list(rolled(fed)), list(tape.replay({leaves[name]: array for name, array in fed.items()}))
    )
    with pytest.raises(ArgumentError, match="rolled program: 'Z'"):
        rolled({"Z": x})


# --- size -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("rewrite", REWRITES)
def test_more_steps_are_no_more_blocks(rewrite):
    sizes = []
    for T in (24, 48):
        rolled = agrees_rolled(REWRITES[rewrite](rnn(T)))
        sizes.append([len(rolled.program.blocks), len(list(rolled.program.calls()))])
    assert sizes[0] == sizes[1]


def test_segments_run_side_by_side():
    rolled = mg.roll(tr.differentiate(tr.truncate(rnn(12), every=4)))
    loops = [block for block in rolled.program.blocks if isinstance(block, Loop) and block.carries]
    assert [(loop.steps, loop.lanes, loop.backward) for loop in loops] == [
        (12, 1, False),
        (4, 3, True),
    ]


def test_it_prints_as_a_page():
    assert str(mg.roll(rnn(100))).splitlines() == [
        "X: float64[100, 3, 2]",
        "W: float64[2, 2]",
        "h_0: float64[3, 2]",
        "U: float64[2, 2]",
        "all t = 0..99:",
        "    matmul_t: float64[3, 2] = matmul(X[t], W)",
        "    matmul[t] = matmul_t",
        "for t = 0..99:",
        "    h_t-1 is at first h_0",
        "    matmul_t#2: float64[3, 2] = matmul(h_t-1, U)",
        "    total_t: float64[3, 2] = total(matmul[t], matmul_t#2)",
        "    h_t: float64[3, 2] = tanh(total_t)",
        "    h[t] = h_t",
        "all t = 0..99:",
        "    product_t: float64[3, 2] = product(h[t], h[t])",
        "    sum_t: float64[] = sum(product_t)",
        "    total#2 += sum_t",
        "return total#2",
    ]


# --- files ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("rewrite", REWRITES)
def test_a_file_gives_the_program_again(tmp_path, rewrite):
    rolled = mg.roll(REWRITES[rewrite](rnn(8)))
    loaded = mg.load_program(rolled.save(tmp_path / "p.safetensors"))
    assert str(loaded) == str(rolled)
    same(list(loaded()), list(rolled()))
    x = np.ones((8, 3, 2))
    fed = {"X": x, "h_0": np.ones((3, 2))}
    same(list(loaded(fed)), list(rolled(fed)))
    # another library reads the arrays
    arrays = load_file(tmp_path / "p.safetensors")
    same(arrays["input X"], rolled.recorded["X"])


@pytest.mark.parametrize("rewrite", REWRITES)
def test_a_program_recorded_again_compiles_to_the_same_values(rewrite):
    rolled = mg.roll(REWRITES[rewrite](rnn(8)))
    tape = rolled.tape()
    assert {leaf.name for leaf in tape.leaves if leaf.name} == set(rolled.inputs)
    close(list(mg.compile(tape)()), list(rolled()), rtol=1e-10)


def test_a_process_that_has_only_numpy_runs_a_file(tmp_path):
    rolled = mg.roll(tr.differentiate(rnn(8)))
    path = rolled.save(tmp_path / "p.safetensors")
    code = (
        "import sys\n"
        "for name in ('safetensors', 'jax', 'onnx', 'scipy'): sys.modules[name] = None\n"
        "import minigrad as mg\n"
        f"print(float(mg.compile(mg.load_program({str(path)!r}).tape())()[0]))\n"
    )
    out = children.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True).stdout
    close(float(out), float(rolled()[0]))


def changed(path, change):
    """The file with its program changed."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    program = json.loads(header["__metadata__"]["program"])
    change(program)
    header["__metadata__"]["program"] = json.dumps(program)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def set_at(*keys, value):
    def change(program):
        for key in keys[:-1]:
            program = program[key]
        program[keys[-1]] = value

    return change


HOSTILE = {
    "unknown function": set_at("blocks", 0, "body", 0, "fn", value="system"),
    "function of Python": set_at("blocks", 0, "body", 0, "fn", value="eval"),
    "unknown name": set_at("outputs", 0, 0, value="nobody"),
    "no blocks": set_at("blocks", value=None),
    "no steps": set_at("blocks", 0, "steps", value=0),
    "steps of text": set_at("blocks", 0, "steps", value="8"),
    "index of text": set_at("blocks", 0, "body", 0, "reads", 0, 1, value=["a", 0, 0]),
    "negative shape": set_at("forms", "X", value=[[-1], "<f8"]),
    "objects": set_at("inputs", "X", value=[[8, 3, 2], "|O"]),
    "another input": set_at("inputs", "X", value=[[8, 3, 3], "<f8"]),
    "result that is not there": set_at("blocks", 0, "stacked", value={"x": "y"}),
    "keyword of no kind": set_at("blocks", 0, "body", 0, "kwargs", value={"axis": ["code", "1"]}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_program_is_refused_in_one_line(tmp_path, name):
    path = mg.roll(rnn(8)).save(tmp_path / "p.safetensors")
    changed(path, HOSTILE[name])
    with pytest.raises(DataError) as error:
        mg.load_program(path)
    assert "\n" not in str(error.value)


@examples(60)
@given(st.integers(0, 10_000), st.integers(0, 255), st.booleans())
def test_a_broken_file_is_refused_or_read(tmp_path_factory, at, byte, cut):
    path = mg.roll(rnn(3)).save(tmp_path_factory.mktemp("broken") / "p.safetensors")
    data = bytearray(path.read_bytes())
    data[at % len(data)] = byte
    path.write_bytes(data[: at % len(data)] if cut else data)
    with contextlib.suppress(DataError):
        assert mg.load_program(path).inputs


def test_a_result_of_another_shape_is_refused(tmp_path):
    path = mg.roll(rnn(8)).save(tmp_path / "p.safetensors")
    changed(path, set_at("blocks", 0, "body", 0, "form", value=[[3, 3], "<f8"]))
    with pytest.raises(DataError, match="expected"):
        mg.load_program(path)()


@pytest.mark.parametrize("path", [None, 3, mg.tensor(1.0)])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ArgumentError, match="expected a path"):
        mg.load_program(path)


# --- what is refused --------------------------------------------------------------------------------------------------
def test_numbers_that_a_file_cannot_hold_are_refused(tmp_path):
    wide = np.dtype(np.longdouble)
    if wide == np.float64:
        pytest.skip("longdouble is float64 here")
    rolled = mg.roll(mg.Tape.of(mg.tensor(np.ones(2, wide), name="x") * 3))
    with pytest.raises(UnsupportedError, match=f"'input x' is {wide}"):
        rolled.save(tmp_path / "wide.safetensors")


def test_what_is_no_tape_is_refused():
    with pytest.raises(ArgumentError, match="roll"):
        mg.roll(mg.tensor(1.0))


def test_a_look_at_a_value_is_refused():
    x = mg.tensor(1.0, name="x")
    y = x * 2
    z = y * (3 if float(y) > 1 else 4)
    with pytest.raises(GradientError, match="roll: the value"):
        mg.roll(mg.Tape.of(z * 1))


@pytest.mark.usefixtures("own_operations")
def test_a_function_of_ones_own_is_not_saved(tmp_path):
    double = mg.op(lambda x: 2 * x, vjp=lambda g, y, x: 2 * g)
    rolled = mg.roll(mg.Tape.of(double(mg.tensor(1.0, name="x"))))
    close(rolled()[0], np.array(2.0))
    with pytest.raises(UnsupportedError, match="table"):
        rolled.save(tmp_path / "p.safetensors")
    assert not list(tmp_path.iterdir())


@given(st.integers(-50, 50), st.integers(-5, 5), st.integers(-5, 5))
def test_an_index_is_affine(start, per_step, per_lane):
    index = Index(start, per_step, per_lane)
    assert index.at(3, 2) - index.at(2, 2) == per_step
    assert index.at(3, 2) - index.at(3, 1) == per_lane
