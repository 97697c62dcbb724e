"""Non-finite values: find_nonfinite names the origin, detect_anomaly raises it."""

import asyncio
import re
import sys
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import GradientError, NonFiniteError, ShapeError, StaleTapeError
from minigrad.transforms import clip, cut, differentiate, truncate, untie

F32_MAX = np.float32(3e38)


@pytest.fixture(autouse=True)
def _numpy_is_silent():
    with np.errstate(all="ignore"):
        yield


def param(x, name=None, dtype=None):
    return mg.tensor(x, requires_grad=True, name=name, dtype=dtype)


def find(*outputs):
    return mg.find_nonfinite(mg.Tape.of(*outputs))


def line():
    """``file:line`` of the caller."""
    return f"test_anomaly.py:{sys._getframe(1).f_lineno}"


def check(loss, message):
    """find_nonfinite says this, and all that asks for a gradient inside detect_anomaly raises it, touching no grad."""
    found = find(loss)
    assert str(found) == message
    assert repr(found) == f"NonFinite({found.kind}: {message})"
    before = [x.grad for x in mg.Tape.of(loss).leaves]
    asks = [
        loss.backward,
        lambda: mg.Tape.of(loss).backward(),
        lambda: list(mg.Tape.of(loss).steps()),
        lambda: mg.grad(loss, mg.Tape.of(loss).parameters),
        lambda: differentiate(mg.Tape.of(loss)),
        lambda: mg.grad(loss, mg.Tape.of(loss).parameters, create_graph=True),
    ]
    for ask in asks:
        with pytest.raises(NonFiniteError) as error, mg.detect_anomaly():
            ask()
        assert str(error.value) == message
        assert (error.value.found.node, error.value.found.kind) == (found.node, found.kind)
    assert all(x.grad is g for x, g in zip(mg.Tape.of(loss).leaves, before, strict=True))
    assert not any(n.swept for n in mg.Tape.of(loss).nodes)


# --- programs with one bad place -------------------------------------------------------------------------------------
SAFE = [
    np.tanh,
    np.sin,
    lambda x: 0.5 * x + 0.25,
    lambda x: x * np.cos(x),
    lambda x: np.exp(-x * x),
    mg.sigmoid,
    lambda x: np.where(x.data > 0, x, 0.5 * x),
    lambda x: x[::-1],
    lambda x: x - np.mean(x),
]
BAD = {  # each a function of finite x, its last operation the origin
    "log of 0": (np.log, lambda x: x - x.data),
    "sqrt below 0": (np.sqrt, lambda x: -1 - x * x),
    "0/0": (lambda x: x / x, lambda x: x * 0),
    "overflow": (np.exp, lambda x: x * 0 + 89),
    "infinite input": (
        lambda x: mg.tensor([1, np.inf, 2], name="data", dtype=np.float32),
        lambda x: x,
    ),
}


@given(
    st.lists(st.sampled_from(SAFE), min_size=1, max_size=12),
    st.sampled_from(sorted(BAD)),
    st.data(),
)
def test_the_origin_is_named_its_step_and_line(ops, kind, data):
    place, (bad, prepare) = data.draw(st.integers(0, len(ops) - 1)), BAD[kind]
    x, origin, at = param([0.5, -0.25, 0.125], "x", np.float32), None, None
    for t, op in enumerate(ops):
        with mg.timestep(t):
            x = op(x)
            if t == place:
                ready = prepare(x)
                origin, at = bad(ready), line()
                x = origin + x
    loss = np.sum(x) + np.sum(origin)  # tanh(-inf) is finite: let the loss see it
    found = find(loss)
    assert found.node is origin
    assert (found.kind, found.masked, found.node.time) == ("forward", False, place)
    if origin.fn in (np.log, np.sqrt, np.exp):
        assert str(found).endswith(f"[t={place}, {at}]")
    with pytest.raises(NonFiniteError) as error, mg.detect_anomaly():
        loss.backward()
    assert error.value.found.node is origin


