"""The page of a long tape in a real Chromium: folded, incremental, linked, printed, saved."""

import functools
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad import viz
from minigrad.models.book.cases import exploding, network

SVG = "{http://www.w3.org/2000/svg}"
NODES = "[...document.querySelectorAll('.node')].map(n => n.id)"
CURRENT = "document.querySelector('.node.current')?.id"
PLACE = "Number(document.getElementById('place').value.match(/[\\d,]+/)[0].replace(',', ''))"
WAIT = "new Promise(r => setTimeout(r, {}))"


@functools.cache
def long_rnn(steps=300):
    """The states alone, so that it is made fast."""
    w = mg.tensor([0.9, -1.1], requires_grad=True, name="w")
    h = mg.tensor([0.5, 0.4], name="h_0")
    for t in range(1, steps + 1):
        with mg.timestep(t):
            h = np.tanh(h * w).named(f"h_{t}")
    return mg.Tape.of(np.sum(h).named("L"))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return viz.stepper(long_rnn(), tmp_path_factory.mktemp("long") / "a.html")


def node(tape, name):
    return f"t0n{list(tape.names.values()).index(name)}"


def at(browser, address):
    """The page at an address of its own, loaded anew."""
    browser.call("Page.navigate", url="about:blank")
    while browser.run("location.href") != "about:blank":
        pass
    browser.events.clear()
    browser.call("Page.navigate", url=address)
    while not any(e["method"] == "Page.loadEventFired" for e in browser.events):
        browser.receive()


def test_a_key_changes_what_it_has_to(browser, page):
    browser.open(page)
    browser.stop_at("h_150")
    # marked, so that a node that is drawn again is seen
    browser.run("document.querySelectorAll('.node').forEach(n => { n.drawn = 1; })")
    watched = """(() => { window.changed = new Set();
        new MutationObserver(all => all.forEach(m => changed.add(m.target.id)))
            .observe(document.querySelector('.scene'), {subtree: true, attributeFilter: ['class']}); })()"""
    browser.run(watched)
    browser.press("ArrowRight")
    assert browser.run("[...document.querySelectorAll('.node')].every(n => n.drawn)")
    changed = browser.run("[...changed].filter(id => id.startsWith('t0n'))")
    tape = long_rnn()
    # h_150 is done, its product the current one, and h_149 waits for more
    expected = ("h_150", "multiply@150", "h_149")
    assert {*changed} == {node(tape, name) for name in expected}
    assert browser.run(CURRENT) == node(tape, "multiply@150")


def test_the_graph_is_folded_around_the_current_step(browser, page):
    tape = long_rnn()
    names = list(tape.names.values())
    browser.open(page)
    for t in (300, 150, 2):
        browser.stop_at(f"h_{t}")
        shown = {names[int(i[3:])] for i in browser.run(NODES)}
        assert {"w", f"h_{t}", f"h_{t - 1}"} <= shown
        assert len(shown) < 100
        assert browser.run(CURRENT) == node(tape, f"h_{t}")
        folds = browser.run("[...document.querySelectorAll('.fold')].map(f => f.textContent)")
        assert [text.startswith("t = 1t") for text in folds] == {
            300: [True],
            150: [True, False],
            2: [False],
        }[t]
    # a fold is a way
    browser.run("document.querySelector('.fold').dispatchEvent(new MouseEvent('click'))")
    beyond = [t for t in range(1, 301) if f"h_{t}" not in shown]
    now = {names[int(i[3:])] for i in browser.run(NODES)}
    assert f"h_{beyond[0]}" in now
    assert browser.run("document.querySelectorAll('.fold').length") == 2


def test_a_fold_counts_its_cuts_and_says_what_is_not_finite(browser, tmp_path):
    tape = tf.truncate(long_rnn(), every=20)
    browser.open(viz.stepper(tape, tmp_path / "a.html"))
    browser.stop_at("h_300")
    assert "✂ ×14" in browser.run("document.querySelector('.fold').textContent")
    assert "✂ ×14" in browser.run("document.querySelector('.caption').textContent")
    assert browser.run("document.querySelector('.cuts').getAttribute('d')").count("M") == 14
    browser.open(viz.stepper(mg.Tape.of(exploding()), tmp_path / "b.html"))
    browser.press("End")
    assert "not finite" in browser.run("document.querySelector('.fold').textContent")
    assert browser.run("document.querySelector('.ruler .bad').getAttribute('d')").count("M") == 8


