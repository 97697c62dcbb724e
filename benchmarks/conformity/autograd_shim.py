"""HIPS autograd's names on NumPy and minigrad: what its own test files import.

``install()`` puts a tree of modules ``autograd`` into sys.modules. Only reverse mode is minigrad's: a Jacobian-vector
product is the VJP of the VJP, and what asks for forward mode alone, or for complex numbers, raises BeyondError.
"""

import builtins
import functools
import itertools
import sys
import types
import warnings

import numpy as np

import minigrad as mg
from minigrad.ops.table import defvjp as row
from minigrad.ops.table import dispatched

CONTAINERS = (tuple, list, dict)
EPS = 1e-6
TOLERANCE = 1e-6


class BeyondError(Exception):
    """What minigrad does not set out to do: complex numbers, forward mode, autograd's own machinery."""


# --- structures -----------------------------------------------------------------------------------
def leaves(x):
    """The arrays and numbers of nested containers, in order."""
    if not isinstance(x, CONTAINERS):
        return [x]
    parts = x.values() if isinstance(x, dict) else x
    return [leaf for part in parts for leaf in leaves(part)]


def rebuilt(x, values):
    """The containers of x around other values."""
    values = iter(values)

    def build(part):
        if isinstance(part, dict):
            return {k: build(v) for k, v in part.items()}
        if isinstance(part, CONTAINERS):
            return type(part)(build(v) for v in part)
        return next(values)

    return build(x)


def bare(x):
    """The structure without Tensors."""
    return rebuilt(x, [v.data[()] if isinstance(v, mg.Tensor) else v for v in leaves(x)])


def is_complex(x):
    return any(not isinstance(v, mg.Tensor) and np.iscomplexobj(v) for v in leaves(x))


# --- the one door: a function and a point to its value and its VJP --------------------------------
class Depth:
    """How many functions are being differentiated: inside one, results stay Tensors."""

    now = 0


def boxed(leaf):
    """A Tensor of its own for a leaf: what an outer function differentiates goes in by an identity."""
    if isinstance(leaf, mg.Tensor):
        return np.positive(leaf)
    if np.iscomplexobj(leaf):
        raise BeyondError("complex numbers")
    value = np.asarray(leaf)
    return mg.tensor(
        value, requires_grad=True, dtype=value.dtype if value.dtype.kind == "f" else float
    )


def make_vjp(fun, x):
    """The VJP of fun at x, and fun(x)."""
    Depth.now += 1
    try:
        point = rebuilt(x, map(boxed, leaves(x)))
        y = fun(point)
    finally:
        Depth.now -= 1
    if is_complex(y):
        raise BeyondError("complex numbers")

    def vjp(g):
        sent = pulled_back(leaves(y), leaves(g), leaves(point))
        return settled(rebuilt(x, sent))

    vjp.__name__ = f"vjp_{name_of(fun)}"
    return vjp, settled(y)


def settled(x):
    return x if Depth.now else bare(x)


def pulled_back(outputs, cotangents, inputs):
    """The sum over the outputs of what each sends to the inputs."""
    totals = [np.zeros(x.shape, x.dtype) for x in inputs]
    for y, g in zip(outputs, cotangents, strict=True):
        if not isinstance(y, mg.Tensor) or not y.requires_grad:
            continue
        on_tape = set(mg.Tape.of(y).nodes)
        asked = [k for k, x in enumerate(inputs) if x in on_tape]
        sent = mg.grad(y, [inputs[k] for k in asked], cotangent(g, y), create_graph=True)
        for k, each in zip(asked, sent, strict=True):
            totals[k] = totals[k] + each
    return totals


def cotangent(g, y):
    if isinstance(g, mg.Tensor):
        return g if g.dtype == y.dtype else g.astype(y.dtype)
    return mg.tensor(np.broadcast_to(np.asarray(g, y.dtype), y.shape))


# --- autograd's operators -------------------------------------------------------------------------
def name_of(fun):
    return getattr(fun, "__name__", "unknown")


