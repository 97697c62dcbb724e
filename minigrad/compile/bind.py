"""Large inputs that few calls read are read where they lie: their views are made anew at each call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tensor import Array, Tensor
from .kernels import Call, address, owner
from .prebound import Prebound

_LARGE, _FEW = 1 << 16, 12  # bytes worth it; views at most


@dataclass(frozen=True, slots=True)
class Use:
    """One operand of one call as a view of an input's memory."""

    call: int
    slot: int
    shape: tuple[int, ...]
    offset: int
    strides: tuple[int, ...]


def late(calls: list[Call], homes: Mapping[Tensor, Array], outputs: tuple[Array, ...]) -> dict[Tensor, list[Use]]:
    """The inputs that can be read where they lie, with their uses. Cost: linear in the calls."""
    alone = {leaf: home for leaf, home in homes.items() if home.nbytes >= _LARGE and home.base is None}
    large = {id(home): (leaf, home) for leaf, home in alone.items()}
    if not large:
        return {}
    uses: dict[Tensor, list[Use]] = {leaf: [] for leaf, _ in large.values()}
    barred = {id(owner(o)) for o in outputs}
    for i, (fn, args) in enumerate(calls):
        hidden = [getattr(fn, "__self__", None), *(a for x in args if isinstance(x, list) for a in x)]
        barred |= {id(owner(a)) for a in hidden if isinstance(a, np.ndarray)}
        for slot, a in enumerate(args):
            if isinstance(a, np.ndarray) and (whose := id(owner(a))) in large:
                leaf, home = large[whose]
                uses[leaf].append(Use(i, slot, a.shape, address(a) - address(home), a.strides))
    return {leaf: uses[leaf] for key, (leaf, _) in large.items() if key not in barred and len(uses[leaf]) <= _FEW}


def rebind(calls: list[Call], run: list[Call], uses: list[Use], array: Array) -> None:
    """Let the calls, and those that are run in their stead, read this array."""
    for use in uses:
        view = np.ndarray(use.shape, array.dtype, array, use.offset, use.strides)
        fn, args = calls[use.call]
        calls[use.call] = fn, (*args[: use.slot], view, *args[use.slot + 1 :])
        run[use.call] = Prebound()(calls[use.call])


def plain(array: Any, dtype: Any) -> Array:
    """The array as views are made of it: in C order and of the input's dtype; itself, if it is."""
    return np.ascontiguousarray(array, dtype)
