"""What each rule of the VJP table does, as mathematics: one template per input.

In a template g is the cotangent of the result y, and x, or a and b (and c), are the inputs in their order. The signs:
``·`` matrix product, ``⊙`` elementwise, ``⊗`` outer, ``ᵀ`` matrices transposed, ``⁻¹`` inverse, ``[x > 0]`` 1 where it
holds and else 0, ``‖g‖`` Euclidean norm, ``I`` identity. ``spread(g)`` is g repeated along the axes that were folded
away, ``ties`` how many elements share the extreme. The other words are NumPy's functions.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import numpy as np

from . import activations as functions
from .decompositions import eigenvalues, eigh, singular_values, slogdet, svd
from .elementwise import accumulate, cast
from .indexing import PART, getitem, put_along, scatter
from .linalg import explicit, long_letters

NOTATION = {
    "·": "matrix product",
    "⊙": "elementwise product",
    "⊗": "outer product",
    "ᵀ": "transposed",
    "⁻¹": "inverse",
    "[": "[condition]: 1 where it holds, else 0; x[i]: an element",
    "‖": "Euclidean norm",
    "spread": "repeated along the axes that were folded away",
    "ties": "how many elements share the extreme",
}
Templates = tuple[str | None, ...]
Node = Any  # a Tensor; this file stands below the one that defines it


def letter(slot: int, of: int = 2) -> str:
    """How templates call an input: x where it is the only one, a and b of two, c, a, b of np.where's three."""
    return "x" if of == 1 else string.ascii_lowercase[slot] if slot < 6 else f"x{slot}"


# --- those that depend on shapes and keywords -------------------------------------------------------------------------
def _power(n: Node) -> Templates:
    """With a number for exponent, ``2 ⊙ x ⊙ g``."""
    exponent, by_exponent = n.inputs[1], "{g} ⊙ {y} ⊙ log({a})"
    if (
        exponent.fn is not None
        or exponent.size != 1
        or exponent.name is not None
        or exponent.requires_grad
    ):
        return "{g} ⊙ {b} ⊙ {a}^({b} - 1)", by_exponent
    k = exponent.data.item()
    return (
        f"{k:.4g} ⊙ {{a}}{'' if k == 2 else f'^{k - 1:.4g}' if k > 1 else f'^({k - 1:.4g})'} ⊙ {{g}}",
        by_exponent,
    )


def _vector_norm(ord: float) -> str:
    if ord == 2:
        return "spread({g}) ⊙ {x} / spread({y})"
    if ord == 1:
        return "spread({g}) ⊙ sign({x})"
    if abs(ord) == np.inf:
        return "spread({g}) ⊙ sign({x}) ⊙ [abs({x}) = spread({y})] / ties"
    return f"spread({{g}}) ⊙ sign({{x}}) ⊙ (abs({{x}}) / spread({{y}}))^({ord:g} - 1)"


def _reshaped(n: Node) -> Templates:
    return (f"reshape({{g}}, {n.inputs[0].shape})",)


def _transposed(n: Node) -> Templates:
    if n.ndim == 2:
        return (
            "{g}ᵀ" if n.kwargs.get("axes") in (None, (1, 0), (-1, 0), (1, -2), (-1, -2)) else "{g}",
        )
    axes = n.kwargs.get("axes")
    back = (
        tuple(range(n.ndim))[::-1]
        if axes is None
        else tuple(int(i) for i in np.argsort([a % n.ndim for a in axes]))
    )
    return (f"transpose({{g}}, {back})",)


def _pieces(n: Node) -> Templates:
    axis, start, found = n.kwargs["axis"], 0, []
    for x in n.inputs:
        stop = start + (x.size if axis is None else x.shape[axis])
        piece = f"{{g}}[{'' if axis is None else ':, ' * (axis % n.ndim)}{start}:{stop}]"
        found.append(f"reshape({piece}, {x.shape})" if axis is None else piece)
        start = stop
    return tuple(found)


def _index(index: tuple[Any, ...], slot: int) -> str:
    """An index as Python writes it; its arrays are the inputs from that slot on."""
    words = []
    for i in index:
        if i is PART:
            words.append(f"{{{letter(slot)}}}")
            slot += 1
        elif isinstance(i, slice):
            ends = ["" if e is None else str(e) for e in (i.start, i.stop, i.step)]
            words.append(":".join(ends if ends[2] else ends[:2]))
        else:
            words.append("..." if i is Ellipsis else str(i))
    return ", ".join(words)


def _gathered(n: Node) -> Templates:
    found: list[str | None] = []
    for index in n.kwargs["indices"]:
        found.append(f"{{g}}[{_index(index, len(found) + 1)}]")
        found += [None] * sum(i is PART for i in index)
    return tuple(found)


