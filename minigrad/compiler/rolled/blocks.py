"""A block of the program from the nodes of several steps and lanes that do the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter

from minigrad.compiler.graph import Node

from .affine import UnevenError, at, mapped
from .operand_looks import looked_through, refuse_other_forms, root_of
from .places import Place, Places
from .rolled_program import Call, Carry, Loop, Read, View
from .value_names import name_in_step, name_of_rows, own_name

Grid = list[list[Node]]
"""A node for every step, and in it for every lane."""


def add_block(
    grids: list[Grid],
    places: Places,
    *,
    backward: bool = False,
) -> None:
    """Add the block that computes the nodes of the grids, one grid for every call of its body.

    Raises UnevenError where steps read one another in no even way; no block is added then.
    """
    steps, lanes = len(grids[0]), len(grids[0][0])
    if len(grids) * steps * lanes == 1:
        node = grids[0][0][0]
        name = places.value(own_name(node), node)
        reads = tuple([places.read(x) for x in node.inputs])
        places.blocks.append(call_of(node, name, reads))
        places.place_of[node] = Place(name)
        return
    builder = _Builder(grids, places, backward)
    body = builder.body()
    stacked = {}
    for call, grid in zip(body, grids, strict=True):
        stacked[call.name] = _place_rows(grid, places)
    carries = tuple(builder.carries.values())
    places.blocks.append(Loop(steps, lanes, backward, body, carries, stacked))


def add_sum(
    grid: Grid,
    name: str,
    places: Places,
) -> str:
    """Add a loop that adds up the nodes of a grid; the name of the value."""
    body = _Builder([grid], places, backward=False).body()
    first = grid[0][0]
    value = places.value(name, first)
    summed = {body[0].name: value}
    places.blocks.append(Loop(len(grid), len(grid[0]), False, body, summed=summed))
    return value


def call_of(
    node: Node,
    name: str,
    reads: tuple[Read, ...],
) -> Call:
    """The call that a node is, and those like it."""
    assert node.fn is not None
    return Call(name, node.fn, reads, node.kwargs, node.shape, node.dtype)


def _place_rows(grid: Grid, places: Places) -> str:
    """A new value whose rows the nodes are; its name."""
    steps, lanes = len(grid), len(grid[0])
    first = grid[0][0]
    value = places.value(name_of_rows(first), first, steps * lanes)
    for step, nodes in enumerate(grid):
        for lane, node in enumerate(nodes):
            places.place_of[node] = Place(value, step * lanes + lane)
    return value


@dataclass(slots=True)
class _Builder:
    """What the operands of a body are.

    names: of its calls. position: of every node of the block its call, step and lane.
    """

    grids: list[Grid]
    places: Places
    backward: bool
    names: list[str] = field(default_factory=list)
    position: dict[Node, tuple[int, int, int]] = field(default_factory=dict)
    carries: dict[tuple[str, str], Carry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for k, grid in enumerate(self.grids):
            name = name_in_step(grid[0][0])
            self.names.append(self.places.fresh(name))
            for step, row in enumerate(grid):
                for lane, node in enumerate(row):
                    self.position[node] = k, step, lane

    def body(self) -> tuple[Call, ...]:
        """A call for each grid. Raises UnevenError."""
        calls = []
        for k, grid in enumerate(self.grids):
            counts = {len(node.inputs) for row in grid for node in row}
            if len(counts) > 1:
                raise UnevenError
            reads = []
            for slot in range(counts.pop()):
                operands = at(mapped(grid, attrgetter("inputs")), slot)
                reads.append(self.read(k, operands))
            calls.append(call_of(grid[0][0], self.names[k], tuple(reads)))
        return tuple(calls)

    def read(
        self,
        k: int,
        grid: Grid,
    ) -> Read:
        """What one operand of call k is, whose nodes in all steps and lanes are given."""
        refuse_other_forms(grid)
        if not any(self.is_inside(node) for row in grid for node in row):
            return self.places.rows(grid)
        order = grid[::-1] if self.backward else grid
        last = order[-1][0]
        if not self.is_inside(last):
            raise UnevenError
        result, _, _ = self.position[root_of(last)]
        lag = self.lag(order, result)
        _, views = looked_through(order[lag:])
        if lag == 0:
            # what it reads of its own step is there already
            if result >= k:
                raise UnevenError
            return Read(self.names[result], None, 0, views)
        first = [self.read_first(row, views) for row in order[:lag]]
        return Read(self.carry(self.names[result], tuple(first)), None, 0, views)

    def is_inside(self, node: Node) -> bool:
        """Whether it looks at what the block computes."""
        return root_of(node) in self.position

    def lag(
        self,
        order: Grid,
        result: int,
    ) -> int:
        """How many steps before its reader the call ``result`` computed each node.

        order: the steps in the order of execution; the first of them may read something else.
        """
        lags = set()
        count = len(order)
        for done, row in enumerate(order):
            for lane, node in enumerate(row):
                if not self.is_inside(node):
                    continue
                k, step, of_lane = self.position[root_of(node)]
                if (k, of_lane) != (result, lane):
                    raise UnevenError
                lags.add(done - (count - 1 - step if self.backward else step))
        if len(lags) > 1:
            raise UnevenError
        (lag,) = lags
        if lag < 0:
            raise UnevenError
        for done, row in enumerate(order):
            if any(self.is_inside(node) != (done >= lag) for node in row):
                raise UnevenError
        return lag

    def read_first(
        self,
        row: list[Node],
        views: tuple[View, ...],
    ) -> Read:
        """What stands for a carry in one of the first steps, without the views of its readers."""
        if not views:
            return self.places.rows([row])
        roots, views_of_first = looked_through([row])
        if views_of_first != views:
            raise UnevenError
        return self.places.rows(roots)

    def carry(
        self,
        result: str,
        first: tuple[Read, ...],
    ) -> str:
        """The name of the carry of a result."""
        key = result, repr(first)
        if key not in self.carries:
            sign = "+" if self.backward else "-"
            name = result.replace("_t", f"_t{sign}{len(first)}", 1)
            self.carries[key] = Carry(self.places.fresh(name), result, first)
        return self.carries[key].name
