"""The page to step through backward with: its data anywhere, its behaviour in a real Chromium, offline, from disk."""

import base64
import functools
import hashlib
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import minigrad as mg
from minigrad import transforms as tf
from minigrad import viz
from minigrad.debugger.session import Session
from minigrad.errors import ArgumentError, DataError
from minigrad.models.book.cases import exploding, network, vanishing
from minigrad.models.cells import LSTMCell
from minigrad.models.unrolling import unroll
from minigrad.viz.page.grids import codes, form_of
from minigrad.viz.page.numbers import code_of, packed
from minigrad.viz.page.write import LIMIT, snapshot
from tests.viz.page.reading import data_of, number, tape_of, unpacked

HOSTILE = "</script><img src=x onerror='window.pwned=1'>\"><svg onload=window.pwned=2>"
RNN = mg.Tape.of(network("rnn", 3))


def hostile():
    x = mg.tensor([1.0, 2.0], requires_grad=True, name=HOSTILE)
    with mg.timestep(1):
        y = np.tanh(x).named("{x} %%js%% \u2028 ]]> --> <!--" + HOSTILE)
    return mg.Tape.of(np.sum(y * 2).named("L<b>"))


@functools.cache
def big_lstm():
    rng = np.random.default_rng(0)
    outputs, _ = unroll(LSTMCell(28, 64, rng), list(rng.normal(size=(35, 16, 28))))
    return mg.Tape.of(np.sum(np.square(np.stack(outputs))).named("L"))


def numbers(g):
    # minus nothing is shown as nothing
    return [f"{v + 0.0:.4g}" for v in np.ravel(g)]


def tapes_of(file):
    return [tape_of(raw) for raw in data_of(file)["tapes"]]


# --- the file -------------------------------------------------------------------------------------------------------
@given(
    x=arrays(
        st.sampled_from(["f4", "f8"]),
        array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=9),
        elements=st.floats(-100, 100, width=32) | st.sampled_from([np.nan, np.inf, -np.inf]),
    ),
    most=st.sampled_from([1, 4, 16, 64]),
)
def test_a_grid_keeps_the_extremes_and_what_is_not_finite(x, most):
    form = form_of(x.shape, most)
    norm, *rest = codes(x, form)
    assert len(rest) + 1 == form.count
    head, values = ([], rest) if form.is_whole else (rest[:3], rest[3:])
    shown = [float(number(code)) for code in values]
    assert len(shown) == np.prod(form.size) <= max(most, 1)
    if x.size <= most:
        assert [number(code) for code in values] == numbers(x)
    if head:
        finite = x[np.isfinite(x)]
        ends = [finite.min(), finite.max()] if finite.size else [np.nan] * 2
        assert [number(code) for code in head[:2]] == numbers(ends)
        assert head[2] == np.sum(~np.isfinite(x))
    if x.size:
        assert np.isnan(shown).any() == np.isnan(x).any()
        if np.isfinite(x).all():
            assert max(map(abs, shown)) == float(f"{np.max(np.abs(x)):.4g}")
            assert float(number(norm)) == pytest.approx(np.linalg.norm(x), rel=1e-3)


@given(st.floats(allow_nan=True, allow_infinity=True))
@example(5e-324)
@example(-1.7976931348623157e308)
@example(0.00012345)
def test_a_number_is_four_characters_and_reads_as_it_is_shown(value):
    text = packed([code_of(value)])
    assert len(text) == 4
    assert [number(code) for code in unpacked(text)] == numbers([value])


@pytest.mark.parametrize("case", ["rnn", "lstm", "untied", "checkpointed", "exploding"])
def test_the_page_holds_the_steps_of_the_tape(case, tmp_path):
    tape = HELD[case]()
    (shown,) = tapes_of(viz.stepper(tape, tmp_path / "a.html"))
    with np.errstate(all="ignore"):
        steps = list(tape.steps())
    assert shown.names == list(tape.names.values())
    assert [s.name for s in shown.steps] == [s.name for s in steps]
    for found, step in zip(shown.steps, steps, strict=True):
        assert found.adjoint.values == numbers(step.grad)
        sent = [
            (tape.names[x], numbers(c))
            for x, c in zip(step.tensor.inputs, step.contributions, strict=False)
            if c is not None
        ]
        assert [(s.to, s.array.values) for s in found.sends] == sent


