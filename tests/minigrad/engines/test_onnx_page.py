"""docs/onnx.md: its code is run; where PyTorch is not installed, on a file as PyTorch writes it."""

import logging
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

import onnx

import minigrad as mg
from tests.minigrad.engines.onnx_files import model_of

PAGE = (Path(__file__).parents[3] / "docs" / "onnx.md").read_text("utf-8")
EXPORT, EXAMPLE, WAY_OUT = re.findall(r"```python\n(.*?)```", PAGE, re.S)


def as_pytorch_writes_it():
    rng = np.random.default_rng(0)
    shapes = {"head.weight": (2, 4), "head.bias": (2,), "W": (1, 16, 3), "R": (1, 16, 4)}
    arrays = {name: rng.normal(size=shape).astype("f") for name, shape in shapes.items()}
    arrays |= {"B": np.zeros((1, 32), "f"), "one": np.array([1]), "last": np.array(-1)}
    make = onnx.helper.make_node
    nodes = [
        make("LSTM", ["x", "W", "R", "B"], ["Y"], hidden_size=4),
        make("Squeeze", ["Y", "one"], ["outputs"]),
        make("Gather", ["outputs", "last"], ["h"], axis=0),
        make("Gemm", ["h", "head.weight", "head.bias"], ["y"], transB=1),
    ]
    x = np.zeros((5, 2, 3), "f")
    return model_of(nodes, {"x": x}, {"y": (np.float32, 2)}, arrays)


@pytest.mark.parametrize("by", ["PyTorch", "hand"])
def test_the_example_runs(by, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if by == "hand":
        onnx.save(as_pytorch_writes_it(), "lstm.onnx")
    else:
        pytest.importorskip("torch", reason="PyTorch is not installed")
        logging.disable(logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(EXPORT, {})
        logging.disable(logging.NOTSET)
    found = {}
    exec(EXAMPLE, found)
    assert Path("lstm.svg").stat().st_size > 0
    assert capsys.readouterr().out.startswith("OnnxModel(x: float32 (")
    assert len(found["gradients"]) == len(found["model"].parameters) == 5
    assert np.isclose(found["value"], found["loss"].data)
    states = {state.name for state in found["tape"].states()}
    assert states == {"h", "c"}


def test_the_way_out_trains(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = {"np": np, "mg": mg}
    exec(WAY_OUT, found)
    losses = found["losses"]
    assert len(losses) == 10
    assert losses[-1] < losses[0]
    step = mg.compile(found["tape"])
    np.testing.assert_allclose(losses, [float(step()[0]) for _ in losses], rtol=1e-4)
