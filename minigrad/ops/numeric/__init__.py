"""Numerical analysis: curves, transforms, samples, pieces, systems; special functions of SciPy."""

from . import fourier, pieces, samples, signal, systems

__all__ = ["fourier", "pieces", "samples", "signal", "systems"]
