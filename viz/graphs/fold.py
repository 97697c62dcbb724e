"""Long tapes: runs of steps alike are shown as one, and so is the middle of many that differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal, TypeVar, get_args

from minigrad import Tensor
from minigrad.errors import ArgumentError

# Steps that are shown one by one where nobody says how many: few large ones, many small ones.
MIN_STEPS = 4
MAX_STEPS = 12
# Where these are too wide for a page: so many steps at most, of two the first and the last, of one
# the first; and so many of those that never fold, the rest of which is counted.
NARROWER = (6, None), (4, None), (2, None), (1, None), (1, 1), (0, 1), (1, 0)

MAX_OPENED_STEPS = 12
"""Of a fold that is opened so many steps are shown, half of them at each end."""

RULES = "rules"
"""What the boxes of the rules are called where they open, all together."""

Rules = Literal["folded", "open"]
Collapse = int | Literal["auto"] | None
Labels = Callable[[Tensor], str | None]
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class View:
    """Which steps are shown one by one.

    All but the middle of more than ``collapse``, or those in ``steps``. rules: whether the rule of
    each node is one box in the picture of a differentiated tape, or its operations. opened: the
    names of the folds whose steps are shown in spite of all that. label: what is written on a node
    in place of its name; None where that is the name. fewer: where nobody chose, so many at most.
    most_kept: so many of those that never fold; None: all of them.
    """

    collapse: Collapse = "auto"
    steps: Container[int] | None = None
    rules: Rules = "folded"
    opened: frozenset[str] = frozenset()
    label: Labels | None = None
    fewer: int | None = None
    most_kept: int | None = None

    def checked(self, caller: str = "draw") -> View:
        """The same. Raises ArgumentError for options outside their domain."""
        # a truth value is a whole number to Python
        counts = type(self.collapse) is int and self.collapse >= 1
        if self.collapse not in (None, "auto") and not counts:
            expected = "expected a whole number from 1, or None"
            raise ArgumentError(f"{caller}: collapse", got=f"{self.collapse}", expected=expected)
        if self.rules not in get_args(Rules):
            expected = "expected 'folded' or 'open'"
            raise ArgumentError(f"{caller}: rules", got=f"{self.rules!r}", expected=expected)
        if self.label is not None and not callable(self.label):
            expected = "expected a function of a node"
            raise ArgumentError(f"{caller}: label", got=f"{self.label!r}", expected=expected)
        is_text = isinstance(self.steps, str)
        lists = self.steps is None or (isinstance(self.steps, Container) and not is_text)
        if not lists:
            expected = "expected a range or another collection of steps, such as range(4, 9)"
            raise ArgumentError(f"{caller}: steps", got=f"{self.steps}", expected=expected)
        return self

    def with_open(self, names: frozenset[str]) -> View:
        """The same with folds of these names open; "rules" are those of a backward pass."""
        rules: Rules = "open" if RULES in names else self.rules
        return replace(self, opened=names, rules=rules)

    def text(self, n: Tensor) -> str | None:
        """What is written on a node; None: its name."""
        if self.label is None:
            return None
        text = self.label(n)
        if text is not None and not isinstance(text, str):
            expected = "expected text, or None for the usual"
            raise ArgumentError("draw: label", got=f"a {type(text).__name__}", expected=expected)
        return text

    def narrower(self) -> Iterator[View]:
        """The same, then with ever fewer steps, unless somebody chose which are shown."""
        yield self
        if self.collapse == "auto" and self.steps is None and not self.opened:
            for limit, most_kept in NARROWER:
                yield replace(self, fewer=limit, most_kept=most_kept)

    @property
    def folds(self) -> bool:
        """Whether anything folds at all."""
        return self.collapse is not None or self.steps is not None

    def runs(
        self,
        kinds: Mapping[int, Hashable],
        size: int,
        max_size: int,
        kept: Iterable[int] = (),
        max_steps: int = MAX_STEPS,
        cuts: Iterable[int] = (),
    ) -> list[list[int]]:
        """The runs of steps to fold, given the kind of each step.

        Steps with much in them fold sooner: so many are shown that of ``size`` things in all steps
        about ``max_size`` remain, at most ``max_steps``. Those kept are shown as well, unless
        others were asked for; where fewer are shown so that they fit a page, cuts stay that would
        have been among them.
        """
        runs = []
        if self.steps is not None:
            runs += _runs_outside(sorted(kinds), self.steps)
        else:
            stay = list(kept)
            if self.fewer is not None:
                usual = replace(self, fewer=None, most_kept=None)
                usually_folded = usual.runs(kinds, size, max_size, stay, max_steps)
                stay += sorted(set(cuts).difference(*usually_folded))
            stay = stay[: self.most_kept]
            # one step at least is shown
            view = self if stay or self.fewer != 0 else replace(self, fewer=1)
            for run in view._runs_of_middle(kinds, size, max_size, max_steps):
                runs += _parted(run, stay)
        still_folded = [self.unopened(run, fold_name, MAX_OPENED_STEPS) for run in runs]
        return [run for run in still_folded if run]

    def unopened(self, run: list[int], name: Callable[[list[int]], str], most: int) -> list[int]:
        """What of a run stays folded: of one that is open and long its middle, which opens too.

        name: what a run is called. most: so many are shown of one that is open.
        """
        while run and name(run) in self.opened:
            half = most // 2
            run = run[half:-half]
        return run

    def _runs_of_middle(
        self, kinds: Mapping[int, Hashable], size: int, max_size: int, max_steps: int
    ) -> list[list[int]]:
        """The runs of steps in the middle of a tape."""
        order = sorted(kinds)
        if self.collapse is None:
            return []
        if self.fewer == 0:
            return [order]
        if self.collapse == "auto":
            fitting = max_size * len(order) // (size or 1)
            limit = min(max_steps, max(MIN_STEPS, fitting))
            limit = min(limit, self.fewer or limit)
        else:
            limit = self.collapse
        if len(order) <= limit:
            return []
        if self.fewer == 1:
            # A fold of one step would hide nothing but its name.
            return [order[1:]] if len(order) > 2 else []
        keep = max(1, (limit + 1) // 4)
        # Steps alike fold where few runs of them remain, if need be with one step at each end.
        for ends in (keep, 1):
            middle = order[ends:-ends]
            runs = [list(run) for _, run in groupby(middle, kinds.__getitem__)]
            if len(runs) + 2 * ends <= limit:
                return [run for run in runs if len(run) > 1]
        # Too many runs: all of them are one. Of two steps neither is in the middle.
        middle = order[keep:-keep]
        return [middle] if middle else []


def _parted(run: list[int], kept: Container[int]) -> list[list[int]]:
    """The pieces of a run between the steps that are kept; of one step there is nothing to fold."""
    if not any(t in kept for t in run):
        return [run]
    pieces = groupby(run, lambda t: t in kept)
    runs = [list(piece) for is_kept, piece in pieces if not is_kept]
    return [piece for piece in runs if len(piece) > 1]


def _runs_outside(order: list[int], steps: Container[int]) -> list[list[int]]:
    """The runs of steps that are not among those to show."""
    if not any(t in steps for t in order):
        got = f"none of t = {order[0]}..{order[-1]}" if order else "a tape without steps"
        raise ArgumentError("draw: steps", got=got, expected="expected to show at least one step")
    runs = groupby(order, lambda t: t in steps)
    return [list(run) for is_shown, run in runs if not is_shown]


def fold_name(run: Sequence[int]) -> str:
    """What a run of steps is called where it is opened.

    >>> fold_name(range(4, 98))
    '4..97'
    """
    return f"{run[0]}..{run[-1]}"


def caption(run: Sequence[int], alike: bool) -> str:
    """What is written on a folded run of steps.

    >>> caption(range(4, 98), alike=True)
    't = 4..97 (94 steps alike)'
    """
    if len(run) == 1:
        return f"t = {run[0]}"
    count = f"{len(run)} steps"
    if alike:
        count += " alike"
    return f"t = {run[0]}..{run[-1]} ({count})"


def folding_steps(
    order: Iterable[K],
    tails: Callable[[K], Iterable[K]],
    time: Callable[[K], int | None],
    folded: Iterable[int],
) -> dict[K, int | None]:
    """The step that each thing folds with, if any.

    Outside the steps that is the latest step it is computed from; for what comes before the steps a
    folded one, where nothing but folded ones read it.

    order: the things, inputs before their readers. tails: what a thing reads. time: its own step.
    folded: the steps that fold.
    """
    step: dict[K, int | None] = {}
    readers: defaultdict[K, list[K]] = defaultdict(list)
    for k in order:
        inputs = list(tails(k))
        step[k] = time(k)
        if step[k] is None:
            step[k] = latest(step[x] for x in inputs)
        for x in inputs:
            readers[x].append(k)
    folded = set(folded)
    for k in reversed(step):
        if step[k] is not None or not readers[k]:
            continue
        if all(step[r] in folded for r in readers[k]):
            step[k] = step[readers[k][0]]
    return step


def latest(steps: Iterable[int | None]) -> int | None:
    """The last of these steps; None where there is none."""
    stamps = [t for t in steps if t is not None]
    return max(stamps, default=None)
