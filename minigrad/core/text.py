"""An array in one line: shape, norm, smallest, largest, and how many elements are not finite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np


def summary(x: Any) -> str:
    """``float64[4, 1], norm 0.3708, -0.1121 to 0.3077, 2 NaN``; a single number is itself.

    Norm and range are those of the finite elements.
    """
    x = np.asarray(x)
    if x.ndim == 0:
        return f"{x.item():.4g}" if x.dtype.kind == "f" else str(x.item())
    what = f"{x.dtype}{list(x.shape)}"
    if not x.size or x.dtype.kind not in "fiu":
        return what
    fine = np.isfinite(x)
    good = x[fine].astype(np.float64)  # a float32 norm may overflow
    parts = (
        [what, f"norm {float_norm(good):.4g}, {good.min():.4g} to {good.max():.4g}"]
        if good.size
        else [what]
    )
    parts += [
        f"{n} {kind}" for kind, n in (("NaN", np.isnan(x).sum()), ("inf", np.isinf(x).sum())) if n
    ]
    return ", ".join(parts)


def float_norm(x: Any) -> float:
    """The Euclidean norm as a Python float, without overflow; NaN or inf where an element is."""
    x = np.asarray(x, np.float64)
    top = float(np.max(np.absolute(x), initial=0.0))
    return top * float(np.sqrt(np.sum(np.square(x / top)))) if 0 < top < np.inf else top


norm = float_norm


def unique_names(labels: Iterable[str]) -> Iterator[str]:
    """A name for each label, none twice: the second ``x`` is ``x#2``, the third ``x#3``."""
    count: Counter[str] = Counter()
    taken: set[str] = set()
    for label in labels:
        name = label
        while name in taken:
            count[label] += 1
            name = f"{label}#{count[label] + 1}"
        taken.add(name)
        yield name


def finite(x: Any) -> bool:
    """Whether every element is finite."""
    return bool(np.isfinite(np.asarray(x)).all())


def compact(x: Any, most: int = 16) -> str:
    """The numbers in one line where there are few of them, ``float64[32, 32]`` otherwise."""
    x = np.asarray(x)
    if x.size > most:
        return f"{x.dtype}{list(x.shape)}"
    if x.ndim == 0:
        return f"{x.item():.4g}" if x.dtype.kind == "f" else str(x.item())
    return f"[{', '.join(compact(row) for row in x)}]"