def test_the_ruler_jumps_by_mouse_and_keys(browser, page):
    browser.open(page)
    box = browser.run(
        "(b => [b.left, b.top, b.width])(document.querySelector('.ruler svg').getBoundingClientRect())"
    )
    now = "Number(document.querySelector('.ruler').getAttribute('aria-valuenow'))"

    def mouse(kind, t):
        x, y = box[0] + box[2] * (t - 0.5) / 300, box[1] + 20
        browser.call(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1
        )

    mouse("mousePressed", 28)
    assert browser.run(now) == 28
    assert browser.run(CURRENT) == node(long_rnn(), "h_28")
    mouse("mouseMoved", 200)
    assert browser.run(now) == 200
    mouse("mouseReleased", 200)
    mouse("mouseMoved", 100)
    assert browser.run(now) == 200
    browser.run("document.querySelector('.ruler').focus()")
    for key, t in (
        ("ArrowLeft", 199),
        ("PageUp", 229),
        ("Home", 1),
        ("ArrowRight", 2),
        ("End", 300),
    ):
        browser.press(key)
        assert browser.run(now) == t
        assert browser.run("document.activeElement.className") == "ruler"
    assert browser.run(
        "document.querySelector('.ruler').getAttribute('aria-valuetext')"
    ).startswith("t = 300: norm ")


def test_a_link_leads_to_its_step_and_back(browser, page):
    at(browser, page.as_uri() + "#step=28")
    assert browser.run(PLACE) == 28
    browser.stop_at("h_100")
    there = browser.run(PLACE)
    assert browser.run("location.hash") == f"#step={there}"
    browser.press("ArrowRight", 3)
    browser.press("End")
    # where the jump started from is what one comes back to
    for expected in (there + 3, 28):
        browser.run(
            "new Promise(r => { addEventListener('popstate', r, {once: true}); history.back(); })"
        )
        assert browser.run(PLACE) == expected
    browser.run(
        "new Promise(r => { addEventListener('popstate', r, {once: true}); history.forward(); })"
    )
    assert browser.run(PLACE) == there + 3
    browser.run(
        "new Promise(r => { addEventListener('popstate', r, {once: true}); location.hash = 'step=7'; })"
    )
    assert browser.run(PLACE) == 7
    browser.press("ArrowRight")
    browser.run(WAIT.format(300))
    assert browser.run("location.hash") == "#step=8"


def test_the_keyboard_goes_from_node_to_node(browser, page):
    tape = long_rnn()
    browser.open(page)
    browser.stop_at("h_150")
    focus = "document.activeElement.id"
    browser.run("document.querySelector('.node.current').focus()")
    browser.press("ArrowDown")
    assert browser.run(focus) == node(tape, "multiply@150")
    browser.press("ArrowLeft")
    assert browser.run(focus) == node(tape, "multiply@149")
    before = browser.run(PLACE)
    browser.press("Enter")
    # the same node, though the graph has moved
    assert browser.run(focus) == browser.run(CURRENT) == node(tape, "multiply@149")
    assert browser.run(PLACE) == before + 3
    browser.press("Escape")
    browser.press("ArrowRight")
    assert browser.run(PLACE) == before + 4


PRINTED = """[...document.querySelectorAll('main *')].filter(e => e.namespaceURI.endsWith('xhtml'))
    .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
        || (getComputedStyle(e).overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1)
        || (getComputedStyle(e).overflowY !== 'visible' && e.scrollHeight > e.clientHeight + 1))
    .map(e => e.className || e.tagName)"""


