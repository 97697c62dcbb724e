from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import ArgumentError
from minigrad.viz import draw, unrolled
from minigrad.viz.graphs.fold import View, folding_steps
from minigrad.viz.graphs.selection import drawn_times, reading_steps
from tests.zoo import TAPES, book_rnn, constant, weight

KINDS = st.dictionaries(st.integers(0, 40), st.sampled_from("aab"), max_size=30)
COLLAPSE = st.sampled_from([None, "auto", 1, 2, 3, 5, 12])


def in_order(runs, steps):
    """Whether the runs are pieces of the steps, one after the other."""
    order = sorted(steps)
    for run in runs:
        start = order.index(run[0])
        if order[start : start + len(run)] != run:
            return False
    return all(a[-1] < b[0] for a, b in pairwise(runs))


@given(KINDS, COLLAPSE, st.integers(0, 400))
def test_runs_are_pieces_of_the_middle(kinds, collapse, size):
    runs = View(collapse).runs(kinds, size, 100)
    assert all(runs)
    assert in_order(runs, kinds)
    folded = [t for run in runs for t in run]
    assert not {min(kinds, default=None), max(kinds, default=None)} & set(folded)
    if isinstance(collapse, int) and collapse >= 3:
        assert len(kinds) - len(folded) + len(runs) <= max(collapse, 3)


@given(KINDS.filter(bool), st.data())
def test_what_is_asked_for_is_shown_and_nothing_else(kinds, data):
    shown = data.draw(st.sets(st.sampled_from(sorted(kinds)), min_size=1))
    runs = View("auto", shown).runs(kinds, 0, 100)
    assert in_order(runs, kinds)
    assert {t for run in runs for t in run} == set(kinds) - shown


@pytest.mark.parametrize("level", ["ops", "variables"])
@pytest.mark.parametrize("collapse", [1, 2, 3])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5])
def test_few_steps_fold_into_few(level, collapse, steps):
    source = draw(book_rnn(steps), level, collapse=collapse).source
    assert ("steps" in source) == (steps > max(collapse, 3))


@pytest.mark.parametrize("wrong", [None, 3, weight("w", 2)])
def test_only_tapes_are_unrolled(wrong):
    with pytest.raises(ArgumentError, match=r"^unrolled: .* expected a Tape"):
        unrolled(wrong)


def test_what_comes_before_the_steps_folds_with_them_where_only_they_read_it():
    reads = {"x": [], "y": [], "a": ["x"], "b": ["x", "y"], "loss": ["a", "b"]}
    times = {"x": None, "y": None, "a": 1, "b": 2, "loss": None}
    step = folding_steps(reads, reads.__getitem__, times.__getitem__, [2])
    assert step == {"x": None, "y": 2, "a": 1, "b": 2, "loss": 2}


@pytest.mark.parametrize("name", sorted(TAPES))
def test_a_constant_stands_in_the_step_that_alone_reads_it(name):
    tape = TAPES[name]()
    reads = {n: n.inputs for n in tape.nodes}
    drawn = drawn_times(tape.times, reads)
    read_in = reading_steps(tape.times, reads)
    for n in tape.nodes:
        assert set(read_in.get(n, ())) == {tape.times[r] for r in tape.nodes if n in set(r.inputs)}
        if tape.stamps and drawn[n] != tape.times[n]:
            assert n.fn is None
            assert not n.requires_grad
            assert read_in[n] == [drawn[n]]
    if not tape.stamps:
        assert {drawn[n] for n in tape.parameters} <= {None}


def test_data_from_outside_is_drawn_in_its_step():
    xs = [constant(f"x_{t}", 2) for t in (1, 2)]
    w, h = weight("w"), constant("h_0", 2)
    for t, x in enumerate(xs, start=1):
        with mg.timestep(t):
            h = (h + w * x).named(f"h_{t}")
    tape = mg.Tape.of(h)
    drawn = drawn_times(tape.times, {n: n.inputs for n in tape.nodes})
    assert [drawn[x] for x in xs] == [1, 2]
    assert drawn[w] is None