@given(st.lists(st.sampled_from(SAFE), max_size=12))
def test_finite_programs_have_no_finding(ops):
    w = x = param([0.5, -0.25, 0.125], "x", np.float32)
    for op in ops:
        x = op(x)
    assert find(np.sum(x)) is None
    (plain,) = mg.grad(np.sum(x), w)
    with mg.detect_anomaly():
        (watched,) = mg.grad(np.sum(x), w)
    np.testing.assert_array_equal(watched.data, plain.data)


def test_the_earliest_of_several_is_named_and_the_loss_comes_first():
    x = param([0.0, 1.0], "x")
    first, second = np.log(x), np.log(x * 0)
    assert find(np.sum(second + first)).node is first
    hidden = np.where([False, True], first, 0)
    assert find(np.sum(hidden) + np.sum(second)).node is second
    assert find(np.sum(x), np.sum(second), np.sum(first)).node is second


OPS = [
    *SAFE,
    np.log,
    np.sqrt,
    np.exp,
    np.square,
    lambda x: 1 / x,
    lambda x: x - x,
    lambda x: x * F32_MAX,
    lambda x: np.where(x > 0, x, 1),
    lambda x: np.where(x > 0, x, -np.inf),
    mg.softmax,
    np.max,
    np.sum,
]


@given(
    st.lists(st.tuples(st.sampled_from(OPS), st.integers(0, 20), st.integers(0, 20)), max_size=10),
    st.booleans(),
)
def test_what_is_found_is_an_origin_and_silence_is_finite(program, in_float32):
    x = param([0.0, -1.0, 2.0], "x", np.float32 if in_float32 else np.float64)
    values = [x]
    for op, i, j in program:
        values.append(
            op(values[i % len(values)]) * 1 + 0.5 * values[j % len(values)] * np.ones(3, x.dtype)
        )
    loss = np.sum(values[-1])
    arrays = [
        loss.data,
        *(a for s in mg.Tape.of(loss).steps() for a in (s.grad, *s.contributions) if a is not None),
    ]
    fine = all(np.isfinite(a).all() for a in arrays)
    found = find(loss)
    with mg.detect_anomaly():
        assert caught(loss) is not fine
    assert found or fine
    assert not found or fine == ("It reaches neither" in str(found))
    if found and found.kind == "forward":
        bad = ~np.isfinite(found.node.data)
        assert bad.any()
        for i in found.node.inputs:
            assert (
                np.isfinite(i.data).all()
                or np.isfinite(np.broadcast_to(i.data, bad.shape)[bad]).all()
            )
    elif found:
        assert np.isfinite(loss.data)
        assert not np.isfinite(found.value).all()


# --- exact messages --------------------------------------------------------------------------------------------------
def test_log_of_zero():
    x = param([[0, 1], [4, 2]], "x")
    with mg.timestep(3):
        y, at = np.log(x), line()
    got = "'log@3' has -inf in 1 of 4; it reads 'x' (2, 2) from 0 to 4, first log(0) at [0, 0]"
    check(np.sum(y), f"log: {got}. [t=3, {at}]")


def test_zero_over_zero():
    a, b = param(0.0, "a"), param(0.0, "b")
    y, at = (a / b).named("y"), line()
    check(y, f"divide: 'y' is NaN; it reads 'a' = 0 and 'b' = 0. [{at}]")


def test_overflow_in_float32():
    z = param([1, 89], "z", np.float32)
    e, at = np.exp(z), line()
    p, then = e / np.sum(e), line()
    hint = "Overflow: float32 ends at 3.403e+38. mg.softmax and mg.log_softmax subtract the largest first"
    got = "'exp' has inf in 1 of 2; it reads 'z' (2,) from 1 to 89, first exp(89) at [1]"
    check(np.sum(p), f"exp: {got}. {hint}. NaN from 'divide' ({then}) on. [{at}]")
    assert find(np.sum(np.exp(param([1, 89], "z")))) is None  # float64 has room


