"""The laws of native code: it gives what NumPy's plan gives, and refuses what that refuses."""

import ctypes
import itertools
import os
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tr
from minigrad.compiler import choice
from minigrad.compiler.native import libraries, toolchain
from minigrad.compiler.native.rolling import Single, rolled
from minigrad.errors import ArgumentError, UnsupportedError
from tests.laws import examples, in_shards, is_native, is_sharded, replays
from tests.minigrad.compiler.native_code import cache, native, needs_compiler, own_cache, quickly  # noqa: F401
from tests.minigrad.compiler.test_compile_programs import PROGRAMS, drawn
from tests.zoo import TAPES

pytestmark = [needs_compiler, pytest.mark.usefixtures("own_cache")]

DTYPES = {"float": np.float32, "double": np.float64}


# --- numbers ----------------------------------------------------------------------------------------------------------
def everywhere(dtype):
    """Numbers of every exponent and sign, subnormal ones, zeros, infinities and NaN."""
    if dtype == np.float32:
        bits = np.arange(0, 1 << 32, 4099, dtype=np.uint32)
    else:
        bits = np.arange(0, (1 << 64) - (1 << 44), (1 << 44) + 12345, dtype=np.uint64)
    near = np.linspace(-12, 12, 40_001)
    edges = [0.0, -0.0, np.inf, -np.inf, np.nan]
    return np.concatenate([bits.view(dtype), near.astype(dtype), np.array(edges, dtype)])


@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("name", ["exp", "tanh", "log", "sigmoid"])
def test_functions_are_within_two_units_in_the_last_place(name, dtype):
    x = everywhere(dtype)
    leaf = mg.tensor(x, name="x")
    fn = mg.sigmoid if name == "sigmoid" else getattr(np, name)
    with np.errstate(all="ignore"):
        (found,) = native(mg.Tape.of(fn(leaf)))()
        wide = x.astype(np.longdouble)
        exact = 1 / (1 + np.exp(-wide)) if name == "sigmoid" else fn(wide)
        expected = exact.astype(dtype)
        finite = np.isfinite(expected)
        units = np.abs(found - exact)[finite] / np.spacing(np.abs(expected[finite]))
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    assert units.max() <= 2


@pytest.mark.parametrize("name", DTYPES)
@given(
    sizes=st.tuples(*[st.integers(1, 40)] * 3) | st.just((3, 600, 5)) | st.just((9, 257, 70)),
    turned=st.tuples(*[st.booleans()] * 3),
    packed=st.booleans(),
)
def test_products_of_any_size_and_layout(name, sizes, turned, packed):
    dtype = DTYPES[name]
    m, k, n = sizes
    rng = np.random.default_rng(0)
    shapes = (m, k), (k, n), (m, n)
    arrays = [
        laid_out(rng.normal(size=shape).astype(dtype), t)
        for shape, t in zip(shapes, turned, strict=True)
    ]
    a, b, out = arrays
    panels = np.empty(k * (n + 32), dtype)
    library = libraries._products()
    left = [m, k, n, a, *steps(a)]
    if packed:
        call(library[f"pack_{name}"], b, *steps(b), k, n, panels)
        call(library[f"product_{name}"], *left, panels, out, *steps(out))
    else:
        call(library[f"multiply_{name}"], *left, b, *steps(b), panels, out, *steps(out))
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(out, a @ b, rtol=tolerance, atol=tolerance * k)


def laid_out(x, turned):
    return np.asfortranarray(x) if turned else x


