"""Gates on chosen edges: cut, scale or clip the gradient there, tell the uses of a weight apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from minigrad.containers import as_tensors
from minigrad.core import gates
from minigrad.core.arguments import refuse_no_tape
from minigrad.core.norms import positive
from minigrad.core.tape import Edge, Tape
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError

from .rewrite import Factor, Where, gate_edges, gated


def cut(tape: Tape, where: Where) -> Tape:
    """Let no gradient pass along the edges chosen by where, a predicate or a collection of edges.

    >>> import minigrad as mg
    >>> w = mg.tensor(0.5, requires_grad=True)
    >>> h = mg.tensor(1.0)
    >>> for t in (1, 2, 3):
    ...     with mg.timestep(t):
    ...         h = h * w
    >>> tape = mg.Tape.of(h)  # h = w³: the gradient is 3 w²
    >>> short = mg.transforms.cut(tape, tape.recurrent_edges())
    >>> for each in (tape, short):
    ...     mg.transforms.differentiate(each).outputs[1].item()
    0.75
    0.25

    Raises: ArgumentError for a loss in place of a tape, or an edge of another tape; GradientError
    for a tape that holds its gradients already.
    """
    return gate_edges(tape, where, partial(gated, gates.detach))


def scale(
    tape: Tape,
    where: Where,
    s: Factor | Callable[[Edge], Factor],
) -> Tape:
    """Multiply the gradient along the chosen edges by s, one number or a function of the edge.

    A function may also return a Tensor, the leaf that the new gates read: one leaf for several
    edges is one factor.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> tape = mg.Tape.of(np.sum(x * 3))
    >>> half = mg.transforms.scale(tape, lambda edge: edge.source is x, 0.5)
    >>> mg.transforms.differentiate(half).outputs[1].data
    array([1.5, 1.5])

    Raises: as :func:`cut`. Source: the xi_t of D2L equation 9.7.8.
    """

    def factors_of(edge: Edge) -> tuple[Factor]:
        # A leaf keeps its identity, so that it can be fed; equal numbers share a gate.
        factor = s(edge) if callable(s) else s
        if isinstance(factor, Tensor):
            return (factor,)
        return (float(factor),)

    gate = partial(gated, gates.scale_grad)
    return gate_edges(tape, where, gate, factors_of)


def clip_edges(tape: Tape, where: Where, max_norm: float) -> Tape:
    """Scale what crosses the chosen edges down to the Euclidean norm max_norm, where it is longer.

    What the readers of one source in one step send is clipped together.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> tape = mg.Tape.of(np.sum(x * [3.0, 4.0]))
    >>> short = mg.transforms.clip_edges(tape, lambda edge: edge.source is x, max_norm=1.0)
    >>> mg.transforms.differentiate(short).outputs[1].data.round(6)
    array([0.6, 0.8])

    Raises: as :func:`cut`, and ArgumentError for a max_norm that is not above 0. Source: D2L 9.5.3.
    """
    # Refused before the walk: a negative bound would turn the gradient around.
    bound = positive("clip_edges: max_norm", max_norm)
    gate = partial(gated, gates.clip_grad, max_norm=bound)
    return gate_edges(tape, where, gate)


def untie(tape: Tape, wrt: Any) -> Tape:
    """Give each time step an alias of its own of the tied parameters: ``W_hh@1``, ``W_hh@2``, ...

    ``wrt`` is a Tensor, or what holds some: a list, a dict, a model. Each alias has an adjoint, the
    share of its step. The gradient of a tied parameter is the sum of the adjoints of its aliases.

    >>> import minigrad as mg
    >>> w = mg.tensor(0.5, requires_grad=True, name="w")
    >>> h = mg.tensor(1.0)
    >>> for t in (1, 2, 3):
    ...     with mg.timestep(t):
    ...         h = h * w * t
    >>> untied = mg.transforms.untie(mg.Tape.of(h), w)
    >>> shares = {step.name: float(step.grad) for step in untied.steps()}
    >>> shares["w@1"], shares["w@2"], shares["w@3"], shares["w"]
    (1.5, 1.5, 1.5, 4.5)

    Raises: as :func:`cut`, and ArgumentError where none of them is on the tape. Source: the sum
    over t of D2L equation 9.7.15.
    """
    refuse_no_tape("untie", tape)
    tied = set(as_tensors("untie", wrt))
    if tied.isdisjoint(tape.nodes):
        names = ", ".join(f"'{x.label}'" for x in tied)
        raise ArgumentError(
            "untie", got=f"{names} of another tape", expected="expected parameters of this one"
        )

    def is_tied(edge: Edge) -> bool:
        is_stamped = tape.times[edge.target] is not None
        return is_stamped and edge.source in tied

    def alias(source: Tensor, reader: Tensor) -> Tensor:
        # The name says of which step the share is, in listings and drawings.
        gate = gated(gates.alias, source, reader)
        return gate.named(f"{source.label}@{reader.time}")

    return gate_edges(tape, is_tied, alias)