def test_a_mask_around_sqrt_names_sqrt():
    x = param([0, 4], "x")
    y, at = np.sqrt(x), line()
    got = "'sqrt' sends NaN in 1 of 2 to 'x' (2,) from 0 to 4; a gradient of 0 meets sqrt(0) = 0 at [0]"
    remedy = "0 times an infinite slope is NaN. Mask the operand, not the result: sqrt(np.where(mask, x, 1))"
    check(np.sum(np.where(x > 0, y * 2, 0)), f"backward through sqrt: {got}. {remedy}. [{at}]")


def test_the_remedy_for_masks_is_one():
    x = param([0, 4], "x")
    y = np.where(x > 0, np.sqrt(np.where(x > 0, x, 1)) * 2, 0)
    assert find(np.sum(y)) is None
    np.testing.assert_array_equal(mg.grad(np.sum(y), x)[0].data, [0, 0.5])


def test_a_masked_value_spoils_the_gradient():
    x = param([0, 1], "x")
    y, at = np.log(x), line()
    z, seen = y * x, line()
    said = f"The loss does not see it, but 'multiply' ({seen}) sends NaN back"
    remedy = "Mask the operand, not the result: log(np.where(mask, x, 1))"
    got = "'log' has -inf in 1 of 2; it reads 'x' (2,) from 0 to 1, first log(0) at [0]"
    then = f"NaN from 'multiply' ({seen}) on"
    check(np.sum(np.where(x > 0, z, 0)), f"log: {got}. {said}. {remedy}. {then}. [{at}]")


@pytest.mark.parametrize(
    ("fn", "remedy"),
    [
        (lambda x: 2 / x, "y / np.where(mask, x, 1)"),
        (lambda x: x**-1.5, "power(np.where(mask, x, 1), y)"),
        (lambda x: np.exp(1000 * (1 - x)), "exp(np.where(mask, x, 1))"),
        (lambda x: np.arctanh(1 - x), "arctanh(np.where(mask, x, safe))"),
    ],
)
def test_the_operand_to_mask(fn, remedy):
    x = param([0.0, 0.5], "x")
    found = find(np.sum(np.where(x > 0, fn(x), 0)))
    assert found.masked
    assert f"Mask the operand, not the result: {remedy}. [" in str(found)


def test_a_parameter_that_holds_nan():
    W, at = mg.tensor([[1, np.nan], [1, 1]], requires_grad=True, name="W"), line()
    check(np.sum(np.tanh(W @ W)), f"parameter: 'W' has NaN in 1 of 4; first at [0, 1]. [{at}]")
    w, at = mg.tensor(1.0, requires_grad=True, name="w"), line()
    w.assign(np.inf)
    check(w * 2, f"parameter: 'w' is inf. The update before this forward pass wrote it. [{at}]")


def test_an_accumulated_gradient_that_overflows():
    w = param(1, "w", np.float32)
    h, at = (w * 1).named("h"), line()
    got = "the gradient of 'h' is inf; all that was sent to it is finite, the sum is not"
    remedy = "Overflow: float32 ends at 3.403e+38"
    check(h * F32_MAX + (h - 1) * F32_MAX, f"backward: {got}. {remedy}. [{at}]")


def test_a_contribution_that_overflows():
    x = param([1e-30, 1], "x", np.float32)
    y, at = x * F32_MAX, line()
    got = "'multiply' sends inf in 1 of 2 to 'x' (2,) from 1e-30 to 1; a gradient of 1e+30 meets multiply(1e-30, 3e+38)"
    loss = np.sum(y * np.float32([1e30, 1e-9]))
    check(
        loss,
        f"backward through multiply: {got} = 3e+08 at [0]. Overflow: float32 ends at 3.403e+38. [{at}]",
    )
    (slope,) = mg.grad(loss, x)
    assert np.isinf(slope.data[0])


