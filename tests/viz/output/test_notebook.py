from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad.viz import draw, notebook
from tests.zoo import book_rnn, lstm, weight


@pytest.mark.parametrize("shown", [book_rnn(), lstm(12), book_rnn().outputs[0], weight("w", 2) * 2])
def test_a_tape_and_a_tensor_show_their_picture(shown):
    bundle = shown._repr_mimebundle_()
    assert bundle["text/plain"] == (str(shown) if isinstance(shown, mg.Tape) else repr(shown))
    assert ElementTree.fromstring(bundle["image/svg+xml"]).tag.endswith("svg")


def test_a_leaf_is_its_value():
    w = weight("w", 2)
    assert w._repr_mimebundle_(include=None, exclude=None) == {"text/plain": repr(w)}


def test_many_nodes_are_shown_as_variables():
    assert 'class="node variable state" data-name="h_12"' in notebook(lstm(12))
    assert 'class="node operation"' in notebook(mg.Tape.of(np.tanh(weight("w", 2))))


def test_without_graphviz_there_is_the_listing(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setitem(__import__("sys").modules, "pygraphviz", None)
    assert list(book_rnn()._repr_mimebundle_()) == ["text/plain"]


def test_names_classes_and_tooltips_reach_the_svg():
    root = ElementTree.fromstring(notebook(book_rnn()))
    groups = {g.get("data-name"): g for g in root.iter("{http://www.w3.org/2000/svg}g")}
    assert groups["h_2"].get("class") == "node operation state"
    assert groups["W_hh@2"].get("class") == "node parameter"
    tip = groups["h_2"][0]
    assert tip.tag.endswith("}title")
    assert tip.text.startswith("h_2: float64[5] add, state, 0.255 .. 0.255, mean 0.255 [t=2, ")


def test_a_level_that_is_none_is_refused():
    with pytest.raises(mg.errors.ArgumentError, match="expected 'ops', 'variables' or 'rolled'"):
        draw(book_rnn(), "molecules")
