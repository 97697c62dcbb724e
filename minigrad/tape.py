"""Tape: the recorded program as a value. Print it, replay it, walk its edges, go backward through it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import starmap
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from . import gates
from .companions import bundle
from .errors import ArgumentError, DTypeError, GradientError, ShapeError
from .scope import watch
from .sweep import Step, Swept, sweep
from .tensor import Array, Tensor, frozen
from .vjps import OPS


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

    nodes: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    wrt: tuple[Tensor, ...] = ()

    @classmethod
    def of(cls, *outputs: Tensor, wrt: tuple[Tensor, ...] = ()) -> Tape:
        """Collect what the outputs depend on. Cost: linear in the nodes, without recursion."""
        if not outputs or not all(isinstance(o, Tensor) for o in outputs):
            got = ", ".join(type(o).__name__ for o in outputs) or "nothing"
            raise ArgumentError("Tape.of", got=got, expected="expected Tensors")
        found, stack = set(outputs), list(outputs)
        while stack:
            for x in stack.pop().inputs:
                if x not in found:
                    found.add(x)
                    stack.append(x)
        order = sorted(found, key=attrgetter("born"))  # inputs before their readers
        order.sort(key=attrgetter("serial"))  # stable: gates and copies stand where their reader or original stood
        return cls(tuple(order), outputs, wrt)

    # --- what is on it ----------------------------------------------------------------------------------------------
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
        raise ArgumentError("tape", got=f"no node is named {name!r}", expected="print(tape) lists the names")

    def edges(self) -> list[Edge]:
        """Every edge, in the order of execution."""
        return [Edge(x, n, i) for n in self.nodes for i, x in enumerate(n.inputs)]

    @cached_property
    def times(self) -> dict[Tensor, int | None]:
        """The time step of each node, None outside the steps.

        State that passes through an operation between two steps takes that operation along, into the earlier one. And
        a running sum of losses (``loss = loss + l_t`` inside the loop) is not state, whatever it is stamped: sums at
        the end of the tape that only such sums read count as lying outside.
        """
        readers: defaultdict[Tensor, list[Tensor]] = defaultdict(list)
        for n in self.nodes:
            for x in n.inputs:
                readers[x].append(n)
        times = {n: n.time for n in self.nodes}
        ends, enters = set(), set()  # nodes that only sums read; nodes that some step reads
        for n in reversed(self.nodes):
            if all(r in ends for r in readers[n]) and (n.time is None or _is_sum(n)):
                ends.add(n)
            if any(r.time is not None or r in enters for r in readers[n]):
                enters.add(n)
        running = set()
        for n in self.nodes:
            if n.fn is None:
                continue
            if n.time is None and n in enters:
                times[n] = max((t for x in n.inputs if x.fn and (t := times[x]) is not None), default=None)
            elif n.time is not None and n in ends:
                earlier = [x for x in n.inputs if x.time not in (None, n.time)]
                adds = n.fn not in _SCALES and earlier and all(r in ends for x in earlier for r in readers[x])
                if adds or any(x in running for x in n.inputs):
                    running.add(n)
        return times | dict.fromkeys(running)

    def recurrent_edges(self) -> list[Edge]:
        """Edges that join two different time steps; what no function made is no state."""
        times = self.times
        return [
            e
            for e in self.edges()
            if e.source.fn and (s := times[e.source]) != (t := times[e.target]) and None not in (s, t)
        ]

    def __repr__(self) -> str:
        steps = {n.time for n in self.nodes} - {None}
        outputs = ", ".join(self.names[o] for o in self.outputs)
        return f"Tape({len(self.nodes)} nodes, {len(self.parameters)} parameters, {len(steps)} time steps -> {outputs})"

    def __str__(self) -> str:
        names, lines, now = self.names, [], None
        inline = {n: f"{n.item():.4g}" for n in self.leaves if n.size == 1 and n.name is None}
        for n in self.nodes:
            if n in inline:
                continue
            if n.time != now:
                now = n.time
                lines.append(f"# t = {now}" if now is not None else "# outside the steps")
            args = _elided([inline.get(x, names[x]) for x in n.inputs], 8, "...")
            args += [f"{k}={getattr(v, '__name__', v)}" for k, v in n.kwargs.items()]
            made = f"{n.op}({', '.join(args)})" if n.fn else "parameter" if n.requires_grad else "constant"
            lines.append(f"{names[n]}: {n.dtype}{list(n.shape)} = {made}")
        lines = _elided(lines, 1000, f"# ... {len(lines) - 1000:,} lines ...")
        return "\n".join([*lines, f"return {', '.join(names[o] for o in self.outputs)}"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """In a notebook: the picture, and the listing."""
        return bundle(self, str(self))

    # --- forward again ----------------------------------------------------------------------------------------------
    def replay(self, feeds: Mapping[Tensor | str, npt.ArrayLike] | None = None) -> tuple[Array, ...]:
        """Run the tape again with other values in its leaves (by Tensor or name); returns the outputs' arrays."""
        values: dict[Tensor, Array] = {}
        for key, value in (feeds or {}).items():
            leaf = self[key] if isinstance(key, str) else key
            if leaf not in self.names or leaf.fn is not None:
                raise ArgumentError("replay", got=f"'{leaf.label}' is no leaf of this tape")
            new = np.asarray(value)
            if new.shape != leaf.shape:
                raise ShapeError("replay", got=f"'{leaf.label}' is {leaf.shape} and the value {new.shape}")
            if not np.can_cast(new.dtype, leaf.dtype, "same_kind"):
                raise DTypeError("replay", got=f"'{leaf.label}' is {leaf.dtype} and the value {new.dtype}")
            values[leaf] = new.astype(leaf.dtype)
        for n in self.nodes:
            if n.fn is not None:
                values[n] = np.asarray(OPS[n.fn].call(*[values[x] for x in n.inputs], **n.kwargs))
            elif n not in values:
                values[n] = n.data
        return tuple(values[o] for o in self.outputs)

    # --- backward ---------------------------------------------------------------------------------------------------
    def steps(self, gradient: npt.ArrayLike | None = None) -> Iterator[Step]:
        """Backward, one node at a time, last to first. Adjoints live in this run; nodes and leaves are not touched."""
        return starmap(Step, self._sweep(self._seed(gradient)))

    def backward(self, gradient: npt.ArrayLike | None = None) -> None:
        """Drain :meth:`steps` and add each parameter's adjoint to its ``grad``: all or, after an error, none."""
        add_to_grads([(s.tensor, s.grad) for s in self.steps(gradient) if s.tensor.fn is None])

    def _sweep(self, seed: Array | Tensor, wanted: Container[Tensor] | None = None) -> Iterator[Swept]:
        """The sweep, watched over inside ``detect_anomaly``."""
        found, guard = sweep(self.nodes, self.outputs[0], seed, wanted), watch.get()
        return guard(self, found) if guard else found

    def _seed(self, gradient: npt.ArrayLike | None) -> Array:
        """The cotangent of the output: 1 for a scalar, else what the user gives."""
        out = self.outputs[0]
        if len(self.outputs) > 1:
            raise GradientError("backward", got=f"a tape with {len(self.outputs)} outputs", expected="it needs one")
        if not out.requires_grad:
            got = f"'{out.label}' does not depend on anything that needs a gradient"
            remedy = "Make parameters with tensor(..., requires_grad=True), and compute outside no_grad()"
            raise GradientError("backward", got=got, remedy=remedy, where=out.where)
        if gradient is None and out.size != 1:
            got, remedy = f"'{out.label}' is {out.shape}", f"Sum it, or pass gradient= of shape {out.shape}"
            raise GradientError("backward", got=got, expected="it starts from a scalar", remedy=remedy, where=out.where)
        seed = np.ones(out.shape, out.dtype) if gradient is None else np.array(gradient, out.dtype)
        if seed.shape != out.shape:
            raise ShapeError("backward", got=f"'{out.label}' is {out.shape} and gradient {seed.shape}", where=out.where)
        return seed


def add_to_grads(found: list[tuple[Tensor, Array]]) -> None:
    """Add to each leaf's ``grad``."""
    for leaf, g in found:
        leaf.grad = frozen(g.copy() if leaf.grad is None else leaf.grad + g)


_SCALES = (np.negative, np.multiply, np.divide)
_ADDS = (np.add, np.subtract, np.reshape, np.squeeze, gates.alias, gates.on_backward, gates.scale_grad, gates.clip_grad)


def _is_sum(n: Tensor) -> bool:
    """Whether n adds up its inputs, passes one on, or scales one by a constant."""
    constant = [x.fn is None and not x.requires_grad for x in n.inputs]
    if n.fn in (np.multiply, np.divide):
        return any(constant) if n.fn is np.multiply else constant[1]
    return n.fn in _ADDS or n.fn is np.negative


def _elided(items: list[str], most: int, mark: str) -> list[str]:
    """The items, or the first and last of them around a mark where there are more than ``most``."""
    half = most // 2
    return items if len(items) <= most else [*items[:half], mark, *items[-half:]]
