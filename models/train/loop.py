"""Training, in the one right order: accumulate, check, clip, step, begin again from zero."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minigrad import Tape
from minigrad.errors import ArgumentError, DataError
from minigrad.internal import Array, norm_in_parts, positive, shrink
from minigrad.models.data.stream import Chunk, Shuffled
from minigrad.models.unrolling import Arrays
from minigrad.optim import Optimizer

from .carry import Model, entering, waiting
from .chunk import Plans, accumulated
from .update import Update, as_perplexity

Transform = Callable[[Tape], Tape] | None
# Windows at a time where nobody learns from them: the book's batch. The mean over all windows does
# not depend on it.
EVAL_BATCH = 1024


@dataclass(frozen=True)
class Fit:
    """A finished run: updates, tokens, their mean loss in nats, the share of updates clipped.

    And of each update the loss in nats per token, the norm of the gradient before and after
    clipping: ``viz.plots.curves`` draws them.
    """

    updates: int
    tokens: int
    loss: float
    clipped: float
    losses: tuple[float, ...] = field(default=(), repr=False)
    norms: tuple[float, ...] = field(default=(), repr=False)
    clipped_norms: tuple[float, ...] = field(default=(), repr=False)


def fit(
    model: Model,
    stream: Iterable[Chunk],
    strategy: Transform,
    clip: float | None,
    optimizer: Optimizer,
    **options: Any,
) -> Fit:
    """Train on every chunk of the stream.

    The arguments are those of :func:`updates`, which is the loop itself.

    Raises DataError where a loss or gradient is not finite, with the update, the first such value,
    and advice.

    >>> import minigrad as mg
    >>> from minigrad import models
    >>> lm = models.RNNLM("gru", hidden=4, vocab=3)
    >>> text = models.stream.Rows(np.arange(61) % 3, batch=2, steps=10)
    >>> optimizer = mg.optim.Adam(models.parameters(lm), lr=0.1)
    >>> run = models.train.fit(lm, models.stream.epochs(text, 20), None, 1.0, optimizer)
    >>> run.updates, run.tokens, run.loss < 1.0
    (60, 1200, True)
    """
    tokens = 0
    clipped_steps = 0
    nats = 0.0
    rows = []
    for u in updates(model, stream, strategy, clip, optimizer, **options):
        refuse_nonfinite(u)
        tokens += u.tokens
        clipped_steps += u.clipped
        nats += u.loss * u.tokens
        rows.append((u.loss, u.norm, u.clipped_norm))
    steps = len(rows)
    columns = zip(*rows, strict=True)
    return Fit(steps, tokens, nats / max(tokens, 1), clipped_steps / max(steps, 1), *columns)


def refuse_nonfinite(u: Update) -> None:
    """Raise DataError for an update that was none."""
    if u.bad:
        what = f"training diverged at update {u.step}"
        remedy = "Try a smaller learning rate (--lr) or gradient norm (--clip)"
        raise DataError(what, got=u.bad.rstrip("."), remedy=remedy)


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
    """The loop as an iterator: an Update after each step of the optimizer of the parameters.

    ``strategy`` rewrites the tape of every new shape of chunk, twice, to see whether it draws; then
    a plan runs. ``compiled=False`` records, rewrites and runs every tape anew, as a strategy that
    draws random numbers needs.

    ``clip``: the largest norm of the gradient, None for any. ``accumulate``: chunks per update,
    weighted by their tokens. ``schedule``: the learning rate of update 0, 1, ... ``rng`` draws the
    masks. ``state`` and ``step``: to go on from an earlier Update.

    Raises ArgumentError for a clip that is not above 0, rows that come from nowhere, a strategy
    that draws in a plan.

    >>> import minigrad as mg
    >>> from minigrad import models
    >>> lm = models.RNNLM("rnn", hidden=4, vocab=3)
    >>> text = models.stream.Rows(np.arange(61) % 3, batch=2, steps=10)
    >>> optimizer = mg.optim.SGD(models.parameters(lm), lr=1.0)
    >>> for u in models.train.updates(lm, text.chunks(1), None, 0.5, optimizer):
    ...     print(u.step, u.tokens, round(u.loss, 2), u.clipped_norm <= 0.5)
    ...
    1 20 1.1 True
    2 20 1.1 True
    3 20 1.1 True
    """
    max_norm = np.inf if clip is None else positive("clip", clip)
    rng = np.random.default_rng(rng)
    if not isinstance(accumulate, int) or accumulate < 1:
        got = f"{accumulate!r}"
        raise ArgumentError("accumulate", got=got, expected="expected a whole number from 1")
    plans = Plans(model, strategy, optimizer.params, compiled)
    chunks = iter(stream)
    while group := list(islice(chunks, accumulate)):
        total = accumulated(model, plans, group, state, rng)
        state = total.state
        length = reached = np.nan
        if not total.bad:
            if schedule is not None:
                optimizer.lr = schedule(step)
            _, length, reached = take_step(optimizer, total.grads, max_norm)
        step += 1
        yield Update(
            step=step,
            loss=total.loss,
            tokens=total.tokens,
            norm=length,
            clipped_norm=reached,
            lr=optimizer.lr,
            place=group[-1].place,
            state=state,
            bad=total.bad,
        )
        # The parameters are those of the last update that was one.
        if total.bad:
            return


class Clipped(NamedTuple):
    """Gradients, and their common norm before and after clipping."""

    grads: list[Array]
    norm: float
    clipped_norm: float


def clipped(grads: Sequence[Array], max_norm: float) -> Clipped:
    """All gradients times min(1, max_norm / norm), the Euclidean norm of all of them together.

    Their direction stays, and one element that is not finite makes all of them NaN. At an infinite
    max_norm none changes. Source: D2L 9.5.3, Pascanu 2013.

    >>> clipped([np.array([3.0]), np.array([[0.0, 4.0]])], max_norm=1.0)
    Clipped(grads=[array([0.6]), array([[0. , 0.8]])], norm=5.0, clipped_norm=1.0)
    """
    largest, root = norm_in_parts(*grads)
    factor = shrink(max_norm, largest, root)
    # In float64: in their dtype it may overflow.
    length = float(largest) * float(root)
    return Clipped([g * factor for g in grads], length, length * float(factor))


def take_step(optimizer: Optimizer, grads: Sequence[Array], max_norm: float) -> Clipped:
    """Clip the gradients, one per parameter in order, to a common norm, and step along them.

    >>> import minigrad as mg
    >>> w = mg.tensor(np.zeros(2), requires_grad=True, name="w")
    >>> take_step(mg.optim.SGD(w, lr=1.0), [np.array([3.0, 4.0])], max_norm=1.0).norm
    5.0
    >>> w.data
    array([-0.6, -0.8])
    """
    result = clipped(grads, max_norm)
    typed = []
    for p, g in zip(optimizer.params, result.grads, strict=True):
        typed.append(g.astype(p.dtype))
    # What overflows here the next update finds and names.
    with np.errstate(all="ignore"):
        optimizer.step(typed)
    return result


def evaluate(model: Model, stream: Iterable[Chunk], plans: Plans | None = None) -> float:
    """The mean loss in nats per token, without dropout, from a state of its own.

    ``plans``, ``Plans(model)``, spares compiling again at the next call.

    Raises ArgumentError for an empty stream.

    >>> from minigrad import models
    >>> lm = models.RNNLM("rnn", hidden=4, vocab=3)
    >>> text = models.stream.Rows(np.arange(61) % 3, batch=2, steps=10)
    >>> round(models.train.evaluate(lm, text.chunks(1)), 2)
    1.1
    """
    state: Arrays | None = None
    nats = 0.0
    tokens = 0
    plans = plans or Plans(model)
    for chunk in stream:
        loss, after, _ = plans(chunk, entering(model, state, chunk), ())
        state = waiting(after, state)
        nats += loss * chunk.tokens
        tokens += chunk.tokens
    if not tokens:
        remedy = "A generator is empty once it has been read"
        raise ArgumentError("evaluate", got="no chunk", remedy=remedy)
    return nats / tokens


def perplexity(model: Model, windows: npt.NDArray[np.int64]) -> float:
    """exp of the mean cross-entropy over all windows (N, T+1), each from the zero state.

    Source: D2L 9.4.

    >>> from minigrad import models
    >>> lm = models.RNNLM("rnn", hidden=4, vocab=3)
    >>> windows = models.Windows.of(np.arange(60) % 3, steps=8)
    >>> round(models.train.perplexity(lm, windows.validation), 2)
    3.0
    """
    return as_perplexity(evaluate(model, Shuffled(windows, EVAL_BATCH).chunks(1)))
