"""Derivatives asked for: of tensors, and of functions."""

from .asked import grad
from .derivatives import hessian, hvp, jacobian, vjp

__all__ = ["grad", "hessian", "hvp", "jacobian", "vjp"]
