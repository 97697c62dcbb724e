"""Optimizers and gradient clipping. Parameters change only through Tensor.assign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from . import gates
from .errors import ArgumentError, GradientError, ShapeError
from .tensor import Array, Tensor

MADE = "A parameter is made by tensor(..., requires_grad=True)"


class _Optimizer:
    """What every optimizer does: pair parameters with gradients and assign."""

    def __init__(self, params: Iterable[Tensor], lr: float) -> None:
        self.params = [params] if isinstance(params, Tensor) else list(params)
        self.lr = gates.positive("lr", lr)
        for p in self.params:
            if p.fn is not None or not p.requires_grad:
                raise ArgumentError("optimizer", got=f"'{p.label}' is no parameter", remedy=MADE)

    def zero_grad(self) -> None:
        """Forget the accumulated gradients."""
        for p in self.params:
            p.grad = None

    def step(self, grads: Sequence[Any] | None = None) -> None:
        """Update every parameter from grads, one per parameter in order, or else from its ``grad`` (None: skipped)."""
        given = [p.grad for p in self.params] if grads is None else [getattr(g, "data", g) for g in grads]
        if len(given) != len(self.params):
            raise ShapeError("step", got=f"{len(given)} gradients for {len(self.params)} parameters")
        if given and all(g is None for g in given):
            raise GradientError("step", got="no parameter has a gradient", expected="call it after backward()")
        for i, (p, g) in enumerate(zip(self.params, given, strict=True)):
            if g is not None:
                p.assign(p.data - self._change(i, np.asarray(g)))

    def _change(self, i: int, g: Array) -> Array:
        raise NotImplementedError


class SGD(_Optimizer):
    """p <- p - lr v, v <- momentum v + g. Source: Sutskever 2013, in PyTorch's form."""

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.0) -> None:
        super().__init__(params, lr)
        self.momentum = momentum
        self._velocity: dict[int, Array] = {}

    def _change(self, i: int, g: Array) -> Array:
        if self.momentum:
            g = self._velocity[i] = g + self.momentum * self._velocity[i] if i in self._velocity else g
        return self.lr * g


class Adam(_Optimizer):
    """Adam with bias correction. Source: Kingma and Ba 2015, algorithm 1."""

    def __init__(
        self, params: Iterable[Tensor], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
    ) -> None:
        super().__init__(params, lr)
        self.betas, self.eps = betas, eps
        self._moments: dict[int, tuple[int, Array, Array]] = {}

    def _change(self, i: int, g: Array) -> Array:
        b1, b2 = self.betas
        t, m, v = self._moments.get(i, (0, np.zeros_like(g), np.zeros_like(g)))
        t, m, v = t + 1, b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        self._moments[i] = t, m, v
        change: Array = self.lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + self.eps)
        return change


def clip_grad_norm(params: Iterable[Tensor], max_norm: float) -> float:
    """Scale all ``grad`` together so that their common Euclidean norm is at most max_norm; returns the norm before.

    Raises ArgumentError for max_norm <= 0, GradientError where there is no gradient yet or one is not finite.
    Source: D2L 9.5.3; Pascanu 2013.
    """
    bound = gates.positive("clip_grad_norm: max_norm", max_norm)
    reached = [p for p in params if p.grad is not None]
    if not reached:
        raise GradientError("clip_grad_norm", got="no parameter has a gradient", expected="call it after backward()")
    for p in reached:
        if not np.all(np.isfinite(np.asarray(p.grad))):
            raise GradientError("clip_grad_norm", got=f"the gradient of '{p.label}' is not finite")
    norm = float(gates.norm(*[p.grad for p in reached]))
    if norm > bound:
        for p in reached:
            p.grad = p.grad * p.dtype.type(bound / norm)
    return norm
