"""Folding the unrolled graph: a run of steps becomes one row of dots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from minigrad.viz.graphs.fold import View, caption, folding_steps

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


@dataclass(frozen=True)
class Folding:
    """Who stands in for each folded item, and the captions of what stands in."""

    stand_in: dict[Key, Key] = field(default_factory=dict)
    captions: dict[Key, str] = field(default_factory=dict)

    def apply(self, graph: VariableGraph) -> VariableGraph:
        """The items, dots for those that stand in, and the arrows between them, each once.

        The graph may also be that of a tape like the one that the folding was made for.
        """
        shown: dict[Key, Item] = {}
        for i in graph.items:
            if self._shown(i.key) == i.key:
                shown[i.key] = self._dotted(i)
        arrows: dict[Arrow, None] = {}
        for a in graph.arrows:
            new = self._moved(a)
            if new and new.tail in shown and new.head in shown:
                arrows[new] = None
        items = list(shown.values())
        return VariableGraph(items, list(arrows))

    def _shown(self, key: Key) -> Key:
        """What is shown of an item: itself, or what stands in for it."""
        return self.stand_in.get(key, key)

    def _dotted(self, item: Item) -> Item:
        """Dots in place of an item that stands in for others."""
        text = self.captions.get(item.key)
        if text is None:
            return item
        return replace(item, names=("⋮",), dots=True, tip=text)

    def _moved(self, a: Arrow) -> Arrow | None:
        """The arrow between what is shown.

        Of the arrows between two folded items, that of the first folded step stands for all.
        """
        tail = self._shown(a.tail)
        head = self._shown(a.head)
        new = replace(a, tail=tail, head=head)
        both_fold = {a.tail, a.head} <= self.stand_in.keys()
        if both_fold and new != a:
            return None
        return new


def fold_items(graph: VariableGraph, view: View) -> Folding:
    """What folds of these items."""
    folding = Folding()
    stamps = _stamps(graph)
    if not view.folds or not stamps:
        return folding
    runs = _folding_runs(graph, view, stamps)
    step = _steps_with_neighbours(graph, runs)
    members = _members(graph.items, step, stamps)
    cut_steps = set()
    for a in graph.arrows:
        if a.closed:
            cut_steps.add(step[a.head])
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
        alike = len(kinds) == 1
        cuts = len(cut_steps.intersection(run))
        text = caption(run, alike, cuts)
        for item in model:
            folding.captions[item.key] = text
    return folding


def _stamps(graph: VariableGraph) -> list[int]:
    """The steps that anything stands in."""
    times = set(graph.times.values())
    return sorted(t for t in times if t is not None)


def _folding_runs(graph: VariableGraph, view: View, stamps: list[int]) -> Runs:
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
    return view.runs(kinds, size, MAX_ITEMS)


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
