"""Leaves: what every network of the zoo is made of."""

import numpy as np

import minigrad as mg


def param(x, name=None, dtype=None):
    return mg.tensor(x, requires_grad=True, name=name, dtype=dtype)


def weight(name, *shape):
    """A parameter that is 0.1 everywhere: for pictures, which show names and shapes."""
    return param(np.full(shape, 0.1), name)


def constant(name, *shape):
    """Data that is 0.3 everywhere."""
    return mg.tensor(np.full(shape, 0.3), name=name)