def _matmul(n: Node) -> Templates:
    vectors = tuple(x.ndim == 1 for x in n.inputs)
    return {
        (False, False): ("{g} · {b}ᵀ", "{a}ᵀ · {g}"),
        (True, False): ("{b} · {g}", "{a} ⊗ {g}"),
        (False, True): ("{g} ⊗ {b}", "{a}ᵀ · {g}"),
        (True, True): ("{g} ⊙ {b}", "{g} ⊙ {a}"),
    }[vectors]


def _einsum(n: Node, i: int) -> str:
    terms, out = explicit(n.kwargs["subscripts"], [x.ndim for x in n.inputs])
    others = [j for j in range(len(terms)) if j != i]
    sources = ",".join([out, *(terms[j] for j in others)])
    target = "".join(dict.fromkeys(terms[i]))
    long = long_letters(terms, n.inputs)
    lengths = dict(zip(terms[i], n.inputs[i].shape, strict=True))
    there = "".join(c for c in target if c in sources and (lengths[c] != 1 or c not in long))
    operands = ", ".join(["{g}", *(f"{{{letter(j, len(terms))}}}" for j in others)])
    found = f"einsum('{sources}->{there}', {operands})"
    if len(target) < len(terms[i]):
        return f"{found} on the diagonal '{terms[i]}'"
    return found if there == target else f"spread({found})"


def _multi_dot(n: Node) -> Templates:
    names = [f"{{{letter(i, len(n.inputs))}}}ᵀ" for i in range(len(n.inputs))]
    return tuple(
        " · ".join([*names[:i][::-1], "{g}", *names[i + 1 :][::-1]]) for i in range(len(names))
    )


_PLUS_MINUS_HALF = (
    "{g} ⊙ ([{a} %s {b}] + [{a} = {b}] / 2)",
    "{g} ⊙ ([{b} %s {a}] + [{a} = {b}] / 2)",
)
_LARGER = tuple(t % ">" for t in _PLUS_MINUS_HALF)
_SMALLER = tuple(t % "<" for t in _PLUS_MINUS_HALF)
_EXTREME = ("spread({g}) ⊙ [{x} = spread({y})] / ties",)
_VALUES = "V ⊙ {g} · Vᵀ"
_DEGREES, _RADIANS = ("{g} ⊙ 180 / π",), ("{g} ⊙ π / 180",)

