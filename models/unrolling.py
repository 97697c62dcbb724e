"""A recurrent cell run over a sequence, step by step, and the state that it carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

import minigrad as mg
from minigrad import Tensor
from minigrad.errors import ArgumentError, ShapeError

from .one_hot_rows import OneHotRows

Shape = tuple[int, ...]
State = Tensor | tuple[Tensor, ...]
# What a cell gives: (output, state).
Step = tuple[Any, Any]
# A state, or the masks of a chunk, as plain arrays: no gradient goes through them.
Arrays = tuple[npt.NDArray[Any], ...]


class Cell(Protocol):
    """What unroll needs: a step, a first state, and the names of the tensors of a state."""

    @property
    def state_names(self) -> tuple[str, ...]:
        """``("h",)``, or ``("h", "c")`` for a state of two tensors."""
        ...

    def __call__(self, x: Any, state: Any, /) -> Step:
        """One time step: (x_t, state) -> (output, state)."""
        ...

    def zero_state(self, x_shape: Shape) -> State:
        """The state before the first step, for inputs of that shape."""
        ...


def unroll(
    cell: Cell,
    xs: Sequence[Any] | npt.NDArray[Any] | Tensor | OneHotRows,
    state: Any = None,
    reset: Any = None,
    lengths: Any = None,
) -> tuple[list[Any], Any]:
    """Run cell over xs, one step per element, t = 1, 2, ...: (outputs, last state).

    Each step is recorded under ``minigrad.timestep(t)`` and its tensors are named: x_t, h_t (and
    c_t), o_t for an output that is no state. The first state is h_0 (and c_0).

    ``xs``: a sequence of T inputs (B, ...), or one array or Tensor (T, B, ...). ``state``: the
    state before the first step; zeros by default. ``reset``: booleans (T, B). Before step t the
    rows where it is true start anew from zero, and no gradient goes back past that; the other rows
    are untouched. ``lengths``: integers (B,) in 1..T, of sequences that ``pad`` padded. The state
    of a row stays what it was at the end of its sequence, and its outputs are zeros from there on:
    the gradient is that of its sequences one by one. They become the Tensor "lengths", an input of
    a plan, which then serves all lengths.

    Raises DTypeError, ArgumentError or ShapeError for lengths that are none.

    >>> from minigrad import models
    >>> cell = models.RNNCell(3, 2, rng=0)
    >>> outputs, h = models.unroll(cell, np.ones((5, 4, 3)))
    >>> len(outputs), outputs[-1].shape, outputs[-1].name, h is outputs[-1]
    (5, (4, 2), 'h_5', True)
    >>> xs, lengths = models.pad([np.ones((2, 3)), np.ones((5, 3))])
    >>> outputs, h = models.unroll(cell, xs, lengths=lengths)
    >>> outputs[-1].data[0].tolist(), np.array_equal(h.data[0], outputs[1].data[0])
    ([0.0, 0.0], True)
    """
    whole = getattr(cell, "unroll", None)
    if whole is not None:
        # What reads a sequence from both ends is no step.
        outputs, state = whole(xs, state, reset, lengths)
        return outputs, state
    padding = None
    if lengths is not None:
        padding = Padding.of(lengths, len(xs), xs[0], batch_axis(cell))
    steps = range(1, len(xs) + 1)
    return run(cell, cell.state_names, xs, state, steps, reset, padding)


def run(
    cell: Cell,
    names: Sequence[str],
    xs: Any,
    state: Any,
    steps: range,
    reset: Any = None,
    padding: Padding | None = None,
) -> tuple[list[Any], Any]:
    """What unroll gives, the steps taken in this order: the outputs in the order of time.

    ``names``: what the tensors of the state are called. ``steps`` may go back from T to 1.
    """
    if state is None:
        state = cell.zero_state(xs[0].shape)
    _name_state(names, state, 0)
    outputs: dict[int, Any] = {}
    at_ends = []
    for t in steps:
        with mg.timestep(t):
            x = input_at(xs, t)
            before = state
            if reset is not None:
                state = masked(reset[t - 1], state, batch_axis(cell))
            output, state = cell(x, state)
            if padding is not None:
                output, state = padding.ended(t, output, state, before)
                at_ends.append(padding.at_end(t, state))
        _name_state(names, state, t)
        outputs[t] = output.named(output.name or f"o_{t}")
    # Who comes from behind is at the end of every sequence with the first step.
    if padding is not None and steps.step > 0:
        state = _summed(at_ends, state)
        _name_state(names, state, "end")
    return [outputs[t] for t in sorted(outputs)], state


def input_at(xs: Any, t: int) -> Any:
    """The input of step t with its name, read in that step where xs is a Tensor."""
    x = xs[t - 1]
    if not isinstance(x, (Tensor, OneHotRows)):
        x = mg.tensor(x)
    return x.named(x.name or f"x_{t}")


def _name_state(names: Sequence[str], state: Any, t: int | str) -> None:
    """Call the tensors of a state h_t, c_t, ... where they have no name yet."""
    for name, tensor in zip(names, as_tuple(state), strict=True):
        tensor.named(tensor.name or f"{name}_{t}")


class Padding(NamedTuple):
    """Which steps of which rows belong to the sequences of a padded batch, booleans (T, B)."""

    on: Any
    """Where a sequence goes on, or ends."""
    ends: Any
    """Where it ends."""
    axis: int
    """Along which the sequences lie side by side in a state."""

    @classmethod
    def of(cls, lengths: Any, steps: int, x: Any, axis: int) -> Padding:
        """Raises ShapeError, DTypeError or ArgumentError for lengths that are none."""
        if not isinstance(lengths, Tensor):
            array = np.asarray(lengths)
            lengths = mg.tensor(array, name="lengths", dtype=array.dtype)
        if lengths.shape != (x.shape[axis],):
            got = f"lengths {lengths.shape}"
            expected = f"expected one of each sequence, ({x.shape[axis]},)"
            raise ShapeError("unroll", got=got, expected=expected)
        on = mg.sequence_mask(lengths, steps)
        numbers = np.arange(1, steps + 1)
        return cls(on, numbers[:, None] == lengths, axis)

    def ended(self, t: int, output: Any, state: Any, before: Any) -> Step:
        """What step t gives: zeros and the state before it where a sequence is at its end."""
        kept = []
        on = self.on[t - 1]
        for new, old in zip(as_tuple(state), as_tuple(before), strict=True):
            kept.append(np.where(_beside(on, new, self.axis), new, old))
        zero = output.dtype.type(0)
        output = np.where(_beside(on, output, self.axis), output, zero)
        return output, tuple(kept) if isinstance(state, tuple) else kept[0]

    def at_end(self, t: int, state: Any) -> Any:
        """The states of the sequences that end with step t, zeros for the others."""
        chosen = []
        ends = self.ends[t - 1]
        for s in as_tuple(state):
            chosen.append(np.where(_beside(ends, s, self.axis), s, s.dtype.type(0)))
        return tuple(chosen)


def _summed(parts: Sequence[Any], like: Any) -> Any:
    """The state that every sequence has at its end, of what each step has of it.

    Read there, and not from the last step: a gradient that is truncated is counted from there.
    """
    sums = [np.sum(np.stack(steps), axis=0) for steps in zip(*parts, strict=True)]
    return tuple(sums) if isinstance(like, tuple) else sums[0]


def batch_axis(cell: Any) -> int:
    """Along which axis of inputs and states the examples of a cell lie: rows, if not said else."""
    axis: int = getattr(cell, "batch_axis", 0)
    return axis


def masked(reset: Any, state: Any, axis: int = 0) -> Any:
    """The state, arrays or Tensors, with zeros where reset (B,) is true along that axis."""
    if isinstance(state, tuple):
        return tuple(masked(reset, part, axis) for part in state)
    return np.where(_beside(reset, state, axis), state.dtype.type(0), state)


def _beside(which: Any, x: Any, axis: int) -> Any:
    """Booleans (B,) with axes of one behind, to be broadcast against x, where B is that axis."""
    missing = x.ndim - 1 - axis
    return which[(..., *[None] * missing)]


def pad(sequences: Sequence[Any], value: Any = 0) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Sequences side by side, filled up with ``value`` at the end, and their lengths.

    Shapes: B sequences (T_i, ...) that differ in their first axis only; (max T_i, B, ...), (B,).
    Raises ArgumentError for no sequence or an empty one, ShapeError for other differences.

    >>> from minigrad import models
    >>> xs, lengths = models.pad([[1, 2, 3], [4]])
    >>> xs.tolist(), lengths.tolist()
    ([[1, 4], [2, 0], [3, 0]], [3, 1])
    """
    arrays = [np.asarray(sequence) for sequence in sequences]
    if not arrays:
        raise ArgumentError("pad", got="no sequence")
    first = arrays[0]
    for i, a in enumerate(arrays):
        if a.ndim == 0 or a.shape[1:] != first.shape[1:]:
            got = f"sequence {i} is {a.shape} and sequence 0 {first.shape}"
            raise ShapeError("pad", got=got, expected="only the first axes may differ")
        if not len(a):
            raise ArgumentError("pad", got=f"sequence {i} is empty")
    lengths = np.array([len(a) for a in arrays])
    shape = (lengths.max(), len(arrays), *first.shape[1:])
    padded = np.full(shape, value, np.result_type(*arrays))
    for i, a in enumerate(arrays):
        padded[: len(a), i] = a
    return padded, lengths


def as_tuple(state: Any) -> tuple[Any, ...]:
    """A state as a tuple of tensors, whether it is one or several."""
    if isinstance(state, tuple):
        return state
    return (state,)


def as_state(tensors: tuple[Any, ...]) -> Any:
    """The state that a cell takes: its one tensor, or the tuple of several."""
    if len(tensors) == 1:
        return tensors[0]
    return tensors
