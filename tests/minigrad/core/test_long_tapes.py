"""Sharing and length: cost is linear in the nodes, and nothing recurses."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.transforms import cut, differentiate, simplify, truncate, truncate_randomly, untie
from tests.zoo import param


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
    """h_t = h_{t-1} w with w = 1, 10,000 steps of 2 nodes: longer than any recursion could walk."""
    w, h = param(1.0, "w"), mg.tensor(1.0, name="h_0")
    for t in range(10_000):
        with mg.timestep(t):
            h = +(h * w)
    return mg.Tape.of(h), w


def long_grad(tape, w):
    return next(s.grad for s in tape.steps() if s.tensor is w)


def test_twenty_thousand_nodes(long):
    tape, w = long
    assert len(tape.nodes) == 20_002
    assert long_grad(tape, w) == 10_000
    assert len(tape.recurrent_edges()) == 9_999
    assert tape.replay({w: 1.0}) == (1,)
    assert str(tape).endswith("\nreturn positive@9999")


@pytest.mark.parametrize(
    ("transform", "slope"),
    [
        (lambda t, w: truncate(t, every=4_000), 2_000),
        (lambda t, w: truncate(t, every=4_000, window=3_000), 3_001),
        (
            lambda t, w: cut(t, lambda e: e.source.time == 5_999 and e.target.time == 6_000),
            4_000,
        ),
        (lambda t, w: truncate_randomly(t, {9_000: 1e-9}, 0), 1_000),
        (untie, 10_000),
    ],
    ids=["every", "window", "cut", "randomly", "untie"],
)
def test_transforms_of_twenty_thousand_nodes(long, transform, slope):
    tape, w = long
    assert long_grad(transform(tape, w), w) == slope


def test_differentiating_and_simplifying_twenty_thousand_nodes(long):
    tape, _ = long
    assert differentiate(tape).outputs[1].item() == 10_000
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
