"""A rolled program as a function of JAX: loops are scans, lanes are mapped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from minigrad.compiler.rolled.rolled_program import (
    Call,
    Index,
    Loop,
    Program,
    Read,
    View,
    added_products,
)
from minigrad.compiler.rolled.run import fixed
from minigrad.ops.indexing import getitem

from .twins import twin

Values = dict[str, Any]


def function(program: Program) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """A function of arrays by name that JAX can trace, compile and differentiate."""

    def run(feeds: Mapping[str, Any]) -> tuple[Any, ...]:
        values: Values = {name: jnp.asarray(feeds[name]) for name in program.inputs}
        values |= {name: jnp.asarray(array) for name, array in program.constants.items()}
        for block in program.blocks:
            if isinstance(block, Call):
                values[block.name] = _called(block, values, 0, 0)
            elif block.carries:
                values |= _scanned(block, values)
            else:
                values |= _mapped(block, values)
        return tuple([_operand(values, read, 0, 0) for read in program.outputs])

    return run


# --- one call -------------------------------------------------------------------------------------
def _called(
    call: Call,
    values: Values,
    step: Any,
    lane: Any,
) -> Any:
    operands = [_operand(values, read, step, lane) for read in call.reads]
    return twin(call.fn)(*operands, **call.kwargs).astype(call.dtype)


def _operand(
    values: Values,
    read: Read,
    step: Any,
    lane: Any,
) -> Any:
    x = values[read.source]
    if read.index is not None:
        x = x.take(_number(read.index, step, lane), axis=read.axis)
    for view in read.views:
        x = _viewed(x, view, step, lane)
    return x


def _viewed(
    x: Any,
    view: View,
    step: Any,
    lane: Any,
) -> Any:
    if view.fn is not getitem:
        return twin(view.fn)(x, **view.kwargs)
    # slices that move are cut out one by one: their length is known, where they lie is not
    index = list(view.kwargs["index"])
    if Ellipsis in index:
        at = index.index(Ellipsis)
        missing = x.ndim - sum(entry is not None for entry in index) + 1
        index[at : at + 1] = [slice(None)] * missing
    axis = 0
    for i, entry in enumerate(index):
        if isinstance(entry, slice) and fixed(entry, 0, 0) != entry:
            x = _cut_out(x, axis, entry, step, lane)
            index[i] = slice(None)
        elif isinstance(entry, Index):
            index[i] = _number(entry, step, lane)
        axis += entry is not None
    return x[tuple(index)]


def _cut_out(x: Any, axis: int, moving: slice, step: Any, lane: Any) -> Any:
    """A slice along one axis, whose numbers depend on where the loop is."""
    size = x.shape[axis]
    length = len(range(size)[fixed(moving, 0, 0)])
    by = 1 if moving.step is None else fixed(moving.step, step, lane)
    if moving.start is None:
        start = jnp.where(by > 0, 0, size - 1)
    else:
        start = fixed(moving.start, step, lane)
        # as NumPy counts: from the end where it is negative, and no further than to the ends
        start = jnp.clip(jnp.where(start < 0, start + size, start), 0, size - 1)
    if moving.step is None:
        return lax.dynamic_slice_in_dim(x, start, length, axis)
    return x.take(start + by * jnp.arange(length), axis=axis)


def _number(
    index: Index,
    step: Any,
    lane: Any,
) -> Any:
    return index.start if index.is_fixed else index.at(step, lane)


# --- what a loop reads ----------------------------------------------------------------------------
def _moving(loop: Loop) -> list[Read]:
    """The rows that the body reads of values outside, each once."""
    own = {call.name for call in loop.body}
    own.update(carry.name for carry in loop.carries)
    rows: dict[tuple[Any, ...], Read] = {}
    for call in loop.body:
        for read in call.reads:
            if read.source not in own and read.index is not None and not read.index.is_fixed:
                rows[read.source, read.index, read.axis] = read
    return list(rows.values())


def rows(
    x: Any,
    read: Read,
    loop: Loop,
) -> Any:
    """The rows that are read in all steps and lanes, (steps, lanes, ...)."""
    assert read.index is not None
    steps, lanes = loop.steps, loop.lanes
    x = jnp.moveaxis(x, read.axis, 0)
    numbers = read.index.start + np.add.outer(
        np.arange(steps) * read.index.per_step, np.arange(lanes) * read.index.per_lane
    )
    # NumPy counts negative rows from the end
    flat = numbers.reshape(-1) % x.shape[0]
    differences = np.unique(np.diff(flat))
    if len(differences) <= 1 and 0 not in differences:
        step = int(differences[0]) if len(differences) else 1
        stop = int(flat[-1]) + (1 if step > 0 else -1)
        taken = x[int(flat[0]) : (stop if stop >= 0 else None) : step]
    else:
        taken = x[flat]
    return taken.reshape(steps, lanes, *x.shape[1:])


def _bound(
    read: Read,
    moving: list[Read],
    taken: list[Any],
    values: Values,
) -> Read:
    """The read with the rows of this step in the place of the value."""
    for i, row in enumerate(moving):
        if (read.source, read.index, read.axis) == (row.source, row.index, row.axis):
            name = f"row {i}"
            values[name] = taken[i]
            return Read(name, None, 0, read.views)
    return read


def _body(
    loop: Loop,
    moving: list[Read],
    values: Values,
) -> Callable[..., tuple[Values, Values]]:
    """One step of one lane: the results, and the operands of products that are added up."""
    added = added_products(loop)

    def body(
        carried: Values,
        taken: list[Any],
        step: Any,
        lane: Any,
    ) -> tuple[Values, Values]:
        local = values | carried
        operands = {}
        for call in loop.body:
            reads = tuple([_bound(read, moving, taken, local) for read in call.reads])
            if call.name in added:
                operands[call.name] = [_operand(local, read, step, lane) for read in reads]
            else:
                bound = Call(call.name, call.fn, reads, call.kwargs, call.shape, call.dtype)
                local[call.name] = _called(bound, local, step, lane)
        return local, operands

    return body


# --- loops ----------------------------------------------------------------------------------------
def _mapped(loop: Loop, values: Values) -> Values:
    """All steps and lanes at once."""
    moving = _moving(loop)
    taken = [rows(values[read.source], read, loop) for read in moving]
    body = _body(loop, moving, values)

    def one(
        taken: list[Any],
        step: Any,
        lane: Any,
    ) -> tuple[list[Any], Values]:
        local, operands = body({}, taken, step, lane)
        wanted = [*loop.stacked, *[name for name in loop.summed if name not in operands]]
        return [local[name] for name in wanted], operands

    lanes = jax.vmap(one, in_axes=(0, None, 0))
    every = jax.vmap(lanes, in_axes=(0, 0, None))
    results, operands = every(taken, jnp.arange(loop.steps), jnp.arange(loop.lanes))
    wanted = [*loop.stacked, *[name for name in loop.summed if name not in operands]]
    return _given_out(loop, dict(zip(wanted, results, strict=True)), operands)


def _given_out(
    loop: Loop,
    results: Values,
    operands: Values,
) -> Values:
    """The values of a loop from its results (steps, lanes, ...)."""
    values = {}
    for name, value in loop.stacked.items():
        x = results[name]
        values[value] = x.reshape(loop.steps * loop.lanes, *x.shape[2:])
    for name, value in loop.summed.items():
        if name in operands:
            values[value] = jnp.einsum("tsij,tsjk->ik", *operands[name])
        else:
            values[value] = results[name].sum(axis=(0, 1))
    return values


def _scanned(loop: Loop, values: Values) -> Values:
    """Step by step, the lanes at once."""
    moving = _moving(loop)
    taken = [rows(values[read.source], read, loop) for read in moving]
    body = _body(loop, moving, values)
    has_lanes = loop.lanes > 1
    if not has_lanes:
        taken = [x[:, 0] for x in taken]

    def one(
        queues: list[list[Any]],
        taken: list[Any],
        step: Any,
        lane: Any,
    ) -> Any:
        carried = {c.name: queue[0] for c, queue in zip(loop.carries, queues, strict=True)}
        local, _ = body(carried, taken, step, lane)
        moved = [
            [*queue[1:], local[c.result]] for c, queue in zip(loop.carries, queues, strict=True)
        ]
        return moved, [local[name] for name in loop.stacked]

    def all_lanes(queues: list[list[Any]], xs: tuple[list[Any], Any]) -> Any:
        taken, step = xs
        if not has_lanes:
            return one(queues, taken, step, 0)
        return jax.vmap(one, in_axes=(0, 0, None, 0))(queues, taken, step, np.arange(loop.lanes))

    dtype_of = {call.name: call for call in loop.body}
    first = []
    for carry in loop.carries:
        like = dtype_of[carry.result]
        queue = [_first(read, loop, values).astype(like.dtype) for read in carry.first]
        first.append(queue)
    steps = jnp.arange(loop.steps)
    _, results = lax.scan(all_lanes, first, (taken, steps), reverse=loop.backward)
    named = {}
    for name, x in zip(loop.stacked, results, strict=True):
        named[name] = x if has_lanes else x[:, None]
    return _given_out(loop, named, {})


def _first(
    read: Read,
    loop: Loop,
    values: Values,
) -> Any:
    """What is carried into the first step, for all lanes."""
    if loop.lanes == 1:
        return _operand(values, read, 0, 0)
    of_lane = jax.vmap(lambda lane: _operand(values, read, 0, lane))
    return of_lane(jnp.arange(loop.lanes))
