"""Folding the unrolled graph: a run of steps becomes one row of dots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from minigrad.viz.graphs.fold import View, caption, folding_steps

from .variable_model import Arrow, Item, Key

# Boxes and circles in all steps: steps with many of them fold sooner.
MAX_ITEMS = 100


@dataclass(frozen=True)
class Folding:
    """Who stands in for each folded item, and the captions of what stands in."""

    stand_in: dict[Key, Key] = field(default_factory=dict)
    captions: dict[Key, str] = field(default_factory=dict)

    def apply(self, items: list[Item], arrows: list[Arrow]) -> tuple[list[Item], list[Arrow]]:
        """The items, dots for those that stand in, and the arrows between them, each once.

        Items and arrows may also be those of a tape like the one that the folding was made for.
        """
        shown: dict[Key, Item] = {}
        for i in items:
            if self.stand_in.get(i.key, i.key) == i.key:
                shown[i.key] = self._dotted(i)
        moved: dict[Arrow, None] = {}
        for a in arrows:
            new = self._moved(a)
            if new and new.tail in shown and new.head in shown:
                moved[new] = None
        return list(shown.values()), list(moved)

    def _dotted(self, item: Item) -> Item:
        """Dots in place of an item that stands in for others."""
        if item.key not in self.captions:
            return item
        return replace(item, names=("⋮",), dots=True, tip=self.captions[item.key])

    def _moved(self, a: Arrow) -> Arrow | None:
        """The arrow between what is shown.

        Of the arrows between two folded items, that of the first folded step stands for all.
        """
        tail = self.stand_in.get(a.tail, a.tail)
        head = self.stand_in.get(a.head, a.head)
        new = replace(a, tail=tail, head=head)
        both_fold = a.tail in self.stand_in and a.head in self.stand_in
        return None if both_fold and new != a else new


def fold_items(items: list[Item], arrows: list[Arrow], view: View) -> Folding:
    """What folds of these items."""
    times = {i.key: i.time for i in items}
    stamps = sorted({t for t in times.values() if t is not None})
    if not view.folds or not stamps:
        return Folding()
    runs = _folding_runs(items, arrows, view, stamps)
    step = _steps_with_neighbours(items, arrows, runs)
    members = _members(items, step, stamps)
    cut_steps = {step[a.head] for a in arrows if a.closed}
    folding = Folding()
    for run in runs:
        model = members[run[0]]
        for t in run:
            for k, item in enumerate(members[t]):
                counterpart = model[min(k, len(model) - 1)]
                folding.stand_in[item.key] = counterpart.key
        kinds = {_kind(members[t], {}) for t in run}
        cuts = len(cut_steps.intersection(run))
        text = caption(run, len(kinds) == 1, cuts)
        for item in model:
            folding.captions[item.key] = text
    return folding


def _folding_runs(
    items: list[Item], arrows: list[Arrow], view: View, stamps: list[int]
) -> list[list[int]]:
    """The runs of steps that fold: those whose items and closed gates are alike."""
    gates: defaultdict[Key, list[bool]] = defaultdict(list)
    for a in arrows:
        gates[a.head] += [m.closed for m in a.marks]
    times = {i.key: i.time for i in items}
    members = _members(items, times, stamps)
    kinds = {t: _kind(in_step, gates) for t, in_step in members.items()}
    size = sum(map(len, members.values()))
    return view.runs(kinds, size, MAX_ITEMS)


def _steps_with_neighbours(
    items: list[Item], arrows: list[Arrow], runs: list[list[int]]
) -> dict[Key, int | None]:
    """The step that each item folds with, if any; the result of the tape is always shown."""
    tails: defaultdict[Key, list[Key]] = defaultdict(list)
    for a in arrows:
        tails[a.head].append(a.tail)
    times = {i.key: i.time for i in items}
    folded = [t for run in runs for t in run]
    step = folding_steps(times, tails.__getitem__, times.__getitem__, folded)
    read = {a.tail for a in arrows}
    for key, t in times.items():
        if t is None and key not in read:
            step[key] = None
    return step


def _members(
    items: Iterable[Item], step: Mapping[Key, int | None], stamps: list[int]
) -> dict[int, list[Item]]:
    """The items of each step."""
    members: dict[int, list[Item]] = {t: [] for t in stamps}
    for i in items:
        t = step[i.key]
        if t is not None:
            members[t].append(i)
    return members


def _kind(members: Iterable[Item], gates: Mapping[Key, list[bool]]) -> Hashable:
    """What steps alike share.

    What is written on a gate may differ; ``gates`` says of each item's gates whether they are closed.
    """
    kind = []
    for i in members:
        operations = not i.names and i.tip
        kind.append((len(i.names), i.leaf, operations, tuple(gates.get(i.key, ()))))
    return tuple(kind)
