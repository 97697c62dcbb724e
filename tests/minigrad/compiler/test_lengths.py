"""The laws of programs of any length: what four short recordings give is what a recording of that length gives."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import models
from minigrad import transforms as tr
from minigrad.compiler.rolled.lengths.laws import SAMPLES, UnlikeError, law_of
from minigrad.compiler.rolled.lengths.runs import as_runs, numbers_of, patterns_of, spread
from minigrad.errors import ArgumentError, ShapeError, UnsupportedError
from tests.laws import close, examples, same
from tests.minigrad.compiler.test_rolled import REWRITES, rnn

B, N, CLASSES = 3, 2, 4
CELLS = {
    "rnn": models.RNNCell(N, 3, rng=0),
    "gru": models.GRUCell(N, 3, rng=0),
    "lstm": models.LSTMCell(N, 3, rng=0),
    "two layers": models.Stacked(models.GRUCell(N, 3, rng=0), models.RNNCell(3, 3, rng=1)),
}
V = mg.tensor(np.random.default_rng(2).normal(size=(3, CLASSES)), requires_grad=True, name="V")


def language_model(cell, T, padded=False):
    """The mean loss of a model that reads arrays of T steps, differentiated: it has 1 / (T B) in it."""
    rng = np.random.default_rng(T)
    X = mg.tensor(rng.normal(size=(T, B, N)), name="X")
    Y = mg.tensor(rng.integers(CLASSES, size=(T, B)), name="Y", dtype=np.int64)
    lengths = (
        mg.tensor(rng.integers(1, T + 1, size=B), name="lengths", dtype=np.int64)
        if padded
        else None
    )
    outputs, _ = models.unroll(CELLS[cell], X, lengths=lengths)
    logits = np.stack(outputs) @ V
    counted = mg.sequence_mask(lengths, T) if padded else None
    loss = mg.cross_entropy(logits, Y, sample_weight=counted)
    return tr.differentiate(mg.Tape.of(loss))


BUILDS = {f"an RNN, {rewrite}": (lambda T, f=f: f(rnn(T)), 1) for rewrite, f in REWRITES.items()}
BUILDS |= {name: (functools.partial(language_model, name), 1) for name in CELLS}
BUILDS |= {
    "an RNN, every": (lambda T: REWRITES["every"](rnn(T)), 3),
    "an RNN, both": (lambda T: REWRITES["both"](rnn(T)), 2),
    # its copies of the gates take turns
    "an RNN, window": (lambda T: REWRITES["window"](rnn(T)), 12),
    "padded": (functools.partial(language_model, "gru", padded=True), 1),
    "a GRU, every": (lambda T: tr.clip(gru_in_twos(T), 0.1), 4),
}


def gru_in_twos(T):
    rng = np.random.default_rng(T)
    outputs, _ = models.unroll(CELLS["gru"], mg.tensor(rng.normal(size=(T, B, N)), name="X"))
    tape = mg.Tape.of(np.mean(np.stack(outputs) ** 2))
    return tr.differentiate(tr.truncate(tape, every=2))


@functools.cache
def family(name):
    build, step = BUILDS[name]
    return mg.roll_any(build, step)


def agrees(name, T):
    """The program for T steps is the one that a recording of T steps rolls up to."""
    tape = BUILDS[name][0](T)
    recorded = mg.roll(tape)
    found = family(name).at(T)
    assert str(found) == str(recorded)
    values = recorded.recorded
    close(list(found(values)), list(recorded()), rtol=1e-12)
    close(list(found(values)), list(tape.replay({})), rtol=1e-9)


@pytest.mark.parametrize("name", BUILDS)
@examples(2)
@given(T=st.integers(5, 60))
def test_any_length_is_what_a_recording_of_that_length_gives(name, T):
    agrees(name, T)


def test_a_long_program_is_as_small_as_a_short_one():
    short, long = (family("an RNN, clipped").at(T).program for T in (20, 10_000))
    assert len(short.blocks) == len(long.blocks)
    assert long.forms["X"].shape == (10_000, 3, 2)


def test_the_length_is_that_of_what_is_fed():
    build, _ = BUILDS["gru"]
    tape = build(31)
    fed = mg.roll(tape).recorded
    found = family("gru")({name: fed[name] for name in ("X", "Y", "h_0")})
    close(list(found), list(tape.replay({})), rtol=1e-9)
    with pytest.raises(ShapeError, match="'X' has 31 steps, 'Y' has 30 steps; expected one number"):
        family("gru")({"X": fed["X"], "Y": fed["Y"][:-1]})
    with pytest.raises(ArgumentError, match=r"expected one of .*X.* Or say family\.at"):
        family("gru")({})


def test_parameters_are_the_users_own():
    found = family("gru").at(40)
    assert V in found.leaves
    before = V.numpy()
    V.assign(before + 1)
    same(
        found.with_values({"X": np.ones((40, B, N)), "Y": np.zeros((40, B), int)}).recorded["V"],
        before + 1,
    )
    V.assign(before)


def test_values_that_were_not_recorded_are_fed():
    build, _ = BUILDS["gru"]
    fed = {name: mg.roll(build(24)).recorded[name] for name in ("X", "Y", "h_0")}
    program = family("gru").at(24)
    for call in (
        program,
        program.tape,
        lambda: program({}),
        lambda: program({"X": fed["X"]}, missing="recorded"),
    ):
        with pytest.raises(ArgumentError, match=r"no values for .*'Y', which were not recorded"):
            call()
    with_values = family("gru").at(24, fed)
    close(list(with_values()), list(program(fed)))
    close(list(mg.compile(with_values.tape())()), list(program(fed)), rtol=1e-9)


def test_a_file_of_a_long_program(tmp_path):
    zeros = {"X": np.zeros((200, 3, 2)), "h_0": np.zeros((3, 2))}
    program = family("an RNN, every").at(200, zeros)
    loaded = mg.load_program(program.save(tmp_path / "p.safetensors"))
    same(list(loaded(zeros)), list(program()))


# --- what is refused --------------------------------------------------------------------------------------------------
def data_outside(T):
    data, h = np.random.default_rng(0).normal(size=(T, 3)), mg.tensor(np.zeros(3), name="h_0")
    for t in range(T):
        with mg.timestep(t + 1):
            h = np.tanh(h + data[t])
    return mg.Tape.of(h)


def squares(T):
    x = mg.tensor(np.zeros((T * T, 2)), name="x")
    return mg.Tape.of(np.sum(x * x))


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (
            BUILDS["an RNN, window"][0],
            r"roll_any: '.*': .* at T = 20, 21, 22, 25; .* step=k, .*\[test_rolled.py:\d+\]",
        ),
        (BUILDS["an RNN, every"][0], r"roll_any: '.*': .* at T = 20, 21, 22, 25; .* step=k, "),
        (data_outside, r"roll_any: 'constant rows': .* name data of T steps"),
        (
            squares,
            r"roll_any: 'x': 400, 441, 484, 625 at T = 20, 21, 22, 25; expected the same, or what grows evenly",
        ),
    ],
)
def test_what_follows_no_law_is_refused(build, text):
    with pytest.raises(UnsupportedError, match=text) as error:
        mg.roll_any(build)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("T", [0, -3, 2.0, True])
def test_what_is_no_number_of_steps_is_refused(T):
    with pytest.raises(ArgumentError, match="at: T="):
        family("an RNN, plain").at(T)


def test_arguments_of_roll_any():
    with pytest.raises(ArgumentError, match="step=0"):
        mg.roll_any(rnn, step=0)
    with pytest.raises(ArgumentError, match="a Tape; expected a function of T"):
        mg.roll_any(rnn(3))
    with pytest.raises(ArgumentError, match="roll"):
        mg.roll_any(np.zeros)


# --- laws of numbers and lists ----------------------------------------------------------------------------------------
@given(st.integers(-9, 9), st.integers(-9, 9))
def test_integers_and_names_grow_evenly(start, per_length):
    law = law_of([(start + k * per_length, f"h_{k + 7}") for k in SAMPLES])
    assert law(100) == (start + 100 * per_length, "h_107")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(st.integers(1, 64), st.integers(1, 40), st.sampled_from([1, -1, 2, -2, 0.5, -0.5]))
def test_floats_are_powers_of_the_length(dtype, batch, first, power):
    def constant(k):
        return np.array((np.float64(first + k) * batch) ** power, dtype)

    found = law_of([constant(k) for k in SAMPLES])(1000)
    close(found, constant(1000), rtol=50 * np.finfo(dtype).eps * 1000**0.5)


@pytest.mark.parametrize(
    "function", [lambda k: 0.9**k, np.sin, lambda k: float(k % 2), lambda k: k * k - 0.5]
)
def test_other_floats_have_no_law(function):
    with pytest.raises(UnlikeError):
        law_of([float(function(k)) for k in SAMPLES])


@given(
    st.lists(
        st.integers(0, 5) | st.sampled_from(["x_1", "x_2", "y"]) | st.tuples(st.integers(0, 3)),
        max_size=30,
    )
)
def test_runs_are_the_list_again(entries):
    runs = as_runs(entries)
    assert spread(patterns_of(runs), numbers_of(runs)) == entries


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.zeros, np.zeros(30)),
        (lambda T: np.full((2, T), 1 / T), np.full((2, 30), 1 / 30)),
        (np.arange, np.arange(30)),
        (lambda T: np.array([[0, 2 * T, 1.0 / T]]), np.array([[0, 60, 1 / 30]])),
    ],
)
def test_arrays_that_grow(array, expected):
    found = law_of([array(10 + k) for k in SAMPLES])(20)
    close(found, expected, rtol=1e-15)
