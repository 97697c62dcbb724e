"""A tape without time steps stands on pages of a few rows, which a stepper shows side by side."""

from collections import Counter

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad import viz
from minigrad.models.networks import NETWORKS
from minigrad.viz.page.pages import MAX_NODES, MAX_ROWS, pages
from minigrad.viz.page.places import picture


def squared_gradient(name):
    """A tape of a differentiated one: the squared norm of its gradient."""
    grads = tf.differentiate(NETWORKS[name]()).outputs[1:]
    return mg.Tape.of(sum(np.sum(g * g) for g in grads))


def chain():
    x = mg.tensor(np.ones(2), requires_grad=True, name="x")
    for _ in range(100):
        x = np.tanh(x)
    return mg.Tape.of(np.sum(x))


TAPES = {name: NETWORKS[name] for name in ("mlp", "attention", "transformer")}
TAPES |= {f"{name} squared": lambda name=name: squared_gradient(name) for name in [*TAPES]}
TAPES["chain"] = chain
TAPES["leaf"] = lambda: mg.Tape.of(mg.tensor(1.0, requires_grad=True, name="x"))


@pytest.mark.parametrize("name", TAPES)
def test_a_page_is_small_and_pages_follow_the_execution(name):
    tape = TAPES[name]()
    page = pages(tape)
    assert set(page) == set(tape.nodes)
    assert max(Counter(page.values()).values()) <= MAX_NODES
    made = [page[n] for n in tape.nodes if n.fn]
    assert made == sorted(made)
    for x in tape.leaves:
        readers = [page[n] for n in tape.nodes if any(y is x for y in n.inputs)]
        assert page[x] == min(readers, default=0)
    spots = picture(tape).spots.values()
    assert max((spot.row for spot in spots), default=0) <= MAX_ROWS
    assert len({(spot.x, spot.y) for spot in spots}) == len(spots)


def test_a_stepper_shows_the_pages_side_by_side(browser, tmp_path):
    browser.open(viz.stepper(chain(), tmp_path / "a.html"))
    wide, tall = browser.run(
        "['width', 'height'].map(a => +document.querySelector('.scene svg').getAttribute(a))"
    )
    assert wide > tall
    assert browser.run("document.querySelectorAll('.scene .node').length") == 102
    browser.press("ArrowRight", 3)
    browser.press("End")
    assert browser.run("document.querySelectorAll('.scene .visited').length") == 101
    assert browser.run("document.querySelectorAll('.scene .step').length") == 0
