"""What is no weights of a recurrent network is refused in one line that names the array."""

import json

import numpy as np
import pytest

from minigrad import models
from minigrad.cli import main
from minigrad.errors import ArgumentError, DataError, DTypeError, MinigradError, ShapeError

safetensors_numpy = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
LSTM = {"weight_ih_l0": np.ones((8, 3)), "weight_hh_l0": np.ones((8, 2))}
GRU_BEFORE = models.GRUCell(3, 2)
GRU_AFTER = models.GRUCell(3, 2, reset="after")


@pytest.mark.parametrize(
    ("arrays", "error", "says"),
    [
        ({}, ArgumentError, "none in it; expected the weights of one nn.RNN"),
        (LSTM | {"other": np.ones(2)}, ArgumentError, "beside the recurrent module other (2,)"),
        (LSTM | {"bias_ih_l0": np.ones(8)}, ArgumentError, "bias_ih (8,)"),
        (LSTM | {"weight_hr_l0": np.ones((2, 4))}, ShapeError, "weight_hr is (2, 4)"),
        (
            LSTM | {"bias_ih_l0": np.ones(8), "bias_hh_l0": np.ones(7)},
            ShapeError,
            "layer 0: bias_hh is (7,); expected (8,)",
        ),
        (
            LSTM | {f"{k[:-1]}1": a for k, a in LSTM.items()},
            ShapeError,
            "layer 1 reads 3 numbers; layer 0 gives 2",
        ),
        (LSTM | {"weight_ih_l2": np.ones((8, 2))}, ArgumentError, "no weight_ih_l1"),
        ({k: a.astype(np.float16) for k, a in LSTM.items()}, DTypeError, "is float16"),
        ({k: a.astype(np.int64) for k, a in LSTM.items()}, DTypeError, "is int64"),
        ({k: a * np.nan for k, a in LSTM.items()}, ArgumentError, "holds a NaN"),
        (
            {f"a.{k}": a for k, a in LSTM.items()} | {f"b.{k}": a for k, a in LSTM.items()},
            ArgumentError,
            "a.weight_ih..., b.weight_ih...; expected the weights of one",
        ),
    ],
)
def test_a_state_dict_that_is_none(arrays, error, says):
    with pytest.raises(error) as caught:
        models.from_torch(arrays)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("do", "says"),
    [
        (lambda: models.to_torch(GRU_BEFORE, "x"), "GRUCell with reset='before'"),
        (lambda: models.to_flax(GRU_BEFORE), "GRUCell with reset='before'"),
        (lambda: models.to_equinox(models.RNNCell(3, 2)), "expected what can be one of GRUCell"),
        (lambda: models.to_keras(models.from_torch(projected())), "LSTMCell with a projection"),
        (lambda: models.to_flax(biased(), "nnx"), "b_hh that the reset gate multiplies"),
        (lambda: models.to_torch(3, "x"), "a int; expected an RNNCell"),
        (lambda: models.to_flax(GRU_AFTER, "haiku"), "expected one of linen, nnx"),
        (lambda: models.from_keras([np.ones((3, 6)), np.ones((2, 6))]), "whether it resets after"),
        (lambda: models.from_keras([np.ones((3, 6))] * 5), "5 arrays"),
        (lambda: models.from_flax({"cell": {"ii": {"kernel": np.ones((3, 2))}}}), "cell.ii.kernel"),
        (lambda: models.from_equinox(3), "expected a GRUCell or LSTMCell of Equinox"),
        (lambda: models.GRUCell(3, 2, reset="between"), "expected one of before, after"),
        (lambda: models.RNNCell(3, 2, activation="gelu"), "expected one of tanh, relu"),
    ],
)
def test_what_a_framework_has_not_is_refused(do, says):
    with pytest.raises(ArgumentError) as caught:
        do()
    assert says in str(caught.value)


def projected():
    return {**LSTM, "weight_hh_l0": np.ones((8, 1)), "weight_hr_l0": np.ones((1, 2))}


def biased():
    cell = models.GRUCell(3, 2, reset="after")
    cell.b_hh.assign(np.ones(2))
    return cell


