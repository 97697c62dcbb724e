"""What a plan is fed: arrays by leaf, each checked once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from minigrad.core.array import Array
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, DTypeError, ShapeError


def checked_feeds(
    feeds: Mapping[Tensor | str, npt.ArrayLike],
    leaf_of: Mapping[str, Tensor],
    leaves: frozenset[Tensor],
) -> dict[Tensor, Array]:
    """The arrays by leaf. leaf_of: the inputs of the plan by name. leaves: all of them.

    Raises ArgumentError for a key that is no input, ShapeError and DTypeError for an array that
    does not fit.
    """
    if not isinstance(feeds, Mapping):
        got = f"a {type(feeds).__name__}"
        raise ArgumentError("plan", got=got, expected="expected {leaf or name: array, ...}")
    arrays = {}
    for key, value in feeds.items():
        leaf: Any = leaf_of.get(key) if isinstance(key, str) else key
        if leaf not in leaves:
            _refuse_key(key, leaf_of)
        arrays[leaf] = _fitting(leaf, value)
    return arrays


def _fitting(leaf: Tensor, value: Any) -> Array:
    """The value as an array of the leaf's shape and of a dtype that the leaf's can hold."""
    array = _array(leaf, value)
    if array.shape != leaf.shape:
        got = f"'{leaf.label}' is {array.shape}"
        raise ShapeError("plan", got=got, expected=f"expected {leaf.shape}")
    if array.dtype != leaf.dtype and not np.can_cast(array.dtype, leaf.dtype, "same_kind"):
        got = f"'{leaf.label}' is {array.dtype}"
        raise DTypeError("plan", got=got, expected=f"expected {leaf.dtype}")
    return array


def _array(leaf: Tensor, value: Any) -> Array:
    if type(value) is np.ndarray:
        return value
    try:
        return np.asarray(value.data if isinstance(value, Tensor) else value)
    except ValueError:
        got = f"'{leaf.label}' is no array"
        raise ShapeError("plan", got=got, expected=f"expected {leaf.shape}") from None


def _refuse_key(key: Any, leaf_of: Mapping[str, Tensor]) -> NoReturn:
    name = repr(key) if isinstance(key, str) else f"'{getattr(key, 'label', key)}'"
    names = ", ".join(leaf_of) or "none"
    remedy = "Name a leaf to make it an input: tensor(..., name='x')"
    expected = f"its inputs are {names}"
    raise ArgumentError("plan", got=f"{name} is no input", expected=expected, remedy=remedy)
