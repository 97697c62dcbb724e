"""Imports point downwards only, and importing the engine loads nothing else."""

import ast
import sys
from pathlib import Path

import pytest

from tests import children

ROOT = Path(__file__).parents[1]
# From the bottom up: a module imports from rooms of the lines before its own, and from its own room without a cycle.
ROOMS = [
    "scoping source errors files gc_paused",
    "core ops",
    "containers",
    "transforms optim functional losses",
    "compiler checks engines",
    "debugger",
    "internal",
    "minigrad",
    "models viz",
    "cli",
]
# Functions that look upward when they are called, by a visible import: what a notebook shows, the debugger's picture,
# the laboratory's page.
UPWARD = {
    ("minigrad.core.inspection.text", "viz"),
    ("minigrad.debugger.terminal", "viz"),
    ("minigrad.models.lab.report", "viz"),
}
# What the core imports inside functions because a first reader does not need it (minigrad/core/README.md), and the
# one import from above: backward.
SECOND_READING = {
    "minigrad.core.array": {"minigrad.core.long_refusals"},
    "minigrad.core.convert": {
        "minigrad.core.inspection.looks",
        "minigrad.core.inspection.reads",
        "minigrad.core.inspection.text",
        "minigrad.core.long_refusals",
    },
    "minigrad.core.gates": {
        "minigrad.core.inspection.hooks",
        "minigrad.core.inspection.watch",
        "minigrad.core.norms",
    },
    "minigrad.core.tape": {
        "minigrad.core.inspection.looks",
        "minigrad.core.rerun.replay",
        "minigrad.core.inspection.step",
        "minigrad.core.inspection.text",
        "minigrad.core.recurrence.state",
    },
    # the error of a scope, below the file with the errors
    "minigrad.scoping": {"minigrad.errors"},
    "minigrad.core.seed": {"minigrad.core.long_refusals"},
    "minigrad.core.gradient": {"minigrad.core.finished", "minigrad.core.long_refusals"},
    "minigrad.core.sweep": {
        "minigrad.core.finished",
        "minigrad.core.inspection.frames",
        "minigrad.core.inspection.reads",
        "minigrad.core.long_refusals",
    },
    "minigrad.core.versions": {"minigrad.core.long_refusals"},
    "minigrad.core.tensor": {
        "minigrad.core.dispatch",
        "minigrad.core.finished",
        "minigrad.core.gradient",
        "minigrad.core.rerun.off_tape",
    },
}
RANK = {room: rank for rank, line in enumerate(ROOMS) for room in line.split()}


def name_of(path):
    """The full name under which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    inside = parts if parts[0] == "minigrad" else ("minigrad", *parts)
    return ".".join(inside).removesuffix(".__init__")


FILES = sorted(path for top in ("minigrad", "models", "viz") for path in (ROOT / top).rglob("*.py"))
MODULES = {name_of(path): path for path in FILES}


def statements(tree):
    """Everything in a file but what only a type checker reads."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            yield node
            waiting += reversed(list(ast.iter_child_nodes(node)))


def imported(path, source=None):
    """The full names of the modules that a file imports, also inside functions, but for those declared."""
    declared = SECOND_READING.get(name_of(path), set())
    for name in every_import(path, source):
        if name not in declared:
            yield name


def every_import(path, source=None):
    """The full names of the modules that a file imports, also inside functions."""
    inside = name_of(path).split(".")
    package = inside if path.name == "__init__.py" else inside[:-1]
    for node in statements(ast.parse(source or path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) + 1 - node.level]) if node.level else []
            base += node.module.split(".") if node.module else []
            for alias in node.names:
                full = ".".join([*base, alias.name])
                yield full if full in MODULES else ".".join(base)


def room(name):
    """The room that a module lies in: a folder of the engine, a file at its top, or models or viz."""
    return [*name.split("."), "minigrad"][1]


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_downwards(name):
    if name == "minigrad.__main__":
        return
    mine = room(name) if name != "minigrad" else "minigrad"
    assert mine in RANK, f"give {mine} a line in ROOMS"
    for other in imported(MODULES[name]):
        if other.split(".")[0] == "minigrad" and other != "minigrad" and room(other) != mine:
            if (name, room(other)) in UPWARD:
                continue
            assert RANK[room(other)] <= RANK[mine], f"{name} imports {other}"


def test_no_import_cycle():
    waiting = {
        name: {o for o in imported(path) if o in MODULES and (name, room(o)) not in UPWARD}
        - {name, "minigrad"}
        for name, path in MODULES.items()
    }
    done = {"minigrad"}
    while waiting:
        ready = [name for name, needs in waiting.items() if needs <= done]
        assert ready, f"a cycle among {sorted(waiting)}"
        for name in ready:
            del waiting[name]
        done.update(ready)


@pytest.mark.parametrize("name", SECOND_READING)
def test_what_is_declared_is_imported_inside_functions(name):
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inside = set()
    for function in functions:
        inside.update(every_import(MODULES[name], ast.unparse(function)))
    assert inside >= SECOND_READING[name]


def outside(*tops):
    """The packages of others that ours import."""
    names = {
        other.split(".")[0]
        for path in FILES
        if path.relative_to(ROOT).parts[0] in tops
        for other in imported(path)
    }
    return names - {"__future__", "minigrad"} - sys.stdlib_module_names


def test_the_engine_needs_numpy_only():
    # without the first a batch is not split over threads, and print(plan) says so; from_onnx asks for the second
    optional = {"threadpoolctl", "onnx", "jax"}
    assert outside("minigrad") - optional <= {"numpy"}
    code = (
        "import sys; sys.modules['threadpoolctl'] = None; import minigrad as mg; "
        "print(mg.compile(mg.Tape.of(mg.tensor(2.0, name='x') * 2))()[0])"
    )
    done = children.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=60,
    )
    assert done.stdout == "4.0\n"


def test_models_and_viz_do_not_know_each_other():
    other_of = {"models": "viz", "viz": "models"}
    for name, path in MODULES.items():
        other = other_of.get(room(name))
        if other and (name, other) not in UPWARD:
            assert not [o for o in imported(path) if o.startswith(f"minigrad.{other}")], name


def test_the_parser_sees_what_it_should():
    source = """
import a.b, numpy as np
from . import table
from .table import defvjp
from ..errors import ShapeError
def f():
    from ..core import gates
if TYPE_CHECKING:
    from ..core import tape
"""
    seen = imported(ROOT / "minigrad" / "ops" / "imagined.py", source)
    table = "minigrad.ops.table"
    assert list(seen) == ["a.b", "numpy", table, table, "minigrad.errors", "minigrad.core.gates"]


def test_importing_the_engine_loads_neither_companions_nor_their_libraries():
    code = "import sys, minigrad; print(*sorted(sys.modules))"
    done = children.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=60,
    )
    loaded = set(done.stdout.split())
    assert "minigrad" in loaded
    libraries = {"graphviz", "pygraphviz", "matplotlib", "tqdm", "safetensors", "pytest"}
    assert not loaded & {"minigrad.models", "minigrad.viz", *libraries}
