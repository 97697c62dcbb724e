"""One chunk of training as a function of arrays: recorded once per shape, then run as a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError
from minigrad.internal import Array
from minigrad.models.data.stream import Chunk
from minigrad.models.unrolling import Arrays, as_tuple
from minigrad.transforms import differentiate

from .carry import Model, entering, waiting

# A stream of many shapes compiles again rather than fill the memory with plans.
MAX_PLAN_BYTES = 2**29
# What a call of a plan takes beside its buffers.
BYTES_PER_CALL = 3_000

# What a chunk's tape reads, by name: X, Y, state_0, ..., mask_0, ...; reset and lengths where there
# are any.
Inputs = dict[str, Array]
Leaves = dict[str, Tensor]
# The loss, the state after the chunk, the gradients.
Outputs = tuple[float, Arrays, Arrays]


class Plans:
    """Call it with a chunk, the state before it and its masks: (loss, state after it, gradients).

    ``strategy`` rewrites the tape before it is differentiated with respect to ``wrt``. Without
    ``wrt`` there are no gradients, and the strategy is not asked. Not ``compiled``, every tape is
    recorded, rewritten and run anew.
    """

    def __init__(
        self,
        model: Any,
        strategy: Callable[[Tape], Tape] | None = None,
        wrt: Sequence[Tensor] = (),
        compiled: bool = True,
    ) -> None:
        self._model = model
        self._strategy = strategy
        self.wrt = list(wrt)
        self._compiled = compiled
        self._plans: dict[Any, tuple[mg.Plan, Leaves]] = {}

    def __call__(self, chunk: Chunk, state: Arrays, masks: Arrays) -> Outputs:
        """All arrays are the caller's."""
        inputs = _inputs(chunk, state, masks)
        # What is not finite the caller looks for, and names.
        with np.errstate(all="ignore"):
            loss, *rest = self._run(inputs)
        count = len(state)
        return float(loss), tuple(rest[:count]), tuple(rest[count:])

    def first_nonfinite(self, chunk: Chunk, state: Arrays, masks: Arrays) -> str:
        """What was NaN or infinite first in this chunk: the line of ``find_nonfinite``."""
        with np.errstate(all="ignore"):
            tape, _ = self._record(_inputs(chunk, state, masks))
            loss = self._rewritten(tape).outputs[0]
            origin = mg.find_nonfinite(Tape.of(loss))
        return str(origin or "the sum of the gradients of several chunks overflowed")

    def _run(self, inputs: Inputs) -> Sequence[Any]:
        """(loss, *last state, *gradients), by a plan or without one."""
        if self._compiled:
            return self._run_plan(inputs)
        tape, _ = self._record(inputs)
        outputs = self._differentiated(self._rewritten(tape)).outputs
        return [output.data for output in outputs]

    def _run_plan(self, inputs: Inputs) -> Sequence[Any]:
        """By the plan for the shapes of the inputs."""
        shapes = tuple((name, array.shape) for name, array in inputs.items())
        if shapes not in self._plans:
            self._plans[shapes] = self._compile(inputs)
        # Put last what was used last: the first is the one to forget.
        self._plans[shapes] = self._plans.pop(shapes)
        while len(self._plans) > 1 and self._nbytes() > MAX_PLAN_BYTES:
            oldest = next(iter(self._plans))
            del self._plans[oldest]
        plan, leaves = self._plans[shapes]
        return plan({leaf: inputs[name] for name, leaf in leaves.items()})

    def _nbytes(self) -> int:
        """The memory of all plans, about."""
        return sum(plan.nbytes + BYTES_PER_CALL * plan.calls for plan, _ in self._plans.values())

    def _record(self, inputs: Inputs) -> tuple[Tape, Leaves]:
        """The tape of (loss, *last state), and its leaves by the names of the inputs."""
        leaves: Leaves = {}
        state: list[Tensor] = []
        masks: list[Tensor] = []
        for name, array in inputs.items():
            leaf = mg.tensor(array, name=name, dtype=array.dtype)
            leaves[name] = leaf
            if name.startswith("state_"):
                state.append(leaf)
            if name.startswith("mask_"):
                masks.append(leaf)
        loss, last = self._model.record(
            leaves["X"],
            leaves["Y"],
            tuple(state),
            leaves.get("reset"),
            masks,
            # A model need not know them.
            *([leaves["lengths"]] if "lengths" in leaves else []),
        )
        return Tape.of(loss, *as_tuple(last)), leaves

    def _rewritten(self, tape: Tape) -> Tape:
        """The tape as the strategy wants it."""
        if self._strategy and self.wrt:
            return self._strategy(tape)
        return tape

    def _differentiated(self, tape: Tape) -> Tape:
        """(loss, *last state, *gradients)."""
        loss, *last = tape.outputs
        grads: Sequence[Tensor] = ()
        if self.wrt:
            differentiated = differentiate(Tape.of(loss), self.wrt)
            grads = differentiated.outputs[1:]
        return Tape.of(loss, *last, *grads)

    def _compile(self, inputs: Inputs) -> tuple[mg.Plan, Leaves]:
        """The plan, and those of its leaves that it reads.

        Raises ArgumentError for a strategy that draws.
        """
        recorded, leaves = self._record(inputs)
        tape = self._rewritten(recorded)
        # A strategy that draws random numbers gives another tape at the second asking.
        if tape is not recorded:
            again = self._rewritten(recorded)
            if _fingerprint(tape, leaves) != _fingerprint(again, leaves):
                raise ArgumentError(
                    "strategy",
                    got="another tape at every call",
                    expected="a plan would repeat the first",
                    remedy="Pass compiled=False: it draws anew at every update",
                )
        # A model need not read all of its inputs, nor a strategy leave them.
        read = set(tape.leaves)
        used = {name: leaf for name, leaf in leaves.items() if leaf in read}
        return mg.compile(self._differentiated(tape)), used


