"""Derivatives where the formula at hand is 0 * inf, inf - inf, inf / inf or overflows and the derivative exists.

A sample of what benchmarks/edges.py sweeps against mpmath; here the derivatives are written out.
"""

from math import exp, log, pi, sqrt

import numpy as np
import pytest

import minigrad as mg
from minigrad.transforms import clip, differentiate
from tests.laws import slope

INF = np.inf
DTYPES = (np.float64, np.float32, np.float16)


def edges(dtype):
    """Functions, operands in the dtype, and the derivatives by each; far: its square overflows."""
    limits = np.finfo(dtype)
    eps, tiny, far = float(limits.eps), float(limits.tiny), 2 * sqrt(float(limits.max))
    below = -log(tiny) / 2
    return {
        "arcsinh far out": (np.arcsinh, [far], [1 / far]),
        "arcsinh at infinity": (np.arcsinh, [-INF], [0]),
        "arccosh far out": (np.arccosh, [far], [1 / far]),
        "arccosh near 1": (np.arccosh, [1 + eps], [1 / sqrt(eps * (2 + eps))]),
        "arcsin near 1": (np.arcsin, [1 - eps], [1 / sqrt(eps * (2 - eps))]),
        "arccos near -1": (np.arccos, [eps - 1], [-1 / sqrt(eps * (2 - eps))]),
        "arctanh near 1": (np.arctanh, [1 - eps], [1 / (eps * (2 - eps))]),
        "arctan2 far out": (np.arctan2, [far, far], [0.5 / far, -0.5 / far]),
        "arctan2 near 0": (np.arctan2, [0, 4 * tiny], [0.25 / tiny, 0]),
        "arctan2 at infinity": (np.arctan2, [-INF, 3], [0, 0]),
        "hypot far out": (np.hypot, [3 * far, 4 * far], [0.6, 0.8]),
        "hypot at infinity": (np.hypot, [-INF, 3], [-1, 0]),
        "expm1 far below": (np.expm1, [-below], [exp(-below)]),
        "log1p near -1": (np.log1p, [eps - 1], [1 / eps]),
        "log2 of a small number": (np.log2, [tiny], [1 / (tiny * log(2))]),
        "cbrt of a small number": (np.cbrt, [tiny], [1 / (3 * np.cbrt(tiny) ** 2)]),
        "sinc near 0": (np.sinc, [eps], [-pi * pi / 3 * eps]),
        "sinc at 1/2": (np.sinc, [0.5], [-4 / pi]),
        "logaddexp far out": (np.logaddexp, [4 / eps, 4 / eps], [0.5, 0.5]),
        "logaddexp of two infinities": (np.logaddexp, [-INF, -INF], [0.5, 0.5]),
        "logaddexp at infinity": (np.logaddexp, [INF, 3], [1, 0]),
        "logaddexp with the log of 0": (np.logaddexp, [-INF, 3], [0, 1]),
        "logaddexp2 far out": (np.logaddexp2, [4 / eps, 4 / eps], [0.5, 0.5]),
        "logaddexp2 of two infinities": (np.logaddexp2, [INF, INF], [0.5, 0.5]),
        "a subnormal number to the 0": (np.power, [tiny / 8, 0], [0, log(tiny / 8)]),
        "infinity to a negative power": (np.power, [INF, -1], [0, 0]),
        "0 to a negative power": (np.power, [0, -1], [-INF, -INF]),
        "remainder of infinity": (np.remainder, [-5, INF], [1, 1]),
        "sigmoid far out": (mg.sigmoid, [-far], [0]),
        "deviation of equal numbers": (np.std, [[2, 2, 2]], [[0, 0, 0]]),
        "deviations along an axis of 1": (lambda x: np.std(x, axis=0), [[[1, 2]]], [[[0, 0]]]),
        "deviation of a number": (np.std, [3], [0]),
        "1/2-norm with a zero": (
            lambda x: np.linalg.norm(x, 0.5),
            [[0, 1, -4]],
            [[0, 3, -1.5]],
        ),
        "-1-norm with a zero": (lambda x: np.linalg.norm(x, -1), [[0, 1, -4]], [[0, 0, 0]]),
        "product of zeros": (np.prod, [[0, 0, 3]], [[0, 0, 0]]),
        "product with a zero": (np.prod, [[0, 2, 3]], [[6, 0, 0]]),
        "determinant of a singular matrix": (
            np.linalg.det,
            [[[1, 2], [2, 4]]],
            [[[4, -2], [-2, 1]]],
        ),
        **{
            f"{p}-norm of zeros": (lambda x, p=p: np.linalg.norm(x, p), [[0, 0, 0]], [[0, 0, 0]])
            for p in (0.5, 1, 1.5, 2, 3, -1, -2, INF, -INF)
        },
    }


