"""What a plan carries to its next call: written to the leaves when everything is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from minigrad.compiler.emit.program import Call
from minigrad.core.tensor import Array, Tensor

from .leaf_binding import Inputs
from .prebound import Prebound


def finish(action: Callable[[], None]) -> None:
    """Run what may be repeated until it has run to its end, however often that is interrupted."""
    interruption = None
    ended = False
    while not ended:
        try:
            action()
            ended = True
        except BaseException as error:
            interruption = error
    if interruption is not None:
        raise interruption


class Carrier:
    """Leaves that hold outputs after a call, as if these had been assigned to them.

    leaves: which. calls: write to them; they may be repeated. inputs: of the plan.
    """

    def __init__(self, leaves: Iterable[Tensor], calls: Iterable[Call], inputs: Inputs) -> None:
        # a dict, for Tensors are compared by their numbers
        self.leaves = dict.fromkeys(leaves)
        self._calls = [Prebound().quicker(call) for call in calls]
        self._inputs = inputs

    def commit(self) -> None:
        """Write the outputs to the leaves: to all of them, however often that is interrupted."""
        if self.leaves:
            finish(partial(self._inputs.change, self.leaves, self._calls))

    def state(self) -> dict[Tensor, Array]:
        """A copy of what the leaves hold."""
        return {leaf: leaf._array.copy() for leaf in self.leaves}

    def assign(self, arrays: Mapping[Tensor, Array]) -> None:
        """Let leaves hold these arrays: all of them, however often that is interrupted."""

        def assign_all() -> None:
            for leaf, array in arrays.items():
                leaf.assign(array)

        finish(assign_all)
