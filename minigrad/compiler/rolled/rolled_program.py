"""The rolled program: what it consists of, independent of any engine and of where arrays lie.

A value is an array with a name: an input, a constant, a result, or the results of a loop as rows,
one for every step and lane. Calls are in the order of execution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.array import Array
from minigrad.source import Place

Fn = Callable[..., Any]
Shape = tuple[int, ...]


class Index(NamedTuple):
    """A number that depends on where a loop is: start + step * per_step + lane * per_lane."""

    start: int
    per_step: int = 0
    per_lane: int = 0

    def at(
        self,
        step: int,
        lane: int,
    ) -> int:
        """The number in one step and lane."""
        return self.start + step * self.per_step + lane * self.per_lane

    @property
    def is_fixed(self) -> bool:
        """Whether it is the same wherever the loop is."""
        return self.per_step == 0 and self.per_lane == 0


class View(NamedTuple):
    """A look at an operand in another way. Numbers in its keywords may be an ``Index``."""

    fn: Fn
    kwargs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Read:
    """An operand: a value, or what a body gives, as a whole or one row of it, then looked at.

    source: the value's name, or the name of a result or carry of the same body.
    index: which row along ``axis``; None for all of it.
    """

    source: str
    index: Index | None = None
    axis: int = 0
    views: tuple[View, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One operation. In a body: of every step and lane, with the shape that each has."""

    name: str
    fn: Fn
    reads: tuple[Read, ...]
    kwargs: dict[str, Any]
    shape: Shape
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class Carry:
    """What a step of a loop reads of the step ``lag`` before it, under a name of its own.

    result: the call whose result it is. first: what is read where there is no step so far back, in
    the order of execution, so many as the lag is.
    """

    name: str
    result: str
    first: tuple[Read, ...]

    @property
    def lag(self) -> int:
        """How many steps back."""
        return len(self.first)


@dataclass(frozen=True, slots=True)
class Loop:
    """A body that runs for every step and lane; a loop that carries nothing runs all at once.

    Steps are numbered by their rows; with ``backward`` the last of them runs first. Lanes never
    read one another. stacked: for results that are read outside, the value whose row
    ``step * lanes + lane`` each of them is. summed: instead, the value that adds up all of them.
    """

    steps: int
    lanes: int
    backward: bool
    body: tuple[Call, ...]
    carries: tuple[Carry, ...] = ()
    stacked: dict[str, str] = field(default_factory=dict)
    summed: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """That of its first call, for messages."""
        return self.body[0].name


Block = Call | Loop


class Form(NamedTuple):
    """Shape and dtype of a value."""

    shape: Shape
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class Program:
    """Blocks in the order of execution, between inputs and outputs.

    inputs: by the names under which they are fed. constants: arrays by name. forms: of all values.
    lines: where in the user's code values and calls come from, where that is known.
    """

    inputs: dict[str, Form]
    constants: dict[str, Array]
    blocks: tuple[Block, ...]
    outputs: tuple[Read, ...]
    forms: dict[str, Form]
    lines: dict[str, Place] = field(default_factory=dict, compare=False)

    def calls(self) -> Iterator[Call]:
        """All calls, those of bodies too."""
        for block in self.blocks:
            if isinstance(block, Loop):
                yield from block.body
            else:
                yield block


def added_products(loop: Loop) -> set[str]:
    """Products of matrices that nobody reads but their sum."""
    read = {read.source for call in loop.body for read in call.reads} | loop.stacked.keys()
    added = set()
    for call in loop.body:
        is_product = call.fn is np.matmul and len(call.shape) == 2
        if call.name in loop.summed and is_product and call.name not in read:
            added.add(call.name)
    return added
