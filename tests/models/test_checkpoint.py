"""Checkpoints: load(save(m)) is m; a failed save leaves nothing, or what was there."""

import numpy as np
import pytest

from minigrad.errors import DataError
from minigrad.files import write_atomically
from models import RNNLM, Vocabulary, checkpoint, parameters

VOCAB = Vocabulary.of("abc")


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
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