# --- what is not named -----------------------------------------------------------------------------------------------
def test_an_attention_mask_is_no_finding():
    scores = param(np.arange(9.0).reshape(3, 3), "scores")
    masked = np.where(np.tri(3, dtype=bool), scores, -np.inf)
    for p in (mg.softmax(masked), np.exp(masked) / np.sum(np.exp(masked), axis=-1, keepdims=True)):
        loss = np.sum(p * p)
        assert find(loss) is None
        with mg.detect_anomaly():
            mg.grad(loss, scores)
    bad = find(np.sum(np.log(np.sum(mg.softmax(masked)) - 3)))
    assert bad.node.op == "log"  # not the mask, which the loss does not see


def test_an_attention_mask_is_blamed_only_where_nothing_else_is():
    mask = mg.tensor(np.where(np.tri(3), 0, -np.inf), name="mask", dtype=np.float32)
    q = param(np.ones((3, 3)), "q", np.float32)
    first = mg.softmax(q @ q + mask)
    scores = (first * F32_MAX) @ (q * 2)
    assert find(np.sum(mg.softmax(scores + mask))).node is scores
    full = np.full((3, 3), -np.inf, np.float32)
    found = find(np.sum(mg.softmax(first + mg.tensor(full, name="full"))))
    assert found.node.name == "full"
    assert re.search(r"constant: 'full' has -inf in 9 of 9; .* NaN from 'softmax#2' \(", str(found))


def test_a_masked_value_that_spoils_nothing():
    x = param([0.0, 1.0], "x")
    hidden = np.log(x.detach())
    loss = np.sum(np.where(x > 0, x, hidden * 0 + 1)) + np.sum(np.where(x > 0, hidden, 0))
    with mg.detect_anomaly():
        np.sum(np.where(x > 0, hidden, x)).backward()
    found = find(np.sum(np.where(x > 0, hidden, x)))
    assert (found.node, found.masked) == (hidden, True)
    assert "It reaches neither an output nor a gradient" in str(found)
    assert find(loss).node is hidden  # hidden * 0 is NaN where it is read
    assert find(np.sum(np.maximum(param(np.ones(2)), -np.inf))) is None


def test_only_the_elements_that_spread_count():
    x = param([0, 1], "x", np.float32)
    late = np.exp(np.log(x) + 89)  # exp(-inf) = 0, exp(89) = inf
    assert find(np.sum(late)).node is late
    root = np.sqrt(x - 1)  # NaN where log(x) is -inf
    assert find(np.sum(np.where(x > 0, np.log(x), root))).node is root
    assert find(np.sum(np.where(x > 0, root, np.log(x)))).node.op == "log"
    steep = np.sqrt(
        np.where([True, False], x, np.inf)
    )  # 0 / 0 at the first, 0 / inf = 0 at the second
    assert find(np.sum(np.where(x > 2, steep, x))).node is steep


def test_a_parameter_that_reaches_nothing():
    w = param([np.nan, 1.0], "w")
    found = find(np.sum(np.where([False, True], w, 0)))
    assert (found.node, found.masked) == (w, True)
    v = param([1.0, 1.0], "v")
    tape = mg.Tape.of(np.sum(v), np.mean(v))
    v.assign([np.nan, np.nan])
    assert mg.find_nonfinite(tape) is None  # it was finite when the tape read it


def test_what_is_not_certain_is_not_said():
    x = param(-1.0, "x")
    y, at = np.sqrt(x), line()
    assert str(find(y)) == f"sqrt: 'sqrt' is NaN; it reads 'x' = -1. [{at}]"
    big = param(np.full((2, 2), F32_MAX), "big")
    hidden = np.where([False], big @ big, big)
    assert "Mask" not in str(find(np.sum(hidden * np.float32(1e-9))))
    assert "in the gradients" not in str(find(np.sum(big * 0), np.log(big * 0)))


