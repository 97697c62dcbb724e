"""C for native work."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from minigrad.compiler.strided import address, owner
from minigrad.core.array import Array

from .expressions import C_TYPES, REALS
from .lowering import Native, Repeat, Step, written
from .nests import Located, Nest, Product, Statement, Taken, Work
from .operands import Level, Operand

# a panel of a packed matrix is at most so wide, and a block of its rows so high
MAX_PANEL_BYTES = 128
BLOCK_ROWS = 256
# fewer numbers are added one after the other
MIN_TERMS_FOR_LANES = 64

Axes = list[tuple[int, list[int]]]
"""For each axis how long it is, and for each operand the distance of two numbers along it."""


class Memory:
    """The memory that the code finds through a table of addresses, the first for what was refused.

    arrays: what the table's entries point to. homes: for the owner of an input's memory, the array
    that is bound anew when another is fed.
    """

    def __init__(self, homes: dict[int, Array]) -> None:
        self._homes = homes
        self.arrays: list[Array] = [np.zeros(2, np.int64)]
        self._entry: dict[int, int] = {}

    def place(self, array: Array) -> tuple[int, int]:
        """The entry of an array's memory, and where the array begins there."""
        whole = owner(array)
        key = id(whole)
        if key not in self._entry:
            self._entry[key] = len(self.arrays)
            self.arrays.append(self._homes.get(key, whole))
        entry = self._entry[key]
        return entry, address(array) - address(self.arrays[entry])


