"""Derivatives where formulas break: every function of each element, and norms, deviations, products and softmaxes,
at zeros, ones, ties, subnormal, huge and infinite operands, in float64, float32 and float16.

    pip install mpmath && python benchmarks/edges.py [-k NAME] [--dtype float32] [--all]

The reference is a difference quotient of mpmath's functions in 1,200 digits, which overflows nowhere. Eager backward,
the differentiated tape and its plan are each held to it: what is off by more than 40 roundings is printed (--all:
everything). What only underflows, or is infinite where the derivative is too large for the dtype, is right. Nothing is
expected where NumPy's own value has overflowed, vanished or lost its digits. At infinite operands the reference is the
limit, from a table.
"""

import argparse
import warnings
from itertools import product

import mpmath as mp
import numpy as np

import minigrad as mg
from minigrad.transforms import differentiate

mp.mp.dps = 1200
TINY_STEP = mp.mpf(10) ** -400
FIRST_STEP = mp.mpf(10) ** -750
MAX_ERROR_OF_VALUE = 0.01
ROUNDINGS = 40
DTYPES = (np.float64, np.float32, np.float16)
INF = np.inf


# --- the functions, and the same in mpmath --------------------------------------------------------
def sinc(x):
    return mp.sin(mp.pi * x) / (mp.pi * x) if x else mp.mpf(1)


def cbrt(x):
    return mp.sign(x) * mp.cbrt(abs(x))


def logaddexp(a, b, base=mp.e):
    top = max(a, b)
    return top + mp.log(1 + mp.power(base, min(a, b) - top), base)


def power(a, b):
    if a == 0:
        return mp.mpf(b == 0) if b >= 0 else mp.inf
    return mp.power(a, b)


