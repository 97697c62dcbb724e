"""The core in one sitting: what a reader of backward() has to read stays small."""

import ast
import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
CORE = ROOT / "minigrad" / "core"
FIRST_SITTING = ["gates", "tensor", "tape", "sweep", "gradient"]
MAX_CODE_LINES = 1_100


def texture_of(path):
    """The counts of benchmarks/texture.py, which is a script and no package."""
    name = "texture"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / "texture.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name].texture(path)


def imported(path):
    """The files of the core, and errors.py, that a file imports when it is imported itself."""
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(statement, ast.ImportFrom):
            continue
        module = statement.module or ""
        if module == "minigrad.errors":
            yield ROOT / "minigrad" / "errors.py"
        if path.parent != CORE:
            continue
        if module.startswith("minigrad.core."):
            yield ROOT / f"{module.replace('.', '/')}.py"
        elif statement.level and module:
            yield CORE / f"{module}.py"
        elif statement.level or module == "minigrad.core":
            yield from (CORE / f"{alias.name}.py" for alias in statement.names)


def closure():
    """The files of the first sitting and all that they import."""
    waiting = [CORE / f"{name}.py" for name in FIRST_SITTING]
    files = set(waiting)
    while waiting:
        for path in imported(waiting.pop()):
            if path not in files:
                files.add(path)
                waiting.append(path)
    return files


def test_the_first_sitting_is_small():
    lines = {path.stem: texture_of(path).code_lines for path in closure()}
    assert {"array", "scope", "order", "errors"} < lines.keys()
    assert sum(lines.values()) < MAX_CODE_LINES, lines


def test_the_second_reading_is_none_of_it():
    second = {"notation", "watch", "text", "replay", "step", "recompute", "dispatch"} | {
        "long_refusals",
        "off_tape",
        "hooks",
        "feeds",
    }
    assert not second & {path.stem for path in closure()}


def test_the_reading_order_names_every_file_of_the_core():
    text = (CORE / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in CORE.glob("*.py")} - {"__init__.py"}
    assert {name for name in files if f"`{name}`" not in text} == set()
