"""Text: the book's preprocessing and windows, and every way in which a text can fail to arrive."""

import contextlib
import hashlib
import http.server
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import DataError
from minigrad.models import Vocabulary, Windows
from minigrad.models.data import text
from minigrad.models.data.corpus import corpus

BOOK = "The Time Machine, by H. G. Wells [1898]\n"


@given(st.text(max_size=200))
def test_preprocessing_leaves_letters_and_single_spaces(raw):
    clean = text.preprocess(raw)
    assert set(clean) <= set("abcdefghijklmnopqrstuvwxyz ")
    assert "  " not in clean
    assert text.preprocess(clean) == clean


def test_vocabulary_of_english_has_the_books_28():
    vocab = Vocabulary.of("the quick brown fox jumps over the lazy dog")
    assert len(vocab.tokens) == 28
    assert vocab.tokens[:3] == ("<unk>", " ", "a")
    assert vocab.decode(vocab.encode("fox")) == "fox"
    assert vocab.encode("é") == [0]


@given(n=st.integers(5, 300), steps=st.integers(1, 20))
def test_windows_are_the_books(n, steps):
    corpus = np.arange(n)
    if n - steps < 3:
        with pytest.raises(DataError, match=f"too few for windows of {steps} steps"):
            Windows.of(corpus, steps)
        return
    w = Windows.of(corpus, steps, train=100, validation=50)
    rows = np.concatenate([w.train, w.validation])
    assert len(rows) == min(n - steps, 150)
    np.testing.assert_array_equal(rows, [corpus[i : i + steps + 1] for i in range(len(rows))])


def test_a_path_is_read_as_it_is(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("Grüße", "utf-8")
    assert text.load(file) == ("Grüße", str(file))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read '{}': No such file or directory. Give the path of a plain text file."),
        (b" \n", "'{}' is empty. Give a file with some text in it."),
        (
            b"ok \xff\xfe",
            "'{}' is not UTF-8 (byte 3). Convert it, for example with iconv -t UTF-8.",
        ),
    ],
)
def test_an_unusable_file_is_one_line_that_names_it(tmp_path, content, message):
    file = tmp_path / "a.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError) as error:
        text.load(file)
    assert error.value.text == "text: " + message.format(file)


def test_a_prepared_text_is_the_book_s_four_steps(tmp_path):
    """Loaded, preprocessed, encoded by its own vocabulary, in windows; and the corpus on disk is the same."""
    file = tmp_path / "a.txt"
    file.write_text(BOOK * 9)
    ready = text.prepared(file)
    clean = text.preprocess(BOOK * 9)
    assert ready.source == str(file)
    assert ready.vocab == Vocabulary.of(clean)
    assert ready.tokens.tolist() == ready.vocab.encode(clean)
    expected = Windows.of(ready.vocab.encode(clean), 7)
    np.testing.assert_array_equal(ready.windows(7).train, expected.train)
    np.testing.assert_array_equal(ready.windows(7).validation, expected.validation)
    tokens, vocab = corpus(file)
    np.testing.assert_array_equal(tokens, ready.tokens)
    assert (vocab, tokens.dtype) == (ready.vocab, ready.tokens.dtype)
    with pytest.raises(DataError, match="too few for windows"):
        ready.windows(1000)


@contextlib.contextmanager
def serving(content):
    """A real web server on this machine that answers every request with content; counts the requests."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/timemachine.txt", asked
        server.shutdown()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(text, "SHA1", hashlib.sha1(BOOK.encode()).hexdigest())
    return tmp_path / "cache" / "minigrad" / "timemachine.txt"


def test_the_book_is_fetched_once_checked_and_cached(cache, monkeypatch):
    with serving(BOOK.encode()) as (url, asked):
        monkeypatch.setattr(text, "URL", url)
        assert text.load()[0] == BOOK
        assert text.load()[0] == BOOK
    assert len(asked) == 1
    assert [f.name for f in cache.parent.iterdir()] == ["timemachine.txt"]


def test_a_damaged_cache_is_fetched_again(cache, monkeypatch):
    cache.parent.mkdir(parents=True)
    cache.write_text("half a bo")
    with serving(BOOK.encode()) as (url, _):
        monkeypatch.setattr(text, "URL", url)
        assert text.load()[0] == BOOK
    assert cache.read_text() == BOOK


def test_a_wrong_answer_is_neither_used_nor_cached(cache, monkeypatch):
    with serving(b"<html>Please log in to the hotel's network</html>") as (url, _):
        monkeypatch.setattr(text, "URL", url)
        found, source = text.load()
    assert len(found) > 100_000
    assert source.startswith("Python's own documentation (The Time Machine is out of reach: ")
    assert "answered something else" in source
    assert not cache.exists()


def test_without_a_network_python_s_own_documentation_serves(cache, monkeypatch):
    monkeypatch.setattr(text, "URL", "http://127.0.0.1:9/nothing-listens-here")
    found, source = text.load()
    assert "refused" in source
    assert len(Windows.of(Vocabulary.of("ab").encode(text.preprocess(found)), 32).train) == 10_000


def test_an_unwritable_cache_is_no_obstacle(cache, monkeypatch):
    cache.parent.parent.mkdir()
    cache.parent.write_text("a file where the folder should be")
    with serving(BOOK.encode()) as (url, _):
        monkeypatch.setattr(text, "URL", url)
        assert text.load()[0] == BOOK
