"""In a browser, without script: a node under the pointer lights the ways its adjoint comes, and nothing else."""

import re

import pytest

from minigrad import transforms as tf
from minigrad import viz
from minigrad.models.networks import NETWORKS
from minigrad.viz.cells.cell import cell, picture
from minigrad.viz.output import svg_writer
from minigrad.viz.output.lighting import LIT, LIT_ON_DARK, _hubs
from tests.viz.conftest import arrows_of, lit
from tests.zoo import book_rnn, lstm

PLACES = """Object.fromEntries([...document.querySelectorAll('svg')].flatMap((s, k) =>
    [...s.querySelectorAll('.node')].map(g => {
    const box = g.querySelector('rect,ellipse,polygon,text').getBoundingClientRect();
    return [`${k} ${g.dataset.name}`, [box.x + box.width / 2, box.y + box.height / 2]]; })))"""
SHINING = """[...document.querySelectorAll('svg')].flatMap((s, k) => [...s.querySelectorAll('.node,.edge')]
    .filter(g => [...g.children].some(c => c.tagName != 'title' && getComputedStyle(c).getPropertyValue(
        c.tagName == 'text' ? 'fill' : 'stroke') == COLOUR))
    .map(g => [k, g.dataset.name || [g.dataset.tail, g.dataset.head]]))"""


def rgb(colour):
    return f"rgb({', '.join(str(int(colour[k : k + 2], 16)) for k in (1, 3, 5))})"


def point(browser, x, y):
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)


def shining(browser, colour=LIT):
    """The nodes and arrows that shine, each with the number of its picture."""
    found = browser.run(SHINING.replace("COLOUR", f"'{rgb(colour)}'"))
    return {(k, tuple(name) if isinstance(name, list) else name) for k, name in found}


GRAPHS = {
    "truncated": lambda: viz.unrolled(tf.truncate(book_rnn(4), every=2)),
    "operations": lambda: viz.draw(tf.truncate(book_rnn(3), every=2)),
    "folded": lambda: viz.unrolled(lstm(20)),
    "rolled": lambda: viz.draw(tf.truncate(lstm(6), every=2), "rolled"),
    "attention": lambda: viz.draw(NETWORKS["attention"]()),
    "side by side": lambda: viz.compare(
        [("full", book_rnn(2)), ("cut", tf.truncate(book_rnn(2), every=1))]
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_a_node_under_the_pointer_lights_exactly_the_ways_back_to_it(name, chromium, tmp_path):
    graph = GRAPHS[name]()
    chromium.open(viz.render(graph, tmp_path / "a.svg"))
    places = chromium.run(PLACES)
    drawn = {name.partition(" ")[2] for name in places}
    joined = {a[:2] for a in arrows_of(graph)}
    assert shining(chromium) == set()
    for target, nodes, arrows in lit(graph):
        point(chromium, *places[f"0 {target}"])
        # a mark is text in its own colour
        told = {name for _, name in shining(chromium)}
        marks = {x for x in nodes if f"0 {x}" in places} - told
        assert told | marks == (nodes & drawn) | arrows
        assert told <= drawn | joined
    point(chromium, 0, 0)
    assert shining(chromium) == set()
    assert chromium.problems() == []


def test_pictures_in_one_page_do_not_light_each_other_dark_either(chromium, tmp_path):
    graphs = [viz.unrolled(book_rnn(2)), viz.unrolled(book_rnn(2)), viz.draw(book_rnn(1))]
    page = tmp_path / "a.html"
    page.write_text("<!DOCTYPE html>" + "".join(cell(picture(viz.svg(g))) for g in graphs))
    chromium.prefers("dark")
    try:
        chromium.open(page)
        for k, graph in enumerate(graphs):
            target, nodes, arrows = max(lit(graph), key=lambda each: len(each[1]))
            chromium.run(
                f"document.querySelectorAll('svg')[{k}].scrollIntoView({{block: 'center'}})"
            )
            point(chromium, *chromium.run(PLACES)[f"{k} {target}"])
            told = shining(chromium, LIT_ON_DARK)
            assert {k} == {number for number, _ in told}
            assert {name for _, name in told} == nodes | arrows
    finally:
        chromium.prefers("")


def test_the_same_picture_is_the_same_text():
    once, again = (viz.svg(viz.draw(book_rnn(3))) for _ in range(2))
    assert once == again


def test_lighting_stays_small_beside_the_picture_and_a_large_one_goes_without(monkeypatch):
    graph = viz.draw(NETWORKS["hierarchical"]())
    lit_picture = viz.svg(graph)
    monkeypatch.setattr(svg_writer, "MAX_RULE_BYTES", 100)
    plain_picture = viz.svg(graph)
    assert ":has(" in lit_picture
    assert ":has(" not in plain_picture
    assert not re.search(r'class="[^"]* [ab]\d', plain_picture)
    assert len(lit_picture) < 1.25 * len(plain_picture)


def test_hubs_say_what_each_target_lights():
    columns = [0b0111, 0b0011, 0b0001, 0, 0b1111 << 20, (1 << 30) - 1] * 4
    told = [0] * len(columns)
    for targets, things in _hubs(columns, 30):
        for thing in things:
            told[thing] |= sum(1 << target for target in targets)
    assert told == columns
