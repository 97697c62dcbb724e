"""The matrix G[t, i]: its sums are the gradient, its zeros are the truncation's, its cells are differences."""

import tracemalloc
from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import models
from minigrad.errors import ArgumentError
from minigrad.models import LSTMCell, anatomy, parameters, section, unroll
from minigrad.transforms import truncate, untie
from tests.laws import close, slope
from tests.zoo import SMALL_CELLS, TRUNCATIONS, small_net

ROUNDING = 1e-10
nets = st.builds(
    small_net,
    kind=st.sampled_from(list(SMALL_CELLS)),
    T=st.integers(1, 6),
    seed=st.integers(0, 99),
    last_only=st.booleans(),
    inside=st.booleans(),
    batch=st.integers(1, 2),
)


@given(nets, st.sampled_from(list(TRUNCATIONS)), st.integers(0, 99))
def test_rows_columns_lags_and_total_are_sums_of_g_and_the_total_is_the_gradient(
    made, truncation, which
):
    tape, params = made
    tape, W = TRUNCATIONS[truncation](tape), params[which % len(params)]
    a = anatomy(tape, W)
    close(a.total, mg.grad(tape.outputs[0], W)[0].data, ROUNDING)
    close(a.G.sum(axis=(0, 1)), a.total, ROUNDING)
    close(a.G.sum(axis=1), a.rows, ROUNDING)
    close(a.G.sum(axis=0), a.columns, ROUNDING)
    close(
        sum(np.trace(a.G, k) for k in range(1 - len(a.steps), len(a.steps))),
        a.lags.sum(axis=0),
        ROUNDING,
    )
    close(np.linalg.norm(a.G.reshape(*a.norms.shape, -1), axis=-1), a.norms, ROUNDING)
    assert not a.outside.any()


@given(nets, st.integers(0, 99))
def test_columns_are_the_adjoints_of_the_untied_weight(made, which):
    tape, params = made
    W = params[which % len(params)]
    untied = untie(tape, W)
    a = anatomy(tape, W)
    adjoints = {s.tensor.name: s.grad for s in untied.steps()}
    for t, column in zip(a.steps, a.columns, strict=True):
        close(column, adjoints.get(f"{W.label}@{t}", np.zeros(W.shape)), ROUNDING)


@given(st.sampled_from(list(SMALL_CELLS)), st.integers(2, 6), st.integers(0, 99))
def test_a_row_is_the_gradient_of_that_loss_term_alone(kind, T, seed):
    tape, params = small_net(kind, T, seed)
    rows = anatomy(tape, params[1]).rows
    for t in range(1, T + 1):
        alone, same = small_net(kind, t, seed, last_only=True)
        close(rows[t - 1], mg.grad(alone.outputs[0], same[1])[0].data, ROUNDING)


