"""The C of a segment: loops over steps, and the work in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from minigrad.compiler.strided import owner
from minigrad.core.array import Array

from .axes import axes_of, distances, merged, nesting
from .c_expressions import C_TYPES
from .lowering import Level, Levels, Native, Repeat, Step, changed
from .memory import Memory
from .nest_source import distinct_operands, nest_lines, reduction_lines
from .operands import Operand
from .work import Location, Lookup, Nest, Product, Refusal, Work

# the rows of a matrix that are packed at a time, and the most that a panel of them is wide
BLOCK_ROWS = 256
MAX_PANEL_BYTES = 128

Packed = dict[int, str]
"""By the id of a product, the panels that its matrix was packed into before the loop."""


class Source:
    """Lines of C, as they are written.

    refusals: what is called where the function returns 1, 2, and so on.
    """

    def __init__(self, homes: dict[int, Array]) -> None:
        self.memory = Memory(homes)
        self.lines: list[str] = []
        self.refusals: list[Refusal] = []

    def add(self, *lines: str) -> None:
        """Append lines."""
        self.lines += lines

    def pointers(self, given: Sequence[Operand], levels: Levels) -> list[str]:
        """Declare pointers to operands; their names."""
        names = []
        for x in given:
            name, declaration = self.memory.pointer(x, levels)
            self.add(declaration)
            names.append(name)
        return names

    def write(self, steps: Sequence[Step], levels: Levels) -> None:
        """Write native steps that stand in these loops."""
        for step in steps:
            if isinstance(step, Repeat):
                packed: Packed = {}
                self.add("{")
                self._pack_before(step, levels, packed)
                self._repeat(step, levels, packed)
                self.add("}")
            elif isinstance(step, Native):
                self._write(step.work, levels, {})

    def _repeat(self, loop: Repeat, levels: Levels, packed: Packed) -> None:
        self.add(_head(loop.level))
        inside = (*levels, loop.level)
        for step in loop.body:
            if isinstance(step, Repeat):
                self._repeat(step, inside, packed)
            elif isinstance(step, Native):
                self._write(step.work, inside, packed)
        self.add("}")

    def _pack_before(self, loop: Repeat, levels: Levels, packed: Packed) -> None:
        """Pack what the rounds of a loop multiply by again and again."""
        memory = [owner(x.array) for x in changed(loop)]
        for product in _products(loop):
            b = product.b
            still = b.array.ndim == 2 and not any(b.steps[len(levels) :])
            if still and not any(owner(b.array) is block for block in memory):
                packed[id(product)] = self._packed(b, levels)

    def _packed(self, b: Operand, levels: Levels) -> str:
        """Pack a matrix; the name of its panels."""
        *_, k, n = b.array.shape
        *_, row, column = distances(b)
        panels = self._panels(k, b)
        (matrix,) = self.pointers([b], levels)
        real = C_TYPES[b.array.dtype]
        self.add(f"pack_{real}({matrix}, {row}, {column}, {k}, {n}, {panels});")
        return panels

    def _panels(self, rows: int, b: Operand) -> str:
        """Memory for so many rows of a matrix in panels; its name."""
        widest = MAX_PANEL_BYTES // b.array.itemsize
        count = -(-b.array.shape[-1] // widest)
        memory = np.empty(rows * count * widest, b.array.dtype)
        (name,) = self.pointers([Operand(memory, ())], ())
        return name

    def _write(self, work: Work, levels: Levels, packed: Packed) -> None:
        self.add("{")
        if isinstance(work, Product):
            self._product(work, levels, packed.get(id(work)))
        elif isinstance(work, Location):
            self._location(work, levels)
        elif isinstance(work, Lookup):
            self._lookup(work, levels)
        elif isinstance(work, Nest):
            pointers = self.pointers(distinct_operands(work), levels)
            self.add(*nest_lines(work, pointers))
        else:
            statement = work.statement
            pointers = self.pointers([*statement.operands, statement.out], levels)
            self.add(*reduction_lines(work, pointers))
        self.add("}")

    def _product(self, work: Product, levels: Levels, panels: str | None) -> None:
        given = [work.a, work.b, work.out]
        *stack, m, n = work.out.array.shape
        k = work.a.array.shape[-1]
        axes = axes_of((*stack, 1, 1), [_first_numbers(x) for x in given])
        still = not any(axis.distances[1] for axis in axes)
        if panels is None and axes and still:
            panels = self._packed(work.b, levels)
        fresh = panels or self._panels(min(k, BLOCK_ROWS), work.b)
        pointers = self.pointers(given, levels)
        loops = nesting(axes, "k")
        a, b, out = [f"{name} + {loops.index(i)}" for i, name in enumerate(pointers)]
        row, step, b_row, b_column, out_row, out_column = _matrix_distances(given)
        left = f"{m}, {k}, {n}, {a}, {row}, {step}"
        right = fresh if panels else f"{b}, {b_row}, {b_column}, {fresh}"
        name = "product" if panels else "multiply"
        real = C_TYPES[work.out.array.dtype]
        call = f"{name}_{real}({left}, {right}, {out}, {out_row}, {out_column});"
        self.add(*loops.opening(), call, *loops.closing())

    def _location(self, work: Location, levels: Levels) -> None:
        shape = work.labels.array.shape
        given = [work.labels, work.starts, work.out]
        given = [x if x.array.ndim == 0 else x.in_shape(shape) for x in given]
        pointers = self.pointers(given, levels)
        loops = nesting(merged(axes_of(shape, given)), "k")
        label, start, out = [f"{name}[{loops.index(i)}]" for i, name in enumerate(pointers)]
        self.refusals.append(work.refuse)
        number = len(self.refusals)
        refusal = f"refused[0] = label; refused[1] = {work.classes}; return {number};"
        self.add("int64_t *refused = (int64_t *)b[0];", *loops.opening())
        self.add(f"const int64_t label = {label};")
        labels = work.classes + work.below
        self.add(f"if ((uint64_t)(label + {work.below}) >= {labels}) {{ {refusal} }}")
        self.add(f"const int64_t place = label < 0 ? label + {work.classes} : label;")
        self.add(f"{out} = place * {work.step} + {start};", *loops.closing())

    def _lookup(self, work: Lookup, levels: Levels) -> None:
        *places_shape, _ = shape = (*work.places.array.shape, 1)
        first = work.table.array[:1]
        if work.table.array.ndim == 2:
            shape = work.numbers.array.shape
            *places_shape, _ = shape
        given = [
            work.places.in_shape((*places_shape, 1)),
            work.numbers.in_shape(shape) if work.numbers.array.size > 1 else work.numbers,
            Operand(first, work.table.steps),
        ]
        places, numbers, table = self.pointers(given, levels)
        loops = nesting(axes_of(shape, given), "k")
        row, *_ = distances(work.table)
        place = f"{places}[{loops.index(0)}] * {row}L + {loops.index(2)}"
        element = f"{table}[{place}]"
        number = f"{numbers}[{loops.index(1)}]"
        left, right = (number, element) if work.operator == "=" else (element, number)
        self.add(*loops.opening(), f"{left} {work.operator} {right};", *loops.closing())


def _head(level: Level) -> str:
    t = f"t{level.number}"
    return f"for (long {t} = 0; {t} < {level.rounds}; {t}++) {{"


def _products(loop: Repeat) -> Iterator[Product]:
    for step in loop.body:
        if isinstance(step, Repeat):
            yield from _products(step)
        elif isinstance(step, Native) and isinstance(step.work, Product):
            yield step.work


def _first_numbers(x: Operand) -> Operand:
    """The first number of each matrix of a stack."""
    return Operand(x.array[..., :1, :1], x.steps)


def _matrix_distances(given: Sequence[Operand]) -> list[int]:
    """From row to row and from column to column, of each."""
    both: list[int] = []
    for x in given:
        both += distances(x)[-2:]
    return both
