"""Random programs as text: lines of NumPy over a few arrays, drawn from rows like those of the engine's table.

A row is a text in which {x} is any value of the program, {a} and {b} two that broadcast, {m} a matrix, {s} a regular
symmetric one, {c} a number; or a function of the draw that returns such a text. A line is kept where NumPy can compute
it and the result is small and finite. ``np`` in the text is NumPy or jax.numpy, ``nn`` minigrad or its twin in JAX.
"""

import numpy as np

import minigrad as mg

MAX_SIZE = 80
MAX_AXES = 4
MAX_VALUE = 40.0
TRIES = 12

SMOOTH = """
np.tanh({x}) | np.sin({x}) | np.cos({x}) | np.arctan({x}) | np.square({x}) | np.negative({x}) | np.positive({x})
np.exp(np.tanh({x})) | np.exp2(np.sin({x})) | np.expm1(np.tanh({x})) | np.log(np.square({x}) + 0.5)
np.log2(1 + np.square({x})) | np.log10(1 + np.square({x})) | np.log1p(np.square({x}))
np.sqrt(np.square({x}) + 0.3)
np.cbrt(np.square({x}) + 0.3) | np.sinh(np.tanh({x})) | np.cosh(np.tanh({x})) | np.tan(np.tanh({x}) / 2)
np.arcsin(0.9 * np.tanh({x})) | np.arccos(0.9 * np.tanh({x})) | np.arcsinh({x})
np.arccosh(1.2 + np.square({x}))
np.arctanh(0.8 * np.sin({x})) | np.reciprocal(1 + np.square({x})) | np.sinc({x}) | np.deg2rad({x})
np.degrees({x} / 9)
np.rad2deg({x} / 9) | np.radians({x}) | np.real({x}) | np.conjugate({x}) | np.nan_to_num({x}) | np.copy({x})
{x} ** 2 | {x} ** 3 | (1 + np.square({x})) ** {c} | {c} - {x} | {x} * {c} | {c} / (1 + np.square({x}))
nn.sigmoid({x}) | nn.softmax({v}) | nn.log_softmax({v}) | nn.softmax({m}, axis=0) | nn.log_softmax({m}, axis=0)
"""
KINKED = """
np.abs({x}) | np.fabs({x}) | nn.relu({x}) | np.clip({x}, -0.7, 0.9) | np.clip({x}, None, {c})
np.maximum({x}, {c})
np.where({x} > {c}, {x}, 0.3) | np.heaviside({x}, 0.5) * {x} | np.sign({x}) * {x} | np.floor({x}) + {x}
np.remainder({x}, 0.7) | np.fmod({x}, 0.7) | np.ceil({x}) * {x} | np.copysign({x}, {c})
"""
BINARY = """
{a} + {b} | {a} - {b} | {a} * {b} | {a} / (1 + np.square({b})) | (1 + np.square({a})) ** np.tanh({b})
np.float_power(1 + np.square({a}), np.sin({b})) | np.hypot({a}, 0.5 + np.square({b}))
np.arctan2({a}, 2 + np.tanh({b}))
np.logaddexp({a}, {b}) | np.logaddexp2({a}, {b}) | np.maximum({a}, {b}) | np.minimum({a}, {b})
np.fmax({a}, {b})
np.fmin({a}, {b}) | np.where({a} > {b}, {a}, {b} * 2) | np.where({a} > 0, {b}, {c}) | np.copysign({a}, {b})
np.remainder({a}, 1 + np.square({b})) | np.fmod({a}, 1 + np.square({b}))
np.broadcast_arrays({a}, {b})[0] * {b}
np.select([{a} > 0.5, {a} > 0], [{a} * {b}, {b}], {c})
"""
REDUCED = """
np.sum({x}{axis}) | np.mean({x}{axis}) | np.max({x}{axis}) | np.min({x}{axis}) | np.amax({x}{axis})
np.amin({x}{axis})
np.var({x}{axis}) | np.sqrt(np.var({x}{axis}) + 0.2) | np.prod(np.tanh({x}){axis}) | np.ptp({x}{axis})
np.median({x}{axis})
np.nansum({x}{axis}) | np.nanmean({x}{axis}) | np.average({x}{axis}) | np.linalg.vector_norm({x} + 0.1{axis})
np.log(np.sum(np.exp(np.tanh({x})){axis})) | np.std(np.stack([{x}, 3 + np.square({x})]), axis=0)
"""
ALONG = """
np.cumsum({v}, axis={k}) | np.cumprod(np.tanh({v}), axis={k}) | np.sort({v}, axis={k}) | np.flip({v}, axis={k})
np.roll({v}, 1, axis={k}) | np.roll({v}, -2) | np.repeat({v}, 2, axis={k}) | np.stack([{v}, {v} * 2], axis={k})
np.concatenate([{v}, np.sin({v})], axis={k}) | np.append({v}, {v} + 1, axis={k}) | np.expand_dims({v}, {k})
np.take({v}, np.array([0, -1, 0]), axis={k}) | np.moveaxis({v}, {k}, 0) | np.swapaxes({v}, {k}, -1)
np.split({v}, [1], axis={k})[0] | np.array_split({v}, 2, axis={k})[0] | np.delete({v}, 0, axis={k})
np.take_along_axis({v}, np.argsort({v}, axis={k}), axis={k}) | np.rollaxis({v}, {k})
np.trapezoid({v}, axis={k})
np.cumulative_sum({v}, axis={k}) | np.cumulative_prod(np.sin({v}), axis={k}) | np.unstack({v}, axis={k})[-1]
np.partition({v}, 0, axis={k}) | np.diff({v}, axis={k}, prepend=0.5)
"""
SHAPED = """
np.ravel({x}) | np.reshape({x}, -1) | np.reshape({x}, (1, -1)) | np.transpose({x}) | {x}.T | {x}[None]
{x}[..., None]
np.atleast_1d({x}) | np.atleast_2d({x}) | np.atleast_3d({x}) | np.squeeze({x}) | {v}[0] | {v}[-1] | {v}[::-1]
{v}[..., 0]
{v}[1:] | {v}[:-1] | {v}[..., ::2] | {v}[np.array([0, -1])] | {v}[np.array([0, 0]), None]
{m}[np.array([0, 1]), np.array([1, 0])]
{m}[:, np.array([-1, 0])] | {m}[np.arange(2)[:, None], np.array([0, 1])]
np.broadcast_to({x}, (2, *{x}.shape)) | np.tile({x}, 2)
np.pad({v}, 1) | np.pad({v}, 1, mode="edge") | np.pad({v}, 1, constant_values={c}) | np.hstack([{v}, {v}])
np.vstack([{v}, {v}]) | np.dstack([{v}, {v} / 2]) | np.column_stack([{v}, {v}]) | np.fliplr({m})
np.flipud({v})
np.rot90({m}) | np.tril({m}) | np.triu({m}) | np.diag({m}) | np.diag(np.ravel({m})[:3]) | np.diagonal({m})
np.trace({m})
np.meshgrid(np.ravel({v})[:2], np.ravel({v})[:3])[1] | np.matrix_transpose({m}) | np.linspace({x}, {x} + 1, 3)
"""
PRODUCTS = """
{m} @ {m}.T | {m} @ np.tanh(np.swapaxes({m}, -1, -2)) | np.dot({v}, {v}.T) | np.matmul({v}, {v}.T)
np.inner({v}, {v})
np.outer({v}, {v}) | np.kron({v}, np.tanh({v})) | np.vdot({v}, np.sin({v}))
np.tensordot({m}, {m}, axes=([0], [0]))
np.tensordot({m}, {m}.T, 1) | np.einsum("ij,kj->ik", {m}, {m}) | np.einsum("ij,ij->", {m}, {m})
np.einsum("ii->i", {s})
np.einsum("...i,...i->...", {v}, {v}) | np.einsum("ij->ji", {m}) | np.einsum("ij,ik->kj", {m}, np.tanh({m}))
np.vecdot({v}, {v}) | np.matvec({m}, {m}[0]) | np.vecmat({m}[:, 0], {m})
np.cross(np.ravel({m})[:3], np.ravel({m})[-3:])
np.einsum("ij,jk,kl->il", {m}, {m}.T, {m}) | np.linalg.multi_dot([{m}, {m}.T, {m}]) | np.add.outer({v}, {v})
np.einsum("ij,i->j", {m}, {m}[:, 0])
"""
LINALG = """
np.linalg.inv({s}) | np.linalg.solve({s}, {s}[0]) | np.linalg.solve({s}, {m}) | np.linalg.det({s} / 3)
np.linalg.slogdet({s})[1] | np.linalg.cholesky({s}) | np.linalg.norm({m}) | np.linalg.norm({v}, axis=0)
np.linalg.eigvalsh({s})
np.linalg.norm({m}, 1) | np.linalg.norm({m}, np.inf, axis=0) | np.linalg.matrix_power({s} / 4, 3)
np.linalg.pinv({s})
np.linalg.matrix_norm({m}) | np.linalg.svdvals({s}) | np.linalg.trace({m}) | np.linalg.vecdot({v}, {v})
np.linalg.outer(np.ravel({v}), np.ravel({v})) | np.linalg.norm({s}, "nuc") | np.linalg.norm({s}, 2)
"""
KINDS = {
    name: [row.strip() for line in rows.strip().splitlines() for row in line.split(" | ")]
    for name, rows in {
        "smooth": SMOOTH,
        "kinked": KINKED,
        "binary": BINARY,
        "reduced": REDUCED,
        "along": ALONG,
        "shaped": SHAPED,
        "products": PRODUCTS,
        "linalg": LINALG,
    }.items()
}
WEIGHTS = {
    "smooth": 3,
    "kinked": 1,
    "binary": 4,
    "reduced": 2,
    "along": 2,
    "shaped": 3,
    "products": 2,
    "linalg": 1,
}
SHAPES = [(), (1,), (2,), (3,), (2, 3), (3, 2), (3, 3), (1, 3), (2, 1), (2, 2, 3), (2, 1, 3)]