def steps(x):
    return [stride // x.itemsize for stride in x.strides]


def call(function, *args):
    converted = [
        ctypes.c_void_p(x.ctypes.data) if isinstance(x, np.ndarray) else ctypes.c_long(x)
        for x in args
    ]
    function(*converted)


# --- loops ------------------------------------------------------------------------------------------------------------
@given(
    st.recursive(
        st.lists(st.sampled_from("abc"), min_size=1, max_size=4),
        lambda inner: st.tuples(inner, st.integers(1, 6)).map(lambda x: x[0] * x[1]),
        max_leaves=3,
    ),
    st.integers(0, 3),
)
def test_loops_stand_for_the_calls_that_they_were(kinds, distance):
    calls = [(kind, i * distance) for i, kind in enumerate(kinds)]
    items = rolled([Single(None, kind, (place,)) for kind, place in calls])
    assert list(unrolled(items)) == calls


def unrolled(items, moved=()):
    """The calls of items again, one by one."""
    start = 0
    for item in items:
        count = len(item.places)
        offsets = moved[start : start + count] or (0,) * count
        start += count
        if isinstance(item, Single):
            yield item.key, item.places[0] + offsets[0]
            continue
        for t in range(item.rounds):
            yield from unrolled(
                item.body, tuple(o + t * s for o, s in zip(offsets, item.steps, strict=True))
            )


def test_a_loop_of_loops_is_found():
    calls = []
    for block, t in itertools.product(range(5), range(4)):
        calls.append(("step", 100 * block + 8 * t))
        if t == 3:
            calls.append(("cut", 100 * block))
    (outer,) = rolled([Single(None, kind, (place,)) for kind, place in calls])
    inner, cut = outer.body
    assert (outer.rounds, inner.rounds, cut.key) == (5, 4, "cut")


# --- plans ------------------------------------------------------------------------------------------------------------
@examples(25)
@given(PROGRAMS, st.integers(1, 6), st.sampled_from([np.float32, np.float64]))
@pytest.mark.usefixtures("quickly")
def test_drawn_programs(program, T, dtype):
    loss, _ = drawn(program, T, dtype)
    gives_what_replaying_gives(tr.differentiate(mg.Tape.of(loss)), dtype)


MODELS = ("ten", "gru", "lstm", "two layers", "encoder", "data outside")
TRANSFORMS = {
    "plain": lambda tape: tape,
    "every": lambda tape: tr.truncate(tape, every=2),
    "window": lambda tape: tr.truncate(tape, window=2),
    "randomized": lambda tape: tr.truncate_randomly(tape, keep=0.5, rng=0),
    "checkpointed": lambda tape: tr.checkpoint(tape, 2),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.usefixtures("quickly")
def test_models_under_transforms(model, transform):
    tape = TRANSFORMS[transform](TAPES[model]())
    tape = tr.clip(tr.differentiate(tape), max_norm=0.1)
    gives_what_replaying_gives(tape, np.float64)


def gives_what_replaying_gives(tape, dtype):
    """Whole and in shards; after others were fed, too."""
    plans = [native(tape), *filter(is_sharded, [in_shards(tape, 2, native=True)])]
    leaves = {tape.names[x]: x for x in tape.leaves if x.dtype.kind == "f"}
    for plan in plans:
        assert is_native(plan)
        feeds = {name: x.data * 0.9 for name, x in leaves.items() if name in plan.inputs}
        replays(plan(), tape.replay(), dtype)
        expected = tape.replay(feeds, missing="recorded")
        replays(plan(feeds, missing="recorded"), expected, dtype)
        replays(plan(), tape.replay(), dtype)


def recurrent(T=40, rows=8, H=16):
    rng = np.random.default_rng(0)
    w = mg.tensor(np.float32(rng.normal(size=(H, H)) / 5), requires_grad=True, name="W_hh")
    X = mg.tensor(np.float32(rng.normal(size=(T, rows, H))), name="X")
    h, outs = mg.tensor(np.zeros((rows, H), np.float32)), []
    for t in range(T):
        with mg.timestep(t + 1):
            h = np.tanh(X[t] + h @ w)
            outs.append(h)
    Y = mg.tensor(rng.integers(0, H, T * rows), name="Y")
    return tr.differentiate(mg.Tape.of(mg.cross_entropy(np.concatenate(outs), Y)))


def test_one_core_gives_the_bits_that_two_give(monkeypatch):
    split = __import__("minigrad.compiler.rewrite.shard_count", fromlist=["_"])
    monkeypatch.setattr(split, "MIN_TERMS_PER_SHARD", 1)
    results = []
    for cores in (1, 2, 2):
        monkeypatch.setattr(
            os, "sched_getaffinity", lambda _, n=cores: set(range(n)), raising=False
        )
        plan = native(recurrent())
        assert is_sharded(plan)
        results += [plan(), plan()]
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert a.tobytes() == b.tobytes()


def test_large_inputs_are_read_where_they_lie():
    """From 64 KiB on an array that is fed is not copied: the code reads another address."""
    tape = recurrent(rows=64)
    plan = native(tape)
    for seed in range(3):
        X = np.float32(np.random.default_rng(seed).normal(size=(40, 64, 16)))
        assert X.nbytes > 1 << 16
        feeds = {"X": X}
        replays(plan(feeds, missing="recorded"), tape.replay(feeds, missing="recorded"), np.float32)
    replays(plan(), tape.replay(), np.float32)


def test_the_whole_step_is_one_call():
    assert "plan: 1 calls" in str(native(recurrent(rows=1)))


def test_a_label_that_is_none_is_refused_as_by_numpy():
    tape = recurrent(T=3)
    Y = np.full(24, 99)
    plan = native(tape)
    texts = set()
    for either in (mg.compile(tape), plan):
        with pytest.raises(ArgumentError) as refused:
            either({"Y": Y}, missing="recorded")
        texts.add(str(refused.value))
    assert len(texts) == 1
    replays(plan(), tape.replay(), np.float32)


def looked_up(T=5, rows=3, V=7, H=4):
    """A recurrence on rows of a table, which is the output's as well."""
    rng = np.random.default_rng(0)
    E = mg.tensor(rng.normal(size=(V, H)), requires_grad=True, name="E")
    tokens = mg.tensor(rng.integers(0, V, (T, rows)), name="tokens")
    h, outs = mg.tensor(np.zeros((rows, H))), []
    for t in range(T):
        with mg.timestep(t + 1):
            h = np.tanh(mg.embedding(tokens[t], E) + h)
            outs.append(h @ E.T)
    Y = mg.tensor(rng.integers(0, V, T * rows), name="Y")
    return tr.differentiate(mg.Tape.of(mg.cross_entropy(np.concatenate(outs), Y)))


@pytest.mark.usefixtures("quickly")
def test_look_ups():
    tape = looked_up()
    plan = native(tape)
    assert "plan: 1 calls" in str(plan)
    for seed in range(3):
        feeds = {"tokens": np.random.default_rng(seed).integers(0, 7, (5, 3))}
        replays(plan(feeds, missing="recorded"), tape.replay(feeds, missing="recorded"), float)
    with pytest.raises(ArgumentError, match=r"embedding: indices: 7; expected 0\.\.6"):
        plan({"tokens": np.full((5, 3), 7)}, missing="recorded")


# --- the compiler -----------------------------------------------------------------------------------------------------
def test_what_was_compiled_is_found_again(monkeypatch):
    native(recurrent())
    monkeypatch.setattr(subprocess, "run", None)
    native(recurrent())


def test_a_damaged_library_is_compiled_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(toolchain, "_cache", lambda: tmp_path)
    toolchain.library("int f() { return 3; }", "-O0")
    (path,) = tmp_path.iterdir()
    path.unlink()
    path.write_bytes(b"no library")
    assert toolchain.library("int f() { return 3; }", "-O0").f() == 3


def test_without_a_compiler_auto_is_numpy_and_native_is_refused(monkeypatch):
    monkeypatch.setattr(toolchain, "compiler", lambda: None)
    plan = mg.compile(recurrent(), backend="auto")
    assert "NumPy: no C compiler" in str(plan)
    with pytest.raises(UnsupportedError, match="pip install ziglang"):
        native(recurrent())


def test_a_compiler_that_fails_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(toolchain, "_cache", lambda: tmp_path)
    monkeypatch.setattr(toolchain, "FLAGS", ("--no-such-flag",))
    with pytest.raises(UnsupportedError, match="no-such-flag"):
        native(mg.Tape.of(np.tanh(mg.tensor([1.0], name="x"))))
    assert not list(tmp_path.iterdir())


def test_auto_takes_what_was_measured_to_be_faster(monkeypatch):
    for native_seconds, chosen in ((1.0, False), (3.0, True)):
        times = iter([2.0, native_seconds])
        monkeypatch.setattr(choice, "_seconds", lambda plan, times=times: next(times))
        plan = mg.compile(recurrent(), backend="auto")
        assert is_native(plan) != chosen
        assert "measured: native" in str(plan)
