"""The rows of what folds an axis away or goes along it: sums, extremes, statistics, differences."""

import numpy as np

from tests.minigrad.ops.strategies import along, each, of_shape, reduction, together

OF_ONE_ARRAY = [
    (np.average, "", lambda x: np.average(x, axis=0, keepdims=True), (2, 3)),
    (
        np.average,
        "one axis of weights",
        lambda x: np.average(x, 0, np.array([1, 3], x.dtype)),
        (2, 3),
    ),
    (np.median, "odd", np.median, (3, 3)),
    (np.median, "even", lambda x: np.median(x, axis=(0, -1), keepdims=True), (2, 3, 4)),
    (np.gradient, "", np.gradient, (5,)),
    (np.gradient, "axes", lambda x: np.gradient(x, 0.5, 2.0, edge_order=2)[1], (3, 4)),
    (np.gradient, "axis", lambda x: np.gradient(x, 3, axis=-1), (3, 2)),
    (
        np.gradient,
        "places",
        lambda x: np.gradient(x, np.array([0, 1, 3, 3.5], x.dtype), axis=0),
        (4, 2),
    ),
    (
        np.gradient,
        "parabola",
        lambda x: np.gradient(x, np.array([0, 1, 3, 4], x.dtype), axis=0, edge_order=2),
        (4, 2),
    ),
    (np.diff, "ends", lambda x: np.diff(x, prepend=x[:, :1], append=x[:, :2]), (2, 3)),
    (np.trapezoid, "", lambda x: np.trapezoid(x, dx=0.5, axis=0), (4, 2)),
    (np.cumulative_sum, "", lambda x: np.cumulative_sum(x, axis=1, include_initial=True), (2, 3)),
    (np.cumulative_prod, "", lambda x: np.cumulative_prod(x, axis=-1), (2, 3)),
    (np.cumulative_prod, "initial", lambda x: np.cumulative_prod(x, include_initial=True), (3,)),
    (np.diff, "", np.diff, (2, 3)),
    (np.prod, "number along its axis", lambda x: np.prod(x, axis=0), ()),
    (np.cumprod, "number along its axis", lambda x: np.cumprod(x, axis=-1), ()),
    (np.diff, "twice", lambda x: np.diff(x, 2, axis=0), (4, 2)),
]
REDUCTIONS = [
    *((fn, "", reduction(fn)) for fn in (np.sum, np.mean, np.max, np.min)),
    *((fn, "", reduction(fn)) for fn in (np.var, np.nansum)),
    (np.std, "", of_shape(lambda x: np.std(x, axis=-1, keepdims=True), (2, 3))),
    (np.std, "all", of_shape(lambda x: np.std(x, ddof=1), (2, 3))),
    (np.var, "ddof", of_shape(lambda x: np.var(x, axis=-1, ddof=1), (2, 3))),
    (np.prod, "", reduction(np.prod)),
    (
        np.prod,
        "zeros",
        of_shape(lambda x: np.prod(x * np.array([1, 0, 1], x.dtype), axis=1), (2, 3)),
    ),
    (np.cumsum, "", along(np.cumsum)),
    (np.cumsum, "flat", of_shape(np.cumsum, (2, 3))),
    (np.cumprod, "", along(np.cumprod)),
    (
        np.cumprod,
        "zeros",
        of_shape(lambda x: np.cumprod(x * np.array([1, 0, 1, 1], x.dtype)), (4,)),
    ),
    *((fn, "", reduction(fn)) for fn in (np.amax, np.amin, np.ptp, np.nanmean)),
    *((fn.reduce, "", along(fn.reduce)) for fn in (np.add, np.multiply, np.maximum, np.minimum)),
    *((fn.accumulate, "", along(fn.accumulate)) for fn in (np.add, np.multiply)),
    (np.average, "weights", each(lambda a, w: np.average(a + w, weights=w - a + 5), 2)),
    (np.trapezoid, "places", together(np.trapezoid, (2, 3), (3,))),
    (np.linspace, "", together(lambda a, b: np.linspace(a, b, 4, axis=-1), (2, 1), (3,))),
    (np.linspace, "open", together(lambda a, b: np.linspace(a, b, num=3, endpoint=False), (), ())),
    *((fn, name, of_shape(call, shape)) for fn, name, call, shape in OF_ONE_ARRAY),
]
