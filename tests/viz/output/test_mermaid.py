import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import transforms as tf
from minigrad.viz import draw, render, unrolled
from minigrad.viz.output import mermaid
from tests.viz.conftest import read_back
from tests.viz.output.hostile_names import NAMES, hostile_tape
from tests.zoo import book_rnn, lstm

CHARACTER = re.compile(r"#(\d+);|(.)", re.S)
NODE = re.compile(r'^ +(n\d+)(\(\(|\(\[|\(|\[)"([^"]*)"(\)\)|\]\)|\)|\]):::(\w+)$', re.M)
EDGE = re.compile(r'^  (n\d+) (-->|---|-\.->|-\.-)(?:\|"([^"]*)"\|)? (n\d+)$', re.M)


def flowchart(graph, folder):
    return render(graph, folder / "picture.mmd").read_text()


def decoded(label):
    """A label as Mermaid shows it."""
    return html.unescape(re.sub(r"#(\d+);", r"&#\1;", label))


def joined(text):
    """The arrows as (tail, what is written on it, head)."""
    names = {name: decoded(label) for name, _, label, _, _ in NODE.findall(text)}
    return {(names[a], decoded(said), names[b]) for a, _, said, b in EDGE.findall(text)}


def test_every_line_is_one_of_a_flowchart(tmp_path):
    for graph in (unrolled(tf.truncate(book_rnn(4), every=2)), draw(lstm(3), grads=True)):
        first, *lines = flowchart(graph, tmp_path).splitlines()
        assert re.fullmatch("flowchart (LR|RL|TB|BT)", first)
        known = r"  (accTitle: .*|subgraph step\d+\[\"[^\"]*\"\]|end|classDef \w+ \S+|linkStyle [\d,]+ \S+)"
        for line in lines:
            assert NODE.fullmatch(line) or EDGE.fullmatch(line) or re.fullmatch(known, line), line


def test_it_joins_what_the_picture_joins(tmp_path):
    text = flowchart(draw(book_rnn(5), "rolled"), tmp_path)
    assert joined(text) == {
        ("xₜ", "", "hₜ"),
        ("Wₕₓ, Wₕₕ", "", "hₜ"),
        ("hₜ", "t-1", "hₜ"),
        ("hₜ", "", "oₜ"),
        ("W_qh", "", "oₜ"),
        ("oₜ", "all t", "L"),
        ("yₜ", "all t", "L"),
    }


def test_lines_that_share_a_trunk_are_arrows_of_their_own(tmp_path):
    text = flowchart(unrolled(book_rnn(3)), tmp_path)
    arrows = [(a, b) for a, _, b in joined(text)]
    assert len([a for a, _ in arrows if a == "Wₕₓ, Wₕₕ"]) == 1
    assert len(re.findall(r'\[" "\]|\(\(" "\)\)', text)) == len(
        [a for a in read_back(unrolled(book_rnn(3)))[0].values() if a["class"] == "operation"]
    )
    (weights,) = re.findall(r'(n\d+)\["Wₕₓ, Wₕₕ"\]', text)
    assert text.count(f"  {weights} --> ") == 3


def test_steps_are_subgraphs_and_cuts_are_dashed_and_red(tmp_path):
    text = flowchart(unrolled(tf.truncate(book_rnn(4), every=2)), tmp_path)
    assert re.findall(r'subgraph (\w+)\["(.*)"\]', text) == [
        (f"step{t}", f"t = {t}") for t in (1, 2, 3, 4)
    ]
    third = text.partition("subgraph step3")[2].partition("\n  end")[0]
    assert {decoded(n[2]) for n in NODE.findall(third)} == {"x₃", "h₃", "o₃", "y₃", " "}
    edges = EDGE.findall(text)
    dashed = [k for k, edge in enumerate(edges) if "." in edge[1]]
    assert dashed
    assert f"linkStyle {','.join(map(str, dashed))} stroke:#D0021B" in text


def test_hostile_names_stay_text(tmp_path):
    text = flowchart(draw(hostile_tape(), "rolled"), tmp_path)
    shown = {decoded(label) for _, _, label, _, _ in NODE.findall(text)}
    plain = {name for name in NAMES if not re.search(r"[\\$#^]", name)}
    assert plain <= shown
    for _, _, label, _, _ in NODE.findall(text):
        # nothing but letters, entities, and what means itself inside a line
        assert re.fullmatch(r"([\w ,=/()-]|#\d+;)*", label.replace("<br/>", ""))
        assert "_" not in label


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_is_written_in_letters_and_entities(text):
    written = mermaid._encoded(text)
    assert "".join(chr(int(c)) if c else other for c, other in CHARACTER.findall(written)) == text
    assert not re.search(r"[^\w ,=/()#;-]|^[ ,=/()-]|_", written)


@pytest.mark.parametrize("limit", ["MAX_EDGES", "MAX_CHARACTERS"])
def test_what_github_does_not_draw_is_said(tmp_path, capsys, monkeypatch, limit):
    flowchart(draw(book_rnn(3), "rolled"), tmp_path)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(mermaid, limit, 6)
    text = flowchart(draw(book_rnn(3), "rolled"), tmp_path)
    said = capsys.readouterr().err
    assert said.startswith(f"render: 7 arrows and {len(text)} characters: GitHub draws ")
    assert said.count("\n") == 1
