"""The laws of the house: how the code is laid out and how it reads, counted by benchmarks/texture.py."""

import ast
import importlib
import importlib.util
import re
from collections import Counter
from pathlib import Path

import pytest

import minigrad
from benchmarks import texture
from minigrad import models, viz
from tests.extras import NEEDED

ROOT = Path(__file__).parents[1]
PACKAGES = ("minigrad", "models", "viz")
MAX_TOKENS_PER_LINE = 9
MAX_BRANCHES = 15
MAX_COLUMNS = 100
MAX_SIBLINGS = 20
MAX_FILE_LINES = 300

FILES = [path for package in PACKAGES for path in texture.files(ROOT / package)]


def names(paths):
    return sorted(str(path.relative_to(ROOT)) for path in paths)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_line_holds_one_thought(package):
    counts = [texture.texture(path) for path in texture.files(ROOT / package)]
    tokens = sum(count.tokens for count in counts)
    lines = sum(count.code_lines for count in counts)
    assert tokens / lines <= MAX_TOKENS_PER_LINE


def test_no_line_is_too_long():
    assert [
        f"{path}:{k}"
        for path in FILES
        for k, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > MAX_COLUMNS
    ] == []


def test_no_function_has_too_many_branches():
    knotty = [
        f for path in FILES for f in texture.texture(path).functions if f.branches > MAX_BRANCHES
    ]
    assert [f"{f.path.relative_to(ROOT)}:{f.line} {f.name}" for f in knotty] == []


def test_no_conditional_expression_is_chained_and_no_statement_crowded():
    counts = {path: texture.texture(path) for path in FILES}
    assert names(path for path, count in counts.items() if count.chained) == []
    assert names(path for path, count in counts.items() if count.crowded) == []


def test_folders_and_files_are_of_a_size_that_one_looks_over():
    siblings = Counter(path.parent for path in FILES)
    assert names(folder for folder, count in siblings.items() if count > MAX_SIBLINGS) == []
    long_files = [path for path in FILES if texture.texture(path).lines > MAX_FILE_LINES]
    # the one class whose methods users call, each with what it does
    assert names(long_files) == ["minigrad/core/tensor.py"]


def test_a_formatter_is_silenced_at_tables_only():
    """Where `fmt: skip` stands, a literal of several lines ends: a table whose columns say something."""
    for path in FILES:
        lines = path.read_text().splitlines()
        for k, line in enumerate(lines):
            if "fmt: skip" in line:
                assert re.match(r"\s*[\])}]", line), f"{path}:{k + 1}"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_files_of_a_package_have_one_name(package):
    count = Counter(
        path.name for path in texture.files(ROOT / package) if path.name != "__init__.py"
    )
    assert [name for name, times in count.items() if times > 1] == []


def is_importable(name):
    """Whether what a module needs is installed."""
    return name not in NEEDED or importlib.util.find_spec(NEEDED[name]) is not None


def test_no_attribute_of_a_package_hides_a_module():
    """`import minigrad.x as T` gives the module x, never a function of that name."""
    for path in FILES:
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts if parts[0] == "minigrad" else ("minigrad", *parts))
        if path.name in ("__init__.py", "__main__.py") or not is_importable(name):
            continue
        module = importlib.import_module(name)
        parent, _, leaf = name.rpartition(".")
        assert getattr(importlib.import_module(parent), leaf) is module


def strings_that_import(tree):
    """Calls that name a module of ours in a string, to import it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in ("import_module", "__import__", "companion", "run_module", "resolve_name"):
                yield node.lineno


def test_no_module_is_named_in_a_string():
    assert [
        f"{path}:{line}"
        for path in FILES
        for line in strings_that_import(ast.parse(path.read_text()))
    ] == []
    assert list(
        strings_that_import(
            ast.parse("import importlib\nx = importlib.import_module('minigrad.viz')")
        )
    ) == [2]


INTERNAL = {
    "minigrad",
    "minigrad.transforms",
    "minigrad.errors",
    "minigrad.optim",
    "minigrad.internal",
}


@pytest.mark.parametrize("package", ["models", "viz"])
def test_models_and_viz_use_the_engine_s_public_names_and_one_door(package):
    for path in texture.files(ROOT / package):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                modules = [node.module]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            for module in modules:
                if module.split(".")[0] == "minigrad" and module.split(".")[:2] not in (
                    ["minigrad", "models"],
                    ["minigrad", "viz"],
                ):
                    assert module in INTERNAL, f"{path}:{node.lineno} imports {module}"


EXAMPLES = [
    *((minigrad, name) for name in minigrad.__all__),
    *((minigrad.transforms, name) for name in minigrad.transforms.__all__),
    *((models, name) for name in models.__all__),
    *((viz, name) for name in viz.__all__),
]


@pytest.mark.parametrize(("where", "name"), EXAMPLES, ids=lambda x: getattr(x, "__name__", x))
def test_every_public_name_has_an_example_that_runs(where, name):
    value = getattr(where, name)
    if type(value).__name__ == "module":
        return
    assert ">>>" in (value.__doc__ or ""), f"{name} has no example"


def raises(function):
    """The errors of ours that a function raises in its own body."""
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = ast.unparse(node.exc.func)
            if name.endswith("Error") and name[0].isupper():
                yield name


def test_a_public_function_that_raises_says_so():
    public = {name for where, name in EXAMPLES}
    silent = []
    for path in FILES:
        for node in ast.parse(path.read_text()).body:
            command = path.parts[-2] == "cli"
            if isinstance(node, ast.FunctionDef) and node.name in public and not command:
                says = ast.get_docstring(node) or ""
                silent += [
                    f"{path}:{node.lineno} {error}" for error in raises(node) if error not in says
                ]
    assert silent == []
