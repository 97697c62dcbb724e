"""Values that Python looked at while recording: what it then decides is on no tape, so no plan may repeat it."""

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import GradientError
from minigrad.source import describe
from minigrad.transforms import differentiate, truncate


def result(x=2.0, requires_grad=True, **kw):
    return mg.tensor(x, requires_grad=requires_grad, **kw) * 1


LOOKS = [
    bool,
    float,
    int,
    lambda t: t.item(),
    lambda t: 2.0 in t,
    lambda t: f"{t:.2f}",
    lambda t: t > 0 and 1,
    lambda t: operator.index(np.argmax(t)),
    lambda t: int(np.rint(t)),
    lambda t: [5, 6, 7][np.argmax(t)],
    lambda t: np.nonzero(t[None]),
    lambda t: t[None].nonzero(),
    lambda t: np.allclose(t, 2),
    np.isreal,
    lambda t: np.asarray(t > 0),
    lambda t: max(t, t + 1),
    lambda t: sorted([t, -t]),
    lambda t: np.reshape(t, (1,))[np.reshape(t > 0, (1,))],
]


@pytest.mark.parametrize("look", LOOKS, ids=range(len(LOOKS)))
def test_a_look_marks_the_past_with_its_line(look):
    t = result()
    other, after = t * 2, t + 1
    look(t)
    assert describe(None, t.peeked[1]).startswith("test_looking_at_values.py:")
    assert t.peeked[0] > after.serial
    assert other.peeked is None
    assert t.inputs[0].peeked is not None


@pytest.mark.parametrize(
    "look",
    [
        repr,
        str,
        lambda t: t.data > 0,
        lambda t: t.numpy().item(),
        lambda t: t.shape,
        np.shape,
        np.ndim,
        np.result_type,
        lambda t: len(np.reshape(t, (1,))),
        lambda t: list(np.reshape(t, (1,))),
        lambda t: t.detach(),
        lambda t: t == 2,
        lambda t: t.backward(),
        lambda t: mg.grad(t, t.inputs[0]),
        lambda t: str(mg.Tape.of(t * 2 + 1)),
        mg.detach,
        lambda t: differentiate(mg.Tape.of(t)),
        lambda t: mg.Tape.of(t).replay(),
        lambda t: mg.find_nonfinite(mg.Tape.of(t)),
        lambda t: [step.formula for step in mg.Tape.of(t).steps()],
        np.array_repr,
        lambda t: t.T[None, ...],
    ],
)
def test_what_decides_nothing_leaves_no_mark(look):
    t = result()
    look(t)
    assert t.peeked is None


def test_a_result_keeps_its_first_look_and_a_leaf_its_last():
    x = mg.tensor(1.0, name="x")
    y = x * 2
    float(y)
    first = y.peeked
    bool(y * 3 > 1)
    assert y.peeked is first
    assert x.peeked == first
    bool(x > 0)
    assert x.peeked[0] > first[0]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12),
    st.lists(st.integers(0, 12), max_size=4),
)
def test_marked_is_what_lies_behind_a_look(pairs, looked):
    """Random graphs against a search of its own for every look."""
    nodes = [result(1.0)]
    for a, b in pairs:
        nodes.append(nodes[a % len(nodes)] + nodes[b % len(nodes)])
    behind = set()
    for i in looked:
        float(nodes[i % len(nodes)])
        behind |= set(mg.Tape.of(nodes[i % len(nodes)]).nodes)
    assert {n for n in mg.Tape.of(*nodes).nodes if n.peeked} == behind


# --- a loop that decides by values, compiled --------------------------------------------------------------------------
def loop(decide, x=None):
    W, h = (
        mg.tensor([[0.5, -0.2], [0.1, 0.3]], requires_grad=True, name="W"),
        mg.tensor([1.0, 2.0], name="h_0"),
    )
    for t in range(1, 4):
        with mg.timestep(t):
            h = np.tanh(h @ W).named(f"h_{t}")
            h = decide(h)
    return mg.Tape.of(np.sum(h).named("L"))


def by_branch(h):
    return h * 2 if h.sum() > 0 else h


def by_number(h):
    return h * float(np.sum(h))


def by_index(h):
    return h * h[int(np.argmax(h))]


# by_number loses a gradient, too
@pytest.mark.filterwarnings("ignore::minigrad.errors.LostGradientWarning")
@pytest.mark.parametrize("decide", [by_branch, by_number, by_index])
@pytest.mark.parametrize(
    "made", [lambda tape: tape, differentiate, lambda tape: truncate(tape, every=1)]
)
def test_a_loop_that_decides_by_values_is_not_compiled(decide, made):
    line = decide.__code__.co_firstlineno + 1
    with pytest.raises(
        GradientError,
        match=rf"compile: the value of '.+' was read .* \[t=1, test_looking_at_values.py:{line}\]",
    ):
        mg.compile(made(loop(decide)))


def test_looking_at_the_loss_between_updates_is_fine():
    for _ in range(2):
        tape = loop(lambda h: h)
        loss = tape.outputs[0]
        assert f"{loss:.3f}" == f"{float(loss):.3f}"
        if loss > 3 or not np.isfinite(loss):
            break
        mg.compile(differentiate(tape))
