"""Optimizers and gradient clipping. Parameters change in place, as by Tensor.assign."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from minigrad.containers import as_tensors, leaves
from minigrad.core.array import REAL_KINDS
from minigrad.core.norms import norm_in_parts, positive, shrink
from minigrad.core.tensor import Array, Tensor, frozen
from minigrad.core.versions import writeable

from .errors import ArgumentError, DTypeError, GradientError, ShapeError

Params = Any
"""A Tensor, or what holds some: containers and models, nested."""
Memory = tuple[Any, ...]
"""What a rule remembers of one parameter: arrays and counts."""
Rule = Callable[[Array, Memory | None], tuple[Array, Memory]]
"""(gradient, memory or None at first) -> (direction, new memory)."""
MADE = "A parameter is made by tensor(..., requires_grad=True)"


class Optimizer:
    """Parameters, a learning rate, a rule, and a decay of weights beside it.

    ``rule`` takes a gradient and what it remembers of that parameter, and gives the direction to go
    against and what to remember. ``params``: a Tensor, or what holds some, a list, a dict, a model,
    nested; each is one parameter, however often it occurs. Raises ArgumentError for lr <= 0, what
    is no parameter, and where there is none.
    """

    def __init__(self, params: Params, lr: float, rule: Rule, decay: float = 0.0) -> None:
        self.params = list(as_tensors("optimizer", params))
        self.lr = positive("lr", lr)
        self._rule = rule
        self._decay = decay
        self._states: list[Memory | None] = [None] * len(self.params)
        for p in self.params:
            if p.fn is not None or not p.requires_grad:
                raise ArgumentError("optimizer", got=f"'{p.label}' is no parameter", remedy=MADE)

    def zero_grad(self) -> None:
        """Forget the accumulated gradients."""
        for p in self.params:
            p.grad = None

    def step(self, grads: Any = None) -> None:
        """Update every parameter against its gradient; those without one (None) are skipped.

        ``grads`` are one per parameter, in order and in its shape, in a list or nested as ``grad``
        gives them; default: their ``grad``. Raises
        GradientError where there is no gradient at all, ShapeError and DTypeError for one that does
        not fit: then no parameter has changed.
        """
        if grads is None:
            grads = [p.grad for p in self.params]
        arrays = [_as_array(g) for g in _one_each(grads)]
        self._refuse_unfit(arrays)
        for i, g in enumerate(arrays):
            if g is not None:
                self._update(i, g)

    def _refuse_unfit(self, grads: Sequence[Array | None]) -> None:
        """Raise an error where these are not the gradients of the parameters."""
        if len(grads) != len(self.params):
            got = f"{len(grads)} gradients for {len(self.params)} parameters"
            raise ShapeError("step", got=got)
        for p, g in zip(self.params, grads, strict=True):
            if g is None:
                continue
            if g.shape != p.shape:
                got = f"'{p.label}' is {p.shape} and its gradient {g.shape}"
                raise ShapeError("step", got=got)
            if g.dtype.kind not in REAL_KINDS:
                got = f"the gradient of '{p.label}' is {g.dtype}"
                raise DTypeError("step", got=got, expected="expected real numbers")
        if grads and all(g is None for g in grads):
            got = "no parameter has a gradient"
            raise GradientError("step", got=got, expected="call it after backward()")

    def _update(self, i: int, g: Array) -> None:
        """Change parameter i against its gradient."""
        p = self.params[i]
        direction, self._states[i] = self._rule(g, self._states[i])
        if self._decay:
            direction = direction + self._decay * p.data
        change = self.lr * direction
        array = writeable(p)
        frozen(np.subtract(array, change, out=array))

    def state(self) -> dict[str, Array]:
        """What the rule remembers, for a checkpoint.

        ``"3.1"`` is part 1 of what it knows of parameter 3.
        """
        arrays = {}
        for i, memory in enumerate(self._states):
            for j, part in enumerate(memory or ()):
                arrays[f"{i}.{j}"] = np.asarray(part)
        return arrays

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go on from a ``state()``, bit for bit.

        Raises ArgumentError where it is not that of these parameters.
        """
        memories: list[list[Any]] = [[] for _ in self.params]
        for key in sorted(state):
            part = state[key]
            i = self._parameter_of(key, memories)
            p = self.params[i]
            if part.shape not in ((), p.shape):
                got = f"{key!r} is {part.shape} and '{p.label}' {p.shape}"
                expected = "expected the shape of its parameter"
                raise ArgumentError("optimizer: restore", got=got, expected=expected)
            memories[i].append(int(part) if part.dtype.kind == "i" else part)
        self._states = [tuple(memory) or None for memory in memories]

    def _parameter_of(self, key: str, memories: Sequence[Sequence[Any]]) -> int:
        """The index of the parameter that a key of a state means."""
        first, _, second = key.partition(".")
        if first.isdecimal() and second.isdecimal():
            i = int(first)
            if i < len(memories) and int(second) == len(memories[i]):
                return i
        expected = "expected what state() gave"
        raise ArgumentError("optimizer: restore", got=f"{key!r}", expected=expected)


