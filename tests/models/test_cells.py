"""Cells: the book's equations written out again, central differences, names and stamps, truncation by hand."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.cli import main
from minigrad.models import (
    GRUCell,
    LinearRNN,
    LSTMCell,
    RNNCell,
    Stacked,
    parameters,
    unroll,
)
from minigrad.models.cells import CELLS
from minigrad.models.train import checkpoint
from minigrad.transforms import truncate

every_cell = pytest.mark.parametrize("kind", [*CELLS, "stacked"])


def made(kind, d, h):
    """A cell of the registry, or two layers of two kinds, with weights that matter."""
    if kind == "stacked":
        return Stacked(LSTMCell(d, h, 0, sigma=0.5), GRUCell(h, h, 1, sigma=0.5))
    return CELLS[kind].make(d, h, 0, sigma=0.5)


def inputs(T=4, batch=2, d=3, seed=0):
    return list(np.random.default_rng(seed).normal(size=(T, batch, d)))


def logistic(x):
    return 1 / (1 + np.exp(-x))


def test_rnn_gru_lstm_are_the_books_equations():
    x, h, c = np.random.default_rng(1).normal(size=(3, 2, 3))
    r = RNNCell(3, 3, 0, sigma=0.5)
    W = {p.name: p.data for p in parameters(r)}
    np.testing.assert_allclose(
        r(x, mg.tensor(h))[0].data, np.tanh(x @ W["W_xh"] + h @ W["W_hh"] + W["b_h"])
    )
    g = GRUCell(3, 3, 0, sigma=0.5)
    W = {p.name: p.data for p in parameters(g)}
    R = logistic(x @ W["W_xr"] + h @ W["W_hr"] + W["b_r"])
    Z = logistic(x @ W["W_xz"] + h @ W["W_hz"] + W["b_z"])
    candidate = np.tanh(x @ W["W_xh"] + (R * h) @ W["W_hh"] + W["b_h"])
    np.testing.assert_allclose(g(x, mg.tensor(h))[0].data, Z * h + (1 - Z) * candidate)
    m = LSTMCell(3, 3, 0, sigma=0.5)
    W = {p.name: p.data for p in parameters(m)}
    i, f, o = (logistic(x @ W[f"W_x{k}"] + h @ W[f"W_h{k}"] + W[f"b_{k}"]) for k in "ifo")
    new = f * c + i * np.tanh(x @ W["W_xc"] + h @ W["W_hc"] + W["b_c"])
    out, (h_1, c_1) = m(x, (mg.tensor(h), mg.tensor(c)))
    np.testing.assert_allclose(c_1.data, new)
    np.testing.assert_allclose(out.data, o * np.tanh(new))
    assert out is h_1


@every_cell
def test_gradient_is_that_of_central_differences(kind):
    cell = made(kind, 3, 2)

    def loss(*values):
        """The same cell with these parameters."""
        given, other = iter(values), copy.deepcopy(cell)
        for module in getattr(other, "cells", [other]):
            for name, value in vars(module).items():
                if isinstance(value, mg.Tensor):
                    setattr(module, name, next(given))
        return sum(np.sum(h * h) for h in unroll(other, inputs())[0])

    assert mg.gradcheck(loss, parameters(cell))


@every_cell
@given(k=st.integers(1, 4), T=st.integers(2, 6))
def test_truncate_every_is_detach_by_hand_on_every_state(kind, k, T):
    cell, xs = made(kind, 3, 2), inputs(T)
    outputs, _ = unroll(cell, xs)
    tape = truncate(mg.Tape.of(sum(np.sum(h * h) for h in outputs)), every=k)
    state, losses = cell.zero_state(xs[0].shape), []
    for t, x in enumerate(xs):
        if t % k == 0 and t:
            state = (
                tuple(mg.detach(s) for s in state) if isinstance(state, tuple) else mg.detach(state)
            )
        out, state = cell(mg.tensor(x), state)
        losses.append(out)
    ps = parameters(cell)
    by_hand = mg.grad(sum(np.sum(h * h) for h in losses), ps)
    for a, b in zip(mg.grad(tape.outputs[0], ps), by_hand, strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_unroll_names_and_stamps():
    outputs, (h, c) = unroll(LSTMCell(3, 2, 0), inputs(3))
    tape = mg.Tape.of(np.sum(outputs[-1]))
    assert (h.name, c.name) == ("h_3", "c_3")
    for name, time in [
        ("x_1", 1),
        ("h_0", None),
        ("c_0", None),
        ("h_2", 2),
        ("c_2", 2),
        ("W_xi", None),
    ]:
        assert tape[name].time == time
    outputs, _ = unroll(LinearRNN(3, 2, 2, 0), [x.T for x in inputs(2)])
    assert [o.name for o in outputs] == ["o_1", "o_2"]


def test_unroll_reads_a_tensor_along_time_inside_the_steps():
    X = mg.tensor(np.stack(inputs(3)), name="X")
    outputs, _ = unroll(RNNCell(3, 2, 0), X)
    tape = mg.Tape.of(outputs[-1])
    assert [tape[f"x_{t}"].time for t in (1, 2, 3)] == [1, 2, 3]
    np.testing.assert_array_equal(tape.replay({X: X.data}, missing="recorded")[0], outputs[-1].data)


def test_carried_state_continues_the_sequence():
    cell, xs = LSTMCell(3, 2, 0), inputs(6)
    _, middle = unroll(cell, xs[:3])
    resumed, _ = unroll(cell, xs[3:], tuple(s.detach() for s in middle))
    whole, _ = unroll(cell, xs)
    np.testing.assert_array_equal(resumed[-1].data, whole[-1].data)


def test_parameters_come_in_the_order_they_were_set():
    assert [p.name for p in parameters(Stacked(RNNCell(2, 2), RNNCell(2, 2)))] == [
        "W_xh",
        "W_hh",
        "b_h",
    ] * 2
    assert [p.shape for p in parameters(LinearRNN(3, 4, 2))] == [(4, 3), (4, 4), (2, 4)]


@pytest.mark.parametrize("kind", CELLS)
def test_the_registry_knows_the_gates_of_a_cell(kind):
    """A gate is W_x* (d, h), W_h* (h, h) and b_* (h,), and there is nothing else."""
    shapes = [p.shape for p in parameters(made(kind, 3, 2))]
    assert shapes == [(3, 2), (2, 2), (2,)] * CELLS[kind].gates


@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_of_the_registry_is_trained_saved_and_loaded(kind, tmp_path):
    text, file = tmp_path / "text.txt", tmp_path / "model"
    text.write_text("it was the best of times, it was the worst of times. " * 4)
    size = ["--hidden", "4", "--layers", "2", "--dropout", "0.2", "--steps", "5", "--epochs", "1"]
    options = ["--text", str(text), "--cell", kind, *size, "--quiet", "--save", str(file)]
    assert main(["train", *options]) == 0
    lm, vocab = checkpoint.load(file)
    assert lm.kind == kind
    assert [type(cell) for cell in lm.layers] == [CELLS[kind].make] * 2
    assert len(lm.continue_text("it", 3, vocab)) == 5
