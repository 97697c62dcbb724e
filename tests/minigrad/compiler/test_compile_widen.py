"""The laws of matrices put side by side: the same values in fewer calls, forward and backward; else nothing changes."""

import importlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tr
from minigrad.compiler.read import read_graph
from minigrad.compiler.rewrite.chains import flatten
from minigrad.compiler.rewrite.expand import expand
from minigrad.compiler.rewrite.fold import fold
from minigrad.compiler.rewrite.lift import neighbours
from minigrad.compiler.rewrite.shard_count import split_over_threads
from minigrad.compiler.rewrite.widen import widen
from minigrad.compiler.rewrite.widen_sums import widen_sums
from minigrad.models.cells import GRUCell, LSTMCell, RNNCell
from tests.laws import agrees
from tests.laws import pairwise as pairs
from tests.zoo import CELLS, TRANSFORMS, D, H, V, stacked

module = importlib.import_module("minigrad.compiler.rewrite.widen")


# a batch of one row, and of several
ROWS = [1, 3]


@pytest.fixture(params=ROWS)
def rows(request, monkeypatch):
    """A batch of one row, and of several, for which the law holds as well."""
    monkeypatch.setattr(module, "MAX_ROWS", request.param)
    return request.param


def loss_of(cell, rows, T=5, layers=1, every_step=False, dtype=np.float64):
    return stacked(cell, T, layers, dtype, every_step, rows)[0]


def graph_of(tape):
    return flatten(fold(expand(read_graph(tape))))


@pytest.mark.parametrize(
    ("cell", "transform", "rows"), pairs(CELLS, list(TRANSFORMS), ROWS), indirect=["rows"]
)
def test_plans_give_what_replaying_gives(cell, transform, rows):
    agrees(TRANSFORMS[transform](mg.Tape.of(loss_of(cell, rows))))


@pytest.mark.parametrize(
    ("cell", "layers", "every_step", "rows"),
    pairs(CELLS, [1, 2, 3], [False, True], ROWS),
    indirect=["rows"],
)
def test_layers(cell, layers, every_step, rows):
    agrees(tr.clip(tr.differentiate(mg.Tape.of(loss_of(cell, rows, 5, layers, every_step))), 0.1))


@pytest.mark.parametrize(("cell", "T", "rows"), pairs(CELLS, [1, 2, 20], ROWS), indirect=["rows"])
def test_short_and_long_loops(cell, T, rows):
    agrees(tr.clip(tr.differentiate(mg.Tape.of(loss_of(cell, rows, T, 2))), 0.1))


@pytest.mark.parametrize("cell", CELLS)
def test_single_precision(cell, rows):
    agrees(tr.differentiate(mg.Tape.of(loss_of(cell, rows, dtype=np.float32))), dtype=np.float32)


@pytest.mark.parametrize("cell", CELLS)
def test_second_order(cell, rows):
    loss = loss_of(cell, rows, T=3)
    grads = mg.grad(loss, mg.Tape.of(loss).parameters, create_graph=True)
    agrees(tr.differentiate(mg.Tape.of(loss + sum(np.sum(np.square(g)) for g in grads))))


OPS = [
    lambda a, b, w: a @ w[0],
    lambda a, b, w: a @ w[1],
    lambda a, b, w: a @ w[2],
    lambda a, b, w: a @ w[3].T,
    lambda a, b, w: a + b,
    lambda a, b, w: a * b,
    lambda a, b, w: a + b + w[0][0],
    lambda a, b, w: a + w[1][1],
    lambda a, b, w: np.tanh(a),
    lambda a, b, w: mg.sigmoid(a),
    lambda a, b, w: mg.sigmoid(b),
    lambda a, b, w: a * 0.5,
    lambda a, b, w: a @ w[0] + b @ w[1],
    lambda a, b, w: a @ w[0] + a @ w[1],
    lambda a, b, w: 1 - a,
    lambda a, b, w: np.where(a > b, a, b),
    lambda a, b, w: a * np.max(b, axis=1, keepdims=True),
    lambda a, b, w: np.concatenate([a, b], axis=1) @ np.concatenate([w[2], w[3]]),
    lambda a, b, w: a[:, ::-1] + b,
    lambda a, b, w: a @ np.concatenate([w[1], w[2]], axis=1)[:, 1:4],
]


