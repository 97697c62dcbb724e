"""What was measured of one strategy of truncation, and all strategies as a table, CSV and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from . import tables

# Student's quantiles at 97.5% for 1, 2, ... degrees of freedom, and the normal one for more.
T_975 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)
Z_975 = 1.96


@dataclass(frozen=True)
class Result:
    """One strategy: its gradient beside the exact one, relative to that one's norm; cost; curves.

    bias is |mean - exact| over the draws, bias_error the length it would have by chance alone, were
    there none; spread the root of the variance; cosine that between one draw and the exact
    gradient, half of its 95% interval beside it. clipped is the share of updates that were. curves
    (seeds, checkpoints) are losses after ``updates`` updates.
    """

    name: str
    draws: int
    bias: float
    bias_error: float
    spread: float
    cosine: float
    cosine_half: float
    milliseconds: float
    megabytes: float
    clipped: float
    updates: list[int]
    curves: list[list[float]]

    @property
    def final(self) -> tuple[float, float]:
        """The last loss, the mean over the seeds and half of its 95% interval."""
        return interval([curve[-1] for curve in self.curves])


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean and half the width of its 95% confidence interval, by Student's t.

    The width is NaN for fewer than two values.

    >>> interval([1.0, 3.0])
    (2.0, 12.71)
    """
    count = len(values)
    mean = float(np.mean(values))
    if count < 2:
        return mean, float("nan")
    quantile = T_975[count - 2] if count - 2 < len(T_975) else Z_975
    standard_error = np.std(values, ddof=1) / np.sqrt(count)
    return mean, float(standard_error * quantile)


def table(results: Sequence[Result]) -> str:
    """The results as text, one strategy a line."""
    width = max(8, *(len(r.name) for r in results))
    gradient = f"{'strategy':{width}}  {'bias':>16}  {'spread':>7}  {'cosine':>15}"
    cost = f"{'ms/update':>9}  {'peak MB':>7}"
    lines = [f"{gradient}  {cost}  {'clipped':>7}  {'final loss':>17}"]
    lines.extend(_line(r, width) for r in results)
    return "\n".join(lines)


def _line(r: Result, width: int) -> str:
    if r.draws > 1:
        bias = f"{r.bias:.3f} ({r.bias_error:.3f})"
        cosine = f"{r.cosine:.3f} ± {r.cosine_half:.3f}"
    else:
        bias = f"{r.bias:.3f}        "
        cosine = f"{r.cosine:.3f}        "
    final, half = r.final
    gradient = f"{r.name:{width}}  {bias:>16}  {r.spread:7.3f}  {cosine:>15}"
    cost = f"{r.milliseconds:9.1f}  {r.megabytes:7.1f}"
    return f"{gradient}  {cost}  {r.clipped:7.0%}  {final:8.4f} ± {half:.4f}"


def as_json(results: Sequence[Result], **about: Any) -> bytes:
    """Everything, with what was asked for in ``about``."""
    return tables.as_json({**about, "results": [asdict(r) for r in results]}, indent=1)


def as_csv(results: Sequence[Result]) -> bytes:
    """One line per strategy, without the curves."""
    rows = [_numbers(r) for r in results]
    columns = list(rows[0])
    return tables.as_csv(columns, [list(row.values()) for row in rows], line_end="\r\n")


def _numbers(r: Result) -> dict[str, Any]:
    """One strategy's row: all but the curves, and their ends."""
    numbers = asdict(r)
    del numbers["updates"], numbers["curves"]
    final, half = r.final
    return {**numbers, "final": final, "final_half": half}
