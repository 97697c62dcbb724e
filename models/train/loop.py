"""Training, in the one right order: accumulate, check that all is finite, clip, step, begin again from zero."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from minigrad.models.cells import masked
from minigrad.models.data.stream import Chunk, Shuffled

from minigrad import Tape, Tensor
from minigrad.core import gates
from minigrad.errors import ArgumentError, DataError
from minigrad.optim import Optimizer

from .chunk import Arrays, Plans

Transform = Callable[[Tape], Tape] | None
BATCH = 1024  # rows at a time where nobody learns from them


class Model(Protocol):
    """What can be trained: a loss over a chunk, given the state before it, and the state after it."""

    def zero_state(self, batch: int) -> Arrays:
        """The state of so many rows before their first step: arrays (B, ...)."""
        ...

    def masks(self, batch: int, rng: np.random.Generator) -> Arrays:
        """What is drawn anew for every chunk, such as dropout; () for nothing."""
        ...

    def record(
        self, X: Tensor, Y: Tensor, state: Any, reset: Any, masks: Sequence[Any]
    ) -> tuple[Tensor, Any]:
        """The mean loss per token of X, Y (T, B, ...), and the last state; ``reset`` (T, B) or None as in unroll."""
        ...


@dataclass(frozen=True, eq=False)
class Update:
    """One update of the parameters: the mean loss in nats per token, the gradient's norm before and after clipping.

    ``state`` is that of every layer after the last chunk, plain arrays that carry no gradient; ``place`` that chunk's.
    Where loss or gradient is not finite ``bad`` says what was so first, no parameter has changed, and none follows.
    """

    step: int
    loss: float
    tokens: int
    norm: float
    clipped_norm: float
    lr: float
    place: tuple[int, int]
    state: Arrays
    bad: str = ""

    @property
    def clipped(self) -> bool:
        """Whether the gradient was longer than allowed."""
        return self.clipped_norm < self.norm


@dataclass(frozen=True)
class Fit:
    """A finished run: updates, tokens, their mean loss in nats, and the share of the updates that were clipped."""

    updates: int
    tokens: int
    loss: float
    clipped: float


def fit(
    model: Model,
    stream: Iterable[Chunk],
    strategy: Transform,
    clip: float | None,
    optimizer: Optimizer,
    **more: Any,
) -> Fit:
    """Train on every chunk of the stream; ``more`` as in :func:`updates`, which is the loop itself.

    Raises DataError where a loss or gradient is not finite, with the update, the first such value, and advice.
    """
    count = tokens = clipped = 0
    nats = 0.0
    for u in updates(model, stream, strategy, clip, optimizer, **more):
        refuse_nonfinite(u)
        count, tokens, clipped, nats = (
            count + 1,
            tokens + u.tokens,
            clipped + u.clipped,
            nats + u.loss * u.tokens,
        )
    return Fit(count, tokens, nats / max(tokens, 1), clipped / max(count, 1))


def refuse_nonfinite(u: Update) -> None:
    """Raise DataError for an update that was none."""
    if u.bad:
        remedy = "Try a smaller learning rate (--lr) or gradient norm (--clip)"
        raise DataError(
            f"training diverged at update {u.step}", got=u.bad.rstrip("."), remedy=remedy
        )


def updates(
    model: Model,
    stream: Iterable[Chunk],
    strategy: Transform,
    clip: float | None,
    optimizer: Optimizer,
    *,
    accumulate: int = 1,
    schedule: Callable[[int], float] | None = None,
    rng: np.random.Generator | int = 0,
    state: Arrays | None = None,
    step: int = 0,
    compiled: bool = True,
) -> Iterator[Update]:
    """The loop as an iterator: one Update after each step of the optimizer.

    ``accumulate``: chunks per update, weighted by their tokens. ``schedule``: the learning rate of update 0, 1, ...
    ``rng`` draws the masks. ``state`` and ``step``: to go on from an earlier Update. The strategy rewrites the tape of
    every new shape of chunk, twice, to see whether it draws; then a plan runs. ``compiled=False`` records, rewrites
    and runs every tape anew, as a strategy that draws random numbers needs.

    Raises ArgumentError for a clip that is not above 0, rows that come from nowhere, a strategy that draws in a plan.
    """
    bound = np.inf if clip is None else gates.positive("clip", clip)
    rng, ps = np.random.default_rng(rng), optimizer.params
    plans = Plans(model, strategy, ps, compiled)
    if not isinstance(accumulate, int) or accumulate < 1:
        raise ArgumentError(
            "accumulate", got=f"{accumulate!r}", expected="expected a whole number from 1"
        )
    chunks = iter(stream)
    while group := list(islice(chunks, accumulate)):
        loss, tokens, grads, state, bad = _gradient(model, plans, group, state, rng)
        norm = np.nan if bad else float(gates.norm(*grads))
        factor = float(gates.shrink(np.float64(norm), bound))
        if not bad:
            optimizer.lr = optimizer.lr if schedule is None else schedule(step)
            with np.errstate(all="ignore"):  # what overflows here the next update finds and names
                optimizer.step(
                    [(g * factor).astype(p.dtype) for p, g in zip(ps, grads, strict=True)]
                )
        step += 1
        yield Update(
            step, loss, tokens, norm, norm * factor, optimizer.lr, group[-1].place, state, bad
        )
        if bad:
            return


@np.errstate(all="ignore")  # what is not finite is found and named
def _gradient(
    model: Model,
    plans: Plans,
    group: Sequence[Chunk],
    state: Arrays | None,
    rng: np.random.Generator,
) -> tuple[float, int, list[Any], Arrays, str]:
    """Loss, tokens, gradient of the mean over all tokens of a group of chunks, state after it, what is not finite."""
    nats, tokens = 0.0, 0
    total: list[Any] = [0.0] * len(plans.wrt)
    for chunk in group:
        before, masks = entering(model, state, chunk), model.masks(len(chunk.x), rng)
        loss, after, grads = plans(chunk, before, masks)
        state = waiting(after, state)
        n = chunk.tokens
        nats, tokens = nats + loss * n, tokens + n
        total = [t + n * g.astype(np.float64) for t, g in zip(total, grads, strict=True)]
        if not np.isfinite(nats) or not all(np.isfinite(t).all() for t in total):
            return loss, tokens, total, state or (), plans.why(chunk, before, masks)
    return nats / tokens, tokens, [t / tokens for t in total], state or (), ""


def entering(model: Model, state: Arrays | None, chunk: Chunk) -> Arrays:
    """The state of the chunk's rows before it: row i goes on with row i, or starts anew. Plain arrays: no gradient.

    Raises ArgumentError where a row that does not start anew was not there before.
    """
    rows, reset = len(chunk.x), chunk.reset
    had = len(state[0]) if state else rows
    first = np.zeros(rows, bool) if reset is None else reset if reset.ndim == 1 else reset[:, 0]
    if not first[had:].all():
        got, remedy = (
            f"{rows} rows after a chunk of {had}",
            "Reset the new rows, or leave out the smaller batch",
        )
        raise ArgumentError(
            "chunk", got=got, expected="a row that goes on needs a state", remedy=remedy
        )
    zero = model.zero_state(rows)
    if state is None:
        return zero
    carried = tuple(np.concatenate([s[:rows], z[had:]]) for s, z in zip(state, zero, strict=True))
    return tuple(masked(first, carried))


def waiting(after: Arrays, before: Arrays | None) -> Arrays:
    """The state after a chunk: the rows that it did not have keep theirs."""
    return tuple(
        np.concatenate([a, b[len(a) :]]) for a, b in zip(after, before or after, strict=True)
    )


def evaluate(model: Model, stream: Iterable[Chunk], plans: Plans | None = None) -> float:
    """The mean loss in nats per token, without dropout, from a state of its own; ``plans`` spares compiling again."""
    state: Arrays | None = None
    nats, tokens = 0.0, 0
    plans = plans or Plans(model)
    for chunk in stream:
        loss, after, _ = plans(chunk, entering(model, state, chunk), ())
        state = waiting(after, state)
        nats, tokens = nats + loss * chunk.tokens, tokens + chunk.tokens
    if not tokens:
        raise ArgumentError(
            "evaluate", got="no chunk", remedy="A generator is empty once it has been read"
        )
    return nats / tokens


def exp(nats: float) -> float:
    """The perplexity of so many nats per token; the largest number there is for those that are beyond it."""
    return float(np.exp(min(nats, 709.0)))


def perplexity(model: Model, windows: npt.NDArray[np.int64]) -> float:
    """exp of the mean cross-entropy over all windows (N, T+1), each from the zero state and counted once."""
    return exp(evaluate(model, Shuffled(windows, BATCH).chunks(1)))
