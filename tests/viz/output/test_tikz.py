import re
import shutil
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import transforms as tf
from minigrad.viz import draw, render, strategies, unrolled
from minigrad.viz.lettering.latex_symbols import GREEK, LOWERED, RAISED, SYMBOLS
from minigrad.viz.lettering.tex_letters import math, plain
from minigrad.viz.output.render import svg
from tests import children
from tests.viz.output.hostile_names import hostile_tape
from tests.zoo import book_rnn, lstm

SVG = "{http://www.w3.org/2000/svg}"
PICTURES = {
    "rolled": lambda: draw(tf.truncate(lstm(6), window=2), "rolled", grads=True),
    "unrolled": lambda: unrolled(tf.truncate_randomly(book_rnn(4), 0.5, 3)),
    "strategies": strategies,
    "hostile": lambda: draw(hostile_tape(), "rolled"),
}


def written(graph, folder):
    return render(graph, folder / "picture.tex").read_text()


def body(text):
    """The lines of the picture itself, without comments."""
    inside = text.partition(r"\begin{tikzpicture}[")[2].partition(r"\end{tikzpicture}")[0]
    return [line for line in inside.splitlines()[1:] if not line.startswith("%")]


@pytest.mark.parametrize("name", PICTURES)
def test_a_real_latex_sets_it_on_one_page(tmp_path, name):
    latex = shutil.which("pdflatex")
    if latex is None:
        pytest.skip("no LaTeX is installed: apt-get install texlive-latex-base texlive-pictures")
    written(PICTURES[name](), tmp_path)
    command = [latex, "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", "picture"]
    done = children.run(
        command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "(1 page, " in done.stdout
    assert "passwd" not in "".join(re.findall(r"\(/\S*", done.stdout))


@pytest.mark.parametrize("name", PICTURES)
def test_it_agrees_with_the_svg(tmp_path, name):
    lines = body(written(PICTURES[name](), tmp_path))
    picture = ElementTree.fromstring(svg(PICTURES[name]()))
    texts = [(float(e.get("x")), -float(e.get("y"))) for e in picture.iter(f"{SVG}text")]
    nodes = [line for line in lines if line.startswith(r"\node")]
    places = [re.search(r"\] at \((\S+),(\S+)\) ", line).groups() for line in nodes]
    assert [tuple(map(float, place)) for place in places] == texts
    tags = ("rect", "path", "polygon", "polyline", "ellipse")
    shapes = [e for group in picture.iter(f"{SVG}g") for tag in tags for e in group.iter(SVG + tag)]
    assert sum(line.startswith(r"\path") for line in lines) == len(shapes)
    inks = {e.get("fill") for e in picture.iter(f"{SVG}text")} - {"black"}
    assert {f"text=minigrad{ink.removeprefix('#')}" for ink in inks} <= set(
        re.findall(r"text=\w+", "\n".join(lines))
    )


def test_names_are_latex_and_the_legend_is_there(tmp_path):
    lines = "\n".join(body(written(draw(tf.truncate(book_rnn(6), every=2), "rolled"), tmp_path)))
    for name in ("$W_{hx},\\ W_{hh}$", "$h_{t}$", r"\minigradscissors", "gradient cut"):
        assert name.replace(",", "{,}") in lines or name in lines


@pytest.mark.parametrize("name", ["hostile", "rolled"])
def test_what_is_written_is_balanced_and_runs_no_command_of_a_name(tmp_path, name):
    lines = body(written(PICTURES[name](), tmp_path))
    for line in lines:
        assert line.startswith((r"\node[", r"\path[", r"\definecolor{", r"\useasboundingbox "))
        bare = re.sub(r"\\[{}]", "", line)
        depth = 0
        for character in bare:
            depth += (character == "{") - (character == "}")
            assert depth >= 0
        assert depth == 0
        assert not re.search(r"\\(input|end|write|csname)\b", line)
        assert not re.search(r"(?<!\\)[%&~]|\^\^", line)


@given(st.text(st.characters(codec="utf-8")))
def test_no_text_is_a_command_and_its_braces_are_balanced(text):
    for written in (math(text), plain(text)):
        # a character in the argument of what prints it is read by nothing
        bare = re.sub(r"\\minigradforeign\{.?\}\{[0-9A-F]+\}", "", written)
        bare = re.sub(r"\\[{}$&#%_]", "", bare)
        commands = re.findall(r"\\([A-Za-z]+|.)", bare)
        assert not {"input", "end", "write", "csname", "def", "\\"} & {*commands}
        assert not re.search(r"[$&#%~\x00-\x1f]|(?<!\{\})[_^]", re.sub(r"\\[A-Za-z]+", "", bare))
        assert bare.count("{") == bare.count("}")


def test_every_letter_that_names_are_drawn_with_has_a_command():
    letters = {*GREEK.values(), *SYMBOLS.values(), *map(chr, [*LOWERED.values(), *RAISED.values()])}
    assert not [x for x in letters if "foreign" in math(x) and x not in "ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ"]
    assert math("ŷ") == r"\hat{y}"
    assert (
        math("日")
        == plain("日").removeprefix(r"\ensuremath{")[:-1]
        == r"\minigradforeign{日}{65E5}"
    )
