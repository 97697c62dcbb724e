"""The memory that native code finds through a table of addresses."""

from __future__ import annotations

import itertools

import numpy as np

from minigrad.compiler.strided import address, owner
from minigrad.core.array import Array

from .c_expressions import C_TYPES
from .lowering import Levels
from .operands import Operand


class Memory:
    """Gives every operand a pointer in C.

    arrays: what the table points to. The first is for the label that is none, and how many classes
    there are.
    """

    def __init__(self, homes: dict[int, Array]) -> None:
        """homes: by the owner's id, the array of an input that is fed in place of it."""
        self._homes = homes
        self._entry: dict[int, int] = {}
        self._names = itertools.count()
        self.arrays: list[Array] = [np.zeros(2, np.int64)]

    def pointer(self, x: Operand, levels: Levels) -> tuple[str, str]:
        """The name of a pointer to an operand's first number, and its declaration."""
        entry = self._entry_of(x.array)
        name = f"p{next(self._names)}"
        real = C_TYPES[x.array.dtype]
        place = [f"b[{entry}]", f"{address(x.array) - address(self.arrays[entry])}L"]
        for level, step in zip(levels, x.steps, strict=False):
            if step:
                place.append(f"t{level.number} * {step}L")
        return name, f"{real} *{name} = ({real} *)({' + '.join(place)});"

    def _entry_of(self, array: Array) -> int:
        whole = owner(array)
        key = id(whole)
        if key not in self._entry:
            self._entry[key] = len(self.arrays)
            memory = self._homes.get(key, whole)
            self.arrays.append(memory)
        return self._entry[key]