@given(
    st.lists(
        st.tuples(st.integers(0, len(OPS) - 1), st.integers(0, 20), st.integers(0, 20)), max_size=12
    ),
    st.integers(1, 4),
    st.integers(1, 2),
    st.sampled_from([0, 1, 9]),
    st.booleans(),
)
def test_random_programs_of_products_that_share_operands(program, T, B, most, differentiated):
    rng = np.random.default_rng(0)
    ws = [
        mg.tensor(rng.normal(size=(3, 3)) / 2, requires_grad=True, name=f"w_{i}") for i in range(4)
    ]
    x = mg.tensor(rng.normal(size=(T, B, 3)), name="x")
    state, outs = (
        [mg.tensor(np.ones((B, 3)), requires_grad=True, name="h"), mg.tensor(np.zeros((B, 3)))],
        [],
    )
    for t in range(T):
        with mg.timestep(t):
            values = [*state, x[t], *[state[0] @ w for w in ws[:3]]]
            for op, i, j in program:
                values.append(OPS[op](values[i % len(values)], values[j % len(values)], ws))
            state = [values[-1], values[len(values) // 2]]
            outs.append(values[-1])
    loss = np.sum(np.stack(outs) * 0.1) + np.sum(state[1]) + np.sum(ws[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_ROWS", most)
        agrees(
            tr.differentiate(mg.Tape.of(loss))
            if differentiated
            else mg.Tape.of(loss, outs[0], *state)
        )


# --- what it saves --------------------------------------------------------------------------------------------------
def calls(T, cell, rewrite, transform=tr.differentiate):
    """The calls of a plan of a language model that is read one character at a time."""
    tape = transform(mg.Tape.of(loss_of(cell, 1, T)))
    with pytest.MonkeyPatch.context() as patch:
        passes = (expand, fold, flatten, rewrite, split_over_threads)
        patch.setattr(importlib.import_module("minigrad.compiler"), "PASSES", passes)
        return int(str(mg.compile(tape)).split()[1])


def of_a_step(cell, rewrite):
    """The calls of a step: (forward, backward)."""
    forward = calls(41, cell, rewrite, lambda tape: tape) - calls(
        31, cell, rewrite, lambda tape: tape
    )
    return forward / 10, (calls(41, cell, rewrite) - calls(31, cell, rewrite) - forward) / 10


@pytest.mark.parametrize(
    ("cell", "apart", "products", "both"),
    [
        (RNNCell, (3, 3), (3, 3), (3, 3)),
        (GRUCell, (20, 16), (14, 16), (14, 14)),
        (LSTMCell, (26, 15), (12, 15), (12, 9)),
    ],
)
def test_calls_of_a_step(cell, apart, products, both):
    assert of_a_step(cell, lambda graph: graph) == apart
    assert of_a_step(cell, widen) == products
    assert of_a_step(cell, lambda graph: widen_sums(widen(graph))) == both


@pytest.mark.parametrize("cell", [GRUCell, LSTMCell])
def test_what_is_multiplied_by_matrices_side_by_side_is_written_there(cell):
    plan = mg.compile(tr.differentiate(mg.Tape.of(loss_of(cell, 1))))
    copies = [args for fn, args in plan._inputs.run if fn is np.copyto and args[1].shape == (1, H)]
    assert "transpose(concatenate" in str(plan)
    assert not copies


def test_a_product_of_all_three_inputs_of_a_gru_and_one_of_the_two_gates():
    graph = widen(graph_of(mg.Tape.of(loss_of(GRUCell, 1))))
    widths = [n.shape[1] for n in graph.nodes if n.fn is np.matmul]
    assert sorted(set(widths)) == [H, V, 2 * H, 3 * H]
    assert widths.count(3 * H) == widths.count(2 * H) == widths.count(H) == widths.count(V) == 5


def test_a_matrix_beside_one_that_depends_on_the_sum_makes_no_cycle():
    rng = np.random.default_rng(0)
    A, B = (mg.tensor(rng.normal(size=(3, 3)), requires_grad=True, name=name) for name in "AB")
    x, y = (mg.tensor(rng.normal(size=(1, 3)), name=name) for name in "xy")
    with mg.timestep(0):
        h = np.tanh(x + 1) @ A.T + np.tanh(y + 1) @ B.T
    C = np.sum(h) * A
    loss = np.sum(h @ np.concatenate([A, B, C], axis=1))
    agrees(tr.differentiate(mg.Tape.of(loss)))


def test_operations_on_part_of_the_elements_stay_apart():
    rng = np.random.default_rng(0)
    A, B = (mg.tensor(rng.normal(size=(3, 3)), requires_grad=True, name=name) for name in "AB")
    X, outs = mg.tensor(rng.normal(size=(4, 1, 3)), name="X"), []
    for t in range(4):
        with mg.timestep(t):
            a, b = X[t] @ A, X[t] @ B
            outs += [
                np.clip(a, -0.5, 0.5),
                np.clip(b, -0.5, 0.5),
                np.where(a > 0, a, 1),
                np.where(b > 0, b, 1),
            ]
    agrees(tr.differentiate(mg.Tape.of(np.sum(np.stack(outs)))))


# --- when nothing is to be done ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(("cell", "rows"), [(RNNCell, 1), (LSTMCell, 2), (GRUCell, 2)])
def test_a_graph_without_such_products_comes_back_as_it_was(cell, rows):
    graph = graph_of(tr.differentiate(mg.Tape.of(loss_of(cell, rows))))
    assert widen(graph) is widen_sums(graph) is graph


def test_the_graph_that_is_given_stays_as_it_was():
    graph = graph_of(tr.differentiate(mg.Tape.of(loss_of(LSTMCell, 1))))
    before = [(n, n.fn, n.inputs, n.shape) for n in graph.nodes]
    assert widen_sums(widen(graph)) is not graph
    assert [(n, n.fn, n.inputs, n.shape) for n in graph.nodes] == before


@given(st.sets(st.integers(0, 12)))
def test_neighbours_are_the_longest_runs(numbers):
    runs = list(neighbours(numbers))
    assert [i for run in runs for i in run] == sorted(numbers)
    assert all(run == list(range(run[0], run[-1] + 1)) for run in runs)
    assert all(a[-1] + 1 < b[0] for a, b in pairwise(runs))


# --- products ---------------------------------------------------------------------------------
@pytest.mark.parametrize("T", [2, 3])
def test_a_stack_of_matrices_is_not_taken_for_a_stack_of_steps(T):
    rng = np.random.default_rng(0)
    W = mg.tensor(rng.normal(size=(3, D, H)), requires_grad=True, name="W")
    V = mg.tensor(rng.normal(size=(T, 3, D, H)), name="V")
    X, outs = mg.tensor(rng.normal(size=(T, 2, D)), name="X"), []
    for t in range(T):
        with mg.timestep(t):
            outs.append(X[t] @ W + X[t] @ V[t])
    agrees(mg.Tape.of(np.stack(outs)))
    agrees(tr.differentiate(mg.Tape.of(np.sum(np.square(np.stack(outs))))))


@pytest.mark.parametrize("B", [1, 2])
def test_one_row_times_a_matrix_that_is_not_worth_turning(B):
    rng = np.random.default_rng(0)
    W = mg.tensor(rng.normal(size=(100, 100)) / 10, requires_grad=True, name="W")
    X, h = mg.tensor(rng.normal(size=(20, B, 100)), name="X"), mg.tensor(np.zeros((B, 100)))
    for t in range(20):
        with mg.timestep(t):
            h = np.tanh(X[t] + h @ W)
    plan = agrees(tr.differentiate(mg.Tape.of(np.sum(h))))
    assert sum(fn is np.copyto for fn, _ in plan._inputs.run) == (B > 1)


# --- what a concatenation joins ---------------------------------------------------------------------------------------
def test_a_concatenation_that_joins_something_else_at_first():
    rng = np.random.default_rng(0)
    w, x = (
        mg.tensor(rng.normal(size=(6, 3)), name="w"),
        mg.tensor(rng.normal(size=(2, 1, 3)), name="x"),
    )
    a, b, outs = mg.tensor(np.ones((1, 3)), name="h"), mg.tensor(np.zeros((1, 3))), []
    for t in range(2):
        with mg.timestep(t):
            a, b = np.concatenate([a, a + b], axis=1) @ w, x[t]
            outs.append(a)
    agrees(mg.Tape.of(np.sum(np.stack(outs)) + np.sum(b), outs[0], a))
