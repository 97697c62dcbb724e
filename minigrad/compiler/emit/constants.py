"""What a plan has baked in, as text: arrays without a name, and the user's lines they came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from minigrad.core.tensor import Tensor

MAX_LINES = 12


def list_constants(constants: Iterable[Tensor]) -> list[str]:
    """A heading, and a text for every line of code, shape and dtype; nothing where none are.

    Single numbers are left out: they stand where they are read.
    """
    count: Counter[tuple[str, str]] = Counter()
    for leaf in constants:
        if leaf.size > 1:
            kind = f"{leaf.dtype}{list(leaf.shape)}"
            count[kind, leaf.origin] += 1
    if not count:
        return []
    lines = ["constants, the same at every call (one with a name is an input):"]
    for (kind, origin), times in count.items():
        many = f" x {times}" if times > 1 else ""
        lines.append(f"    {kind}{many}    # {origin}")
    more = len(lines) - 1 - MAX_LINES
    if more > 0:
        lines[MAX_LINES + 1 :] = [f"    ... and {more} more"]
    return lines