class Program:
    """Lines that are grown one by one, and what they give on the arrays that the program begins with."""

    def __init__(self, rng):
        self.rng = rng
        self.arrays = {}
        for name in "ABCX"[: rng.integers(2, 5)]:
            self.arrays[name] = rng.normal(size=SHAPES[rng.integers(len(SHAPES))])
        self.values = dict(self.arrays)
        self.lines = []
        for _ in range(rng.integers(4, 16)):
            self.grow()

    @property
    def text(self):
        """The function of the arrays, whose result is a number that every value takes part in."""
        body = [*self.lines, f"return {self.loss()}"]
        return f"def program(np, nn, {', '.join(self.arrays)}):\n    " + "\n    ".join(body) + "\n"

    def loss(self):
        """What no line reads, each to a number."""
        read = "\n".join(line.partition(" = ")[2] for line in self.lines)
        words = set("".join(c if c.isalnum() else " " for c in read).split())
        ends = [name for name in self.values if name not in words]
        return " + ".join(f"np.mean(np.tanh({name}) * {k + 1})" for k, name in enumerate(ends))

    def grow(self):
        """One line more, of a row that fits; none where no try does."""
        weights = np.array([*WEIGHTS.values()], float)
        for _ in range(TRIES):
            kind = self.rng.choice([*WEIGHTS], p=weights / weights.sum())
            text = self.filled(str(self.rng.choice(KINDS[kind])))
            if text and self.takes(text):
                return

    def takes(self, text):
        """Add the line where it can be computed and its result is small."""
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(eval(text, {"np": np, "nn": mg}, dict(self.values)))
        except (ValueError, IndexError, TypeError, np.linalg.LinAlgError):
            return False
        fits = value.size and value.size <= MAX_SIZE and value.ndim <= MAX_AXES
        if not fits or value.dtype != float or not np.abs(value).max() < MAX_VALUE:
            return False
        name = f"v{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        self.values[name] = value
        return True

    def filled(self, row):
        """The row with values of the program in its braces; None where the program has none that fit."""
        fields = {}
        any_value = self.one_of(lambda v: True)
        fields["x"] = any_value
        fields["v"] = self.one_of(lambda v: v.ndim > 0)
        fields["m"] = self.one_of(lambda v: v.ndim == 2 and min(v.shape) > 1)
        fields["s"] = self.symmetric(fields["m"])
        fields["a"], fields["b"] = self.pair()
        fields["c"] = round(self.rng.normal(), 2)
        axes = self.values[fields["v"]].ndim if fields["v"] else 1
        fields["k"] = self.rng.integers(-axes, axes)
        fields["axis"] = self.axis(self.values[any_value].ndim)
        if any(f"{{{k}}}" in row and fields[k] is None for k in fields):
            return None
        return row.format(**fields)

    def one_of(self, fits):
        """A value that fits, one of the last more often."""
        names = [name for name, v in self.values.items() if fits(v)]
        if not names:
            return None
        late = int(len(names) * self.rng.beta(2, 1))
        return names[late]

    def pair(self):
        """Two values that broadcast against each other."""
        a = self.one_of(lambda v: True)
        shape = self.values[a].shape
        return a, self.one_of(lambda v: broadcasts(v.shape, shape))

    def axis(self, ndim):
        """The keywords of a reduction."""
        axes = [*range(-ndim, ndim)]
        one = f", axis={self.rng.choice(axes)}" if axes else ""
        pair = f", axis={(0, ndim - 1)}" if ndim > 1 else ""
        which = self.rng.choice(["", one, pair])
        return which + str(self.rng.choice(["", ", keepdims=True"]))

    def symmetric(self, m):
        """A matrix of separate eigenvalues above 0 from any matrix."""
        if m is None:
            return None
        n = len(self.values[m])
        return f"(np.tanh({m}) @ np.tanh({m}).T + np.diag(np.arange({n}) + 2.0))"


def broadcasts(a, b):
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True
