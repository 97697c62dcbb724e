"""Tape: its order, names and listing, replay, and the one backward pass."""

import re
import tracemalloc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.core.seed import seed_for
from minigrad.core.sweep import sweep_of
from minigrad.errors import ArgumentError, DTypeError, GradientError, ShapeError, StaleTapeError
from minigrad.transforms import cut, differentiate, simplify, truncate, truncate_randomly, untie


def param(x, name=None):
    return mg.tensor(x, requires_grad=True, name=name)


def rnn(T=3, seed=0, parameters=None):
    """h_t = tanh(x_t + h_{t-1} W), the losses summed inside the steps; returns the loss, W and the inputs."""
    rng = np.random.default_rng(seed)
    w, x = parameters or (rng.normal(size=(2, 2)), rng.normal(size=(T, 1, 2)))
    W, X, h, loss = (
        param(w, "W"),
        mg.tensor(x, name="X"),
        mg.tensor(np.zeros((1, 2)), name="h_0"),
        0.0,
    )
    for t in range(1, T + 1):
        with mg.timestep(t):
            h = np.tanh(X[t - 1] + h @ W).named(f"h_{t}")
            loss = loss + np.sum(h * h)
    return loss.named("L"), W, X


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
    tape = mg.Tape.of(rnn()[0])
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
    assert str(mg.Tape.of(rnn()[0])) == str(mg.Tape.of(rnn()[0]))
    with pytest.raises(ArgumentError, match="no node is named 'nobody'"):
        mg.Tape.of(rnn()[0])["nobody"]


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
    assert crossing(mg.Tape.of(rnn()[0])) == [("h_1", "matmul@2"), ("h_2", "matmul@3")]


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
    loss, W, _ = rnn(T)
    h = mg.Tape.of(loss)[f"h_{T}"]
    tape, again = mg.Tape.of(loss, h), rnn(T, parameters=(w, x))[0]
    expected = (again, mg.Tape.of(again)[f"h_{T}"])
    for feeds, outputs in (({W: w, "X": x}, expected), ({}, (loss, h))):
        for got, out in zip(tape.replay(feeds), outputs, strict=True):
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
    ({"nobody": 1.0}, ArgumentError, "no node is named 'nobody'"),
    ({"h_1": np.zeros((1, 2))}, ArgumentError, "replay: 'h_1' is no leaf of this tape"),
    ({mg.tensor(1.0, name="other"): 1.0}, ArgumentError, "replay: 'other' is no leaf of this tape"),
    ({"W": np.zeros((3, 2))}, ShapeError, "replay: 'W' is (2, 2) and the value (3, 2)"),
    (
        {"W": np.zeros((2, 2), complex)},
        DTypeError,
        "replay: 'W' is float64 and the value complex128",
    ),
]


@pytest.mark.parametrize(("feeds", "error", "message"), REPLAY_ERRORS)
def test_replay_refuses(feeds, error, message):
    with pytest.raises(error, match=re.escape(message)):
        mg.Tape.of(rnn()[0]).replay(feeds)


# --- backward --------------------------------------------------------------------------------------------------------
@given(st.integers(1, 6), st.integers(0, 99))
def test_steps_drained_are_backward_bit_for_bit(T, seed):
    loss, W, _ = rnn(T, seed)
    tape = mg.Tape.of(loss)
    steps = list(tape.steps())
    assert W.grad is None
    assert all(n.grad is None for n in tape.nodes)
    tape.backward()
    (last,) = [s for s in steps if s.tensor is W]
    np.testing.assert_array_equal(last.grad, W.grad)
    np.testing.assert_array_equal(mg.grad(loss, [W])[0].data, W.grad)
    again, V, _ = rnn(T, seed)
    again.backward()
    np.testing.assert_array_equal(V.grad, W.grad)
    assert [n for n in tape.nodes if n.grad is not None] == [W]


def test_steps_go_last_to_first_and_add_up():
    loss, *_ = rnn()
    tape = mg.Tape.of(loss)
    order = {n: i for i, n in enumerate(tape.nodes)}
    steps = list(tape.steps())
    places = [order[s.tensor] for s in steps]
    assert places == sorted(places, reverse=True)
    arrived = {loss: 1.0}
    for node, g, contributions in steps:
        np.testing.assert_allclose(g, arrived[node], rtol=1e-14)
        for x, c in zip(node.inputs, contributions, strict=True):
            if c is not None:
                arrived[x] = arrived.get(x, 0) + c
    assert [s.time for s in steps if s.tensor.name] == [3, 3, 2, 1, None]
    assert all(s.origin == s.tensor.origin for s in steps)


