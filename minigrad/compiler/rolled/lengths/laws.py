"""What a thing is at any length, from what it is at a few: constant, affine, or a power of that.

Lengths are counted: the k-th is ``first + k * step``. A law gives the thing at the k-th.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import is_dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from minigrad.compiler.rolled.affine import same

from .parts import built, parts_of
from .runs import as_runs, numbers_of, patterns_of, spread

Law = Callable[[int], Any]
SAMPLES = (0, 1, 2, 5)
"""At which lengths a thing is known: what fits three of them is checked on the fourth."""
POWERS = (1.0, -1.0, -2.0, 2.0, -0.5, 0.5)
"""As which power of an affine number a float may depend on the length: 1/T, 1/sqrt(T), ..."""
MAX_ROUNDINGS = 8
# of an array whose entries depend on the length, so many may do so in ways of their own
MAX_ENTRIES = 64
MAX_DENOMINATOR = 100_000


class UnlikeError(Exception):
    """What is at these lengths follows no law. ``name``: of the value that it belongs to."""

    def __init__(self, samples: Sequence[Any]) -> None:
        super().__init__(samples)
        self.samples = samples
        self.name = ""


def law_of(samples: Sequence[Any]) -> Law:
    """The law of things at the lengths ``SAMPLES``. Raises UnlikeError where there is none."""
    first = samples[0]
    if len({type(x) for x in samples}) > 1:
        raise UnlikeError(samples)
    if isinstance(first, np.ndarray):
        return _law_of_arrays(samples)
    if not is_dataclass(first) and all(same(x, first) for x in samples):
        return lambda k: first
    if isinstance(first, int) and not isinstance(first, bool):
        return _law_of_integers(samples)
    if isinstance(first, float):
        return _law_of_floats(samples)
    try:
        return _law_of_parts(samples)
    except UnlikeError as error:
        if is_dataclass(first):
            error.name = error.name or getattr(first, "name", "")
        raise


# --- numbers --------------------------------------------------------------------------------------
def _law_of_integers(samples: Sequence[int]) -> Law:
    start, per_length = samples[0], samples[1] - samples[0]
    if any(x != start + k * per_length for k, x in zip(SAMPLES, samples, strict=True)):
        raise UnlikeError(samples)
    return lambda k: start + k * per_length


def _law_of_floats(samples: Sequence[float], eps: float = np.finfo(float).eps) -> Law:
    """c (a + k)^n of the n that fits up to a few roundings."""
    # signs that differ, zeros among others and what is not finite follow no power
    if len(set(np.sign(samples))) > 1 or not all(np.isfinite(samples)):
        raise UnlikeError(samples)
    for power in POWERS:
        law = _law_of_power(samples, power, eps)
        found = np.array([law(k) for k in SAMPLES])
        if np.allclose(found, samples, rtol=MAX_ROUNDINGS * eps, atol=0):
            return law
    raise UnlikeError(samples)


def _law_of_power(samples: Sequence[float], power: float, eps: float) -> Law:
    base, after = [abs(x) ** (1 / power) for x in samples[:2]]
    if base == after:
        return lambda k: samples[0]
    start = Fraction(base / (after - base)).limit_denominator(MAX_DENOMINATOR)
    if start == 0 or (start < 0 and not power.is_integer()):
        return lambda k: samples[0]
    scale = Fraction(samples[0] / float(start) ** power)
    simple = scale.limit_denominator(MAX_DENOMINATOR)
    if abs(simple - scale) <= MAX_ROUNDINGS * eps * abs(scale):
        scale = simple
    if power.is_integer():
        # in whole numbers, rounded once
        return lambda k: float(scale * (start + k) ** int(power)) if start + k else np.inf
    return lambda k: float(scale) * float(start + k) ** power


# --- arrays ---------------------------------------------------------------------------------------
def _law_of_arrays(samples: Sequence[Any]) -> Law:
    first = samples[0]
    if len({x.dtype for x in samples}) > 1:
        raise UnlikeError([x.dtype for x in samples])
    has_one_shape = len({x.shape for x in samples}) == 1
    if has_one_shape and all(same(x, first) for x in samples):
        return lambda k: first
    shape = law_of([x.shape for x in samples])
    if all(x.size and np.all(x == x.flat[0]) for x in samples):
        value = _law_of_entries([x.flat[0] for x in samples])
        return lambda k: np.full(shape(k), value(k), first.dtype)
    if has_one_shape:
        return _law_of_each_entry(samples)
    entries = law_of([x.tolist() for x in samples])
    return lambda k: np.array(entries(k), first.dtype).reshape(shape(k))


def _law_of_each_entry(samples: Sequence[Any]) -> Law:
    """Of arrays of one shape, few entries of which are unlike one another."""
    first = samples[0]
    columns = np.stack([x.ravel() for x in samples])
    unlike, where = np.unique(columns, axis=1, return_inverse=True)
    if unlike.shape[1] > MAX_ENTRIES:
        raise UnlikeError([f"an array {list(x.shape)}" for x in samples])
    laws = [_law_of_entries(list(column)) for column in unlike.T]
    where = where.reshape(first.shape)
    return lambda k: np.array([f(k) for f in laws], first.dtype)[where]


def _law_of_entries(entries: Sequence[Any]) -> Law:
    """The law of numbers of an array, which have its precision."""
    numbers = [x.item() for x in entries]
    if isinstance(numbers[0], float) and len(set(numbers)) > 1:
        return _law_of_floats(numbers, float(np.finfo(entries[0].dtype).eps))
    return law_of(numbers)


# --- what has parts -------------------------------------------------------------------------------
def _law_of_parts(samples: Sequence[Any]) -> Law:
    kind = type(samples[0])
    parts = [parts_of(x) or [] for x in samples]
    if not all(parts):
        raise UnlikeError(samples)
    if len({len(x) for x in parts}) == 1:
        laws = []
        for column in zip(*parts, strict=True):
            laws.append(_law_of_part(kind, column))
        return lambda k: built(kind, [f(k) for f in laws])
    if kind is str:
        raise UnlikeError(samples)
    return _law_of_growing(kind, parts)


def _law_of_part(kind: type, column: Sequence[Any]) -> Law:
    try:
        return law_of(column)
    except UnlikeError as error:
        # what a dictionary holds is called by its key
        if kind is dict and isinstance(column[0][0], str):
            error.name = error.name or column[0][0]
        raise


def _law_of_growing(kind: type, parts: Sequence[list[Any]]) -> Law:
    """Of lists of other lengths: runs of entries that go on evenly, so many at every length."""
    runs = [as_runs(entries) for entries in parts]
    if len({len(x) for x in runs}) > 1:
        raise UnlikeError([f"{len(entries)} entries" for entries in parts])
    patterns = law_of(list(map(patterns_of, runs)))
    numbers = law_of(list(map(numbers_of, runs)))
    return lambda k: built(kind, spread(patterns(k), numbers(k)))
