"""Optimizers and gradient clipping. Parameters change in place, as by Tensor.assign."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.core import gates
from minigrad.core.tensor import Array, Tensor, frozen

from .errors import ArgumentError, DTypeError, GradientError, ShapeError

Memory = tuple[Any, ...]  # what a rule remembers of one parameter: arrays and counts
Rule = Callable[[Array, Memory | None], tuple[Array, Memory]]


MADE = "A parameter is made by tensor(..., requires_grad=True)"


class Optimizer:
    """Parameters, a learning rate, a rule: (gradient, its state) -> (direction, new state), and a decay of weights."""

    def __init__(
        self, params: Tensor | Iterable[Tensor], lr: float, rule: Rule, decay: float = 0.0
    ) -> None:
        self.params = [params] if isinstance(params, Tensor) else list(params)
        self.lr, self._rule, self._decay = gates.positive("lr", lr), rule, decay
        self._states: list[Memory | None] = [None] * len(self.params)
        if len(set(self.params)) < len(self.params):
            raise ArgumentError(
                "optimizer", got="a parameter twice", expected="expected each one once"
            )
        for p in self.params:
            if p.fn is not None or not p.requires_grad:
                raise ArgumentError("optimizer", got=f"'{p.label}' is no parameter", remedy=MADE)

    def zero_grad(self) -> None:
        """Forget the accumulated gradients."""
        for p in self.params:
            p.grad = None

    def step(self, grads: Sequence[Any] | None = None) -> None:
        """Update every parameter from grads, one per parameter in order, or else from its ``grad`` (None: skipped)."""
        found = [p.grad for p in self.params] if grads is None else grads
        given = [
            g if g is None else g.data if isinstance(g, Tensor) else np.asarray(g) for g in found
        ]
        if len(given) != len(self.params):
            raise ShapeError(
                "step", got=f"{len(given)} gradients for {len(self.params)} parameters"
            )
        for p, g in zip(self.params, given, strict=True):  # all of them before the first update
            if g is not None and g.shape != p.shape:
                raise ShapeError("step", got=f"'{p.label}' is {p.shape} and its gradient {g.shape}")
            if g is not None and g.dtype.kind not in "fiub":
                got = f"the gradient of '{p.label}' is {g.dtype}"
                raise DTypeError("step", got=got, expected="expected real numbers")
        if given and all(g is None for g in given):
            raise GradientError(
                "step", got="no parameter has a gradient", expected="call it after backward()"
            )
        for i, (p, g) in enumerate(zip(self.params, given, strict=True)):
            if g is not None:
                direction, self._states[i] = self._rule(g, self._states[i])
                direction = direction + self._decay * p.data if self._decay else direction
                change, array = self.lr * direction, p._writeable()
                frozen(np.subtract(array, change, out=array))

    def state(self) -> dict[str, Array]:
        """What the rule remembers, for a checkpoint: ``"3.1"`` is part 1 of what it knows of parameter 3."""
        return {
            f"{i}.{j}": np.asarray(part)
            for i, s in enumerate(self._states)
            for j, part in enumerate(s or ())
        }

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go on from a ``state()``, bit for bit. Raises ArgumentError where it is not that of these parameters."""
        found: list[list[Any]] = [[] for _ in self.params]
        for key, part in sorted(state.items()):
            i, _, j = key.partition(".")
            if (
                not (i.isdecimal() and j.isdecimal())
                or int(i) >= len(found)
                or int(j) != len(found[int(i)])
            ):
                raise ArgumentError(
                    "optimizer: restore", got=f"{key!r}", expected="expected what state() gave"
                )
            if part.shape not in ((), self.params[int(i)].shape):
                got = f"{key!r} is {part.shape} and '{self.params[int(i)].label}' {self.params[int(i)].shape}"
                raise ArgumentError(
                    "optimizer: restore", got=got, expected="expected the shape of its parameter"
                )
            found[int(i)].append(int(part) if part.dtype.kind == "i" else part)
        self._states = [tuple(parts) or None for parts in found]


def SGD(params: Tensor | Iterable[Tensor], lr: float, momentum: float = 0.0) -> Optimizer:  # noqa: N802  (the field's name)
    """v <- momentum v + g, p <- p - lr v. Source: Sutskever 2013, in PyTorch's form."""

    def rule(g: Array, state: Memory | None) -> tuple[Array, Memory]:
        if not momentum:
            return g, ()
        v = (
            momentum * state[0] + g if state else g.copy()
        )  # a plan writes over the gradients that it gave
        return v, (v,)

    return Optimizer(params, lr, rule)


def Adam(  # noqa: N802  (the field's name)
    params: Tensor | Iterable[Tensor],
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> Optimizer:
    """Adam with bias correction. Source: Kingma and Ba 2015, algorithm 1."""
    return AdamW(params, lr, betas, eps, weight_decay=0.0)


def AdamW(  # noqa: N802  (the field's name)
    params: Tensor | Iterable[Tensor],
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> Optimizer:
    """Adam, and p <- p - lr weight_decay p beside it. Source: Loshchilov and Hutter 2019, algorithm 2."""
    b1, b2 = betas

    def rule(g: Array, state: Memory | None) -> tuple[Array, Memory]:
        t, m, v = state or (0, 0.0, 0.0)
        t, m, v = t + 1, b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        return (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps), (t, m, v)

    return Optimizer(params, lr, rule, weight_decay)


def clip_grad_norm(params: Tensor | Iterable[Tensor], max_norm: float) -> float:
    """Scale all ``grad`` together so that their common Euclidean norm is at most max_norm; returns the norm before.

    Raises ArgumentError for max_norm <= 0, GradientError where there is no gradient yet or one is not finite.
    Source: D2L 9.5.3; Pascanu 2013.
    """
    bound = gates.positive("clip_grad_norm: max_norm", max_norm)
    given = [params] if isinstance(params, Tensor) else params
    reached = [p for p in given if p.grad is not None]
    if not reached:
        raise GradientError(
            "clip_grad_norm", got="no parameter has a gradient", expected="call it after backward()"
        )
    for p in reached:
        if not np.all(np.isfinite(np.asarray(p.grad))):
            raise GradientError("clip_grad_norm", got=f"the gradient of '{p.label}' is not finite")
    norm = float(gates.norm(*[p.grad for p in reached]))
    if norm > bound:
        for p in reached:
            p.grad = p.grad * p.dtype.type(bound / norm)
    return norm