def test_each_node_once_and_each_edge_once():
    for tape in (mg.Tape.of(rnn(5)[0]), mg.Tape.of(doublings(15)[1])):
        steps = list(tape.steps())
        assert len({s.tensor for s in steps}) == len(steps)
        calls = sum(c is not None for s in steps for c in s.contributions)
        assert calls == sum(e.carries_gradient for e in tape.edges())


def rows_read_one_by_one(steps=400, width=50):
    """A loop over the rows of one tensor that needs a gradient: basic, integer-array and dense uses of X, mixed."""
    X = mg.tensor(
        np.linspace(0, 1, steps * width).reshape(steps, width), requires_grad=True, name="X"
    )
    loss = np.sum(X * X)
    for t in range(steps):
        loss = loss + np.sum(X[t] * X[t]) + np.sum(X[[t, t]]) + np.sum(X[np.arange(steps) == t])
    return X, loss


def test_reading_rows_one_by_one_is_right():
    X, loss = rows_read_one_by_one(7, 3)
    expected = 4 * X.data + 3
    loss.backward()
    np.testing.assert_allclose(X.grad, expected, rtol=1e-13)
    np.testing.assert_allclose(mg.grad(loss, X, create_graph=True)[0].data, expected, rtol=1e-13)
    total = {X: 0}
    for node, _, contributions in mg.Tape.of(loss).steps():
        for x, c in zip(node.inputs, contributions, strict=True):
            assert c is None or c.shape == x.shape
            if x is X:
                total[X] = total[X] + c
    np.testing.assert_allclose(total[X], expected, rtol=1e-13)


def test_reading_rows_one_by_one_costs_no_array_per_row():
    X, loss = rows_read_one_by_one()
    mg.grad(loss, X)
    tracemalloc.start()
    for _ in mg.Tape.of(loss).steps():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * X.data.nbytes  # of 2,000 uses
    gradient = differentiate(mg.Tape.of(loss))
    assert sum(n.size >= X.size for n in gradient.nodes) < 20


def test_a_step_keeps_what_it_sent():
    """Adjoints are summed in place, but never in an array that a step has shown."""
    w = param([1.0, 2.0])
    loss = np.sum(w * 2 + w * 3 + np.exp(w) + w)
    shown = []
    for step in mg.Tape.of(loss).steps():
        shown += [(c, c.copy()) for c in [step.grad, *step.contributions] if c is not None]
    for array, then in shown:
        np.testing.assert_array_equal(array, then)
        assert not array.flags.writeable


def test_grad_accumulates_over_losses():
    x = param([1.0, 2.0])
    np.sum(x * x).backward()
    np.sum(3 * x).backward()
    mg.Tape.of(np.sum(x)).backward()
    np.testing.assert_array_equal(x.grad, [2 + 3 + 1, 4 + 3 + 1])


def test_a_second_backward_names_node_step_line_and_remedy():
    h = mg.tensor(0.5)
    w = param(2.0, "w")
    with mg.timestep(3):
        h = np.tanh(h * w).named("h_3")
    loss = h * 2
    loss.backward()
    before = w.grad
    with mg.timestep(4):
        second = h * w
    with pytest.raises(GradientError) as caught:
        second.backward()
    assert str(caught.value) == (
        "backward: an earlier backward() already went through 'h_3'. Carry state from batch to batch with "
        f"state.detach(), or pass retain_graph=True to go again. [t=3, {h.origin}]"
    )
    assert w.grad is before


def test_a_second_backward_of_the_same_loss_raises():
    x = param(3.0)
    y = x**3
    y.backward()
    with pytest.raises(GradientError, match="an earlier backward"):
        y.backward()


def test_retain_graph_accumulates():
    x = param(3.0)
    y = x * x * x
    y.backward()
    assert x.grad == 27
    y.backward(retain_graph=True)
    assert x.grad == 54


def test_detached_state_may_be_carried_on():
    w, h = param(0.5), mg.tensor(1.0)
    for _ in range(3):
        h = np.tanh(h.detach() * w)
        h.backward()


