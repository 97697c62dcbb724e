"""What the table differentiates, by group, as Markdown: ``python -m minigrad.vjps.coverage``."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from . import COMPOSED, DISCRETE, OPS, op_name

GROUPS = {
    "elementwise": "element by element",
    "ufuncs": "element by element",
    "reductions": "along an axis",
    "statistics": "along an axis",
    "shapes": "shape and order",
    "rearrange": "shape and order",
    "indexing": "shape and order",
    "linalg": "linear algebra",
    "products": "linear algebra",
    "decompositions": "linear algebra",
}


def _named(fn: Any) -> str:
    """``linalg.svd`` for NumPy's own, "" for the helpers of ours."""
    spaces: list[tuple[Any, str]] = [(np, ""), (np.linalg, "linalg.")]
    name = op_name(fn)
    return next((prefix + name for space, prefix in spaces if getattr(space, name, None) is fn), "")


def _sorted(fns: Any) -> str:
    return " ".join(sorted({name for fn in fns if (name := _named(fn))}))


def table() -> str:
    """The functions by group, with those that have no derivative last."""
    made: dict[Any, Any] = {
        fn: next((r for r in (*op.rules, op.joint) if r), None) for fn, op in OPS.items()
    }
    made |= COMPOSED
    groups: defaultdict[str, list[Any]] = defaultdict(list)
    for fn, rule in made.items():
        if rule is not None:
            groups[GROUPS.get(rule.__module__.rpartition(".")[2], "")].append(fn)
    rows = [(group, _sorted(groups[group])) for group in dict.fromkeys(GROUPS.values())]
    methods: defaultdict[str, list[str]] = defaultdict(list)
    for fn in COMPOSED:
        ufunc: Any = getattr(fn, "__self__", None)
        if isinstance(ufunc, np.ufunc):
            methods[str(fn.__name__)].append(ufunc.__name__)
    rows += [(f"`ufunc.{name}` of", " ".join(sorted(of))) for name, of in sorted(methods.items())]
    flat = [fn for fn, rule in made.items() if rule is None]
    rows.append(("no derivative, right values", _sorted([*flat, *DISCRETE])))
    return "\n".join(["| | |", "|---|---|", *(f"| {group} | {names} |" for group, names in rows)])


if __name__ == "__main__":
    print(table())