class Accumulated(NamedTuple):
    """A group of chunks together: mean loss and gradient per token, the state after it.

    ``bad``: what is not finite in it.
    """

    loss: float
    tokens: int
    grads: list[Any]
    state: Arrays
    bad: str


# What is not finite is found and named.
@np.errstate(all="ignore")
def accumulated(
    model: Model,
    plans: Plans,
    group: Sequence[Chunk],
    state: Arrays | None,
    rng: np.random.Generator,
) -> Accumulated:
    """Run a group of chunks, from the state before it, and weigh them by their tokens."""
    nats = 0.0
    tokens = 0
    # In double precision, whatever the parameters are.
    sums: list[Any] = [0.0] * len(plans.wrt)
    for chunk in group:
        before = entering(model, state, chunk)
        masks = model.masks(len(chunk.x), rng)
        loss, after, grads = plans(chunk, before, masks)
        state = waiting(after, state)
        weight = chunk.tokens
        nats += loss * weight
        tokens += weight
        sums = [s + weight * g.astype(np.float64) for s, g in zip(sums, grads, strict=True)]
        if not np.isfinite(nats) or not all(np.isfinite(s).all() for s in sums):
            bad = plans.first_nonfinite(chunk, before, masks)
            return Accumulated(loss, tokens, sums, state, bad)
    return Accumulated(nats / tokens, tokens, [s / tokens for s in sums], state or (), "")


def _inputs(chunk: Chunk, state: Arrays, masks: Arrays) -> Inputs:
    """X and Y time first, the state, the masks; resets inside the chunk and lengths, if any."""
    inputs: Inputs = {}
    inputs["X"] = np.swapaxes(chunk.x, 0, 1)
    inputs["Y"] = np.swapaxes(chunk.y, 0, 1)
    for i, s in enumerate(state):
        inputs[f"state_{i}"] = s
    for i, mask in enumerate(masks):
        inputs[f"mask_{i}"] = mask
    if chunk.reset is not None and chunk.reset.ndim == 2:
        inputs["reset"] = chunk.reset.T
    if chunk.lengths is not None:
        inputs["lengths"] = chunk.lengths
    return inputs


def _fingerprint(tape: Tape, leaves: Leaves) -> tuple[str, list[bytes]]:
    """What tells two rewritings of one tape apart: the program, and the numbers put into it."""
    recorded = set(leaves.values())
    added = []
    for leaf in tape.leaves:
        if leaf.ndim == 0 and leaf not in recorded:
            added.append(leaf.data.tobytes())
    return str(tape), added
