"""The end of a long tape as a tape of its own, so that it is drawn at once."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from minigrad import Tape, Tensor


def excerpt(outputs: Iterable[Tensor], most: int) -> Tape:
    """The tape of the last ``most`` operations, or a few more, so that their first step is whole.

    What they read of earlier ones are leaves; outputs that were computed earlier are left out. The
    work goes with ``most``, not with the length of the tape.
    """
    outputs = tuple(outputs)
    kept = _last_operations(outputs, most)
    new: dict[Tensor, Tensor] = {}
    for node in reversed(kept):
        for x in node.inputs:
            if x not in new:
                new[x] = _leaf(x)
        inputs = tuple(new[x] for x in node.inputs)
        new[node] = node.with_inputs(inputs)
    within = set(kept)
    ends = [o for o in outputs if o.fn is None or o in within]
    return Tape.of(*[new.get(o, o) for o in ends])


def _last_operations(outputs: tuple[Tensor, ...], most: int) -> list[Tensor]:
    """The last first."""
    waiting: list[tuple[int, int, int, Tensor]] = []
    seen: set[Tensor] = set()

    def wait(nodes: Iterable[Tensor]) -> None:
        for n in nodes:
            if n.fn is not None and n not in seen:
                seen.add(n)
                # the count keeps the heap from comparing Tensors
                heapq.heappush(waiting, (-n.serial, -n.born, len(seen), n))

    wait(outputs)
    kept: list[Tensor] = []
    while waiting:
        node = waiting[0][-1]
        if len(kept) >= most:
            last = kept[-1].time
            if last is None or node.time != last:
                break
        heapq.heappop(waiting)
        kept.append(node)
        wait(node.inputs)
    return kept


def _leaf(x: Tensor) -> Tensor:
    """A leaf that stands for what was computed earlier."""
    if x.fn is None:
        return x
    return Tensor(x.data, x.requires_grad, x.label, like=x)
