import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.internal import gates
from minigrad.viz.graphs.marks import MARKS, closed, is_gate, mark, through
from minigrad.viz.graphs.selection import reached_nodes


def look(g):
    return None


MAKERS = {
    gates.detach: lambda x, s: mg.detach(x),
    gates.scale_grad: mg.scale_grad,
    gates.clip_grad: lambda x, s: mg.clip_grad(x, 1.0 + abs(s)),
    gates.on_backward: lambda x, s: mg.on_backward(x, look),
    gates.alias: lambda x, s: gates.alias(x),
    gates.recompute: lambda x, s: gates.recompute(x, steps=(1, 2)),
}


def test_every_gate_has_a_mark():
    assert set(MARKS) == set(MAKERS) == gates.GATES


@given(st.sampled_from(list(MAKERS.values())), st.sampled_from([-1.5, 0.0, -0.0, 1e-9, 2.0]))
def test_a_gate_is_closed_where_no_gradient_passes(make, factor):
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    gate = make(x, factor)
    assert is_gate(gate)
    tape = mg.Tape.of(np.sum(gate + x * 0.0))
    (g,) = mg.grad(np.sum(gate + x * 0.0), [x])
    assert closed(gate) == mark(gate).closed == (not np.any(g.data))
    alone = reached_nodes(mg.Tape.of(np.sum(gate)))
    assert (x in alone) == (not closed(gate))
    assert x in reached_nodes(tape)


def test_a_factor_for_each_element_is_closed_where_all_are_zero():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    some = mg.scale_grad(x, mg.tensor([0.0, 1.0]))
    none = mg.scale_grad(x, mg.tensor([0.0, 0.0], name="xi"))
    assert mark(some) == ("× …", False)
    assert mark(none) == ("× xi", True)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_reader_reads_what_lies_behind_unnamed_gates(count):
    x = mg.tensor(1.0, requires_grad=True, name="x")
    y = x
    for k in range(count):
        y = mg.clip_grad(y, k + 1.0)
    source, marks = through(y)
    assert source is x
    assert [m.text for m in marks] == [f"‖g‖ ≤ {k + 1}" for k in range(count)]
    named = mg.detach(y).named("kept")
    assert through(named) == (named, ())
