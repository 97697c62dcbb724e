import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import viz
from minigrad.viz import style
from minigrad.viz.lettering.latex import pieces_of
from tests.laws import examples
from tests.viz.conftest import picture

MEANT = {
    r"\Gamma": "Γ",
    r"\Nu": "Ν",
    r"\Eta": "Η",
    r"\lambda": "λ",
    r"\epsilon": "ϵ",
    r"$\sigma$": "σ",
    r"h_{\Gamma}": "h ↓Γ",
    r"\mathbf{W}_{hh}": "*W* ↓hh",
    r"\mathbf h_t": "*h* ↓t",
    r"\hat{y}_t": "ŷ ↓t",
    r"\tilde{h}_t^{[1]}": "h̃ ↓t ↑[1]",
    r"\bar{x}": "x̄",
    r"\ell": "ℓ",
    r"x^{(2)}": "x ↑(2)",
    r"h_{t-1}^{(\ell)}": "h ↓t-1 ↑(ℓ)",
    r"W^\top": "W ↑⊤",
    r"W^{\top}_{hq}": "W ↑⊤ ↓hq",
    r"x_{t_1}": "x ↓t₁",
    r"\xi_3": "ξ ↓3",
    r"\sigma_hh": "σ ↓hh",
    r"\partial L/\partial W_hh": "∂L/∂W ↓hh",
    r"\frac{\partial L}{\partial b}": "∂L/∂b",
    r"\nabla_{\theta} J": "∇ ↓θ J",
    r"\mathbb{E}[\mathcal{L}]": "𝔼[ℒ]",
    r"\mathrm{loss}": "+loss+",
    r"\tanh": "+tanh+",
    r"f'": None,
    r"W_hh": None,
    r"\nothing": None,
    r"C:\new": None,
    r"a\\b": None,
    r"a_{b": None,
    r"a_{b}}": None,
    r"\hat": None,
    r"h_\ ": None,
}


def notation(pieces):
    """Low as ↓, high as ↑, bold in stars, upright in plus signs."""
    signs = {"sub": "↓", "sup": "↑", "": ""}
    fonts = {"Times-Bold": "*", "Times-Roman": "+", "": ""}
    written = [signs[p.kind] + fonts[p.face] + p.text.strip() + fonts[p.face] for p in pieces]
    return " ".join(written)


@pytest.mark.parametrize("name", MEANT)
def test_a_name_in_latex_is_what_it_means(name):
    pieces = pieces_of(name)
    assert (pieces and notation(pieces)) == MEANT[name]


@given(st.text(alphabet="\\{}_^$ abGam#'", max_size=30))
def test_no_text_breaks_it_and_nothing_is_lost(name):
    pieces = pieces_of(name)
    if pieces is not None and "\\" not in name:
        said = "".join(p.text for p in pieces)
        assert re.sub(r"[{}_^$\s′]", "", said) == re.sub(r"[{}_^$\s']", "", name)


LEVELS = (viz.draw, viz.unrolled, lambda tape: viz.draw(tape, "rolled"))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", [r"\Gamma", r"\mathbf{W}_{hh}", r"\hat{y}", r"x^{(2)}", r"\E\N\G"])
def test_a_picture_says_what_a_name_means_and_its_tooltip_how_it_is_written(level, name):
    W = mg.tensor(np.eye(2), requires_grad=True, name=name)
    root = picture(level(mg.Tape.of(np.sum(np.tanh(W)).named("L"))))
    meant = "".join(p.text for p in style.pieces(name))
    texts = ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]
    assert meant in texts
    titles = [e.text for e in root.iter() if e.tag.endswith("}title")]
    assert any(title.startswith(f"{name}: ") for title in titles)


def test_names_side_by_side_are_read_one_by_one():
    line = r"learning_rate, \Gamma, x_{i, j}, C:\new"
    texts = [(p.text, p.kind) for p in style.pieces(line)]
    assert ("learning_rate", "") in texts
    assert ("Γ", "") in texts
    assert ("i, j", "sub") in texts
    assert (r"C:\new", "") in texts


def test_a_long_name_whose_meaning_is_short_is_whole():
    name = r"\frac{\partial \mathcal{L}}{\partial \mathbf{W}_{hh}}"
    assert "".join(p.text for p in style.pieces(name)) == "∂ℒ/∂Whh"


@examples(30)
@given(st.sampled_from(sorted(MEANT)), st.floats(8, 14))
def test_width_is_that_of_the_meaning(name, size):
    meant = "".join(p.text for p in style.pieces(name))
    assert style.width(name, size) <= 1.06 * 1.3 * size * max(1, len(meant))


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("xi_3^{(2)}", ["ξ", "3", "(2)"]),
        ("Gamma_{1}", ["Γ", "1"]),
        ("pi^{(2)}", ["π", "(2)"]),
        ("taxi_{3}", ["taxi", "3"]),
        ("h_{1}_{2}", ["h", "1,2"]),
    ],
)
def test_the_letter_that_a_program_spells_and_each_of_two_indices(name, read):
    assert [piece.text for piece in style.pieces(name)] == read
