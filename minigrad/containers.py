"""Tensors in dicts, lists, tuples, dataclasses and models, nested: the one place that walks them.

A container gives its items: dict (any Mapping), list, tuple, named tuple, deque. Everything else
that has attributes is a model: dataclasses too, with slots or without.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping, ValuesView
from dataclasses import fields, is_dataclass
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError

SEQUENCES = (list, tuple, deque)
OPAQUE = (Tensor, np.ndarray, np.generic, np.ufunc, type, FunctionType, ModuleType)
"""What has attributes and is no model."""
CONTAINERS = "dicts, lists, tuples, dataclasses or models of them"


def as_tensors(caller: str, x: Any) -> tuple[Tensor, ...]:
    """The Tensors that a caller passes, each once, in the order in which they were set.

    They are x itself, or what it holds: of a container every Tensor, of a model its parameters
    (leaves that need a gradient). None in a container is left out. Raises ArgumentError for what is
    neither, and where there is none.
    """
    tensors = []
    for part, in_model in _parts(in_order(x)):
        if in_model:
            if is_parameter(part):
                tensors.append(part)
        elif isinstance(part, Tensor):
            tensors.append(part)
        elif part is not None or part is x:
            raise _no_tensor(caller, part, among=part is not x)
    if not tensors:
        got = f"no parameter in this {type(x).__name__}"
        raise ArgumentError(caller, got=got, expected="expected at least one")
    return tuple(tensors)


def parameters(model: Any) -> list[Tensor]:
    """The leaves that need a gradient, each once, wherever in x they are; there may be none.

    Raises ArgumentError for what can hold none, as an array or None.
    """
    x = in_order(model)
    if isinstance(x, OPAQUE) or not (
        _items(x) is not None or hasattr(x, "__dict__") or _attributes(x)
    ):
        raise _no_tensor("parameters", x, among=False)
    return [part for part, _ in _parts(x) if is_parameter(part)]


def is_parameter(x: Any) -> bool:
    """Whether x is a leaf that needs a gradient."""
    return isinstance(x, Tensor) and x.fn is None and x.requires_grad


def in_order(x: Any) -> Any:
    """What a caller passes as one container.

    A Tensor, a tuple, a generator, a view come as a list; so does a set, in the order of creation.
    """
    if isinstance(x, Tensor):
        return [x]
    if isinstance(x, (set, frozenset)):
        return sorted(x, key=lambda part: getattr(part, "serial", -1))
    several = type(x) is tuple or isinstance(x, (Iterator, ValuesView))
    return list(x) if several else x


def like(x: Any, values: Mapping[Tensor, Any]) -> Any:
    """Containers and models like those in x, with a value in place of each Tensor that has one.

    What is no container is shared. Raises ArgumentError where something cannot be copied.
    """
    copies = {id(part): part for part, _ in _parts(x)}
    for tensor, value in values.items():
        copies[id(tensor)] = value
    try:
        return copy.deepcopy(x, copies)
    except TypeError as error:
        got = f"no other {type(x).__name__} can be made ({error})"
        remedy = "Ask for a list: models.parameters(model)"
        raise ArgumentError("structure", got=got, remedy=remedy) from None


def _no_tensor(caller: str, x: Any, among: bool) -> ArgumentError:
    got = "None" if x is None else f"a {type(x).__name__}"
    if among:
        got += " among the Tensors"
    return ArgumentError(caller, got=got, expected=f"expected Tensors, or {CONTAINERS}")


# --- the walk -------------------------------------------------------------------------------------
def _parts(x: Any) -> Iterator[tuple[Any, bool]]:
    """What x holds that holds nothing itself, each once, in order, and whether a model holds it."""
    waiting = [(x, False)]
    # held, so that no id is given twice
    seen: dict[int, Any] = {}
    while waiting:
        part, in_model = waiting.pop()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        items = _items(part)
        attributes = _attributes(part)
        if items is None and not attributes:
            yield part, in_model
        inside = [(item, in_model) for item in items or ()]
        inside += [(value, True) for value in attributes]
        waiting += reversed(inside)


def _items(x: Any) -> list[Any] | None:
    """The items of a container; None for what is none."""
    if isinstance(x, Mapping):
        return list(x.values())
    return list(x) if isinstance(x, SEQUENCES) else None


def _attributes(x: Any) -> list[Any]:
    """The values of a model's attributes, in ``__slots__`` and ``__dict__``."""
    if isinstance(x, OPAQUE):
        return []
    # what copies and pickles go by: the dict, or a pair with the slots
    state: Any = object.__getstate__(x)
    places = state if isinstance(state, tuple) else (state,)
    return [value for place in reversed(places) for value in (place or {}).values()]


# --- structure by position ------------------------------------------------------------------------
def mapped(fn: Callable[..., Any], x: Any, *others: Any) -> Any:
    """The containers of x with fn(leaf, ...) in place of each leaf; None stays.

    A leaf is what is no dict, list, tuple or dataclass. ``others`` are structures like x, whose
    leaves at the same place fn gets too. Raises ArgumentError where they differ.
    """
    if x is None:
        return None
    parts = _children(x)
    if parts is None:
        return fn(x, *others)
    branches = [_children(other) for other in others]
    for branch in branches:
        if branch is None or branch.keys() != parts.keys():
            got = f"a {type(x).__name__} of {list(parts)}"
            other = "no container" if branch is None else f"one of {list(branch)}"
            raise ArgumentError("structure", got=f"{got} and {other}", expected="expected the same")
    values = {}
    for key, part in parts.items():
        values[key] = mapped(fn, part, *[branch[key] for branch in branches])  # type: ignore[index]
    return _refilled(x, values)


def leaves(x: Any) -> list[Any]:
    """The leaves of x by position, None among them."""
    found = []
    waiting = [x]
    while waiting:
        part = waiting.pop()
        parts = _children(part)
        if parts is None:
            found.append(part)
        else:
            waiting += reversed(parts.values())
    return found


def _children(x: Any) -> dict[Any, Any] | None:
    """The parts of a container by key, index or name; None for what is a leaf."""
    if type(x) is np.ndarray:
        return None
    if isinstance(x, Mapping):
        return dict(x)
    if isinstance(x, (list, tuple)):
        return dict(enumerate(x))
    if is_dataclass(x) and not isinstance(x, type):
        return {field.name: getattr(x, field.name) for field in fields(x)}
    return None


def _refilled(x: Any, values: dict[Any, Any]) -> Any:
    """A container like x with other parts."""
    if hasattr(x, "_make"):
        return x._make(values.values())
    if isinstance(x, (list, tuple)):
        return type(x)(values.values())
    if isinstance(x, Mapping) and not isinstance(x, MutableMapping):
        return values
    copied = copy.copy(x)
    if isinstance(x, MutableMapping):
        copied.update(values)
    else:
        for name, value in values.items():
            # frozen ones too
            object.__setattr__(copied, name, value)
    return copied
