"""Folding the unrolled graph: a run of steps becomes one row of dots."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
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

    @property
    def first(self) -> int:
        """The first of its steps."""
        return self.run[0]


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
        return VariableGraph([*shown.values()], [*arrows])

    def shown(self, key: Key) -> Key:
        """What is shown of an item: itself, or what stands in for it."""
        return self.stand_in.get(key, key)

    def _hidden_gates(self, graph: VariableGraph) -> list[_HiddenMark]:
        """The marks on the gates that are not drawn: of those drawn at one place all but one."""
        times = graph.times
        drawn: dict[Gate, Gate] = {}
        hidden: dict[Gate, int] = {}
        for a in graph.arrows:
            step = self.steps.get(a.head, self.steps.get(a.tail))
            if step is None or not a.marks:
                continue
            gate = gate_of(a, times)
            is_hidden = self._hides(a)
            if not is_hidden:
                place = self._place_of(a, times)
                is_hidden = drawn.setdefault(place, gate) != gate
            if is_hidden:
                hidden[gate] = step
        marks = []
        for gate, step in hidden.items():
            marks += [_HiddenMark(step, m.classes) for m in gate.marks]
        return marks

    def _place_of(self, a: Arrow, times: Steps) -> Gate:
        """Where the gate on an arrow is drawn."""
        tail = self.shown(a.tail)
        head = self.shown(a.head)
        time = times[head]
        if head in self.folds:
            time = self.folds[head].first
        return Gate(tail, a.marks, time)

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
        cuts = [mark.step for mark in inside if mark.classes == CUT]
        strip = Strip(fold.run, tuple(cuts), known, count[SCALED], count[CLIPPED])
        dots = replace(item, strip=strip, tip=fold.caption, note="")
        if self.is_score:
            return replace(dots, names=("⋯",), time=fold.first)
        time = None if item.time is None else fold.first
        return replace(dots, names=("⋮",), time=time)

    def _moved(self, a: Arrow) -> Arrow | None:
        """The arrow between what is shown.

        Of the arrows between two folded items, that of the first folded step stands for all; what
        is on them is counted.
        """
        tail = self.shown(a.tail)
        head = self.shown(a.head)
        moved = replace(a, tail=tail, head=head)
        if not self._hides(a):
            return moved
        return replace(a, marks=()) if moved == a else None


def fold_items(graph: VariableGraph, view: View, kept: Iterable[int]) -> Folding:
    """What folds of these items, of which the steps kept do not."""
    folding = Folding(is_score=runs_across(graph))
    if not view.folds or not graph.stamps:
        return folding
    runs = _folding_runs(graph, view, list(kept), folding.is_score)
    step = _steps_with_neighbours(graph, runs)
    members = _members(graph, step)
    for run in runs:
        counterparts = _counterparts(run, members)
        folding.stand_in.update(counterparts)
        for t in run:
            keys = [item.key for item in members[t]]
            folding.steps.update(dict.fromkeys(keys, t))
        kinds = {_kind(members[t], gates={}) for t in run}
        text = caption(run, alike=len(kinds) == 1)
        fold = Fold(tuple(run), text)
        folding.folds.update(dict.fromkeys(counterparts.values(), fold))
    return folding


def _counterparts(run: list[int], members: Members) -> dict[Key, Key]:
    """What stands in for each item of a run: the first one there with its role.

    Where nothing is alike, the k-th of each step stands for the k-th of all.
    """
    largest = max(len(members[t]) for t in run)
    limit = 2 * largest
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
                last = len(models) - 1
                place = list(models)[min(k, last)]
            counterparts[item.key] = models[place]
    return counterparts


def _folding_runs(graph: VariableGraph, view: View, kept: list[int], is_score: bool) -> Runs:
    """The runs of steps that fold: those whose items and closed gates are alike."""
    max_steps = MAX_STEPS
    if is_score:
        max_steps = MAX_STEPS_ACROSS
        if len(graph.stamps) > MAX_STEPS_ACROSS:
            # Each of the steps that are kept may part a fold.
            max_steps -= 2 * len(kept)
    gates: defaultdict[Key, list[bool]] = defaultdict(list)
    cuts: set[int] = set()
    times = graph.times
    for a in graph.arrows:
        t = times[a.head]
        if a.closed and t is not None:
            cuts.add(t)
        for m in a.marks:
            gates[a.head].append(m.closed)
    members = _members(graph, times)
    kinds: dict[int, Hashable] = {}
    size = 0
    for t, in_step in members.items():
        kinds[t] = _kind(in_step, gates)
        size += len(in_step)
    return view.runs(kinds, size, MAX_ITEMS, kept, max_steps, cuts)


def _steps_with_neighbours(graph: VariableGraph, runs: Runs) -> Steps:
    """The step that each item folds with, if any; the result of the tape is always shown."""
    tails: defaultdict[Key, list[Key]] = defaultdict(list)
    unread = set(graph.times)
    for a in graph.arrows:
        tails[a.head].append(a.tail)
        unread.discard(a.tail)
    times = graph.times
    folded = list(chain.from_iterable(runs))
    step = folding_steps(times, tails.__getitem__, times.__getitem__, folded)
    for key in unread:
        step[key] = times[key]
    return step


def _members(graph: VariableGraph, step: Steps) -> Members:
    """The items of each step."""
    members: Members = {t: [] for t in graph.stamps}
    for i in graph.items:
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
