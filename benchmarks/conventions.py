"""Which derivative is sent where there is none, or several: ours beside PyTorch's, JAX's and HIPS autograd's.

    pip install torch jax autograd && python benchmarks/conventions.py > docs/conventions.md

Every number of the table is computed, by whatever of the four is installed, in float64.
"""

import datetime
import importlib.metadata
import warnings

import numpy as np

import minigrad as mg

INTRODUCTION = """# Conventions

At ties, kinks and zeros a derivative is a choice. These are the choices of minigrad, and what others choose at the same
points. A plain number is the derivative by one operand, several are those by each element, in order; `nan` is what an
engine sends, not a gap in the table; `raises` is an error; a dash means that the function is not there.

Ties share: every element or operand that is the extreme has an equal part, so that permuting equal operands changes
nothing. At a kink in the middle of two slopes the slope is between them: `abs` has 0. `relu` has 0, as everywhere.
Norms and deviations have 0 where they are 0, to second order too, so that a constant row or a gradient of zeros does
not make a parameter NaN. Where the derivative is infinite it is infinite (`sqrt` at 0), and 0 times it is NaN: mask
what goes into a root, not what comes out of it. Slopes that are computed from the value (`tanh`, `sigmoid`) are exact
to a rounding of the largest slope, and are 0 where the value has rounded to its limit.
"""
INF = np.inf
CASES = [
    # --- ties
    ("max", "[1, 3, 3]", [[1.0, 3, 3]], "max"),
    ("min", "[1, 1, 3]", [[1.0, 1, 3]], "min"),
    ("maximum", "2, 2", [2.0, 2.0], "maximum"),
    ("minimum", "2, 2", [2.0, 2.0], "minimum"),
    ("fmax", "2, 2", [2.0, 2.0], "fmax"),
    ("sort, first of", "[2, 2, 1]", [[2.0, 2, 1]], "sort_last"),
    ("median", "[1, 2, 2, 3]", [[1.0, 2, 2, 3]], "median"),
    ("median", "[2, 2, 2]", [[2.0, 2, 2]], "median"),
    ("norm, inf", "[3, -3, 1]", [[3.0, -3, 1]], "norm_inf"),
    # --- kinks
    ("abs", "0", [0.0], "abs"),
    ("relu", "0", [0.0], "relu"),
    ("clip to 0..1", "0", [0.0], "clip"),
    ("clip to 0..1", "1", [1.0], "clip"),
    ("where(x > 0, sqrt(x), 0)", "0", [0.0], "masked_sqrt"),
    ("copysign", "0, 1", [0.0, 1.0], "copysign"),
    # --- zeros
    ("sqrt", "0", [0.0], "sqrt"),
    ("cbrt", "0", [0.0], "cbrt"),
    ("x ** 2", "0", [0.0], "square"),
    ("x ** 0", "0", [0.0], "to_the_0"),
    ("power", "0, 0", [0.0, 0.0], "power"),
    ("power", "0, 2", [0.0, 2.0], "power"),
    ("power", "0, -1", [0.0, -1.0], "power"),
    ("x log(x)", "0", [0.0], "x_log_x"),
    ("norm", "[0, 0]", [[0.0, 0]], "norm"),
    ("norm, 1", "[0, -2]", [[0.0, -2]], "norm_1"),
    ("norm, 3", "[0, 0]", [[0.0, 0]], "norm_3"),
    ("norm, 0.5", "[0, 1]", [[0.0, 1]], "norm_half"),
    ("std", "[2, 2, 2]", [[2.0, 2, 2]], "std"),
    ("var", "[2, 2, 2]", [[2.0, 2, 2]], "var"),
    ("hypot", "0, 0", [0.0, 0.0], "hypot"),
    ("arctan2", "0, 0", [0.0, 0.0], "arctan2"),
    ("sinc", "0", [0.0], "sinc"),
    ("prod", "[0, 0, 3]", [[0.0, 0, 3]], "prod"),
    ("prod", "[0, 2, 3]", [[0.0, 2, 3]], "prod"),
    ("cumprod, summed", "[0, 2, 3]", [[0.0, 2, 3]], "cumprod"),
    ("det", "[[1, 2], [2, 4]]", [[[1.0, 2], [2, 4]]], "det"),
    # --- far out
    ("logaddexp", "1e17, 1e17", [1e17, 1e17], "logaddexp"),
    ("logaddexp", "-inf, -inf", [-INF, -INF], "logaddexp"),
    ("logaddexp", "inf, 1", [INF, 1.0], "logaddexp"),
    ("softmax, first of", "[-inf, 0]", [[-INF, 0.0]], "softmax"),
    ("log_softmax, second of", "[-inf, 0]", [[-INF, 0.0]], "log_softmax"),
    ("expm1", "-40", [-40.0], "expm1"),
    ("tanh", "20", [20.0], "tanh"),
    ("sigmoid", "40", [40.0], "sigmoid"),
    ("sigmoid", "-40", [-40.0], "sigmoid"),
    ("arcsinh", "1e200", [1e200], "arcsinh"),
    ("arccosh", "1e200", [1e200], "arccosh"),
    ("sinc", "1e-9", [1e-9], "sinc"),
    ("arctan2", "1e200, 1e200", [1e200, 1e200], "arctan2"),
    ("hypot", "1e200, 1e200", [1e200, 1e200], "hypot"),
]


