"""The unrolled graph as a score: a row for what has one role, a column for each step, to the right.

A network with several states is drawn so: each direction, clock and layer in a row of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

from minigrad.viz.graphs.roles import Role

from .grid import Cell, Cells
from .score_parts import Parts, Span
from .stages import known, take
from .variable_model import Item, Key, VariableGraph

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
        return all(span.last < other.first or other.last < span.first for other in self.spans[row])

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

    # --- in the steps -----------------------------------------------------------------------------
    def place_computed(self) -> None:
        """The operations and their boxes: above what they read in their step."""
        members = self.parts.members(i for i in self.parts.graph.items if not i.leaf)
        below: defaultdict[Role, set[Role]] = defaultdict(set)
        computed = set(members)
        for a in self.parts.graph.arrows:
            tail = self.parts.roles[a.tail]
            head = self.parts.roles[a.head]
            in_step = self.parts.step.get(a.tail, -1) == self.parts.step.get(a.head)
            if in_step and tail != head and tail in computed:
                below[head].add(tail)
        while members:
            role = self._next_role(members, below)
            inputs = [self.rows.row[x] for x in below[role] if x in self.rows.row]
            first = 2 + max(inputs, default=FLOOR)
            items = members.pop(role)
            self.rows.put(role, self.parts.whole, count(first, 2))
            is_mirrored = role in self.parts.mirrored
            for i in items:
                has_circle = i.is_circle or ("circle", i.key[1]) in self.parts.items
                comes_first = i.is_circle or not has_circle
                self._put_in_step(i, FIRST if comes_first != is_mirrored else SECOND)

    def _next_role(self, waiting: Iterable[Role], below: Mapping[Role, set[Role]]) -> Role:
        """A role whose inputs have their rows, states first; in a circle, the first one waiting."""
        ready = [role for role in waiting if below[role] <= self.rows.row.keys()]
        ready.sort(key=lambda role: role not in self.parts.recurrent)
        return next(iter(ready or waiting))

    def place_inputs(self) -> None:
        """The leaves of a step: below what reads them; a target beside the circle that it feeds."""
        others = []
        for i in self.parts.graph.items:
            if i.leaf and i.key in self.parts.step:
                if self._stands_beside(i):
                    reader = self.cells[self.parts.heads[i.key][0].key]
                    self.put(i, _along(reader.row, reader.column + 1, by=COLUMNS_PER_STEP))
                else:
                    others.append(i)
        for role, items in self.parts.members(others).items():
            readers = [cell for i in items for cell in known(self.parts.heads[i.key], self.cells)]
            row = min((cell.row for cell in readers), default=FLOOR + 2)
            self.rows.put(role, self.parts.span(items), count(row - 1, -2))
            column = readers[0].column % COLUMNS_PER_STEP if readers else FIRST
            for i in items:
                self._put_in_step(i, column)

    def _stands_beside(self, i: Item) -> bool:
        """Whether a leaf has room right of the one circle that reads it, which has no box there."""
        heads = self.parts.heads[i.key]
        if len(heads) != 1 or self.parts.step.get(heads[0].key) != self.parts.step[i.key]:
            return False
        reader = heads[0]
        column, row = self.cells[reader.key]
        is_free = Cell(column + 1, row) not in self.taken
        is_recurrent = self.parts.roles[reader.key] in self.parts.recurrent
        is_alone = self.parts.is_lone(reader) and not is_recurrent
        return is_alone and is_free and column % COLUMNS_PER_STEP == FIRST

    def _put_in_step(self, i: Item, column: int) -> None:
        first = self.parts.step[i.key] * COLUMNS_PER_STEP + column
        self.put(i, _up(first, self.rows.row[self.parts.roles[i.key]]))

    # --- outside ----------------------------------------------------------------------------------
    def place_ends(self) -> None:
        """What is computed from the steps for none of them: above the middle of what it reads."""
        for i in self.parts.graph.items:
            if i.leaf or i.key in self.parts.feeding or i.key in self.cells:
                continue
            tails = known(self.parts.tails[i.key], self.cells)
            steps = sorted(self.parts.sources[i.key]) or [0]
            role = self.parts.roles[i.key]
            if role not in self.rows.row:
                highest = max((cell.row for cell in tails), default=FLOOR)
                first = highest if len(steps) == 1 else self.rows.top
                self.rows.put(role, self.parts.whole, count(first // 2 * 2 + 2, 2))
            middle = steps[len(steps) // 2]
            column = middle * COLUMNS_PER_STEP + (FIRST if i.is_circle else SECOND)
            self.put(i, _up(column, self.rows.row[role]))

    def place_outside(self) -> None:
        """What enters the steps: left of all in the row of a reader, or in place of a state.

        What only the end reads stands left of it.
        """
        depth: dict[Key, int] = {}
        for i in reversed(self.parts.graph.items):
            if i.key in self.cells:
                continue
            heads = self.parts.heads[i.key]
            readers = known(heads, self.cells)
            depth[i.key] = 1 + max(known(heads, depth), default=-1)
            row = min((cell.row for cell in readers), default=FLOOR)
            if i.stands_for in self.cells and readers:
                self.put(i, self._in_place_of(i.stands_for, readers))
            elif i.key in self.parts.feeding or not readers:
                self.put(i, _near(OUTSIDE_COLUMN - depth[i.key], row))
            else:
                column = min(cell.column for cell in readers)
                before = column - column % COLUMNS_PER_STEP - COLUMNS_PER_STEP + 1
                self.put(i, _along(row, max(before, OUTSIDE_COLUMN), by=-1))

    def _in_place_of(self, state: Key, readers: list[Cell]) -> Iterator[Cell]:
        """Where an initial state stands: beside the first step, or the last, that reads it."""
        _, row = self.cells[state]
        steps = [cell.column // COLUMNS_PER_STEP for cell in readers]
        if self.parts.roles[state] in self.parts.mirrored:
            return _up(max(steps) * COLUMNS_PER_STEP + AFTER, row)
        return _up(min(steps) * COLUMNS_PER_STEP + BEFORE, row)


def _up(column: int, row: int) -> Iterator[Cell]:
    """The cells of a column, from a row up."""
    for r in count(row):
        yield Cell(column, r)


def _along(row: int, column: int, by: int) -> Iterator[Cell]:
    """The cells of a row, from a column on."""
    for c in count(column, by):
        yield Cell(c, row)


def _near(column: int, row: int) -> Iterator[Cell]:
    """The cells of a column, those near a row first."""
    yield Cell(column, row)
    for distance in count(1):
        yield Cell(column, row + distance)
        yield Cell(column, row - distance)
