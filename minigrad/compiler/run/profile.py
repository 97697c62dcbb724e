"""plan.report(): where the time and the memory of a plan go, and what was not batched and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

from minigrad.compiler.emit.program import Call
from minigrad.core.inspection.text import notebook_bundle

TIMED_RUNS = 3
MICROSECONDS = 1e6


class Row(NamedTuple):
    """One line of the listing.

    calls: their numbers. nbytes: written. reason: why not all steps run at once.
    """

    calls: list[int]
    nbytes: int
    reason: str


class Report(str):
    """The report as text, which a notebook shows as a table."""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return notebook_bundle("report", self, self)


def profile(
    calls: Sequence[Call], rows: Sequence[Row], texts: Sequence[str], prepare: Callable[[], None]
) -> Report:
    """Run the calls a few times, each timed alone, and tabulate what each line takes.

    The best time, the calls and the bytes written. calls: of the plan. rows: which of them belong
    to which line. texts: of the lines, empty for those not to be shown. prepare: puts the inputs in
    place, before every run.
    """
    best = _best_times(calls, prepare)
    times = []
    for row in rows:
        of_line = [best[i] for i in row.calls]
        times.append(sum(of_line))
    whole = sum(times) or 1.0
    lines = ["   time  share  calls      bytes  what"]
    # only the first of the shards, which do the same, has texts
    shown = [entry for entry in zip(times, rows, texts, strict=True) if entry[2]]
    shown.sort(key=lambda entry: -entry[0])
    for seconds, row, text in shown:
        time = f"{seconds * MICROSECONDS:5.0f}us {seconds / whole:6.1%}"
        # the first line of a loop has the loop's head above it
        statement = " ".join(map(str.strip, text.strip().splitlines()))
        line = f"{time} {len(row.calls):6d} {row.nbytes:10,d}  {statement}"
        lines.append(f"{line} ({row.reason})" if row.reason else line)
    lines.append(f"{whole * MICROSECONDS:5.0f}us  in {len(calls)} calls, each timed alone")
    return Report("\n".join(lines))


def _best_times(calls: Sequence[Call], prepare: Callable[[], None]) -> list[float]:
    """The shortest time of each call, in seconds."""
    best = [float("inf")] * len(calls)
    for _ in range(TIMED_RUNS):
        prepare()
        for i, (fn, args) in enumerate(calls):
            start = perf_counter()
            fn(*args)
            best[i] = min(best[i], perf_counter() - start)
    return best
