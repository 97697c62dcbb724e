"""The axes of nested loops: how long, and how far apart the numbers of operands lie along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .operands import Operand


@dataclass(frozen=True, slots=True)
class Axis:
    """One loop of a nest.

    length: how many indices. distances: of each operand, in numbers from one index to the next.
    """

    length: int
    distances: tuple[int, ...]


Axes = list[Axis]


def distances(x: Operand) -> list[int]:
    """The numbers from one to the next along each axis of an operand."""
    return [stride // x.array.itemsize for stride in x.array.strides]


def axes_of(shape: Sequence[int], given: Sequence[Operand]) -> Axes:
    """The axes of a shape that are longer than 1; operands are repeated along those they lack."""
    table = [_repeated(x, len(shape)) for x in given]
    axes = []
    for axis, length in enumerate(shape):
        if length != 1:
            along = tuple([row[axis] for row in table])
            axes.append(Axis(length, along))
    return axes


def _repeated(x: Operand, ndim: int) -> list[int]:
    row = [0] * (ndim - x.array.ndim)
    for length, distance in zip(x.array.shape, distances(x), strict=True):
        row.append(0 if length == 1 else distance)
    return row


def merged(axes: Axes) -> Axes:
    """Axes that follow each other without a gap for every operand, as one."""
    result: Axes = []
    for axis in axes:
        if result:
            outer = result[-1]
            whole = tuple([axis.length * distance for distance in axis.distances])
            if outer.distances == whole:
                result[-1] = Axis(outer.length * axis.length, axis.distances)
                continue
        result.append(axis)
    return result


@dataclass(frozen=True, slots=True)
class Nesting:
    """Axes with the names of their indices in C."""

    names: tuple[str, ...]
    axes: tuple[Axis, ...]

    def __add__(self, other: Nesting) -> Nesting:
        return Nesting(self.names + other.names, self.axes + other.axes)

    def index(self, operand: int) -> str:
        """Where the number of an operand lies, from the operand's first."""
        terms = []
        for name, axis in zip(self.names, self.axes, strict=True):
            if axis.distances[operand]:
                terms.append(f"{name} * {axis.distances[operand]}L")
        return " + ".join(terms) or "0"

    def opening(self) -> list[str]:
        """The heads of its loops, the outermost first."""
        heads = []
        for name, axis in zip(self.names, self.axes, strict=True):
            heads.append(f"for (long {name} = 0; {name} < {axis.length}; {name}++) {{")
        return heads

    def closing(self) -> list[str]:
        """Their ends."""
        return ["}"] * len(self.axes)


def nesting(axes: Sequence[Axis], letter: str) -> Nesting:
    """Axes with names of one letter, and numbers."""
    names = tuple([f"{letter}{depth}" for depth in range(len(axes))])
    return Nesting(names, tuple(axes))


def named(axis: Axis, name: str) -> Nesting:
    """One axis with a name."""
    return Nesting((name,), (axis,))
