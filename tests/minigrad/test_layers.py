"""Imports point downwards only, and importing the engine loads nothing else."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = [  # a module imports modules of the lines above its own
    {"place"},
    {"errors"},
    {"scope", "companions", "files", "garbage", "options", "summary", "listing", "norms"},
    {"watch", "vjps", "peeks"},
    {"gates", "functions", "outside", "arrays"},
    {"tensor", "formulas"},
    {"symbols"},
    {"stale", "walk", "reading"},
    {"recompute", "times"},
    {"sweep"},
    {"tape"},
    {"backward", "nonfinite"},
    {"transforms", "optim", "anomaly", "session", "compile"},
    {"blame", "breakpoints"},
    {"check", "views"},
    {"debugger"},
    {"debug"},
    {""},  # minigrad/__init__.py
    {"demo", "script", "training"},
    {"__main__"},
]
CORE = ["edges", "gradients", "truncation"]  # of the transforms
RANK = {name: i for i, layer in enumerate(LAYERS) for name in layer}


def modules(package):
    return sorted((ROOT / package).rglob("*.py"))


def imported(path, source=None):
    """The full names of the modules that a file imports, also inside functions."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(source or path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) + 1 - node.level]) if node.level else []
            base += node.module.split(".") if node.module else []
            for alias in node.names:
                file = ROOT.joinpath(*base, alias.name)
                is_module = file.with_suffix(".py").exists() or file.is_dir()
                yield ".".join([*base, alias.name] if is_module else base)


def part(name):
    """The module or subpackage of minigrad that a full name lies in; "" for minigrad itself."""
    return [*name.split("."), ""][1]


@pytest.mark.parametrize("path", modules("minigrad"), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_of_the_engine_point_downwards(path):
    mine = path.relative_to(ROOT).with_suffix("").parts[1].replace("__init__", "")
    assert mine in RANK, f"give {mine} a layer"
    for name in imported(path):
        if name.split(".")[0] == "minigrad" and part(name) != mine:
            assert RANK[part(name)] < RANK[mine], f"{mine} imports {name}"


def lines(*names):
    files = [file for name in names for file in (ROOT / "minigrad").glob(f"{name}.py")]
    assert len(files) >= len(names), "the core is where it is said to be"
    return {file.relative_to(ROOT): len(file.read_text(encoding="utf-8").splitlines()) for file in files}


def test_the_core_stays_small():
    """What a tape is, how it is recorded and rewritten; the sweep, and what other transforms do, come after."""
    core = lines("tensor", "tape", "gates", "transforms/__init__", *[f"transforms/{name}" for name in CORE])
    assert sum(core.values()) < 900, core
    assert max(lines("*", "*/*").values()) < 300


def outside(package):
    return {name.split(".")[0] for path in modules(package) for name in imported(path)} - {"__future__"}


def test_the_engine_needs_numpy_only():
    optional = {"threadpoolctl"}  # without it a batch is not split over threads, and print(plan) says so
    assert outside("minigrad") - sys.stdlib_module_names - optional <= {"numpy", "minigrad"}
    code = "import sys; sys.modules['threadpoolctl'] = None; import minigrad.compile; import minigrad as mg; " \
           "print(mg.compile(mg.Tape.of(mg.tensor(2.0, name='x') * 2))()[0])"  # fmt: skip
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout == "4.0\n"


def test_models_and_viz_do_not_know_each_other():
    assert "viz" not in outside("models")
    assert "models" not in outside("viz")


def test_the_parser_sees_what_it_should():
    source = """
import a.b, numpy as np
from . import table
from .table import defvjp
from ..errors import ShapeError
def f():
    from .. import gates
"""
    seen = imported(ROOT / "minigrad" / "vjps" / "imagined.py", source)
    table = "minigrad.vjps.table"
    assert list(seen) == ["a.b", "numpy", table, table, "minigrad.errors", "minigrad.gates"]


def test_importing_the_engine_loads_neither_companions_nor_their_libraries():
    code = "import sys, minigrad; print(*sorted(sys.modules))"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, cwd=ROOT)
    loaded = {name.split(".")[0] for name in run.stdout.split()}
    assert "minigrad" in loaded
    assert not loaded & {"models", "viz", "graphviz", "pygraphviz", "matplotlib", "tqdm", "safetensors", "pytest"}