def nary(operator):
    """An operator on functions of one point, for functions of several arguments."""

    @functools.wraps(operator)
    def on(fun, argnum=0, *options, **keywords):
        def at(*args, **kwargs):
            chosen = argnum if isinstance(argnum, CONTAINERS) else [argnum]

            def unary(x):
                values = x if isinstance(argnum, CONTAINERS) else [x]
                replaced = dict(zip(chosen, values, strict=True))
                return fun(*(replaced.get(k, a) for k, a in enumerate(args)), **kwargs)

            unary.__name__ = name_of(fun)
            point = tuple(args[k] for k in chosen)
            x = point if isinstance(argnum, CONTAINERS) else point[0]
            return operator(unary, x, *options, **keywords)

        at.__name__ = f"{operator.__name__}_of_{name_of(fun)}_wrt_argnum_{argnum}"
        at.__doc__ = (
            f"    {operator.__name__} of function {name_of(fun)} with respect to argument {argnum}"
        )
        return at

    return on


def ones(y):
    return rebuilt(y, [np.ones(np.shape(v)) for v in leaves(y)])


def zeros(y):
    return rebuilt(y, [np.zeros(np.shape(v)) for v in leaves(y)])


def scalar(y):
    """Refuse what is no number that a gradient can be taken of."""
    values = bare(leaves(y))
    if len(values) != 1 or np.size(values[0]) != 1 or np.asarray(values[0]).dtype.kind not in "fiu":
        raise TypeError("a gradient is taken of one real number")


def grad(fun, x):
    vjp, y = make_vjp(fun, x)
    scalar(y)
    return vjp(ones(y))


def value_and_grad(fun, x):
    vjp, y = make_vjp(fun, x)
    scalar(y)
    return y, vjp(ones(y))


def grad_and_aux(fun, x):
    vjp, (y, aux) = make_vjp(fun, x)
    return vjp((ones(y), zeros(aux))), aux


def elementwise_grad(fun, x):
    vjp, y = make_vjp(fun, x)
    return vjp(ones(y))


def jacobian(fun, x):
    vjp, y = make_vjp(fun, x)
    basis = np.eye(np.size(bare(y))).reshape(-1, *np.shape(y))
    return np.reshape(np.stack([vjp(e) for e in basis]), np.shape(y) + np.shape(x))


def hessian(fun, x):
    return jacobian(lambda x: jacobian(fun, x), x)


def make_hvp(fun, x):
    return make_vjp(lambda x: grad(fun, x), x)


def make_jvp(fun, x):
    """Forward mode by reverse mode twice: the VJP is linear in its cotangent."""
    vjp, y = make_vjp(fun, x)
    back, _ = make_vjp(vjp, zeros(y))
    return lambda v: (y, back(v))


def deriv(fun, x):
    return make_jvp(fun, x)(ones(x))[1]


def holomorphic_grad(fun, x):
    raise BeyondError("complex numbers")


def tensor_jacobian_product(fun, argnum=0):
    def product(*args):
        *args, v = args
        return np.tensordot(v, fun(*args), axes=np.ndim(v))

    return on_jacobian(product, argnum)


def hessian_tensor_product(fun, argnum=0):
    def product(*args):
        *args, v = args
        return np.tensordot(on_grad(fun, argnum)(*args), v, np.ndim(v))

    return on_grad(product, argnum)


def half_square(x):
    return np.sum(x**2, axis=-1) / 2


def make_ggnvp(f, g=half_square, f_argnum=0):
    def at(f, x):
        back, y = make_vjp(f, x)
        curvature, slope = make_vjp(lambda y: grad(g, y), y)
        forward, _ = make_vjp(back, zeros(slope))
        return lambda v: back(curvature(forward(v)))

    return nary(at)(f, f_argnum)


on_grad = nary(grad)
on_jacobian = nary(jacobian)


# --- checks against central differences -----------------------------------------------------------
class Checked:
    """How many examples were checked, and how many are not minigrad's to check, since the last reset."""

    done = 0
    complex = 0
    forward = 0


