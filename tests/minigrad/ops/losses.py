"""A number made of the result of any function, so that it has a gradient and a second derivative."""

import numpy as np

import minigrad as mg


def weights(y, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 1.5, y.shape).astype(y.dtype)


def scalar(fn, xs):
    """A weighted sum, not linear in the result, so that second derivatives depend on everything."""
    y = fn(*xs)
    return np.sum(weights(y) * y * (1 + y))


def params(xs):
    return [mg.tensor(x, requires_grad=True) for x in xs]


def swapped(xs, i, x):
    return [*xs[:i], x, *xs[i + 1 :]]


def slope_along(fn, xs, us, eps=1e-3):
    """The derivative of the scalar in the direction us, by differences."""
    return directional(lambda *zs: scalar(fn, zs), xs, us, eps)


def directional(f, xs, us, eps=1e-3):
    """The derivative of f(*xs) in the direction us, by central differences of fourth order."""
    f_at = [f(*[x + k * eps * u for x, u in zip(xs, us, strict=True)]) for k in (-2, -1, 1, 2)]
    return (8 * (f_at[2] - f_at[1]) - f_at[3] + f_at[0]) / (12 * eps)