HELD = {
    "rnn": lambda: RNN,
    "lstm": lambda: mg.Tape.of(network("lstm", 12)),
    "untied": lambda: tf.untie(RNN, RNN.parameters),
    "checkpointed": lambda: tf.checkpoint(mg.Tape.of(network("gru", 6)), every=3),
    "exploding": lambda: mg.Tape.of(exploding()),
}


def test_what_the_steps_share_is_there_once(tmp_path):
    """A kind of node more per step would be a page that grows as it did."""
    short, long = (
        data_of(viz.stepper(mg.Tape.of(network("lstm", T)), tmp_path / "a.html"))["tapes"][0]
        for T in (30, 60)
    )
    assert len(long["kinds"]) <= len(short["kinds"]) + 1
    # beside its numbers a node takes a few characters
    rest = [sum(len(json.dumps(v)) for k, v in t.items() if k != "numbers") for t in (short, long)]
    assert (rest[1] - rest[0]) / (len(long["kind"]) - len(short["kind"])) < 40


def test_the_very_expression_of_a_line(tmp_path):
    x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    y = "é" and np.tanh(x * 2).named("y")
    z = np.sum(
        y
        + 1
    )  # fmt: skip
    (shown,) = tapes_of(viz.stepper(mg.Tape.of(z.named("L")), tmp_path / "a.html"))
    marked = {}
    for name, kind in zip(shown.names, shown.kinds, strict=True):
        if kind["op"] != "leaf":
            text, start, end = kind["source"]
            marked[name] = text[start:end]
    assert marked == {
        "multiply": "x * 2",
        "y": "np.tanh(x * 2)",
        "add": "y\n+ 1",
        "L": "np.sum(\n    y\n    + 1\n)",
    }


@pytest.mark.parametrize(
    "tape",
    [RNN, tf.untie(RNN, RNN.parameters), tf.truncate(RNN, every=1)],
    ids=["tied", "untied", "truncated"],
)
def test_the_running_sums_end_at_the_gradients(tape, tmp_path):
    (shown,) = tapes_of(viz.stepper(tape, tmp_path / "a.html"))
    sends = [send for step in shown.steps for send in step.sends if send.sum]
    last = {send.to: send.sum.values for send in sends}
    gradients = mg.grad(tape.outputs[0], tape.parameters)
    assert last == {
        p.name: numbers(g.data) for p, g in zip(tape.parameters, gradients, strict=True)
    }


def test_the_policy_admits_the_page_s_own_script_and_style_only(tmp_path):
    text = viz.stepper(RNN, tmp_path / "a.html").read_text("utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1].replace(
        "&#x27;", "'"
    )
    for kind, tag in (("script", "script"), ("style", "style")):
        inline = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.S)[1]
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert not re.search(r"unsafe|https?:(?!//www\.w3\.org/)", text)
    assert not re.search(
        r"\s(?:src|href|style|on\w+)=", re.sub(r"<script.*?</script>", "", text, flags=re.S)
    )


def test_a_name_is_only_text(tmp_path):
    text = viz.stepper(hostile(), tmp_path / "a.html").read_text("utf-8")
    assert text.count("</script>") == 2
    assert "<img" not in text
    assert text.count("<svg ") == 1


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8))
@example("\ue002")
@example("h_1\ue0001\ue001")
def test_any_name_reads_as_it_is(name):
    x = mg.tensor([1.0], requires_grad=True, name=name)
    with mg.timestep(1):
        y = np.tanh(x * 2).named(name)
    tape = mg.Tape.of(np.sum(y))
    html = viz.stepper(tape).html
    shown = tape_of(json.loads(html.split('id="data">')[1].split("</script>")[0])["tapes"][0])
    assert shown.names == [n.replace("\ue002", "\ufffd") for n in tape.names.values()]


def test_a_big_page_stays_below_the_limit(tmp_path):
    tape = big_lstm()
    assert (
        viz.stepper(tape, tmp_path / "a.html", beside=tf.truncate(tape, every=7)).stat().st_size
        < LIMIT
    )


