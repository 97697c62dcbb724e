"""plan.report(): where the time and the memory of a plan go, and what was not batched and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

from minigrad.compiler.emit.kernels import Call

Row = tuple[list[int], int, str]  # which calls, bytes written, why not all steps at once


def report(
    calls: Sequence[Call], rows: Sequence[Row], texts: Sequence[str], prepare: Callable[[], None]
) -> str:
    """Run the calls a few times, each timed alone, and tabulate the best time, calls and bytes written per line."""
    best = [float("inf")] * len(calls)
    for _ in range(3):
        prepare()
        for i, (fn, args) in enumerate(calls):
            start = perf_counter()
            fn(*args)
            best[i] = min(best[i], perf_counter() - start)
    spent = [sum(best[i] for i in its) for its, _, _ in rows]
    whole = sum(spent) or 1.0
    lines = ["   time  share  calls      bytes  what"]
    shown = [
        row for row in zip(rows, texts, spent, strict=True) if row[1]
    ]  # other shards do what the first does
    for (its, size, why), text, seconds in sorted(shown, key=lambda row: -row[2]):
        line = f"{seconds * 1e6:5.0f}us {seconds / whole:6.1%} {len(its):6d} {size:10,d}  {text.strip()}"
        lines.append(line + (f" ({why})" if why else ""))
    return "\n".join([*lines, f"{whole * 1e6:5.0f}us  in {len(calls)} calls, each timed alone"])
