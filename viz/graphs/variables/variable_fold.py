"""Folding the unrolled graph: a run of steps becomes one row of dots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from minigrad.viz.graphs.fold import View, caption, folding_steps
from minigrad.viz.graphs.landmarks import Landmarks
from minigrad.viz.graphs.strip import Strip

from .variable_model import Arrow, Item, Key, VariableGraph

# Boxes and circles in all steps: steps with many of them fold sooner.
MAX_ITEMS = 100

Runs = list[list[int]]
Members = dict[int, list[Item]]
"""The items of each step."""
Steps = Mapping[Key, int | None]
"""The step of each item."""
Gates = Mapping[Key, list[bool]]
"""Of the gates before each item: whether they are closed."""


class Fold(NamedTuple):
    """A run of steps, and what is written on it."""

    run: tuple[int, ...]
    caption: str


@dataclass(frozen=True)
class Folding:
    """Who stands in for each folded item, and the fold and the step of each that is folded."""

    stand_in: dict[Key, Key] = field(default_factory=dict)
    folds: dict[Key, Fold] = field(default_factory=dict)
    steps: dict[Key, int] = field(default_factory=dict)

    def apply(self, graph: VariableGraph, known: Landmarks) -> VariableGraph:
        """The items, dots for those that stand in, and the arrows between them, each once.

        The graph may also be that of a tape like the one that the folding was made for.
        known: what is known of the steps of that tape.
        """
        cuts = frozenset(self._hidden_cuts(graph))
        shown: dict[Key, Item] = {}
        for i in graph.items:
            if self.shown(i.key) == i.key:
                shown[i.key] = self._dotted(i, cuts, known)
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

    def _hidden_cuts(self, graph: VariableGraph) -> Iterator[int]:
        """The steps into which a cut arrow leads that is not drawn: one between folded items."""
        for a in graph.arrows:
            if a.closed and self._hides(a):
                yield self.steps[a.head]

    def _hides(self, a: Arrow) -> bool:
        """Whether both ends of an arrow fold."""
        return {a.tail, a.head} <= self.stand_in.keys()

    def _dotted(self, item: Item, cuts: frozenset[int], known: Landmarks) -> Item:
        """Dots in place of an item that stands in for others, with what they hide."""
        fold = self.folds.get(item.key)
        if fold is None:
            return item
        strip = Strip(fold.run, cuts.intersection(fold.run), known)
        return replace(item, names=("⋮",), strip=strip, tip=fold.caption)

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


def fold_items(graph: VariableGraph, view: View, kept: Container[int] = ()) -> Folding:
    """What folds of these items, of which the steps kept do not."""
    folding = Folding()
    stamps = _stamps(graph)
    if not view.folds or not stamps:
        return folding
    runs = _folding_runs(graph, view, stamps, kept)
    step = _steps_with_neighbours(graph, runs)
    members = _members(graph.items, step, stamps)
    for run in runs:
        model = members[run[0]]
        last = len(model) - 1
        kinds = set()
        for t in run:
            kind = _kind(members[t], gates={})
            kinds.add(kind)
            # The k-th of the first step stands for the k-th of each; its last for those left over.
            for k, item in enumerate(members[t]):
                counterpart = model[min(k, last)]
                folding.stand_in[item.key] = counterpart.key
                folding.steps[item.key] = t
        alike = len(kinds) == 1
        fold = Fold(tuple(run), caption(run, alike))
        for item in model:
            folding.folds[item.key] = fold
    return folding


def _stamps(graph: VariableGraph) -> list[int]:
    """The steps that anything stands in."""
    times = set(graph.times.values())
    return sorted(t for t in times if t is not None)


def _folding_runs(
    graph: VariableGraph, view: View, stamps: list[int], kept: Container[int]
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
    return view.runs(kinds, size, MAX_ITEMS, kept)


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