def test_two_tapes_keep_in_step(tmp_path):
    full = mg.Tape.of(vanishing(4))
    file = viz.stepper(full, tmp_path / "a.html", beside=tf.truncate(full, every=2))
    left, right = tapes_of(file)
    assert (left.title, right.title) == (
        "full gradient, 4 time steps",
        "cut before t = 3 of 4 time steps",
    )
    steps = [iter(left.steps), iter(right.steps)]
    for bits in map(int, data_of(file)["moved"]):
        moved = {next(s).name for k, s in enumerate(steps) if bits >> k & 1}
        assert len(moved) == 1  # never at two nodes at once
    assert [*steps[0], *steps[1]] == []


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (
            lambda tmp: viz.stepper(RNN, tmp / "a.svg"),
            "stepper: '{tmp}/a.svg'; expected a name ending in .html.",
        ),
        (
            lambda tmp: viz.stepper(RNN.outputs[0], tmp / "a.html"),
            "stepper: a Tensor; expected a Tape, as Tape.of(loss).",
        ),
        (
            lambda tmp: viz.stepper(RNN, tmp / "no" / "a.html"),
            "cannot write '{tmp}/no/a.html': No such file or directory. "
            "Give a path in a folder that exists and that you may write to.",
        ),
    ],
)
def test_a_mistake_is_one_line(make, line, tmp_path):
    with pytest.raises((ArgumentError, DataError)) as error:
        make(tmp_path)
    assert error.value.text == line.format(tmp=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "tape",
    [
        RNN,
        tf.truncate(RNN, every=2),
        hostile(),
        mg.Tape.of(exploding(9)),
        mg.Tape.of(np.sum(mg.tensor([1.0], requires_grad=True) * 2)),
    ],
)
def test_a_snapshot_tells_the_states_apart(tape, tmp_path):
    session = Session(tape)
    session.forward()
    session.forward()
    root = ElementTree.fromstring(
        snapshot(tape, session.state, tmp_path / "a.svg").read_text("utf-8")
    )
    classes = [g.get("class").split() for g in root.iter("{http://www.w3.org/2000/svg}g")]
    assert sum("current" in c for c in classes) == 1
    assert sum("visited" in c for c in classes) == 1
    assert any("waiting" in c for c in classes)


# --- in Chromium ----------------------------------------------------------------------------------------------------
ADJOINT = "[...document.querySelectorAll('.panel:nth-of-type({n}) .adjoint td')].map(c => c.title)"
PLACE = "document.getElementById('place').value"
# how many pieces the paths of these classes have
DRAWN = "[...{}.querySelectorAll('{}')].flatMap(e => e.getAttribute('d')?.match(/M/g) ?? []).length"
STATE = "Object.fromEntries([...document.querySelectorAll('.node')].map(n => [n.id, n.getAttribute('class')]))"


@pytest.mark.parametrize(
    "tape",
    [RNN, tf.untie(RNN, RNN.parameters), mg.Tape.of(network("lstm", 2))],
    ids=["rnn", "untied", "lstm"],
)
def test_every_step_shows_the_numbers_of_backward(browser, tape, tmp_path):
    browser.open(viz.stepper(tape, tmp_path / "a.html"))
    steps, ids = list(tape.steps()), {n: f"t0n{i}" for i, n in enumerate(tape.nodes)}
    assert browser.run(PLACE) == f"step 0 of {len(steps)}"
    done = set()
    for k, step in enumerate(steps, 1):
        browser.press("ArrowRight")
        assert browser.run(PLACE) == f"step {k} of {len(steps)}"
        assert browser.run(ADJOINT.format(n=1)) == numbers(step.grad)
        states = browser.run(STATE)
        assert "current" in states[ids[step.tensor]].split()
        assert {i for i, c in states.items() if "visited" in c.split()} == done
        done.add(ids[step.tensor])
        sent = [f"t0e{ids[step.tensor][3:]}_{i}" for i, c in enumerate(step.sent) if c is not None]
        assert browser.run(
            "[...document.querySelectorAll('.edge.lit')].map(e => e.id).sort()"
        ) == sorted(sent)
        spoken = browser.run(
            "[...document.querySelectorAll('.formula math')].map(m => m.getAttribute('aria-label'))"
        )
        assert spoken == step.formula.splitlines()


