"""Values that left the tape and came back: a plan or a replay that would repeat them is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import GradientError
from minigrad.transforms import clip, differentiate, truncate
from tests.laws import close, slope

FROZEN = r"'constant' was .* off the tape, by \S+\(\); .*\[test_off_tape.py:\d+\]"


def leaves():
    return mg.tensor(0.5, requires_grad=True, name="W"), mg.tensor(2.0, name="x")


def unrecorded(fn):
    with mg.no_grad():
        return fn()


# how a value of W and x leaves the tape, and by what
WAYS = {
    ".detach()": lambda W, x: np.tanh(W * x).detach(),
    ".detach() twice": lambda W, x: np.tanh(W * x).detach().detach(),
    ".detach() of an input": lambda W, x: np.tanh(x).detach(),
    ".detach() of a choice": lambda W, x: (W > 0).detach(),
    "no_grad()": lambda W, x: unrecorded(lambda: np.tanh(W)),
    "no_grad() of an input": lambda W, x: unrecorded(lambda: np.tanh(x)),
    "no_grad() of a result": lambda W, x: unrecorded(lambda y=x * 2: y + 1),
    "no_grad() in steps": lambda W, x: unrecorded(lambda: np.exp(np.tanh(x)) * 2),
    "mg.tensor()": lambda W, x: mg.tensor(np.tanh(x)),
    "mg.grad()": lambda W, x: mg.grad(W * W * x, W)[0],
}


@pytest.mark.parametrize("way", WAYS)
def test_what_was_computed_off_the_tape_is_refused(way):
    W, x = leaves()
    frozen = WAYS[way](W, x)
    tape = mg.Tape.of(W * x * frozen)
    for made in (tape, differentiate(tape)):
        with pytest.raises(GradientError, match=f"compile: {FROZEN}"):
            mg.compile(made)
    for fed in ("W", "x"):
        with pytest.raises(GradientError, match=f"replay: {FROZEN}"):
            tape.replay({fed: 3.0})
    # what it was recorded with is right, and so is another value that is given
    close(tape.replay(), [tape.outputs[0].data])
    close(tape.replay({frozen: frozen.data, "x": 3.0}), [0.5 * 3 * frozen.data])
    W.assign(1.0)
    with pytest.raises(GradientError, match=f"replay: {FROZEN}"):
        tape.replay()


@pytest.mark.parametrize("way", WAYS)
def test_one_with_a_name_is_an_input(way):
    W, x = leaves()
    tape = mg.Tape.of(W * x * WAYS[way](W, x).named("s"))
    feeds = {"x": 3.0, "s": np.array(True if "choice" in way else 5.0)}
    close(mg.compile(tape)(feeds), tape.replay(feeds))


def test_carried_state_keeps_its_name():
    W, x = leaves()
    h = np.tanh(W * x).named("h_1").detach()
    close(mg.compile(mg.Tape.of(h * W))({"h_1": 3.0}), [np.array(1.5)])


def test_constants_stay_constants():
    W, _ = leaves()
    c = mg.tensor([1.0, 2.0])
    k = unrecorded(lambda: np.tanh(c)) * (c * 2).detach() * mg.tensor(c + 1)
    tape = mg.Tape.of(W * np.sum(k))
    close(mg.compile(tape)({"W": 3.0}), tape.replay({"W": 3.0}))


def test_the_zeros_of_what_a_cut_keeps_out_are_constants():
    W, x = leaves()
    h0 = mg.tensor(0.3, requires_grad=True, name="h0")
    h = h0
    for t in (1, 2):
        with mg.timestep(t):
            h = np.tanh(W * h + x)
    tape = differentiate(truncate(mg.Tape.of(h), every=1), [h0, W])
    for values in (mg.compile(tape)({"x": 3.0}), tape.replay({"x": 3.0})):
        a = np.tanh(0.5 * 0.3 + 3)
        b = np.tanh(0.5 * a + 3)
        close(values, [b, 0, a * (1 - b * b)])


def test_what_is_younger_is_no_source():
    W, _ = leaves()
    h = np.tanh(W).detach()
    x = mg.tensor(2.0, name="x")
    close(mg.Tape.of(h * x).replay({"x": 3.0}), [3 * h.data])


def test_the_gate_is_right():
    W, x = leaves()
    tape = differentiate(mg.Tape.of(W * mg.detach(np.tanh(W * x)) * x))
    plan = mg.compile(tape)
    assert "constants" not in str(plan)
    close(plan({"x": 3.0}), [0.5 * np.tanh(1.5) * 3, np.tanh(1.5) * 3])


# --- functions of on_backward, where backward is recorded -------------------------------------------------------------
OUTSIDE = {
    "data": lambda g: g.data * 0.5,
    "array": lambda g: np.asarray(g.data).clip(-1, 1),
    "number": lambda g: float(g.data),
    "zeros": lambda g: np.zeros(g.shape),
    "tensor": lambda g: mg.tensor(g.data),
    "no_grad": lambda g: unrecorded(lambda: g * 0.5),
    "detach": lambda g: g.detach() * 0.5,
}


@pytest.mark.parametrize("fn", OUTSIDE.values(), ids=OUTSIDE)
def test_what_does_not_depend_on_the_gradient_is_refused(fn):
    W, x = leaves()
    h = mg.on_backward(np.tanh(W * x), fn)
    for ask in (
        lambda: differentiate(mg.Tape.of(h * h * x)),
        lambda: mg.grad(h * h, W, create_graph=True),
    ):
        with pytest.raises(GradientError, match="on_backward: the function returned a"):
            ask()


INSIDE = {
    "scaled": lambda g: g * 0.5,
    "clipped": lambda g: np.clip(g, -0.1, 0.1),
    "same": lambda g: g,
    "nothing": lambda g: None,
    "printed": lambda g: str(float(g)) and None,
}


@pytest.mark.parametrize("fn", INSIDE.values(), ids=INSIDE)
def test_what_is_computed_with_numpy_is_compiled(fn):
    W, x = leaves()
    tape = differentiate(mg.Tape.of(np.square(mg.on_backward(np.tanh(W * x), fn)) * x))
    plan = mg.compile(tape)
    h = np.tanh(1.5)
    g = np.array(2 * h * 3)
    expected = fn(mg.tensor(g))
    g = g if expected is None else expected.data
    close(plan({"x": 3.0}), [h * h * 3, g * (1 - h * h) * 3])


def test_where_backward_is_not_recorded_arrays_are_fine():
    W, x = leaves()
    c = mg.tensor(2.0)
    for fn in (lambda g: np.clip(g, -0.1, 0.1), lambda g: 0.1, lambda g: c * 0.05):
        W.grad = None
        (mg.on_backward(W * x, fn) * 5).backward()
        close(W.grad, np.array(0.2))


def test_a_gradient_of_the_users_own_making_is_on_the_tape():
    """Synthetic gradients: what replaces g depends on a parameter and not on g."""
    W, x = leaves()
    M = mg.tensor(3.0, requires_grad=True, name="M")
    h = np.tanh(W * x)
    tape = differentiate(mg.Tape.of(np.square(mg.on_backward(h, lambda g: h * M))), W)
    h3 = np.tanh(1.5)
    close(mg.compile(tape)({"x": 3.0})[1], h3 * 3 * (1 - h3 * h3) * 3)


def test_the_second_derivative_keeps_the_term():
    w = mg.tensor(0.7, requires_grad=True)

    def first(v):
        return 6 * v**5

    (g,) = mg.grad(mg.on_backward(w**3, lambda g: g * 1.0) ** 2, w, create_graph=True)
    close(mg.grad(g, w)[0], slope(first, w.data), rtol=1e-7)


h_before = []
DECIDING = {
    "if": lambda g: g if g < 1 else g * 0.1,
    "float": lambda g: g * (1.0 if abs(float(g)) < 1 else 0.1),
    "norm": lambda g: g / max(1, float(np.linalg.norm(g))),
    "another value": lambda g: g if h_before[-1] < 1 else g * 0.1,
}


# that a number carries no gradient is told too
@pytest.mark.filterwarnings("ignore::minigrad.errors.LostGradientWarning")
@pytest.mark.parametrize("fn", DECIDING.values(), ids=DECIDING)
def test_deciding_by_a_value_is_refused_when_compiled(fn):
    W, x = leaves()
    h = np.tanh(W * x)
    h_before.append(h)
    # a look before is none in the function
    float(h)
    tape = differentiate(mg.Tape.of(np.square(mg.on_backward(h, fn)) * x))
    line = fn.__code__.co_firstlineno
    for made in (tape, clip(tape, 1.0)):
        with pytest.raises(GradientError, match=rf"function of on_backward .*tape.py:{line}\]"):
            mg.compile(made)


def test_deciding_by_a_constant_and_looking_in_between_are_fine():
    W, x = leaves()
    limit = mg.tensor(0.5)
    h = mg.on_backward(np.tanh(W * x), lambda g: g * float(limit))
    tape = differentiate(mg.Tape.of(h * x))
    assert float(tape.outputs[1]) < float(tape.outputs[0])
    mg.compile(clip(tape, 1.0))
