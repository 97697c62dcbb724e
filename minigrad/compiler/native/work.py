"""Native work: what is done to numbers in memory, before it is written as C."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from .operands import Operand

Refusal = Callable[[int, int], NoReturn]


@dataclass(frozen=True, slots=True)
class Statement:
    """out = text, where ``{0}`` in the text stands for the first operand's number."""

    out: Operand
    text: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Nest:
    """Statements, one after the other for each index of a shape.

    Operands of fewer axes are repeated, as NumPy does.
    """

    shape: tuple[int, ...]
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Reduction:
    """The terms of a statement, joined along the axes that the result does not have.

    shape: of the terms; the result is repeated to it. joined: two terms as one, as text. neutral:
    what a result begins with.
    """

    shape: tuple[int, ...]
    statement: Statement
    joined: str
    neutral: str


@dataclass(frozen=True, slots=True)
class Product:
    """out = a b, of matrices or stacks of them."""

    a: Operand
    b: Operand
    out: Operand


@dataclass(frozen=True, slots=True)
class Location:
    """Where the labelled elements of rows lie, the only work that may refuse what it reads.

    classes: how many there are. step: how far apart two classes of a row lie. refuse: raises what
    is to be raised, from a label and the number of classes. below: how many labels below 0 there
    are, which count from the end.
    """

    labels: Operand
    starts: Operand
    out: Operand
    classes: int
    step: int
    refuse: Refusal
    below: int = 0


@dataclass(frozen=True, slots=True)
class Lookup:
    """numbers[i] = table[places[i]]; or, by another operator, table[places[i]] += numbers[i].

    table: of numbers, or of rows.
    """

    table: Operand
    places: Operand
    numbers: Operand
    operator: str


Work = Nest | Reduction | Product | Location | Lookup


def written(work: Work) -> list[Operand]:
    """What native work writes to."""
    if isinstance(work, Nest):
        return [statement.out for statement in work.statements]
    if isinstance(work, Reduction):
        return [work.statement.out]
    if isinstance(work, Lookup):
        return [work.numbers if work.operator == "=" else work.table]
    return [work.out]