UNARY = {
    np.negative: lambda x: -x,
    np.absolute: abs,
    np.reciprocal: lambda x: 1 / x,
    np.square: lambda x: x * x,
    np.sqrt: mp.sqrt,
    np.cbrt: cbrt,
    np.exp: mp.exp,
    np.exp2: lambda x: mp.power(2, x),
    np.expm1: mp.expm1,
    np.log: mp.log,
    np.log2: lambda x: mp.log(x, 2),
    np.log10: mp.log10,
    np.log1p: lambda x: mp.log(1 + x),
    np.sin: mp.sin,
    np.cos: mp.cos,
    np.tan: mp.tan,
    np.arcsin: mp.asin,
    np.arccos: mp.acos,
    np.arctan: mp.atan,
    np.sinh: mp.sinh,
    np.cosh: mp.cosh,
    np.tanh: mp.tanh,
    np.arcsinh: mp.asinh,
    np.arccosh: mp.acosh,
    np.arctanh: mp.atanh,
    np.sinc: sinc,
    np.deg2rad: mp.radians,
    np.rad2deg: mp.degrees,
    mg.sigmoid: lambda x: 1 / (1 + mp.exp(-x)),
    mg.relu: lambda x: max(x, mp.mpf(0)),
}
BINARY = {
    np.add: lambda a, b: a + b,
    np.subtract: lambda a, b: a - b,
    np.multiply: lambda a, b: a * b,
    np.divide: lambda a, b: a / b,
    np.power: power,
    np.hypot: lambda a, b: mp.sqrt(a * a + b * b),
    np.arctan2: mp.atan2,
    np.logaddexp: logaddexp,
    np.logaddexp2: lambda a, b: logaddexp(a, b, mp.mpf(2)),
    np.maximum: max,
    np.minimum: min,
    np.copysign: lambda a, b: abs(a) * (-1 if b < 0 else 1),
    np.remainder: lambda a, b: a - b * mp.floor(a / b),
    np.fmod: lambda a, b: a - b * (mp.floor if a / b > 0 else mp.ceil)(a / b),
}
DOMAIN = {
    np.sqrt: (0, INF),
    np.log: (0, INF),
    np.log2: (0, INF),
    np.log10: (0, INF),
    np.log1p: (-1, INF),
    np.arcsin: (-1, 1),
    np.arccos: (-1, 1),
    np.arccosh: (1, INF),
    np.arctanh: (-1, 1),
}
ABSOLUTE = {
    # From the value y, which rounds to 1: exact to a rounding of the largest slope.
    mg.sigmoid: 1,
    np.tanh: 1,
    # cos(πx) of a rounded πx.
    np.sinc: 8,
}
ABSOLUTE_OF_VECTORS = {
    **dict.fromkeys(("softmax", "log_softmax", "cross_entropy"), 4),
    # Equal numbers whose mean is rounded are not all equal to it.
    "std": 4,
    # Powers of numbers with three digits in the exponent: as many roundings in NumPy's value.
    **dict.fromkeys(("norm 0.5", "norm 1.5"), 100),
}
LIMITS = {
    np.negative: {INF: -1, -INF: -1},
    np.absolute: {INF: 1, -INF: -1},
    np.reciprocal: {INF: 0, -INF: 0},
    np.square: {INF: INF, -INF: -INF},
    np.sqrt: {INF: 0},
    np.cbrt: {INF: 0, -INF: 0},
    np.exp: {INF: INF, -INF: 0},
    np.exp2: {INF: INF, -INF: 0},
    np.expm1: {INF: INF, -INF: 0},
    np.log: {INF: 0},
    np.log2: {INF: 0},
    np.log10: {INF: 0},
    np.log1p: {INF: 0},
    np.arctan: {INF: 0, -INF: 0},
    np.sinh: {INF: INF, -INF: INF},
    np.cosh: {INF: INF, -INF: -INF},
    np.tanh: {INF: 0, -INF: 0},
    np.arcsinh: {INF: 0, -INF: 0},
    np.arccosh: {INF: 0},
    np.deg2rad: {INF: np.pi / 180, -INF: np.pi / 180},
    np.rad2deg: {INF: 180 / np.pi, -INF: 180 / np.pi},
    mg.sigmoid: {INF: 0, -INF: 0},
    mg.relu: {INF: 1, -INF: 0},
}
LOGADDEXP_LIMITS = {
    (INF, 1): (1, 0),
    (1, INF): (0, 1),
    (-INF, 1): (0, 1),
    (1, -INF): (1, 0),
    (INF, -INF): (1, 0),
    (INF, INF): (0.5, 0.5),
    (-INF, -INF): (0.5, 0.5),
}
PAIR_LIMITS = {
    np.hypot: {(INF, 1): (1, 0), (-INF, 1): (-1, 0), (1, INF): (0, 1), (0, -INF): (0, -1)},
    np.arctan2: dict.fromkeys([(INF, 1), (-INF, 1), (1, INF), (1, -INF), (INF, INF)], (0, 0)),
    np.divide: {(1, INF): (0, 0), (1, -INF): (0, 0), (INF, 2): (0.5, -INF)},
    np.power: {
        (INF, 1): (1, INF),
        (INF, 0.5): (0, INF),
        (INF, -1): (0, 0),
        (INF, 0): (0, None),
        (0, -1): (-INF, -INF),
    },
    np.logaddexp: LOGADDEXP_LIMITS,
    np.logaddexp2: LOGADDEXP_LIMITS,
    np.maximum: {(INF, 1): (1, 0), (INF, INF): (0.5, 0.5), (-INF, -INF): (0.5, 0.5)},
    np.minimum: {(-INF, 1): (1, 0), (INF, INF): (0.5, 0.5)},
    np.remainder: {(5, INF): (1, 0), (-5, INF): (1, 1), (5, -INF): (1, 1)},
    np.fmod: {(5, INF): (1, 0), (-5, INF): (1, 0)},
}


def points(dtype):
    """Zeros, subnormal and smallest numbers, about 1, periods and their halves, where squares overflow, the largest."""
    limits = np.finfo(dtype)
    tiny, eps, top = map(float, (limits.smallest_normal, limits.eps, limits.max))
    positive = [
        float(limits.smallest_subnormal),
        tiny / 4,
        tiny,
        tiny**0.5 / 4,
        eps,
        eps**0.5,
        eps**0.25,
        0.1,
        0.25,
        0.5 - eps,
        0.5,
        1 - eps,
        1,
        1 + eps,
        1 + eps**0.5,
        1.5,
        np.pi / 2,
        2,
        3,
        np.pi,
        5,
        10,
        17.5,
        40,
        np.log(top),
        1 / eps,
        top**0.5 / 2,
        top**0.5 * 2,
        top / 2,
        top,
    ]
    with np.errstate(over="ignore"):
        xs = np.array(positive, dtype)
    return np.concatenate([[0.0], xs, -xs]).astype(dtype)


