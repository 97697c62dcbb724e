"""docs/weights.md: its code is run from top to bottom, and prints and writes what it says."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "weights.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)
OUTPUT = "".join(re.findall(r"```output\n(.*?)```", PAGE, re.S))


def test_its_code_prints_and_writes_what_it_says(tmp_path, monkeypatch, capsys):
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for block in BLOCKS:
        exec(block, namespace)
    assert capsys.readouterr().out == OUTPUT
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"model.safetensors", "model.svg", "back.safetensors"}


def test_its_table_has_every_layout():
    from minigrad.models.weights import layouts

    table = PAGE.split("## Conventions")[1]
    for rows in (layouts.TORCH, layouts.KERAS, layouts.LINEN, layouts.NNX, layouts.EQUINOX):
        gated = {layout.cell for layout in rows if layout.kind != "rnn"}
        for cell in gated:
            assert re.search(rf"`(nn\.)?{cell}", table), cell
