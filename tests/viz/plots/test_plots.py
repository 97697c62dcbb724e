import sys
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad.errors import ArgumentError
from minigrad.models.networks import NETWORKS, language_model
from minigrad.viz import plots, render
from tests import children
from tests.zoo import book_rnn, lstm, mlp

HISTORY = [(10 * k, 20 / k + 6, 20 / k + 7) for k in range(1, 9)]


def lines(figure):
    pytest.importorskip("matplotlib")
    return {line.get_label(): line.get_xydata() for line in figure.axes[0].get_lines()}


def test_one_line_per_strategy_and_no_point_where_no_gradient_comes():
    b = book_rnn(8)
    last = tf.cut(
        b, lambda e: e.source.name and e.source.name.startswith("o_") and e.source.name != "o_8"
    )
    found = lines(plots.gradient_norms({"full": b, "last": tf.truncate(last, every=4)}))
    assert list(found) == ["full", "last"]
    assert found["full"][:, 0].tolist() == list(range(1, 9))
    assert found["last"][:, 0].tolist() == [5, 6, 7, 8]


@pytest.mark.parametrize("model", [book_rnn, lstm])
def test_the_norms_are_those_of_backward(model):
    tape = model(5)
    states = [
        s for s in tape.steps() if s.tensor.name and s.tensor.name[:2] in ("h_", "c_") and s.time
    ]
    expected = {
        t: np.sqrt(sum(np.sum(s.grad**2) for s in states if s.time == t)) for t in range(1, 6)
    }
    assert plots.state_norms(tape) == pytest.approx(expected)


def test_the_copies_of_a_window_are_parts_of_one_adjoint():
    b = book_rnn(6)
    assert plots.state_norms(tf.truncate(b, window=10)) == pytest.approx(plots.state_norms(b))
    windowed = plots.state_norms(tf.truncate(b, window=1))
    reach = {t: plots.state_norms(tf.truncate(book_rnn(t), window=1)) for t in (6,)}
    assert windowed == pytest.approx(reach[6])
    assert list(windowed) == [1, 2, 3, 4, 5, 6]


def test_a_tape_without_state_is_refused():
    with pytest.raises(ArgumentError, match="no recurrent edges"):
        plots.gradient_norms({"mlp": mlp()})


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_the_same_plot_gives_the_same_bytes(tmp_path, kind):
    pytest.importorskip("matplotlib")
    first, second = (
        render(plots.curves(HISTORY), tmp_path / f"{k}.{kind}").read_bytes() for k in "ab"
    )
    assert first == second
    if kind == "svg":
        assert ElementTree.fromstring(first).tag.endswith("svg")
    with pytest.raises(ArgumentError, match=r"expected as \.svg, \.png, \.pdf or \.html"):
        render(plots.curves(HISTORY), tmp_path / "a.dot")


def test_matplotlib_is_loaded_only_when_used():
    code = "import sys; from minigrad import viz; print('matplotlib' in sys.modules, 'pygraphviz' in sys.modules)"
    command = [sys.executable, "-c", code]
    ran = children.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert ran.stdout == "False False\n"


def test_without_matplotlib_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ArgumentError, match="pip install matplotlib"):
        plots.curves(HISTORY)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("self_attending", "|dL/dh_t|"),
        ("hierarchical", "|dL/d(h_t, s_t)|"),
        ("bidirectional", "|dL/d(hf_t, hb_t)|"),
        ("language_model", "|dL/d(h1_t, c1_t, h2_t, c2_t)|"),
    ],
)
def test_the_axis_names_the_states_that_are_there(name, title):
    full = NETWORKS[name]()
    cut = tf.truncate(full, every=2)
    assert plots.gradient_norms({"full": full, "cut": cut}).axes[0].get_ylabel() == title


def test_states_without_names_or_too_many_for_an_axis_are_the_state():
    h = mg.tensor(np.ones(2), requires_grad=True)
    for t in range(3):
        with mg.timestep(t):
            h = np.tanh(h * 0.5)
    three_layers = language_model("lstm", layers=3, T=3)
    for tape in (mg.Tape.of(np.sum(h)), three_layers):
        assert plots.gradient_norms(tape).axes[0].get_ylabel() == "|dL/dstate|"
