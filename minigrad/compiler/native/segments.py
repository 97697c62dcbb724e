"""Native code in place of calls: segments, each the work between two calls that stay NumPy's."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

from minigrad.compiler.emit.program import Call, Calls, Program
from minigrad.compiler.strided import address, owner
from minigrad.core.array import Array

from .c_source import Source
from .libraries import load
from .lowering import Levels, Native, Repeat, Step, is_native, lowered
from .work import Refusal

Numbered = tuple[Call, int]
"""A call, and the number of the first call that it stands for."""
Maker = Callable[[tuple[int, ...]], Iterator[Numbered]]
"""Gives the calls of a step in these rounds of the loops around it."""


class Segment:
    """One function of native code, called with the arrays of its table and the rounds around it.

    function: as ctypes calls it; gives 0, or which of the refusals is to be raised.
    """

    def __init__(self, arrays: Sequence[Array], refusals: Sequence[Refusal]) -> None:
        self.arrays = tuple(arrays)
        self.refusals = tuple(refusals)
        self.function: Any = None

    def bound(self, args: tuple[Any, ...]) -> Call:
        """The quickest call for these arguments."""
        arrays = args[: len(self.arrays)]
        rounds = tuple(map(ctypes.c_long, args[len(self.arrays) :]))
        table = (ctypes.c_void_p * len(arrays))(*map(address, arrays))
        function = self.function
        refusals = self.refusals

        def run() -> None:
            refused = function(table, *rounds)
            if refused:
                label, classes = map(int, arrays[0])
                refusals[refused - 1](label, classes)

        return run, ()

    def __call__(self, *args: Any) -> None:
        """Run it once."""
        run, _ = self.bound(args)
        run()


class Translation:
    """What becomes of the calls of a program.

    homes: by the id of the memory's owner, the array of an input. functions: the C of each segment.
    """

    def __init__(self, old: Calls, homes: dict[int, Array]) -> None:
        self._old = old
        self._homes = homes
        self.functions: list[str] = []
        self.segments: list[Segment] = []

    def calls(self, numbers: range) -> Iterator[Numbered]:
        """The calls in place of those with these numbers."""
        steps = lowered(self._old, numbers)
        for make in self._makers(steps, ()):
            yield from make(())

    def _makers(self, steps: Sequence[Step], levels: Levels) -> list[Maker]:
        makers = []
        for native, run in groupby(steps, is_native):
            if native:
                makers.append(self._native(list(run), levels))
                continue
            for step in run:
                if isinstance(step, Repeat):
                    inner = self._makers(step.body, (*levels, step.level))
                    makers.append(_repeated(step.level.rounds, inner))
                elif not isinstance(step, Native):
                    makers.append(self._staying(step.number, levels))
        return makers

    def _native(self, steps: list[Step], levels: Levels) -> Maker:
        source = Source(self._homes)
        source.write(steps, levels)
        parameters = ["char *const *b", *[f"long t{level.number}" for level in levels]]
        head = f"long segment_{len(self.segments)}({', '.join(parameters)}) {{"
        function = [head, *source.lines, "return 0;", "}"]
        self.functions.append("\n".join(function))
        segment = Segment(source.memory.arrays, source.refusals)
        self.segments.append(segment)

        def calls(rounds: tuple[int, ...]) -> Iterator[Numbered]:
            args = (*segment.arrays, *rounds)
            yield (segment, args), _number(steps[0].number, levels, rounds)

        return calls

    def _staying(self, first: int, levels: Levels) -> Maker:
        def calls(rounds: tuple[int, ...]) -> Iterator[Numbered]:
            number = _number(first, levels, rounds)
            yield self._old[number], number

        return calls


def _number(first: int, levels: Levels, rounds: tuple[int, ...]) -> int:
    """The number of a call in these rounds."""
    passed = [level.calls * t for level, t in zip(levels, rounds, strict=True)]
    return first + sum(passed)


def _repeated(count: int, inner: list[Maker]) -> Maker:
    def calls(rounds: tuple[int, ...]) -> Iterator[Numbered]:
        for t in range(count):
            for make in inner:
                yield from make((*rounds, t))

    return calls


def to_native(program: Program, homes: Sequence[Array]) -> str:
    """Put native code in place of the calls of a program; a note of what was done.

    homes: where the leaves are read.
    Raises CompilerError.
    """
    by_owner = {id(owner(home)): home for home in homes}
    old = program.calls
    translation = Translation([*old, *program.carrying], by_owner)
    sections = []
    calls: list[Numbered] = []
    for start, stop in pairwise([*program.sections, len(old)]):
        sections.append(len(calls))
        calls += translation.calls(range(start, stop))
    carrying = [
        call for call, _ in translation.calls(range(len(old), len(old) + len(program.carrying)))
    ]
    functions = load(translation.functions)
    for segment, function in zip(translation.segments, functions, strict=True):
        segment.function = function
    program.sections = sections
    program.calls = [call for call, _ in calls]
    program.carrying = carrying
    _renumber(program, [number for _, number in calls])
    stay = len(calls) - sum(isinstance(call[0], Segment) for call, _ in calls)
    return f"native code for {len(old) - stay} of {len(old)} calls"


def _renumber(program: Program, numbers: list[int]) -> None:
    """Give each line the calls that begin with one of its own."""
    new_of = {number: new for new, number in enumerate(numbers)}
    for line in program.lines:
        own = [new_of[number] for number in line.calls if number in new_of]
        if line.calls and not own:
            line.reason = "in native code, with a line above"
        line.calls = own
