from html import unescape

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import viz
from minigrad.internal import gates
from minigrad.viz.graphs.marks import MARKS, closed, is_gate, mark, through
from minigrad.viz.graphs.selection import reached_nodes
from tests.gates import GATES


def test_every_gate_has_a_mark():
    assert set(MARKS) == gates.GATES


every_gate = pytest.mark.parametrize("fn", GATES, ids=[fn.__name__ for fn in GATES])


@every_gate
@given(factor=st.sampled_from([-1.5, 0.0, -0.0, 1e-9, 2.0]))
def test_a_gate_is_closed_where_no_gradient_passes(fn, factor):
    make = GATES[fn]
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    gate = make(x, factor)
    assert is_gate(gate)
    tape = mg.Tape.of(np.sum(gate + x * 0.0))
    (g,) = mg.grad(np.sum(gate + x * 0.0), [x])
    assert closed(gate) == mark(gate).closed == (not np.any(g.data))
    alone = reached_nodes(mg.Tape.of(np.sum(gate)))
    assert (x in alone) == (not closed(gate))
    assert x in reached_nodes(tape)


@every_gate
def test_a_tape_with_a_gate_is_drawn(fn, tmp_path):
    h, w = mg.tensor([0.5, -2.0], name="h_0"), mg.tensor([2.0, 0.7], requires_grad=True, name="w")
    for t in (1, 2, 3):
        with mg.timestep(t):
            h = np.tanh(w * GATES[fn](h, 0.3)).named(f"h_{t}")
    tape = mg.Tape.of(np.sum(h).named("L"))
    text = mark(next(n for n in tape.nodes if n.fn is fn)).text
    for picture in (viz.draw(tape), viz.unrolled(tape)):
        assert text in unescape(picture.source)
    page = viz.stepper(tape, tmp_path / "page.html")
    assert fn.__name__ in page.read_text(encoding="utf-8")


def test_a_factor_for_each_element_is_closed_where_all_are_zero():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    some = mg.scale_grad(x, mg.tensor([0.0, 1.0]))
    none = mg.scale_grad(x, mg.tensor([0.0, 0.0], name="xi"))
    assert mark(some)[:4] == ("× …", False, "gate scaled", "")
    assert mark(none)[:4] == ("× xi", True, "gate scaled", "xi")


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