def test_to_the_end_and_back_to_the_start(browser, tmp_path):
    main = "document.getElementById('main').innerHTML.replaceAll(' style=\"\"', '')"
    browser.open(viz.stepper(RNN, tmp_path / "a.html"))
    start = browser.run(main)
    browser.press("End")
    assert browser.run(PLACE) == "step 21 of 21"
    end = browser.run(main)
    browser.press("ArrowLeft", 21)
    assert browser.run(main) == start
    browser.press("ArrowRight", 21)
    assert browser.run(main) == end
    browser.press("Home")
    assert browser.run(PLACE) == "step 0 of 21"
    assert browser.run(main) == start


def test_stop_at_a_node_shows_what_grad_gives(browser, tmp_path):
    browser.open(viz.stepper(RNN, tmp_path / "a.html"))
    for name in ("h_2", "h_1", "W_hh", "b_h", "h_3"):
        browser.stop_at(name)
        (expected,) = mg.grad(RNN.outputs[0], [RNN[name]])
        assert browser.run(ADJOINT.format(n=1)) == numbers(expected.data)
    browser.stop_at("t=1")
    assert "h_1: " in browser.run("document.getElementById('message').textContent")
    browser.stop_at("nosuch")
    assert browser.run("document.getElementById('message').textContent").startswith(
        "No step stops at nosuch: "
    )


def test_the_first_bad_value_is_found(browser, tmp_path):
    browser.open(viz.stepper(mg.Tape.of(exploding()), tmp_path / "a.html"))
    browser.stop_at("nan")
    assert browser.run("document.getElementById('message').textContent").startswith("matmul@9#2: ")
    assert browser.run("[...document.querySelectorAll('.grids td.bad')].map(c => c.title)") == [
        "-inf",
        "inf",
        "-inf",
        "-inf",
    ]


def test_the_bars_and_the_running_sum(browser, tmp_path):
    browser.open(viz.stepper(RNN, tmp_path / "a.html"))
    bars = f"[...document.querySelectorAll('.bars')].map(b => {DRAWN.format('b', '.bar, .new')})"
    assert browser.run(bars) == [0, 0, 0]
    browser.stop_at("h_2")
    assert browser.run(bars) == [1, 1, 1]
    browser.press("End")
    assert browser.run(bars) == [3, 3, 3]
    shown = browser.run("[...document.querySelectorAll('.sum td')].map(c => c.title)")
    assert shown in [numbers(g.data) for g in mg.grad(RNN.outputs[0], RNN.parameters)]


def test_beside_the_full_gradient_the_truncated_one_stops_at_the_cut(browser, tmp_path):
    full = mg.Tape.of(vanishing(4))
    cut = tf.truncate(full, every=2)
    browser.open(viz.stepper(full, tmp_path / "a.html", beside=cut))
    browser.stop_at("h_3")
    assert (
        browser.run(ADJOINT.format(n=1))
        == browser.run(ADJOINT.format(n=2))
        == numbers(mg.grad(full.outputs[0], [full["h_3"]])[0].data)
    )
    browser.stop_at("h_2")
    stopped = "[...document.querySelectorAll('.panel')].map(p => /No gradient reaches h_2 on/.test(p.textContent))"
    assert browser.run(stopped) == [False, True]
    assert (
        browser.run("document.querySelectorAll('.panel:nth-of-type(2) .node.current').length") == 0
    )
    browser.press("End")
    never = (
        f"[...document.querySelectorAll('.panel')].map(p => {DRAWN.format('p', '.bars .never')})"
    )
    assert browser.run(never) == [0, 4]  # two parameters, the two steps behind the cut
    assert browser.run("document.querySelectorAll('.panel:nth-of-type(2) .edge.cut').length") == 1


def test_the_keyboard_reaches_everything(browser, tmp_path):
    browser.open(viz.stepper(RNN, tmp_path / "a.html"))
    reached = []
    for _ in range(16):
        browser.press("Tab")
        reached.append(browser.run("document.activeElement.id || document.activeElement.className"))
    controls = {"play", "next", "last", "slider", "where", "smaller", "larger", "fit"}
    start = f"t0n{len(RNN.nodes) - 1}"
    assert controls | {"ruler", "scene", start} <= {*reached}
    unnamed = """[...document.querySelectorAll('button, input')].filter(
        e => !(e.labels?.length || e.textContent || e.getAttribute('aria-label'))).length"""
    assert browser.run(unnamed) == 0
    browser.run("document.getElementById('slider').focus()")
    browser.press("ArrowRight")
    assert browser.run(PLACE) == "step 1 of 21"
    assert (
        browser.run("document.getElementById('slider').getAttribute('aria-valuetext')")
        == "L: adjoint norm 1."
    )
    browser.run("document.getElementById('next').focus()")
    browser.press("Enter")
    assert browser.run(PLACE) == "step 2 of 21"
    browser.run("document.activeElement.blur()")
    browser.press("PageDown")
    assert browser.run("document.getElementById('message').textContent").startswith("stack: ")


