"""Truncated backpropagation through time: regular, windowed, randomized. Source: D2L 9.7.1."""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from minigrad.core.arguments import refuse_unstamped
from minigrad.core.recurrence.state import States
from minigrad.core.tape import Edge, Tape
from minigrad.core.tensor import Tensor, frozen
from minigrad.core.time import Times
from minigrad.errors import ArgumentError

from .edges import cut, scale
from .reach import Reach, split_by_reach
from .rewrite import refuse_differentiated

PerStep = Mapping[int, float]
"""A number for each boundary between two steps, by the step behind it."""


# --- regular and windowed ---------------------------------------------------------------------
def truncate(
    tape: Tape,
    every: int | None = None,
    window: int | None = None,
    state: States = None,
) -> Tape:
    """Truncated backpropagation through time.

    ``every=k``: the steps fall into segments of k from the first stamped one; recurrent edges
    between two segments are cut. ``window=w``: what enters the steps at step t goes back at most w
    steps from there. Both together are TBPTT(k1=every, k2=window+1): the losses of a block of
    ``every`` steps reach back w edges from the block's end.

    What is state is proven (``tape.states()`` lists it) or named: ``state`` is a name ("h" for
    h_1, h_2, ...), a Tensor that stands for its counterparts in the other steps, a predicate of
    nodes, or several of these. Outputs that are collected and losses that are summed inside the
    steps are no state and never cut.

    >>> import minigrad as mg
    >>> from minigrad.transforms import differentiate, truncate
    >>> w = mg.tensor(0.5, requires_grad=True)
    >>> h = mg.tensor(1.0)
    >>> for t in (1, 2, 3):
    ...     with mg.timestep(t):
    ...         h = h * w
    >>> tape = mg.Tape.of(h)  # h = w³; each step adds w² to the gradient
    >>> for short in (tape, truncate(tape, every=2), truncate(tape, window=1)):
    ...     differentiate(short).outputs[1].item()
    0.75
    0.25
    0.5

    Cost: linear in the nodes for ``every``; for a window each step is copied once per block that
    reaches it.
    Raises: ArgumentError where neither or no whole number is given, for a loss in place of a tape,
    for one without time steps, for what could be a state or a running loss while no ``state`` is
    named, and for steps that are stamped twice; GradientError for a tape that holds its gradients
    already.
    Source: D2L 9.7.1.2; Williams and Peng 1990.
    """
    _refuse_length("every", every, least=1)
    _refuse_length("window", window, least=0)
    if every is None and window is None:
        raise ArgumentError(
            "truncate",
            got="neither every nor window",
            expected="name at least one of them",
        )
    refuse_differentiated(tape)
    refuse_unstamped("truncate", tape.stamps)
    reading = tape.reading.settled(state, "truncate")
    reach_from = partial(_reach, stamps=reading.steps, block=every or 1, window=window)
    return split_by_reach(tape, reading, reach_from)


def _refuse_length(name: str, value: int | None, least: int) -> None:
    """Raise for anything but None or a whole number from ``least``."""
    if value is None:
        return
    if not isinstance(value, (int, np.integer)) or value < least:
        raise ArgumentError(
            f"truncate: {name}",
            got=f"{value}",
            expected=f"expected a whole number from {least}",
        )


def _reach(
    t: int,
    stamps: Sequence[int],
    block: int,
    window: int | None,
) -> Reach:
    """How far what enters the steps at step t may go, in blocks of steps from the first one on."""
    first = stamps[0]
    last = stamps[-1]
    start = first + (t - first) // block * block
    end = start + block - 1
    if window is None:
        lowest = start
        highest = end
    else:
        lowest = min(end, last) - window
        highest = start + window
    # Reaches that differ beyond the ends only are the same: no copy of a node for each of them.
    return Reach(max(lowest, first), min(highest, last))


# --- randomized: one factor per boundary between steps ----------------------------------------
def truncate_randomly(
    tape: Tape,
    keep: float | PerStep,
    rng: np.random.Generator | int,
    reweight: bool = True,
    state: States = None,
) -> Tape:
    """Randomized truncation: one xi_t per boundary between steps, shared by every edge across it.

    xi_t is 1/pi_t with probability pi_t, else 0, so that the gradient is right on average. ``keep``
    is pi, one number or {t: pi_t} (1 where absent); ``rng`` a generator or a seed; ``state`` as
    :func:`truncate` has it. The drawn xi are the second inputs of the new ``scale_grad`` nodes.

    **Biased** are ``reweight=False``, which cuts but does not reweight, the random segments of Fig.
    9.7.1; and pi_t = 0, where every draw cuts and no weight makes up for it: a UserWarning names t.

    >>> import minigrad as mg
    >>> w = mg.tensor(0.5, requires_grad=True)
    >>> h = mg.tensor(1.0)
    >>> for t in (1, 2, 3):
    ...     with mg.timestep(t):
    ...         h = h * w
    >>> tape = mg.transforms.truncate_randomly(mg.Tape.of(h), keep=0.5, rng=2)
    >>> {n.name: n.item() for n in tape.leaves if n.name}
    {'xi_2': 2.0, 'xi_3': 2.0}

    Raises: ArgumentError for a probability outside [0, 1] or of a step without a boundary, and as
    :func:`truncate`; GradientError for a tape that holds its gradients already.
    Source: D2L equation 9.7.8; Tallec and Ollivier 2017.
    """
    refuse_differentiated(tape)
    refuse_unstamped("truncate_randomly", tape.stamps)
    reading = tape.reading.settled(state, "truncate_randomly")
    pi = _probabilities(keep, reading.steps[1:])
    if reweight:
        _warn_of_bias(pi)
    xi = _drawn(pi, np.random.default_rng(rng), reweight)
    boundaries = _Boundaries(reading.times, xi)
    edges = reading.edges
    if not reweight:
        return cut(tape, [e for e in edges if boundaries.factor(e) == 0])
    leaf_of = _named_leaves(boundaries, pi)
    return scale(tape, [e for e in edges if boundaries.factor(e) != 1], leaf_of)