def pairs(dtype):
    limits = np.finfo(dtype)
    top, tiny, eps = map(float, (limits.max, limits.smallest_normal, limits.eps))
    some = [0, tiny / 4, eps, 0.5, 1, 1 + eps, 3, top**0.5 * 2, top]
    both = [*some, *(-x for x in some[1:])]
    return np.array([*product(both, both)], dtype).T


# --- the reference --------------------------------------------------------------------------------
def quotient(f, xs, slot, value, low=-INF, high=INF):
    """The slope of f along one operand; one-sided at the ends of its domain, None where NumPy has not its value."""
    xs = [mp.mpf(float(x)) for x in xs]
    if not _is_near(value, f, xs):
        return None
    x = xs[slot]
    # About a pole of the slope the quotient of the first step is beyond every dtype.
    at_end = x in (low, high) or not x
    step = FIRST_STEP if at_end else abs(x) * TINY_STEP
    above, below = (x + step if x < high else x), (x - step if x > low else x)
    try:
        values = [f(*xs[:slot], z, *xs[slot + 1 :]) for z in (below, above)]
        if any(mp.im(v) or mp.isnan(v) or mp.isinf(v) for v in values):
            return None
        return (values[1] - values[0]) / (above - below)
    except (ZeroDivisionError, ValueError, OverflowError):
        return None


def _is_near(value, f, xs):
    try:
        exact = f(*xs)
        return np.isfinite(value) and abs(exact - float(value)) <= MAX_ERROR_OF_VALUE * abs(exact)
    except (ZeroDivisionError, ValueError, OverflowError):
        return False


def wrong(got, expected, dtype, absolute=0):
    """Whether it is off by more than its roundings, an underflow or an overflow."""
    if expected is None:
        return False
    limits = np.finfo(dtype)
    if np.isnan(got):
        return True
    bound = mp.mpf(float(limits.max))
    if abs(expected) > bound * (1 - mp.mpf(2) ** -8):
        return not (abs(got) > float(bound) / 2 and (got > 0) == (expected > 0))
    if np.isinf(got):
        return True
    eps = float(limits.eps)
    allowed = ROUNDINGS * eps * abs(expected) + float(limits.smallest_normal) + absolute * eps
    return abs(mp.mpf(float(got)) - expected) > allowed


def three_ways(fn, *xs):
    """The gradients of the sum of fn by eager backward, by the differentiated tape, and by its plan."""
    ts = [mg.tensor(x, requires_grad=True) for x in xs]
    loss = np.sum(fn(*ts))
    tape = differentiate(mg.Tape.of(loss), ts)
    return {
        "eager": [g.data for g in mg.grad(loss, ts)],
        "tape": [g.data for g in tape.outputs[1:]],
        "plan": [np.array(g) for g in mg.compile(tape)()[1:]],
    }


# --- functions of each element --------------------------------------------------------------------
def unary_cases(dtype, key):
    for fn, f in UNARY.items():
        if key not in fn.__name__:
            continue
        low, high = DOMAIN.get(fn, (-INF, INF))
        xs = np.array([x for x in points(dtype) if low <= x <= high])
        values = quietly(fn, xs)
        expected = [quotient(f, (x,), 0, y, low, high) for x, y in zip(xs, values, strict=True)]
        if fn is mg.relu:
            # At the kink relu has a convention.
            expected[0] = None
        limits = LIMITS.get(fn, {})
        xs = np.append(xs, np.array([*limits], dtype)).astype(dtype)
        expected += [mp.mpf(limit) for limit in limits.values()]
        yield fn, [xs], [expected]


