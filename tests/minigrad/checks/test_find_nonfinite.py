"""find_nonfinite names the origin of a NaN or infinity, and nothing else."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import NonFiniteError
from minigrad.transforms import cut
from tests.minigrad.checks.findings import F32_MAX, SAFE, caught, find, line
from tests.zoo import param

pytestmark = pytest.mark.usefixtures("silent_numpy")


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


def test_a_loss_is_no_tape():
    with pytest.raises(mg.errors.ArgumentError, match="find_nonfinite: a Tensor; expected a Tape"):
        mg.find_nonfinite(mg.tensor(1.0))
