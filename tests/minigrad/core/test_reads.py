"""Numbers that Python takes out of a tape: backward() tells each place, once, and says nothing of mere looks."""

import array
import math
import re
import struct
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import LostGradientWarning, UnsupportedError
from minigrad.transforms import differentiate, truncate
from tests.zoo import param


def filled(t):
    a = np.zeros(2)
    a.fill(t)
    return a[0]


READS = [
    float,
    int,
    complex,
    math.tanh,
    math.floor,
    np.float64,
    filled,
    lambda t: array.array("d", [t])[0],
    lambda t: struct.pack("d", t) and 1.0,
    lambda t: np.ones(2).sum(initial=t),
    lambda t: math.fsum([t, t]),
    lambda t: np.fromiter([t], float)[0],
    lambda t: float(t[None]),
    lambda t: math.exp(np.sum(np.stack([t, t]))),
]
LOOKS = [
    bool,
    repr,
    str,
    lambda t: t.item(),
    lambda t: t.data,
    lambda t: t.numpy(),
    lambda t: f"{t} {t:.3f}",
    lambda t: "%s %.3f" % (t, t),  # noqa: UP031
    "{:.3f}".format,
    lambda t: t > 0 and 1,
    lambda t: np.allclose(t, 1),
    lambda t: max(t, t + 1),
    lambda t: int(np.argmax(t)),
    lambda t: round(t, 2),
]


def backward(loss):
    loss.backward()


WAYS = [
    backward,
    lambda loss: differentiate(mg.Tape.of(loss)),
    lambda loss: mg.Tape.of(loss).backward(),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("read", READS)
def test_a_number_taken_on_the_way_is_told(read, way):
    h = (param(2.0, "W") * 3).named("h")
    number = read(h)
    loss = h * abs(number)
    with pytest.warns(
        LostGradientWarning, match=r"^backward: '(h|getitem|sum)' was read as a number by \w"
    ) as told:
        way(loss)
    assert len(told) == 1
    assert re.search(r"\[test_reads\.py:\d+\]\.?$", str(told[0].message))
    assert told[0].filename == __file__


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_on_the_way_is_not(look):
    h = param(2.0, "W") * 3
    look(h)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (h * 2).backward()


def test_logging_what_is_complete_is_not_told():
    W = param(0.5, "W")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            loss = np.square(W * 2 - 3)
            loss.backward()
            shown = [float(loss), math.exp(loss), float(W), "%.3f" % W, math.isfinite(W)]  # noqa: UP031
            assert shown[0] >= 0
            mg.grad(np.square(W * 2 - 3), W)
            W.assign(W.data - 0.1 * W.grad)


def loop(steps, read):
    h = W = param(0.5, "W")
    for t in range(steps):
        with mg.timestep(t):
            h = np.tanh(W * h).named(f"h_{t}")
            h = h * read(h)
    return h


def test_a_place_is_told_once_and_by_its_first_tensor():
    tapes = [mg.Tape.of(loop(4, float)) for _ in range(3)]
    tapes += [truncate(tape, every=2) for tape in tapes]
    with pytest.warns(LostGradientWarning) as told:
        [tape.backward() for tape in tapes]
    (warning,) = told
    assert "'h_0'" in str(warning.message)
    assert "t=0" in str(warning.message)


def test_where_warnings_are_errors_no_gradient_is_added():
    h = param(2.0, "W")
    loss = (h * 3) * 1.0
    loss = loss * float(loss)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(LostGradientWarning):
            loss.backward()
    assert h.grad is None


def by_function(w):
    s = math.tanh(w)
    return s * w


@pytest.mark.parametrize(
    "program",
    [
        by_function,
        lambda w: math.tanh(w) * w,
        lambda w: float(w) * w,
        lambda w: np.sum(np.ones(2) * (float(w) + 1) * w),
        lambda w: w * 2 * float(np.square(w)),
    ],
)
def test_a_parameter_that_goes_in_as_a_number_before_the_first_operation(program):
    with pytest.warns(
        LostGradientWarning, match="'(w|square)' was read as a number by (math.tanh|float)"
    ):
        program(param(0.5, "w")).backward()


@pytest.mark.parametrize("dtype", [float, np.float32, int])
def test_a_number_is_not_stored_in_an_array(dtype):
    a, h = np.zeros(2, dtype), param(2.0, "W") * 3
    with pytest.raises((ValueError, UnsupportedError)) as caught:
        a[0] = h
    # NumPy's error, of ours
    said = str(caught.value.__cause__ or caught.value)
    assert said.startswith("a[i] = t: 'multiply' needs a gradient")
    assert a[0] == 0


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_one_number_of_any_shape_is_a_number(shape):
    x = mg.tensor(np.full(shape, 2.5))
    assert (float(x), int(x), complex(x), x.item()) == (2.5, 2, 2.5, 2.5)