def check_grads(f, x, modes=("fwd", "rev"), order=2):
    """The VJP of f at x, and of that VJP, against central differences along a random direction."""
    if "rev" not in modes:
        Checked.forward += 1
        return
    if is_complex(x) or is_complex(f(x)):
        Checked.complex += 1
        return
    check_vjp(f, x)
    Checked.done += 1
    if order > 1:
        y = bare(f(x))
        cotangents = rebuilt(y, [np.random.standard_normal(np.shape(v)) for v in leaves(y)])

        def second(both):
            return make_vjp(f, both[0])[0](both[1])

        second.__name__ = f"vjp_{name_of(f)}"
        check_grads(second, (x, cotangents), modes, order - 1)


def check_vjp(f, x):
    vjp, y = make_vjp(f, x)
    g = [np.random.standard_normal(np.shape(v)) for v in leaves(y)]
    direction = [np.random.standard_normal(np.shape(v)) for v in leaves(x)]
    sent = leaves(vjp(rebuilt(y, g)))
    assert [np.shape(v) for v in sent] == [np.shape(v) for v in leaves(x)]
    exact = inner(direction, sent)
    ahead, behind = (bare(f(moved(x, direction, e))) for e in (EPS / 2, -EPS / 2))
    numeric = (inner(g, leaves(ahead)) - inner(g, leaves(behind))) / EPS
    assert near(exact, numeric), (
        f"Derivative (VJP) check of {name_of(f)} failed with arg {x}: analytic {exact}, numeric {numeric}"
    )


def moved(x, direction, length):
    return rebuilt(
        x, [np.asarray(v) + length * d for v, d in zip(leaves(x), direction, strict=True)]
    )


def inner(a, b):
    return sum(
        float(np.sum(np.asarray(u, float) * np.asarray(v, float)))
        for u, v in zip(a, b, strict=True)
    )


def near(a, b):
    return bool(abs(a - b) < TOLERANCE or abs(a - b) / abs(a + b) < TOLERANCE)


def check_equivalent(a, b):
    a, b = leaves(bare(a)), leaves(bare(b))
    assert [np.shape(v) for v in a] == [np.shape(v) for v in b]
    for u, v in zip(a, b, strict=True):
        np.testing.assert_allclose(u, v, TOLERANCE, TOLERANCE)


def combo_check(fun, *options, **keywords):
    """check_grads for every combination of the arguments and keywords given."""

    def check(*args, **kwargs):
        named = [[(k, v) for v in values] for k, values in kwargs.items()]
        for chosen in itertools.product(*args):
            for pairs in itertools.product(*named):
                on_check(fun, *options, **keywords)(*chosen, **dict(pairs))

    return check


on_check = nary(check_grads)


# --- operations of one's own ----------------------------------------------------------------------
def primitive(fun):
    """A function that is called on bare values, with a row of its own, which defvjp fills."""
    own = dispatched(functools.wraps(fun)(fun))

    @functools.wraps(fun)
    def public(*args, **kwargs):
        try:
            return own(*args, **kwargs)
        except mg.errors.UnsupportedError as error:
            raise NotImplementedError(str(error)) from None

    public.own = own
    return public


def defvjp(fun, *makers):
    def rule(maker):
        return lambda g, y, *xs: maker(y, *xs)(g)

    row(fun.own, *map(rule, makers))


# --- the tree of modules --------------------------------------------------------------------------
def array(x, *args, **kwargs):
    """np.array that takes lists of Tensors, as all of autograd's functions of arrays do."""
    if isinstance(x, mg.Tensor):
        return np.copy(x)
    if isinstance(x, list | tuple) and any(isinstance(v, mg.Tensor) for v in leaves(x)):
        return np.stack([array(v) for v in x])
    return np.array(x, *args, **kwargs)


def of_lists(fn):
    """A function of NumPy's to which a list of Tensors is an array."""

    @functools.wraps(fn)
    def public(*args, **kwargs):
        return fn(*(array(a) if isinstance(a, list | tuple) else a for a in args), **kwargs)

    return public


def make_diagonal(d, offset=0, axis1=0, axis2=1):
    """Vectors along the last axis as the diagonals of matrices."""
    return np.expand_dims(d, -1) * np.eye(d.shape[-1])


