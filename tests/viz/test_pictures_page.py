"""docs/pictures.md: its code is run from top to bottom, and writes what it says."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "pictures.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)


def test_every_file_that_its_code_writes_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for block in BLOCKS:
        exec(block, namespace)
    named = re.findall(r'"([\w-]+\.\w+)"', "".join(BLOCKS))
    assert len(named) > 8
    assert {path.name for path in tmp_path.iterdir()} == set(named)