def test_play_goes_to_the_end_by_itself(browser, tmp_path):
    x = mg.tensor([1.0], requires_grad=True, name="x")
    browser.open(viz.stepper(mg.Tape.of(np.sum(x).named("L")), tmp_path / "a.html"))
    browser.press(" ")
    arrived = """new Promise(r => {
        const wait = () => place.value === 'step 2 of 2' ? r(true) : setTimeout(wait, 20); wait(); })"""
    assert browser.run(arrived)
    assert "play" in browser.run("document.getElementById('play').textContent")


def test_a_click_on_a_node_goes_to_its_step(browser, tmp_path):
    browser.open(viz.stepper(RNN, tmp_path / "a.html"))
    number = next(i for i, n in enumerate(RNN.nodes) if n.name == "h_1")
    browser.run(f"document.getElementById('t0n{number}').dispatchEvent(new MouseEvent('click'))")
    assert browser.run(ADJOINT.format(n=1)) == numbers(
        mg.grad(RNN.outputs[0], [RNN["h_1"]])[0].data
    )


def test_a_hostile_name_cannot_run_code(browser, tmp_path):
    tape = hostile()
    browser.open(viz.stepper(tape, tmp_path / "a.html", beside=tf.untie(tape, tape.parameters)))
    for _ in range(6):
        browser.press("ArrowRight")
        assert browser.run("typeof window.pwned") == "undefined"
    assert browser.run("document.querySelectorAll('img, iframe, object').length") == 0
    assert HOSTILE[:20] in browser.run("document.getElementById('main').textContent")


def test_the_policy_forbids_the_rest(chromium, tmp_path):
    chromium.open(viz.stepper(RNN, tmp_path / "a.html"))
    assert chromium.problems() == []
    script = "document.body.append(Object.assign(document.createElement('script'), {text: 'window.pwned = 1'}))"
    for attempt in ("document.body.innerHTML = '<b>x</b>'", "new Function('return 1')()", script):
        assert chromium.run(
            f"(() => {{ try {{ {attempt}; }} catch (e) {{ return e.name; }} }})()"
        ) in ("TypeError", "EvalError")
    assert (
        chromium.run("fetch('https://example.com/').then(() => 'sent', () => 'refused')")
        == "refused"
    )
    assert chromium.run("typeof window.pwned") == "undefined"
    chromium.events.clear()


def test_light_and_dark(browser, tmp_path):
    browser.open(viz.stepper(RNN, tmp_path / "a.html"))
    colours = (
        "['body', '.node rect', '.node text'].map(s => getComputedStyle(document.querySelector(s)))"
    )
    colours += ".map(s => [s.backgroundColor, s.fill])"
    seen = []
    for scheme in ("light", "dark"):
        browser.prefers(scheme)
        seen.append(browser.run(colours))
    browser.prefers("")
    light, dark = ([body[0], box[1], ink[1]] for body, box, ink in seen)
    assert light == ["rgb(255, 255, 255)", "rgb(255, 255, 255)", "rgb(27, 36, 48)"]
    # as the pictures are: viz/output/schemes.py
    assert dark == ["rgb(13, 17, 23)", "rgb(13, 17, 23)", "rgb(230, 237, 243)"]


def test_a_big_page_answers(browser, tmp_path):
    tape = big_lstm()
    browser.open(viz.stepper(tape, tmp_path / "a.html"))
    browser.stop_at("c_30")
    assert browser.run("document.getElementById('message').textContent").startswith(
        "c_30: adjoint 16×64, norm "
    )
    inside = """new Promise(r => { const look = () => {
        const [node, scene] = ['.node.current', '.scene'].map(s => document.querySelector(s).getBoundingClientRect());
        node.left >= scene.left && node.right <= scene.right ? r(true) : setTimeout(look, 20); }; look(); })"""
    assert browser.run(inside)
