import re
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import transforms as tf
from minigrad.errors import ArgumentError
from minigrad.viz import strategies
from minigrad.viz.graphs.strategies import segments
from tests.viz.conftest import picture, read_back, text_of
from tests.zoo import book_rnn, lstm

WELLS = "the time machine by h g wells"
BOOK = {"randomized": [3, 8, 10, 17, 19, 23, 27], "regular": [4, 8, 12, 16, 20, 24]}


def rows(graph):
    """The segments of each row, as the drawn arrows say them."""
    nodes, edges = read_back(graph)
    found = {}
    for tail, head, _ in edges:
        x0, x1 = (float(nodes[n]["pos"].split(",")[0]) for n in (tail, head))
        found.setdefault(re.match("[a-z]+?(?=[0-9])", tail)[0], []).append(
            round((x1 - x0 + 2) / 11)
        )
    return found


def test_the_books_cuts_give_the_books_figure():
    assert rows(strategies(WELLS, cuts=BOOK)) == {
        "randomized": [3, 5, 2, 7, 2, 4, 4, 2],
        "regular": [4, 4, 4, 4, 4, 4, 5],
        "full": [29],
    }


@given(st.integers(2, 40), st.integers(1, 45), st.floats(0.05, 1.0), st.integers(0, 99))
def test_every_character_has_one_arrow_per_row(length, every, keep, seed):
    found = rows(strategies("a" * length, segment=every, keep=keep, seed=seed))
    assert list(found) == ["randomized", "regular", "full"]
    assert all(sum(row) == length for row in found.values())
    assert set(found["regular"][:-1]) <= {every}
    assert found["full"] == [length]


@given(st.sampled_from([book_rnn, lstm]), st.sets(st.integers(1, 7)))
def test_segments_are_read_off_the_gates(model, after):
    tape = model(8)
    cut = tf.cut(tape, [e for e in tape.recurrent_edges() if e.source.time in after])
    starts = [0, *sorted(after), 8]
    assert list(accumulate(segments(cut))) == starts[1:]


def test_an_edge_that_stays_open_joins_its_segments():
    tape = lstm(4)
    half = tf.cut(tape, [e for e in tape.recurrent_edges() if e.source.name == "h_2"])
    assert segments(half) == [4]


def test_the_seed_decides_and_one_keeps_all():
    assert strategies(seed=3).source == strategies(seed=3).source != strategies(seed=4).source
    assert rows(strategies(keep=1.0))["randomized"] == [29]


def test_the_text_is_written_character_by_character():
    nodes, _ = read_back(strategies(WELLS))
    assert [text_of(nodes[f"c{k}"]["label"]) for k in range(1, 30)] == [c.strip() for c in WELLS]


@pytest.mark.parametrize("text", ["<&\"'>\\N{}", "漢字 héllo 😀", "line\nbreak\tand\x00nul"])
def test_any_text_gives_valid_svg(text):
    assert picture(strategies(text)) is not None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"text": ""}, "0 characters; expected 2 to 100"),
        ({"text": " \n"}, "2 characters"),
        ({"text": "ab" * 300}, "600 characters; expected 2 to 100"),
        ({"segment": 0}, "every"),
        ({"keep": -0.5}, "keep"),
        ({"keep": 1.5}, "keep"),
        ({"cuts": {"full": [3]}}, "'full'"),
        ({"cuts": {"regular": [29]}}, "positions in 1..28"),
    ],
)
def test_arguments_outside_their_domain_are_refused_in_one_line(arguments, said):
    with pytest.raises(ArgumentError, match=re.escape(said)) as error:
        strategies(**arguments)
    assert "\n" not in str(error.value)
