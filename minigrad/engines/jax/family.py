"""A program of any number of steps lowered to JAX."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigrad.compiler.rolled.lengths.any_length import RolledFamily
from minigrad.core.rerun.feeds import Feeds, Missing

from .lowered import Lowered


class LoweredFamily:
    """A function of named arrays of any number of steps. JAX compiles it once for each number.

    family: the programs that it runs.
    """

    def __init__(self, family: RolledFamily, axes: Mapping[str, int]) -> None:
        """axes: of inputs that have examples, the axis that they lie along."""
        self.family = family
        self._axes = axes
        self._lowered: dict[int, Lowered] = {}

    def at(self, T: int, feeds: Feeds | None = None) -> Lowered:
        """The function for T steps. feeds: as for ``RolledFamily.at``.

        Raises what that and ``lower`` raise.
        """
        if feeds is not None:
            return Lowered(self.family.at(T, feeds), self._axes)
        if T not in self._lowered:
            self._lowered[T] = Lowered(self.family.at(T), self._axes)
        return self._lowered[T]

    def __call__(self, feeds: Feeds, *, missing: Missing = "error") -> tuple[Any, ...]:
        """The outputs, as arrays of JAX, for as many steps as the arrays that are fed have.

        feeds, missing: as for a plan. Raises what ``RolledFamily.length`` and ``Lowered`` raise.
        """
        return self.at(self.family.length(feeds))(feeds, missing=missing)

    def __repr__(self) -> str:
        return f"Lowered({self.family!r})"