def _one_each(grads: Any) -> list[Any]:
    """The gradients in a row: as they are passed, or out of the structure that ``grad`` gives."""
    parts = leaves(grads)
    is_nested = len(parts) != len(grads) and any(isinstance(g, Tensor) for g in parts)
    if is_nested or isinstance(grads, Mapping):
        # None stands there where no parameter is
        return [g for g in parts if g is not None]
    return list(grads)


def _as_array(g: Any) -> Array | None:
    if g is None:
        return None
    return g.data if isinstance(g, Tensor) else np.asarray(g)


def SGD(  # noqa: N802  (the field's name)
    params: Params, lr: float, momentum: float = 0.0
) -> Optimizer:
    """v <- momentum v + g, p <- p - lr v. Source: Sutskever 2013, in PyTorch's form.

    >>> import minigrad as mg
    >>> w = mg.tensor(1.0, requires_grad=True)
    >>> optimizer = mg.optim.SGD([w], lr=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w.item()
    0.8
    """
    return Optimizer(params, lr, partial(_heavy_ball, momentum))


# The rules are functions of the module, so that an optimizer can be pickled.
def _heavy_ball(momentum: float, g: Array, memory: Memory | None) -> tuple[Array, Memory]:
    if not momentum:
        return g, ()
    # copied: whoever made the gradient may write over it
    v = momentum * memory[0] + g if memory else g.copy()
    return v, (v,)


def Adam(  # noqa: N802  (the field's name)
    params: Params,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> Optimizer:
    """Adam with bias correction. Source: Kingma and Ba 2015, algorithm 1.

    ``betas`` are the decays of the running means of g and of g², ``eps`` is added to the root of
    the second.

    >>> import minigrad as mg
    >>> w = mg.tensor(1.0, requires_grad=True)
    >>> optimizer = mg.optim.Adam(w, lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.item(), 6)
    0.75
    """
    return AdamW(params, lr, betas, eps, weight_decay=0.0)


def AdamW(  # noqa: N802  (the field's name)
    params: Params,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> Optimizer:
    """Adam, and p <- p - lr weight_decay p beside it.

    Source: Loshchilov and Hutter 2019, algorithm 2.

    The arguments are those of Adam.

    >>> import minigrad as mg
    >>> w = mg.tensor(1.0, requires_grad=True)
    >>> optimizer = mg.optim.AdamW(w, lr=0.25, weight_decay=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.item(), 6)
    0.725
    """
    return Optimizer(params, lr, partial(_adam, betas, eps), weight_decay)


def _adam(
    betas: tuple[float, float], eps: float, g: Array, memory: Memory | None
) -> tuple[Array, Memory]:
    decay_1, decay_2 = betas
    t, m, v = memory or (0, 0.0, 0.0)
    t = t + 1
    m = decay_1 * m + (1 - decay_1) * g
    v = decay_2 * v + (1 - decay_2) * g * g
    mean = m / (1 - decay_1**t)
    mean_square = v / (1 - decay_2**t)
    direction = mean / (np.sqrt(mean_square) + eps)
    return direction, (t, m, v)


def clip_grad_norm(params: Params, max_norm: float) -> float:
    """Scale all ``grad`` together so that their common Euclidean norm is at most max_norm.

    Returns the norm before.

    >>> import minigrad as mg
    >>> w = mg.tensor([3.0, 4.0], requires_grad=True)
    >>> (w * w / 2).sum().backward()
    >>> mg.optim.clip_grad_norm(w, max_norm=1.0)
    5.0
    >>> w.grad
    array([0.6, 0.8])

    Raises ArgumentError for max_norm <= 0, GradientError where there is no gradient yet or one is
    not finite. Source: D2L 9.5.3; Pascanu 2013.
    """
    bound = positive("clip_grad_norm: max_norm", max_norm)
    reached = [p for p in as_tensors("clip_grad_norm", params) if p.grad is not None]
    if not reached:
        got = "no parameter has a gradient"
        raise GradientError("clip_grad_norm", got=got, expected="call it after backward()")
    for p in reached:
        if not np.all(np.isfinite(np.asarray(p.grad))):
            raise GradientError("clip_grad_norm", got=f"the gradient of '{p.label}' is not finite")
    largest, root = norm_in_parts(*[p.grad for p in reached])
    factor = shrink(bound, largest, root)
    if factor < 1:
        for p in reached:
            # The factor has the widest dtype among them.
            p.grad = np.asarray(p.grad * factor, p.dtype)
    # In float64: in theirs it may overflow.
    return float(largest) * float(root)
