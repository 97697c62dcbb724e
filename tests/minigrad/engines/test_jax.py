"""The laws of tapes lowered to JAX: the values of the tape, its dtypes, and no label that is none."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tr
from minigrad.errors import ArgumentError, UnsupportedError
from minigrad.ops import OPS, op_name
from tests import children
from tests.laws import close, examples, same
from tests.minigrad.compiler.test_compile_programs import PROGRAMS, drawn
from tests.minigrad.compiler.test_rolled import (
    REWRITES,
    ROWS_READ,
    late,
    network,
    reading,
    rnn,
    scaled,
    tape_of,
)
from tests.minigrad.ops.losses import params, scalar
from tests.minigrad.ops.rows import ROWS
from tests.zoo import TAPES

jax = pytest.importorskip("jax", reason="JAX is not installed: pip install jax")


OF_NUMPY = [fn for fn in vars(np).values() if isinstance(fn, np.ufunc)]


@pytest.fixture(autouse=True)
def doubles():
    """JAX's own switch, on during a test."""
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


def agrees_in_jax(tape, rtol=1e-9):
    found = mg.lower(tape, "jax")()
    expected = tape.replay({})
    close([np.asarray(x) for x in found], list(expected), rtol=rtol)


# --- values -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("rewrite", REWRITES)
def test_a_lowered_tape_has_the_values_of_the_tape(rewrite):
    agrees_in_jax(REWRITES[rewrite](rnn(6)))


def test_arrays_of_any_number_of_steps():
    lowered = mg.lower(mg.roll_any(lambda T: tr.clip(tr.differentiate(rnn(T)), 0.1)), "jax")
    for T in (7, 33):
        fed = mg.roll(rnn(T)).recorded
        fed = {"X": fed["X"] + 1, "h_0": fed["h_0"]}
        found = lowered(fed)
        close([np.asarray(x) for x in found], list(lowered.family(fed)), rtol=1e-9)
    with pytest.raises(ArgumentError, match="at: T=0"):
        lowered.at(0)


@pytest.mark.parametrize("name", ["lstm", "watched", "encoder"])
def test_gated_and_other_tapes(name):
    agrees_in_jax(tr.differentiate(tape_of(TAPES[name])))


@pytest.mark.parametrize("how", ROWS_READ)
def test_rows_are_read_as_numpy_counts_them(how):
    agrees_in_jax(reading(how))


def test_operands_of_different_shapes():
    agrees_in_jax(tr.differentiate(scaled(5)))
    agrees_in_jax(late())


@pytest.mark.parametrize("name", ["attention", "self_attending"])
def test_networks(name):
    agrees_in_jax(tr.differentiate(network(name)))


@examples(4)
@given(PROGRAMS, st.integers(1, 4))
def test_random_programs(program, T):
    loss, _ = drawn(program, T)
    agrees_in_jax(tr.differentiate(mg.Tape.of(loss)))


IN_TABLE = {fn for fn, op in OPS.items() if op.joint or any(op.rules)}
IN_SCIPY = set(filter(callable, vars(scipy.special).values())) - set(OF_NUMPY)
ROW_OF = {op_name(fn): row for fn, _, row in ROWS if fn in IN_TABLE - IN_SCIPY}


@pytest.mark.parametrize("name", ROW_OF)
@examples(1)
@given(data=st.data())
def test_every_differentiable_function_has_a_twin(name, data):
    fn, xs = data.draw(ROW_OF[name])
    ts = params(xs)
    lowered = mg.lower(tr.differentiate(mg.Tape.of(scalar(fn, ts)), ts), "jax")
    tape = tr.differentiate(mg.Tape.of(scalar(fn, ts)), ts)
    with jax.disable_jit():
        found = lowered.function(lowered.rolled.recorded)
    close([np.asarray(x) for x in found], list(tape.replay({})), rtol=1e-6, atol=1e-9)


