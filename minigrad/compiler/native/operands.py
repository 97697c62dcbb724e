"""Where the arrays of a call lie, round after round of the loops around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigrad.compiler.strided import address, same_view
from minigrad.core.array import Array

# of more rounds with unlike steps no two operands are compared one by one
MAX_ROUNDS_COMPARED = 1 << 16
# what NumPy may spend on finding whether two arrays share memory
MAX_WORK = 1 << 12


@dataclass(frozen=True, eq=False, slots=True)
class Operand:
    """An array of a call.

    array: in the first round of all loops. steps: bytes from round to round of each loop around the
    call, the outermost first.
    """

    array: Array
    steps: tuple[int, ...]

    def in_shape(self, shape: tuple[int, ...]) -> Operand:
        """The same numbers in another shape, which takes no copy."""
        return Operand(np.reshape(self.array, shape, copy=False), self.steps)

    def bounds(self) -> tuple[int, int]:
        """The first byte of the first round, and the one behind the last."""
        begin = end = address(self.array)
        for n, stride in zip(self.array.shape, self.array.strides, strict=True):
            reach = (n - 1) * stride
            begin += min(reach, 0)
            end += max(reach, 0)
        return begin, end + self.array.itemsize

    def is_view_of(self, other: Operand) -> bool:
        """Whether both are the same look at the same memory in every round."""
        alike = self.steps == other.steps and self.array.dtype == other.array.dtype
        return alike and same_view(self.array, other.array)

    def is_apart_from(self, other: Operand, rounds: tuple[int, ...]) -> bool:
        """Whether both never share a byte in a round. rounds: of each loop around them."""
        begin, end = self.bounds()
        other_begin, other_end = other.bounds()
        if self.steps == other.steps:
            if end <= other_begin or other_end <= begin:
                return True
            return not _share(self.array, other.array)
        if np.prod(rounds, dtype=float) > MAX_ROUNDS_COMPARED:
            return False
        steps = zip(self.steps, other.steps, strict=True)
        unlike = np.array([b - a for a, b in steps])
        distances = np.zeros(1, np.intp)
        for step, count in zip(unlike, rounds, strict=True):
            moved = step * np.arange(count)
            distances = np.add.outer(distances, moved).reshape(-1)
        behind = other_begin + distances >= end
        before = other_end + distances <= begin
        return bool((behind | before).all())


def _share(a: Array, b: Array) -> bool:
    try:
        # NumPy's stubs know of the two named limits only
        return np.shares_memory(a, b, max_work=MAX_WORK)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True
