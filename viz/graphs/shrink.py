"""The factor of ``clip`` read back from its operations: the bound, and the norm in its parts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minigrad import Tensor


class Shrink(NamedTuple):
    """What ``norms.shrink`` made a factor from; the norm is the product of largest and root."""

    bound: Tensor
    largest: Tensor
    root: Tensor

    @property
    def limit(self) -> float:
        """The bound as a number."""
        value: float = self.bound.item()
        return value

    @property
    def norm(self) -> float:
        """The norm as a number."""
        value: float = self.largest.item() * self.root.item()
        return value


def shrink_of(n: Tensor) -> Shrink | None:
    """What a factor was made from; None for what ``norms.shrink`` did not make."""
    if n.size != 1 or n.fn is not np.divide or n.inputs[1].fn is not np.maximum:
        return None
    short, longest = n.inputs
    product = longest.inputs[0]
    if short.fn is not np.divide or product.fn is not np.multiply:
        return None
    relative, root = product.inputs
    if relative.fn is not np.divide:
        return None
    return Shrink(short.inputs[0], relative.inputs[0], root)
