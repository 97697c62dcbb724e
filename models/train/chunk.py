"""One chunk of training as a function of arrays: recorded and rewritten once per shape, then run as a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from minigrad.models.cells import as_tuple
from minigrad.models.data.stream import Chunk

import minigrad as mg
from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError
from minigrad.transforms import differentiate

Arrays = tuple[npt.NDArray[Any], ...]
MOST = 8  # plans kept; a stream of many shapes compiles again rather than fill the memory


class Plans:
    """Call it with a chunk, the state before it and its masks: (loss, the state after it, the gradients).

    Without ``wrt`` there are no gradients, and ``strategy`` is not asked.
    """

    def __init__(
        self,
        model: Any,
        strategy: Callable[[Tape], Tape] | None = None,
        wrt: Sequence[Tensor] = (),
        compiled: bool = True,
    ) -> None:
        self._model, self._strategy, self.wrt, self._compiled = model, strategy, list(wrt), compiled
        self._plans: dict[Any, tuple[mg.Plan, dict[Tensor, int]]] = {}

    @np.errstate(all="ignore")  # what is not finite is looked for, and named
    def __call__(self, chunk: Chunk, state: Arrays, masks: Arrays) -> tuple[float, Arrays, Arrays]:
        """The arrays of the state are the caller's, the gradients valid until the next call."""
        arrays = _inputs(chunk, state, masks)
        if not self._compiled:
            tape, _ = self._record(arrays, len(state), len(masks))
            outputs: Any = [o.data for o in self._backward(self._rewritten(tape)).outputs]
        else:
            shapes = tuple(a.shape for a in arrays)
            if shapes not in self._plans:
                self._plans[shapes] = self._compile(arrays, len(state), len(masks))
            plan, leaves = self._plans[shapes] = self._plans.pop(shapes)  # the latest last
            if len(self._plans) > MOST:
                del self._plans[next(iter(self._plans))]
            outputs = plan({leaf: arrays[i] for leaf, i in leaves.items()})
        loss, rest = float(outputs[0]), outputs[1:]
        return loss, tuple(s.copy() for s in rest[: len(state)]), tuple(rest[len(state) :])

    def why(self, chunk: Chunk, state: Arrays, masks: Arrays) -> str:
        """What was NaN or infinite first in this chunk: the line of ``find_nonfinite``."""
        with np.errstate(all="ignore"):
            tape, _ = self._record(_inputs(chunk, state, masks), len(state), len(masks))
            found = mg.find_nonfinite(Tape.of(self._rewritten(tape).outputs[0]))
        return str(found or "the sum of the gradients of several chunks overflowed")

    def _record(self, arrays: list[Any], states: int, masks: int) -> tuple[Tape, list[Tensor]]:
        """The tape of (loss, *last state), and its inputs."""
        names = [
            "X",
            "Y",
            *(f"state_{i}" for i in range(states)),
            *(f"mask_{i}" for i in range(masks)),
            "reset",
        ]
        leaves = [mg.tensor(a, name=n, dtype=a.dtype) for a, n in zip(arrays, names, strict=False)]
        X, Y, *more = leaves
        reset = more[-1] if len(more) > states + masks else None
        loss, last = self._model.record(
            X, Y, tuple(more[:states]), reset, more[states : states + masks]
        )
        return Tape.of(loss, *as_tuple(last)), leaves

    def _rewritten(self, tape: Tape) -> Tape:
        return self._strategy(tape) if self._strategy and self.wrt else tape

    def _backward(self, tape: Tape) -> Tape:
        """(loss, *last state, *gradients)."""
        loss, *last = tape.outputs
        grads = differentiate(Tape.of(loss), self.wrt).outputs[1:] if self.wrt else ()
        return Tape.of(loss, *last, *grads)

    def _compile(
        self, arrays: list[Any], states: int, masks: int
    ) -> tuple[mg.Plan, dict[Tensor, int]]:
        """The plan, and which array each of its inputs is."""
        recorded, leaves = self._record(arrays, states, masks)
        tape = self._rewritten(recorded)
        if tape is not recorded and _said(tape, leaves) != _said(self._rewritten(recorded), leaves):
            got, remedy = (
                "another tape at every call",
                "Pass compiled=False: it draws anew at every update",
            )
            raise ArgumentError(
                "strategy", got=got, expected="a plan would repeat the first", remedy=remedy
            )
        used = set(tape.leaves)
        return mg.compile(self._backward(tape)), {
            leaf: i for i, leaf in enumerate(leaves) if leaf in used
        }


def _inputs(chunk: Chunk, state: Arrays, masks: Arrays) -> list[Any]:
    """X and Y time first, the state, the masks, and resets inside the chunk where there are any."""
    reset = [] if chunk.reset is None or chunk.reset.ndim == 1 else [chunk.reset.T]
    return [np.swapaxes(chunk.x, 0, 1), np.swapaxes(chunk.y, 0, 1), *state, *masks, *reset]


def _said(tape: Tape, inputs: Sequence[Tensor]) -> tuple[str, list[bytes]]:
    """What tells two rewritings of one tape apart: the program, and the numbers that the rewriting put there."""
    ours = set(inputs)
    return str(tape), [
        leaf.data.tobytes() for leaf in tape.leaves if leaf.ndim == 0 and leaf not in ours
    ]
