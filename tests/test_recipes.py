"""What CONTRIBUTING.md says it takes to add an op, a gate, a cell: done in a copy, where it has to work."""

import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import children

ROOT = Path(__file__).parents[1]
PARTS = ["minigrad", "models", "viz", "tests", "benchmarks", "pyproject.toml", "README.md"]
GENERATED = shutil.ignore_patterns("__pycache__", ".hypothesis", "*.pyc")
MAX_SECONDS = 300


class Edit(NamedTuple):
    """A place in a file, and what is written before it."""

    file: str
    before: str
    text: str


class Recipe(NamedTuple):
    """The places to write to, and the tests that meet what was written there."""

    edits: list[Edit]
    tests: list[str]
    chosen: str


# --- an op: its row, its test row -----------------------------------------------------------------
NANCUMSUM = Edit(
    "minigrad/ops/elementwise.py",
    "",
    """

# each element is in all sums from its own on
defvjp(
    np.nancumsum,
    lambda g, y, x, axis=None: np.reshape(
        np.flip(np.cumsum(np.flip(g, axis), axis), axis), x.shape
    ),
    says="flip(cumsum(flip({g}, {axis}), {axis}), {axis})",
)
""",
)
NANCUMSUM_ROW = Edit(
    "tests/minigrad/ops/rows_elementwise.py",
    "    (mg.sigmoid,",
    '    (np.nancumsum, "", along(np.nancumsum)),\n',
)
OP = Recipe(
    [NANCUMSUM, NANCUMSUM_ROW],
    ["tests/minigrad/ops", "tests/minigrad/core/test_dispatch.py"],
    "nancumsum or every_differentiable_function",
)

# --- a gate: its row, its mark, its test row ------------------------------------------------------
CLIP_VALUE = Edit(
    "minigrad/core/gates.py",
    "def _clipped(",
    '''\
@dispatched
def clip_grad_value(x: Any, limit: float) -> Any:
    """Clip every element of the gradient to [-limit, limit]."""
    return x


def _clipped_value(g: Any, y: Any, x: Any, limit: float = 1.0) -> Any:
    return np.clip(g, -limit, limit)


''',
)
CLIP_VALUE_TABLE = Edit(
    "minigrad/core/gates.py",
    "",
    """\
gate(clip_grad_value, _clipped_value, says="clip({g}, -{limit}, {limit})")
""",
)
CLIP_VALUE_MARK = Edit(
    "viz/graphs/marks.py",
    "}\n",
    """\
    gates.clip_grad_value: lambda gate: Mark(f"|g| ≤ {gate.kwargs['limit']:.4g}", closed=False),
""",
)
CLIP_VALUE_ROW = Edit(
    "tests/gates.py",
    "}\n",
    "    gates.clip_grad_value: lambda x, s: gates.clip_grad_value(x, 0.1 + abs(s)),\n",
)
GATE = Recipe(
    [CLIP_VALUE, CLIP_VALUE_TABLE, CLIP_VALUE_MARK, CLIP_VALUE_ROW],
    [
        "tests/minigrad/core/test_gates.py",
        "tests/minigrad/ops/test_sentences.py",
        "tests/minigrad/ops/test_rules.py",
        "tests/viz/graphs/test_marks.py",
    ],
    "clip_grad_value or every_gate or every_differentiable_function",
)

# --- a cell: its class, its row -------------------------------------------------------------------
MGU = Edit(
    "models/cells.py",
    "@dataclass(frozen=True)",
    '''\
class MGUCell(RNNCell):
    """Minimal gated unit: one gate both forgets and lets in. As RNNCell. Source: Zhou et al. 2016."""

    def __init__(
        self,
        d: int,
        h: int,
        rng: Any = None,
        sigma: float = 0.01,
        dtype: Any = np.float64,
    ) -> None:
        init = Init(rng, sigma, dtype)
        self.W_xf, self.W_hf, self.b_f = init.gate("f", d, h)
        self.W_xh, self.W_hh, self.b_h = init.gate("h", d, h)

    def __call__(self, x: Any, h: Any, mask: Any = None) -> Step:
        """(X_t, H_{t-1}) -> (H_t, H_t)."""
        read = _dropped(h, mask)
        f = mg.sigmoid(x @ self.W_xf + read @ self.W_hf + self.b_f)
        candidate = np.tanh(x @ self.W_xh + (f * read) @ self.W_hh + self.b_h)
        h = (1 - f) * h + f * candidate
        return h, h


''',
)
MGU_ROW = Edit("models/cells.py", "}\n", '    "mgu": CellKind(MGUCell, gates=2, rate=4.0),\n')
CELL = Recipe(
    [MGU, MGU_ROW],
    [
        "tests/models/test_cells.py",
        "tests/models/test_language_model.py",
        "tests/models/train/test_checkpoint.py",
        "tests/models/train/test_carry.py",
        "tests/minigrad/compiler/test_compile_models.py::test_recurrent_models_with_every_transform",
    ],
    "mgu or MGU or kind_that_there_is_not",
)


def written(copy, edit):
    """Write one edit into the copy: before the one place that it names, or at the end."""
    file = copy / edit.file
    text = file.read_text(encoding="utf-8")
    head, tail = text, ""
    if edit.before:
        head, tail = text.split(edit.before)
        tail = edit.before + tail
    file.write_text(head + edit.text + tail, encoding="utf-8")


@pytest.fixture
def copy(tmp_path):
    """The repository's files in a folder of their own."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=GENERATED)
        else:
            shutil.copy(ROOT / part, folder / part)
    return folder


def outcome(copy, edits, recipe):
    """The exit status and the output of the recipe's tests in the copy with these edits."""
    for edit in edits:
        written(copy, edit)
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider"]
    child = children.run(
        [*command, *recipe.tests, "-k", recipe.chosen],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=MAX_SECONDS,
        check=False,
    )
    return child.returncode, child.stdout + child.stderr


RECIPES = {"an op": (OP, 2), "a gate": (GATE, 3), "a cell": (CELL, 1)}


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_declared_in_these_places_works_everywhere(name, copy):
    recipe, max_files = RECIPES[name]
    assert len({edit.file for edit in recipe.edits}) <= max_files
    status, output = outcome(copy, recipe.edits, recipe)
    assert status == 0, output


@pytest.mark.parametrize("name", ["an op", "a gate"])
def test_what_has_no_test_row_is_missed(name, copy):
    recipe, _ = RECIPES[name]
    status, output = outcome(copy, recipe.edits[:-1], recipe)
    assert status == 1, output