def test_it_is_a_function_that_jax_transforms():
    tape = rnn(5)
    lowered = mg.lower(tape, "jax")
    by_jax = jax.grad(lambda U: lowered.function({**lowered.rolled.recorded, "U": U})[0])
    U = next(leaf for leaf in tape.leaves if leaf.name == "U")
    (expected,) = tr.differentiate(tape, [U]).outputs[1:]
    close(np.asarray(by_jax(U.data)), expected.data, rtol=1e-9)


def test_numbers_keep_the_dtype_that_they_were_recorded_with():
    n = mg.tensor(np.arange(3), name="n")
    x = mg.tensor(np.ones(3, np.float32), name="x")
    tape = mg.Tape.of(n * x, x * 2, n + 1)
    found = mg.lower(tape, "jax")()
    assert [np.dtype(y.dtype) for y in found] == [y.dtype for y in tape.outputs]


# --- what is refused --------------------------------------------------------------------------------------------------
def labelled():
    W = mg.tensor(np.random.default_rng(0).normal(size=(4, 5)), requires_grad=True, name="W")
    tokens, targets = mg.tensor([1, 2], name="tokens"), mg.tensor([0, 4], name="targets")
    return mg.Tape.of(mg.cross_entropy(mg.embedding(tokens, W), targets))


@pytest.mark.parametrize(
    ("fed", "expected"),
    [
        ({"tokens": [1, 4]}, r"'tokens': 4; expected 0\.\.3"),
        ({"tokens": [-1, 0]}, r"'tokens': -1"),
        ({"targets": [5, 0]}, r"'targets': 5; expected 0\.\.4"),
    ],
)
def test_labels_that_are_none_are_refused_before_the_call(fed, expected):
    lowered = mg.lower(tr.differentiate(labelled()), "jax")
    with pytest.raises(ArgumentError, match=expected):
        lowered(fed, missing="recorded")


def test_an_index_past_the_ends_is_refused_before_the_call():
    x, k = mg.tensor(np.arange(4.0), name="x"), mg.tensor([0, 1], name="k")
    lowered = mg.lower(mg.Tape.of(np.sum(x[k])), "jax")
    close([np.asarray(lowered({"x": x.data, "k": [1, -1]})[0])], [4.0])
    for wrong in (4, -5):
        with pytest.raises(ArgumentError, match=f"'k': {wrong}"):
            lowered({"x": x.data, "k": [0, wrong]})


def test_float64_without_the_switch_is_refused():
    jax.config.update("jax_enable_x64", False)
    with pytest.raises(UnsupportedError, match="jax_enable_x64"):
        mg.lower(rnn(3), "jax")


def test_another_engine_is_refused():
    with pytest.raises(ArgumentError, match="'jax'"):
        mg.lower(rnn(3), "tensorflow")


@pytest.mark.usefixtures("own_operations")
def test_a_function_of_ones_own_is_refused():
    double = mg.op(lambda x: 2 * x, vjp=lambda g, y, x: 2 * g)
    with pytest.raises(UnsupportedError, match="twin"):
        mg.lower(mg.Tape.of(double(mg.tensor(1.0, name="x"))), "jax")


# --- several devices --------------------------------------------------------------------------------------------------
def test_a_batch_over_eight_devices_has_the_gradients_of_one():
    path = Path(__file__).with_name("eight_devices.py")
    root = str(Path(__file__).parents[3])
    out = children.run([sys.executable, path], stdout=subprocess.PIPE, text=True, cwd=root).stdout
    found = json.loads(out.splitlines()[-1])
    assert found["devices"] == 8
    assert found["difference"] < 1e-12
    assert found["all_reduces"] == 1


# --- the page ---------------------------------------------------------------------------------------------------------
def test_the_code_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[3] / "docs" / "engines.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    jax.config.update("jax_enable_x64", False)
    names = {}
    for block in blocks:
        exec(block, names)
    same(np.asarray(names["loss_"]), np.asarray(names["lowered"]()[0]))
