"""What the nodes of a tape read, behind the gates, and in which step each belongs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from minigrad import Tape, Tensor
from minigrad.viz.graphs.marks import Mark, inlined, is_gate, mark, through
from minigrad.viz.graphs.selection import Times, drawn_times

from .window_copies import Ages, Copies, copy_ages, firsts

Marks = tuple[Mark, ...]
StepOf = Mapping[Tensor, int | None]
Mates = dict[Tensor, Tensor]
"""From nodes to the nodes that belong to them."""


class Read(NamedTuple):
    """A node that is read, and the marks of the gates on the way."""

    source: Tensor
    marks: Marks


_Place = tuple[int | None, Hashable, int]
"""A step, a kind of operation, and which of its kind in the step."""
Reads = dict[Tensor, list[Read]]
"""What each node reads."""


def reads_of(tape: Tape) -> Reads:
    """What each node but the unnamed gates reads, behind those gates."""
    reads: Reads = {}
    told_by_marks: set[Tensor] = set()
    for n in tape.nodes:
        if not is_gate(n):
            reads[n] = [Read(*through(x)) for x in n.inputs]
            continue
        told_by_marks.update(inlined(n))
        if n.name:
            source, marks = through(n.inputs[0])
            if mark(n).text:
                marks = (*marks, mark(n))
            reads[n] = [Read(source, marks)]
    unread = told_by_marks.difference(_sources(reads))
    for n in unread:
        reads.pop(n, None)
    return reads


def joined_copies(tape: Tape, reads: Reads, copies: Copies) -> Reads:
    """The reads, all copies of a node in the place of the first."""
    if not copies:
        return reads
    ages = copy_ages(tape, copies)
    first_of = firsts(copies)
    joined: Reads = {}
    for n in reads:
        group = copies.get(n, [n])
        if first_of.get(n, n) is n:
            joined[n] = _joined(group, reads, ages, first_of)
    return joined


def _joined(group: Iterable[Tensor], reads: Reads, ages: Ages, first_of: Mates) -> list[Read]:
    """What any of these copies reads; an arrow that is cut in several of them is cut once."""
    after: defaultdict[Read, set[int]] = defaultdict(set)
    for n in group:
        for source, marks in reads.get(n, []):
            read = Read(first_of.get(source, source), marks)
            after[read].add(ages.get(n, 0))
    # What no copy reads openly is cut wherever its reader serves.
    opened = {source for source, marks in after if not _is_cut(marks)}
    joined = []
    for read, steps in after.items():
        is_partly = _is_cut(read.marks) and read.source in opened
        joined.append(_cut_after(read, steps) if is_partly else read)
    return joined


def _cut_after(read: Read, steps: Iterable[int]) -> Read:
    """The read whose cuts say how far back the gradient has come there."""
    after = tuple(sorted(steps))
    marks = [m._replace(after=after) if m.closed else m for m in read.marks]
    return read._replace(marks=tuple(marks))


def _is_cut(marks: Marks) -> bool:
    return any(m.closed for m in marks)


def _sources(reads: Reads) -> Iterator[Tensor]:
    """All that anything reads."""
    for inputs in reads.values():
        for read in inputs:
            yield read.source


def times_of_reads(tape: Tape, reads: Reads, initial_states: Mates) -> Times:
    """The step that each node is drawn in; initial states are drawn outside the steps.

    Of a single step all constants stay outside.
    """
    steps = set(tape.times.values())
    steps.discard(None)
    if len(steps) == 1:
        return dict(tape.times)
    sources: dict[Tensor, list[Tensor]] = {}
    for n, inputs in reads.items():
        sources[n] = [read.source for read in inputs]
    return drawn_times(tape.times, sources, outside=initial_states)


def roots_of_circles(outputs: set[Tensor], reads: Reads, times: Times) -> Mates:
    """The node whose circle each operation is part of.

    That is its readers', where they share one in the same step.
    """
    readers: defaultdict[Tensor, list[Tensor]] = defaultdict(list)
    gated: set[Tensor] = set()
    for n, inputs in reads.items():
        for x, marks in inputs:
            readers[x].append(n)
            if marks:
                gated.add(x)
    roots: Mates = {}
    # Readers first: their circles are known when an operation asks which of them it is part of.
    for n in reversed(reads):
        if n.fn is None:
            continue
        candidates = {roots[r] for r in readers[n]}
        root = candidates.pop() if len(candidates) == 1 else n
        is_shown = n.name or n in outputs or n in gated
        in_step = times[n] == times[root]
        joins = in_step and not is_gate(root)
        roots[n] = root if joins and not is_shown else n
    return dict(reversed(roots.items()))


def initial_states(reads: Reads, times: StepOf) -> Mates:
    """From each tensor that enters the steps where a recurrent edge would.

    The other end is the tensor that is read there one step later, or earlier: in a direction
    against time.
    """
    successors: Mates = {}
    for n, sibling in _counterparts(reads, times):
        pairs = zip(reads[n], reads[sibling], strict=False)
        for first, second in pairs:
            x = first.source
            y = second.source
            is_recurrent = times[y] not in (None, times[sibling])
            if is_recurrent and times[x] is None:
                successors.setdefault(x, y)
    return successors


def _counterparts(reads: Reads, times: StepOf) -> Iterator[tuple[Tensor, Tensor]]:
    """Each operation in a step with the same one in the next, then with that in the one before.

    The same by function, line and number.
    """
    count: Counter[Hashable] = Counter()
    nodes: dict[_Place, Tensor] = {}
    for n in reads:
        t = times[n]
        if n.fn is not None and t is not None:
            kind = (n.fn, n.place)
            count[t, kind] += 1
            k = count[t, kind]
            nodes[t, kind, k] = n
    following = _following_steps(times)
    preceding = {later: earlier for earlier, later in following.items()}
    for neighbour in (following, preceding):
        for (t, operation, k), n in nodes.items():
            near = neighbour.get(t)
            sibling = nodes.get((near, operation, k))
            if sibling is not None:
                yield n, sibling


def _following_steps(times: StepOf) -> dict[int | None, int | None]:
    """From each step to the next."""
    steps = {t for t in times.values() if t is not None}
    return dict(pairwise(sorted(steps)))
