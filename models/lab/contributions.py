"""What a sweep sends, one contribution after the other, and sums of such."""

from __future__ import annotations

from collections.abc import Container, Iterator
from itertools import starmap
from typing import Any, TypeVar

from minigrad import Step, Tensor
from minigrad.internal import Array, sweep

Sent = Iterator[tuple[Tensor, Any]]
Nodes = tuple[Tensor, ...]
Key = TypeVar("Key")


def add_to(sums: dict[Key, Any], key: Key, term: Any) -> None:
    """Add a term to one of the sums, which begins with its first term."""
    if key in sums:
        term = sums[key] + term
    sums[key] = term


def contributions(
    nodes: Nodes,
    out: Tensor,
    seed: Array,
    wanted: Container[Tensor] | None = None,
) -> Sent:
    """Every contribution of a sweep: the input that it is for, and what is sent there."""
    for step in starmap(Step, sweep(nodes, out, seed, wanted)):
        # A node that sends nothing at all has an empty list in place of one None per input.
        inputs = step.tensor.inputs if step.sent else ()
        for x, contribution in zip(inputs, step.contributions, strict=True):
            if contribution is not None:
                yield x, contribution
