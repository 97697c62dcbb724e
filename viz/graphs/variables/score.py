"""The unrolled graph as a score: a row for what has one role, a column for each step, to the right.

A network with several states is drawn so: each direction, clock and layer in a row of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, count

from minigrad.viz.graphs.roles import Role

from .grid import Cell, Cells, along, upwards
from .score_parts import Parts, Span
from .stages import known, take
from .variable_model import Arrow, Item, Key, VariableGraph

# Columns of a step: circles stand in its first, boxes in its second, or the other way round where
# the arrows run against time. What stands in for a step before comes just before them; what stands
# in for a later one just after.
COLUMNS_PER_STEP = 4
BEFORE = -1
FIRST = 0
SECOND = 1
AFTER = 2
# Of what enters from outside, left of all steps.
OUTSIDE_COLUMN = -2
# What is computed stands in even rows, what it reads below it in odd ones. The row below all.
FLOOR = 0


@dataclass(frozen=True)
class _Rows:
    """The row of each role, and the spans that are taken in each row."""

    row: dict[Role, int] = field(default_factory=dict)
    spans: defaultdict[int, list[Span]] = field(default_factory=lambda: defaultdict(list))

    def put(self, role: Role, span: Span, wishes: Iterator[int]) -> None:
        """Give a role the first of these rows that is free in all its steps."""
        row = next(row for row in wishes if self._is_free(row, span))
        self.spans[row].append(span)
        self.row[role] = row

    def _is_free(self, row: int, span: Span) -> bool:
        return not any(span.meets(other) for other in self.spans[row])

    @property
    def top(self) -> int:
        """The highest row."""
        return max(self.row.values(), default=FLOOR)


def place_in_score(graph: VariableGraph) -> Cells:
    """A cell for each item, no two alike."""
    score = _Score(Parts(graph))
    score.place_computed()
    score.place_inputs()
    score.place_ends()
    score.place_outside()
    return score.cells


@dataclass(frozen=True)
class _Score:
    """The rows and cells of what has them already."""

    parts: Parts
    rows: _Rows = field(default_factory=_Rows)
    cells: Cells = field(default_factory=dict)
    taken: set[Cell] = field(default_factory=set)

    def put(self, i: Item, wishes: Iterator[Cell]) -> None:
        """Put an item into the first free one of these cells."""
        self.cells[i.key] = take(self.taken, wishes)

    def put_in_row(self, i: Item, step: int, column: int) -> None:
        """Put an item into a column of a step, in the row of its role or above."""
        role = self.parts.roles[i.key]
        first = step * COLUMNS_PER_STEP + column
        self.put(i, upwards(first, self.rows.row[role]))

    def readers(self, i: Item) -> list[Cell]:
        """The cells of what reads an item."""
        heads = self.parts.near.heads[i.key]
        return known(heads, self.cells)

    # --- in the steps -----------------------------------------------------------------------------
    def place_computed(self) -> None:
        """The operations and their boxes: above what they read in their step."""
        parts = self.parts
        computed = [i for i in parts.graph.items if not i.leaf]
        members = parts.members(computed)
        below = self._below(members)
        while members:
            role = self._next_role(members, below)
            inputs = _known_rows(below[role], self.rows.row)
            first = 2 + max(inputs, default=FLOOR)
            self.rows.put(role, parts.whole, count(first, 2))
            for i in members.pop(role):
                self.put_in_row(i, parts.step[i.key], self._column(i, role))

    def _below(self, computed: Container[Role]) -> defaultdict[Role, set[Role]]:
        """Of each role the computed ones that it reads in its step."""
        roles = self.parts.roles
        below: defaultdict[Role, set[Role]] = defaultdict(set)
        for a in self.parts.graph.arrows:
            tail = roles[a.tail]
            head = roles[a.head]
            if tail != head and tail in computed and self._is_in_step(a):
                below[head].add(tail)
        return below

    def _is_in_step(self, a: Arrow) -> bool:
        step = self.parts.step
        return a.tail in step and step[a.tail] == step.get(a.head)

    def _next_role(self, waiting: Iterable[Role], below: Mapping[Role, set[Role]]) -> Role:
        """A role whose inputs have their rows, states first; in a circle, the first one waiting."""
        placed = self.rows.row.keys()
        ready = [role for role in waiting if below[role] <= placed]
        ready.sort(key=lambda role: role not in self.parts.recurrent)
        return next(iter(ready or waiting))

    def _column(self, i: Item, role: Role) -> int:
        """The column of what is computed: a circle comes before its box."""
        has_circle = ("circle", i.key[1]) in self.parts.items
        comes_first = i.is_circle or not has_circle
        is_mirrored = role in self.parts.mirrored
        return SECOND if comes_first == is_mirrored else FIRST

    def place_inputs(self) -> None:
        """The leaves of a step: below what reads them; a target beside the circle that it feeds."""
        parts = self.parts
        others = []
        for i in parts.graph.items:
            if not i.leaf or i.key not in parts.step:
                continue
            if self._stands_beside(i):
                reader = self.readers(i)[0]
                self.put(i, along(reader.row, reader.column + 1, by=COLUMNS_PER_STEP))
            else:
                others.append(i)
        for role, items in parts.members(others).items():
            readers = list(chain.from_iterable(map(self.readers, items)))
            row = min((cell.row for cell in readers), default=FLOOR + 2)
            self.rows.put(role, parts.span(items), count(row - 1, -2))
            column = readers[0].column % COLUMNS_PER_STEP if readers else FIRST
            for i in items:
                self.put_in_row(i, parts.step[i.key], column)

    def _stands_beside(self, i: Item) -> bool:
        """Whether a leaf has room right of the one circle that reads it, which has no box there."""
        parts = self.parts
        heads = parts.near.heads[i.key]
        if len(heads) != 1:
            return False
        reader = heads[0]
        if parts.step.get(reader.key) != parts.step[i.key]:
            return False
        column, row = self.cells[reader.key]
        is_free = Cell(column + 1, row) not in self.taken
        is_recurrent = parts.roles[reader.key] in parts.recurrent
        is_alone = parts.is_lone(reader) and not is_recurrent
        return is_alone and is_free and column % COLUMNS_PER_STEP == FIRST

    # --- outside ----------------------------------------------------------------------------------
    def place_ends(self) -> None:
        """What is computed from the steps for none of them: above the middle of what it reads."""
        for i in self.parts.graph.items:
            is_end = not i.leaf and i.key not in self.parts.feeding
            if is_end and i.key not in self.cells:
                self._place_end(i)

    def _place_end(self, i: Item) -> None:
        steps = sorted(self.parts.sources[i.key]) or [0]
        role = self.parts.roles[i.key]
        if role not in self.rows.row:
            tails = known(self.parts.near.tails[i.key], self.cells)
            highest = max((cell.row for cell in tails), default=FLOOR)
            below = highest if len(steps) == 1 else self.rows.top
            first = below // 2 * 2 + 2
            self.rows.put(role, self.parts.whole, count(first, 2))
        middle = steps[len(steps) // 2]
        column = FIRST if i.is_circle else SECOND
        self.put_in_row(i, middle, column)

    def place_outside(self) -> None:
        """What enters the steps: left of all in the row of a reader, or in place of a state.

        What only the end reads stands left of it.
        """
        depth: dict[Key, int] = {}
        for i in reversed(self.parts.graph.items):
            if i.key in self.cells:
                continue
            depths = known(self.parts.near.heads[i.key], depth)
            depth[i.key] = 1 + max(depths, default=-1)
            readers = self.readers(i)
            row = min((cell.row for cell in readers), default=FLOOR)
            if i.stands_for in self.cells and readers:
                self.put(i, self._in_place_of(i.stands_for, readers))
            elif i.key in self.parts.feeding or not readers:
                self.put(i, _near(OUTSIDE_COLUMN - depth[i.key], row))
            else:
                first = min(cell.column for cell in readers)
                before = (first // COLUMNS_PER_STEP - 1) * COLUMNS_PER_STEP + 1
                self.put(i, along(row, max(before, OUTSIDE_COLUMN), by=-1))

    def _in_place_of(self, state: Key, readers: list[Cell]) -> Iterator[Cell]:
        """Where an initial state stands: beside the first step, or the last, that reads it."""
        _, row = self.cells[state]
        steps = [cell.column // COLUMNS_PER_STEP for cell in readers]
        if self.parts.roles[state] in self.parts.mirrored:
            return upwards(max(steps) * COLUMNS_PER_STEP + AFTER, row)
        return upwards(min(steps) * COLUMNS_PER_STEP + BEFORE, row)


def _known_rows(roles: Iterable[Role], row: Mapping[Role, int]) -> list[int]:
    """The rows of these roles, where they are known."""
    return [row[role] for role in roles if role in row]


def _near(column: int, row: int) -> Iterator[Cell]:
    """The cells of a column, those near a row first."""
    yield Cell(column, row)
    for distance in count(1):
        yield Cell(column, row + distance)
        yield Cell(column, row - distance)
