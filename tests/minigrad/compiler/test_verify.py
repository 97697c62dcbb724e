"""Every pass gives a legal graph of the same value and leaves the one it was given as it was."""

import dataclasses
import importlib
import os

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tr
from minigrad.compiler.graph import Graph, constant, evaluate
from minigrad.compiler.read import read_graph
from minigrad.compiler.rewrite import PASSES
from minigrad.compiler.verify import IllegalGraphError, verify
from tests.laws import close
from tests.zoo import CELLS, TRANSFORMS, stacked

MANY_ROWS = 9


def value(graph):
    """What the outputs of a graph are, one node after the other."""
    values = {}
    for n in graph.nodes:
        if n.value is not None:
            values[n] = n.value
        elif n.fn is None:
            values[n] = n.leaf.data
        else:
            values[n] = evaluate(n, [values[x] for x in n.inputs])
    return [values[output] for output in graph.outputs]


def fields(graph):
    """All that a pass could change in the nodes of a graph."""
    names = [field.name for field in dataclasses.fields(graph.nodes[0])]
    names.remove("kwargs")
    listed = [[getattr(n, name) for name in names] for n in graph.nodes]
    return [*listed, *[dict(n.kwargs) for n in graph.nodes]]


@pytest.fixture
def eager_passes(monkeypatch):
    """Passes that do what they can for any batch: wide products of several rows, two shards."""
    split = importlib.import_module("minigrad.compiler.rewrite.shard_count")
    widen = importlib.import_module("minigrad.compiler.rewrite.widen")
    monkeypatch.setattr(widen, "MAX_ROWS", MANY_ROWS)
    monkeypatch.setattr(split, "MIN_BLAS_COLUMNS", 1 << 30)
    monkeypatch.setattr(split, "MIN_NUMBERS_PER_SHARD", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)


def check_passes(tape):
    """The law, for one tape. Returns the graph after all passes."""
    graph = read_graph(tape)
    verify(graph)
    close(value(graph), tape.replay())
    for rewrite in PASSES:
        before, expected = fields(graph), value(graph)
        rewritten = rewrite(graph)
        verify(rewritten)
        close(value(rewritten), expected)
        assert fields(graph) == before, rewrite
        graph = rewritten
    return graph


@pytest.mark.usefixtures("eager_passes")
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_passes_keep_value_and_rules(cell, transform, rows):
    loss, _ = stacked(cell, T=3, rows=rows)
    graph = check_passes(TRANSFORMS[transform](mg.Tape.of(loss)))
    assert rows == 1 or " shards " in graph.note


@pytest.mark.usefixtures("eager_passes")
@pytest.mark.parametrize("cell", CELLS)
def test_passes_keep_checkpointed_tapes(cell):
    loss, _ = stacked(cell, T=5)
    check_passes(tr.differentiate(tr.checkpoint(mg.Tape.of(loss), every=2)))


# --- what is refused ------------------------------------------------------------------------------
def node(fn, *inputs, shape=(2, 3), dtype=np.float64):
    """An operation of that shape and dtype."""
    form = constant(np.zeros(shape, dtype))
    return form.made(fn, *inputs)


A, B = constant(np.ones((2, 3))), constant(np.ones((3, 2)))
SINGLE = constant(np.ones((2, 3)), np.float32)
TANH = node(np.tanh, A)
INPUT = dataclasses.replace(A, value=None)
ILLEGAL = {
    "does not come before it": Graph((TANH, A), (TANH,)),
    "comes twice": Graph((A, A, TANH), (TANH,)),
    "not among the nodes": Graph((A,), (TANH,)),
    "neither an input nor a constant": Graph((INPUT,), (INPUT,)),
    r"stands for float64\[2, 3\]": Graph.of((dataclasses.replace(A, shape=(2,)),)),
    "what a leaf has": Graph.of((dataclasses.replace(TANH, value=A.value),)),
    "has operands$": Graph.of((dataclasses.replace(A, inputs=(B,)),)),
    r"give the shape \(2, 3\)": Graph.of((node(np.tanh, A, shape=(3,)),)),
    r"give the shape \(2, 2\)": Graph.of((node(np.matmul, A, B),)),
    r"multiplies \(2, 3\) by \(2, 3\)": Graph.of((node(np.matmul, A, A),)),
    "reshapes": Graph.of((node(np.reshape, A, shape=(2, 2)),)),
    "is float64 of float32": Graph.of((node(np.transpose, SINGLE, shape=(3, 2)),)),
}


@pytest.mark.parametrize("message", ILLEGAL)
def test_illegal_graphs_are_refused(message):
    with pytest.raises(IllegalGraphError, match=message):
        verify(ILLEGAL[message])
