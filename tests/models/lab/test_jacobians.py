"""Jacobians of the recurrence against differences, closed forms, Pascanu's bounds, and each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import ArgumentError
from minigrad.models import RNNCell, anatomy, jacobians, section, totals, unroll, verdict
from minigrad.transforms import truncate
from tests.zoo import SMALL_CELLS, small_net

kinds, seeds = st.sampled_from(list(SMALL_CELLS)), st.integers(0, 99)


def run(W, T=12, sigma=0.1, seed=0):
    """A tanh RNN of that recurrent weight near the origin: its Jacobian is close to W."""
    cell = RNNCell(2, len(W), seed)
    cell.W_hh.assign(W)
    hs, _ = unroll(cell, np.random.default_rng(seed).normal(0, sigma, (T, 1, 2)))
    return mg.Tape.of(np.sum(np.square(np.stack(hs)))), cell


@given(kinds, st.integers(2, 5), seeds, st.booleans())
def test_the_product_of_the_jacobians_is_the_derivative_of_the_last_state_by_the_first(
    kind, T, seed, last_only
):
    tape, _ = small_net(kind, T, seed, last_only, batch=1)
    rng = np.random.default_rng(seed)  # the same cell again, from a first state that is a leaf
    cell, xs = SMALL_CELLS[kind](rng), rng.normal(size=(T, 1, 2))
    leaves = [tape[f"{name}_1"] for name in cell.state_names]
    leaves = [mg.tensor(x.data, requires_grad=True) for x in leaves]
    _, state = unroll(cell, xs[1:], tuple(leaves) if len(leaves) > 1 else leaves[0])
    rows = [
        np.concatenate([g.data.ravel() for g in mg.grad(np.sum(x * e), leaves, allow_unused=True)])
        for x in (state if isinstance(state, tuple) else (state,))
        for e in np.eye(x.size).reshape(-1, *x.shape)
    ]
    J = jacobians(tape).J
    assert len(J) == T - 1
    product = np.linalg.multi_dot([*J[::-1], np.eye(len(rows)), np.eye(len(rows))])
    np.testing.assert_allclose(
        np.linalg.svd(product)[1], np.linalg.svd(rows)[1], rtol=1e-9, atol=1e-14
    )  # any order


def test_a_state_made_directly_of_another_is_held_fixed_too():
    w, (a, b) = mg.tensor(0.5, requires_grad=True), (mg.tensor(1.0), mg.tensor(1.0))
    for t in (1, 2, 3):
        with mg.timestep(t):
            a = w * a + 0.1 * b
            b = np.tanh(a)
    for J, t in zip(jacobians(mg.Tape.of(a + b)).J, (2, 3), strict=True):
        slope = 1 - mg.Tape.of(a + b)[f"tanh@{t}"].data ** 2
        np.testing.assert_allclose(J, [[0.5, 0.1], [0.5 * slope, 0.1 * slope]], rtol=1e-12)


def test_a_tanh_rnn_s_jacobian_is_diag_times_the_transposed_weight():
    rng = np.random.default_rng(0)
    tape, cell = run(rng.normal(size=(4, 4)), sigma=1.0)
    for t, J in enumerate(jacobians(tape).J, start=2):
        h = tape[f"h_{t}"].data[0]
        np.testing.assert_allclose(J, (1 - h**2)[:, None] * cell.W_hh.data.T, rtol=1e-12)


@given(seeds, st.integers(2, 8))
def test_of_the_linear_rnn_it_is_the_weight_and_the_products_its_powers(seed, T):
    e = section(T=T, seed=seed)
    j = jacobians(e.tape, W_hh=e.rnn.W_hh)
    np.testing.assert_allclose(j.J, np.broadcast_to(e.rnn.W_hh.data, j.J.shape), rtol=1e-12)
    powers = [
        np.linalg.svd(np.linalg.matrix_power(e.rnn.W_hh.data, k), compute_uv=False)
        for k in range(1, T)
    ]
    np.testing.assert_allclose(j.products[:, 0], np.array(powers)[:, 0], rtol=1e-8)
    closed = e.closed_form()
    np.testing.assert_allclose(j.gradients, [np.linalg.norm(g) for g in closed.dh], rtol=1e-10)


@given(kinds, st.integers(2, 6), seeds)
def test_products_stay_below_their_bounds(kind, T, seed):
    tape, params = small_net(kind, T, seed, batch=1)
    W = next(p for p in params if p.name == "W_hh") if kind == "rnn" else None
    j = jacobians(tape, W_hh=W)
    assert (j.products[:, 0] <= j.local * (1 + 1e-9)).all()
    if W is not None:
        assert (j.local <= j.pascanu * (1 + 1e-9)).all()


@given(kinds, st.integers(2, 5), seeds, st.integers(0, 1))
def test_one_example_is_its_block_of_the_whole(kind, T, seed, example):
    tape, _ = small_net(kind, T, seed, batch=2)
    block, whole = jacobians(tape, example=example), jacobians(tape)
    largest = [jacobians(tape, example=b).singular[:, 0] for b in (0, 1)]
    assert block.J.shape[1] * 2 == whole.J.shape[1]
    np.testing.assert_allclose(
        whole.singular[:, 0], np.max(largest, axis=0), rtol=1e-9
    )  # examples do not mix


def test_examples_in_columns_are_picked_along_axis_1():
    e = section(T=3, batch=2)
    J = jacobians(e.tape, example=1, axis=1).J
    np.testing.assert_allclose(J, np.broadcast_to(e.rnn.W_hh.data, J.shape), rtol=1e-12)


@given(kinds, st.integers(1, 3), seeds)
def test_a_cut_is_a_zero_jacobian(kind, k, seed):
    tape, _ = small_net(kind, 6, seed, batch=1)
    norms = np.abs(jacobians(truncate(tape, every=k)).J).max(axis=(1, 2))
    assert [bool(n) for n in norms] == [t % k != 0 for t in range(1, 6)]


def test_huge_products_do_not_overflow_on_the_way():
    tape, _ = run(1e3 * np.eye(3), T=100, sigma=0.0)
    j = jacobians(tape)
    assert j.products[98, 0] == pytest.approx(1e3**99, rel=1e-9)
    tape, _ = run(1e-3 * np.eye(3), T=100, sigma=0.0)
    assert jacobians(tape).products[98, 0] == pytest.approx(1e-3**99, rel=1e-9)


@pytest.mark.parametrize(
    ("W", "words"),
    [
        (
            0.5 * np.eye(3),
            "vanishes: halves every 1 steps (sigma_max(W_hh) max|phi'| = 0.5, below 1: it has to vanish)",
        ),
        (2.0 * np.eye(3), "explodes: doubles every 1"),
        (np.eye(3), "keeps its size: changes by a factor of 1.000 per step"),
    ],
)
def test_the_verdict_knows_what_the_weight_is(W, words):
    tape, cell = run(W, sigma=1e-9)
    assert verdict(jacobians(tape, W_hh=cell.W_hh), anatomy(tape, cell.W_hh)).startswith(words)


def test_the_verdict_s_numbers_are_those_of_the_transforms():
    tape, cell = run(0.5 * np.eye(3), T=40, sigma=1.0)
    said = verdict(jacobians(tape), anatomy(tape, cell.W_hh))
    exact = mg.grad(tape.outputs[0], cell.W_hh)[0].data

    def lost(w):
        cut = mg.grad(truncate(tape, window=w).outputs[0], cell.W_hh)[0].data
        return np.linalg.norm(cut - exact) / np.linalg.norm(exact)

    need = int(said.split("from the last ")[1].split()[0])
    assert lost(need - 1) <= 0.01 < lost(need - 2)
    window = int(said.split("window=")[1].split(")")[0])
    assert f"loses {100 * lost(window):.2g}%" in said


def test_a_verdict_on_a_cut_tape_says_where_it_is_cut():
    tape, cell = run(np.eye(3), T=8)
    said = verdict(jacobians(truncate(tape, every=4)), anatomy(truncate(tape, every=4), cell.W_hh))
    assert said.startswith("is cut: exactly zero beyond 3 steps back from the last; ")


@given(kinds, st.integers(2, 5), seeds, st.integers(0, 99), st.booleans())
def test_forward_accumulation_and_reverse_sum_agree_in_every_row(kind, T, seed, which, last_only):
    tape, params = small_net(kind, T, seed, last_only)
    W = params[which % len(params)]
    rows = totals(tape, W)
    exact = mg.grad(tape.outputs[0], W)[0].data
    assert [r.t for r in rows] == list(range(1, T + 1))
    for r in rows:
        np.testing.assert_allclose(
            r.forward, r.reverse, rtol=1e-10, atol=1e-12 * max(1, np.abs(exact).max())
        )
    np.testing.assert_allclose(sum(r.forward for r in rows), exact, rtol=1e-9, atol=1e-12)


def test_in_the_first_step_the_total_derivative_is_the_immediate_one_and_then_no_longer():
    e = section(T=4, seed=1)
    rows = totals(e.tape, e.rnn.W_hh)
    assert rows[0].immediate == rows[0].total
    assert all(r.immediate != r.total for r in rows[1:])


@pytest.mark.parametrize(
    "case", ["a window", "a skip", "one step", "a large state", "no such example"]
)
def test_what_is_no_chain_of_steps_is_refused(case):
    h, older = (
        mg.tensor(np.ones((2, 300 if case == "a large state" else 3)), requires_grad=True),
        None,
    )
    for t in range(1, 2 if case == "one step" else 5):
        with mg.timestep(t):
            new = np.tanh(h) + (older if case == "a skip" and older is not None else 0)
        h, older = new, h
    tape = mg.Tape.of(np.sum(h))
    tape = truncate(mg.Tape.of(np.sum(h) + np.sum(older)), window=1) if case == "a window" else tape
    with pytest.raises(ArgumentError, match="expected"):
        jacobians(tape, example=7 if case == "no such example" else None)
