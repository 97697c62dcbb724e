"""Graph -> Graph: each pass gives a graph of the same value and leaves its own as it was."""

from __future__ import annotations

from collections.abc import Callable

from minigrad.compiler.graph import Graph

from . import chains, expand, fold, look_ups, widen, widen_sums
from . import shard_count as split

Pass = Callable[[Graph], Graph]

PASSES: tuple[Pass, ...] = (
    expand.expand,
    fold.fold,
    chains.flatten,
    widen.widen,
    widen_sums.widen_sums,
    look_ups.look_up,
    split.split_over_threads,
)
"""In order. The last one decides whether the batch runs in shards; the graph's note says why."""
NATIVE_PASSES: tuple[Pass, ...] = (
    expand.expand_for_native_code,
    *PASSES[1:-1],
    split.split_native_code,
)
"""The same for native code, which has more functions, and pays on threads earlier."""
