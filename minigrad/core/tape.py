"""Tape: the recorded program as a value. Print it, replay it, walk its edges, go backward through it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.companions import bundle
from minigrad.errors import ArgumentError, DTypeError, GradientError, ShapeError
from minigrad.ops import OPS
from minigrad.ops.elementwise import cast

from .listing import listing
from .order import behind
from .scope import watch
from .sweep import Step, Swept, sweep
from .tensor import Array, Tensor, frozen
from .time import steps_of, times_of


@dataclass(frozen=True, eq=False, slots=True)
class Edge:
    """``target.inputs[slot] is source``: the value flows from source to target, the gradient back."""

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

    After ``differentiate`` the outputs are (loss, *gradients), and ``wrt`` says with respect to what.
    """

    outputs: tuple[Tensor, ...]
    wrt: tuple[Tensor, ...] = ()

    @classmethod
    def of(cls, *outputs: Tensor, wrt: tuple[Tensor, ...] = ()) -> Tape:
        """The tape of what the outputs depend on."""
        if not outputs or not all(isinstance(o, Tensor) for o in outputs):
            got = ", ".join(type(o).__name__ for o in outputs) or "nothing"
            raise ArgumentError("Tape.of", got=got, expected="expected Tensors")
        return cls(outputs, wrt)

    # --- what is on it ----------------------------------------------------------------------------------------------
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
        """One name per node, stable and unique: ``h_3``, ``tanh@3``, ``add@3#2`` for the second of its kind."""
        count: Counter[str] = Counter()
        taken: dict[str, Tensor] = {}
        for n in self.nodes:
            name = n.label
            while name in taken:
                count[n.label] += 1
                name = f"{n.label}#{count[n.label] + 1}"
            taken[name] = n
        return {n: name for name, n in taken.items()}

    def __getitem__(self, name: str) -> Tensor:
        """The node of that name."""
        for n, its in self.names.items():
            if its == name:
                return n
        raise ArgumentError(
            "tape", got=f"no node is named {name!r}", expected="print(tape) lists the names"
        )

    def edges(self) -> list[Edge]:
        """Every edge, in the order of execution."""
        return [Edge(x, n, i) for n in self.nodes for i, x in enumerate(n.inputs)]

    @cached_property
    def times(self) -> dict[Tensor, int | None]:
        """The time step of each node, None outside the steps: see times.py."""
        return times_of(self.nodes)

    @cached_property
    def stamps(self) -> tuple[int, ...]:
        """The time steps in which something is computed, in order; empty where nothing is stamped."""
        return steps_of(self.times)

    def recurrent_edges(self) -> list[Edge]:
        """Edges that join two different time steps; what no function made is no state."""
        times = self.times
        return [
            e
            for e in self.edges()
            if e.source.fn
            and (s := times[e.source]) != (t := times[e.target])
            and None not in (s, t)
        ]

    def __repr__(self) -> str:
        steps = {n.time for n in self.nodes} - {None}
        outputs = ", ".join(self.names[o] for o in self.outputs)
        return f"Tape({len(self.nodes)} nodes, {len(self.parameters)} parameters, {len(steps)} time steps -> {outputs})"

    def __str__(self) -> str:
        return listing(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """In a notebook: the picture, and the listing."""
        return bundle(self, str(self))

    # --- forward again ----------------------------------------------------------------------------------------------
    def replay(
        self, feeds: Mapping[Tensor | str, npt.ArrayLike] | None = None
    ) -> tuple[Array, ...]:
        """Run the tape again with other values in its leaves (by Tensor or name); returns the outputs' arrays.

        What left the tape on the way, as int(t), np.nonzero(t) and Tensors in a list do, stays as it was recorded.
        """
        values: dict[Tensor, Array] = {}
        for key, value in (feeds or {}).items():
            leaf = self[key] if isinstance(key, str) else key
            if not isinstance(leaf, Tensor):
                raise ArgumentError("replay", got=f"the key {key!r}", expected="a leaf or its name")
            if leaf not in self.names or leaf.fn is not None:
                raise ArgumentError("replay", got=f"'{leaf.label}' is no leaf of this tape")
            new = np.asarray(value)
            if new.shape != leaf.shape:
                raise ShapeError(
                    "replay", got=f"'{leaf.label}' is {leaf.shape} and the value {new.shape}"
                )
            if not np.can_cast(new.dtype, leaf.dtype, "same_kind"):
                raise DTypeError(
                    "replay", got=f"'{leaf.label}' is {leaf.dtype} and the value {new.dtype}"
                )
            values[leaf] = new.astype(leaf.dtype)
        for n in self.nodes:
            if n.fn is not None:
                values[n] = np.asarray(OPS[n.fn].call(*[values[x] for x in n.inputs], **n.kwargs))
                if values[n].shape != n.shape:
                    got, remedy = (
                        f"'{self.names[n]}' was {n.shape} and would be {values[n].shape}",
                        "Record it anew",
                    )
                    raise ShapeError("replay", got=got, remedy=remedy, where=n.where)
            elif n not in values:
                values[n] = n.data
        return tuple(values[o] for o in self.outputs)

    # --- backward ---------------------------------------------------------------------------------------------------
    def steps(self, gradient: npt.ArrayLike | None = None) -> Iterator[Step]:
        """Backward, one node at a time, last to first. Adjoints live in this run; nodes and leaves are not touched."""
        return (Step(*swept, self) for swept in self._sweep(self._seed(gradient)))

    def backward(self, gradient: npt.ArrayLike | None = None) -> None:
        """Drain :meth:`steps` and add each parameter's adjoint to its ``grad``: all or, after an error, none."""
        add_to_grads([(s.tensor, s.grad) for s in self.steps(gradient) if s.tensor.fn is None])

    def _sweep(
        self, seed: Array | Tensor, wanted: Container[Tensor] | None = None
    ) -> Iterator[Swept]:
        """The sweep, under the eyes of ``detect_anomaly`` and ``on_backward``."""
        found = sweep(self.nodes, self.outputs[0], seed, wanted)
        for guard in watch.get():
            found = guard(self, found)
        return found

    def _cut(self) -> str:
        """Where the way from the output back to what needs a gradient ends, nearest to the output."""
        for n in reversed(self.nodes):
            if n.cut:
                return f"{n.cut} at {n.where} cut it off" if n.where else f"{n.cut} cut it off"
            if (
                n.fn is not None
                and not n.requires_grad
                and (lost := [x for x in n.inputs if x.requires_grad])
            ):
                why = f"the cast to {n.dtype}" if n.fn is cast else n.op
                return f"no gradient goes back through {why} at {n.where}, to '{lost[0].label}'"
        return ""

    def _seed(self, gradient: npt.ArrayLike | None) -> Array:
        """The cotangent of the output: 1 for a scalar, else what the user gives."""
        out = self.outputs[0]
        if len(self.outputs) > 1:
            raise GradientError(
                "backward", got=f"a tape with {len(self.outputs)} outputs", expected="it needs one"
            )
        if not out.requires_grad:
            got, cut = (
                f"'{out.label}' does not depend on anything that needs a gradient",
                self._cut(),
            )
            remedy = "" if cut else "Make parameters with tensor(..., requires_grad=True)"
            raise GradientError("backward", got=got, expected=cut, remedy=remedy, where=out.where)
        if gradient is None and out.size != 1:
            got, remedy = (
                f"'{out.label}' is {out.shape}",
                f"Sum it, or pass gradient= of shape {out.shape}",
            )
            raise GradientError(
                "backward",
                got=got,
                expected="it starts from a scalar",
                remedy=remedy,
                where=out.where,
            )
        given = np.ones(out.shape) if gradient is None else np.asarray(gradient)
        if given.dtype.kind not in "fiub":
            raise DTypeError(
                "backward", got=f"gradient of dtype {given.dtype}", expected="real numbers"
            )
        seed = np.array(given, out.dtype)
        if seed.shape != out.shape:
            raise ShapeError(
                "backward",
                got=f"'{out.label}' is {out.shape} and gradient {seed.shape}",
                where=out.where,
            )
        return seed


def add_to_grads(found: list[tuple[Tensor, Array]]) -> None:
    """Add to each leaf's ``grad``."""
    for leaf, g in found:
        leaf.grad = frozen(g.copy() if leaf.grad is None else leaf.grad + g)