def reweight(tape: Tape, xi: PerStep, state: States = None) -> Tape:
    """Multiply what goes back over the boundary in front of step t by xi[t], for every t in xi.

    ``state`` is as :func:`truncate` has it.

    An edge that crosses several boundaries carries the product of their xi.

    >>> import minigrad as mg
    >>> w = mg.tensor(0.5, requires_grad=True)
    >>> h = mg.tensor(1.0)
    >>> for t in (1, 2, 3):
    ...     with mg.timestep(t):
    ...         h = h * w
    >>> tape = mg.transforms.reweight(mg.Tape.of(h), {2: 0.0, 3: 2.0})
    >>> mg.transforms.differentiate(tape).outputs[1].item()  # w² + 2 w² + 0
    0.75

    Raises: ArgumentError for a loss in place of a tape and for what could be a state or a running
    loss; GradientError for a tape that holds its gradients already.
    Source: D2L equation 9.7.8.
    """
    refuse_differentiated(tape)
    reading = tape.reading.settled(state, "reweight")
    boundaries = _Boundaries(reading.times, xi)
    return scale(tape, reading.edges, boundaries.factor)


class _Boundaries:
    """The boundaries between the steps of a tape, each with a factor xi."""

    def __init__(self, times: Times, xi: PerStep) -> None:
        self.times = times
        self.xi = xi
        self.steps = sorted(xi)

    def crossed(self, edge: Edge) -> list[int]:
        """Those between the two steps that an edge joins; none where it joins no steps."""
        source = self.times[edge.source]
        target = self.times[edge.target]
        if source is None or target is None:
            return []
        # An edge may also come from the future, as in a network that reads backwards.
        start = bisect_right(self.steps, min(source, target))
        end = bisect_right(self.steps, max(source, target))
        return self.steps[start:end]

    def factor(self, edge: Edge) -> float:
        """The product of the xi of the boundaries that an edge crosses."""
        factors = [self.xi[t] for t in self.crossed(edge)]
        return float(np.prod(factors))


def _probabilities(keep: float | PerStep, boundaries: Sequence[int]) -> dict[int, float]:
    """The probability with which each boundary is kept; refuse what is none."""
    asked = dict(keep) if isinstance(keep, Mapping) else dict.fromkeys(boundaries, keep)
    known = set(boundaries)
    for t, probability in asked.items():
        if not 0 <= probability <= 1 or t not in known:
            steps = "at least two steps"
            if boundaries:
                steps = f"a step in {boundaries[0]}..{boundaries[-1]}"
            raise ArgumentError(
                f"truncate_randomly: keep at t={t}",
                got=f"{probability}",
                expected=f"expected a probability and {steps}",
            )
    return {t: asked.get(t, 1.0) for t in boundaries}


def _warn_of_bias(pi: PerStep) -> None:
    never = [f"{t}" for t, probability in pi.items() if probability == 0]
    if never:
        steps = ", ".join(never)
        text = f"truncate_randomly: keep is 0 at t={steps}, always cut: the gradient is biased"
        # 3: the caller of truncate_randomly
        warnings.warn(text, UserWarning, stacklevel=3)


def _drawn(pi: PerStep, rng: np.random.Generator, is_reweighted: bool) -> PerStep:
    """One xi per boundary: 1/pi (or 1, where nothing is reweighted) with probability pi, else 0."""
    xi: dict[int, float] = {}
    # One number a step, in order: a seed stands for the same cuts, reweighted or not.
    for t, probability in pi.items():
        is_kept = rng.random() < probability
        weight = 1 / probability if is_kept and is_reweighted else 1.0
        xi[t] = weight if is_kept else 0.0
    return xi


def _named_leaves(boundaries: _Boundaries, pi: PerStep) -> Callable[[Edge], Tensor]:
    """The leaf with an edge's xi, the same for all edges across the same boundaries."""
    leaves: dict[str, Tensor] = {}
    # Compares equal to itself alone.
    draw = object()

    def leaf_of(edge: Edge) -> Tensor:
        steps = boundaries.crossed(edge)
        name = " ".join(f"xi_{t}" for t in steps)
        if name not in leaves:
            xi = np.array(boundaries.factor(edge), edge.source.dtype)
            # For who draws again: with which chances, and which leaves are of one draw.
            origin = {"keep": {t: pi[t] for t in steps}, "draw": draw}
            leaves[name] = Tensor(
                frozen(xi),
                name=name,
                kwargs=origin,
                like=edge.target,
            )
        return leaves[name]

    return leaf_of
