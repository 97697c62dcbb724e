"""Why a function does not rise as its derivative says: a kink, a jump, curvature, an edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

Kind = Literal["rule", "kink", "jump", "coarse", "edge"]
"""A wrong rule, or why there is none: a bend, a jump, too coarse a step, the edge of a domain."""


class Shape(NamedTuple):
    """What a function does around a point, and its slopes to both sides."""

    kind: Kind
    left: float
    right: float


def shape_of(f: Callable[[float], float], h: float, said: float) -> Shape:
    """Why f(h) does not rise by ``said`` per h.

    The gap between both slopes shrinks with the step by curvature, not by a kink, and grows at a
    jump.
    """

    def slopes(h: float) -> tuple[float, float]:
        return (f(0) - f(-h)) / h, (f(h) - f(0)) / h

    # Three steps, each eight times the other, tell curvature, a kink and a jump apart.
    left, right = slopes(h)
    fine_left, fine_right = slopes(h / 8)
    coarse_left, coarse_right = slopes(h * 8)
    gap = abs(right - left)
    fine_gap = abs(fine_right - fine_left)
    coarse_gap = abs(coarse_right - coarse_left)
    defect = abs(said - (left + right) / 2)
    # A gap below a hundredth of the defect explains nothing.
    is_gap = gap > defect / 100
    # Curvature makes a gap that grows with the step, about eightfold.
    is_curvature = 4 * fine_gap < gap < 16 * fine_gap and 4 * gap < coarse_gap < 16 * gap
    # A jump makes one that shrinks as the step grows, a kink one that stays.
    kind: Kind = "rule"
    if not np.isfinite(gap):
        kind = "edge"
    elif is_gap and coarse_gap < gap / 4:
        kind = "jump"
    elif is_gap and not is_curvature:
        kind = "kink"
    elif abs(said - (fine_left + fine_right) / 2) < defect / 8:
        kind = "coarse"
    return Shape(kind, left, right)


def cause(shape: Shape, said: float, culprit: str, place: str) -> str:
    """What to know and to do about it."""
    if shape.kind == "coarse":
        return f"They agree at a smaller step: {culprit} curves too much. Pass a smaller eps"
    if shape.kind == "edge":
        return f"{culprit} is at the edge of its domain. Move {place} inside"
    if shape.kind == "jump":
        return f"jump: {culprit}. There is no derivative; move {place} off the jump"
    # The slopes are differences themselves: allow for their error.
    low = min(shape.left, shape.right)
    high = max(shape.left, shape.right)
    slack = 0.01 * (high - low)
    verdict = "does not lie between: no subgradient"
    if low - slack <= said <= high + slack:
        verdict = "lies between: a subgradient, no error of a rule"
    slopes = f"left slope {shape.left:.4g}, right slope {shape.right:.4g}"
    return f"kink: {slopes}; {culprit}. {said:.4g} {verdict}. Move {place} off the kink"
