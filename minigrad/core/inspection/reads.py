"""Numbers that Python took out of a tape: ``math.tanh(t)``, ``float(t.sum())``, ``a.fill(t)``.

What is computed of them depends on t, and no gradient goes back there. A read is marked when it
happens, and backward() warns of those that happened between the first operation and the output: a
loss that is printed when it is there decides nothing.
"""

from __future__ import annotations

import linecache
import opcode
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import TYPE_CHECKING

from minigrad.errors import LostGradientWarning, UnsupportedError, sentence
from minigrad.source import Place, describe, line_of, serials, span, user_place

from .asking import asked_by_debugger

if TYPE_CHECKING:
    from minigrad.core.tensor import Tensor

Written = tuple[CodeType, int]
# what is called to look at a parameter between two updates
LOOKS = re.compile(r"(float|int|complex|round|print|.*\bis\w*)?")


@dataclass(frozen=True, slots=True)
class Read:
    """A reading: when and where, and of which tensor."""

    serial: int
    place: Written
    of_serial: int
    label: str
    where: str


# --- when it happens ------------------------------------------------------------------------------
def mark(x: Tensor, reader: FrameType) -> None:
    """Note on x, which needs a gradient, and on its past that Python read x as a number here.

    A frame that formats text is no reader, nor is somebody at a debugger. Raises UnsupportedError
    for one that stores the number in an array.
    """
    if _formats_text(reader):
        return
    if _stores_into_an_item(reader):
        got = f"'{x.label}' needs a gradient, which a plain array would drop"
        expected = "collect Tensors in a list and np.stack them"
        raise UnsupportedError("a[i] = t", got=got, expected=expected)
    if asked_by_debugger():
        return
    place = user_place()
    if place is not None:
        type(x).last_read = next(serials)
        where = describe(x.time, place)
        _mark_past(x, Read(x.last_read, place, x.serial, x.label, where))


def _stores_into_an_item(frame: FrameType) -> bool:
    """Whether the frame is about to execute ``a[i] = ...``, where NumPy asks for a number."""
    return frame.f_code.co_code[frame.f_lasti] == opcode.opmap["STORE_SUBSCR"]


def _formats_text(frame: FrameType) -> bool:
    """Whether the frame is about to execute ``"%.3f" % t``, where Python asks for a number."""
    return frame.f_code.co_code[frame.f_lasti] == opcode.opmap["BINARY_OP"]


def _mark_past(x: Tensor, read: Read) -> None:
    """A result keeps its first reading, which decides; a leaf the last of each place."""
    reads = {read.place: read}
    waiting = [x]
    while waiting:
        node = waiting.pop()
        if not node.requires_grad:
            continue
        if node.fn is None:
            node.reads = (node.reads or {}) | reads
        elif node.reads is None:
            node.reads = reads
            waiting += node.inputs


# --- when backward is asked for -------------------------------------------------------------------
def warn_of_reads(nodes: Sequence[Tensor]) -> None:
    """Warn of what was read on the way to the last of these nodes, once per line."""
    first: dict[Written, Read] = {}
    for read in sorted(_on_the_way(nodes), key=lambda read: read.serial):
        first.setdefault(read.place, read)
    for place, read in first.items():
        if not _is_new(place):
            continue
        reader = _called(place) or "Python"
        text = sentence(
            "backward",
            got=f"'{read.label}' was read as a number by {reader}",
            expected="no gradient goes back through that number",
            remedy="Write it with NumPy functions; where only the value is wanted, take .item()",
            where=read.where,
        )
        warnings.warn_explicit(text, LostGradientWarning, *_line(place))


def _on_the_way(nodes: Sequence[Tensor]) -> Iterator[Read]:
    """The readings between the first operation and the output."""
    read_nodes = [n for n in nodes if n.reads]
    if not read_nodes:
        return
    operations = [n for n in nodes if n.fn is not None]
    if not operations:
        return
    start = operations[0].serial
    end = nodes[-1].serial
    for node in read_nodes:
        for read in (node.reads or {}).values():
            is_before = node.assigned < read.serial < start and read.of_serial == node.serial
            if start < read.serial < end or (is_before and _is_operand(read.place, operations)):
                yield read


def _is_operand(place: Written, operations: list[Tensor]) -> bool:
    """Whether a parameter read before the first operation went into it, as far as code tells.

    It did where math.tanh(w) or the like was called, or float(w) inside of an operation.
    """
    if not LOOKS.fullmatch(_called(place)):
        return True
    return any(_encloses(n.place, place) for n in operations)


def _encloses(outer: Place, inner: Written) -> bool:
    """Whether the expression at one place is a part of that at another."""
    if outer is None or outer[0] is not inner[0]:
        return False
    start, end = span(outer)
    inner_start, inner_end = span(inner)
    return start <= inner_start and inner_end <= end


# --- what the code says at a place ----------------------------------------------------------------
def _called(place: Written) -> str:
    """The function that is called there, as it is written: ``math.tanh``; "" if nobody knows."""
    (line, column), _ = span(place)
    text = linecache.getline(place[0].co_filename, line).encode()[column:]
    name = re.match(r"[\w.]+(?=\()", text.decode(errors="replace"))
    return name.group() if name else ""


def _line(place: Written) -> tuple[str, int]:
    """File and line, which stay as they are where Python specializes an instruction."""
    code, instruction = place
    return code.co_filename, line_of(code, instruction)


# --- once per line --------------------------------------------------------------------------------
_told: dict[tuple[str, int], object] = {}


def _is_new(place: Written) -> bool:
    """Whether nobody was warned of this line yet, under the filters of warnings that are set."""
    line = _line(place)
    # catch_warnings sets others
    is_new = _told.get(line) is not warnings.filters
    _told[line] = warnings.filters
    return is_new
