"""Folding the unrolled graph: a run of steps becomes one row of dots."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Container, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from minigrad.viz.graphs.fold import MAX_STEPS, View, caption, folding_steps
from minigrad.viz.graphs.landmarks import Landmarks
from minigrad.viz.graphs.marks import CLIPPED, CUT, SCALED
from minigrad.viz.graphs.strip import Strip

from .score_parts import runs_across
from .variable_model import Arrow, Item, Key, VariableGraph
from .variable_sizes import Gate, gate_of

# Boxes and circles in all steps: steps with many of them fold sooner.
MAX_ITEMS = 100
# Steps side by side that a page has room for.
MAX_STEPS_ACROSS = 7

Runs = list[list[int]]
Members = dict[int, list[Item]]
"""The items of each step."""
Steps = Mapping[Key, int | None]
"""The step of each item."""
Gates = Mapping[Key, list[bool]]
"""Of the gates before each item: whether they are closed."""


class _HiddenMark(NamedTuple):
    """A mark on a gate that is not drawn, and the folded step that it belongs to."""

    step: int
    classes: str


class Fold(NamedTuple):
    """A run of steps, and what is written on it."""

    run: tuple[int, ...]
    caption: str


@dataclass(frozen=True)
class Folding:
    """Who stands in for each folded item, and the fold and the step of each that is folded.

    is_score: whether the steps run to the right, where all dots of a fold stand in its column.
    """

    stand_in: dict[Key, Key] = field(default_factory=dict)
    folds: dict[Key, Fold] = field(default_factory=dict)
    steps: dict[Key, int] = field(default_factory=dict)
    is_score: bool = False

    def apply(self, graph: VariableGraph, known: Landmarks) -> VariableGraph:
        """The items, dots for those that stand in, and the arrows between them, each once.

        The graph may also be that of a tape like the one that the folding was made for.
        known: what is known of the steps of that tape.
        """
        hidden = self._hidden_gates(graph)
        shown: dict[Key, Item] = {}
        for i in graph.items:
            if self.shown(i.key) == i.key:
                shown[i.key] = self._dotted(i, hidden, known)
        arrows: dict[Arrow, None] = {}
        for a in graph.arrows:
            new = self._moved(a)
            if new and new.tail in shown and new.head in shown:
                arrows[new] = None
        items = list(shown.values())
        return VariableGraph(items, list(arrows))

    def shown(self, key: Key) -> Key:
        """What is shown of an item: itself, or what stands in for it."""
        return self.stand_in.get(key, key)

    def _hidden_gates(self, graph: VariableGraph) -> list[_HiddenMark]:
        """The marks on the gates that are not drawn: of those drawn at one place all but one."""
        times = graph.times
        drawn: dict[Gate, Gate] = {}
        hidden: dict[Gate, int] = {}
        for a in graph.arrows:
            if not a.marks:
                continue
            gate = gate_of(a, times)
            head = self.shown(a.head)
            time = self.folds[head].run[0] if head in self.folds else times[head]
            place = Gate(self.shown(a.tail), a.marks, time)
            step = self.steps.get(a.head, self.steps.get(a.tail))
            if step is not None and (self._hides(a) or drawn.setdefault(place, gate) != gate):
                hidden[gate] = step
        return [_HiddenMark(step, m.classes) for gate, step in hidden.items() for m in gate.marks]

    def _hides(self, a: Arrow) -> bool:
        """Whether both ends of an arrow fold."""
        return {a.tail, a.head} <= self.stand_in.keys()

    def _dotted(self, item: Item, hidden: list[_HiddenMark], known: Landmarks) -> Item:
        """Dots in place of an item that stands in for others, with what they hide."""
        fold = self.folds.get(item.key)
        if fold is None:
            return item
        run = set(fold.run)
        inside = [mark for mark in hidden if mark.step in run]
        count = Counter(mark.classes for mark in inside)
        cuts = tuple(mark.step for mark in inside if mark.classes == CUT)
        strip = Strip(fold.run, cuts, known, count[SCALED], count[CLIPPED])
        sign = "⋯" if self.is_score else "⋮"
        time = fold.run[0] if self.is_score or item.time is not None else None
        return replace(item, names=(sign,), time=time, strip=strip, tip=fold.caption)

    def _moved(self, a: Arrow) -> Arrow | None:
        """The arrow between what is shown.

        Of the arrows between two folded items, that of the first folded step stands for all; what
        is on them is counted.
        """
        tail = self.shown(a.tail)
        head = self.shown(a.head)
        new = replace(a, tail=tail, head=head)
        if not self._hides(a):
            return new
        return replace(a, marks=()) if new == a else None


def fold_items(graph: VariableGraph, view: View, kept: Collection[int] = ()) -> Folding:
    """What folds of these items, of which the steps kept do not."""
    is_score = runs_across(graph)
    folding = Folding(is_score=is_score)
    stamps = _stamps(graph)
    if not view.folds or not stamps:
        return folding
    max_steps = MAX_STEPS
    if is_score:
        # Of the steps that are kept each may part a fold.
        is_long = len(stamps) > MAX_STEPS_ACROSS
        max_steps = MAX_STEPS_ACROSS - 2 * len(kept) * is_long
    runs = _folding_runs(graph, view, stamps, kept, max_steps)
    step = _steps_with_neighbours(graph, runs)
    members = _members(graph.items, step, stamps)
    for run in runs:
        counterparts = _counterparts(run, members)
        folding.stand_in.update(counterparts)
        for t in run:
            folding.steps.update((item.key, t) for item in members[t])
        kinds = {_kind(members[t], gates={}) for t in run}
        fold = Fold(tuple(run), caption(run, alike=len(kinds) == 1))
        folding.folds.update(dict.fromkeys(counterparts.values(), fold))
    return folding


def _counterparts(run: list[int], members: Members) -> dict[Key, Key]:
    """What stands in for each item of a run: the first one there with its role.

    Where nothing is alike, the k-th of each step stands for the k-th of all.
    """
    limit = 2 * max(len(members[t]) for t in run)
    models: dict[Hashable, Key] = {}
    counterparts: dict[Key, Key] = {}
    for t in run:
        outside = 0
        for k, item in enumerate(members[t]):
            place: Hashable = item.key[0], item.role
            if item.time is None:
                outside += 1
                place = item.key[0], outside
            if len(models) < limit:
                models.setdefault(place, item.key)
            if place not in models:
                place = list(models)[min(k, len(models) - 1)]
            counterparts[item.key] = models[place]
    return counterparts


def _stamps(graph: VariableGraph) -> list[int]:
    """The steps that anything stands in."""
    times = set(graph.times.values())
    return sorted(t for t in times if t is not None)


def _folding_runs(
    graph: VariableGraph, view: View, stamps: list[int], kept: Container[int], max_steps: int
) -> Runs:
    """The runs of steps that fold: those whose items and closed gates are alike."""
    gates: defaultdict[Key, list[bool]] = defaultdict(list)
    for a in graph.arrows:
        for m in a.marks:
            gates[a.head].append(m.closed)
    members = _members(graph.items, graph.times, stamps)
    kinds: dict[int, Hashable] = {}
    size = 0
    for t, in_step in members.items():
        kinds[t] = _kind(in_step, gates)
        size += len(in_step)
    return view.runs(kinds, size, MAX_ITEMS, kept, max_steps)


def _steps_with_neighbours(graph: VariableGraph, runs: Runs) -> Steps:
    """The step that each item folds with, if any; the result of the tape is always shown."""
    tails: defaultdict[Key, list[Key]] = defaultdict(list)
    unread = set(graph.times)
    for a in graph.arrows:
        tails[a.head].append(a.tail)
        unread.discard(a.tail)
    times = graph.times
    folded = [t for run in runs for t in run]
    step = folding_steps(times, tails.__getitem__, times.__getitem__, folded)
    for key in unread:
        step[key] = times[key]
    return step


def _members(items: Iterable[Item], step: Steps, stamps: list[int]) -> Members:
    """The items of each step."""
    members: Members = {t: [] for t in stamps}
    for i in items:
        t = step[i.key]
        if t is not None:
            members[t].append(i)
    return members


def _kind(members: Iterable[Item], gates: Gates) -> Hashable:
    """What steps alike share: what is written on a gate may differ, not whether it is closed."""
    kind: list[Hashable] = []
    for i in members:
        operations = "" if i.names else i.tip
        closed = tuple(gates.get(i.key, ()))
        count = len(i.names)
        kind.append((count, i.leaf, operations, closed))
    return tuple(kind)