def test_gradients_may_be_asked_as_often_as_one_likes():
    loss, W, _ = rnn()
    tape = mg.Tape.of(loss)
    first = mg.grad(loss, [W])[0].data
    loss.backward()
    for again in (
        mg.grad(loss, [W])[0].data,
        list(tape.steps())[-1].grad,
        differentiate(tape).outputs[1].data,
    ):
        np.testing.assert_array_equal(again, first)
    tape.backward()
    np.testing.assert_array_equal(W.grad, 2 * first)


def test_zeros_where_unreached():
    x, y, z = param([1.0, 2.0]), param(np.float32([[1, 2]])), param(3.0)
    loss = np.sum(x) + 0 * z
    for create_graph in (False, True):
        _, g, _ = mg.grad(loss, [x, y, z], create_graph=create_graph)
        np.testing.assert_array_equal(g.data, np.zeros((1, 2), np.float32), strict=True)
    loss.backward()
    assert y.grad is None
    assert z.grad == 0


def test_grad_of_an_interior_tensor():
    x = param([1.0, 2.0])
    y = x * x
    g, h = mg.grad(np.sum(y * y * x), [y, x])
    np.testing.assert_array_equal(g.data, 2 * y.data * x.data)
    np.testing.assert_array_equal(h.data, 5 * x.data**4)


def test_grad_output_weighs_the_elements():
    x = param([1.0, 2.0])
    v = param([3.0, 5.0])
    np.testing.assert_array_equal(mg.grad(x * x, [x], grad_output=[3.0, 5.0])[0].data, [6, 20])
    (g,) = mg.grad(x * x, [x], grad_output=v, create_graph=True)
    np.testing.assert_array_equal(mg.grad(np.sum(g), [v])[0].data, [2, 4])
    (x * x).backward(gradient=[3.0, 5.0])
    np.testing.assert_array_equal(x.grad, [6, 20])


