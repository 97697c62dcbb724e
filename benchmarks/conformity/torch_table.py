"""PyTorch's functions in NumPy: what opinfo.py runs beside each of PyTorch's own.

A row is a name of PyTorch's operator database and a function of the same arguments, written in NumPy. BeyondError says
that a call has no counterpart in NumPy's terms.
"""

import functools

import numpy as np

import minigrad as mg


class BeyondError(Exception):
    """A call that NumPy does not have: why."""


# --- element by element ---------------------------------------------------------------------------
SAME = """
abs ceil cos cosh deg2rad exp exp2 expm1 floor log log10 log1p log2 negative nan_to_num positive rad2deg reciprocal
sign sin sinc sinh sqrt square tan tanh trunc isfinite isinf isnan isposinf isneginf signbit fmax fmin maximum minimum
fmod remainder hypot logaddexp logaddexp2 copysign heaviside float_power logical_and logical_or logical_xor logical_not
isclose allclose fliplr flipud ravel real conj kron outer inner dot vdot matmul
hstack vstack dstack column_stack argwhere isreal
"""
RENAMED = {
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "atanh": np.arctanh,
    "neg": np.negative,
    "sgn": np.sign,
    "angle": np.angle,
    "conj_physical": np.conjugate,
    "resolve_conj": np.conjugate,
    "conj": np.conjugate,
    "clone": np.copy,
    "contiguous": np.copy,
    "mul": np.multiply,
    "__rmul__": np.multiply,
    "__radd__": np.add,
    "true_divide": np.divide,
    "pow": np.power,
    "__rdiv__": lambda a, b: np.divide(b, a),
    "__rpow__": lambda a, b: np.power(b, a),
    "__rmod__": lambda a, b: np.remainder(b, a),
    "__rsub__": lambda a, b: np.subtract(b, a),
    "__rmatmul__": lambda a, b: np.matmul(b, a),
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "frac": lambda x: x - np.trunc(x),
    "sigmoid": mg.sigmoid,
    "add": lambda a, b, alpha=1: a + alpha * b,
    "sub": lambda a, b, alpha=1: a - alpha * b,
    "rsub": lambda a, b, alpha=1: b - alpha * a,
    "where": lambda a, c, b: np.where(c, a, b),
    "masked_fill": lambda x, mask, value: np.where(mask, value, x),
    "lerp": lambda a, b, weight: a + weight * (b - a),
    "addcmul": lambda x, a, b, value=1: x + value * a * b,
    "addcdiv": lambda x, a, b, value=1: x + value * a / b,
    "ldexp": lambda a, b: a * np.exp2(b),
    "clamp": lambda x, low=None, high=None, **kw: np.clip(
        x, kw.get("min", low), kw.get("max", high)
    ),
    "clamp_min": np.maximum,
    "clamp_max": np.minimum,
    "nn.functional.relu": mg.relu,
    "nn.functional.relu6": lambda x: np.clip(x, 0, 6),
    "nn.functional.hardtanh": lambda x, min_val=-1, max_val=1: np.clip(x, min_val, max_val),
    "nn.functional.leaky_relu": lambda x, negative_slope=0.01: np.where(
        x > 0, x, negative_slope * x
    ),
    "nn.functional.softsign": lambda x: x / (1 + np.abs(x)),
    "nn.functional.tanhshrink": lambda x: x - np.tanh(x),
    "nn.functional.silu": lambda x: x * mg.sigmoid(x),
    "nn.functional.mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "nn.functional.logsigmoid": lambda x: -np.logaddexp(0, -x),
    "nn.functional.threshold": lambda x, threshold, value: np.where(x > threshold, x, value),
    "nn.functional.hardsigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "nn.functional.hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "nn.functional.elu": lambda x, alpha=1.0: np.where(
        x > 0, x, alpha * np.expm1(np.minimum(x, 0))
    ),
}


def div(a, b, rounding_mode=None):
    rounded = {None: np.positive, "trunc": np.trunc, "floor": np.floor}[rounding_mode]
    return rounded(a / b)


def rounded(x, decimals=0):
    return np.round(x, decimals)


def logit(x, eps=None):
    x = x if eps is None else np.clip(x, eps, 1 - eps)
    return np.log(x / (1 - x))