NO_HALF = {"determinant of a singular matrix"}  # LAPACK has no float16
CASES = [
    (dtype, name)
    for dtype in DTYPES
    for name in edges(dtype)
    if dtype != np.float16 or name not in NO_HALF
]


@pytest.mark.parametrize(("dtype", "name"), CASES, ids=[f"{np.dtype(d)}-{n}" for d, n in CASES])
def test_a_derivative_that_exists_is_found_eager_on_the_tape_and_in_the_plan(dtype, name):
    fn, xs, expected = edges(dtype)[name]
    limits = np.finfo(dtype)
    with np.errstate(all="ignore"):
        ts = [mg.tensor(np.array(x, dtype), requires_grad=True) for x in xs]
        loss = np.sum(fn(*ts))
        tape = differentiate(mg.Tape.of(loss), ts)
        ways = [mg.grad(loss, ts), tape.outputs[1:], mg.compile(tape)()[1:]]
        for gradients in ways:
            for g, e in zip(gradients, expected, strict=True):
                # What it is at the rounded operand may be off by the operand's own rounding.
                np.testing.assert_allclose(
                    np.asarray(getattr(g, "data", g)),
                    np.array(e, dtype),
                    rtol=16 * float(limits.eps),
                    atol=float(limits.tiny),
                )


HABITS = {
    "sum of a number along its axis": ((), lambda x: np.sum(x, axis=0)),
    "max of a number along its axis": ((), lambda x: np.max(x, axis=-1)),
    "product of a number along its axis": ((), lambda x: np.prod(x, axis=0)),
    "repeat of a number along its axis": ((), lambda x: np.repeat(x, 3, axis=0)),
    "transpose by a number": ((3,), lambda x: np.transpose(x, 0)),
    "sum along a NumPy integer": ((2, 3), lambda x: np.sum(x, axis=np.int8(-1), keepdims=True)),
    "roll by NumPy integers": ((2, 3), lambda x: np.roll(x, np.int64(1), np.int64(-1))),
    "flip along several": ((2, 3), lambda x: np.flip(x, (0, -1))),
    "moveaxis by NumPy integers": ((2, 3), lambda x: np.moveaxis(x, np.int64(-1), np.int64(0))),
    "softmax along all": ((2, 3), lambda x: mg.softmax(x, axis=None)),
    "softmax along several": ((2, 3, 2), lambda x: mg.softmax(x, axis=(0, -1))),
    "log_softmax along several": ((2, 3, 2), lambda x: mg.log_softmax(x, axis=(-1, 1))),
    "softmax of a number": ((), lambda x: mg.softmax(x, axis=None)),
}


@pytest.mark.parametrize("name", HABITS)
def test_what_numpy_takes_for_axes(name):
    """Value, gradient and plan, against NumPy's value and central differences of it."""
    shape, fn = HABITS[name]
    x = (
        np.random.default_rng(0)
        .permutation(np.linspace(0.3, 2, int(np.prod(shape))))
        .reshape(shape)
    )
    w = np.random.default_rng(1).uniform(0.5, 1.5, np.shape(fn(x)))
    t = mg.tensor(x, requires_grad=True)
    tape = differentiate(mg.Tape.of(np.sum(fn(t) * w)), [t])
    expected = [np.sum(fn(x) * w), slope(lambda z: np.sum(fn(z) * w), x)]
    for found in ([y.data for y in tape.outputs], mg.compile(tape)()):
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