# --- the table ------------------------------------------------------------------------------------------------------
FORMULAS: dict[Any, Templates | Callable[[Node], Templates]] = {
    # arithmetic
    np.add: ("{g}", "{g}"),
    np.subtract: ("{g}", "-{g}"),
    np.multiply: ("{g} ⊙ {b}", "{g} ⊙ {a}"),
    np.divide: ("{g} / {b}", "-{g} ⊙ {y} / {b}"),
    np.power: _power,
    np.float_power: _power,
    np.remainder: ("{g}", "-{g} ⊙ floor({a} / {b})"),
    np.fmod: ("{g}", "-{g} ⊙ trunc({a} / {b})"),
    np.negative: ("-{g}",),
    np.positive: ("{g}",),
    np.absolute: ("{g} ⊙ sign({x})",),
    np.fabs: ("{g} ⊙ sign({x})",),
    np.square: ("2 ⊙ {x} ⊙ {g}",),
    np.reciprocal: ("-{g} ⊙ {y}²",),
    np.sqrt: ("{g} / (2 ⊙ {y})",),
    np.cbrt: ("{g} / (3 ⊙ {y}²)",),
    np.hypot: ("{g} ⊙ {a} / {y}", "{g} ⊙ {b} / {y}"),
    np.maximum: _LARGER,
    np.fmax: _LARGER,
    np.minimum: _SMALLER,
    np.fmin: _SMALLER,
    np.copysign: ("{g} ⊙ sign({a}) ⊙ sign({b})", None),
    np.heaviside: (None, "{g} ⊙ [{a} = 0]"),
    np.nan_to_num: ("{g} ⊙ [isfinite({x})]",),
    np.where: (None, "where({c}, {g}, 0)", "where({c}, 0, {g})"),
    np.full_like: (None, "sum({g})"),
    cast: lambda n: (f"cast({{g}}, {n.inputs[0].dtype})",),
    # exponentials
    np.exp: ("{g} ⊙ {y}",),
    np.exp2: ("{g} ⊙ {y} ⊙ log(2)",),
    np.expm1: ("{g} ⊙ ({y} + 1)",),
    np.log: ("{g} / {x}",),
    np.log2: ("{g} / ({x} ⊙ log(2))",),
    np.log10: ("{g} / ({x} ⊙ log(10))",),
    np.log1p: ("{g} / (1 + {x})",),
    np.logaddexp: ("{g} ⊙ exp({a} - {y})", "{g} ⊙ exp({b} - {y})"),
    np.logaddexp2: ("{g} ⊙ exp2({a} - {y})", "{g} ⊙ exp2({b} - {y})"),
    # angles
    np.sin: ("{g} ⊙ cos({x})",),
    np.cos: ("-{g} ⊙ sin({x})",),
    np.tan: ("{g} ⊙ (1 + {y}²)",),
    np.arcsin: ("{g} / sqrt(1 - {x}²)",),
    np.arccos: ("-{g} / sqrt(1 - {x}²)",),
    np.arctan: ("{g} / (1 + {x}²)",),
    np.arctan2: ("{g} ⊙ {b} / ({a}² + {b}²)", "-{g} ⊙ {a} / ({a}² + {b}²)"),
    np.sinh: ("{g} ⊙ cosh({x})",),
    np.cosh: ("{g} ⊙ sinh({x})",),
    np.tanh: ("{g} ⊙ (1 - {y}²)",),
    np.arcsinh: ("{g} / sqrt({x}² + 1)",),
    np.arccosh: ("{g} / sqrt({x}² - 1)",),
    np.arctanh: ("{g} / (1 - {x}²)",),
    np.sinc: ("{g} ⊙ (cos(π ⊙ {x}) - {y}) / {x}",),
    np.deg2rad: _RADIANS,
    np.radians: _RADIANS,
    np.rad2deg: _DEGREES,
    np.degrees: _DEGREES,
    # activations and losses
    functions.sigmoid: ("{g} ⊙ {y} ⊙ (1 - {y})",),
    functions.relu: ("{g} ⊙ [{x} > 0]",),
    functions.softmax: ("{y} ⊙ ({g} - sum({g} ⊙ {y}, axis={axis}))",),
    functions.log_softmax: ("{g} - exp({y}) ⊙ sum({g}, axis={axis})",),
    functions.cross_entropy: lambda n: (
        f"{{g}} ⊙ (softmax({{a}}) - one_hot({{b}})) / {max(n.inputs[1].size, 1)}",
        None,
    ),
    accumulate: lambda n: ("{g}",) * len(n.inputs),
    # axes folded away
    np.sum: ("spread({g})",),
    np.mean: lambda n: (f"spread({{g}}) / {n.inputs[0].size // max(n.size, 1)}",),
    np.max: _EXTREME,
    np.min: _EXTREME,
    np.cumsum: ("flip(cumsum(flip({g}, {axis}), {axis}), {axis})",),
    np.linalg.vector_norm: lambda n: (_vector_norm(n.kwargs.get("ord", 2)),),
    # rearrangements
    np.reshape: _reshaped,
    np.expand_dims: _reshaped,
    np.squeeze: _reshaped,
    np.broadcast_to: ("{g}",),
    np.transpose: _transposed,
    np.swapaxes: ("swapaxes({g}, {axis1}, {axis2})",),
    np.concatenate: _pieces,
    np.stack: lambda n: tuple(
        f"{{g}}[{':, ' * (n.kwargs['axis'] % n.ndim)}{i}]" for i in range(len(n.inputs))
    ),
    getitem: lambda n: (
        f"{{g}} at [{_index(n.kwargs['index'], 1)}], 0 elsewhere",
        *[None] * (len(n.inputs) - 1),
    ),
    scatter: _gathered,
    np.take_along_axis: lambda n: (f"put_along({{g}}, {{b}}, {{axis}}, {n.inputs[0].shape})", None),
    put_along: ("take_along_axis({g}, {b}, {axis})", None),
    # matrices
    np.matmul: _matmul,
    np.einsum: lambda n: tuple(_einsum(n, i) for i in range(len(n.inputs))),
    np.linalg.multi_dot: _multi_dot,
    np.linalg.inv: ("-{y}ᵀ · {g} · {y}ᵀ",),
    np.linalg.det: ("{g} ⊙ {y} ⊙ {x}⁻¹ᵀ",),
    np.linalg.solve: lambda n: (
        f"-solve({{a}}ᵀ, {{g}}) {'⊗ {y}' if n.inputs[1].ndim == 1 else '· {y}ᵀ'}",
        "solve({a}ᵀ, {g})",
    ),
    np.linalg.pinv: (
        "(I - {x} · {y}) · {g}ᵀ · {y} · {y}ᵀ + {y}ᵀ · {y} · {g}ᵀ · (I - {y} · {x}) - {y}ᵀ · {g} · {y}ᵀ",
    ),
    np.linalg.cholesky: ("symmetric({y}⁻¹ᵀ · half_lower({y}ᵀ · {g}) · {y}⁻¹)",),
    slogdet: ("{g}[1] ⊙ {x}⁻¹ᵀ",),
    np.linalg.eigvalsh: (_VALUES,),
    eigenvalues: (_VALUES, None),
    eigh: ("symmetric(V · (Vᵀ · {g}_V / (w_j - w_i)) · Vᵀ) + V ⊙ {g}_w · Vᵀ",),
    np.linalg.svdvals: ("U ⊙ {g} · Vᵀ",),
    singular_values: ("U ⊙ {g} · Vᵀ", None),
    svd: ("d(U S Vᵀ) along {g}: Townsend 2016",),
}
