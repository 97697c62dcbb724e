"""Tape: its order, names and listing, its edges, and replay."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from tests.zoo import param, plain_rnn

LISTING = """\
W: float64[2, 2] = parameter
X: float64[3, 1, 2] = constant
h_0: float64[1, 2] = constant
# t = 1
getitem@1: float64[1, 2] = getitem(X, index=(0,))
matmul@1: float64[1, 2] = matmul(h_0, W)
add@1: float64[1, 2] = add(getitem@1, matmul@1)
h_1: float64[1, 2] = tanh(add@1)
multiply@1: float64[1, 2] = multiply(h_1, h_1)
sum@1: float64[] = sum(multiply@1)
add@1#2: float64[] = add(0, sum@1)
# t = 2
getitem@2: float64[1, 2] = getitem(X, index=(1,))
matmul@2: float64[1, 2] = matmul(h_1, W)
add@2: float64[1, 2] = add(getitem@2, matmul@2)
h_2: float64[1, 2] = tanh(add@2)
multiply@2: float64[1, 2] = multiply(h_2, h_2)
sum@2: float64[] = sum(multiply@2)
add@2#2: float64[] = add(add@1#2, sum@2)
# t = 3
getitem@3: float64[1, 2] = getitem(X, index=(2,))
matmul@3: float64[1, 2] = matmul(h_2, W)
add@3: float64[1, 2] = add(getitem@3, matmul@3)
h_3: float64[1, 2] = tanh(add@3)
multiply@3: float64[1, 2] = multiply(h_3, h_3)
sum@3: float64[] = sum(multiply@3)
L: float64[] = add(add@2#2, sum@3)
return L"""


# --- what is on it ---------------------------------------------------------------------------------------------------
def test_print():
    tape = mg.Tape.of(plain_rnn()[0])
    assert str(tape) == LISTING
    assert repr(tape) == "Tape(25 nodes, 1 parameters, 3 time steps -> L)"


def test_order_is_execution_order():
    x = param(1.0)
    made = [x]
    for i in range(20):
        made.append(np.sin(made[i // 2]) * made[-i // 3])
    tape = mg.Tape.of(sum(made))
    executed = [n for n in tape.nodes if n in set(made)]
    assert executed == made
    place = {n: i for i, n in enumerate(tape.nodes)}
    assert all(place[i] < place[n] for n in tape.nodes for i in n.inputs)


def test_only_what_the_outputs_depend_on():
    x = param(1.0)
    y, unused = x * 2, x * 3
    z = y + 1
    tape = mg.Tape.of(y, z)
    assert tape.outputs == (y, z)
    assert unused not in set(tape.nodes)
    assert tape.leaves == (x, *(n for n in tape.nodes if n.fn is None and n is not x))
    assert tape.parameters == (x,)
    with pytest.raises(ArgumentError, match=re.escape("Tape.of: float; expected Tensors")):
        mg.Tape.of(1.0)


@given(st.lists(st.sampled_from(["h", "h#2", "h#3", "h#2#2", "add", "add#2", None]), max_size=8))
def test_names_are_unique_and_lead_back(names):
    total = param(0.0, "start")
    for name in names:
        total = total + mg.tensor(1.0, name=name)
    tape = mg.Tape.of(total)
    assert len(set(tape.names.values())) == len(tape.nodes)
    assert all(tape[name] is node for node, name in tape.names.items())


def test_names_are_deterministic():
    assert str(mg.Tape.of(plain_rnn()[0])) == str(mg.Tape.of(plain_rnn()[0]))
    with pytest.raises(ArgumentError, match="no node is named 'nobody'"):
        mg.Tape.of(plain_rnn()[0])["nobody"]


def test_edges():
    x, y = param(2.0, "x"), param(3.0, "y")
    z = x * y + x
    tape = mg.Tape.of(z)
    assert [(tape.names[e.source], tape.names[e.target], e.slot) for e in tape.edges()] == [
        ("x", "multiply", 0),
        ("y", "multiply", 1),
        ("multiply", "add", 0),
        ("x", "add", 1),
    ]
    assert all(e.carries_gradient for e in tape.edges())
    assert not mg.Tape.of(mg.detach(x)).edges()[0].carries_gradient


def crossing(tape):
    return [(tape.names[e.source], tape.names[e.target]) for e in tape.recurrent_edges()]


def test_recurrent_edges_are_state_and_no_running_sum():
    assert crossing(mg.Tape.of(plain_rnn()[0])) == [("h_1", "matmul@2"), ("h_2", "matmul@3")]


def residual(size, T=3):
    h, w = mg.tensor(np.ones(size), name="h_0"), param(np.full(size, 0.5), "w")
    for t in range(1, T + 1):
        with mg.timestep(t):
            h = (h + np.tanh(h * w)).named(f"h_{t}")
    return h


@pytest.mark.parametrize("size", [2, 1, ()])
@pytest.mark.parametrize(
    "end", [np.sum, lambda h: np.sum(h * h), lambda h: h if h.size == 1 else h[0]]
)
def test_a_residual_state_is_recurrent_at_every_step(size, end):
    expected = [("h_1", "multiply@2"), ("h_1", "h_2"), ("h_2", "multiply@3"), ("h_2", "h_3")]
    assert crossing(mg.Tape.of(end(residual(size)))) == expected


# --- forward again ---------------------------------------------------------------------------------------------------
@given(st.integers(1, 5), st.integers(0, 99))
def test_replay_is_running_the_code_again(T, seed):
    rng = np.random.default_rng(seed)
    w, x = rng.normal(size=(2, 2)), rng.normal(size=(T, 1, 2))
    loss, W, _ = plain_rnn(T)
    h = mg.Tape.of(loss)[f"h_{T}"]
    tape, again = mg.Tape.of(loss, h), plain_rnn(T, arrays=(w, x))[0]
    expected = (again, mg.Tape.of(again)[f"h_{T}"])
    for feeds, outputs in (({W: w, "X": x}, expected), ({}, (loss, h))):
        for got, out in zip(tape.replay(feeds, missing="recorded"), outputs, strict=True):
            np.testing.assert_array_equal(got, out.data)


def test_replay_reads_what_was_assigned():
    x = param(2.0, "x")
    tape = mg.Tape.of(x * x)
    x.assign(5.0)
    assert tape.replay() == (25,)


def test_replay_recomputes_conditions():
    x = param([1.0, -2.0, 3.0], "x")
    tape = mg.Tape.of(np.sum(np.where(x > 0, x, 10.0)))
    np.testing.assert_array_equal(tape.replay({"x": [-1, 2, -3]}), [22])


REPLAY_ERRORS = [
    ({"nobody": 1.0}, ArgumentError, "replay: 'nobody' is no leaf of this tape"),
    ({"h_1": np.zeros((1, 2))}, ArgumentError, "replay: 'h_1' is no leaf of this tape"),
    ({mg.tensor(1.0, name="other"): 1.0}, ArgumentError, "replay: 'other' is no leaf of this tape"),
    ({"W": np.zeros((3, 2))}, ShapeError, "replay: 'W' is (3, 2); expected (2, 2)"),
    (
        {"W": np.zeros((2, 2), complex)},
        DTypeError,
        "replay: 'W' is complex128; expected float64",
    ),
]


@pytest.mark.parametrize(("feeds", "error", "message"), REPLAY_ERRORS)
def test_replay_refuses(feeds, error, message):
    with pytest.raises(error, match=re.escape(message)):
        mg.Tape.of(plain_rnn()[0]).replay(feeds)