def test_a_gate_lets_nothing_bad_through():
    x = param([0.0, 4.0], "x")
    root = np.sum(np.where(x > 0, mg.detach(np.sqrt(x)), 0) * x)
    assert find(root) is None
    tape = mg.Tape.of(np.sum(np.where(x > 0, np.sqrt(x), 0)))
    assert mg.find_nonfinite(cut(tape, lambda e: e.source is x and e.target.op == "sqrt")) is None


def test_a_user_s_hook_is_named():
    x = param([1.0, 2.0], "x")
    found = find(np.sum(mg.on_backward(x, lambda g: g * np.nan)))
    assert "backward through on_backward: 'on_backward' sends NaN in 2 of 2 to 'x'" in str(found)


# --- where it holds --------------------------------------------------------------------------------------------------
def exploding(T=30):
    W, h = param(np.eye(4) * 40, "W", np.float32), mg.tensor(np.ones((1, 4)), dtype=np.float32)
    for t in range(1, T + 1):
        with mg.timestep(t):
            h = (h @ W).named(f"h_{t}")
    return h


def test_an_exploding_network_names_its_first_step():
    h = exploding()
    tape = mg.Tape.of(np.sum(h))
    first = next(n for n in tape.nodes if not np.isfinite(n.data).all())
    for seen in (
        tape,
        truncate(tape, every=5),
        untie(tape, tape["W"]),
        mg.Tape.of(np.mean(h), np.sum(h)),
    ):
        found = mg.find_nonfinite(seen)
        assert found.node.name == first.name == "h_25"
        assert found.node.time == 25
        assert "Overflow: float32 ends at 3.403e+38" in str(found)
        assert np.count_nonzero(np.isinf(found.value)) == found.infs == 4


def test_an_exploding_gradient_names_the_step_it_overflows_at():
    w = param(np.full(3, 1e-3), "w", np.float32)
    h = w * np.float32(1e-30)
    for t in range(1, 31):
        with mg.timestep(t):
            h = h * np.float32(20) if t > 1 else h * np.float32(1e-9)
    loss = np.sum(h * np.float32(1e3))
    found = find(loss)
    adjoints = {30 - n: np.float32(1e3) * np.float32(20) ** np.float32(n + 1) for n in range(30)}
    t = max(t for t, g in adjoints.items() if np.isinf(g))
    assert (found.kind, found.node.time) == ("adjoint", t)
    with pytest.raises(NonFiniteError, match=f"t={t}, "), mg.detect_anomaly():
        loss.backward()
    assert w.grad is None


def test_differentiated_and_clipped_tapes():
    x = param([0.0, 4.0], "x")
    y, at = np.sqrt(x), line()
    tape = differentiate(mg.Tape.of(np.sum(np.where(x > 0, y, 0))))
    assert str(mg.find_nonfinite(tape)) == (
        "divide in the gradients: 'dL/dx' has NaN in 1 of 2; it reads 'where#2' (2,) from 0 to 1 and 'multiply' (2,) "
        f"from 0 to 4, first divide(0, 0) at [0]. [{at}]"
    )
    clipped = mg.find_nonfinite(clip(tape, 1.0))
    assert clipped.node is mg.find_nonfinite(tape).node
    good = differentiate(mg.Tape.of(np.sum(np.sqrt(x + 1))))
    assert mg.find_nonfinite(clip(good, 1.0)) is None


def test_second_derivatives():
    x = param([0.0, 4.0], "x")
    (slope,) = mg.grad(np.sum(np.power(x, 1.5)), x, create_graph=True)
    np.testing.assert_array_equal(slope.data, [0, 3])
    with pytest.raises(NonFiniteError, match="backward through power: 'power"), mg.detect_anomaly():
        mg.grad(np.sum(slope), x)


def test_a_gradient_given_by_the_user():
    x = param([1.0, 2.0], "x")
    y, at = (x * 2).named("y"), line()
    message = f"backward: the gradient given for 'y' has inf in 1 of 2. [{at}]"
    assert str(mg.find_nonfinite(mg.Tape.of(y), [1, np.inf])) == message
    assert mg.find_nonfinite(mg.Tape.of(y)) is None
    for ask in (
        y.backward,
        lambda g: mg.grad(y, x, g),
        lambda g: mg.grad(y, x, g, create_graph=True),
    ):
        with pytest.raises(NonFiniteError) as error, mg.detect_anomaly():
            ask([1, np.inf])
        assert str(error.value) == message
    with pytest.raises(ShapeError):
        mg.find_nonfinite(mg.Tape.of(y), [1, 2, 3])