def test_half_precision_is_converted_when_asked():
    half = {k: a.astype(np.float16) for k, a in LSTM.items()}
    assert models.from_torch(half, dtype=np.float32).W_xi.dtype == np.float32


@pytest.mark.parametrize("name", ["x.safetensors", "x.keras", "x.weights.h5"])
def test_a_file_that_is_none(name, tmp_path):
    if "safetensors" not in name:
        pytest.importorskip("h5py", reason="h5py is not installed")
    read = models.from_torch if "safetensors" in name else models.from_keras
    path = tmp_path / name
    for content in (None, b"", b"\xff" * 50, b"PK\x03\x04"):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DataError, match="cannot be read"):
            read(path)


# --- minigrad anatomy --weights -------------------------------------------------------------------
TEXT = "hello world, how do you do? " * 12


def language_model(path, vocab, embedding=True, **metadata):
    """A file as PyTorch writes it."""
    rng = np.random.default_rng(0)
    inputs = 4 if embedding else vocab
    shapes = {"rnn.weight_ih_l0": (18, inputs), "rnn.weight_hh_l0": (18, 6)}
    shapes |= {"rnn.bias_ih_l0": (18,), "rnn.bias_hh_l0": (18,)}
    shapes |= {"decoder.weight": (vocab, 6), "decoder.bias": (vocab,)}
    if embedding:
        shapes |= {"encoder.weight": (vocab, 4)}
    arrays = {k: rng.normal(size=s).astype(np.float32) / 2 for k, s in shapes.items()}
    safetensors_numpy.save_file(arrays, path, metadata=metadata or None)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(TEXT)
    return ["anatomy", "--weights", "lm.safetensors", "--text", "text.txt", "--steps", "6"]


@pytest.mark.parametrize(
    ("extra", "embedding", "says"),
    [(0, True, "its characters"), (1, False, "its characters after <unk>")],
)
def test_anatomy_of_a_model_of_pytorch(files, capsys, extra, embedding, says):
    language_model("lm.safetensors", len(set(TEXT)) + extra, embedding)
    assert main([*files, "--wrt", "W_hh", "-o", "report.html"]) == 0
    said = capsys.readouterr().out
    assert f"tokens: {says}\n" in said
    assert "lm.safetensors: GRUCell, 6 units read out, perplexity" in said
    with open("report.html", encoding="utf-8") as page:
        assert "W_hh" in page.read()


def test_the_tokens_of_a_model_of_pytorch(files, capsys):
    language_model("lm.safetensors", 40)
    assert main(files) == 1
    assert "a model of 40 tokens; the text has" in capsys.readouterr().err
    tokens = [*sorted(set(TEXT)), *(f"token {i}" for i in range(40))][:40]
    with open("tokens.json", "w") as file:
        json.dump(tokens, file)
    assert main([*files, "--vocabulary", "tokens.json"]) == 0
    language_model("lm.safetensors", 40, vocabulary=json.dumps(tokens))
    assert main(files) == 0
    assert capsys.readouterr().out.count("tokens: the given vocabulary") == 2
    for bad in ("[1, 2]", "{", '["a", "a"]'):
        with open("tokens.json", "w") as file:
            file.write(bad)
        assert main([*files, "--vocabulary", "tokens.json"]) == 1
    language_model("lm.safetensors", 40, vocabulary="{")
    assert main(files) == 1


def test_what_trains_a_model_is_refused_beside_one_that_is_trained(files, capsys):
    language_model("lm.safetensors", len(set(TEXT)))
    assert main([*files, "--hidden", "3"]) == 1
    assert "--hidden: 3; the model of --weights is not trained here" in capsys.readouterr().err


def test_a_checkpoint_of_a_foreign_model_is_refused(tmp_path):
    language_model(tmp_path / "lm.safetensors", 9)
    lm = models.from_torch(tmp_path / "lm.safetensors")
    with pytest.raises(MinigradError, match="to_torch"):
        models.checkpoint.save(lm, models.Vocabulary.of("abcdefgh"), tmp_path / "own.safetensors")