def softplus(x, beta=1, threshold=20):
    return np.where(
        beta * x > threshold, x, np.logaddexp(0, np.minimum(beta * x, threshold)) / beta
    )


# --- reductions and along an axis -----------------------------------------------------------------
def axis_of(dim):
    """PyTorch's dim=() and dim=[] mean all axes."""
    if dim is None or (isinstance(dim, list | tuple) and not dim):
        return None
    return tuple(dim) if isinstance(dim, list | tuple) else dim


def reduced(fn):
    def call(x, dim=None, keepdim=False, dtype=None):
        if dtype is not None:
            raise BeyondError("dtype=")
        return fn(x, axis=axis_of(dim), keepdims=keepdim)

    return call


def deviation(fn):
    def call(x, dim=None, unbiased=True, keepdim=False, correction=None):
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        ddof = correction if correction is not None else int(unbiased)
        return fn(x, axis=axis_of(dim), ddof=ddof, keepdims=keepdim)

    return call


def with_mean(fn):
    def call(x, dim=None, unbiased=True, keepdim=False, correction=None):
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        y = deviation(fn)(x, dim, unbiased, keepdim, correction)
        return y, np.mean(x, axis=axis_of(dim), keepdims=keepdim)

    return call


def extreme(fn, where, of_two):
    """PyTorch's max: of all, along an axis with its indices, or of two arrays."""

    def call(x, dim=None, keepdim=False):
        if isinstance(dim, np.ndarray | mg.Tensor):
            return of_two(x, dim)
        if dim is None:
            return fn(x)
        best = np.expand_dims(where(x, axis=dim), dim)
        y = np.take_along_axis(x, best, axis=dim)
        return (y if keepdim else np.squeeze(y, dim)), (best if keepdim else np.squeeze(best, dim))

    return call


def along(fn):
    def call(x, dim, dtype=None):
        return fn(x, axis=dim)

    return call


