"""The law of each pass of the compiler, on the small graphs it reads and writes."""

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tr
from minigrad.compiler.emit.kernels import calls
from minigrad.compiler.emit.stacks import batched, summed_products
from minigrad.compiler.families import families
from minigrad.compiler.graph import Graph
from minigrad.compiler.primitives import product, total
from minigrad.compiler.read import read
from minigrad.compiler.rewrite.chains import flatten
from minigrad.compiler.rewrite.expand import expand
from minigrad.compiler.rewrite.fold import fold
from minigrad.compiler.schedule.invariants import hoist
from minigrad.compiler.schedule.loops import components, distribute_loops
from minigrad.compiler.schedule.schedule import without_order
from minigrad.compiler.strided import owner, stacked
from minigrad.compiler.views import is_view, roots


def graph_of(*outputs):
    return flatten(fold(expand(read(mg.Tape.of(*outputs)))))


def ops(graph):
    return [n.fn for n in graph.nodes if n.fn is not None]


def rnn(T, layers=1):
    rng = np.random.default_rng(0)
    W = [
        mg.tensor(rng.normal(size=(3, 3)), requires_grad=True, name=f"W_{i}") for i in range(layers)
    ]
    X, states, loss = (
        mg.tensor(rng.normal(size=(T, 2, 3)), name="X"),
        [mg.tensor(np.zeros((2, 3)))] * layers,
        0,
    )
    for t in range(T):
        with mg.timestep(t):
            x = X[t]
            for i in range(layers):
                states[i] = x = np.tanh(x + states[i] @ W[i])
            loss = loss + np.sum(x * x)
    return tr.differentiate(mg.Tape.of(loss))


# --- graph, fold, sums ----------------------------------------------------------------------------------------------
x, y = mg.tensor(np.ones((2, 3)), name="x"), mg.tensor(np.full((2, 3), 2.0), name="y")


def test_reading_drops_gates_and_keeps_leaves_apart_from_constants():
    graph = read(mg.Tape.of(mg.detach(mg.scale_grad(x, 0.5)) * np.array(2.0)))
    assert ops(graph) == [np.multiply]
    assert [n.value is None for n in graph.nodes[0:1]] == [True]
    assert (
        len([n for n in graph.nodes if n.value is not None]) == 2
    )  # 0.5, which nobody reads any more, and 2


def test_equal_computations_are_one_whatever_their_step():
    with mg.timestep(1):
        a = np.tanh(x)
    with mg.timestep(2):
        b = np.tanh(x)
    assert ops(graph_of(a * b)) == [np.tanh, product]


def test_constants_are_computed_now():
    assert ops(graph_of(x * (np.array(2.0) + mg.tensor(3.0)))) == [product]


@pytest.mark.parametrize(
    "same", [lambda a: a + 0, lambda a: 0 + a, lambda a: a * 1, lambda a: a / 1, lambda a: a - 0]
)
def test_neutral_elements_are_dropped(same):
    assert ops(graph_of(np.tanh(same(x)))) == [np.tanh]


def test_neutral_elements_that_change_the_shape_stay():
    assert len(ops(graph_of(np.tanh(mg.tensor(1.0, name="s") * np.ones(3))))) == 2


def test_dead_code_is_dropped():
    np.exp(x)
    assert ops(graph_of(np.tanh(x))) == [np.tanh]


def test_chains_of_additions_and_multiplications_are_one_node():
    graph = graph_of((x + y) + (x + (y + 1)), (x * y) * (2 * x))
    assert ops(graph) == [total, product]
    assert [len(n.inputs) for n in graph.outputs] == [5, 4]


def test_a_sum_that_somebody_else_reads_stays():
    a = x + y
    assert ops(graph_of(a + x, np.tanh(a))).count(total) == 2


def test_long_chains_need_no_recursion():
    loss = x
    for _ in range(5000):
        loss = loss + y
    graph = graph_of(loss)
    assert len(graph.outputs[0].inputs) == 5001
    np.testing.assert_allclose(mg.compile(mg.Tape.of(loss))()[0], 1 + 2 * 5000)


def test_order_puts_operands_first():
    graph = read(rnn(4))
    at = {n: i for i, n in enumerate(Graph.of(graph.outputs).nodes)}
    assert all(at[a] < at[n] for n in at for a in n.inputs)


# --- families and loops ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_families_are_as_many_for_any_number_of_steps(layers):
    def count(T):
        graph = flatten(fold(expand(read(rnn(T, layers)))))
        return len(set(families(graph, roots(graph)).values()))

    assert count(5) == count(9)


def test_members_of_a_family_do_the_same_in_different_steps():
    graph = flatten(fold(expand(read(rnn(6, 2)))))
    of = families(graph, roots(graph))
    assert set(of) == {n for n in graph.nodes if n.fn is not None and not is_view(n)}
    for family in set(of.values()):
        times = [m.time for m in family.members]
        assert len({(m.fn, m.shape, m.dtype, m.place) for m in family.members}) == 1
        assert len(times) == 1 or times == sorted(set(times))


def test_only_the_recurrence_loops():
    graph = flatten(fold(expand(read(rnn(6, 2)))))
    schedule = hoist(distribute_loops(without_order(graph)))
    loops = [[f.first.fn for f in u.families] for u in schedule.units if u.loop]
    forward, backward = {np.matmul, total, np.tanh}, {np.matmul, total, product}
    assert [set(fns) for fns in loops] == [forward, forward, backward, backward]
    assert {len(fns) for fns in loops} == {3}


