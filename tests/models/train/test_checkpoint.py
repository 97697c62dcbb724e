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
        ({"hidden": "-5"}, "it is smaller than the model that it names"),
        ({"kind": "gpt"}, "'gpt'"),
        ({"vocabulary": "[" * 100_000}, "maximum recursion depth exceeded.*"),
        ({"vocabulary": "7"}, ".*"),
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