def is_instance(x, kind):
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if isinstance(x, mg.Tensor):
        return np.ndarray in kinds or float in kinds
    return isinstance(x, kinds)


def flatten(x):
    """One vector of all numbers, and the way back."""
    parts = [np.ravel(v) for v in leaves(ordered(x))]
    flat = np.concatenate(parts) if parts else np.zeros(0)
    ends = np.cumsum([np.size(p) for p in parts])

    def unflatten(v):
        pieces = np.split(v, ends[:-1]) if parts else []
        shaped = [
            np.reshape(p, np.shape(w))[()] for p, w in zip(pieces, leaves(ordered(x)), strict=True)
        ]
        return rebuilt(ordered(x), shaped)

    return flat, unflatten


def ordered(x):
    """Dicts by their keys."""
    if isinstance(x, dict):
        return {k: ordered(x[k]) for k in sorted(x)}
    return type(x)(map(ordered, x)) if isinstance(x, CONTAINERS) else x


def beyond(reason):
    """A function that says what minigrad does not have."""

    def refuse(*args, **kwargs):
        raise BeyondError(reason)

    return refuse


def module(name, **names):
    new = types.ModuleType(name)
    new.__dict__.update(names)
    sys.modules[name] = new
    parent, _, leaf = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], leaf, new)
    return new


def install():
    """Make ``import autograd`` give these names, in this process."""
    plain = [grad, value_and_grad, grad_and_aux, elementwise_grad, jacobian, hessian, make_hvp]
    operators = {f.__name__: nary(f) for f in [*plain, make_jvp, make_vjp, deriv, holomorphic_grad]}
    products = [hessian_tensor_product, tensor_jacobian_product, make_ggnvp]
    operators |= {f.__name__: f for f in products}
    containers = {k.__name__: k for k in CONTAINERS}
    module("autograd", **operators, **containers, isinstance=is_instance, checkpoint=lambda f: f)
    public = {k: getattr(np, k) for k in dir(np) if k == "__version__" or k[:2] != "__"}
    public |= {k: of_lists(getattr(np, k)) for k in ("mean", "std", "var", "append")}
    module("autograd.numpy", **(public | {"array": array, "make_diagonal": make_diagonal}))
    for part in ("random", "fft"):
        sys.modules[f"autograd.numpy.{part}"] = getattr(np, part)
    linalg = {k: getattr(np.linalg, k) for k in np.linalg.__all__}
    linalg |= {"norm": of_lists(np.linalg.norm), "_dot": np.dot, "T": np.matrix_transpose}
    module("autograd.numpy.linalg", **linalg)
    checks = {
        "scalar_close": near,
        "check_equivalent": check_equivalent,
        "combo_check": combo_check,
    }
    module("autograd.test_util", check_grads=on_check, **checks)
    module("autograd.builtins", isinstance=is_instance, type=builtins.type, **containers)
    module("autograd.tracer", isbox=lambda x: isinstance(x, mg.Tensor), primitive=primitive)
    module("autograd.extend", primitive=primitive, defvjp=defvjp)
    module("autograd.core", make_vjp=make_vjp, primitive=primitive, primitive_vjps={})
    module("autograd.wrap_util", unary_to_nary=nary)
    module("autograd.misc", flatten=flatten, const_graph=beyond("autograd's constant graphs"))
    module("autograd.util", quick_grad_check=beyond("autograd's deprecated names"))
    scipy_modules()


def scipy_modules():
    """SciPy itself, where it is installed: what of it minigrad differentiates shows in the table."""
    try:
        import scipy.integrate
        import scipy.linalg
        import scipy.signal
        import scipy.special
        import scipy.stats
    except ImportError:
        warnings.warn("scipy is not installed: test_scipy.py fails to import", stacklevel=2)
        return
    module("autograd.scipy")
    for part in ("integrate", "linalg", "signal", "special", "stats"):
        sys.modules[f"autograd.scipy.{part}"] = getattr(scipy, part)
        setattr(sys.modules["autograd.scipy"], part, getattr(scipy, part))
    sys.modules["autograd.scipy.stats.multivariate_normal"] = scipy.stats.multivariate_normal
