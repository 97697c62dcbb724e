"""plan.report(): where the time and the memory of a plan go, and what was not batched and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

from .emit import Line
from .kernels import Call


def report(calls: Sequence[Call], lines: Sequence[Line], texts: Sequence[str], prepare: Callable[[], None]) -> str:
    """Run the calls a few times, each timed alone, and tabulate the best time, calls and bytes written per line."""
    best = [float("inf")] * len(calls)
    for _ in range(3):
        prepare()
        for i, (fn, args) in enumerate(calls):
            start = perf_counter()
            fn(*args)
            best[i] = min(best[i], perf_counter() - start)
    of_line = [sum(best[i] for i in line.calls) for line in lines]
    whole = sum(of_line) or 1.0
    rows = ["   time  share  calls      bytes  what"]
    for line, text, seconds in sorted(zip(lines, texts, of_line, strict=True), key=lambda row: -row[2]):
        row = f"{seconds * 1e6:5.0f}us {seconds / whole:6.1%} {len(line.calls):6d} {line.nbytes:10,d}  {text.strip()}"
        rows.append(row + (f" ({line.why})" if line.why else ""))
    return "\n".join([*rows, f"{whole * 1e6:5.0f}us  in {len(calls)} calls, each timed alone"])
