"""What notebooks show: each value's text and HTML; in a real kernel and a real Chromium."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad import models, viz
from minigrad import transforms as tf
from minigrad.viz import draw, notebook
from minigrad.viz.cells.cell import MAX_LISTED_LINES, standing_alone
from minigrad.viz.cells.excerpt import excerpt
from tests import children
from tests.zoo import book_rnn, lstm, weight

ROOT = Path(__file__).parents[3]
HOSTILE = (
    "</details></div></style><script>pwned=1</script><img src=x onerror='pwned=2'>\"'>-->url(#a)"
)
EXAMPLE = models.section(T=4)


def long_rnn(steps):
    w = weight("w", 1)
    h = mg.tensor([0.5], name="h_0")
    for t in range(1, steps + 1):
        with mg.timestep(t):
            h = np.tanh(h * w).named(f"h_{t}")
    return mg.Tape.of(np.sum(h).named("L"))


def hostile():
    x = mg.tensor([1.0, np.nan], requires_grad=True, name=HOSTILE)
    x.grad = np.ones(2)
    return mg.Tape.of(np.sum(np.tanh(x).named(HOSTILE)).named(HOSTILE))


def shown(tape):
    """A value of every kind, made of this tape."""
    loss = tape.outputs[0]
    plan = mg.compile(tape)
    values = {
        "tensor": loss,
        "leaf": tape.parameters[0],
        "tape": tape,
        "picture": viz.draw(tape),
        "step": list(tape.steps())[1],
        "stepper": viz.stepper(tape),
        "diff": viz.diff(tape, mg.Tape.of(loss * 2)),
        "plan": plan,
        "report": plan.report(),
    }
    if finding := mg.find_nonfinite(tape):
        values["finding"] = finding
    return values


# an anatomy and Jacobians, whose plots take a second each: test_executed_notebook.py
VALUES = shown(EXAMPLE.tape) | {"plot": viz.plots.gradient_norms(EXAMPLE.tape)}


def html_of(value):
    return value._repr_mimebundle_(include=None, exclude=None)["text/html"]


class Reader(HTMLParser):
    """The elements of a page, and the text that a reader sees."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"br", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


