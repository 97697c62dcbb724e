"""The laws that tests of every subject state: close, same, agrees; and how many examples try them."""

import functools
import importlib
import itertools
import os

import numpy as np
import pytest
from hypothesis import settings

import minigrad as mg
from minigrad.compiler.emit.kernels import copy_result
from minigrad.compiler.emit.labels import subtract_at


def examples(n):
    """Try n examples in the profile ci, and in another as many times more, or fewer, as it tries by default."""
    tried = settings.default.max_examples
    usual = settings.get_profile("ci").max_examples
    return settings(max_examples=max(1, n * tried // usual))


def pairwise(*axes):
    """Rows of one value from each axis, such that every two values of two axes are in a row together."""
    lengths = [range(len(axis)) for axis in axes]
    pairs = [
        {(i, a), (j, b)}
        for (i, one), (j, other) in itertools.combinations(enumerate(lengths), 2)
        for a, b in itertools.product(one, other)
    ]
    rows = []
    while pairs:
        best = max(
            itertools.product(*lengths),
            key=lambda row: sum(pair <= set(enumerate(row)) for pair in pairs),
        )
        pairs = [pair for pair in pairs if not pair <= set(enumerate(best))]
        rows.append(tuple(axis[k] for axis, k in zip(axes, best, strict=True)))
    return rows


# --- equal numbers ----------------------------------------------------------------------------------------------------
def close(found, expected, rtol=1e-12, atol=None):
    """Equal shapes and dtypes, and |found - expected| <= rtol |expected| + atol, element by element.

    Arrays, Tensors or numbers (of no dtype), or lists of them. Left out, atol is rtol of the largest element expected.
    """
    if isinstance(expected, list | tuple):
        for a, b in zip(found, expected, strict=True):
            close(a, b, rtol, atol)
        return
    found, expected = (x.data if isinstance(x, mg.Tensor) else x for x in (found, expected))
    assert np.shape(found) == np.shape(expected)
    if atol is None:
        atol = rtol * largest(expected)
    np.testing.assert_allclose(found, expected, rtol, atol, strict=hasattr(expected, "dtype"))


def largest(x):
    return np.abs(x).max(initial=0, where=np.isfinite(x))


def same(found, expected):
    """Equal to the last bit."""
    close(found, expected, rtol=0)


def slope(f, x, eps=1e-3):
    """df/dx for every element of x, by central differences of fourth order."""
    out = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        e = np.zeros(x.shape)
        e[i] = eps
        out[i] = (8 * (f(x + e) - f(x - e)) - f(x + 2 * e) + f(x - 2 * e)) / (12 * eps)
    return out


# native code is compiled for every law of plans, which takes long: in nightly runs
NATIVE_TOO = os.environ.get("MINIGRAD_LAWS_OF_NATIVE_CODE") == "1"


# --- compilation: a plan gives what replaying the tape gives ----------------------------------------------------------
def agrees(tape, feeds=None, dtype=np.float64, sharded=None):
    """Compile and compare: on the recorded values, on others, and on the first again.

    Also in shards, on threads, where it can be split; ``sharded`` demands that it is (or is not).
    """
    whole, split = mg.compile(tape), [in_shards(tape, 2), in_shards(tape, 3)]
    if NATIVE_TOO:
        split += [mg.compile(tape, backend="native"), in_shards(tape, 2, native=True)]
    assert sharded is None or [is_sharded(p) for p in split[:2]] == [sharded, sharded], str(
        split[0]
    )
    feeds = {k: v for k, v in (feeds or {}).items() if k in whole.inputs}
    for plan in [whole, *split[2:], *filter(is_sharded, split[:2])]:
        assert is_native(plan) or not shared_by_shards(plan)
        replays(plan(), tape.replay(), dtype)
        if feeds:
            expected = tape.replay(feeds, missing="recorded")
            replays(plan(feeds, missing="recorded"), expected, dtype)
            replays(plan(), tape.replay(), dtype)
    return whole


def replays(found, expected, dtype):
    """Equal to rounding, in units of an array's largest element or of 1, for sums that cancel."""
    tolerance = 1e-12 if dtype == np.float64 else 1e-6
    for a, b in zip(found, expected, strict=True):
        close(a, b, tolerance, tolerance * max(1, largest(b)))


def in_shards(tape, count, wide=1 << 30, much=1, native=False, **options):
    """Compile as where there are so many cores, and any batch, if not said else, is worth them."""
    split = importlib.import_module("minigrad.compiler.rewrite.shard_count")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split, "MIN_BLAS_COLUMNS", wide)
        patch.setattr(split, "MIN_NUMBERS_PER_SHARD", much)
        patch.setattr(split, "MIN_TERMS_PER_SHARD", much)
        patch.setattr(split, "MIN_ROWS_PER_SHARD", 1)
        patch.setattr(os, "sched_getaffinity", lambda _: set(range(count)), raising=False)
        return mg.compile(tape, backend="native" if native else "numpy", **options)


def is_native(plan):
    return "native code" in str(plan)


def is_sharded(plan):
    return " shards " in str(plan)


def shared_by_shards(plan):
    """Memory that one shard writes while another may read or write it."""
    bounds, touched = [*plan._sections, len(plan._inputs.run)], []
    for start, stop in itertools.pairwise(bounds[1:-1]):
        read, written = {}, {}
        for fn, args in plan._inputs._calls[start:stop]:
            arrays = [a for a in args if isinstance(a, np.ndarray)]
            out = _written(fn, arrays)
            read |= {_spot(a): a for a in [*arrays, out]}
            written[_spot(out)] = out
        touched.append((written.values(), read.values()))
    return [
        (a.shape, b.shape)
        for one, other in itertools.permutations(touched, 2)
        for a, b in itertools.product(one[0], other[1])
        if np.shares_memory(a, b)
    ]


def _written(fn, arrays):
    """The array that a call writes: the first, a keyword where NumPy wants one, else the last."""
    if isinstance(fn, functools.partial):
        return fn.keywords["out"]
    return arrays[0] if fn in (np.copyto, copy_result, subtract_at) else arrays[-1]


def _spot(a):
    return a.__array_interface__["data"][0], a.shape, a.strides, a.dtype
