"""Checkpoints: load(save(m)) is m; a failed save leaves nothing, or what was there."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from minigrad.errors import DataError
from minigrad.internal import write_atomically
from minigrad.models import RNNLM, Vocabulary, parameters
from minigrad.models.cells import CELLS
from minigrad.models.train import checkpoint, tensorfile

VOCAB = Vocabulary.of("abc")


@pytest.mark.parametrize("kind", CELLS)
def test_a_loaded_model_is_the_saved_one(tmp_path, kind):
    m = RNNLM(kind, 5, len(VOCAB.tokens), seed=3)
    loaded, vocab = checkpoint.load(checkpoint.save(m, VOCAB, tmp_path / "m.safetensors"))
    assert vocab == VOCAB
    assert loaded.kind == kind
    for a, b in zip(parameters(loaded), parameters(m), strict=True):
        assert a.name == b.name
        np.testing.assert_array_equal(a.data, b.data)


@pytest.mark.parametrize("content", [None, b"", b"not a checkpoint at all"])
def test_what_is_no_checkpoint_is_named(tmp_path, content):
    file = tmp_path / "m.safetensors"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError, match=r"checkpoint: '.*m\.safetensors' cannot be read as one"):
        checkpoint.load(file)


def test_a_failed_write_leaves_what_was_there(tmp_path):
    file = tmp_path / "kept"
    file.write_bytes(b"old")
    with pytest.raises(TypeError):
        write_atomically(file, "no bytes")
    assert file.read_bytes() == b"old"
    assert [f.name for f in tmp_path.iterdir()] == ["kept"]


def test_an_unwritable_place_is_named_with_the_remedy(tmp_path):
    with pytest.raises(DataError) as error:
        write_atomically(tmp_path / "no" / "such" / "folder", b"")
    assert error.value.text == (
        f"cannot write '{tmp_path}/no/such/folder': No such file or directory. "
        "Give a path in a folder that exists and that you may write to."
    )


def test_layers_are_kept_apart_by_name(tmp_path):
    m = RNNLM("gru", 3, len(VOCAB.tokens), seed=1, layers=3)
    names = list(checkpoint.named(m))
    assert len(names) == len(parameters(m)) == len(set(names))
    assert {"W_xh", "W_xh#2", "W_xh#3"} < set(names)
    loaded, _ = checkpoint.load(checkpoint.save(m, VOCAB, tmp_path / "m"))
    for a, b in zip(parameters(loaded), parameters(m), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"hidden": "1000000000"}, "it is smaller than the model that it names"),
        ({"layers": "1000000000"}, "it is smaller than the model that it names"),
        ({"hidden": "-5"}, "'-5' is no number of units or layers"),
        ({"hidden": "0"}, "'0' is no number of units or layers"),
        ({"hidden": " 5"}, "' 5' is no number of units or layers"),
        ({"layers": "\n\x1b[31m1"}, r"'\\n\\x1b\[31m1' is no number of units or layers"),
        ({"layers": "9" * 5000}, r"Exceeds the limit .*"),
        ({"kind": "gpt"}, "'gpt'"),
        ({"vocabulary": "[" * 100_000}, "maximum recursion depth exceeded.*"),
        ({"vocabulary": "7"}, "its vocabulary is no list"),
        ({"vocabulary": '"abcd"'}, "its vocabulary is no list"),
        ({"vocabulary": '{"a": 1, "b": 2, "c": 3, "d": 4}'}, "its vocabulary is no list"),
        ({"vocabulary": "[1, 2, 3, 4]"}, "its vocabulary holds 1, which is no text"),
        (
            {"vocabulary": '["<unk>", "a", "b", null]'},
            "its vocabulary holds None, which is no text",
        ),
        (
            {"vocabulary": '["<unk>", "a", "b", ["c"]]'},
            r"its vocabulary holds \['c'\], which is no text",
        ),
        ({"vocabulary": '["<unk>", "a", "b", ""]'}, "its vocabulary holds '', which is no text"),
        (
            {"vocabulary": '["<unk>", "a", "b", "\\ud800"]'},
            r"its vocabulary holds '\\ud800', which is no text",
        ),
        ({"vocabulary": '["<unk>", "a", "b", "b"]'}, "its vocabulary has a token twice"),
        ({"vocabulary": "NaN"}, "its vocabulary is no list"),
        ({"kind": "x" * 1000}, "'x{119}[.]{3}"),
    ],
)
def test_a_forged_file_with_a_right_checksum_is_refused_before_memory_is_asked_for(
    tmp_path, change, why
):
    m = RNNLM("gru", 5, len(VOCAB.tokens))
    about = {"kind": "gru", "hidden": "5", "layers": "1", "vocabulary": '["<unk>", "a", "b", "c"]'}
    arrays = {k: p.numpy() for k, p in checkpoint.named(m).items()}
    assert checkpoint.load(tensorfile.write(tmp_path / "m", arrays, about))[1] == VOCAB
    file = tensorfile.write(tmp_path / "m", arrays, about | change)
    tracemalloc.start()
    with pytest.raises(
        DataError, match=rf"checkpoint: '.*' (holds no model: {why}|is of another model)"
    ):
        checkpoint.load(file)
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


def files_arrays(m):
    return {k: p.numpy() for k, p in checkpoint.named(m).items()}


ABOUT = {"kind": "gru", "hidden": "5", "layers": "1", "vocabulary": '["<unk>", "a", "b", "c"]'}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["W_xz", "b_q"])
def test_a_parameter_that_is_not_finite_is_refused_and_not_written(tmp_path, name, value):
    m = RNNLM("gru", 5, len(VOCAB.tokens))
    arrays = files_arrays(m)
    arrays[name].reshape(-1)[-1] = value
    file = tensorfile.write(tmp_path / "m", arrays, ABOUT)
    with pytest.raises(DataError, match=rf"'.*m' cannot be used: {name} holds a NaN or an inf"):
        checkpoint.load(file)
    good = checkpoint.save(m, VOCAB, tmp_path / "m").read_bytes()
    dict(checkpoint.named(m))[name].assign(arrays[name])
    with pytest.raises(DataError, match=rf"'.*m' is not written: {name} holds a NaN or an inf"):
        checkpoint.save(m, VOCAB, file)
    assert file.read_bytes() == good


@pytest.mark.parametrize(
    "tokens", [(1, 2, 3, 4), ("<unk>", "a", "a", "b"), ("<unk>", "", "a", "b")]
)
def test_a_vocabulary_that_could_not_be_loaded_is_not_written(tmp_path, tokens):
    with pytest.raises(DataError, match=r"'.*m' is not written: its vocabulary h"):
        checkpoint.save(RNNLM("rnn", 2, 4), Vocabulary(tokens), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a\n\x1b[31m", "\u202e", "x" * 1000])
def test_what_a_file_says_is_printed_in_one_short_line(tmp_path, name):
    arrays = files_arrays(RNNLM("gru", 5, len(VOCAB.tokens)))
    file = tensorfile.write(tmp_path / "m", arrays | {name: np.zeros(1)}, ABOUT)
    with pytest.raises(DataError, match="is in the file only") as error:
        checkpoint.load(file)
    assert error.value.text.isprintable()
    assert len(error.value.text) < 400


def test_many_differences_are_counted(tmp_path):
    arrays = files_arrays(RNNLM("gru", 5, len(VOCAB.tokens)))
    many = {f"x{i}": np.zeros(1) for i in range(100)}
    with pytest.raises(DataError, match=r"in the file only; and 60 more\. Give"):
        checkpoint.load(tensorfile.write(tmp_path / "m", arrays | many, ABOUT))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_model_of_any_precision_loads(tmp_path, dtype):
    m = RNNLM("lstm", 3, len(VOCAB.tokens), seed=1, dtype=dtype, layers=2)
    loaded, _ = checkpoint.load(checkpoint.save(m, VOCAB, tmp_path / "m"))
    for a, b in zip(parameters(loaded), parameters(m), strict=True):
        assert (a.dtype, a.data.tobytes()) == (dtype, b.data.tobytes())


@pytest.mark.parametrize("dtype", [np.int64, bool])
def test_parameters_that_are_no_reals_are_refused(tmp_path, dtype):
    arrays = files_arrays(RNNLM("gru", 5, len(VOCAB.tokens)))
    whole = {name: a.astype(dtype) for name, a in arrays.items()}
    with pytest.raises(DataError, match=r"holds no model: its parameters are (int64|bool)"):
        checkpoint.load(tensorfile.write(tmp_path / "m", whole, ABOUT))


def test_a_file_is_on_disk_before_it_gets_its_name_and_the_name_is_too(tmp_path, monkeypatch):
    """What a power cut asks for: sync the file, rename it, sync the folder."""
    order = []

    def seen(name, real):
        def spy(*args):
            kind = (
                Path(os.readlink(f"/proc/self/fd/{args[0]}")).is_dir() if name == "fsync" else None
            )
            order.append(name if kind is None else f"{name} {'folder' if kind else 'file'}")
            return real(*args)

        return spy

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc to see what is synced")
    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, seen(name, getattr(os, name)))
    write_atomically(tmp_path / "f", b"new")
    assert order == ["fsync file", "replace", "fsync folder"]
