"""A picture as a page, in a browser: folds open and close, nodes light up, it moves, and asks for nothing."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad import viz
from minigrad.errors import ArgumentError
from minigrad.viz.output.lighting import LIT
from tests.viz.conftest import lit
from tests.viz.output.test_lighting import point, rgb
from tests.zoo import book_rnn

SHOWN = "[...document.querySelectorAll('svg.picture:not([hidden])')]"
NAMES = f"{SHOWN}.flatMap(s => [...s.querySelectorAll('.node')].map(n => n.dataset.name))"
PLACE = (
    "(b => [b.x + b.width / 2, b.y + b.height / 2])"
    "({}.find(n => n.dataset.name == '{}').querySelector('text, rect, ellipse').getBoundingClientRect())"
)
NODES = f"{SHOWN}.flatMap(s => [...s.querySelectorAll('.node')])"
BRIGHT = f"""{SHOWN}.flatMap(s => [...s.querySelectorAll('.node,.edge')].filter(g => [...g.children].some(c =>
    getComputedStyle(c).getPropertyValue(c.tagName == 'text' ? 'fill' : 'stroke') == '{rgb(LIT)}'))
    .map(g => g.dataset.name || `${{g.dataset.tail}} ${{g.dataset.head}}`))"""


@pytest.fixture(scope="module")
def folded(tmp_path_factory):
    """A page with a fold of 24 steps, in which another one is."""
    return viz.render(viz.unrolled(book_rnn(30)), tmp_path_factory.mktemp("page") / "a.html")


def place(browser, name):
    return browser.run(PLACE.format(NODES, name))


def click(browser, name):
    x, y = place(browser, name)
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


def states(browser):
    """How many states are drawn, dots among them, and what the address says."""
    drawn = {name for name in browser.run(NAMES) if name.startswith("h_")}
    return len(drawn), browser.run("location.hash")


def test_a_click_opens_a_fold_in_place_and_its_button_closes_it(browser, folded):
    browser.open(folded)
    few, nothing = states(browser)
    assert nothing == ""
    click(browser, "folded 1")
    more, address = states(browser)
    assert more == few + 12
    assert address == "#fold=4..27"
    click(browser, "folded 1")
    assert states(browser) == (more + 11, "#fold=10..21,4..27")
    assert browser.run("document.querySelectorAll('#folds [aria-expanded=true]').length") == 2
    browser.run("document.querySelector('#folds [aria-expanded=true]').click()")
    browser.run("document.querySelector('#folds [aria-expanded=true]').click()")
    assert states(browser) == (few, "")


def test_enter_opens_and_escape_closes_and_the_focus_stays_in_the_picture(browser, folded):
    browser.open(folded)
    few, _ = states(browser)
    browser.run(f"{NODES}.find(n => n.dataset.name == 'folded 1').focus()")
    browser.press("Enter")
    assert states(browser) == (few + 12, "#fold=4..27")
    assert browser.run("document.activeElement.closest('svg.picture') != null")
    browser.press("Escape")
    assert states(browser) == (few, "")
    assert browser.run("document.activeElement.getAttribute('role')") == "button"


def test_a_link_opens_what_it_names_and_an_unknown_one_nothing(browser, folded):
    browser.open(folded)
    few, _ = states(browser)
    for link, more in (("#fold=4..27", 12), ("#fold=what", 0), ("#fold=10..21,4..27", 23)):
        browser.run(f"location.hash = {link!r}; new Promise(requestAnimationFrame)")
        assert states(browser)[0] == few + more


@pytest.mark.parametrize(
    "graph",
    [lambda: viz.unrolled(tf.truncate(book_rnn(4), every=2)), lambda: viz.draw(book_rnn(2))],
)
def test_under_the_pointer_or_with_the_focus_a_node_lights_the_ways_back_to_it(
    graph, browser, tmp_path
):
    graph = graph()
    browser.open(viz.render(graph, tmp_path / "a.html"))
    names = set(browser.run(NAMES))
    for target, nodes, arrows in [*lit(graph)][::3]:
        expected = (nodes & names) | {" ".join(ends) for ends in arrows}
        point(browser, *place(browser, target))
        marks = {x for x in nodes if x.startswith(("gate", "detach"))}
        assert set(browser.run(BRIGHT)) | marks == expected | marks
        browser.run(f"{NODES}.find(n => n.dataset.name == {target!r}).blur()")
        browser.run(f"{NODES}.find(n => n.dataset.name == {target!r}).focus()")
        assert (
            set(
                browser.run(
                    "[...document.querySelectorAll('.lit')].map(g => g.dataset.name || "
                    "`${g.dataset.tail} ${g.dataset.head}`)"
                )
            )
            == expected
        )


def test_a_crowd_opens_in_place_from_both_ends_and_at_last_whole(browser, tmp_path):
    x = mg.tensor(0.5, requires_grad=True, name="x")
    for _ in range(300):
        x = np.tanh(x)
    browser.open(viz.render(viz.draw(mg.Tape.of(x)), tmp_path / "a.html"))
    ends = len(browser.run(NAMES))
    click(browser, "277_nodes")
    assert browser.run("location.hash") == "#fold=nodes%2013%20to%20289"
    assert len(browser.run(NAMES)) == ends + 120
    click(browser, "157_nodes")
    click(browser, "37_nodes")
    # the last fold opens whole
    assert len(browser.run(NAMES)) == 301
    browser.press("Escape")
    assert len(browser.run(NAMES)) == ends + 240


def test_rules_open_one_by_one_in_a_panel_with_what_they_send_and_compute(browser, tmp_path):
    x, w = mg.tensor(np.ones(2), name="x"), mg.tensor(np.ones(2), requires_grad=True, name="w_1")
    loss = np.sum(np.tanh(x * w).named("h_1")).named("L")
    tape = tf.differentiate(mg.Tape.of(loss))
    browser.open(viz.render(viz.draw(tape), tmp_path / "a.html"))
    rule, here = "document.getElementById('rule')", "document.activeElement"
    assert browser.run(f"{rule}.hidden")
    browser.run(f"{NODES}.find(n => n.dataset.name == 'dh_1').focus()")
    browser.press("Enter")
    assert browser.run(f"{here}.id") == "rule"
    text = browser.run(f"{rule}.innerText")
    assert "tanh VJP" in text
    assert "∂L/∂multiply += g ⊙ (1 - h1²)" in text
    # each row is an operation of the rule
    rows = browser.run(f"[...{rule}.querySelectorAll('td:nth-child(2)')].map(e => e.innerText)")
    assert rows == ["= multiply(h1, h1)", "= subtract(1, r1)", "= multiply(g, r2)"]
    assert browser.run(f"{rule}.querySelectorAll('sub').length") > 0
    browser.press("Escape")
    assert browser.run(f"[{rule}.hidden, {here}.dataset.name]") == [True, "dh_1"]
    click(browser, "dmultiply")
    assert "x ⊙ g" in browser.run(f"{rule}.innerText").replace("g ⊙ x", "x ⊙ g")
    assert browser.run("document.querySelectorAll('.node[aria-expanded=true]').length") == 1
    browser.run("document.getElementById('rule-close').click()")
    assert browser.run(f"{rule}.hidden")
    # all of them at once
    browser.run("[...document.querySelectorAll('#folds button')].at(-1).click()")
    assert browser.run("location.hash") == "#fold=rules"


def test_wheel_drag_and_keys_move_it_and_fit_brings_it_back(browser, folded):
    browser.open(folded)
    view = f"{SHOWN}[0].getAttribute('viewBox').split(' ').map(Number)"
    start = browser.run(view)
    browser.call("Input.dispatchMouseEvent", type="mouseWheel", x=700, y=400, deltaX=0, deltaY=-300)
    closer = browser.run(view)
    assert closer[2] < start[2]
    browser.run("document.getElementById('stage').focus()")
    browser.press("ArrowRight")
    assert browser.run(view)[0] > closer[0]
    for kind, x in (
        ("mousePressed", 300),
        ("mouseMoved", 340),
        ("mouseMoved", 400),
        ("mouseReleased", 400),
    ):
        browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=150, button="left", buttons=1)
    assert browser.run(view)[0] < closer[0]
    browser.press("0")
    assert browser.run(view) == start


def test_arrows_go_from_node_to_node_and_search_finds_one_by_its_name(browser, folded):
    browser.open(folded)
    focus = "document.activeElement.dataset.name"
    browser.run(f"{NODES}.find(n => n.dataset.name == 'h_2').focus()")
    browser.press("ArrowUp")
    assert browser.run(focus) == "h_3"
    browser.press("ArrowRight")
    assert browser.run(focus) == "to_o_3"
    for text, expected in (("h_29", "h_29"), ("h_8", "h_8"), ("nowhere", None)):
        browser.run(f"(n => {{ n.value = {text!r}; n.focus(); }})(document.getElementById('name'))")
        browser.press("Enter")
        if expected:
            assert browser.run(focus) == expected
    # h_8 is there where its fold is open
    assert browser.run("location.hash") == "#fold=4..27"
    assert "nowhere" in browser.run("document.getElementById('told').textContent")


def test_the_reader_chooses_the_scheme(browser, tmp_path):
    browser.open(viz.render(viz.draw(book_rnn(1)), tmp_path / "a.html"))
    ground = f"getComputedStyle({SHOWN}[0].querySelector('.page')).fill"
    browser.prefers("light")
    assert browser.run(ground) == "rgb(255, 255, 255)"
    browser.run("document.getElementById('scheme').click()")
    browser.run("document.getElementById('scheme').click()")
    assert browser.run(ground) == "rgb(13, 17, 23)"
    browser.prefers("")


HOSTILE = "</script><script>document.title='taken'</script><b onmouseover=1>%%js%%"


def test_hostile_names_stay_text(browser, tmp_path):
    w = mg.tensor(np.ones(2), requires_grad=True, name=HOSTILE)
    browser.open(viz.render(viz.draw(mg.Tape.of(np.sum(w * 2).named("L"))), tmp_path / "a.html"))
    assert browser.run("document.title") == "The operations of a tape"
    assert browser.run("document.querySelectorAll('b, [onmouseover]').length") == 0
    assert "</script>" in browser.run(
        "[...document.querySelectorAll('.node')].map(n => n.ariaLabel).join()"
    )


def test_every_kind_of_picture_and_a_plot_is_a_page(browser, tmp_path):
    pytest.importorskip("matplotlib")
    plot = viz.plots.curves({"loss": [3.0, 2.0, 1.5]})
    kinds = [viz.draw(book_rnn(2), "rolled"), viz.strategies(), plot]
    for graph in kinds:
        browser.open(viz.render(graph, tmp_path / "a.html"))
        assert browser.run(f"{SHOWN}.length") == 1
        assert browser.problems() == []


def test_a_tape_is_no_page(tmp_path):
    with pytest.raises(ArgumentError, match=r"render: a Tape; expected a picture"):
        viz.render(book_rnn(1), tmp_path / "a.html")


def test_the_same_picture_is_the_same_page_and_below_its_limit(folded, tmp_path):
    again = viz.render(viz.unrolled(book_rnn(30)), tmp_path / "a.html")
    assert again.read_bytes() == folded.read_bytes()
    assert folded.stat().st_size < 2_000_000
