"""An optimizer on a tape: what it remembers as leaves, its update recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.tensor import Tensor
from minigrad.errors import StaleTapeError

from .groups import Group, refuse_wrong

if TYPE_CHECKING:
    from .optimizer import Memory, Optimizer


class Recorded:
    """What an optimizer remembers, in leaves: tapes and plans change these, and it its memories.

    Whoever is about to read takes over what the other side has changed.
    """

    def __init__(self, params: Sequence[Tensor], memories: Sequence[Memory]) -> None:
        """One leaf per array, and one count for all parameters that had as many updates."""
        self.is_stale = False
        self.leaves: list[dict[str, Tensor]] = []
        counts: dict[int, Tensor] = {}
        for p, memory in zip(params, memories, strict=True):
            leaves = {}
            for part, value in memory.items():
                if part != "step":
                    leaves[part] = Tensor(np.array(value), name=f"{p.label}.{part}")
            count = memory["step"]
            if count not in counts:
                # in floating point, as the powers of Adam's are
                counts[count] = Tensor(np.array(float(count)), name="step")
            leaves["step"] = counts[count]
            self.leaves.append(leaves)
        self._seen: dict[Tensor, int] = {}
        self.push(memories)

    def pull(self, memories: Sequence[Memory]) -> None:
        """Remember what is in the leaves that a plan has written to since."""
        for leaves, memory in zip(self.leaves, memories, strict=True):
            for part, leaf in leaves.items():
                if leaf.assigned != self._seen[leaf]:
                    memory[part] = int(leaf.item()) if part == "step" else leaf.numpy()
        self._look()

    def push(self, memories: Sequence[Memory]) -> None:
        """Write what is remembered to the leaves."""
        self.is_stale = False
        counts: dict[Tensor, Any] = {}
        for leaves, memory in zip(self.leaves, memories, strict=True):
            for part, leaf in leaves.items():
                leaf.assign(memory[part])
            count = counts.setdefault(leaves["step"], memory["step"])
            self.is_stale = self.is_stale or count != memory["step"]
        self._look()

    def _look(self) -> None:
        for leaves in self.leaves:
            for leaf in leaves.values():
                self._seen[leaf] = leaf.assigned


class Rate:
    """The learning rate that a group has when it is asked for."""

    def __init__(self, group: Group, recorded: Recorded) -> None:
        self._group = group
        self._recorded = recorded
        self._seen = dict(group)

    def __call__(self) -> float:
        """Raises StaleTapeError where another option has changed, or the counts of updates do.

        And ArgumentError for a rate that is none.
        """
        if self._recorded.is_stale:
            got = "some parameters had updates that others had not"
            raise StaleTapeError("update", got=got, remedy="Record the update again")
        if self._group != self._seen:
            refuse_wrong(self._group)
            for name, value in self._seen.items():
                if name != "lr" and self._group[name] != value:
                    got = f"{name} became {self._group[name]!r}"
                    expected = f"{value!r} is on the tape"
                    remedy = "Record the update again"
                    raise StaleTapeError("update", got=got, expected=expected, remedy=remedy)
            self._seen = dict(self._group)
        return float(self._group["lr"])


def record_update(
    optimizer: Optimizer, recorded: Recorded, gradients: Mapping[Tensor, Tensor]
) -> dict[Tensor, Tensor]:
    """By leaf its next value: of the parameters, and of what is remembered of them."""
    after: dict[Tensor, Tensor] = {}
    remembered: dict[Tensor, Tensor] = {}
    rates: dict[Any, Tensor] = {}
    for i, p in enumerate(optimizer.params):
        leaves = recorded.leaves[i]
        memory: Memory = dict(leaves)
        step = leaves["step"]
        if step not in remembered:
            remembered[step] = (step + 1).named("new step")
        memory["step"] = remembered[step]
        group = optimizer._group_of[i]
        key = id(group), p.dtype
        if key not in rates:
            rate = np.array(group["lr"], p.dtype)
            rates[key] = Tensor(rate, name="lr", kwargs={"live": Rate(group, recorded)})
        change = optimizer._change(i, p, gradients[p], memory, rates[key])
        after[p] = (p - change).named(f"new {p.label}")
        for part, leaf in leaves.items():
            if part != "step":
                remembered[leaf] = memory[part].named(f"new {leaf.label}")
    return after | remembered
