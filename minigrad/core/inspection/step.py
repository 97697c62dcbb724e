"""Step: one node of a backward pass, its adjoint and what it sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from minigrad.core.seed import seed_for
from minigrad.core.sweep import sweep_of
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.ops import OPS
from minigrad.ops.indexing import Scattered, written_out

from .notation import sentences
from .text import summary

if TYPE_CHECKING:
    from minigrad.core.tape import Tape


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Step:
    """One step of backward: a node, its adjoint and what it sends.

    Unpacks as (tensor, grad, contributions).

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True, name="x")
    >>> first, last = mg.Tape.of((x * 2).named("L")).steps()
    >>> first.formula
    'dL/dx += dL/dL ⊙ 2'
    >>> last.name, float(last.grad)
    ('x', 2.0)
    """

    tensor: Tensor
    grad: Any
    # as the rules gave it: a use of x[t] is not written out until somebody looks
    sent: list[Any]
    # whose names the formula uses
    tape: Tape | None = None

    def __iter__(self) -> Iterator[Any]:
        return iter((self.tensor, self.grad, self.contributions))

    @property
    def contributions(self) -> list[Any]:
        """What the node sends to each input, in the input's shape; None: nothing."""
        return [written_out([c]) if type(c) is Scattered else c for c in self.sent]

    @property
    def formula(self) -> str:
        """What it sends, a line per input: ``dL/dh_2 += W_hhᵀ · dL/dh_3``."""
        return "\n".join(line for line in self.formulas if line)

    @property
    def formulas(self) -> list[str | None]:
        """The lines of ``formula``, one per input; None to what gets nothing."""
        return sentences(self.tensor, self.sent, self.tape)

    @property
    def name(self) -> str:
        """The node's name on its tape."""
        return self.tensor.label if self.tape is None else self.tape.names[self.tensor]

    @property
    def time(self) -> int | None:
        """The time step of the node."""
        return self.tensor.time

    def rule(self, slot: int | None = None) -> Callable[..., Any]:
        """The rule that is applied for an input, by default the first that is sent something.

        A function of the adjoint g, the value y, and the inputs under the names of its sentence.
        Where one rule sends to all inputs, that one.

        >>> import numpy as np
        >>> import minigrad as mg
        >>> x = mg.tensor(3.0, requires_grad=True)
        >>> step = next(mg.Tape.of(np.tanh(x)).steps())
        >>> step.rule()(step.grad, step.tensor.data, x.data) == step.contributions[0]
        np.True_

        Raises ArgumentError where nothing is sent: to an input without a gradient, from a leaf.
        """
        sending = [slot for slot, c in enumerate(self.sent) if c is not None]
        if slot is None and sending:
            slot = sending[0]
        if slot not in sending:
            got = "it is a leaf" if self.tensor.fn is None else f"nothing is sent to input {slot}"
            listed = ", ".join(map(str, sending)) or "none"
            expected = f"inputs that are sent something: {listed}"
            raise ArgumentError(f"rule of '{self.name}'", got=got, expected=expected)
        op = OPS[self.tensor.fn]  # type: ignore[index]  # no leaf
        rule = op.joint or op.rules[slot]
        assert rule is not None
        return rule

    @property
    def origin(self) -> str:
        """``file:line`` of the forward code."""
        return self.tensor.origin

    def __repr__(self) -> str:
        grad = self.grad.data if isinstance(self.grad, Tensor) else self.grad
        sends = "; ".join(line for line in self.formulas if line) or "complete"
        return f"Step({self.name}: {summary(grad)}; {sends} [{self.tensor.where}])"


def steps_back(tape: Tape, gradient: npt.ArrayLike | None = None) -> Iterator[Step]:
    """Backward through a tape, a Step at a time, last to first."""
    sweeping = sweep_of(tape, seed_for(tape, gradient))
    return (Step(*swept, tape) for swept in sweeping)