@given(nets, st.integers(1, 4), st.integers(0, 5), st.integers(0, 99))
def test_truncation_leaves_exact_zeros_and_nothing_else_changes(made, k, w, which):
    tape, params = made
    W = params[which % len(params)]
    full = anatomy(tape, W).G
    t, i = np.indices(full.shape[:2])
    for cut, kept in (
        (truncate(tape, every=k), t // k == i // k),
        (truncate(tape, window=w), t - i <= w),
    ):
        G = anatomy(cut, W).G
        assert not G[~kept].any()
        close(G[kept], full[kept], ROUNDING)


@given(nets, st.integers(0, 99))
def test_lost_is_the_error_of_each_window(made, which):
    tape, params = made
    W = params[which % len(params)]
    a, exact = anatomy(tape, W, norms_only=True), mg.grad(tape.outputs[0], W)[0].data
    for w, error in enumerate(a.lost):
        cut = mg.grad(truncate(tape, window=w).outputs[0], W)[0].data
        assert np.linalg.norm(cut - exact) == pytest.approx(
            error * np.linalg.norm(exact), rel=1e-6, abs=1e-13
        )


def test_the_section_s_model_is_the_closed_form_9_7_15_cell_by_cell():
    e = section(T=4, seed=3)
    closed, W = e.closed_form(), e.rnn.W_hh
    states = [e.h_0, *(e.tape[f"h_{t}"].data for t in range(1, 5))]
    G = anatomy(e.tape, W).G
    for t in range(1, 5):
        for i in range(1, 5):
            power = np.linalg.matrix_power(W.data.T, max(t - i, 0))
            cell = power @ e.rnn.W_qh.data.T @ closed.do[t - 1] @ states[i - 1].T
            close(G[t - 1, i - 1], cell if i <= t else 0 * cell, ROUNDING)


def test_each_cell_is_a_difference_of_the_forward_pass():
    """Loss term t after a change of W at step i alone."""
    rng = np.random.default_rng(1)
    W, xs = (
        mg.tensor(rng.normal(size=(3, 3)), requires_grad=True, name="W"),
        rng.normal(size=(4, 1, 3)),
    )

    def terms(at=None, value=None):
        h, found = mg.tensor(np.ones((1, 3))), []
        for t, x in enumerate(xs):
            with mg.timestep(t):
                h = np.tanh(h @ (mg.tensor(value) if t == at else W) + x)
            found.append(np.sum(h**3))
        return found

    G = anatomy(mg.Tape.of(np.sum(np.stack(terms()))), W).G
    for t, i in np.ndindex(4, 4):
        close(G[t, i], slope(lambda v, t=t, i=i: terms(i, v)[t].item(), W.data), 1e-8)


def test_what_is_made_of_the_weight_before_the_steps_and_decay_after_them_are_told_apart():
    rng = np.random.default_rng(0)
    W = mg.tensor(rng.normal(size=(3, 3)), requires_grad=True, name="W")
    masked, h = W * np.tri(3), mg.tensor(np.ones((2, 3)))
    terms = []
    for t in range(3):
        with mg.timestep(t):
            h = np.tanh(h @ masked + h @ W.T)
        terms.append(np.sum(h))
    loss = np.sum(np.stack(terms)) + 0.1 * np.sum(W**2)
    a = anatomy(mg.Tape.of(loss), W)
    close(a.outside, 0.2 * W.data, ROUNDING)
    close(a.total, mg.grad(loss, W)[0].data, ROUNDING)
    assert (a.norms > 0).sum() == 6


def test_a_weight_that_no_step_reads_has_no_cells():
    h = mg.tensor(1.0, requires_grad=True)
    W = mg.tensor(2.0, requires_grad=True)
    with mg.timestep(1):
        y = np.tanh(h)
    a = anatomy(mg.Tape.of(y * W), W)
    assert not a.norms.any()
    close(a.total, np.tanh(1.0), ROUNDING)


def test_norms_only_needs_no_t_squared_weights():
    cell, T, h = LSTMCell(4, 16, 0), 60, 16
    hs, _ = unroll(cell, np.ones((T, 1, 4)))
    tape = mg.Tape.of(np.sum(np.stack(hs)))
    anatomy(
        truncate(tape, every=60), cell.W_hf, norms_only=True
    )  # what is computed once is not counted
    tracemalloc.start()
    a = anatomy(tape, cell.W_hf, norms_only=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert a.G is None
    assert peak < T * T * h * h * 8 / 2


@pytest.mark.parametrize("case", ["no steps", "a foreign weight", "a state"])
def test_misuse_is_explained(case):
    W = mg.tensor(np.ones((2, 2)), requires_grad=True, name="W")
    with nullcontext() if case == "no steps" else mg.timestep(1):
        h = np.tanh(W)
    wrt = {
        "no steps": W,
        "a foreign weight": mg.tensor(1.0, requires_grad=True, name="V"),
        "a state": h,
    }[case]
    with pytest.raises(
        ArgumentError,
        match="timestep" if case == "no steps" else "expected a parameter of the tape",
    ):
        anatomy(mg.Tape.of(np.sum(h)), wrt)
    assert parameters(W) == [W]


@pytest.mark.parametrize(
    "look",
    [models.anatomy, models.totals, lambda loss, w: models.report(loss, "r.html")],
)
def test_a_loss_is_no_tape(look):
    w = mg.tensor(1.0, requires_grad=True)
    with pytest.raises(ArgumentError, match="a Tensor; expected a Tape"):
        look(w * w, w)
