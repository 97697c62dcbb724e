"""What a fold hides: a bar per step on the log scale of the norms, a red tick where it is cut."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from minigrad.viz import style

from .landmarks import Landmarks
from .marks import CLIPPED, SCALED
from .norm_colors import BROKEN, number

# More steps share bars.
MAX_BARS = 40
# The width of all bars together; that of one.
WIDTH_POINTS = 48
LEAST_WIDTH_POINTS = 3
GREATEST_WIDTH_POINTS = 8
# The least and the greatest height of a bar; that of a tick.
LEAST_POINTS = 2
GREATEST_POINTS = 14
TICK_POINTS = 3
# Around everything.
MARGIN_POINTS = 2.0


@dataclass(frozen=True)
class Strip:
    """What is known of the steps that fold, in order.

    cuts: the step of each gate hidden there that lets nothing pass. landmarks: of all steps.
    scaled, clipped: how many gates are hidden that do so.
    """

    steps: tuple[int, ...]
    cuts: Collection[int]
    landmarks: Landmarks
    scaled: int = 0
    clipped: int = 0

    @property
    def scissors(self) -> str:
        """The cuts that are hidden, counted."""
        return f"✂ ×{len(self.cuts)}" if self.cuts else ""

    @property
    def counts(self) -> dict[str, str]:
        """What is written for the gates that are hidden, by their class."""
        counts = {}
        if self.cuts:
            counts["cut"] = self.scissors
        if self.scaled:
            counts[SCALED] = f"scaled ×{self.scaled}"
        if self.clipped:
            counts[CLIPPED] = f"clipped ×{self.clipped}"
        return counts

    @property
    def says_something(self) -> bool:
        """Whether there is anything to draw."""
        known = self.landmarks.norms.keys() | self.landmarks.broken | set(self.cuts)
        return not known.isdisjoint(self.steps)

    @property
    def range(self) -> str:
        """The least and the greatest norm in words."""
        norms = self._norms(self.steps)
        finite = [norm for norm in norms if math.isfinite(norm)]
        parts = []
        if finite:
            ends = dict.fromkeys((number(min(finite)), number(max(finite))))
            parts.append(" … ".join(ends))
        if len(finite) < len(norms) or not self.landmarks.broken.isdisjoint(self.steps):
            parts.append("not finite")
        return ", ".join(parts)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points."""
        bars = self._bar_width * len(self._buckets)
        text = style.width(self.range, style.NOTE_POINTS, style.SANS)
        tall: float = self._room + TICK_POINTS
        if self.range:
            tall += style.LINE_HEIGHT * style.NOTE_POINTS
        return max(bars, text) + MARGIN_POINTS, tall + MARGIN_POINTS

    def table(self) -> str:
        """The bars over their ticks over the range, as a table of an HTML-like label."""
        each = self._bar_width
        bars = ""
        ticks = ""
        cuts = set(self.cuts)
        for bucket in self._buckets:
            height, colour = self._bar(bucket)
            bars += _cell(each, height, colour, self._room)
            is_cut = not cuts.isdisjoint(bucket)
            ticks += _cell(each, TICK_POINTS, style.CUT if is_cut else "", TICK_POINTS)
        wide = each * len(self._buckets)
        tall = self._room + TICK_POINTS
        size = f'fixedsize="true" width="{wide}" height="{tall}"'
        rows = [_table(f"<tr>{bars}</tr><tr>{ticks}</tr>", size)]
        if self.range:
            rows.append(style.sized(self.range, style.NOTE_POINTS))
        return _table("".join(f"<tr><td>{row}</td></tr>" for row in rows))

    @property
    def _room(self) -> int:
        """The height of the tallest bar in points; where nothing is known there are only ticks."""
        return GREATEST_POINTS if self.range else LEAST_POINTS

    @property
    def _bar_width(self) -> int:
        """The width of a bar in points."""
        fitting = WIDTH_POINTS // len(self._buckets)
        return min(max(fitting, LEAST_WIDTH_POINTS), GREATEST_WIDTH_POINTS)

    @cached_property
    def _buckets(self) -> list[Sequence[int]]:
        """The steps of each bar."""
        count = len(self.steps)
        size = math.ceil(count / MAX_BARS)
        return [self.steps[start : start + size] for start in range(0, count, size)]

    def _bar(self, bucket: Sequence[int]) -> tuple[float, str]:
        """Height and colour: of what is not finite, else of the greatest norm."""
        norms = self._norms(bucket)
        is_finite = all(map(math.isfinite, norms))
        if not is_finite or not self.landmarks.broken.isdisjoint(bucket):
            return GREATEST_POINTS, BROKEN
        scale = self.landmarks.scale
        norm = max(norms, default=0.0)
        if not scale or norm == 0:
            return LEAST_POINTS, style.REMOVED
        share = self.landmarks.heights.share(norm)
        height = LEAST_POINTS + share * (GREATEST_POINTS - LEAST_POINTS)
        return height, scale.colour(norm)

    def _norms(self, steps: Sequence[int]) -> list[float]:
        """The norms that are known of these steps."""
        norms = self.landmarks.norms
        return [norms[t] for t in steps if t in norms]


def _cell(wide: int, height: float, colour: str, room: int) -> str:
    """A bar at the bottom of its cell, below as much as is free."""
    bar = round(height)
    size = f'width="{wide}" fixedsize="true"'
    rows = ""
    if room > bar:
        rows += f'<tr><td {size} height="{room - bar}"></td></tr>'
    fill = f' bgcolor="{colour}"' if colour else ""
    rows += f'<tr><td {size} height="{bar}"{fill}></td></tr>'
    return f'<td {size} height="{room}">{_table(rows)}</td>'


def _table(rows: str, size: str = "") -> str:
    bare = 'border="0" cellborder="0" cellspacing="0" cellpadding="0"'
    return f"<table {bare} {size}>{rows}</table>"
