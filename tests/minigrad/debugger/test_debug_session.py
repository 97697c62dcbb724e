"""Going back is exact: any way through a backward pass leads to the adjoints of a fresh run to that point."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tf
from minigrad.debugger.breakpoints import breakpoint_at
from minigrad.debugger.session import Session
from minigrad.errors import ArgumentError
from minigrad.models.book.cases import network, vanishing


def indexed():
    """Uses of x[t], which the sweep writes out late."""
    x = mg.tensor(np.arange(12.0).reshape(4, 3), requires_grad=True, name="X")
    return mg.Tape.of(sum(np.sum(np.tanh(x[t]) * x[t - 1]) for t in range(4)))


TAPES = {
    "rnn": mg.Tape.of(network("rnn", 3)),
    "lstm": mg.Tape.of(network("lstm", 2)),
    "linear": mg.Tape.of(network("linear", 3)),
    "truncated": tf.truncate(mg.Tape.of(network("rnn", 4)), every=2),
    "window": tf.truncate(mg.Tape.of(network("gru", 4)), window=1),
    "indexed": indexed(),
    "float32": mg.Tape.of(vanishing(4)),
}
LINE = TAPES["rnn"]["h_2"].origin
TAPES["untied"] = tf.untie(TAPES["rnn"], TAPES["rnn"].parameters)
tapes = pytest.mark.parametrize("tape", TAPES.values(), ids=TAPES)
MOVES = st.lists(
    st.tuples(st.sampled_from("nuc"), st.integers(1, 9))
    | st.tuples(st.just("b"), st.integers(0, 999)),
    max_size=12,
)


def adjoints(session):
    return {n: session.adjoint(n) for n in session.tape.nodes}


def same(a, b):
    return (a is None) == (b is None) and (
        a is None or (a.dtype == b.dtype and a.tobytes() == b.tobytes())
    )


@tapes
@given(moves=MOVES)
def test_any_way_there_leaves_the_adjoints_of_a_fresh_run(tape, moves):
    session, stops, at, end = Session(tape), set(), 0, sum(1 for _ in tape.steps())
    order = [s.tensor for s in tape.steps()]
    for move, k in moves:
        if move == "n":
            for _ in range(k):
                session.forward()
            at = min(at + k, end)
        elif move == "u":
            for _ in range(k):
                session.back()
            at = max(at - k, 0)
        elif move == "b":
            stops.add(order[k % end])
        else:
            while (step := session.forward()) is not None and step.tensor not in stops:
                pass
            at = next((i for i in range(at + 1, end + 1) if order[i - 1] in stops), end)
    fresh = Session(tape)
    for _ in range(at):
        fresh.forward()
    assert session.position == at
    found, expected = adjoints(session), adjoints(fresh)
    assert all(same(found[n], expected[n]) for n in tape.nodes)
    assert [session.state(n) for n in tape.nodes] == [fresh.state(n) for n in tape.nodes]


@tapes
def test_undo_then_redo_is_the_same_step(tape):
    session = Session(tape)
    while (step := session.forward()) is not None:
        before = adjoints(session)
        assert session.back()
        assert session.forward() is step
        assert all(same(before[n], g) for n, g in adjoints(session).items())


@tapes
def test_stepping_to_the_end_gives_the_gradients_of_backward_to_the_bit(tape):
    session = Session(tape)
    while session.forward():
        pass
    for p, g in zip(tape.parameters, mg.grad(tape.outputs[0], tape.parameters), strict=True):
        assert session.adjoint(p).tobytes() == g.data.tobytes()
    assert session.position == len(session.reached)  # the count that is shown beforehand


@tapes
def test_an_adjoint_so_far_becomes_the_one_that_backward_has(tape):
    """What is summed up from the contributions just before a node is visited is its adjoint."""
    session, steps = Session(tape), list(tape.steps())
    for step in steps:
        assert np.array_equal(session.adjoint(step.tensor), step.grad)
        session.forward()


@tapes
def test_every_step_has_a_path_from_the_loss(tape):
    session = Session(tape)
    while step := session.forward():
        path = [s.tensor for s in session.path()]
        assert path[0] is tape.outputs[0]
        assert path[-1] is step.tensor
        assert all(b in set(a.inputs) for a, b in pairwise(path))


def test_each_alias_of_an_untied_weight_has_its_share():
    full = mg.grad(TAPES["rnn"].outputs[0], TAPES["rnn"].parameters)
    session = Session(TAPES["untied"])
    while session.forward():
        pass
    for p, g in zip(TAPES["rnn"].parameters, full, strict=True):
        shares = [session.adjoint(session.node(f"{p.name}@{t}")) for t in (3, 2, 1)]
        assert (
            (shares[0] + shares[1]) + shares[2]
        ).tobytes() == g.data.tobytes()  # summed as backward does


def test_an_error_or_an_interrupt_leaves_the_session_where_it_stands():
    calls = []

    def look(g):
        calls.append(g)
        if len(calls) == 1:
            raise KeyboardInterrupt

    x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    session = Session(mg.Tape.of(np.sum(mg.on_backward(np.tanh(x), look))))
    session.forward()
    with pytest.raises(KeyboardInterrupt):
        session.forward()
    assert session.position == 1
    while session.forward():
        pass
    assert np.array_equal(session.adjoint(x), 1 - np.tanh([1.0, 2.0]) ** 2)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("h_9", "tape: no node is named 'h_9'; did you mean h_3 or h_2 or h_1."),
        ("zzz", "tape: no node is named 'zzz'; l lists the names."),
        ("t=9", "b 9: no node has that time step; there are 1, 2, 3."),
        (
            "op=than",
            "b than: no node has that operation; there are add, leaf, matmul, square, stack, sum, tanh.",
        ),
        ("|g|>ten", "b |g|...ten: 'ten' is no number; expected one, as in |g|>10."),
        (
            "|h|>1",
            "b |h|>1: cannot read it; expected a node's name, t=3, op=tanh, |g|>10, |g|<1e-6, nan or file.py:75.",
        ),
        ("no.py:3", "b no.py:3: no node has that line; there are "),
    ],
)
def test_a_breakpoint_that_can_never_hold_is_refused(text, line):
    with pytest.raises(ArgumentError) as error:
        breakpoint_at(text, Session(TAPES["rnn"]))
    assert str(error.value).startswith(line)


@pytest.mark.parametrize("text", ["h_2", "t=2", "op=tanh", "|g|>1", "|g| <= 2", LINE])
def test_a_breakpoint_holds_where_it_says(text):
    session = Session(TAPES["rnn"])
    holds = {
        "h_2": lambda s: s.name == "h_2",
        "t=2": lambda s: s.time == 2,
        "op=tanh": lambda s: s.tensor.op == "tanh",
        "|g|>1": lambda s: np.linalg.norm(s.grad) > 1,
        "|g| <= 2": lambda s: np.linalg.norm(s.grad) <= 2,
        LINE: lambda s: s.origin == LINE,
    }[text]
    steps = list(TAPES["rnn"].steps())
    found = [breakpoint_at(text, session).holds(s) for s in steps]
    assert found == [holds(s) for s in steps]
    assert any(found)
