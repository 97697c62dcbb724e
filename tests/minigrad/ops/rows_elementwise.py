"""The rows of functions of each element, activations and activations."""

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
from minigrad.ops import OPS, activations
from minigrad.ops.elementwise import accumulate, cast
from tests.minigrad.ops.strategies import (
    along,
    any_shape,
    each,
    numbers,
    of_shape,
    seeds,
    shapes_together,
    together,
)


def inside(fn):
    """fn on (-1/2, 1/2), within the domain of the inverse functions and off the poles of tan."""
    return lambda x: fn(0.45 * np.tanh(x))


def past_whole(fn):
    """fn where the quotient is off the whole numbers, at which a remainder jumps."""
    return lambda a, b: fn(5.3 + 0.05 * np.tanh(a), 2 + 0.05 * np.tanh(b))


@st.composite
def whole_power(draw):
    k = draw(st.sampled_from([-2, -1, 0, 1, 2, 3]))
    return lambda a: a**k, numbers(draw, any_shape(draw))


@st.composite
def where(draw):
    c, a, b = shapes_together(draw, 3)
    mask = np.random.default_rng(draw(seeds)).random(c) < 0.5
    return lambda a, b: np.where(mask, a, b), numbers(draw, a, b)


@st.composite
def clip(draw):
    x, low, high = numbers(draw, *shapes_together(draw, 3))
    return np.clip, [x, -np.abs(low), np.abs(high)]


@st.composite
def outer(draw, fn):
    a, b = numbers(draw, any_shape(draw), any_shape(draw), positive=True)
    return (past_whole(fn.outer) if fn in (np.remainder, np.fmod) else fn.outer), [a, b]


@st.composite
def cross_entropy(draw, loss):
    shape = any_shape(draw, 1)
    targets = np.random.default_rng(draw(seeds)).integers(0, shape[-1], shape[:-1])
    return lambda x: loss(x, targets), numbers(draw, shape)


@st.composite
def surprisal_gradient(draw, one=False):
    shape = any_shape(draw, 1)
    targets = np.random.default_rng(draw(seeds)).integers(0, shape[-1], shape[:-1])
    factor = () if one else shape[:-1]
    return lambda x, g: activations.surprisal_gradient(x, targets, g), numbers(draw, shape, factor)


def weighted(x, of_classes, of_targets):
    """With weights that need a gradient, and a target that does not count."""
    targets = np.array([2, -1])
    weights = {"weight": of_classes**2 + 1, "sample_weight": of_targets**2 + 1}
    return mg.cross_entropy(x, targets, ignore_index=-1, **weights)


@st.composite
def mse(draw):
    return mg.mse, numbers(draw, *shapes_together(draw, 2))


@st.composite
def accumulated(draw):
    return accumulate, numbers(draw, *[any_shape(draw)] * draw(st.integers(2, 4)))


BINARY = [
    fn
    for fn, op in OPS.items()
    if fn in vars(np).values() and isinstance(fn, np.ufunc) and len(op.rules) == 2 and any(op.rules)
]
BINARY.remove(np.matmul)
OF_ONE_ARRAY = [
    (np.nan_to_num, "", np.nan_to_num, (2, 3)),
]
ELEMENTWISE = [
    *(
        (fn, "", each(fn, 2))
        for fn in (np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum)
    ),
    (np.power, "", each(np.power, 2, positive=True)),
    (np.power, "negative exponent", each(lambda a, b: np.power(a, -b), 2, positive=True)),
    (np.power, "whole number", whole_power()),
    (np.power, "number below", each(lambda b: 2.5**b)),
    *(
        (fn, "", each(fn))
        for fn in (
            np.negative,
            np.positive,
            np.absolute,
            np.square,
            np.exp,
            np.sin,
            np.cos,
            np.tanh,
        )
    ),
    *((fn, "", each(fn, positive=True)) for fn in (np.sqrt, np.log)),
    *(
        (fn, "", each(fn))
        for fn in (
            np.reciprocal,
            np.cbrt,
            np.fabs,
            np.exp2,
            np.expm1,
            np.arctan,
            np.sinh,
            np.cosh,
            np.arcsinh,
            np.deg2rad,
            np.radians,
            np.rad2deg,
            np.degrees,
            np.sinc,
            np.real,
            np.conjugate,
            np.imag,
        )
    ),
    *((fn, "", each(fn, positive=True)) for fn in (np.log2, np.log10, np.log1p)),
    *((fn, "", each(inside(fn))) for fn in (np.tan, np.arcsin, np.arccos, np.arctanh)),
    (np.arccosh, "", each(lambda x: np.arccosh(1 + x * x))),
    (np.sinc, "at 0", each(lambda x: np.sinc(x - x))),
    *(
        (fn, "", each(fn, 2))
        for fn in (np.logaddexp, np.logaddexp2, np.arctan2, np.hypot, np.fmax, np.fmin)
    ),
    (np.float_power, "", each(np.float_power, 2, positive=True)),
    *((fn, "", each(past_whole(fn), 2)) for fn in (np.remainder, np.fmod)),
    (np.divmod, "", each(past_whole(lambda a, b: np.divmod(a, b)[1]), 2)),
    (np.where, "", where()),
    (np.where, "number", each(lambda a: np.where(a > 0, a, 0.5))),
    (np.clip, "", clip()),
    (np.clip, "one side", each(lambda x: np.clip(x, 0.2, None))),
    (cast, "", each(lambda x: x.astype(x.dtype))),
    (accumulate, "", accumulated()),
    *((fn.outer, "", outer(fn)) for fn in BINARY),
    (np.copysign, "", each(np.copysign, 2)),
    (np.heaviside, "", each(lambda x: np.heaviside(x - x, x))),
    (np.full_like, "", each(lambda v: np.full_like(np.stack([v, v]), v))),
    (
        np.select,
        "",
        together(lambda a, b: np.select([a > 1, a > 0], [a, a * b], default=b), (2, 3), (3,)),
    ),
    (mg.sigmoid, "", each(mg.sigmoid)),
    (mg.relu, "", each(mg.relu)),
    *((fn, "", along(fn)) for fn in (mg.softmax, mg.log_softmax)),
    (activations.cross_entropy, "", cross_entropy(activations.cross_entropy)),
    (activations.surprisal, "", cross_entropy(activations.surprisal)),
    (activations.surprisal_gradient, "", surprisal_gradient()),
    (activations.surprisal_gradient, "of one number", surprisal_gradient(one=True)),
    (activations.some_weight, "", each(lambda x: activations.some_weight(np.mean(x * x) + 1))),
    (mg.logsumexp, "", along(mg.logsumexp)),
    (mg.mse, "", mse()),
    (mg.mse, "weighted", together(lambda a, w: mg.mse(a, 0.3, w * w + 1), (2, 3), (3,))),
    (mg.cross_entropy, "weighted", together(weighted, (2, 3), (3,), (2,))),
    *((fn, name, of_shape(call, shape)) for fn, name, call, shape in OF_ONE_ARRAY),
]