def binary_cases(dtype, key):
    for fn, f in BINARY.items():
        if key not in fn.__name__:
            continue
        a, b = pairs(dtype)
        values = quietly(fn, a, b)
        known = [*zip(zip(a, b, strict=True), values, strict=True)]
        expected = [[quotient(f, x, slot, y) for x, y in known] for slot in (0, 1)]
        if fn in (np.remainder, np.fmod):
            jumps = [
                not y or not x or mp.isint(mp.mpf(float(x)) / float(y))
                for x, y in zip(a, b, strict=True)
            ]
            expected = [
                [None if j else e for j, e in zip(jumps, es, strict=True)] for es in expected
            ]
        if fn is np.power:
            # Below 0 to a power that is no whole number there is no value; 0^b with b < 1 has no slope. Where b - 1
            # is rounded to b, or 1 / a overflows, the formula b a^(b - 1) ends.
            limits = np.finfo(dtype)
            by_base = (a > 0) | ((a == 0) & ((b >= 1) | (b == 0))) | (abs(b) <= 3)
            by_base &= ((abs(a) >= limits.smallest_normal) | (abs(b) >= 1)) & (
                abs(b) < 1 / limits.eps
            )
            expected = [
                [e if ok else None for e, ok in zip(es, oks, strict=True)]
                for es, oks in zip(expected, (by_base, a > 0), strict=True)
            ]
        if fn is np.copysign:
            expected[1] = [None] * len(a)
        if fn is np.arctan2:
            jump = (a == 0) & (b <= 0)
            expected = [
                [None if j else e for j, e in zip(jump, es, strict=True)] for es in expected
            ]
        if fn is np.divide:
            expected = [[e if y else None for y, e in zip(b, es, strict=True)] for es in expected]
        limits = PAIR_LIMITS.get(fn, {})
        if limits:
            more = np.array([*limits], dtype).T
            a, b = np.append(a, more[0]), np.append(b, more[1])
            for slot in (0, 1):
                expected[slot] = expected[slot] + [
                    None if pair[slot] is None else mp.mpf(pair[slot]) for pair in limits.values()
                ]
        yield fn, [a, b], expected


# --- functions of vectors -------------------------------------------------------------------------
def norm(p):
    def f(*x):
        size = [abs(v) for v in x]
        if p == INF:
            return max(size)
        if p == -INF:
            return min(size)
        if p < 0 and 0 in size:
            return mp.mpf(0)
        return sum(v**p for v in size) ** (mp.mpf(1) / p)

    return f


def variance(*x):
    mean = sum(x) / len(x)
    return sum((v - mean) ** 2 for v in x) / len(x)


def log_sum_exp(*x):
    top = max(x)
    return top + mp.log(sum(mp.exp(v - top) for v in x))


def first_softmax(x):
    return mg.softmax(x)[..., 0]


def log_of_first(x):
    return mg.log_softmax(x)[..., 0]


def to_first(x):
    return mg.cross_entropy(x, np.zeros(x.shape[:-1], int))


VECTOR = {
    "std": (lambda x: np.std(x, axis=-1), lambda *x: mp.sqrt(variance(*x))),
    "var": (lambda x: np.var(x, axis=-1), variance),
    "prod": (lambda x: np.prod(x, axis=-1), lambda *x: mp.fprod(x)),
    "cumprod": (lambda x: np.cumprod(x, axis=-1)[..., -1], lambda *x: mp.fprod(x)),
    "softmax": (first_softmax, lambda *x: mp.exp(x[0] - log_sum_exp(*x))),
    "log_softmax": (log_of_first, lambda *x: x[0] - log_sum_exp(*x)),
    "cross_entropy": (to_first, lambda *x: log_sum_exp(*x) - x[0]),
    "logaddexp.reduce by hand": (
        lambda x: np.logaddexp(np.logaddexp(x[..., 0], x[..., 1]), x[..., 2]),
        log_sum_exp,
    ),
    **{
        f"norm {p}": (lambda x, p=p: np.linalg.norm(x, p, axis=-1), norm(p))
        for p in (1, 2, 3, 4, 0.5, 1.5, -1, -2, INF, -INF)
    },
}


