"""Streams: every token once, rows side by side, resets where they belong, memory that does not grow with the text."""

import gc
import tracemalloc
from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import ArgumentError, DataError
from minigrad.models import RNNLM, Vocabulary, parameters
from minigrad.models.data.corpus import corpus, encode, pieces
from minigrad.models.data.stream import Rows, Shuffled, epochs
from minigrad.models.data.text import preprocess
from minigrad.models.train.loop import updates

sizes = {"n": st.integers(2, 120), "batch": st.integers(1, 7), "steps": st.integers(1, 9)}


# --- rows side by side ----------------------------------------------------------------------------------------------
@given(**sizes)
def test_every_pair_of_neighbours_occurs_once_and_every_row_goes_on(n, batch, steps):
    if n <= batch:
        with pytest.raises(
            ArgumentError, match=rf"Rows: {batch} rows of {steps} steps from {n} tokens"
        ):
            Rows(np.arange(n), batch, steps)
        return
    rows = Rows(np.arange(n), batch, steps)
    chunks = list(rows.chunks(1))
    assert len(rows) == len(chunks)
    assert [c.place for c in chunks] == [(1, i) for i in range(len(chunks))]
    assert sorted(x for c in chunks for x in c.x.flat) == list(range(n - 1))
    for i, c in enumerate(chunks):
        np.testing.assert_array_equal(c.y, c.x + 1)
        assert c.x.shape[1] <= steps
        if i:
            before = chunks[i - 1]
            np.testing.assert_array_equal(c.x[:, 0], before.x[: len(c.x), -1] + 1)


@given(start=st.integers(0, 12), **sizes)
def test_a_stream_begun_in_the_middle_is_its_rest(start, n, batch, steps):
    for source in (
        Rows(np.arange(n + batch), batch, steps),
        Shuffled(np.arange(n * 3).reshape(n, 3), batch, 5),
    ):
        at = min(start, len(source))
        whole, rest = list(epochs(source, 3)), list(epochs(source, 3, (2, at)))
        assert [c.place for c in rest] == [c.place for c in whole[len(source) + at :]]
        for a, b in zip(whole[len(source) + at :], rest, strict=True):
            np.testing.assert_array_equal(a.x, b.x)
            np.testing.assert_array_equal(a.reset, b.reset)


def test_the_reset_policy_is_the_one_that_is_named():
    tokens = np.array([0, 5, 6, 7, 0, 8, 9, 5, 6, 0, 7, 8, 9])  # documents begin with 0

    def resets(reset, separator=None):
        rows = Rows(tokens, 2, 4, reset, separator)
        return [c.reset if c.reset is None else c.reset.tolist() for c in epochs(rows, 2)]

    assert resets("epoch") == [[True, True], [False, False]] * 2
    assert resets("never") == [None] * 4
    first = [
        [True, False, False, False],
        [True, False, False, True],
    ]  # rows 0 5 6 7 | 0 8 and 9 5 6 0 | 7 8
    assert resets("document", 0) == [first, [[True, False], [False, False]]] * 2


@pytest.mark.parametrize(
    ("reset", "separator"), [("sometimes", None), ("document", None), ("epoch", 3)]
)
def test_a_policy_that_says_nothing_clear_is_refused(reset, separator):
    with pytest.raises(
        ArgumentError, match=r"Rows: reset=.* expected \"epoch\", \"never\", or \"document\""
    ):
        Rows(np.arange(9), 2, 2, reset, separator)


@pytest.mark.parametrize("reset", ["epoch", "never"])
def test_the_state_enters_a_new_epoch_only_where_it_is_told_to(reset):
    m = RNNLM("lstm", 4, 9, 0, np.float64, layers=2, sigma=0.5)
    rows = Rows(np.random.default_rng(0).integers(0, 9, 41), 2, 7, reset)
    frozen = mg.optim.SGD(parameters(m), 1e-300)
    states = [u.state for u in updates(m, epochs(rows, 2), None, None, frozen)]
    same = all(np.array_equal(a, b) for a, b in zip(states[0], states[len(rows)], strict=True))
    assert same == (reset == "epoch")


