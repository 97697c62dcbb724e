"""What each pass of the compiler does to a small graph."""

import importlib

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tr
from minigrad.compiler.graph import Graph
from minigrad.compiler.primitives import product, total
from minigrad.compiler.read import read_graph
from minigrad.compiler.rewrite.chains import flatten
from minigrad.compiler.rewrite.expand import expand
from minigrad.compiler.rewrite.fold import fold
from minigrad.models.cells import GRUCell
from tests.zoo import stacked


def graph_of(*outputs):
    return flatten(fold(expand(read_graph(mg.Tape.of(*outputs)))))


def ops(graph):
    return [n.fn for n in graph.nodes if n.fn is not None]


x, y = mg.tensor(np.ones((2, 3)), name="x"), mg.tensor(np.full((2, 3), 2.0), name="y")


def test_reading_drops_gates_and_keeps_leaves_apart_from_constants():
    graph = read_graph(mg.Tape.of(mg.detach(mg.scale_grad(x, 0.5)) * np.array(2.0)))
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
    loss, _ = stacked(GRUCell, T=4)
    graph = read_graph(tr.differentiate(mg.Tape.of(loss)))
    position = {n: i for i, n in enumerate(Graph.of(graph.outputs).nodes)}
    assert all(position[x] < position[n] for n in position for x in n.inputs)


def test_the_package_is_a_function_too():
    assert callable(mg.compile)
    assert importlib.import_module("minigrad.compiler").Plan is mg.Plan