def rows(dtype):
    """Vectors of three: zeros, ties, one that dwarfs the others, one zero, small and large ones."""
    limits = np.finfo(dtype)
    tiny, eps, top = map(float, (limits.smallest_normal, limits.eps, limits.max))
    small, large = tiny**0.5 / 8, top**0.5 * 2
    return np.array(
        [
            [0, 0, 0],
            [2, 2, 2],
            [-0.1, -0.1, -0.1],
            [1, 1, 2],
            [0, 1, -2],
            [0, 0, 3],
            [1, eps, -eps],
            [eps, eps, 2 * eps],
            [small, small, -2 * small],
            [tiny, tiny, 2 * tiny],
            [small, 1, 0],
            [10, -10, 3],
            [40, -40, 0],
            [large, -large, large],
            [large, 1, 0],
            [top / 8, -top / 8, top / 16],
        ],
        dtype,
    )


def vector_cases(dtype, key):
    for name, (fn, f) in VECTOR.items():
        if key not in name:
            continue
        xs = rows(dtype)
        expected = []
        for row in xs:
            # A mean over rows of its own.
            count = len(xs) if name == "cross_entropy" else 1
            value = quietly(fn, row)
            for slot in range(3):
                e = convention(name, row, slot)
                if e is None:
                    e = quotient(f, row, slot, value)
                expected.append(None if e is None else e / count)
        yield name, fn, [xs], [expected]


def convention(name, row, slot):
    """What is sent at a kink: 0 where a norm or a deviation is 0 or an element of a norm is, equal shares of a tie."""
    size = abs(row)
    if name == "std":
        return mp.mpf(0) if len({*row.tolist()}) == 1 else None
    if name.startswith("norm") and row[slot] == 0:
        return mp.mpf(0)
    if name.endswith("inf"):
        wins = size == (size.min() if "-" in name else size.max())
        return mp.sign(row[slot]) * int(wins[slot]) / int(wins.sum())
    return None


def quietly(fn, *xs):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return fn(*xs)


def report(name, fn, xs, expected, dtype, everything, absolute):
    ways = quietly(three_ways, fn, *xs)
    bad = 0
    lines = []
    for slot, es in enumerate(expected):
        for i, e in enumerate(es):
            gots = {way: gs[slot].ravel()[i] for way, gs in ways.items()}
            off = [way for way, got in gots.items() if wrong(got, e, dtype, absolute)]
            got = [*gots.values()]
            apart = not np.allclose(got, got[0], rtol=8 * np.finfo(dtype).eps, equal_nan=True)
            if off or apart or everything:
                at = [x[i] for x in xs] if xs[0].ndim == 1 else xs[0][i // 3]
                said = {way: float(got) for way, got in gots.items()}
                wanted = None if e is None else mp.nstr(e, 8)
                mark = "apart" if apart and not off else "wrong" if off else "right"
                bad += mark != "right"
                lines.append(
                    f"  {mark}: d/d{slot} at {[float(z) for z in at]}: {said}, not {wanted}"
                )
    print(f"{name} {np.dtype(dtype)}: {bad} of {sum(map(len, expected))}")
    print(*lines, sep="\n", end="\n" if lines else "")
    return bad


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("-k", default="", help="only functions whose name holds this")
    options.add_argument("--dtype", help="only float64, float32 or float16")
    options.add_argument("--all", action="store_true", help="print every point")
    args = options.parse_args()
    bad = 0
    for dtype in DTYPES:
        if args.dtype not in (None, np.dtype(dtype).name):
            continue
        for cases in (unary_cases, binary_cases):
            for fn, xs, expected in cases(dtype, args.k):
                absolute = ABSOLUTE.get(fn, 0)
                bad += report(fn.__name__, fn, xs, expected, dtype, args.all, absolute)
        for name, fn, xs, expected in vector_cases(dtype, args.k):
            absolute = ABSOLUTE_OF_VECTORS.get(name, 0)
            bad += report(name, fn, xs, expected, dtype, args.all, absolute)
    print(f"{bad} wrong")
    raise SystemExit(bad > 0)


if __name__ == "__main__":
    main()
