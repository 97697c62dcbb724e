"""What the tests of NaNs and infinities share: parameters, a search, the line that is running."""

import os
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import MinigradError, NonFiniteError
from minigrad.transforms import differentiate

F32_MAX = np.float32(3e38)
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


def find(*outputs):
    return mg.find_nonfinite(mg.Tape.of(*outputs))


def line():
    """``file:line`` of the caller."""
    frame = sys._getframe(1)
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


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


def caught(loss):
    try:
        mg.grad(loss, mg.Tape.of(loss).parameters)
    except NonFiniteError:
        return True
    return False


def refusal(fn, *inputs):
    """The error with which gradcheck refuses."""
    with pytest.raises(MinigradError) as caught:
        mg.gradcheck(fn, *inputs)
    return caught.value


def error(fn, *inputs):
    return str(refusal(fn, *inputs))
