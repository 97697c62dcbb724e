"""Tape: the recorded program as a value.

You can print it, replay it, walk its edges, go backward through it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from minigrad.errors import ArgumentError
from minigrad.ops import OPS

from .order import behind
from .seed import seed_for
from .sweep import sweep_of
from .tensor import Array, Tensor, frozen

if TYPE_CHECKING:
    from .inspection.step import Step
    from .recurrence.state import Reading, State, States
    from .rerun.feeds import Feeds, Missing


@dataclass(frozen=True, eq=False, slots=True)
class Edge:
    """``target.inputs[slot] is source``: the value flows from source to target, the gradient back.

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> edge = mg.Tape.of(x * 2).edges()[0]
    >>> edge.source is x, edge.slot, edge.carries_gradient
    (True, 0, True)
    """

    source: Tensor
    target: Tensor
    slot: int

    @property
    def carries_gradient(self) -> bool:
        """Whether backward sends anything along this edge."""
        fn = self.target.fn
        return fn is not None and self.source.requires_grad and OPS[fn].passes(self.slot)


@dataclass(frozen=True, eq=False)
class Tape:
    """The tensors that outputs were computed from, in the order of execution.

    After ``differentiate`` the outputs are (loss, *gradients), and ``wrt`` says with respect to
    what. After ``update`` ``carried`` pairs leaves with the outputs that are their next values.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> print(mg.Tape.of((x * x).sum()))
    x: float64[2] = parameter
    multiply: float64[2] = multiply(x, x)
    sum: float64[] = sum(multiply)
    return sum
    """

    outputs: tuple[Tensor, ...]
    wrt: tuple[Tensor, ...] = ()
    carried: tuple[tuple[Tensor, Tensor], ...] = ()

    @classmethod
    def of(cls, *outputs: Tensor, wrt: tuple[Tensor, ...] = ()) -> Tape:
        """The tape of what the outputs depend on. Raises ArgumentError for what is no Tensor."""
        if not outputs or not all(isinstance(o, Tensor) for o in outputs):
            got = ", ".join(type(o).__name__ for o in outputs) or "nothing"
            raise ArgumentError("Tape.of", got=got, expected="expected Tensors")
        return cls(outputs, wrt)

    # --- what is on it ----------------------------------------------------------------------------
    @cached_property
    def nodes(self) -> tuple[Tensor, ...]:
        """What the outputs depend on, collected when first asked for."""
        return behind(self.outputs)

    @cached_property
    def leaves(self) -> tuple[Tensor, ...]:
        """Nodes that no function made."""
        return tuple(n for n in self.nodes if n.fn is None)

    @cached_property
    def parameters(self) -> tuple[Tensor, ...]:
        """Leaves that need a gradient."""
        return tuple(n for n in self.leaves if n.requires_grad)

    @cached_property
    def names(self) -> dict[Tensor, str]:
        """One name per node, unique: ``h_3``, ``tanh@3``, the second of its kind ``tanh@3#2``."""
        from minigrad.core.inspection.text import unique_names

        labels = [n.label for n in self.nodes]
        return dict(zip(self.nodes, unique_names(labels), strict=True))

    def __getitem__(self, name: str) -> Tensor:
        """The node of that name. Raises ArgumentError where there is none."""
        for node, node_name in self.names.items():
            if node_name == name:
                return node
        got = f"no node is named {name!r}"
        raise ArgumentError("tape", got=got, expected="print(tape) lists the names")

    def edges(self) -> list[Edge]:
        """Every edge, in the order of execution."""
        return [Edge(x, n, i) for n in self.nodes for i, x in enumerate(n.inputs)]

    # --- its time steps ---------------------------------------------------------------------------
    @cached_property
    def reading(self) -> Reading:
        """Which step each node belongs to, and what is recurrent: see recurrence/state.py."""
        from .recurrence.state import Reading

        return Reading(self)

    @property
    def times(self) -> dict[Tensor, int | None]:
        """The time step of each node; None outside the steps, and for what is only collected."""
        return self.reading.times

    @cached_property
    def stamps(self) -> tuple[int, ...]:
        """The time steps in which something is computed, in order."""
        return self.reading.steps

    def states(self) -> tuple[State, ...]:
        """What is taken for state, a record each: its name, steps, lines, and what proves it.

        One that is not ``is_proven`` could be a state or only collected: whoever asks what is
        recurrent has to name the states.

        >>> import numpy as np
        >>> import minigrad as mg
        >>> w, h = mg.tensor(0.5, requires_grad=True), mg.tensor(1.0)
        >>> for t in range(3):
        ...     with mg.timestep(t):
        ...         h = np.tanh(h * w).named(f"h_{t}")
        >>> [(s.name, s.steps, s.why) for s in mg.Tape.of(h).states()]
        [('h', (0, 1), 'multiply@1 computes with h_0')]
        """
        return self.reading.listed()

    def recurrent_edges(self, state: States = None) -> list[Edge]:
        """The edges by which a step reads the state of another one.

        State is what ``state`` names ("h" for h_1, h_2, ...), a Tensor that stands for its
        counterparts in the other steps, a predicate of nodes, or several of these; without it what
        is proven to be: see states().

        >>> import minigrad as mg
        >>> h = mg.tensor(0.0, requires_grad=True)
        >>> for t in range(3):
        ...     with mg.timestep(t):
        ...         h = (h * 0.5).named(f"h_{t}")
        >>> [f"{e.source.name} -> {e.target.name}" for e in mg.Tape.of(h).recurrent_edges()]
        ['h_0 -> h_1', 'h_1 -> h_2']

        Raises ArgumentError for what could be a state or a running loss, for a name that nothing
        has, and for steps that are stamped twice.
        """
        return self.reading.settled(state, "recurrent_edges").edges

    # --- as text ----------------------------------------------------------------------------------
    def __repr__(self) -> str:
        from minigrad.core.inspection.text import tape_text

        return tape_text(self)

    def __str__(self) -> str:
        from minigrad.core.inspection.text import listing

        return listing(self)

    def __dir__(self) -> set[str]:
        from minigrad.core.inspection import looks

        return looks.of_tape(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """In a notebook: the picture, and the listing."""
        from minigrad.core.inspection.text import notebook_bundle

        return notebook_bundle("tape", self, str(self))

    # --- forward again, and backward --------------------------------------------------------------
    def replay(
        self, feeds: Feeds | None = None, *, missing: Missing = "error"
    ) -> tuple[Array, ...]:
        """Run the tape again with other values in its leaves (by Tensor or name).

        Returns the arrays of the outputs. All inputs (named, no parameters) are fed, or none;
        ``missing="recorded"`` gives those that are left out the values they have.

        What left the tape on the way, as int(t), np.nonzero(t) and Tensors in a list do, stays as
        it was recorded.

        >>> import minigrad as mg
        >>> x = mg.tensor(3.0, name="x")
        >>> mg.Tape.of(x * x).replay({"x": 5.0})
        (array(25.),)

        Raises ArgumentError for what is no leaf of the tape, or a name of several, and where inputs
        are left out; ShapeError and DTypeError for a value that does not fit; GradientError where
        something was computed off the tape from what is fed, or was assigned since.
        """
        from .rerun.replay import replay

        return replay(self, feeds, missing)

    def steps(self, gradient: npt.ArrayLike | None = None) -> Iterator[Step]:
        """Backward, one node at a time, last to first.

        Adjoints live in this run; nodes and leaves are not touched.

        Raises GradientError where there is no way back, StaleTapeError where a parameter was
        assigned since.
        """
        from minigrad.core.inspection.step import steps_back

        return steps_back(self, gradient)

    def backward(self, gradient: npt.ArrayLike | None = None) -> None:
        """Add each parameter's adjoint to its ``grad``: all or, after an error, none.

        Raises what :meth:`steps` does.

        >>> import minigrad as mg
        >>> x = mg.tensor(3.0, requires_grad=True)
        >>> mg.Tape.of(x * x).backward()
        >>> float(x.grad)
        6.0
        """
        sweeping = sweep_of(self, seed_for(self, gradient))
        add_to_grads([(node, g) for node, g, _ in sweeping if node.fn is None])


def add_to_grads(adjoints: list[tuple[Tensor, Array]]) -> None:
    """Add to each leaf's ``grad``, one thread after another: all into one leaf lose nothing."""
    with _adding:
        for leaf, g in adjoints:
            leaf.grad = frozen(g.copy() if leaf.grad is None else leaf.grad + g)


_adding = threading.Lock()