REFUSED = [
    (
        lambda x: (x * x).backward(),
        GradientError,
        "'multiply' is (2,); it starts from a scalar. Sum it, or pass gradient= of shape (2,)",
    ),
    (lambda x: mg.grad(x * x, [x]), GradientError, "'multiply' is (2,); it starts from a scalar"),
    (
        lambda x: differentiate(mg.Tape.of(x * x)),
        GradientError,
        "'multiply' is (2,); it starts from a scalar",
    ),
    (
        lambda x: (x * x).backward([1.0, 2.0, 3.0]),
        ShapeError,
        "'multiply' is (2,) and gradient (3,)",
    ),
    (
        lambda x: mg.tensor(1.0, name="c").backward(),
        GradientError,
        "'c' does not depend on anything that needs",
    ),
    (
        lambda x: np.sum(mg.detach(x)).backward(),
        GradientError,
        "'sum' does not depend on anything that needs",
    ),
    (
        lambda x: mg.grad(np.sum(x), [mg.tensor(1.0, name="c")]),
        GradientError,
        "'c' does not need a gradient",
    ),
    (lambda x: mg.Tape.of(np.sum(x), np.max(x)).backward(), GradientError, "a tape with 2 outputs"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_backward_refuses(call, error, message):
    x = param([1.0, 2.0])
    with pytest.raises(error, match=re.escape(message)):
        call(x)
    assert x.grad is None


@pytest.mark.parametrize(
    "go",
    [
        lambda loss, w: loss.backward(),
        lambda loss, w: mg.grad(loss, [w]),
        lambda loss, w: mg.Tape.of(loss).backward(),
        lambda loss, w: list(mg.Tape.of(loss).steps()),
        lambda loss, w: differentiate(mg.Tape.of(loss)),
        lambda loss, w: truncate(mg.Tape.of(loss), every=1).backward(),
    ],
)
def test_a_parameter_assigned_before_backward_makes_the_tape_stale(go):
    w = param([1.0, 2.0], "w")
    with mg.timestep(2):
        y = np.tanh(w * 3).named("y")
    loss = np.sum(y * w)
    w.assign([5.0, 6.0])
    with pytest.raises(
        StaleTapeError, match=r"^backward through 'multiply': 'w' was assigned a new value after"
    ):
        go(loss, w)
    assert w.grad is None


def test_a_parameter_assigned_before_forward_is_fine():
    w = param(1.0)
    w.assign(3.0)
    (w * w).backward()
    assert w.grad == 6


# --- cost and depth --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "seen", [lambda tape: tape.steps(), lambda tape: sweep_of(tape, seed_for(tape))]
)
def test_an_adjoint_is_gone_once_it_was_passed_on(seen):
    """Nothing but the seed is held of what backward has left behind: neither adjoints nor what was sent."""
    W, h = param(np.eye(3) * 0.9, "W"), param(np.ones((2, 3)), "h")
    for _ in range(20):
        h = np.tanh(h @ W)
    gone = []
    for _, g, sent in seen(mg.Tape.of(np.sum(h * h))):
        gone.append([weakref.ref(x) for x in (g, *sent) if x is not None])
        assert not [r for refs in gone[1:-4] for r in refs if r() is not None]
    assert len(gone) > 40


def doublings(n):
    x = y = param(1.0)
    for _ in range(n):
        y = y + y
    return x, y


def test_x_times_x():
    x = param(3.0)
    (x * x).backward()
    assert x.grad == 6


def test_sixty_doublings():
    x, y = doublings(60)
    y.backward()
    assert x.grad == y.item() == 2.0**60
    assert len(mg.Tape.of(y).nodes) == 61


def test_fifteen_doublings_are_sixteen_nodes_everywhere():
    tape = mg.Tape.of(doublings(15)[1])
    assert len(tape.nodes) == len(list(tape.steps())) == len(str(tape).splitlines()) == 16
    assert len(tape.edges()) == 30


def test_a_parameter_read_ten_thousand_times():
    w, total = param(0.5), 0.0
    for _ in range(10_000):
        total = total + w
    total.backward()
    assert w.grad == 10_000
    assert mg.grad(total, [w], create_graph=True)[0].item() == 10_000


@pytest.fixture(scope="module")
def long():
    """h_t = h_{t-1} w with w = 1, 50,000 steps of 2 nodes: longer than any recursion could walk."""
    w, h = param(1.0, "w"), mg.tensor(1.0, name="h_0")
    for t in range(50_000):
        with mg.timestep(t):
            h = +(h * w)
    return mg.Tape.of(h), w


def long_grad(tape, w):
    return next(s.grad for s in tape.steps() if s.tensor is w)


def test_a_hundred_thousand_nodes(long):
    tape, w = long
    assert len(tape.nodes) == 100_002
    assert long_grad(tape, w) == 50_000
    assert len(tape.recurrent_edges()) == 49_999
    assert tape.replay({w: 1.0}) == (1,)
    assert str(tape).endswith("\nreturn positive@49999")


@pytest.mark.parametrize(
    ("transform", "slope"),
    [
        (lambda t, w: truncate(t, every=20_000), 10_000),
        (lambda t, w: truncate(t, every=20_000, window=15_000), 15_001),
        (
            lambda t, w: cut(t, lambda e: e.source.time == 29_999 and e.target.time == 30_000),
            20_000,
        ),
        (lambda t, w: truncate_randomly(t, {45_000: 1e-9}, 0), 5_000),
        (untie, 50_000),
    ],
    ids=["every", "window", "cut", "randomly", "untie"],
)
def test_transforms_of_a_hundred_thousand_nodes(long, transform, slope):
    tape, w = long
    assert long_grad(transform(tape, w), w) == slope


def test_differentiating_and_simplifying_a_hundred_thousand_nodes(long):
    tape, _ = long
    assert differentiate(tape).outputs[1].item() == 50_000
    assert len(simplify(tape).nodes) == len(tape.nodes)


@pytest.mark.parametrize(
    "finish", [lambda total: total / 3, lambda total: -(total * 0.5), lambda total: total]
)
def test_a_mean_taken_inside_the_last_step_is_no_state(finish):
    w, h, total = param(0.5, "w"), mg.tensor(1.0), 0
    for t in (1, 2, 3):
        with mg.timestep(t):
            h = np.tanh(h * w).named(f"h_{t}")
            total = total + h * h
            total = finish(total) if t == 3 else total
    edges = mg.Tape.of(total).recurrent_edges()
    assert [(e.source.name, e.target.label) for e in edges] == [
        ("h_1", "multiply@2"),
        ("h_2", "multiply@3"),
    ]