# --- the four -------------------------------------------------------------------------------------
def numpys(np, **own):
    """The functions by the names that NumPy's have."""
    names = "max min maximum minimum fmax median abs copysign sqrt cbrt power std var hypot arctan2 sinc prod"
    names += " logaddexp expm1 tanh arcsinh arccosh square"
    functions = {name: getattr(np, name, None) for name in names.split()}
    norm = np.linalg.norm
    return {
        **functions,
        "sort_last": lambda x: np.sort(x)[-1],
        "norm_inf": lambda x: norm(x, INF),
        "norm_1": lambda x: norm(x, 1),
        "norm_3": lambda x: norm(x, 3),
        "norm_half": lambda x: norm(x, 0.5),
        "norm": norm,
        "clip": lambda x: np.clip(x, 0.0, 1.0),
        "masked_sqrt": lambda x: np.where(x > 0, np.sqrt(x), 0.0),
        "to_the_0": lambda x: x**0,
        "square": lambda x: x**2,
        "x_log_x": lambda x: x * np.log(x),
        "cumprod": lambda x: np.sum(np.cumprod(x)),
        "det": np.linalg.det,
        **own,
    }


def minigrad():
    functions = numpys(
        np,
        relu=mg.relu,
        sigmoid=mg.sigmoid,
        softmax=lambda x: mg.softmax(x)[0],
        log_softmax=lambda x: mg.log_softmax(x)[1],
    )

    def gradients(fn, xs):
        ts = [mg.tensor(x, requires_grad=True) for x in xs]
        return [g.data for g in mg.grad(fn(*ts), ts)]

    return functions, gradients


def torch():
    import torch as t

    names = (
        "max min maximum minimum fmax abs copysign sqrt square hypot arctan2 sinc prod logaddexp"
    )
    names += " expm1 tanh sigmoid relu arcsinh arccosh"
    functions = {name: getattr(t, name, None) for name in names.split()}
    norm = t.linalg.vector_norm
    functions |= {
        "power": t.pow,
        "median": t.median,
        "sort_last": lambda x: t.sort(x).values[-1],
        "norm": norm,
        "norm_inf": lambda x: norm(x, INF),
        "norm_1": lambda x: norm(x, 1),
        "norm_3": lambda x: norm(x, 3),
        "norm_half": lambda x: norm(x, 0.5),
        "clip": lambda x: t.clip(x, 0.0, 1.0),
        "masked_sqrt": lambda x: t.where(x > 0, t.sqrt(x), 0.0),
        "to_the_0": lambda x: x**0,
        "square": lambda x: x**2,
        "x_log_x": lambda x: x * t.log(x),
        "std": lambda x: t.std(x, correction=0),
        "var": lambda x: t.var(x, correction=0),
        "cumprod": lambda x: t.sum(t.cumprod(x, 0)),
        "det": t.linalg.det,
        "softmax": lambda x: t.softmax(x, -1)[0],
        "log_softmax": lambda x: t.log_softmax(x, -1)[1],
    }

    def gradients(fn, xs):
        ts = [t.tensor(x, dtype=t.float64, requires_grad=True) for x in xs]
        return [np.array(g.tolist()) for g in t.autograd.grad(fn(*ts), ts)]

    return functions, gradients


def jax():
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    functions = numpys(
        jnp,
        relu=jax.nn.relu,
        sigmoid=jax.nn.sigmoid,
        softmax=lambda x: jax.nn.softmax(x)[0],
        log_softmax=lambda x: jax.nn.log_softmax(x)[1],
    )

    def gradients(fn, xs):
        arrays = [jnp.asarray(x, jnp.float64) for x in xs]
        return [np.asarray(g) for g in jax.grad(fn, tuple(range(len(xs))))(*arrays)]

    return functions, gradients


def autograd():
    import autograd.numpy as anp
    from autograd import grad

    functions = numpys(anp)

    def gradients(fn, xs):
        arrays = [np.asarray(x, float) for x in xs]
        return [grad(fn, i)(*arrays) for i in range(len(xs))]

    return functions, gradients


# --- the table ------------------------------------------------------------------------------------
def number(x):
    return f"{x + 0.0:.4g}"


def cell(functions, gradients, name, xs):
    fn = functions.get(name)
    if fn is None:
        return "-"
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = gradients(fn, xs)
    except NotImplementedError:
        return "-"
    except Exception:
        return "raises"
    return ", ".join(number(x) for g in found for x in np.ravel(g))


def installed():
    titles = {minigrad: "minigrad", torch: "PyTorch", jax: "JAX", autograd: "HIPS autograd"}
    for load, title in titles.items():
        try:
            functions, gradients = load()
        except ImportError:
            continue
        if load is minigrad:
            yield title, functions, gradients
        else:
            version = importlib.metadata.version(load.__name__).partition("+")[0]
            yield f"{title} {version}", functions, gradients


def main():
    engines = [*installed()]
    print(INTRODUCTION)
    print("| function | at |", " | ".join(title for title, *_ in engines), "|")
    print("|---" * (2 + len(engines)) + "|")
    for title, at, xs, name in CASES:
        cells = [cell(functions, gradients, name, xs) for _, functions, gradients in engines]
        print(f"| {title} | {at} |", " | ".join(cells), "|")
    today = datetime.datetime.now(datetime.UTC).date()
    print(f"\nMade by `python benchmarks/conventions.py` on {today}, NumPy {np.__version__}.")


if __name__ == "__main__":
    main()
