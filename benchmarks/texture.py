"""How the code reads, in numbers: tokens a line, branches a function, conditional expressions, comments ...

    python benchmarks/texture.py [FOLDER ...]

prints a row per folder (default: minigrad, minigrad/compiler, models, viz) and, with --worst, the functions and
files to look at first; with --docs it writes the rows into docs/house.md. The laws on these numbers are tests
(tests/test_house.py).
"""

from __future__ import annotations

import argparse
import ast
import io
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("minigrad", "minigrad/compiler", "models", "viz")
PAGE = ROOT / "docs" / "house.md"
# the table of the page stands between these
BEGIN = "<!-- python benchmarks/texture.py --docs -->\n"
END = "<!-- end -->\n"
MAX_BRANCHES = 15
MAX_COLUMNS = 100
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LAYOUT = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


@dataclass(frozen=True)
class Function:
    """A function and the ways through it: statements and expressions that branch, and one."""

    name: str
    path: Path
    line: int
    branches: int
    hinted: bool


@dataclass(frozen=True)
class Texture:
    """What is counted in one file; texts add up."""

    code_lines: int
    tokens: int
    lines: int
    comment_lines: int
    long_lines: int
    ternaries: int
    chained: int
    comprehensions: int
    crowded: int
    functions: tuple[Function, ...]


def files(folder: Path) -> list[Path]:
    """The Python files below a folder."""
    return sorted(folder.rglob("*.py"))


