"""Native code in place of calls: segments, each the work between two calls that stay NumPy's."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

from minigrad.compiler.emit.labels import refuse_label
from minigrad.compiler.emit.program import Call, Calls, Program
from minigrad.compiler.strided import address, owner
from minigrad.core.array import Array

from .lowering import Native, Repeat, Stays, Step, is_native, lowered
from .operands import Level
from .source import Source, with_prelude
from .toolchain import library


@dataclass(eq=False, slots=True)
class Segment:
    """One function of native code.

    arrays: what its table of addresses points to. function: as ctypes loads it.
    """

    arrays: list[Array]
    function: Any = None

    def bound(self, args: tuple[Any, ...]) -> Call:
        """The quickest call for these arrays, and the rounds of loops around it."""
        arrays = args[: len(self.arrays)]
        rounds = args[len(self.arrays) :]
        table = (ctypes.c_void_p * len(arrays))(*map(address, arrays))
        refused = arrays[0]
        function = self.function

        def run(*rounds: int) -> None:
            if function(table, *rounds):
                label, classes = refused
                refuse_label(int(label), int(classes))

        return run, rounds

    def __call__(self, *args: Any) -> None:
        run, rounds = self.bound(args)
        run(*rounds)


@dataclass(slots=True)
class Translation:
    """What becomes of the calls of a program.

    calls: in their new order. first: for each the number of the first old call that it stands for.
    """

    homes: dict[int, Array]
    sources: list[str] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    calls: Calls = field(default_factory=list)
    first: list[int] = field(default_factory=list)

    def section(self, old: Calls, numbers: range) -> None:
        """Translate the calls of a section."""
        steps = lowered(old, numbers)
        for make in self._makers(steps, (), old):
            for call, number in make(()):
                self.calls.append(call)
                self.first.append(number)

    def _makers(
        self, steps: Sequence[Step], levels: tuple[Level, ...], old: Calls
    ) -> list[Callable[[tuple[int, ...]], Iterator[tuple[Call, int]]]]:
        """For each run of native steps, call and loop: what gives its calls in a round."""
        makers: list[Any] = []
        for native, run in groupby(steps, is_native):
            if native:
                makers.append(self._native(list(run), levels))
                continue
            for step in run:
                if isinstance(step, Stays):
                    makers.append(_staying(step, old))
                elif isinstance(step, Repeat):
                    inner = self._makers(step.body, (*levels, step.level), old)
                    makers.append(_repeated(step.level, inner))
        return makers

    def _native(self, steps: list[Step], levels: tuple[Level, ...]) -> Any:
        source = Source(self.homes)
        source.write(steps, levels)
        number = len(self.segments)
        loops = "".join([f", long t{n}" for n, _ in levels])
        head = f"long segment_{number}(char *const *b{loops}) {{"
        self.sources.append("\n".join([head, *source.lines, "return 0;\n}"]))
        segment = Segment(source.memory.arrays)
        self.segments.append(segment)
        first = _first_number(steps[0])

        def calls(rounds: tuple[int, ...]) -> Iterator[tuple[Call, int]]:
            yield (segment, (*segment.arrays, *rounds)), first

        return calls


def _first_number(step: Step) -> int:
    while isinstance(step, Repeat):
        step = step.body[0]
    return step.number


def _staying(step: Stays, old: Calls) -> Any:
    def calls(rounds: tuple[int, ...]) -> Iterator[tuple[Call, int]]:
        number = step.number
        for t, stride in zip(rounds, step.strides, strict=True):
            number += t * stride
        yield old[number], number

    return calls


def _repeated(level: Level, inner: list[Any]) -> Any:
    _, count = level

    def calls(rounds: tuple[int, ...]) -> Iterator[tuple[Call, int]]:
        for t in range(count):
            for make in inner:
                yield from make((*rounds, t))

    return calls


def to_native(program: Program, homes: Sequence[Array]) -> int:
    """Put native code in place of the calls of a program; how many segments there are.

    homes: where the leaves are read.
    Raises CompilerError.
    """
    by_owner = {id(owner(home)): home for home in homes}
    translation = Translation(by_owner)
    bounds = [*program.sections, len(program.calls)]
    sections = []
    for start, stop in pairwise(bounds):
        sections.append(len(translation.calls))
        translation.section(program.calls, range(start, stop))
    text = with_prelude("\n".join(translation.sources))
    loaded = library(text)
    for number, segment in enumerate(translation.segments):
        segment.function = loaded[f"segment_{number}"]
        segment.function.restype = ctypes.c_long
    _replace(program, translation)
    program.sections = sections
    return len(translation.segments)


def _replace(program: Program, translation: Translation) -> None:
    new_of = {}
    for new, number in enumerate(translation.first):
        new_of[number] = new
    for line in program.lines:
        line.calls = [new_of[number] for number in line.calls if number in new_of]
    program.calls = translation.calls
