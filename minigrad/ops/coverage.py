"""What the tables differentiate, by group, as Markdown: ``python -m minigrad.ops.coverage``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from . import COMPOSED, DISCRETE, OPS, op_name
from .table import Fn, Op

# By the file in which the rule or the composition stands.
GROUPS = {
    "elementwise": "element by element",
    "transcendental": "element by element",
    "reductions": "along an axis",
    "statistics": "along an axis",
    "differences": "along an axis",
    "signal": "along an axis",
    "samples": "along an axis",
    "fourier": "along an axis",
    "shapes": "shape and order",
    "joining": "shape and order",
    "selection": "shape and order",
    "indexing": "shape and order",
    "embedding": "shape and order",
    "pieces": "shape and order",
    "products": "linear algebra",
    "contractions": "linear algebra",
    "linalg": "linear algebra",
    "systems": "linear algebra",
    "vectors": "linear algebra",
    "decompositions": "linear algebra",
}


def table() -> str:
    """The functions by group, with those that have no derivative last."""
    ways_back = {fn: _any_rule(op) for fn, op in OPS.items()} | COMPOSED
    members: defaultdict[str, list[Fn]] = defaultdict(list)
    flat = [*DISCRETE]
    for fn, way_back in ways_back.items():
        if way_back is None:
            flat.append(fn)
        else:
            file = way_back.__module__.rpartition(".")[2]
            members[GROUPS.get(file, "")].append(fn)
    lines = ["| | |", "|---|---|"]
    for group in dict.fromkeys(GROUPS.values()):
        lines.append(_line(group, map(_public_name, members[group])))
    for method, names in sorted(_ufunc_methods().items()):
        lines.append(_line(f"`ufunc.{method}` of", names))
    lines.append(_line("no derivative, right values", map(_public_name, flat)))
    return "\n".join(lines)


def _any_rule(op: Op) -> Fn | None:
    """The first rule of a function; None if it has none."""
    rules = [rule for rule in (*op.rules, op.joint) if rule is not None]
    return rules[0] if rules else None


def _public_name(fn: Fn) -> str:
    """``linalg.svd`` for NumPy's own, "" for the helpers of ours."""
    name = op_name(fn)
    if getattr(np, name, None) is fn:
        return name
    for space in (np.linalg, np.fft):
        if getattr(space, name, None) is fn:
            return f"{space.__name__.removeprefix('numpy.')}.{name}"
    return ""


def _ufunc_methods() -> dict[str, list[str]]:
    """The ufuncs whose reduce, accumulate or outer is differentiable, by method."""
    methods: defaultdict[str, list[str]] = defaultdict(list)
    for fn in COMPOSED:
        ufunc: Any = getattr(fn, "__self__", None)
        if isinstance(ufunc, np.ufunc):
            methods[str(fn.__name__)].append(ufunc.__name__)
    return methods


def _line(group: str, names: Iterable[str]) -> str:
    distinct = sorted(set(names) - {""})
    return f"| {group} | {' '.join(distinct)} |"


if __name__ == "__main__":
    print(table())
