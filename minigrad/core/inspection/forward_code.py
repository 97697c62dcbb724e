"""The code of a frame that stands on a forward line of the user's, and the names that it sees."""

from __future__ import annotations

import ast
import functools
import keyword
import re
import sys
from collections.abc import Iterable
from types import CodeType, FrameType
from typing import Any

from minigrad.source import span

# What it calls is C: the first function of Python's that a debugger can step into is the rule. To a
# trace function each round of a loop is an event, though on one line: behind breakpoint() a
# debugger stops right here. The first loop and the end of the last line are Stepping's.
TEMPLATE = """
def backward(step, grad, formula):
    for watch in step._entry:
        pass
    for watch in step._stops:
        breakpoint()
    return (
        step._gather(step._applied),
        step._tracer(),
        step._is(step._of(step._tracer(), "__self__", None), step._pdb) and step._untrace(),
    )
"""
TITLE = "backward of "
RESERVED = {"step", "grad", "formula", "watch"}
# to sys.monitoring only a change of lines is one: there breakpoint() is called from behind the file
BEYOND_EVERY_FILE = 1_000_000
# those of the places and names that a debugger meets again in the next pass
MAX_CODES = 10_000
NOWHERE = compile("", "<backward>", "exec"), 0


def variables_for(labels: Iterable[str]) -> tuple[str, ...]:
    """A variable for each label, as Python may read it; none twice."""
    names = dict.fromkeys(RESERVED)
    for label in labels:
        name = re.sub(r"\W", "_", label)
        if not name.isidentifier() or keyword.iskeyword(name):
            name = f"_{name}"
        while name in names:
            name += "_"
        names[name] = None
    return tuple(names)[len(RESERVED) :]


@functools.lru_cache(MAX_CODES)
def code_at(
    where: tuple[str, CodeType, int], title: str, tensors: tuple[str, ...], for_monitoring: bool
) -> CodeType:
    """The template's code as it would be if the user had written it there."""
    code = _template(where, len(tensors), for_monitoring)
    variables = ("step", "grad", "formula", *tensors, "watch")
    return code.replace(co_name=title, co_qualname=title, co_varnames=variables)


@functools.lru_cache(MAX_CODES)
def _template(where: tuple[str, CodeType, int], count: int, for_monitoring: bool) -> CodeType:
    """The template with so many tensors, compiled for the expression at a place of the user's."""
    file, code, instruction = where
    (line, column), (last_line, last_column) = span((code, instruction))
    tree = ast.parse(TEMPLATE)
    (function,) = tree.body
    assert isinstance(function, ast.FunctionDef)
    function.args.args += [ast.arg(f"_{i}") for i in range(count)]
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.expr, ast.arg)):
            node.lineno, node.col_offset = line, column
            node.end_lineno, node.end_col_offset = last_line, last_column
        if isinstance(node, ast.Attribute):
            # Python gives it the line where it ends, which would be a second event of the visit
            node.end_lineno, node.end_col_offset = line, column
        if for_monitoring and isinstance(node, ast.Call) and ast.unparse(node) == "breakpoint()":
            node.lineno = node.end_lineno = BEYOND_EVERY_FILE
            node.end_col_offset = column
    module = compile(tree, file, "exec", dont_inherit=True)
    return next(c for c in module.co_consts if isinstance(c, CodeType))


def globals_of(file: str) -> dict[str, Any]:
    """The global names of the user's code in a file, for what is evaluated in the frame."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == file:
            return frame.f_globals
        frame = frame.f_back
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == file:
            return vars(module)
    return vars(sys.modules["__main__"])