@pytest.mark.parametrize("stop", ["h_5", "matmul@5#2", "stack"])
def test_on_paper_nothing_is_cut_off(browser, tmp_path, stop):
    browser.open(viz.stepper(mg.Tape.of(network("rnn", 30)), tmp_path / "a.html"))
    browser.stop_at(stop)
    # A4 without its margins, at 96 pixels an inch
    browser.call(
        "Emulation.setDeviceMetricsOverride",
        width=703,
        height=1032,
        deviceScaleFactor=1,
        mobile=False,
    )
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.run(PRINTED) == []
    svg = "document.querySelector('.scene svg').getBoundingClientRect()"
    assert browser.run(f"{svg}.right") <= 703
    assert not browser.run("document.querySelector('.controls').checkVisibility()")
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    browser.call("Emulation.setEmulatedMedia", media="")
    browser.call("Emulation.clearDeviceMetricsOverride")


@pytest.mark.parametrize("width", [400, 1600])
def test_nothing_is_wider_than_the_window(browser, tmp_path, width):
    tape = mg.Tape.of(network("lstm", 12))
    browser.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=900,
        deviceScaleFactor=1,
        mobile=False,
    )
    browser.open(viz.stepper(tape, tmp_path / "a.html", beside=tf.truncate(tape, every=3)))
    for stop in ("c_9", "stack", "W_hi"):
        browser.stop_at(stop)
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    browser.call("Emulation.clearDeviceMetricsOverride")


def test_the_frame_is_saved_with_its_colours(browser, page, tmp_path):
    browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.open(page)
    browser.stop_at("h_150")
    step = browser.run(PLACE)
    for kind in ("svg", "png"):
        browser.run(
            f"[...document.querySelectorAll('.save button')].find(b => b.textContent === '{kind.upper()}').click()"
        )
        file = tmp_path / f"backward-step-{step}.{kind}"
        while not file.exists() or not file.stat().st_size:
            browser.run(WAIT.format(20))
    root = ElementTree.parse(tmp_path / f"backward-step-{step}.svg").getroot()
    assert root[0].text.startswith("full gradient, 300 time steps: h_150: adjoint 2, norm ")
    fills = {rect.get("fill") for rect in root.iter(f"{SVG}rect")}
    assert "rgb(255, 179, 0)" in fills
    assert not [e for e in root.iter() if e.get("style")]
    assert file.read_bytes().startswith(b"\x89PNG")


def test_one_scale_for_all_panels(browser, tmp_path):
    tape = long_rnn(40)
    browser.open(viz.stepper(tape, tmp_path / "a.html", beside=tf.truncate(tape, every=10)))
    browser.press("End")
    name = list(tape.names.values()).index("h_39")
    opacity = "getComputedStyle(document.querySelector('#t{}n{} rect')).fillOpacity"
    cut = tf.truncate(tape, every=10)
    other = list(cut.names.values()).index("h_39")
    browser.stop_at("h_38")
    left, right = browser.run(f"[{opacity.format(0, name)}, {opacity.format(1, other)}]")
    assert left == right
    legend = browser.run("[...document.querySelectorAll('.shade')].map(s => Number(s.textContent))")
    assert legend == sorted(legend)
    assert len(legend) == 5


def test_what_the_formula_calls_an_adjoint_its_header_names(browser, tmp_path):
    tape = mg.Tape.of(network("rnn", 3))
    browser.open(viz.stepper(tape, tmp_path / "a.html"))
    names = "[...document.querySelectorAll('.name math, .adjoint mfrac > :last-child')].map(m => m.textContent)"
    formula = "document.querySelector('.formula math').getAttribute('aria-label')"
    browser.stop_at("matmul@3#2")
    # its adjoint is handed down from the sum that reads it
    assert browser.run(formula) == "dL/dh_2 += dL/dadd@3#2 · W_hhᵀ"
    assert browser.run(names) == ["matmul@3#2", "∂matmul@3#2", "∂add@3#2"]
    browser.stop_at("h_2")
    assert browser.run(formula) == "dL/dadd@2#2 += dL/dh_2 ⊙ (1 - h_2²)"
    assert browser.run(names) == ["h2", "∂h2"]
