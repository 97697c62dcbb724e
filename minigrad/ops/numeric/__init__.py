"""Numerical analysis: curves, transforms, samples, pieces, systems; special functions of SciPy."""

from . import fourier, pieces, samples, signal, special_functions, special_losses, systems

__all__ = [
    "fourier",
    "pieces",
    "samples",
    "signal",
    "special_functions",
    "special_losses",
    "systems",
]
