"""What is the same in every step: h_3 is h_t at t = 3, and an unnamed product the second matmul of its line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping

from minigrad import Tensor

Times = Mapping[Tensor, int | None]
Role = Hashable


def roles(nodes: Iterable[Tensor], times: Times) -> dict[Tensor, Role]:
    """The role of each node in its step, the same for its counterpart in another step.

    That is its name with the step in it written as t; without one the function, the line, and which of its kind it is.
    """
    count: Counter[object] = Counter()
    found: dict[Tensor, Role] = {}
    for n in nodes:
        t = times[n]
        called = template(n.name, t) if n.name and t is not None else None
        alike = (
            ("named", called) if called and called != n.name else (n.fn, n.place, n.requires_grad)
        )
        count[t, alike] += 1
        found[n] = (t is None, *alike, count[t, alike])
    return found


def template(name: str, t: int) -> str:
    """``h_3`` at t = 3 -> ``h_t``; a name without the step in it stays."""
    return re.sub(rf"(?<![^\W_]){t}(?![^\W_])", "t", name)
