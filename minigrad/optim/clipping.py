"""Clipping the gradients that lie in ``grad``."""

from __future__ import annotations

import numpy as np

from minigrad.containers import as_tensors
from minigrad.core.norms import norm_in_parts, positive, shrink
from minigrad.errors import GradientError

from .optimizer import Params


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
