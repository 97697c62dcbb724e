"""From the calls of a section to steps: native work, calls that stay NumPy's, loops of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from minigrad.compiler.emit.program import Call, Calls
from minigrad.compiler.strided import address, owner
from minigrad.core.array import Array

from .normal import Normal, arrays_of, normal
from .operands import Operand
from .rolling import Item, Single, rolled
from .translation import translated
from .work import Nest, Statement, Work, written

# of more work, compiling takes longer than the code saves
MAX_WORKS = 2000

Steps = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Level:
    """A loop that something stands in.

    number: its own. rounds: how many. calls: the calls of a round.
    """

    number: int
    rounds: int
    calls: int


Levels = tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Native:
    """A piece of native work, and the number of its call in the first rounds."""

    work: Work
    number: int


@dataclass(frozen=True, slots=True)
class Stays:
    """A call that stays NumPy's.

    number: in the first rounds. operands: its arrays, of which it may write any.
    """

    number: int
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A loop over steps."""

    level: Level
    body: tuple[Step, ...]

    @property
    def number(self) -> int:
        """The number of its first call."""
        return self.body[0].number


Step = Native | Stays | Repeat


def is_native(step: Step) -> bool:
    """Whether a step is native, with all that it repeats."""
    if isinstance(step, Repeat):
        return all(map(is_native, step.body))
    return isinstance(step, Native)


def changed(step: Step) -> Iterator[Operand]:
    """What a step may write to."""
    if isinstance(step, Repeat):
        for inner in step.body:
            yield from changed(inner)
    elif isinstance(step, Stays):
        yield from step.operands
    else:
        yield from written(step.work)


@dataclass(frozen=True, slots=True)
class Entry:
    """A call of a program: its number, taken apart where it can be, and its arrays."""

    number: int
    normal: Normal | None
    arrays: tuple[Array, ...]


def lowered(calls: Calls, numbers: range) -> tuple[Step, ...]:
    """The calls of these numbers as steps."""
    items = [_single(calls[number], number) for number in numbers]
    return _Lowering().steps(rolled(items), (), ())


def _single(call: Call, number: int) -> Single:
    apart = normal(call)
    arrays = arrays_of(call) if apart is None else apart.arrays
    layouts = tuple([(x.shape, x.strides, x.dtype, id(owner(x))) for x in arrays])
    key = (layouts,) if apart is None else (apart.kind, apart.rest, layouts)
    places = tuple(map(address, arrays))
    return Single(Entry(number, apart, arrays), key, places)


class _Lowering:
    """Numbers the loops, and counts the work."""

    def __init__(self) -> None:
        self._loops = count()
        self._works = 0

    def steps(
        self, items: Sequence[Item], levels: Levels, moves: tuple[Steps, ...]
    ) -> tuple[Step, ...]:
        """The steps of items.

        levels: the loops around them. moves: of each, the bytes from round to round for every place
        of the items.
        """
        steps: list[Step] = []
        start = 0
        for item in items:
            stop = start + len(item.places)
            own = tuple([move[start:stop] for move in moves])
            start = stop
            if isinstance(item, Single):
                steps.append(self._step(item.entry, levels, own))
                continue
            calls = sum(map(_calls, item.body))
            level = Level(next(self._loops), item.rounds, calls)
            body = self.steps(item.body, (*levels, level), (*own, item.steps))
            steps.append(Repeat(level, body))
        return _fused(steps, levels)

    def _step(self, entry: Entry, levels: Levels, moves: tuple[Steps, ...]) -> Step:
        given = []
        for i, x in enumerate(entry.arrays):
            steps = tuple([move[i] for move in moves])
            given.append(Operand(x, steps))
        if entry.normal is not None and self._works < MAX_WORKS:
            rounds = tuple([level.rounds for level in levels])
            work = translated(entry.normal, given, rounds)
            if work is not None:
                self._works += 1
                return Native(work, entry.number)
        return Stays(entry.number, tuple(given))


def _calls(item: Item) -> int:
    """How many calls an item stands for."""
    if isinstance(item, Single):
        return 1
    return item.rounds * sum(map(_calls, item.body))


def _fused(steps: Sequence[Step], levels: Levels) -> tuple[Step, ...]:
    """Nests over the same indices that follow each other, as one."""
    rounds = tuple([level.rounds for level in levels])
    fused: list[Step] = []
    for step in steps:
        before = fused[-1] if fused else None
        if isinstance(step, Native) and isinstance(before, Native):
            both = _joined(before.work, step.work, rounds)
            if both is not None:
                fused[-1] = Native(both, before.number)
                continue
        fused.append(step)
    return tuple(fused)


def _joined(first: Work, second: Work, rounds: tuple[int, ...]) -> Nest | None:
    """Two nests as one; None where a number of the second waits for another one of the first."""
    if not isinstance(first, Nest) or not isinstance(second, Nest):
        return None
    if first.shape != second.shape:
        return None
    for earlier in first.statements:
        for later in second.statements:
            for a, b in _pairs(earlier, later):
                if not a.is_view_of(b) and not a.is_apart_from(b, rounds):
                    return None
    return Nest(first.shape, (*first.statements, *second.statements))


def _pairs(earlier: Statement, later: Statement) -> Iterator[tuple[Operand, Operand]]:
    """The pairs that must be the same view or apart: all but two that are only read."""
    yield earlier.out, later.out
    for x in later.operands:
        yield earlier.out, x
    for x in earlier.operands:
        yield x, later.out