SECOND = {
    "deviation of equal numbers": (np.std, [2.0, 2, 2], [0, 0, 0]),
    "1/2-norm of zeros": (lambda x: np.linalg.norm(x, 0.5), [0.0, 0, 0], [0, 0, 0]),
    "logaddexp of equal numbers": (
        lambda x: np.logaddexp(x[0], x[1]),
        [1e17, 1e17, 0],
        [-0.25, 0.25, 0],
    ),
    "sinc at 0": (lambda x: np.sum(np.sinc(x)), [0, 1e-9, 0.4999], None),
}


@pytest.mark.parametrize("name", SECOND)
def test_so_is_the_second_along_1_2_3(name):
    fn, at, expected = SECOND[name]
    x = mg.tensor(np.array(at, float), requires_grad=True)
    (g,) = mg.grad(fn(x), [x], create_graph=True)
    (h,) = mg.grad(np.sum(g * np.array([1.0, 2, 3])), [x])
    if expected is None:
        # sinc'' at 0, and by its differential equation: f'' = -π² f - 2 f' / x
        x, f = np.array(at[1:]), np.sinc(at[1:])
        own = -(pi**2) * f - 2 * g.data[1:] / x
        expected = [-pi * pi / 3, *(own * [2, 3])]
    np.testing.assert_allclose(h.data, expected, rtol=1e-11, atol=1e-12)


# --- clipping ---------------------------------------------------------------------------------------------------------
def gradients_clipped_everywhere(g, bound):
    """A gradient g, clipped by the optimizer's function, by the transform, in a plan, and by a gate."""
    w = mg.tensor(np.zeros_like(g), requires_grad=True)
    loss = np.sum(w * g)
    loss.backward()
    mg.optim.clip_grad_norm(w, bound)
    tape = clip(differentiate(mg.Tape.of(np.sum(w * g))), bound)
    (gated,) = mg.grad(np.sum(mg.clip_grad(w, bound) * g), [w])
    return [w.grad, tape.outputs[1].data, np.array(mg.compile(tape)()[1]), gated.data]


@pytest.mark.parametrize(
    ("size", "element"),
    [(4, 1.0), (4, 0.5), (70_000, 1.0), (70_000, 1e-3), (1, 1.0), (3, 0.0), (0, 0.0)],
)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bound", [0.25, 3.0, INF])
def test_a_finite_gradient_whose_norm_overflows_is_clipped_to_the_bound(
    size, element, dtype, bound
):
    g = np.full(size, element * float(np.finfo(dtype).max), dtype)
    ways = gradients_clipped_everywhere(g, bound)
    direction = g / g.max(initial=0) if g.any() else np.zeros(size)
    expected = g.astype(float)
    if g.any() and bound < INF:
        expected = bound * direction / sqrt(size)
    for clipped in ways:
        assert clipped.dtype == dtype
        rtol = 1e-12 if dtype == np.float64 else 1e-3
        np.testing.assert_allclose(clipped.astype(float), expected, rtol=rtol, atol=6e-8)
        np.testing.assert_array_equal(clipped, ways[0])


def test_the_norm_that_overflows_in_float32_is_reported():
    w = mg.tensor(np.zeros(4, np.float32), requires_grad=True)
    np.sum(w * np.float32(2e38)).backward()
    assert mg.optim.clip_grad_norm(w, 1.0) == pytest.approx(4e38)


def test_gradients_keep_their_dtypes_beside_wider_ones():
    a = mg.tensor(np.float32([3]), requires_grad=True)
    b = mg.tensor([4.0], requires_grad=True)
    tape = clip(differentiate(mg.Tape.of(np.sum(a * a / 2) + np.sum(b * b / 2))), 1.0)
    assert [g.dtype for g in tape.outputs[1:]] == [np.float32, np.float64]
    np.testing.assert_allclose([g.item() for g in tape.outputs[1:]], [0.6, 0.8], rtol=1e-7)


def test_clipping_a_gradient_of_zeros_is_smooth():
    """Within the threshold a clipped gradient has the derivative of the gradient, at 0 too."""
    x = mg.tensor(np.zeros(3), requires_grad=True)
    tape = clip(differentiate(mg.Tape.of(np.sum(x * x))), 1.0)
    (h,) = mg.grad(np.sum(tape.outputs[1] * np.array([1.0, 2, 3])), [x])
    np.testing.assert_array_equal(h.data, [2, 4, 6])
