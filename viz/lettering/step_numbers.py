"""Which number in a name is the step: the 3 of h_3_1 at t = 3 is, the 1 is the layer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

_NUMBER = re.compile(r"(\d+)")
# The step before or after; a layer and a step in one number, as in h12, are further apart.
_MAX_SHIFT = 1
# What stands high: of what could be the step, it is the layer, as in h_1^{(1)}.
_HIGH_END = re.compile(r"\^[({]*$")

Family = tuple[str, ...]
"""What a name is but for its numbers."""


class _Count(NamedTuple):
    """What one number of the names of a family has to do with the step.

    shifts: how far it is from the step, each that occurs more than once. is_own: it goes with the
    step in a way of its own.
    """

    shifts: frozenset[int]
    is_own: bool

    @property
    def is_step(self) -> bool:
        """Whether it is another in another step, and no other in the same."""
        return self.is_own or bool(self.shifts)

    @property
    def near(self) -> _Count:
        """Without the shifts that are none of steps, of a number that is part of a word."""
        shifts = frozenset(shift for shift in self.shifts if shift <= _MAX_SHIFT)
        return self._replace(shifts=shifts)

    def at(self, number: int, t: int) -> str:
        """The number in terms of t; nothing for one that says nothing of the step."""
        shift = number - t
        if self.is_own:
            return "t'"
        if shift not in self.shifts:
            return ""
        return f"t{shift:+d}" if shift else "t"


_NO_COUNT = _Count(frozenset(), is_own=False)
_EQUAL = _Count(frozenset({0}), is_own=False)


class StepNumbers:
    """The numbers in names, of which those that count the steps are known from all names.

    >>> layers = StepNumbers([("h_1_1", 1), ("h_1_2", 1), ("h_2_1", 2), ("h_2_2", 2)])
    >>> layers.template("h_2_2", 2), layers.template("h_3", 3)
    ('h_t_2', 'h_t')
    >>> StepNumbers((f"s_{t - 4}", t) for t in (5, 6)).template("s_2", 6)
    's_{t-4}'
    """

    def __init__(self, named: Iterable[tuple[str, int]] = ()) -> None:
        members: defaultdict[Family, set[tuple[str, int]]] = defaultdict(set)
        for name, t in named:
            members[_family(name)].add((name, t))
        self._counts = {family: _counts(family, each) for family, each in members.items()}

    def template(self, name: str, t: int) -> str:
        """The name with t for the step; a name that does not count the steps stays.

        What counts them from another start is t-4 or t', by its own count.
        """
        parts = _NUMBER.split(name)
        family = tuple(parts[::2])
        counts = self._counts.get(family)
        if counts is None:
            # of a name without others like it, its own
            counts = _counts(family, {(name, t)})
        for k, count in enumerate(counts):
            place = 2 * k + 1
            text = count.at(int(parts[place]), t)
            if text:
                parts[place] = _indexed(text, parts[place - 1])
        return "".join(parts)

    def stem(self, name: str) -> str | None:
        """The name with t for the step, in whatever step; None for one that counts none."""
        parts = _NUMBER.split(name)
        counts = self._counts.get(tuple(parts[::2]), [])
        places = [2 * k + 1 for k, count in enumerate(counts) if count.is_step]
        for place in places:
            parts[place] = "t"
        return "".join(parts) if places else None


def _family(name: str) -> Family:
    return tuple(_NUMBER.split(name)[::2])


def _indexed(text: str, before: str) -> str:
    """An index: low after a letter, in braces where it stands by itself and is longer than one."""
    if before[-1:].isalpha():
        return "_" + _indexed(text, "_")
    is_bare = before.endswith(("_", "^"))
    return f"{{{text}}}" if is_bare and len(text) > 1 else text


def _counts(family: Family, members: set[tuple[str, int]]) -> list[_Count]:
    """What each number of a family has to do with the step."""
    times = [t for _, t in members]
    rows = [map(int, _NUMBER.findall(name)) for name, _ in members]
    counts = [_count(set(zip(column, times, strict=True))) for column in zip(*rows, strict=True)]
    for k, before in enumerate(family[:-1]):
        if before[-1:].isalpha():
            counts[k] = counts[k].near
    low = [k for k, before in enumerate(family[:-1]) if not _HIGH_END.search(before)]
    # of a single step it is the low number, if there is one
    is_open = len(set(times)) == 1 and any(counts[k].is_step for k in low)
    if is_open:
        counts = [count if k in low else _NO_COUNT for k, count in enumerate(counts)]
    return counts


def _count(pairs: set[tuple[int, int]]) -> _Count:
    """What numbers have to do with the steps that they are in.

    The numbers of a step have fewer shifts than values; of L layers in T steps there are L values,
    and L + T - 1 shifts.
    """
    numbers: defaultdict[int, set[int]] = defaultdict(set)
    shifts: defaultdict[int, set[int]] = defaultdict(set)
    for number, t in pairs:
        numbers[t].add(number)
        shifts[number - t].add(number)
    values = {number for number, _ in pairs}
    if shifts.keys() == {0}:
        return _EQUAL
    if len(shifts) < len(values):
        often = [shift for shift, having in shifts.items() if len(having) > 1]
        return _Count(frozenset(often), is_own=False)
    is_one_a_step = all(len(having) == 1 for having in numbers.values())
    return _Count(frozenset(), is_own=is_one_a_step and len(values) > 1)
