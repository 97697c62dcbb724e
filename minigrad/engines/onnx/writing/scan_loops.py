"""Loops of a program in ONNX: a Scan, or all steps at once where that is the same."""

from __future__ import annotations

from minigrad.compiler.rolled.rolled_program import Carry, Loop, Read

from .at_once import at_once, summed_rows
from .read_operands import Moving, Values, called, operand, outside
from .scan_nodes import scan
from .written import Graph, Value


def write_loop(
    g: Graph,
    loop: Loop,
    values: Values,
) -> Values:
    """The values that a loop gives."""
    if loop.carries:
        return _carried(g, loop, values)
    return at_once(g, loop, values) or _mapped(g, loop, values)


def _own(loop: Loop) -> set[str]:
    own = {call.name for call in loop.body}
    return own.union([carry.name for carry in loop.carries])


def _body_reads(loop: Loop) -> list[Read]:
    return [read for call in loop.body for read in call.reads]


def _step(
    g: Graph,
    loop: Loop,
    moving: Moving,
    values: Values,
    taken: list[Value],
) -> Values:
    """The results of one step of one lane."""
    local = dict(values)
    read = moving.bound(g, local, taken)
    for call in loop.body:
        g.file.call = call.name
        local[call.name] = called(g, call, [read(r) for r in call.reads])
    return local


def _mapped(
    g: Graph,
    loop: Loop,
    values: Values,
) -> Values:
    """A Scan that carries nothing, over all steps and lanes."""
    moving = Moving(loop, _body_reads(loop), _own(loop))
    count = loop.steps * loop.lanes
    sequences = []
    for x in moving.sequences(g, values):
        sequences.append(g.reshape(x, (count, *x.shape[2:])))

    def body(
        inner: Graph,
        _: list[Value],
        taken: list[Value],
    ) -> tuple[list[Value], list[Value]]:
        local = _step(inner, loop, moving, values, taken)
        return [], [local[name] for name in _given_out(loop)]

    return _named(g, loop, scan(g, [], sequences, body))


def _given_out(loop: Loop) -> list[str]:
    return list(dict.fromkeys([*loop.stacked, *loop.summed]))


def _named(
    g: Graph,
    loop: Loop,
    results: list[Value],
) -> Values:
    """The values of a loop from all its rows."""
    rows = dict(zip(_given_out(loop), results, strict=True))
    values = {value: rows[name] for name, value in loop.stacked.items()}
    for name, value in loop.summed.items():
        g.file.call = value
        values[value] = summed_rows(g, rows[name])
    return values


# --- loops that carry -----------------------------------------------------------------------------
def _carried(
    g: Graph,
    loop: Loop,
    values: Values,
) -> Values:
    """A Scan over the steps; around it one over the lanes, which never read one another."""
    moving = Moving(loop, _body_reads(loop), _own(loop))
    sequences = moving.sequences(g, values)
    firsts = [read for carry in loop.carries for read in carry.first]
    if loop.lanes == 1:
        g.file.call = loop.carries[0].name
        begun = _begun(g, loop, [operand(g, values, read, outside(g)) for read in firsts])
        taken = [g.reshape(x, (x.shape[0], *x.shape[2:])) for x in sequences]
        return _named(g, loop, _steps(g, loop, moving, values, begun, taken))
    one = Loop(1, loop.lanes, loop.backward, ())
    at_first = Moving(one, firsts, set())
    first_rows = at_first.sequences(g, values)

    def of_lane(
        inner: Graph, _: list[Value], taken: list[Value]
    ) -> tuple[list[Value], list[Value]]:
        mine, own_firsts = taken[: len(sequences)], taken[len(sequences) :]
        flat = [inner.reshape(x, x.shape[1:]) for x in own_firsts]
        read = at_first.bound(inner, values, flat)
        begun = _begun(inner, loop, [read(r) for r in firsts])
        return [], _steps(inner, loop, moving, values, begun, mine)

    results = scan(g, [], [*sequences, *first_rows], of_lane, axis=1)
    count = loop.steps * loop.lanes
    return _named(g, loop, [g.reshape(x, (count, *x.shape[2:])) for x in results])


def _begun(
    g: Graph,
    loop: Loop,
    firsts: list[Value],
) -> list[Value]:
    """What is carried into the first steps, in the form of what is carried on."""
    like = {call.name: call for call in loop.body}
    begun = []
    results = [carry.result for carry in loop.carries for _ in carry.first]
    for x, result in zip(firsts, results, strict=True):
        begun.append(g.cast(g.expand(x, like[result].shape), like[result].dtype))
    return begun


def _steps(
    g: Graph, loop: Loop, moving: Moving, values: Values, begun: list[Value], taken: list[Value]
) -> list[Value]:
    """One lane, step by step: the rows of what is given out."""

    def body(
        inner: Graph, states: list[Value], taken: list[Value]
    ) -> tuple[list[Value], list[Value]]:
        local = dict(values)
        for carry, queue in zip(loop.carries, _queues(loop.carries, states), strict=True):
            local[carry.name] = queue[0]
        local = _step(inner, loop, moving, local, taken)
        after = []
        for carry, queue in zip(loop.carries, _queues(loop.carries, states), strict=True):
            after += [*queue[1:], local[carry.result]]
        return after, [local[name] for name in _given_out(loop)]

    return scan(g, begun, taken, body, backward=loop.backward)


def _queues(
    carries: tuple[Carry, ...],
    states: list[Value],
) -> list[list[Value]]:
    """The states of each carry, the one to be read next in front."""
    queues = []
    at = 0
    for carry in carries:
        queues.append(states[at : at + carry.lag])
        at += carry.lag
    return queues
