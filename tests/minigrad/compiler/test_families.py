"""Families: as many for any number of steps; only those on a cycle run in a loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tr
from minigrad.compiler.families import families
from minigrad.compiler.primitives import product, total
from minigrad.compiler.read import read_graph
from minigrad.compiler.rewrite.chains import flatten
from minigrad.compiler.rewrite.expand import expand
from minigrad.compiler.rewrite.fold import fold
from minigrad.compiler.schedule.invariants import hoist
from minigrad.compiler.schedule.loops import components, distribute_loops
from minigrad.compiler.schedule.schedule import without_order
from minigrad.compiler.views import is_view, roots
from tests.zoo import layered_rnn


def gradients(T, layers):
    return tr.differentiate(mg.Tape.of(layered_rnn(T, layers)))


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_families_are_as_many_for_any_number_of_steps(layers):
    def count(T):
        graph = flatten(fold(expand(read_graph(gradients(T, layers)))))
        return len(set(families(graph, roots(graph)).values()))

    assert count(5) == count(9)


def test_members_of_a_family_do_the_same_in_different_steps():
    graph = flatten(fold(expand(read_graph(gradients(6, 2)))))
    family_of = families(graph, roots(graph))
    assert set(family_of) == {n for n in graph.nodes if n.fn is not None and not is_view(n)}
    for family in set(family_of.values()):
        times = [m.time for m in family.members]
        assert len({(m.fn, m.shape, m.dtype, m.place) for m in family.members}) == 1
        assert len(times) == 1 or times == sorted(set(times))


def test_only_the_recurrence_loops():
    graph = flatten(fold(expand(read_graph(gradients(6, 2)))))
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
