"""The kinds of optimizers. Names and defaults are PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core.tensor import Array, Tensor
from minigrad.errors import ArgumentError
from minigrad.ops.elementwise import cast

from .groups import Options
from .optimizer import Grouped, Memory, Optimizer, Rule


# The rules are functions of the module, so that an optimizer can be pickled.
def SGD(  # noqa: N802  (the field's name)
    params: Grouped,
    lr: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
) -> Optimizer:
    """v <- momentum v + g, p <- p - lr v. Source: Sutskever 2013, in PyTorch's form.

    With ``nesterov`` the step is g + momentum v in the place of v. ``weight_decay`` p is added to
    every gradient.

    >>> import minigrad as mg
    >>> w = mg.tensor(1.0, requires_grad=True)
    >>> optimizer = mg.optim.SGD([w], lr=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w.item()
    0.8

    Raises ArgumentError for what Optimizer refuses, and for nesterov without momentum.
    """
    if nesterov and not momentum:
        raise ArgumentError("SGD", got="nesterov=True", expected="expected a momentum above 0")
    rule = Rule("SGD", _heavy_ball, _heavy_ball_remembers)
    options = {"momentum": momentum, "nesterov": nesterov}
    return Optimizer(params, lr, rule, options, weight_decay)


def _heavy_ball_remembers(options: Options) -> tuple[str, ...]:
    return ("velocity",) if options["momentum"] else ()


def _heavy_ball(g: Array, memory: Memory, options: Options) -> Array:
    momentum = options["momentum"]
    if not momentum:
        return g
    # a new array: a plan writes over the gradients that it gave
    v: Array = momentum * memory["velocity"] + g
    memory["velocity"] = v
    return g + momentum * v if options["nesterov"] else v


def Adam(  # noqa: N802  (the field's name)
    params: Grouped,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Adam with bias correction. Source: Kingma and Ba 2015, algorithm 1.

    ``betas`` are the decays of the running means of g and of g², ``eps`` is added to the root of
    the second, ``weight_decay`` p to every gradient.

    >>> import minigrad as mg
    >>> w = mg.tensor(1.0, requires_grad=True)
    >>> optimizer = mg.optim.Adam(w, lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.item(), 6)
    0.75
    """
    rule = Rule("Adam", _adam, _adam_remembers)
    return Optimizer(params, lr, rule, {"betas": betas, "eps": eps}, weight_decay)


def AdamW(  # noqa: N802  (the field's name)
    params: Grouped,
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
    rule = Rule("AdamW", _adam, _adam_remembers, decays_beside=True)
    return Optimizer(params, lr, rule, {"betas": betas, "eps": eps}, weight_decay)


def _adam_remembers(options: Options) -> tuple[str, ...]:
    return "mean", "mean_square"


def _adam(g: Array, memory: Memory, options: Options) -> Array:
    decay_1, decay_2 = options["betas"]
    t = memory["step"]
    m = memory["mean"] = decay_1 * memory["mean"] + (1 - decay_1) * g
    v = memory["mean_square"] = decay_2 * memory["mean_square"] + (1 - decay_2) * g * g
    mean = m / _missing(decay_1, t, m)
    mean_square = v / _missing(decay_2, t, v)
    direction: Array = mean / (np.sqrt(mean_square) + options["eps"])
    return direction


def _missing(decay: float, t: Any, mean: Array) -> Any:
    """What a running mean of t terms that began with zero lacks: 1 - decay^t."""
    share = 1 - decay**t
    # a number of Python's takes the dtype of the mean by itself
    if isinstance(share, Tensor) and share.dtype != mean.dtype:
        return cast(share, mean.dtype)
    return share


def RMSprop(  # noqa: N802  (the field's name)
    params: Grouped,
    lr: float = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
) -> Optimizer:
    """s <- alpha s + (1 - alpha) g², p <- p - lr g / (√s + eps).

    ``momentum``: the steps g / (√s + eps) add up as those of SGD; ``weight_decay`` p is added to
    every gradient. Source: Tieleman and Hinton 2012, lecture 6.5, in PyTorch's form.

    >>> import minigrad as mg
    >>> w = mg.tensor(1.0, requires_grad=True)
    >>> optimizer = mg.optim.RMSprop(w, lr=0.01)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.item(), 6)
    0.9
    """
    rule = Rule("RMSprop", _rmsprop, _rmsprop_remembers)
    options = {"alpha": alpha, "eps": eps, "momentum": momentum}
    return Optimizer(params, lr, rule, options, weight_decay)


def _rmsprop_remembers(options: Options) -> tuple[str, ...]:
    return "mean_square", *_heavy_ball_remembers(options)


def _rmsprop(g: Array, memory: Memory, options: Options) -> Array:
    alpha = options["alpha"]
    s = memory["mean_square"] = alpha * memory["mean_square"] + (1 - alpha) * g * g
    direction: Array = g / (np.sqrt(s) + options["eps"])
    if options["momentum"]:
        direction = options["momentum"] * memory["velocity"] + direction
        memory["velocity"] = direction
    return direction


def Adagrad(  # noqa: N802  (the field's name)
    params: Grouped,
    lr: float = 1e-2,
    weight_decay: float = 0.0,
    eps: float = 1e-10,
) -> Optimizer:
    """s <- s + g², p <- p - lr g / (√s + eps). Source: Duchi, Hazan and Singer 2011.

    ``weight_decay`` p is added to every gradient.

    >>> import minigrad as mg
    >>> w = mg.tensor(1.0, requires_grad=True)
    >>> optimizer = mg.optim.Adagrad(w, lr=0.5)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.item(), 6)
    0.5
    """
    rule = Rule("Adagrad", _adagrad, _adagrad_remembers)
    return Optimizer(params, lr, rule, {"eps": eps}, weight_decay)


def _adagrad_remembers(options: Options) -> tuple[str, ...]:
    return ("sum_of_squares",)


def _adagrad(g: Array, memory: Memory, options: Options) -> Array:
    s = memory["sum_of_squares"] = memory["sum_of_squares"] + g * g
    direction: Array = g / (np.sqrt(s) + options["eps"])
    return direction
