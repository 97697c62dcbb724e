"""Folding the unrolled graph: a run of steps becomes one row of dots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from minigrad.viz.graphs.variables.variable_model import Arrow, Item, Key

from .folding import View, caption, steps_of

CROWD = 100  # boxes and circles: steps with many of them fold sooner


@dataclass(frozen=True)
class Folding:
    """Who stands in for each folded item; ``apply`` folds items and arrows, also those of a tape like this one."""

    stand_in: dict[Key, Key] = field(default_factory=dict)
    captions: dict[Key, str] = field(default_factory=dict)  # of what stands in

    def apply(self, items: list[Item], arrows: list[Arrow]) -> tuple[list[Item], list[Arrow]]:
        """The items, dots for those that stand in, and the arrows between them, each once."""
        dots = {
            i.key: replace(i, names=("⋮",), dots=True, tip=self.captions[i.key])
            if i.key in self.captions
            else i
            for i in items
            if self.stand_in.get(i.key, i.key) == i.key
        }
        moved = dict.fromkeys(map(self._moved, arrows))
        return list(dots.values()), [a for a in moved if a and a.tail in dots and a.head in dots]

    def _moved(self, a: Arrow) -> Arrow | None:
        """The arrow between what is shown; between two folded items that of the first folded step stands for all."""
        new = replace(
            a, tail=self.stand_in.get(a.tail, a.tail), head=self.stand_in.get(a.head, a.head)
        )
        return None if a.tail in self.stand_in and a.head in self.stand_in and new != a else new


def folding(items: list[Item], arrows: list[Arrow], view: View) -> Folding:
    """What folds of these items."""
    tails = defaultdict(list)
    for a in arrows:
        tails[a.head].append(a.tail)
    time = {i.key: i.time for i in items}
    stamped = {t for t in time.values() if t is not None}
    if not view.folds or not stamped:
        return Folding()
    gates: defaultdict[Key, list[object]] = defaultdict(list)
    for a in arrows:
        gates[a.head] += [m.closed for m in a.marks]

    def members_of(step: dict[Key, int | None]) -> dict[int, list[Item]]:
        found: dict[int, list[Item]] = {t: [] for t in sorted(stamped)}
        for i in items:
            if (t := step[i.key]) is not None:
                found[t].append(i)
        return found

    def kind(its: list[Item], gated: bool) -> Hashable:
        return tuple(
            (len(i.names), i.leaf, not i.names and i.tip, tuple(gates[i.key]) if gated else ())
            for i in its
        )  # what is written on a gate may differ, whether it is closed may not

    stepwise = members_of(time)
    kinds = {t: kind(its, True) for t, its in stepwise.items()}
    runs = view.runs(kinds, sum(map(len, stepwise.values())), CROWD)
    step = steps_of(
        time, lambda key: tails[key], time.__getitem__, (t for run in runs for t in run)
    )
    read = {a.tail for a in arrows}
    step |= {
        key: None for key, t in time.items() if t is None and key not in read
    }  # the result is always shown
    members = members_of(step)
    cut = {step[a.head] for a in arrows if any(m.closed for m in a.marks)}
    found = Folding()
    for run in runs:
        model = members[run[0]]
        for t in run:
            found.stand_in.update(
                {i.key: model[min(k, len(model) - 1)].key for k, i in enumerate(members[t])}
            )
        alike = len({kind(members[t], False) for t in run}) == 1
        text = caption(run, alike, len(cut.intersection(run)))
        found.captions.update(dict.fromkeys((i.key for i in model), text))
    return found
