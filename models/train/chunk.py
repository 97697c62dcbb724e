"""One chunk of training as a function of arrays: recorded and rewritten once per shape, then run as a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from minigrad.models.data.stream import Chunk
from minigrad.models.unrolling import Arrays, as_tuple

import minigrad as mg
from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError
from minigrad.internal import Array
from minigrad.transforms import differentiate

# A stream of many shapes compiles again rather than fill the memory.
MAX_PLANS = 8

Inputs = dict[str, Array]
"""What a chunk's tape reads, by name: X, Y, state_0, ..., mask_0, ..., and reset where it has one."""
Outputs = tuple[float, Arrays, Arrays]
"""The loss, the state after the chunk, the gradients."""


class Plans:
    """Call it with a chunk, the state before it and its masks: (loss, the state after it, the gradients).

    ``strategy`` rewrites the tape before it is differentiated with respect to ``wrt``. Without ``wrt`` there are no
    gradients, and the strategy is not asked. Not ``compiled``, every tape is recorded, rewritten and run anew.
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
        self._plans: dict[Any, tuple[mg.Plan, dict[str, Tensor]]] = {}

    def __call__(self, chunk: Chunk, state: Arrays, masks: Arrays) -> Outputs:
        """The arrays of the state are the caller's, the gradients valid until the next call."""
        inputs = _inputs(chunk, state, masks)
        # What is not finite the caller looks for, and names.
        with np.errstate(all="ignore"):
            outputs = self._planned(inputs) if self._compiled else self._recorded_anew(inputs)
        first_gradient = 1 + len(state)
        after = tuple(s.copy() for s in outputs[1:first_gradient])
        return float(outputs[0]), after, tuple(outputs[first_gradient:])

    def first_nonfinite(self, chunk: Chunk, state: Arrays, masks: Arrays) -> str:
        """What was NaN or infinite first in this chunk: the line of ``find_nonfinite``."""
        with np.errstate(all="ignore"):
            tape, _ = self._record(_inputs(chunk, state, masks))
            loss = self._rewritten(tape).outputs[0]
            origin = mg.find_nonfinite(Tape.of(loss))
        return str(origin or "the sum of the gradients of several chunks overflowed")

    def _planned(self, inputs: Inputs) -> Sequence[Any]:
        """Loss, state and gradients by the plan for these shapes."""
        shapes = tuple((name, array.shape) for name, array in inputs.items())
        if shapes not in self._plans:
            self._plans[shapes] = self._compile(inputs)
        # Put last what was used last: the first is the one to forget.
        plan, leaves = self._plans[shapes] = self._plans.pop(shapes)
        if len(self._plans) > MAX_PLANS:
            del self._plans[next(iter(self._plans))]
        return plan({leaf: inputs[name] for name, leaf in leaves.items()})

    def _recorded_anew(self, inputs: Inputs) -> Sequence[Any]:
        """Loss, state and gradients without a plan."""
        tape, _ = self._record(inputs)
        outputs = self._differentiated(self._rewritten(tape)).outputs
        return [output.data for output in outputs]

    def _record(self, inputs: Inputs) -> tuple[Tape, dict[str, Tensor]]:
        """The tape of (loss, *last state), and its leaves by the names of the inputs."""
        leaves = {
            name: mg.tensor(array, name=name, dtype=array.dtype) for name, array in inputs.items()
        }
        state = tuple(leaf for name, leaf in leaves.items() if name.startswith("state_"))
        masks = [leaf for name, leaf in leaves.items() if name.startswith("mask_")]
        loss, last = self._model.record(leaves["X"], leaves["Y"], state, leaves.get("reset"), masks)
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
            grads = differentiate(Tape.of(loss), self.wrt).outputs[1:]
        return Tape.of(loss, *last, *grads)

    def _compile(self, inputs: Inputs) -> tuple[mg.Plan, dict[str, Tensor]]:
        """The plan, and those of its leaves that it reads. Raises ArgumentError for a strategy that draws."""
        recorded, leaves = self._record(inputs)
        tape = self._rewritten(recorded)
        if tape is not recorded:
            again = self._rewritten(recorded)
            if _fingerprint(tape, leaves) != _fingerprint(again, leaves):
                raise ArgumentError(
                    "strategy",
                    got="another tape at every call",
                    expected="a plan would repeat the first",
                    remedy="Pass compiled=False: it draws anew at every update",
                )
        read = set(tape.leaves)
        used = {name: leaf for name, leaf in leaves.items() if leaf in read}
        return mg.compile(self._differentiated(tape)), used


def _inputs(chunk: Chunk, state: Arrays, masks: Arrays) -> Inputs:
    """X and Y time first, the state, the masks, and resets inside the chunk where there are any."""
    inputs = {"X": np.swapaxes(chunk.x, 0, 1), "Y": np.swapaxes(chunk.y, 0, 1)}
    for i, s in enumerate(state):
        inputs[f"state_{i}"] = s
    for i, mask in enumerate(masks):
        inputs[f"mask_{i}"] = mask
    if chunk.reset is not None and chunk.reset.ndim == 2:
        inputs["reset"] = chunk.reset.T
    return inputs


def _fingerprint(tape: Tape, leaves: dict[str, Tensor]) -> tuple[str, list[bytes]]:
    """What tells two rewritings of one tape apart: the program, and the numbers that the rewriting put there."""
    recorded = set(leaves.values())
    added = [leaf for leaf in tape.leaves if leaf.ndim == 0 and leaf not in recorded]
    return str(tape), [leaf.data.tobytes() for leaf in added]
