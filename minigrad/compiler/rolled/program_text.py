"""The rolled program as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.ops import op_name

from .rolled_program import Call, Form, Index, Loop, Program, Read

# longer keywords are cut short
MAX_ENTRIES = 6


def lines(program: Program) -> Iterator[str]:
    """A line for every input, constant, call and output; bodies are indented."""
    for name, form in program.inputs.items():
        yield f"{name}: {_form(form)}"
    for name, array in program.constants.items():
        if array.size > 1:
            yield f"{name}: {_form(Form(array.shape, array.dtype))} = constant"
    numbers = {n: f"{a.item():.6g}" for n, a in program.constants.items() if a.size == 1}
    for block in program.blocks:
        if isinstance(block, Call):
            yield _call(block, numbers)
        else:
            yield from _loop(block, numbers)
    outputs = [_read(read, numbers) for read in program.outputs]
    yield f"return {', '.join(outputs)}"


def _loop(loop: Loop, numbers: dict[str, str]) -> Iterator[str]:
    how = "for" if loop.carries else "all"
    steps = f"{loop.steps - 1}..0" if loop.backward else f"0..{loop.steps - 1}"
    lanes = f", s = 0..{loop.lanes - 1} side by side" if loop.lanes > 1 else ""
    yield f"{how} t = {steps}{lanes}:"
    for carry in loop.carries:
        first = ", ".join([_read(read, numbers) for read in carry.first])
        yield f"    {carry.name} is at first {first}"
    for call in loop.body:
        yield f"    {_call(call, numbers)}"
    for name, value in loop.stacked.items():
        yield f"    {value}[t] = {name}"
    for name, value in loop.summed.items():
        yield f"    {value} += {name}"


def _call(call: Call, numbers: dict[str, str]) -> str:
    arguments = [_read(read, numbers) for read in call.reads]
    arguments += [f"{key}={_text(value)}" for key, value in call.kwargs.items()]
    form = _form(Form(call.shape, call.dtype))
    return f"{call.name}: {form} = {op_name(call.fn)}({', '.join(arguments)})"


def _read(read: Read, numbers: dict[str, str]) -> str:
    text = numbers.get(read.source, read.source)
    if read.index is not None:
        text += f"[{':, ' * read.axis}{_text(read.index)}]"
    for view in read.views:
        keywords = "".join([f", {key}={_text(value)}" for key, value in view.kwargs.items()])
        text = f"{op_name(view.fn)}({text}{keywords})"
    return text


def _text(x: Any) -> str:
    if isinstance(x, Index):
        parts = [f"{x.per_step}t" if x.per_step not in (1, 0) else "t" * x.per_step]
        parts.append(f"{x.per_lane}s" if x.per_lane not in (1, 0) else "s" * x.per_lane)
        parts.append(str(x.start) if x.start or x.is_fixed else "")
        return " + ".join(filter(None, parts)).replace("+ -", "- ").replace("-1t", "-t")
    if isinstance(x, slice):
        return f"{_text(x.start)}:{_text(x.stop)}" + ("" if x.step is None else f":{_text(x.step)}")
    if type(x) is tuple and len(x) > MAX_ENTRIES:
        shown = ", ".join(map(_text, x[:MAX_ENTRIES]))
        return f"({shown}, ... {len(x)} in all)"
    if type(x) is tuple:
        return f"({', '.join(map(_text, x))}{',' * (len(x) == 1)})"
    if isinstance(x, np.ndarray) and x.size > 4:
        return f"array{list(x.shape)}"
    return "" if x is None else str(x)


def _form(form: Form) -> str:
    return f"{form.dtype}{list(form.shape)}"