# --- the bundles ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", VALUES)
def test_every_kind_shows_text_and_html(kind):
    value = VALUES[kind]
    bundle = value._repr_mimebundle_()
    prints = kind in {"tape", "plan", "report", "diff"}
    assert bundle["text/plain"] == (str(value) if prints else repr(value))
    assert list(bundle) == ["text/plain", "text/html"]
    page = Reader(bundle["text/html"])
    # no script, and nothing from elsewhere
    assert "script" not in {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        if tag != "a":
            assert not {"src", "href"} & attributes.keys()


def test_a_tensor_shows_its_value_before_its_graph():
    with mg.timestep(3):
        h = np.tanh(weight("W", 2, 2)).named("h_3")
    text = Reader(html_of(h)).text
    places = [
        text.index(part)
        for part in ("h_3", "float64[2, 2]", "t = 3", "tanh(W)", "test_notebook.py", "[[", "behind")
    ]
    assert places == sorted(places)
    assert f"{h.data[1, 0]:.4f}" in text


def test_a_parameter_shows_its_gradient():
    w = weight("w", 2)
    assert "grad" not in Reader(html_of(w)).text
    (w * [3.0, 4.0]).sum().backward()
    text = Reader(html_of(w)).text
    assert "grad" in text
    assert "[3., 4.]" in text


def test_a_large_value_is_shown_by_its_corners():
    text = Reader(html_of(mg.tensor(np.arange(1e6).reshape(1000, 1000)))).text
    assert "..." in text
    assert "0 to 1e+06" in text
    assert len(text) < 1000


def test_the_graph_behind_a_tensor_needs_no_graphviz(monkeypatch):
    monkeypatch.setattr("minigrad.viz.output.graphviz_process.laid_out", None)
    monkeypatch.setattr("minigrad.viz.output.render.laid_out", None)
    names = {"h_9", "h_10", "w"}
    picture = re.search("<details>.*</details>", html_of(long_rnn(10).outputs[0]), re.S)[0]
    titles = set(re.findall(r"<title>(\w+):", picture))
    assert names <= titles


def test_a_look_leaves_no_mark():
    w = weight("w", 2)
    tape = mg.Tape.of(np.sum(np.tanh(w)))
    for value in (tape, *tape.nodes, next(tape.steps())):
        html_of(value)
    assert [n.peeked for n in tape.nodes] == [None] * len(tape.nodes)


def test_a_tape_shows_its_picture_and_its_program():
    page = Reader(html_of(book_rnn()))
    assert f"{len(book_rnn().nodes)} nodes" in page.text
    assert "svg" in {tag for tag, _ in page.tags}
    assert str(book_rnn()).split("\n")[0] in page.text


def test_of_a_long_program_the_middle_is_left_out():
    tape = long_rnn(600)
    listed = html_of(tape).split("<pre>")[1].split("</pre>")[0].split("\n")
    assert len(listed) == MAX_LISTED_LINES + 1
    assert listed[0] == "w: float64[1] = parameter"
    assert listed[-1] == "return L"
    # what is printed is cut too, before it is written
    lines = str(tape).split("\n")
    assert len([line for line in lines if not line.startswith("#")]) == 1001
    assert "# ... 203 lines ..." in lines


def test_without_graphviz_there_is_the_listing(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    for value in (book_rnn(), viz.draw(book_rnn()), VALUES["diff"]):
        page = Reader(html_of(value))
        assert "pip install pygraphviz" in page.text
        assert "svg" not in {tag for tag, _ in page.tags}


def test_without_matplotlib_there_are_the_numbers(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    anatomy = models.anatomy(EXAMPLE.tape, EXAMPLE.rnn.W_hh)
    jacobians = models.jacobians(EXAMPLE.tape)
    assert repr(anatomy).startswith("Anatomy(dL/dW_hh, 4 time steps, norm ")
    assert repr(jacobians).startswith("Jacobians(4 time steps, a state of 4 numbers, factor ")
    for value, column in ((anatomy, "relative error"), (jacobians, "lag")):
        text = Reader(html_of(value)).text
        assert "matplotlib is not installed" in text
        assert column in text


def test_a_terminal_shows_text_and_draws_nothing():
    pytest.importorskip("IPython", reason="pip install ipython")
    code = """
import sys
from IPython.terminal.interactiveshell import TerminalInteractiveShell
import minigrad as mg
shell = TerminalInteractiveShell.instance()
tape = mg.Tape.of(mg.tensor(2.0, name="x") * 3)
print(*shell.display_formatter.format(tape)[0])
print("minigrad.viz" in sys.modules)
"""
    command = [sys.executable, "-c", code]
    done = children.run(command, capture_output=True, text=True, check=True, timeout=60, cwd=ROOT)
    assert done.stdout == "text/plain\nFalse\n"


# --- names ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", shown(hostile()))
def test_a_name_is_only_text(kind):
    page = Reader(html_of(shown(hostile())[kind]))
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert page.tags[-1][0] != "style"
    if kind not in {"picture", "stepper"}:
        assert "</details></div></style><script>" in page.text


def test_pictures_of_one_page_share_no_id():
    assert ' id="' not in notebook(EXAMPLE.tape)
    one, other = (html_of(viz.plots.gradient_norms(long_rnn(steps))) for steps in (2, 3))
    ids = [re.findall(r'\sid="([^"]*)"', svg) for svg in (one, other)]
    assert ids[0]
    assert not set(ids[0]) & set(ids[1])
    # every reference found its own
    figure = standing_alone(viz.svg(viz.draw(EXAMPLE.tape)))
    plot = html_of(VALUES["plot"])
    for svg in (figure, plot):
        named = set(re.findall(r'\sid="([^"]*)"', svg))
        referred = set(re.findall(r'href="#([^"]*)"|url\(#([^")]*)\)', svg))
        assert {a or b for a, b in referred} <= named


# --- long tapes -------------------------------------------------------------------------------------------------------
def test_many_nodes_are_shown_as_variables():
    assert re.search('class="node variable state [ab0-9 ]*" data-name="h_12"', notebook(lstm(12)))
    assert 'class="node operation' in notebook(mg.Tape.of(np.tanh(weight("w", 2))))


@pytest.mark.parametrize("most", [1, 5, 17, 1000])
def test_an_excerpt_ends_as_the_tape_does(most):
    tape = long_rnn(10)
    end = excerpt(tape.outputs, most)
    operations = [n for n in end.nodes if n.fn is not None]
    last = [n for n in tape.nodes if n.fn is not None][-len(operations) :]
    assert [(n.label, n.op, n.time) for n in operations] == [(n.label, n.op, n.time) for n in last]
    assert len(operations) >= min(most, 21)
    assert end.outputs[0].item() == tape.outputs[0].item()
    # whole steps
    times = [n.time for n in operations]
    assert times.count(times[0]) == (2 if most > 1 else 1)
    assert (end.nodes == tape.nodes) == (most == 1000)


def test_what_an_excerpt_reads_of_before_is_one_leaf_each():
    tape = long_rnn(10)
    h = tape["h_9"]
    leaves = excerpt([(h * 2 + h).named("y")], 2).leaves
    (leaf,) = [x for x in leaves if x.requires_grad]
    assert (leaf.label, leaf.time, leaf.requires_grad) == ("h_9", 9, True)


def test_behind_an_operation_that_reads_many_there_is_a_listing():
    stacked = np.stack([weight("w", 1) * i for i in range(2000)])
    html = html_of(stacked)
    assert "<svg" not in html
    assert "= stack(" in html
    assert len(html) < 15_000


def test_an_excerpt_keeps_no_output_of_before():
    tape = tf.differentiate(long_rnn(10))
    end = excerpt(tape.outputs, 5)
    assert [o.label for o in end.outputs] == [tape.outputs[1].label]
    leaf = excerpt([weight("w", 2)], 5)
    assert [n.label for n in leaf.nodes] == ["w"]


def test_of_a_very_long_tape_the_end_is_drawn():
    tape = long_rnn(1200)
    page = html_of(tape)
    assert f"{len(tape.nodes):,} nodes" in page
    assert "h_1200" in page
    assert ">h_700:" not in page


# --- the stepper ------------------------------------------------------------------------------------------------------
def test_the_stepper_is_a_frame_or_a_file(tmp_path):
    beside = tf.truncate(EXAMPLE.tape, every=2)
    stepper = viz.stepper(EXAMPLE.tape, beside=beside)
    file = stepper.write(tmp_path / "a.html")
    assert file.read_text("utf-8") == stepper.html
    written = viz.stepper(EXAMPLE.tape, tmp_path / "b.html", beside)
    assert written.read_bytes() == file.read_bytes()
    (frame,) = [attributes for tag, attributes in Reader(html_of(stepper)).tags if tag == "iframe"]
    assert frame["srcdoc"] == stepper.html
    # without allow-same-origin
    assert frame["sandbox"] == "allow-scripts"
    with pytest.raises(mg.errors.ArgumentError, match=r"expected a name ending in \.html"):
        stepper.write(tmp_path / "a.svg")


def test_a_level_that_is_none_is_refused():
    with pytest.raises(mg.errors.ArgumentError, match="expected 'ops', 'variables' or 'rolled'"):
        draw(book_rnn(), "molecules")


def test_names_classes_and_tooltips_reach_the_svg():
    root = ElementTree.fromstring(notebook(book_rnn()))
    groups = {g.get("data-name"): g for g in root.iter("{http://www.w3.org/2000/svg}g")}
    assert groups["h_2"].get("class").startswith("node operation state")
    assert groups["W_hh@2"].get("class").startswith("node parameter")
    tip = groups["h_2"][0]
    assert tip.tag.endswith("}title")
    assert tip.text.startswith("h_2: float64[5] add, state, 0.255 .. 0.255, mean 0.255 [t=2, ")