def test_a_document_is_read_as_if_it_stood_alone():
    m = RNNLM("gru", 4, 9, 0, np.float64, sigma=0.5)
    rng = np.random.default_rng(1)
    documents = [np.array([0, *rng.integers(1, 9, n)]) for n in (5, 3, 8)]
    whole = Rows(np.concatenate([*documents, [0]]), 1, 4, "document", 0)
    (u,) = updates(m, whole.chunks(1), None, None, mg.optim.SGD(parameters(m), 1.0), accumulate=9)
    alone = RNNLM("gru", 4, 9, 0, np.float64, sigma=0.5)
    losses = [alone.loss(d[None], np.append(d[1:], 0)[None]).item() for d in documents]
    assert u.loss == pytest.approx(
        np.average(losses, weights=[len(d) for d in documents]), rel=1e-12
    )


# --- shuffled windows -----------------------------------------------------------------------------------------------
def test_an_epoch_has_every_window_once_in_an_order_of_its_own():
    rows = np.arange(30).reshape(10, 3)
    source = Shuffled(rows, 4, seed=3)
    orders = [np.concatenate([c.x[:, 0] for c in source.chunks(e)]).tolist() for e in (1, 2, 1)]
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == rows[:, 0].tolist()
    assert [len(c.x) for c in source.chunks(1)] == [4, 4, 2]
    assert all(c.reset.all() for c in source.chunks(1))


# --- a text larger than the memory ----------------------------------------------------------------------------------
@given(text=st.text(alphabet="aB \n-é,.", min_size=1, max_size=60), size=st.integers(1, 7))
def test_reading_piece_by_piece_is_reading_at_once(text, size, tmp_path_factory):
    file = tmp_path_factory.mktemp("corpus") / "text.txt"
    file.write_text(text, "utf-8", newline="")
    assert "".join(pieces(file, size)) == preprocess(file.read_text("utf-8"))


def test_a_text_becomes_tokens_on_disk(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("It was the best of times. " * 300, "utf-8")
    tokens, vocab = corpus(file)
    clean = preprocess(file.read_text())
    assert isinstance(tokens, np.memmap)
    assert tokens.dtype == np.uint8
    assert vocab == Vocabulary.of(clean)
    assert vocab.decode(tokens.tolist()) == clean
    many = Vocabulary(tuple(map(chr, range(300))))
    with open(tmp_path / "tokens", "wb+") as opened:
        wide = encode(["aé", "ī"], many, opened)
    assert wide.dtype == np.uint16
    assert wide.tolist() == [97, 233, 299]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read '{}': No such file or directory. Give the path of a plain text file."),
        (b"", "no characters. Give a file with some text in it."),
        (
            b"ok \xff\xfe",
            "'{}' is not UTF-8 (byte 3). Convert it, for example with iconv -t UTF-8.",
        ),
    ],
)
def test_an_unusable_file_is_one_line(tmp_path, content, message):
    file = tmp_path / "a.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError) as error:
        corpus(file)
    assert error.value.text == "text: " + message.format(file)


def peak(steps, tokens):
    """The most memory that Python holds while one sequence of that many steps is trained on, truncated every 50."""
    m = RNNLM("rnn", 4, 5)
    gc.collect()
    tracemalloc.start()
    chunks = Rows(tokens[: steps + 1], 1, 50).chunks(1)
    (last,) = deque(updates(m, chunks, None, 1.0, mg.optim.SGD(parameters(m), 0.1)), maxlen=1)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert last.step == steps // 50
    assert np.isfinite(last.loss)
    return most


def test_memory_does_not_grow_with_the_length_of_a_sequence(tmp_path):
    file = tmp_path / "tokens"
    np.random.default_rng(0).integers(0, 5, 20_001, dtype=np.uint8).tofile(file)
    tokens = np.memmap(file, np.uint8, "r")
    peak(1_000, tokens)  # what is imported and cached once
    short, long = peak(1_000, tokens), peak(20_000, tokens)
    assert long == pytest.approx(short, rel=0.05)
