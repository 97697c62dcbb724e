"""Long tapes: runs of steps alike are shown as one, and so is the middle of many that differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeVar

from minigrad.errors import ArgumentError

DOZEN = 12
Collapse = int | Literal["auto"] | None
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class View:
    """Which steps are shown one by one: all but the middle of more than ``collapse``, or those in ``steps``."""

    collapse: Collapse = "auto"
    steps: Container[int] | None = None

    def __post_init__(self) -> None:
        if self.collapse not in (None, "auto") and not (
            isinstance(self.collapse, int) and self.collapse >= 1
        ):
            expected = "expected a whole number from 1, or None"
            raise ArgumentError("draw: collapse", got=f"{self.collapse}", expected=expected)
        if self.steps is not None and not isinstance(self.steps, Container):
            expected = "expected a range or another collection of steps, such as range(4, 9)"
            raise ArgumentError("draw: steps", got=f"{self.steps}", expected=expected)

    @property
    def folds(self) -> bool:
        """Whether anything folds at all."""
        return self.collapse is not None or self.steps is not None

    def runs(self, kinds: Mapping[int, Hashable], size: int, crowd: int) -> list[list[int]]:
        """The runs of steps to fold, given the kind of each step; steps with much in them (of ``size``) fold sooner."""
        order = sorted(kinds)
        if self.steps is not None:
            shown = self.steps
            if not any(t in shown for t in order):
                got = f"none of t = {order[0]}..{order[-1]}" if order else "a tape without steps"
                raise ArgumentError(
                    "draw: steps", got=got, expected="expected to show at least one step"
                )
            return [
                list(run) for outside, run in groupby(order, lambda t: t not in shown) if outside
            ]
        if self.collapse is None:
            return []
        auto = min(DOZEN, max(4, crowd * len(order) // (size or 1)))
        limit = auto if self.collapse == "auto" else self.collapse
        if len(order) <= limit:
            return []
        keep = max(1, limit // 4)
        for ends in (keep, 1):
            runs = [list(run) for _, run in groupby(order[ends:-ends], kinds.__getitem__)]
            if len(runs) + 2 * ends <= limit:
                return [run for run in runs if len(run) > 1]
        return [order[keep:-keep]]  # too many runs: all as one


def caption(hidden: list[int], alike: bool, cuts: int) -> str:
    """``t = 4..97 (94 steps alike, 23 cut off)``."""
    if len(hidden) == 1:
        return f"t = {hidden[0]}"
    cut_off = f", {cuts} cut off" if cuts else ""
    return (
        f"t = {hidden[0]}..{hidden[-1]} ({len(hidden)} steps{' alike' if alike else ''}{cut_off})"
    )


def steps_of(
    order: Iterable[K],
    tails: Callable[[K], Iterable[K]],
    time: Callable[[K], int | None],
    hidden: Iterable[int],
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
