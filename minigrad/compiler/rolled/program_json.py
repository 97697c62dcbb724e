"""A program as plain JSON and back: functions by name, nothing that is executed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from minigrad.compiler import primitives
from minigrad.core.array import Array
from minigrad.errors import DataError, UnsupportedError
from minigrad.ops import OPS, op_name
from minigrad.ops.indexing import PART

from .rolled_program import Call, Carry, Form, Index, Loop, Program, Read, View

Json = Any
PRIMITIVES = (primitives.total, primitives.product, primitives.joined_rows)
FUNCTIONS: dict[str, Callable[..., Any]] = {op_name(fn): fn for fn in (*OPS, *PRIMITIVES)}
"""All that a program may call, by name."""


# --- to JSON --------------------------------------------------------------------------------------
def as_json(program: Program) -> Json:
    """The program but for its constants.

    Raises UnsupportedError for a function of the user's own, and for keywords that have no text.
    """
    return {
        "inputs": _forms(program.inputs),
        "blocks": list(map(_block, program.blocks)),
        "outputs": list(map(_read, program.outputs)),
        "forms": _forms(program.forms),
    }


def _forms(forms: Mapping[str, Form]) -> Json:
    return {name: _form(form) for name, form in forms.items()}


def _form(form: Form) -> Json:
    return [list(form.shape), form.dtype.str]


def _block(block: Call | Loop) -> Json:
    if isinstance(block, Call):
        return _call(block)
    return {
        "steps": block.steps,
        "lanes": block.lanes,
        "backward": block.backward,
        "body": list(map(_call, block.body)),
        "carries": list(map(_carry, block.carries)),
        "stacked": block.stacked,
        "summed": block.summed,
    }


def _carry(carry: Carry) -> Json:
    return [carry.name, carry.result, list(map(_read, carry.first))]


def _call(call: Call) -> Json:
    name = op_name(call.fn)
    if FUNCTIONS.get(name) is not call.fn:
        got = f"'{call.name}' calls {name}, which is not in minigrad's table"
        raise UnsupportedError("save", got=got, remedy="Write it with functions of NumPy")
    return {
        "name": call.name,
        "fn": name,
        "reads": list(map(_read, call.reads)),
        "kwargs": _keywords(call.kwargs),
        "form": _form(Form(call.shape, call.dtype)),
    }


def _read(read: Read) -> Json:
    views = [[op_name(view.fn), _keywords(view.kwargs)] for view in read.views]
    index = None if read.index is None else list(read.index)
    return [read.source, index, read.axis, views]


def _keywords(kwargs: Mapping[str, Any]) -> Json:
    return {key: _value(value) for key, value in kwargs.items()}


def _value(x: Any) -> Json:
    """A keyword: what JSON has as it is, the rest as a list that begins with its kind."""
    if x is None or isinstance(x, (bool, str)):
        return x
    if isinstance(x, (int, np.integer)):
        return int(x)
    if isinstance(x, (float, np.floating)) and math.isfinite(x):
        return float(x)
    for kind, (is_kind, parts, _) in KINDS.items():
        if is_kind(x):
            return [kind, *parts(x)]
    raise UnsupportedError("save", got=f"a keyword of type {type(x).__name__}")


# --- from JSON ------------------------------------------------------------------------------------
def from_json(data: Json, constants: dict[str, Array]) -> Program:
    """The program that ``as_json`` wrote.

    Raises DataError for what is no program: an unknown function, a name that nobody gives before
    it is read.
    """
    try:
        program = Program(
            _as_forms(data["inputs"]),
            constants,
            tuple(map(_a_block, data["blocks"])),
            tuple(map(_a_read, data["outputs"])),
            _as_forms(data["forms"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DataError("program", got=f"{type(error).__name__}: {error}") from None
    _refuse_unknown_names(program)
    return program


def _as_forms(data: Json) -> dict[str, Form]:
    return {name: _a_form(form) for name, form in data.items()}


def _a_form(data: Json) -> Form:
    shape, dtype = data
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"shape {shape}")
    kind = np.dtype(dtype)
    if kind.kind not in "biuf":
        raise ValueError(f"dtype {dtype}")
    return Form(tuple(shape), kind)


def _a_block(data: Json) -> Call | Loop:
    if "body" not in data:
        return _a_call(data)
    steps, lanes = data["steps"], data["lanes"]
    if type(steps) is not int or type(lanes) is not int or min(steps, lanes) < 1:
        raise ValueError(f"{steps} steps, {lanes} lanes")
    return Loop(
        steps,
        lanes,
        bool(data["backward"]),
        tuple(map(_a_call, data["body"])),
        tuple(map(_a_carry, data["carries"])),
        dict(data["stacked"]),
        dict(data["summed"]),
    )


def _a_carry(data: Json) -> Carry:
    name, result, first = data
    return Carry(str(name), str(result), tuple(map(_a_read, first)))


def _a_call(data: Json) -> Call:
    shape, dtype = _a_form(data["form"])
    reads = tuple([_a_read(read) for read in data["reads"]])
    kwargs = {str(key): _a_value(value) for key, value in data["kwargs"].items()}
    return Call(str(data["name"]), _function(data["fn"]), reads, kwargs, shape, dtype)


def _function(name: str) -> Callable[..., Any]:
    if name not in FUNCTIONS:
        raise DataError("program", got=f"function {name!r}", expected="expected one of minigrad's")
    return FUNCTIONS[name]


def _a_read(data: Json) -> Read:
    source, index, axis, views = data
    looks = []
    for name, kwargs in views:
        keywords = {str(key): _a_value(value) for key, value in kwargs.items()}
        looks.append(View(_function(name), keywords))
    row = None if index is None else Index(*map(_an_int, index))
    return Read(str(source), row, _an_int(axis), tuple(looks))


def _an_int(x: Json) -> int:
    if type(x) is not int:
        raise ValueError(f"{x!r} is no integer")
    return x


def _a_value(x: Json) -> Any:
    if not isinstance(x, list):
        return x
    kind, *rest = x
    if kind not in KINDS:
        raise ValueError(f"a value of kind {kind!r}")
    _, _, made = KINDS[kind]
    return made(rest)


def _values(parts: Iterable[Any]) -> list[Json]:
    return [_value(x) for x in parts]


def _a_list(rest: list[Json]) -> list[Any]:
    return [_a_value(x) for x in rest]


Kind = tuple[Callable[[Any], bool], Callable[[Any], Iterable[Json]], Callable[[list[Json]], Any]]
KINDS: dict[str, Kind] = {
    "index": (
        lambda x: isinstance(x, Index),
        lambda x: x,
        lambda rest: Index(*map(_an_int, rest)),
    ),
    "float": (
        lambda x: isinstance(x, (float, np.floating)),
        lambda x: [repr(float(x))],
        lambda rest: float(rest[0]),
    ),
    "tuple": (
        lambda x: isinstance(x, tuple),
        _values,
        lambda rest: tuple(_a_list(rest)),
    ),
    "list": (
        lambda x: isinstance(x, list),
        _values,
        _a_list,
    ),
    "slice": (
        lambda x: isinstance(x, slice),
        lambda x: _values((x.start, x.stop, x.step)),
        lambda rest: slice(*_a_list(rest)),
    ),
    "ellipsis": (
        lambda x: x is Ellipsis,
        lambda x: [],
        lambda rest: Ellipsis,
    ),
    "part": (
        lambda x: x is PART,
        lambda x: [],
        lambda rest: PART,
    ),
    "array": (
        lambda x: isinstance(x, np.ndarray) and x.dtype.kind in "biuf",
        lambda x: [x.dtype.str, x.tolist()],
        lambda rest: np.array(rest[1], np.dtype(rest[0])),
    ),
    "dtype": (
        lambda x: isinstance(x, (type, np.dtype)),
        lambda x: [np.dtype(x).str],
        lambda rest: np.dtype(rest[0]),
    ),
}
"""Of what JSON has not: how it is told apart, its parts, and how it is made of them."""


def _refuse_unknown_names(program: Program) -> None:
    """Raise DataError where something is read before it is there."""
    known = {*program.inputs, *program.constants}
    for block in program.blocks:
        if isinstance(block, Call):
            _refuse_unknown(block.reads, known)
            known.add(block.name)
            continue
        for carry in block.carries:
            _refuse_unknown(carry.first, known)
            if not carry.first:
                raise DataError("program", got=f"carry '{carry.name}' without a first value")
        inside = known | {carry.name for carry in block.carries}
        results = set()
        for call in block.body:
            _refuse_unknown(call.reads, inside)
            inside.add(call.name)
            results.add(call.name)
        wanted = {carry.result for carry in block.carries} | {*block.stacked, *block.summed}
        if wanted - results:
            raise DataError("program", got=f"no result '{min(wanted - results)}' in a loop")
        known.update(block.stacked.values(), block.summed.values())
    _refuse_unknown(program.outputs, known)


def _refuse_unknown(reads: tuple[Read, ...], known: set[str]) -> None:
    for read in reads:
        if read.source not in known:
            raise DataError("program", got=f"'{read.source}' is read before it is there")
