"""Recurrent programs to compile, and the law of compilation: a plan gives what replaying the tape gives."""

import importlib
import itertools
import os

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tr
from minigrad.compiler.emit.kernels import copy_result
from minigrad.compiler.emit.labels import subtract_at
from minigrad.models.cells import CELLS as REGISTRY

B, D, H, V = 3, 4, 5, 6


def close(found, expected, dtype=np.float64):
    tolerance = 1e-12 if dtype == np.float64 else 1e-6
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(
            a, b, rtol=tolerance, atol=tolerance * max(1, np.abs(b).max(initial=0))
        )


def agrees(tape, feeds=None, dtype=np.float64, sharded=None):
    """Compile and compare: on the recorded values, on others, and on the first again.

    Also in shards, on threads, where it can be split; ``sharded`` demands that it is (or is not).
    """
    whole, split = mg.compile(tape), [in_shards(tape, 2), in_shards(tape, 3)]
    assert sharded is None or [is_sharded(p) for p in split] == [sharded, sharded], str(split[0])
    feeds = {k: v for k, v in (feeds or {}).items() if k in whole.inputs}
    for plan in [whole, *filter(is_sharded, split)]:
        assert not shared_by_shards(plan)
        close(plan(), tape.replay(), dtype)
        if feeds:
            close(plan(feeds), tape.replay(feeds), dtype)
            close(plan(), tape.replay(), dtype)
    return whole


def in_shards(tape, count, wide=1 << 30, much=1):
    """Compile as where there are so many cores, and any batch, if not said else, is worth them."""
    split = importlib.import_module("minigrad.compiler.rewrite.shard_count")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split, "MIN_BLAS_COLUMNS", wide)
        patch.setattr(split, "MIN_NUMBERS_PER_SHARD", much)
        patch.setattr(os, "sched_getaffinity", lambda _: set(range(count)), raising=False)
        return mg.compile(tape)


def is_sharded(plan):
    return " shards " in str(plan)


def shared_by_shards(plan):
    """Memory that one shard writes while another may read or write it."""
    bounds, touched = [*plan._sections, len(plan._inputs.run)], []
    for start, stop in itertools.pairwise(bounds[1:-1]):
        read, written = {}, {}
        for fn, args in plan._inputs._calls[start:stop]:
            arrays = [a for a in args if isinstance(a, np.ndarray)]
            out = arrays[0] if fn in (np.copyto, copy_result, subtract_at) else arrays[-1]
            read |= {_spot(a): a for a in arrays}
            written[_spot(out)] = out
        touched.append((written.values(), read.values()))
    return [
        (a.shape, b.shape)
        for one, other in itertools.permutations(touched, 2)
        for a, b in itertools.product(one[0], other[1])
        if np.shares_memory(a, b)
    ]


def _spot(a):
    return a.__array_interface__["data"][0], a.shape, a.strides, a.dtype


def unrolled(cell, T=5, layers=1, dtype=np.float64, every_step=False, rows=B):
    """The loss of a language model of stacked cells, with named inputs and targets, and values to feed it."""
    rng = np.random.default_rng(0)
    cells = [cell(D if i == 0 else H, H, rng=i, sigma=0.5, dtype=dtype) for i in range(layers)]
    W = mg.tensor(rng.normal(size=(H, V)), requires_grad=True, name="W", dtype=dtype)
    b = mg.tensor(rng.normal(size=V), requires_grad=True, name="b", dtype=dtype)
    X = mg.tensor(rng.normal(size=(T, rows, D)), name="X", dtype=dtype)
    Y = mg.tensor(rng.integers(0, V, (T, rows)), name="Y", dtype=int)
    states, outs, loss = [c.zero_state((rows, D)) for c in cells], [], 0
    for t in range(T):
        with mg.timestep(t + 1):
            h = X[t]
            for i, c in enumerate(cells):
                h, states[i] = c(h, states[i])
            outs.append(h @ W + b)
            if every_step:
                loss = loss + mg.cross_entropy(outs[-1], Y[t]) / T
    if not every_step:
        loss = mg.cross_entropy(np.stack(outs), Y)
    return loss, {
        "X": rng.normal(size=(T, rows, D)).astype(dtype),
        "Y": rng.integers(0, V, (T, rows)),
    }


CELLS = [cell.make for cell in REGISTRY.values()]
TRANSFORMS = {
    "forward": lambda tape: tape,
    "full": tr.differentiate,
    "every": lambda tape: tr.differentiate(tr.truncate(tape, every=2)),
    "window": lambda tape: tr.differentiate(tr.truncate(tape, window=2)),
    "both": lambda tape: tr.differentiate(tr.truncate(tape, every=2, window=1)),
    "randomized": lambda tape: tr.differentiate(tr.truncate_randomly(tape, 0.5, 3)),
    "clip": lambda tape: tr.clip(tr.differentiate(tape), 0.1),
    "clip_value": lambda tape: tr.clip_value(tr.differentiate(tape), 0.01),
    "clip_edges": lambda tape: tr.differentiate(
        tr.clip_edges(tape, lambda e: e in tape.recurrent_edges(), 0.01)
    ),
    "untie": lambda tape: tr.differentiate(
        u := tr.untie(tape, tape.parameters[0]), [n for n in u.nodes if n.op == "alias"]
    ),
    "simplify": lambda tape: tr.simplify(tr.differentiate(tape)),
}
