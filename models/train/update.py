"""One update of the parameters, as the loop reports it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigrad.models.data.stream import Place
from minigrad.models.unrolling import Arrays

# exp of more overflows a double.
MAX_NATS = 709.0


@dataclass(frozen=True, eq=False)
class Update:
    """One update of the parameters.

    ``loss``: the mean in nats per token. ``norm`` and ``clipped_norm``: of the gradient, before and
    after clipping. ``lr``: the learning rate. ``state``: that of every layer after the last chunk,
    plain arrays that carry no gradient. ``place``: that of the last chunk.

    Where loss or gradient is not finite ``bad`` says what was so first, no parameter has changed,
    and no update follows.
    """

    step: int
    loss: float
    tokens: int
    norm: float
    clipped_norm: float
    lr: float
    place: Place
    state: Arrays
    bad: str = ""

    @property
    def clipped(self) -> bool:
        """Whether the gradient was longer than allowed."""
        return self.clipped_norm < self.norm

    @property
    def perplexity(self) -> float:
        """That of the loss."""
        return as_perplexity(self.loss)


def as_perplexity(nats: float) -> float:
    """exp of the nats per token; the largest number there is for those that are beyond it."""
    return float(np.exp(min(nats, MAX_NATS)))