class Source:
    """The C of a segment. lines: what is in its function."""

    def __init__(self, homes: dict[int, Array]) -> None:
        self.memory = Memory(homes)
        self.lines: list[str] = []
        self._names = itertools.count()

    def write(self, steps: Sequence[Step], levels: tuple[Level, ...]) -> None:
        """Write native steps that stand in these loops."""
        for step in steps:
            if isinstance(step, Repeat):
                self._repeat(step, levels)
            elif isinstance(step, Native):
                self._work(step.work, levels, {})

    def _repeat(self, loop: Repeat, levels: tuple[Level, ...]) -> None:
        """A loop; what it multiplies by in every round is packed before."""
        packed: dict[int, str] = {}
        self._pack_before(loop, levels, packed)
        self._loop(loop, levels, packed)

    def _loop(self, loop: Repeat, levels: tuple[Level, ...], packed: dict[int, str]) -> None:
        number, rounds = loop.level
        self._add(f"for (long t{number} = 0; t{number} < {rounds}; t{number}++) {{")
        inside = (*levels, loop.level)
        for step in loop.body:
            if isinstance(step, Repeat):
                self._loop(step, inside, packed)
            elif isinstance(step, Native):
                self._work(step.work, inside, packed)
        self._add("}")

    def _pack_before(
        self, loop: Repeat, levels: tuple[Level, ...], packed: dict[int, str]
    ) -> None:
        changed = list(written(loop))
        for product in _products(loop):
            still = not any(product.b.steps[len(levels) :])
            if still and all(_never_written(product.b, out) for out in changed):
                packed[id(product)] = self._packed(product.b, levels)

    def _packed(self, b: Operand, levels: tuple[Level, ...]) -> str:
        """Pack a matrix; the name of its panels."""
        *_, k, n = b.array.shape
        panels = self._panels(k, n, b)
        matrix = self._pointer(b, levels)
        *_, row, column = _distances(b)
        real = C_TYPES[b.array.dtype]
        self._add(f"pack_{real}({matrix}, {row}, {column}, {k}, {n}, {panels});")
        return panels

    def _panels(self, k: int, n: int, b: Operand) -> str:
        """Memory for k rows in panels; its name."""
        dtype = b.array.dtype
        widest = MAX_PANEL_BYTES // dtype.itemsize
        memory = np.empty(k * -(-n // widest) * widest, dtype)
        return self._pointer(Operand(memory, ()), ())

    def _work(self, work: Work, levels: tuple[Level, ...], packed: dict[int, str]) -> None:
        self._add("{")
        if isinstance(work, Product):
            self._product(work, levels, packed.get(id(work)))
        elif isinstance(work, Located):
            self._located(work, levels)
        elif isinstance(work, Taken):
            self._taken(work, levels)
        elif work.reduction:
            self._reduction(work, levels)
        else:
            self._elementwise(work, levels)
        self._add("}")

    def _product(self, work: Product, levels: tuple[Level, ...], panels: str | None) -> None:
        *stack, m, n = work.out.array.shape
        k = work.a.array.shape[-1]
        given = [work.a, work.b, work.out]
        matrices = [_distances(x)[-2:] for x in given]
        # what is to be repeated has no axis of the stack, or one of length 1
        axes = _axes((*stack, 1, 1), [_without_matrix(x) for x in given])
        still = not any(distances[1] for _, distances in axes)
        if panels is None and axes and still:
            panels = self._packed(work.b, levels)
        pointers = [self._pointer(x, levels) for x in given]
        fresh = panels or self._panels(min(k, BLOCK_ROWS), n, work.b)
        self._open(axes, "k")
        a, b, out = [
            f"{pointers[i]} + {_index_named(_named(axes, 'k'), i)}" for i in range(3)
        ]
        (row, step), (b_row, b_column), (out_row, out_column) = matrices
        left = f"{m}, {k}, {n}, {a}, {row}, {step}"
        right = fresh if panels else f"{b}, {b_row}, {b_column}, {fresh}"
        name = "product" if panels else "multiply"
        real = C_TYPES[work.out.array.dtype]
        self._add(f"{name}_{real}({left}, {right}, {out}, {out_row}, {out_column});")
        self._add("}" * len(axes))

    def _elementwise(self, work: Nest, levels: tuple[Level, ...]) -> None:
        distinct = _distinct(work.statements)
        pointers = [self._pointer(x, levels) for x in distinct]
        axes = _axes(work.shape, distinct)
        axes.sort(key=lambda axis: -_reach(axis, distinct, work.statements[0].out))
        axes = _merged(axes)
        read = _read_first(work.statements)
        inner = max(len(axes) - 1, 0)
        indices = [_index(axes, i) for i in range(len(distinct))]
        values = [f"v{i}" for i in range(len(distinct))]

        def load(still: bool) -> None:
            for i, x in enumerate(distinct):
                unmoved = not axes or not axes[-1][1][i]
                if read[i] and unmoved == still:
                    ctype = C_TYPES[x.array.dtype]
                    self._add(f"{ctype} {values[i]} = {pointers[i]}[{indices[i]}];")

        for depth, (length, _) in enumerate(axes[:inner]):
            self._add(f"for (long i{depth} = 0; i{depth} < {length}; i{depth}++) {{")
        load(still=True)
        if axes:
            length, _ = axes[-1]
            self._add("#pragma GCC ivdep")
            self._add(f"for (long i{inner} = 0; i{inner} < {length}; i{inner}++) {{")
        load(still=False)
        declared = list(read)
        last = {_which(s.out, distinct): s for s in work.statements}
        for statement in work.statements:
            which = _which(statement.out, distinct)
            operands = [values[_which(x, distinct)] for x in statement.operands]
            ctype = "" if declared[which] else f"{C_TYPES[statement.out.array.dtype]} "
            declared[which] = True
            self._add(f"{ctype}{values[which]} = {statement.text.format(*operands)};")
            if last[which] is statement:
                self._add(f"{pointers[which]}[{indices[which]}] = {values[which]};")
        self._add("}" * len(axes))

    def _reduction(self, work: Nest, levels: tuple[Level, ...]) -> None:
        (statement,) = work.statements
        given = [*statement.operands, statement.out]
        pointers = [self._pointer(x, levels) for x in given]
        axes = _axes(work.shape, given)
        axes.sort(key=lambda axis: -abs(axis[1][0]))
        kept = [axis for axis in axes if axis[1][-1]]
        summed = [axis for axis in axes if not axis[1][-1]]
        ctype = C_TYPES[statement.out.array.dtype]
        neutral = "0" if "+" in work.reduction else "-INFINITY"
        if "minimum" in work.reduction:
            neutral = "INFINITY"
        along_rows = bool(kept) and (not summed or axes[-1][1][-1] != 0)
        if along_rows:
            self._sum_rows(_merged(kept[:-1]), _merged(summed), kept[-1], work, pointers, neutral)
        else:
            self._sum_each(_merged(kept), _merged(summed), work, pointers, ctype, neutral)

    def _sum_rows(
        self,
        outer: Axes,
        summed: Axes,
        inner: tuple[int, list[int]],
        work: Nest,
        pointers: list[str],
        neutral: str,
    ) -> None:
        """Numbers side by side are sums of their own: row after row is added."""
        (statement,) = work.statements
        length, _ = inner
        out = pointers[-1]
        self._open(outer, "k")
        at = _index_named([*_named(outer, "k"), ("j", inner)], len(pointers) - 1)
        self._add(f"for (long j = 0; j < {length}; j++) {out}[{at}] = {neutral};")
        self._open(summed, "s")
        every = [*_named(outer, "k"), *_named(summed, "s"), ("j", inner)]
        term = _term(statement, pointers, every)
        self._add("#pragma GCC ivdep")
        joined = work.reduction.format(f"{out}[{at}]", term)
        self._add(f"for (long j = 0; j < {length}; j++) {out}[{at}] = {joined};")
        self._add("}" * (len(outer) + len(summed)))

    def _sum_each(
        self,
        kept: Axes,
        summed: Axes,
        work: Nest,
        pointers: list[str],
        ctype: str,
        neutral: str,
    ) -> None:
        """Each sum by itself, along memory in several parts at a time."""
        (statement,) = work.statements
        self._open(kept, "k")
        *outer, inner = summed or [(1, [0] * len(pointers))]
        length, _ = inner
        names = [*_named(kept, "k"), *_named(outer, "s")]
        join = work.reduction.format
        if length < MIN_TERMS_FOR_LANES:
            self._add(f"{ctype} sum = {neutral};")
            self._open(outer, "s")
            term = _term(statement, pointers, [*names, ("j", inner)])
            self._add(f"for (long j = 0; j < {length}; j++) sum = {join('sum', term)};")
            self._add("}" * len(outer))
        else:
            self._add(f"{ctype} part[SUMMANDS];")
            self._add(f"for (int l = 0; l < SUMMANDS; l++) part[l] = {neutral};")
            self._open(outer, "s")
            self._add("long j = 0;")
            self._add(f"for (; j + SUMMANDS <= {length}; j += SUMMANDS)")
            term = _term(statement, pointers, [*names, ("(j + l)", inner)])
            self._add(f"for (int l = 0; l < SUMMANDS; l++) part[l] = {join('part[l]', term)};")
            term = _term(statement, pointers, [*names, ("j", inner)])
            self._add(f"for (; j < {length}; j++) part[0] = {join('part[0]', term)};")
            self._add("}" * len(outer))
            self._add("for (int half = SUMMANDS / 2; half; half /= 2)")
            self._add(f"for (int l = 0; l < half; l++) part[l] = {join('part[l]', 'part[l + half]')};")
            self._add(f"{ctype} sum = part[0];")
        at = _index_named(_named(kept, "k"), len(pointers) - 1)
        self._add(f"{pointers[-1]}[{at}] = sum;")
        self._add("}" * len(kept))

    def _located(self, work: Located, levels: tuple[Level, ...]) -> None:
        shape = work.labels.array.shape
        starts = Operand(work.starts.array.reshape(shape), work.starts.steps)
        out = Operand(work.out.array.reshape(shape), work.out.steps)
        given = [work.labels, starts, out]
        labels, begin, to = [self._pointer(x, levels) for x in given]
        axes = _merged(_axes(shape, given))
        self._open(axes, "k")
        at = [_index_named(_named(axes, "k"), i) for i in range(3)]
        self._add(f"const int64_t label = {labels}[{at[0]}];")
        self._add(f"if ((uint64_t)label >= {work.classes}) {{")
        self._add(f"((int64_t *)b[0])[0] = label; ((int64_t *)b[0])[1] = {work.classes}; return 1; }}")
        self._add(f"{to}[{at[2]}] = label * {work.step} + {begin}[{at[1]}];")
        self._add("}" * len(axes))

    def _taken(self, work: Taken, levels: tuple[Level, ...]) -> None:
        (length,) = work.places.array.shape
        flat, places, other = [self._pointer(x, levels) for x in (work.flat, work.places, work.other)]
        step = 0
        if work.other.array.size > 1:
            (step,) = _distances(work.other)
        (place,) = _distances(work.places)
        element = f"{flat}[{places}[i * {place}]]"
        number = f"{other}[i * {step}]"
        deed = f"{element} -= {number};" if work.adding else f"{number} = {element};"
        self._add(f"for (long i = 0; i < {length}; i++) {deed}")

    def _open(self, axes: Axes, name: str) -> None:
        for depth, (length, _) in enumerate(axes):
            i = f"{name}{depth}"
            self._add(f"for (long {i} = 0; {i} < {length}; {i}++) {{")

    def _pointer(self, x: Operand, levels: tuple[Level, ...]) -> str:
        entry, offset = self.memory.place(x.array)
        name = f"p{next(self._names)}"
        ctype = C_TYPES[x.array.dtype]
        moved = [f" + t{number} * {step}L" for (number, _), step in zip(levels, x.steps) if step]
        self._add(f"{ctype} *{name} = ({ctype} *)(b[{entry}] + {offset}L{''.join(moved)});")
        return name

    def _add(self, line: str) -> None:
        self.lines.append(line)


def _distances(x: Operand) -> list[int]:
    """The numbers from one to the next along each axis."""
    return [stride // x.array.itemsize for stride in x.array.strides]


def _without_matrix(x: Operand) -> Operand:
    """The stack that matrices lie in, each as one number."""
    return Operand(x.array[..., :1, :1], x.steps)


def _products(loop: Repeat) -> list[Product]:
    products = []
    for step in loop.body:
        if isinstance(step, Repeat):
            products += _products(step)
        elif isinstance(step, Native) and isinstance(step.work, Product):
            products.append(step.work)
    return products


def _never_written(x: Operand, out: Operand) -> bool:
    """Whether memory that stands still lies in another block than what is written."""
    return owner(x.array) is not owner(out.array)


def _distinct(statements: Sequence[Statement]) -> list[Operand]:
    """The operands of statements, each view once."""
    distinct: list[Operand] = []
    for statement in statements:
        for x in (*statement.operands, statement.out):
            if not any(x.is_view_of(y) for y in distinct):
                distinct.append(x)
    return distinct


def _which(x: Operand, distinct: Sequence[Operand]) -> int:
    for i, y in enumerate(distinct):
        if x.is_view_of(y):
            return i
    raise AssertionError


def _read_first(statements: Sequence[Statement]) -> list[bool]:
    """For each distinct operand whether it is read before it is written."""
    distinct = _distinct(statements)
    read = [False] * len(distinct)
    known = [False] * len(distinct)
    for statement in statements:
        for x in statement.operands:
            i = _which(x, distinct)
            read[i] |= not known[i]
            known[i] = True
        known[_which(statement.out, distinct)] = True
    return read


def _axes(shape: tuple[int, ...], given: Sequence[Operand]) -> Axes:
    """The axes that are longer than 1, with the distances of all operands, repeated where they are shorter."""
    padded = []
    for x in given:
        missing = len(shape) - x.array.ndim
        distances = [0] * missing + _distances(x)
        lengths = [1] * missing + list(x.array.shape)
        padded.append([d if n > 1 else 0 for d, n in zip(distances, lengths, strict=True)])
    axes: Axes = []
    for axis, length in enumerate(shape):
        if length != 1:
            axes.append((length, [distances[axis] for distances in padded]))
    return axes


def _reach(axis: tuple[int, list[int]], distinct: Sequence[Operand], out: Operand) -> int:
    _, distances = axis
    return abs(distances[_which(out, distinct)])


def _merged(axes: Axes) -> Axes:
    """Axes that follow each other evenly for all operands, as one."""
    merged: Axes = []
    for length, distances in axes:
        if merged:
            outer, before = merged[-1]
            if all(b == d * length for b, d in zip(before, distances, strict=True)):
                merged[-1] = outer * length, distances
                continue
        merged.append((length, distances))
    return merged


def _named(axes: Axes, name: str) -> list[tuple[str, tuple[int, list[int]]]]:
    return [(f"{name}{depth}", axis) for depth, axis in enumerate(axes)]


def _index_named(axes: Sequence[tuple[str, tuple[int, list[int]]]], operand: int) -> str:
    terms = [f"{name} * {axis[1][operand]}L" for name, axis in axes if axis[1][operand]]
    return " + ".join(terms) or "0"


def _index(axes: Axes, operand: int) -> str:
    return _index_named(_named(axes, "i"), operand)


def _term(
    statement: Statement,
    pointers: list[str],
    axes: Sequence[tuple[str, tuple[int, list[int]]]],
) -> str:
    operands = []
    for i in range(len(statement.operands)):
        operands.append(f"{pointers[i]}[{_index_named(axes, i)}]")
    return statement.text.format(*operands)


def with_prelude(text: str) -> str:
    """Generated code behind the functions that it calls."""
    kernels = files("minigrad.compiler.native") / "kernels"
    parts = [(kernels / "numbers.c").read_text()]
    products = (kernels / "reals.c").read_text()
    for dtype in REALS:
        real = C_TYPES[dtype]
        if f"product_{real}(" in text or f"multiply_{real}(" in text:
            parts.append(products.replace("REAL", real))
    return "\n".join([*parts, text])
