"""Long tapes: the middle of many steps, which are alike, is shown as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from typing import TypeVar

from .circles import Arrow, Item, Key

DOZEN = 12
CROWD = 100  # boxes and circles: steps with many of them fold sooner
K = TypeVar("K", bound=Hashable)


def middle(steps: Iterable[int], limit: int = DOZEN) -> list[int]:
    """The steps to fold where there are more than limit: all but the first and last few."""
    order = sorted(steps)
    keep = max(1, limit // 4)
    return order[keep:-keep] if len(order) > limit else []


def caption(hidden: list[int], alike: bool, cuts: int) -> str:
    """``t = 4..97 (94 steps alike, 23 cut off)``."""
    cut_off = f", {cuts} cut off" if cuts else ""
    return f"t = {hidden[0]}..{hidden[-1]} ({len(hidden)} steps{' alike' if alike else ''}{cut_off})"


def folded(items: list[Item], arrows: list[Arrow]) -> tuple[list[Item], list[Arrow], str]:
    """The same picture with one row of dots for the middle steps, and its caption (empty: nothing was folded)."""
    stamped = [i.time for i in items if i.time is not None]
    hidden = middle(set(stamped), min(DOZEN, max(4, CROWD * len(set(stamped)) // (len(stamped) or 1))))
    if not hidden:
        return items, arrows, ""
    tails = defaultdict(list)
    for a in arrows:
        tails[a.head].append(a.tail)
    time = {i.key: i.time for i in items}
    step = steps_of(time, lambda key: tails[key], time.__getitem__, hidden)
    members: defaultdict[int | None, list[Item]] = defaultdict(list)
    for i in items:
        members[step[i.key]].append(i)
    model = members[hidden[0]]
    stand_in: dict[Key, Key] = {}
    for t in hidden:
        stand_in |= {i.key: model[min(k, len(model) - 1)].key for k, i in enumerate(members[t])}

    def moved(a: Arrow) -> Arrow | None:
        """The arrow between what is shown; between two folded items that of the first folded step stands for all."""
        new = replace(a, tail=stand_in.get(a.tail, a.tail), head=stand_in.get(a.head, a.head))
        return None if a.tail in stand_in and a.head in stand_in and new != a else new

    alike = len({tuple((len(i.names), i.leaf, not i.names and i.tip) for i in members[t]) for t in hidden}) == 1
    cut = {step[a.head] for a in arrows if any(m.closed for m in a.marks)}
    text = caption(hidden, alike, len(cut.intersection(hidden)))
    dots = {i.key: replace(i, names=("⋮",), dots=True, tip=text) for i in model}
    kept = [dots.get(i.key, i) for i in items if stand_in.get(i.key, i.key) == i.key]
    return kept, [a for a in dict.fromkeys(map(moved, arrows)) if a], text


def steps_of(
    order: Iterable[K], tails: Callable[[K], Iterable[K]], time: Callable[[K], int | None], hidden: Iterable[int]
) -> dict[K, int | None]:
    """The step that each thing folds with, if any.

    Outside the steps that is the latest step it is computed from, and for what comes before the steps a hidden one,
    where nothing but hidden ones read it.
    """
    step: dict[K, int | None] = {}
    readers: defaultdict[K, list[K]] = defaultdict(list)
    for k in order:
        before = list(tails(k))
        step[k] = time(k)
        if step[k] is None:
            step[k] = max((t for x in before if (t := step[x]) is not None), default=None)
        for x in before:
            readers[x].append(k)
    folds = set(hidden)
    for k in reversed(step):
        if step[k] is None and readers[k] and all(step[r] in folds for r in readers[k]):
            step[k] = step[readers[k][0]]
    return step
