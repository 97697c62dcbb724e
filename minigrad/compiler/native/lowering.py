"""From the rolled calls of a section to native work in loops, and the calls that stay NumPy's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from minigrad.compiler.emit.program import Calls
from minigrad.compiler.strided import address, owner
from minigrad.core.array import Array

from .nests import Nest, Normal, Product, Statement, Work, normal, translated
from .operands import Level, Operand
from .rolling import Item, Loop, Single, rolled

# in more text a compiler spends more time than the code saves
MAX_WORK_ITEMS = 1500


@dataclass(frozen=True, slots=True)
class Stays:
    """A call that stays NumPy's.

    number: of the call in the first round. strides: how many calls on it is in the next round of
    each loop around it. touched: its arrays.
    """

    number: int
    strides: tuple[int, ...]
    touched: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A loop.

    level: its number and rounds. body: what it repeats. number, size: its first call, and the calls
    of a round.
    """

    level: Level
    body: tuple[Step, ...]

    @property
    def is_native(self) -> bool:
        """Whether all that it repeats is native."""
        return all(is_native(step) for step in self.body)


@dataclass(frozen=True, slots=True)
class Native:
    """A piece of native work, and the number of the call that it stands for."""

    work: Work
    number: int


Step = Native | Stays | Repeat


def is_native(step: Step) -> bool:
    """Whether a step is native, with all that it repeats."""
    return step.is_native if isinstance(step, Repeat) else isinstance(step, Native)


def lowered(calls: Calls, numbers: range) -> tuple[Step, ...]:
    """The calls of these numbers as steps."""
    normals = [normal(calls[number]) for number in numbers]
    items: list[Item] = []
    for number, call in zip(numbers, normals, strict=True):
        arrays = _arrays(calls[number], call)
        places = tuple(map(address, arrays))
        items.append(Single((number, call, arrays), _key(number, call, arrays), places))
    lowering = _Lowering()
    return lowering.steps(rolled(items), (), (), ())


def _arrays(call: tuple[object, tuple[object, ...]], taken_apart: Normal | None) -> tuple[Array, ...]:
    if taken_apart is not None:
        return taken_apart.arrays
    import numpy as np

    return tuple([x for x in call[1] if isinstance(x, np.ndarray)])


def _key(number: int, call: Normal | None, arrays: tuple[Array, ...]) -> object:
    """What two calls have in common that do the same with arrays of the same layout."""
    layouts = tuple([(x.shape, x.strides, x.dtype, id(owner(x))) for x in arrays])
    if call is None:
        return "stays", layouts
    return call.kind, call.rest, layouts


class _Lowering:
    """Numbers the loops, and counts the work."""

    def __init__(self) -> None:
        self._loops = 0
        self._count = 0

    def steps(
        self,
        items: Sequence[Item],
        levels: tuple[Level, ...],
        strides: tuple[int, ...],
        steps: Sequence[tuple[int, ...]],
    ) -> tuple[Step, ...]:
        """The steps of items.

        levels: the loops around them. strides: of their numbers in each. steps: of their places in
        each.
        """
        result: list[Step] = []
        start = 0
        for item in items:
            stop = start + len(item.places)
            own = [step[start:stop] for step in steps]
            start = stop
            if isinstance(item, Single):
                result.append(self._single(item, levels, strides, own))
                continue
            level = self._loops, item.rounds
            self._loops += 1
            size = sum(map(_size, item.body))
            body = self.steps(
                item.body, (*levels, level), (*strides, size), [*own, item.steps]
            )
            result.append(Repeat(level, body))
        return fused(result, tuple([rounds for _, rounds in levels]))

    def _single(
        self,
        item: Single,
        levels: tuple[Level, ...],
        strides: tuple[int, ...],
        steps: Sequence[tuple[int, ...]],
    ) -> Step:
        number, call, arrays = item.call
        by_array = list(zip(*steps, strict=True)) or [()] * len(arrays)
        given = [Operand(x, of) for x, of in zip(arrays, by_array, strict=True)]
        if call is not None and self._count < MAX_WORK_ITEMS:
            rounds = tuple([count for _, count in levels])
            work = translated(call, given, rounds)
            if work is not None:
                self._count += 1
                return Native(work, number)
        return Stays(number, strides, tuple(given))


def _size(item: Item) -> int:
    if isinstance(item, Single):
        return 1
    return item.rounds * sum(map(_size, item.body))


def fused(steps: Sequence[Step], rounds: tuple[int, ...]) -> tuple[Step, ...]:
    """Elementwise nests that follow each other and go over the same indices, as one."""
    result: list[Step] = []
    for step in steps:
        before = result[-1] if result else None
        if isinstance(step, Native) and isinstance(before, Native):
            both = _joined(before.work, step.work, rounds)
            if both is not None:
                result[-1] = Native(both, before.number)
                continue
        result.append(step)
    return tuple(result)


def _joined(first: Work, second: Work, rounds: tuple[int, ...]) -> Nest | None:
    """Two nests as one; None where a number of the second needs another one of the first."""
    if not isinstance(first, Nest) or not isinstance(second, Nest):
        return None
    if first.reduction or second.reduction or first.shape != second.shape:
        return None
    for later in second.statements:
        for earlier in first.statements:
            for a, b in _pairs(earlier, later):
                if not a.is_view_of(b) and not a.is_apart_from(b, rounds):
                    return None
    return Nest(first.shape, (*first.statements, *second.statements))


def _pairs(earlier: Statement, later: Statement) -> Iterator[tuple[Operand, Operand]]:
    """What must be the same or apart: each that one writes and the other reads or writes."""
    yield earlier.out, later.out
    for x in later.operands:
        yield earlier.out, x
    for x in earlier.operands:
        yield x, later.out


def written(step: Step) -> Iterator[Operand]:
    """What a step may write."""
    if isinstance(step, Repeat):
        for inner in step.body:
            yield from written(inner)
    elif isinstance(step, Stays):
        yield from step.touched
    elif isinstance(step.work, Nest):
        for statement in step.work.statements:
            yield statement.out
    elif isinstance(step.work, Product):
        yield step.work.out
    else:
        yield step.work.out if hasattr(step.work, "out") else step.work.flat
