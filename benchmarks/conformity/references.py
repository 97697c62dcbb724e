"""Two references for a gradient: JAX, and central differences of plain NumPy where truncated states are held still.

Both take a function ``f(np, nn, arrays, still)`` that gives a number; ``still(key, factor, state)`` is a state of
which the share ``factor`` follows the arrays and the rest stands still.
"""

from collections import Counter

import numpy as np

import minigrad as mg

CLOSE = 1e-8
STEPS = (1e-3, 1e-5)
NEAR = 1e-5


class MismatchError(Exception):
    """Two ways to one result that differ: which, and how."""


def agree(way, found, expected):
    """Raise where two lists of arrays differ by more than rounding."""
    pairs = zip(map(np.asarray, found), map(np.asarray, expected), strict=True)
    for k, (a, b) in enumerate(pairs):
        bound = CLOSE * max(1, np.abs(b).max(initial=0))
        if a.shape != b.shape or not np.allclose(a, b, CLOSE, bound, equal_nan=True):
            raise MismatchError(f"{way}, array {k}: {a.ravel()[:6]} and {b.ravel()[:6]}")


class Truth:
    """Holds gradients to a slope; and to JAX, where the two disagree or ``always``. Counts what it asked."""

    def __init__(self, rng, always):
        self.rng = rng
        self.always = always
        self.count = Counter()

    def __call__(self, way, f, arrays, gradient, second=False):
        """Raise where a gradient, {name: array}, is not that of f, or of the sum of its squares."""
        self.count["slopes"] += 1
        if not self.always and not differs(f, arrays, gradient, self.rng, second):
            return
        self.count["by JAX"] += 1
        expected = by_jax(f, arrays, second)
        # JAX gives NaN for a derivative that it does not define, as that of a norm at 0.
        known = [np.where(np.isnan(expected[k]), gradient[k], expected[k]) for k in arrays]
        try:
            agree(f"{way} beside JAX", [gradient[k] for k in arrays], known)
        except MismatchError:
            # A tie that only rounding decides, as max over equal sums: there is no derivative.
            if not differs(f, arrays, dict(zip(arrays, known, strict=True)), self.rng, second):
                raise
            self.count["without a derivative there"] += 1


def by_jax(f, arrays, second=False):
    """The gradient by JAX in float64; or that of the sum of its squares."""
    import jax
    import jax.numpy as jnp
    from jax_twin import NN, share

    def value(arrays):
        return f(jnp, NN, arrays, share)

    def squares(arrays):
        return sum(jnp.sum(jnp.square(g)) for g in jax.grad(value)(arrays).values())

    asked = squares if second else value
    return {k: np.asarray(g) for k, g in jax.jit(jax.grad(asked))(arrays).items()}


class Still:
    """States as they are at the point of expansion: recorded in the first run, held in the others."""

    def __init__(self):
        self.states = {}

    def __call__(self, key, factor, state):
        base = self.states.setdefault(key, state)
        return state if factor == 1 else base + factor * (state - base)


def differs(f, arrays, gradient, rng, second=False):
    """Whether a gradient is not the slope along a random direction, at none of the steps."""
    direction = {k: rng.normal(size=np.shape(a)) for k, a in arrays.items()}
    found = sum(np.sum(gradient[k] * d) for k, d in direction.items())
    size = 1 + abs(found) + sum(np.sum(np.abs(gradient[k] * d)) for k, d in direction.items())
    still = Still()
    f(np, mg, arrays, still)

    def along(e):
        moved = {k: a + e * direction[k] for k, a in arrays.items()}
        return squares(f, moved, still) if second else f(np, mg, moved, still)

    return not any(abs(slope(along, e) - found) < NEAR * size for e in STEPS)


def slope(along, e):
    return (8 * (along(e) - along(-e)) - along(2 * e) + along(-2 * e)) / (12 * e)


def squares(f, arrays, still):
    """The sum of squares of the gradient, itself a first derivative of minigrad's that is checked elsewhere."""
    point = {k: mg.tensor(a, requires_grad=True) for k, a in arrays.items()}
    loss = f(np, mg, point, still)
    return sum(float(np.sum(np.square(g.data))) for g in mg.grad(loss, [*point.values()]))