def logsumexp(x, dim, keepdim=False):
    axis = axis_of(dim)
    top = np.max(getattr(x, "data", x), axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdim else np.squeeze(total, axis=axis)


def diff(x, n=1, dim=-1, prepend=None, append=None):
    ends = {"prepend": prepend, "append": append}
    return np.diff(x, n, axis=dim, **{k: v for k, v in ends.items() if v is not None})


def trapezoid(y, x=None, dim=-1, dx=1.0):
    return np.trapezoid(y, x, dx=dx, axis=dim)


def softmax(fn):
    def call(x, dim, dtype=None):
        return fn(x, axis=dim)

    return call


def sort(x, dim=-1, descending=False, stable=False):
    order = np.argsort(np.negative(x) if descending else x, axis=dim, kind="stable")
    return np.take_along_axis(x, order, axis=dim), order


def norm(x, ord=None, dim=None, keepdim=False, dtype=None):
    if dtype is not None:
        raise BeyondError("dtype=")
    if ord is None and dim is None:
        y = np.linalg.norm(np.ravel(x))
        return np.reshape(y, (1,) * np.ndim(x)) if keepdim else y
    return np.linalg.norm(x, ord, axis=axis_of(dim), keepdims=keepdim)


def old_norm(x, p="fro", dim=None, keepdim=False, dtype=None):
    if dtype is not None or p == "nuc":
        raise BeyondError("dtype= or nuc of many axes")
    p = 2 if p == "fro" else p
    return np.linalg.vector_norm(x, axis=axis_of(dim), keepdims=keepdim, ord=p)


def vector_norm(x, ord=2, dim=None, keepdim=False, dtype=None):
    if dtype is not None:
        raise BeyondError("dtype=")
    return np.linalg.vector_norm(x, axis=axis_of(dim), keepdims=keepdim, ord=ord)


def matrix_norm(x, ord="fro", dim=(-2, -1), keepdim=False, dtype=None):
    if dtype is not None:
        raise BeyondError("dtype=")
    return np.linalg.norm(x, ord, axis=tuple(dim), keepdims=keepdim)


# --- shape and order ------------------------------------------------------------------------------
def shaped(x, *shape):
    return np.reshape(x, shape[0] if shape and isinstance(shape[0], list | tuple) else shape)


def permuted(x, *axes):
    return np.transpose(x, axes[0] if isinstance(axes[0], list | tuple) else axes)


def squeezed(x, dim=None):
    if dim is None:
        return np.squeeze(x)
    axes = [dim] if isinstance(dim, int) else dim
    ones = tuple(a for a in axes if x.ndim and x.shape[a] == 1)
    return np.squeeze(x, ones) if ones else np.copy(x)


def expanded(x, *shape):
    shape = shape[0] if isinstance(shape[0], list | tuple) else shape
    known = (*[1] * (len(shape) - x.ndim), *x.shape)
    lengths = [old if new == -1 else new for new, old in zip(shape, known, strict=True)]
    return np.broadcast_to(x, lengths)


def flattened(x, start_dim=0, end_dim=-1):
    if x.ndim == 0:
        return np.reshape(x, 1)
    start, end = start_dim % x.ndim, end_dim % x.ndim
    return np.reshape(
        x, (*x.shape[:start], np.prod(x.shape[start : end + 1], dtype=int), *x.shape[end + 1 :])
    )


def repeated(x, *times):
    times = times[0] if isinstance(times[0], list | tuple) else times
    return np.tile(x, times)


def split(x, size, dim=0):
    lengths = size if isinstance(size, list | tuple) else None
    ends = np.cumsum(lengths)[:-1] if lengths else np.arange(size, x.shape[dim], size)
    return tuple(np.split(x, ends, axis=dim))


def tensor_split(x, sections, dim=0):
    sections = getattr(sections, "tolist", lambda: sections)()
    return tuple(np.array_split(x, sections, axis=dim))


def chunk(x, chunks, dim=0):
    return split(x, max(1, -(-x.shape[dim] // chunks)), dim)


def gather(x, dim, index, sparse_grad=False):
    if x.ndim == 0 or index.ndim == 0:
        raise BeyondError("indices of a number")
    grid = list(np.indices(index.shape))
    grid[dim % x.ndim] = index
    return x[tuple(grid)]


def taken_along(x, index, dim=None):
    return np.take_along_axis(x, index, axis=dim)


def padded(x, pad, mode="constant", value=0.0):
    """PyTorch's widths begin at the last axis."""
    modes = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    if min(pad, default=0) < 0:
        raise BeyondError("padding below 0")
    pairs = [*zip(pad[::2], pad[1::2], strict=True)][::-1]
    widths = [(0, 0)] * (x.ndim - len(pairs)) + pairs
    options = {"constant_values": value or 0.0} if mode == "constant" else {}
    return np.pad(x, widths, modes[mode], **options)


def einsum(operands, equation):
    return np.einsum(equation, *operands)


def meshgrid(x, *others, indexing="ij"):
    return np.meshgrid(*(x if isinstance(x, list | tuple) else (x, *others)), indexing=indexing)


def cat(xs, dim=0, **out):
    if any(np.shape(x) == (0,) for x in xs) and any(np.ndim(x) > 1 for x in xs):
        raise BeyondError("an empty vector beside matrices")
    return np.concatenate(xs, axis=dim)


def getitem(x, index):
    if isinstance(index, list):
        index = (
            tuple(index) if any(isinstance(i, slice | list | type(None)) for i in index) else index
        )
    return x[index]


# --- products and linear algebra ------------------------------------------------------------------
def cross(a, b, dim=-1):
    if dim is None:
        raise BeyondError("the first axis of 3")
    return np.cross(a, b, axis=dim)


def tensordot(a, b, dims=2):
    return np.tensordot(a, b, dims)


def multi_dot(xs):
    return np.linalg.multi_dot(xs)


def scaled(product):
    def call(x, a, b, beta=1, alpha=1):
        return beta * x + alpha * product(a, b)

    return call


def solve(a, b, left=True):
    if not left:
        raise BeyondError("left=False")
    if b.ndim == a.ndim - 1 and b.ndim and b.shape == a.shape[:-1]:
        return np.linalg.solve(a, b[..., None])[..., 0]
    return np.linalg.solve(a, b)


def cholesky(x, upper=False):
    lower = np.linalg.cholesky(x)
    return np.swapaxes(lower, -1, -2) if upper else lower


def svd(x, full_matrices=True):
    if full_matrices and x.shape[-1] != x.shape[-2]:
        raise BeyondError("full_matrices=True of matrices that are not square")
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return np.abs(u), s, np.abs(vh)


def eigh(x, UPLO="L"):
    w, v = np.linalg.eigh(x, UPLO)
    return w, np.abs(v)


def pinv(x, rcond=None, rtol=None, hermitian=False, **others):
    if others or np.ndim(rtol) or np.ndim(rcond):
        raise BeyondError("absolute tolerances, or one for each matrix")
    bound = rtol if rcond is None else rcond
    return np.linalg.pinv(
        x, hermitian=hermitian, **({} if bound is None else {"rtol": float(bound)})
    )


def of_several(fn):
    """np.atleast_1d and its like take several arrays, PyTorch's a list of them."""
    return lambda x: fn(*x) if isinstance(x, list | tuple) else fn(x)


def product_of_stacks(a, b):
    """The products of a batch, summed."""
    return np.sum(np.matmul(a, b), axis=0)


# --- losses and layers ----------------------------------------------------------------------------
def mean_of(loss):
    def call(a, b, reduction="mean", **others):
        if others:
            raise BeyondError(", ".join(others))
        fold = {"mean": np.mean, "sum": np.sum, "none": np.positive}[reduction]
        return fold(loss(a, b))

    return call


def cross_entropy(x, target, **others):
    if others or target.dtype.kind == "f" or x.ndim != 2:
        raise BeyondError(", ".join(others) or "targets that are no labels, or more axes")
    return mg.cross_entropy(x, target)


def linear(x, weight, bias=None):
    y = x @ np.swapaxes(weight, 0, 1) if weight.ndim == 2 else x @ weight
    return y if bias is None else y + bias


def layer_norm(x, shape, weight=None, bias=None, eps=1e-5):
    axes = tuple(range(-len(shape), 0))
    y = (x - np.mean(x, axes, keepdims=True)) / np.sqrt(np.var(x, axes, keepdims=True) + eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def normalize(x, p=2.0, dim=1, eps=1e-12):
    return x / np.maximum(np.linalg.vector_norm(x, axis=dim, keepdims=True, ord=p), eps)


def embedding(weight, index, **others):
    if any(v for v in others.values()):
        raise BeyondError(", ".join(others))
    return weight[index]


ROWS = {name: getattr(np, name) for name in SAME.split() if hasattr(np, name)} | RENAMED
ROWS |= {
    name: reduced(getattr(np, name))
    for name in ("sum", "mean", "prod", "nansum", "nanmean", "amax", "amin")
}
ROWS |= {
    name: reduced(getattr(np, name)) for name in ("all", "any", "argmax", "argmin", "count_nonzero")
}
ROWS |= {name: along(getattr(np, name)) for name in ("cumsum", "cumprod")}
ROWS |= {name: of_several(getattr(np, name)) for name in ("atleast_1d", "atleast_2d", "atleast_3d")}
ROWS |= {
    "div": div,
    "round": rounded,
    "logit": logit,
    "nn.functional.softplus": softplus,
    "var": deviation(np.var),
    "std": deviation(np.std),
    "var_mean": with_mean(np.var),
    "std_mean": with_mean(np.std),
    "max": extreme(np.max, np.argmax, np.maximum),
    "min": extreme(np.min, np.argmin, np.minimum),
    "logsumexp": logsumexp,
    "diff": diff,
    "trapezoid": trapezoid,
    "trapz": trapezoid,
    "softmax": softmax(mg.softmax),
    "log_softmax": softmax(mg.log_softmax),
    "nn.functional.softmin": softmax(lambda x, axis: mg.softmax(-x, axis)),
    "sort": sort,
    "msort": lambda x: np.sort(x, axis=0),
    "argsort": lambda x, dim=-1, descending=False, stable=False: sort(x, dim, descending)[1],
    "linalg.norm": norm,
    "norm": old_norm,
    "linalg.vector_norm": vector_norm,
    "linalg.matrix_norm": matrix_norm,
    "dist": lambda a, b, p=2: np.linalg.vector_norm(a - b, ord=p),
    "reshape": shaped,
    "view": shaped,
    "permute": permuted,
    "transpose": np.swapaxes,
    "t": np.transpose,
    "T": np.transpose,
    "mT": np.matrix_transpose,
    "movedim": np.moveaxis,
    "squeeze": squeezed,
    "unsqueeze": np.expand_dims,
    "expand": expanded,
    "broadcast_to": np.broadcast_to,
    "broadcast_tensors": np.broadcast_arrays,
    "flatten": flattened,
    "tile": np.tile,
    "repeat": repeated,
    "flip": lambda x, dims: np.flip(x, tuple(dims)),
    "rot90": lambda x, k=1, dims=(0, 1): np.rot90(x, k, dims),
    "roll": lambda x, shifts, dims=None: np.roll(x, shifts, None if dims in (None, ()) else dims),
    "stack": lambda xs, dim=0: np.stack(xs, axis=dim),
    "cat": cat,
    "split": split,
    "split_with_sizes": split,
    "tensor_split": tensor_split,
    "hsplit": lambda x, n: tuple(np.hsplit(x, n)),
    "vsplit": lambda x, n: tuple(np.vsplit(x, n)),
    "dsplit": lambda x, n: tuple(np.dsplit(x, n)),
    "chunk": chunk,
    "unbind": lambda x, dim=0: tuple(np.unstack(x, axis=dim)),
    "meshgrid": meshgrid,
    "narrow": lambda x, dim, start, n: np.take(x, np.arange(int(start), int(start) + n), axis=dim),
    "select": lambda x, dim, index: np.take(x, index, axis=dim),
    "tril": lambda x, k=0: np.tril(x, k),
    "triu": lambda x, k=0: np.triu(x, k),
    "diag": lambda x, k=0: np.diag(x, k),
    "diagonal": lambda x, offset=0, dim1=0, dim2=1: np.diagonal(x, offset, dim1, dim2),
    "linalg.diagonal": lambda x, offset=0, dim1=-2, dim2=-1: np.diagonal(x, offset, dim1, dim2),
    "trace": np.trace,
    "index_select": lambda x, dim, index: np.take(x, index, axis=dim),
    "take": np.take,
    "gather": gather,
    "take_along_dim": taken_along,
    "masked_select": lambda x, mask: np.broadcast_arrays(x, mask)[0][
        np.broadcast_to(mask, np.broadcast_shapes(x.shape, mask.shape))
    ],
    "__getitem__": getitem,
    "nn.functional.pad": padded,
    "constant_pad_nd": lambda x, pad, value=0: padded(x, pad, "constant", value),
    "cross": cross,
    "linalg.cross": cross,
    "mv": np.matmul,
    "mm": np.matmul,
    "bmm": np.matmul,
    "addmm": scaled(np.matmul),
    "addmv": scaled(np.matmul),
    "baddbmm": scaled(np.matmul),
    "addbmm": scaled(product_of_stacks),
    "addr": scaled(np.outer),
    "einsum": einsum,
    "tensordot": tensordot,
    "linalg.multi_dot": multi_dot,
    "linalg.matrix_power": np.linalg.matrix_power,
    "linalg.vecdot": lambda a, b, dim=-1: np.vecdot(a, b, axis=dim),
    "linalg.det": np.linalg.det,
    "linalg.slogdet": lambda x: tuple(np.linalg.slogdet(x)),
    "logdet": lambda x: np.linalg.slogdet(x)[1],
    "linalg.inv": np.linalg.inv,
    "linalg.solve": solve,
    "linalg.cholesky": cholesky,
    "cholesky": cholesky,
    "linalg.eigh": eigh,
    "linalg.eigvalsh": np.linalg.eigvalsh,
    "linalg.svd": svd,
    "linalg.svdvals": np.linalg.svdvals,
    "linalg.pinv": pinv,
    "pinverse": lambda x, rcond=None: pinv(x),
    "nn.functional.mse_loss": mean_of(lambda a, b: np.square(a - b)),
    "nn.functional.l1_loss": mean_of(lambda a, b: np.abs(a - b)),
    "nn.functional.cross_entropy": cross_entropy,
    "nn.functional.linear": linear,
    "nn.functional.layer_norm": layer_norm,
    "nn.functional.normalize": normalize,
    "nn.functional.embedding": embedding,
}
# what is compared of a result that is unique up to a sign only
MAGNITUDES = {"linalg.eigh": (1,), "linalg.svd": (0, 2)}
ROWS["nn.functional.one_hot"] = functools.partial(
    lambda x, classes=-1: mg.one_hot(x, classes if classes > 0 else int(np.max(x)) + 1)
)
