"""What pages say of the code is so: the numbers, the files that they name."""

import ast
import re
from pathlib import Path

import pytest

from benchmarks import texture

ROOT = Path(__file__).parents[1]
HOUSE = "docs/house.md"
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    HOUSE,
    "docs/pictures.md",
    "minigrad/README.md",
    "minigrad/core/README.md",
    "minigrad/compiler/README.md",
]
LINE_COUNTS = ["minigrad/README.md", "minigrad/core/README.md"]
# made by a command that the page gives
MADE = {"build/"}
# its code names files that its readers write
LINKS_ONLY = {"README.md", "docs/pictures.md"}
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#:]+)\)")
FILE = re.compile(r"[\w./*-]+(\.(py|md|html|css|js|toml|txt|yaml)|/)")
COUNTED = re.compile(r"^\| `([\w./]+)` \| ([\d,]+) \|", re.MULTILINE)
NUMBER = re.compile(r"[\d,.]+")
# in a hundred, so that not every commit has to touch a page
MAX_STALENESS = 5


def text(page):
    return (ROOT / page).read_text(encoding="utf-8")


def named_paths(page):
    """The files and folders that a page names in code, a function perhaps after a colon, or links to."""
    yield from LINK.findall(text(page))
    if page in LINKS_ONLY:
        return
    for code in CODE.findall(text(page)):
        for word in code.split():
            path = word.rstrip(",:").split("::")[0]
            if FILE.fullmatch(path) and path not in MADE:
                yield path


def exists(path, page):
    """Whether a path, perhaps with an asterisk, is there: seen from the page, or from the root."""
    folders = ((ROOT / page).parent, ROOT)
    return any(any(folder.glob(path)) for folder in folders)


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_is_there(page):
    paths = list(named_paths(page))
    assert len(paths) > 2
    assert [path for path in paths if not exists(path, page)] == []


def test_every_name_in_the_table_of_changes_is_defined_in_its_file():
    table = text(HOUSE).split("## Where do I change ...?")[1]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 13
    for row in rows:
        assert FILE.search(row), row
    for path, name in re.findall(r"`(\S+\.py): (\w+)`", table):
        assert name in defined(path), f"{path}: {name}"


def defined(path):
    """The functions, classes and constants at the top of a file."""
    for statement in ast.parse(text(path)).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield statement.name
        if isinstance(statement, ast.Assign):
            yield from (ast.unparse(target) for target in statement.targets)


def test_the_numbers_of_the_house_are_those_of_today():
    _, printed, _ = texture.around_table(text(HOUSE))
    today = texture.table(texture.FOLDERS)
    assert NUMBER.sub("", printed.strip()) == NUMBER.sub("", today)
    for old, new in zip(numbers(printed), numbers(today), strict=True):
        remedy = "run python benchmarks/texture.py --docs"
        assert old == pytest.approx(new, rel=MAX_STALENESS / 100, abs=0.2), remedy


def numbers(page):
    """Those of a table, its head aside."""
    _, _, rows = page.split("\n", 2)
    return [float(number.replace(",", "")) for number in NUMBER.findall(rows)]


@pytest.mark.parametrize("page", LINE_COUNTS)
def test_the_line_counts_of_a_reading_order_are_those_of_today(page):
    rows = COUNTED.findall(text(page))
    assert len(rows) > 10
    for name, count in rows:
        path = (ROOT / page).parent / name
        files = texture.files(path) if path.is_dir() else [path]
        lines = sum(texture.texture(file).code_lines for file in files)
        # the pages round to ten
        assert int(count.replace(",", "")) == pytest.approx(
            lines, rel=MAX_STALENESS / 100, abs=6
        ), name
