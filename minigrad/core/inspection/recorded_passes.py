"""Which operations of a recorded backward pass belong to the rule of which forward node.

A pass is known by the leaf that it starts from, its seed; what it records of a node has serials
that follow each other, and copies keep theirs. Nothing here holds a Tensor.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from weakref import finalize

from minigrad.core.tensor import Tensor
from minigrad.ops.table import Fn
from minigrad.source import serials


class Visit(NamedTuple):
    """A node of the forward pass, by serial and function, and how far its rule has recorded.

    adjoint: the serial of the node's complete adjoint. end: the first serial that is not of it.
    """

    serial: int
    fn: Fn | None
    adjoint: int
    end: int


_passes: dict[int, list[list[Visit]]] = {}
"""The visits of each pass, by when its seed was born."""


def note(seed: Tensor, node: Tensor, g: Tensor, loss: Tensor) -> None:
    """Remember that the pass has just gone through a node, and name its adjoint g."""
    if node.name and g.fn and not g.name:
        g.named(f"d{loss.name or 'L'}/d{node.name}")
    passes = _passes.get(seed.born)
    if passes is None:
        passes = _passes[seed.born] = []
        finalize(seed, _passes.pop, seed.born, None).atexit = False
    if node is loss:
        # one seed may start several
        passes.append([])
    passes[-1].append(Visit(node.serial, node.fn, g.serial, next(serials)))


class Made(NamedTuple):
    """What a recorded pass made of one forward node.

    adjoint: its complete adjoint, None where that is not on the tape. rule: what its rule
    computed. total: what summed the contributions up, the adjoint among it.
    """

    node: Tensor
    adjoint: Tensor | None
    rule: tuple[Tensor, ...]
    total: tuple[Tensor, ...]


def passes_of(nodes: Iterable[Tensor]) -> list[list[Made]]:
    """What each backward pass on a tape made of each node, in the order in which it went.

    nodes: those of the tape.
    """
    known = list(nodes)
    made = []
    for seed in known:
        for visits in _passes.get(seed.born, ()):
            made.append([*_made(visits, known)])
    return made


def _made(visits: list[Visit], nodes: list[Tensor]) -> Iterator[Made]:
    """What one pass made, of the visits whose nodes are on the tape."""
    # behind the loss, which it visits first
    start, *ends = visits[0].serial, *(visit.end for visit in visits)
    forward: defaultdict[tuple[int, Fn | None], list[Tensor]] = defaultdict(list)
    parts: defaultdict[int, list[Tensor]] = defaultdict(list)
    recorded: dict[int, Tensor] = {}
    for n in nodes:
        forward[n.serial, n.fn].append(n)
        if start < n.serial < ends[-1] and not n.recomputed:
            recorded[n.serial] = n
            parts[bisect_right(ends, n.serial)].append(n)
    for k, visit in enumerate(visits):
        # two gates of one kind on an edge: the outer one was passed first
        counterparts = forward[visit.serial, visit.fn]
        if counterparts:
            total = tuple(n for n in parts[k] if n.serial <= visit.adjoint)
            rule = tuple(n for n in parts[k] if n.serial > visit.adjoint)
            yield Made(counterparts.pop(), recorded.get(visit.adjoint), rule, total)
