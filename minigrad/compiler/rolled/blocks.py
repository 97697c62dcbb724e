"""A block of the program from the nodes of several steps and lanes that do the same."""

from __future__ import annotations

from dataclasses import dataclass, field

from minigrad.compiler.graph import Node

from .affine import UnevenError, even
from .places import (
    Place,
    Places,
    looked_through,
    name_in_step,
    name_of_rows,
    own_name,
    root_of,
)
from .program import Block, Call, Carry, Loop, Read

Grid = list[list[Node]]
"""A node for every step, and in it for every lane."""


def add_block(grids: list[Grid], places: Places, *, backward: bool = False) -> None:
    """Add the block that computes the nodes of the grids, one grid for every call of its body.

    Raises UnevenError where steps read one another in no even way; nothing is added then.
    """
    builder = _Builder(grids, places, backward)
    reads = [builder.reads(k) for k in range(len(grids))]
    steps, lanes = len(grids[0]), len(grids[0][0])
    body = []
    for k, grid in enumerate(grids):
        first = grid[0][0]
        body.append(Call(builder.names[k], first.fn, reads[k], first.kwargs, first.shape, first.dtype))
    block: Block = Loop(steps, lanes, backward, tuple(body), tuple(builder.carries.values()))
    if steps * lanes == 1:
        (call,) = body
        name = places.value(own_name(grids[0][0][0]), grids[0][0][0])
        block = Call(name, call.fn, call.reads, call.kwargs, call.shape, call.dtype)
        places.place_of[grids[0][0][0]] = Place(name)
    else:
        for k, grid in enumerate(grids):
            name = places.value(name_of_rows(grid[0][0]), grid[0][0], steps * lanes)
            block.stacked[builder.names[k]] = name
            for row, nodes in enumerate(grid):
                for lane, node in enumerate(nodes):
                    places.place_of[node] = Place(name, row * lanes + lane)
    places.blocks.append(block)


def add_sum(grid: Grid, places: Places) -> str:
    """Add a loop that adds up the nodes of a grid; the name of the value."""
    builder = _Builder([grid], places, backward=False)
    first = grid[0][0]
    (name,) = builder.names
    call = Call(name, first.fn, builder.reads(0), first.kwargs, first.shape, first.dtype)
    value = places.value(f"sum of {name_of_rows(first)}", first)
    places.blocks.append(
        Loop(len(grid), len(grid[0]), False, (call,), (), {}, {name: value})
    )
    return value


@dataclass(slots=True)
class _Builder:
    """What the operands of a body are.

    position: of every node of the block its call, step and lane.
    """

    grids: list[Grid]
    places: Places
    backward: bool
    names: list[str] = field(default_factory=list)
    position: dict[Node, tuple[int, int, int]] = field(default_factory=dict)
    carries: dict[tuple[str, str], Carry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for k, grid in enumerate(self.grids):
            self.names.append(self.places.fresh(name_in_step(grid[0][0])))
            for step, row in enumerate(grid):
                for lane, node in enumerate(row):
                    self.position[node] = k, step, lane

    def reads(self, k: int) -> tuple[Read, ...]:
        grid = self.grids[k]
        counts = {len(node.inputs) for row in grid for node in row}
        if len(counts) > 1:
            raise UnevenError
        reads = []
        for slot in range(counts.pop()):
            reads.append(self.read(k, [[node.inputs[slot] for node in row] for row in grid]))
        return tuple(reads)

    def read(self, k: int, grid: Grid) -> Read:
        """The nodes that one operand of call k is, in all steps and lanes."""
        if not self.reads_inside(grid):
            return self.places.rows(grid)
        # views of what the loop itself computes
        last = [[self.in_order(grid)[-1][lane] for lane in range(len(grid[0]))]]
        (inner,), views = looked_through(last)
        result, _, _ = self.position.get(inner[0], (None, 0, 0))
        if result is None:
            raise UnevenError
        lag = self.lag(grid, result)
        source = self.names[result]
        if lag == 0:
            if result >= k:
                raise UnevenError
            _, views = looked_through(grid)
            return Read(source, None, 0, views)
        order = self.in_order(grid)
        _, views = looked_through(order[lag:])
        first = []
        for row in order[:lag]:
            if self.reads_inside([row]):
                raise UnevenError
            first.append((row, views))
        return self.carried(source, first, views)

    def carried(self, source, first, views) -> Read:
        """A carry of a result, read through views."""
        reads = []
        outer: tuple = views
        for row, _ in first:
            # what comes first is looked at in the same way, or not at all
            try:
                roots, same_views = looked_through([row])
            except UnevenError:
                same_views = None
            if same_views == views:
                reads.append(self.places.rows(roots))
            elif not views:
                reads.append(self.places.rows([row]))
            else:
                raise UnevenError
        key = source, repr(reads)
        if key not in self.carries:
            step = f"_t{'+' if self.backward else '-'}{len(reads)}"
            name = source.replace("_t", step, 1)
            self.carries[key] = Carry(self.places.fresh(name), source, tuple(reads))
        return Read(self.carries[key].name, None, 0, outer)

    def reads_inside(self, grid: Grid) -> bool:
        return any(root_of(node) in self.position for row in grid for node in row)

    def in_order(self, grid: Grid) -> Grid:
        """The steps in the order of execution."""
        return grid[::-1] if self.backward else grid

    def lag(self, grid: Grid, result: int) -> int:
        """How many steps back the nodes of a grid were computed, by the same call for all."""
        lags = set()
        order = self.in_order(grid)
        for i, row in enumerate(order):
            for lane, node in enumerate(row):
                at = self.position.get(root_of(node))
                if at is None:
                    continue
                k, step, of_lane = at
                j = len(order) - 1 - step if self.backward else step
                if k != result or of_lane != lane:
                    raise UnevenError
                lags.add(i - j)
        if len(lags) != 1:
            raise UnevenError
        (lag,) = lags
        inside = [any(root_of(n) in self.position for n in row) for row in order]
        if lag < 0 or any(inside[:lag]) or not all(inside[lag:]):
            raise UnevenError
        for row in order[lag:]:
            if not all(root_of(n) in self.position for n in row):
                raise UnevenError
        return lag