def test_only_the_gradients_that_are_asked_for_count():
    x, y = param([0.0, 4.0], "x"), param([1.0, 1.0], "y")
    loss = np.sum(np.where(x > 0, np.sqrt(x), 0) * y)
    with mg.detect_anomaly():
        assert np.isfinite(mg.grad(loss, y)[0].data).all()
    with pytest.raises(NonFiniteError), mg.detect_anomaly():
        mg.grad(loss, x)


def test_no_gradient_no_sweep():
    assert find(mg.tensor([1.0, np.inf], name="c") * 0).node.name == "c"
    assert find(np.sum(mg.tensor([1.0, 2.0]))) is None
    assert find(np.sum(np.log(mg.tensor([1, 2])))) is None
    assert find(np.mean(mg.tensor(np.ones((0, 2)), name="e") * 2, axis=1)) is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        empty = np.mean(mg.tensor(np.ones((0, 2)), name="e"), axis=0)
    assert str(find(empty)).startswith(
        "mean: 'mean' has NaN in 2 of 2; it reads 'e' (0, 2), first at [0]. ["
    )


def test_a_value_that_was_overwritten_is_not_blamed():
    w = param([1.0, 0.0], "w")
    loss = np.sum(np.log(w))
    w.assign([np.nan, np.nan])
    with pytest.raises(StaleTapeError, match="'w' was assigned a new value after 'log' read it"):
        find(loss)


def test_off_again_after_an_error_and_nested():
    loss = np.log(param(0.0, "x"))
    with pytest.raises(ZeroDivisionError), mg.detect_anomaly():
        1 / 0
    loss.backward(retain_graph=True)
    with mg.detect_anomaly():
        with mg.detect_anomaly():
            pass
        with pytest.raises(NonFiniteError):
            loss.backward(retain_graph=True)
    loss.backward(retain_graph=True)
    assert issubclass(NonFiniteError, GradientError)


def caught(loss):
    try:
        mg.grad(loss, mg.Tape.of(loss).parameters)
    except NonFiniteError:
        return True
    return False


def test_threads_do_not_see_each_other():
    loss, seen = np.log(param(0.0, "x")), {}

    def worker(name, on, barrier):
        def ask():
            barrier.wait(timeout=30)  # both inside, one of them watched
            seen[name] = caught(loss)

        with np.errstate(all="ignore"):
            if on:
                with mg.detect_anomaly():
                    ask()
            else:
                ask()

    barrier = threading.Barrier(2)
    threads = [
        threading.Thread(target=worker, args=(name, name == "on", barrier))
        for name in ("on", "off")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"on": True, "off": False}


def test_tasks_do_not_see_each_other():
    loss = np.log(param(0.0, "x"))

    async def task(on):
        if not on:
            await asyncio.sleep(0)
            return caught(loss)
        with mg.detect_anomaly():
            await asyncio.sleep(0)
            return caught(loss)

    async def both():
        return await asyncio.gather(task(True), task(False))

    assert asyncio.run(both()) == [True, False]


def test_the_search_is_silent():
    x = param(np.float32([0, 4]), "x")
    loss = np.sum(np.where(x > 0, np.sqrt(x), 0))
    with np.errstate(all="raise"):
        assert find(loss).node.op == "sqrt"


def test_long_chains():
    h = param([1.0], "x")
    for _ in range(20_000):
        h = h + 0.001
    assert find(np.sum(h)) is None
    bad = np.log(h * 0)
    h = bad
    for _ in range(20_000):
        h = h + 0.001
    assert find(np.sum(h)).node is bad