@cache
def texture(path: Path) -> Texture:
    """The counts of one file."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    tokens, code_lines, comment_lines = count_tokens(source)
    nodes = list(ast.walk(tree))
    ternaries = [node for node in nodes if isinstance(node, ast.IfExp)]
    lines = source.splitlines()
    return Texture(
        code_lines=code_lines,
        tokens=tokens,
        lines=len(lines),
        comment_lines=comment_lines,
        long_lines=sum(len(line) > MAX_COLUMNS for line in lines),
        ternaries=len(ternaries),
        chained=sum(isinstance(node.orelse, ast.IfExp) for node in ternaries),
        comprehensions=sum(isinstance(node, COMPREHENSIONS) for node in nodes),
        crowded=sum(comprehensions_in(node) > 1 for node in nodes if isinstance(node, ast.stmt)),
        functions=tuple(functions(tree, path)),
    )


def count_tokens(source: str) -> tuple[int, int, int]:
    """Tokens without layout, comments and docstrings; the lines that hold them; lines with a comment alone.

    An f-string is one token, as it was before Python 3.12.
    """
    docstrings = docstring_starts(ast.parse(source))
    tokens = 0
    lines: set[int] = set()
    comment_lines = 0
    inside_fstring = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "COMMENT":
            comment_lines += token.line.lstrip().startswith("#")
        if kind == "COMMENT" or token.type in LAYOUT or token.start in docstrings:
            continue
        if kind in ("FSTRING_END", "TSTRING_END"):
            inside_fstring -= 1
        elif inside_fstring == 0:
            tokens += 1
        if kind in ("FSTRING_START", "TSTRING_START"):
            inside_fstring += 1
        lines.update(range(token.start[0], token.end[0] + 1))
    return tokens, len(lines), comment_lines


def docstring_starts(tree: ast.Module) -> set[tuple[int, int]]:
    """Where the docstrings of a module, its classes and functions begin."""
    starts = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS))
            and ast.get_docstring(node) is not None
        ):
            starts.add((node.body[0].lineno, node.body[0].col_offset))
    return starts


def comprehensions_in(statement: ast.stmt) -> int:
    """Comprehensions in a statement itself, not in the statements of its body."""
    count = 0
    waiting = [n for n in ast.iter_child_nodes(statement) if not isinstance(n, ast.stmt)]
    while waiting:
        node = waiting.pop()
        count += isinstance(node, COMPREHENSIONS)
        waiting += [n for n in ast.iter_child_nodes(node) if not isinstance(n, ast.stmt)]
    return count


def functions(tree: ast.Module, path: Path) -> Iterator[Function]:
    """Every function of a file, those inside others too."""
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            hints = [a.annotation for a in arguments if a.arg not in ("self", "cls")]
            hinted = node.returns is not None and all(hints)
            yield Function(node.name, path, node.lineno, branches(node), hinted)


def branches(function: ast.AST) -> int:
    """Ways through a function: 1, and one for each if, loop, handler, case, and, or, conditional, comprehension."""
    total = 1
    for node in ast.walk(function):
        if isinstance(
            node, (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.IfExp, ast.match_case)
        ):
            total += 1
        elif isinstance(node, ast.BoolOp):
            total += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            total += 1 + len(node.ifs)
    return total


def row(folder: str) -> str:
    """One line of the table: a folder in numbers."""
    read = [texture(path) for path in files(ROOT / folder)]
    code = sum(t.code_lines for t in read)
    lines = sum(t.lines for t in read)
    every = [f for t in read for f in t.functions]
    knotty = [f for f in every if f.branches > MAX_BRANCHES]
    hinted = [f for f in every if f.hinted]
    siblings = max(
        len(list(d.glob("*.py"))) for d in {path.parent for path in files(ROOT / folder)}
    )
    cells = [
        folder,
        f"{code:,}",
        f"{sum(t.tokens for t in read) / code:.1f}",
        f"{100 * sum(t.ternaries for t in read) / code:.1f}",
        f"{100 * sum(t.comprehensions for t in read) / code:.1f}",
        f"{sum(t.long_lines for t in read) / lines:.1%}",
        f"{sum(t.comment_lines for t in read) / lines:.1%}",
        f"{len(knotty)} of {len(every)}",
        f"{siblings}",
        f"{len(hinted) / len(every):.0%}",
        f"{sum(t.chained for t in read)}",
        f"{sum(t.crowded for t in read)}",
    ]
    return "| " + " | ".join(cells) + " |"


HEAD = (
    "| folder | code lines | tokens/line | ternaries/100 | comprehensions/100 | >100 columns | comment lines "
    "| functions over 15 branches | most siblings | hints | chained ternaries | crowded statements |"
)


def table(folders: Sequence[str]) -> str:
    """The rows of some folders under their head."""
    rule = "|---" * HEAD.count(" | ") + "|---|"
    rows = [row(folder) for folder in folders]
    return "\n".join([HEAD, rule, *rows])


def around_table(page: str) -> tuple[str, str, str]:
    """What is before the table of the page, the table, what is after it."""
    before, rest = page.split(BEGIN)
    printed, after = rest.split(END)
    return before, printed, after


def write_docs() -> None:
    """Put the table of today into docs/house.md."""
    before, _, after = around_table(PAGE.read_text(encoding="utf-8"))
    page = f"{before}{BEGIN}{table(FOLDERS)}\n{END}{after}"
    PAGE.write_text(page, encoding="utf-8")


def worst(folder: str) -> Iterator[str]:
    """The files with most tokens a line, the functions with most branches, the statements that are crowded."""
    for path in files(ROOT / folder):
        t = texture(path)
        name = path.relative_to(ROOT)
        if t.code_lines and t.tokens / t.code_lines > 9:
            yield f"{name}: {t.tokens / t.code_lines:.1f} tokens a line"
        if t.long_lines or t.chained or t.crowded:
            yield f"{name}: {t.long_lines} long lines, {t.chained} chained ternaries, {t.crowded} crowded statements"
        for f in t.functions:
            if f.branches > MAX_BRANCHES:
                yield f"{name}:{f.line}: {f.name} has {f.branches} branches"


def main() -> None:
    """Print the table, or write it into the page."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("folders", nargs="*", default=FOLDERS)
    options.add_argument("--worst", action="store_true", help="also what to look at first")
    options.add_argument("--docs", action="store_true", help="write docs/house.md anew instead")
    args = options.parse_args()
    if args.docs:
        write_docs()
        return
    print(table(args.folders))
    if args.worst:
        for folder in args.folders:
            print(*worst(folder), sep="\n")


if __name__ == "__main__":
    main()