@given(st.dictionaries(st.integers(0, 7), st.lists(st.integers(0, 7), max_size=3)))
def test_components_are_the_classes_of_mutual_reachability(edges):
    edges = {v: dict.fromkeys(edges.get(v, [])) for v in range(8)}
    reach = {v: {v} for v in edges}
    for _ in edges:
        reach = {v: {v}.union(*(reach[w] for w in edges[v])) for v in edges}
    found = list(components(list(edges), edges))
    assert sorted(v for c in found for v in c) == list(range(8))
    for i, c in enumerate(found):
        assert {w for w in edges if w in reach[c[0]] and c[0] in reach[w]} == set(c)
        so_far = {v for d in found[: i + 1] for v in d}
        assert all(w in so_far for v in c for w in edges[v])


# --- kernels --------------------------------------------------------------------------------------------------------
def result(found, out):
    for fn, args in found:
        fn(*args)
    return out


RNG = np.random.default_rng(0)
ORDERS = [np.ascontiguousarray, np.asfortranarray]


@pytest.mark.parametrize("of_a", ORDERS)
@pytest.mark.parametrize("of_b", ORDERS)
@pytest.mark.parametrize("of_out", ORDERS)
@pytest.mark.parametrize("rows", [3, 5000])
def test_products_into_any_order(of_a, of_b, of_out, rows):
    a, b, out = (
        of_a(RNG.normal(size=(rows, 4))),
        of_b(RNG.normal(size=(4, 6))),
        of_out(np.empty((rows, 6))),
    )
    np.testing.assert_allclose(result(calls(np.matmul, {}, [a, b], out), out), a @ b)
    out3 = np.moveaxis(np.empty((6, 2, rows)), 0, -1)
    stack = np.stack([a, 2 * a])
    np.testing.assert_allclose(
        result(batched(np.matmul, {}, [stack, b], [False, True], out3), out3), stack @ b
    )


@pytest.mark.parametrize("shape", [(5, 4, 3), (3, 600, 3)])
def test_a_sum_of_products_is_one(shape):
    h, dz = RNG.normal(size=shape), RNG.normal(size=(*shape[:2], 2))
    for a in (h.transpose(0, 2, 1), np.ascontiguousarray(h.transpose(0, 2, 1))):
        for b in (dz, np.moveaxis(np.ascontiguousarray(np.moveaxis(dz, -1, 0)), 0, -1)):
            out = np.empty((3, 2))
            np.testing.assert_allclose(result(summed_products(a, b, out), out), (a @ b).sum(0))


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1), -1])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("fn", [np.sum, np.max])
def test_reductions_of_all_steps_at_once(fn, axis, order):
    a = order(RNG.normal(size=(6, 7, 8)))
    expected = np.stack([fn(x, axis=axis) for x in a])
    out = np.empty(expected.shape)
    np.testing.assert_allclose(
        result(batched(fn, {"axis": axis}, [a], [False], out), out), expected
    )


def test_stacks_run_both_ways_and_know_their_owner():
    a = np.arange(12.0).reshape(4, 3)
    np.testing.assert_array_equal(stacked(a[3], 4, -a.strides[0]), a[::-1])
    assert owner(stacked(a[3], 4, -a.strides[0])) is owner(a[1:, :2])


# --- storage and layout ---------------------------------------------------------------------------------------------
def test_joining_all_steps_copies_nothing():
    W, X = mg.tensor(np.eye(3), name="W"), mg.tensor(RNG.normal(size=(5, 2, 3)), name="X")
    for join in (np.concatenate, np.stack, lambda xs: np.stack(xs, axis=1)):
        outs = []
        for t in range(5):
            with mg.timestep(t):
                outs.append(X[t] @ W)
        tape = mg.Tape.of(join(outs))
        plan = mg.compile(tape)
        assert len(plan._inputs.run) == 1
        np.testing.assert_allclose(plan()[0], tape.replay()[0])


def test_few_classes_lie_outermost_where_they_are_reduced():
    logits = mg.tensor(RNG.normal(size=(100, 5)), name="z")
    found = mg.compile(mg.Tape.of(mg.softmax(logits * 2)))()[0]
    assert found.strides == (8, 800)
    assert mg.compile(mg.Tape.of(logits * 2))()[0].strides == (40, 8)


def test_memory_is_used_again():
    a = mg.tensor(np.ones((50, 50)), name="a")
    b = a
    for _ in range(10):
        b = np.tanh(b @ a)
    assert mg.compile(mg.Tape.of(b)).nbytes == 2 * a.data.nbytes


def test_the_buffers_of_a_language_model_are_those_of_hand_written_backpropagation():
    """Per step H, 1 - H*H (overwritten by the adjoints), the head's adjoint of H, and the logits twice."""
    B, H, V = 4, 6, 5

    def nbytes(T):
        W = {
            n: mg.tensor(RNG.normal(size=s), requires_grad=True)
            for n, s in {"h": (H, H), "q": (H, V)}.items()
        }
        X, h, outs = mg.tensor(np.zeros((T, B, H)), name="X"), mg.tensor(np.zeros((B, H))), []
        Y = mg.tensor(np.zeros(T * B), name="Y", dtype=int)
        for t in range(T):
            with mg.timestep(t):
                h = np.tanh(X[t] + h @ W["h"])
                outs.append(h @ W["q"])
        return mg.compile(
            tr.differentiate(mg.Tape.of(mg.cross_entropy(np.concatenate(outs), Y)))
        ).nbytes

    per_step = (nbytes(60) - nbytes(40)) / 20
    assert per_step <= B * (3 * H + 2 * V + 4) * 8


def test_the_package_is_a_function_too():
    assert callable(mg.compile)
    assert importlib.import_module("minigrad.compiler").Plan is mg.Plan
