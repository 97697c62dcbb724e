"""A Spectrum does what NumPy's complex arrays do, and says what it does not."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import UnsupportedError

X = np.array([0.3, -1.2, 0.8, 2.1, -0.4])
W = np.array([0.5 - 1j, 2.0 + 0.3j, -1.1])
R = np.array([0.7, -0.4, 1.9])
OPERATIONS = {
    "number": lambda s: s * 2 - 1,
    "number first": lambda s: 1 - 2j * s,
    "array": lambda s: s * W + W,
    "array first": lambda s: W * s - R,
    "minus": lambda s: W - s,
    "divided": lambda s: s / W,
    "divides": lambda s: 1 / (s + 9),
    "itself": lambda s: s * s / (s.conj() + 9),
    "negative": lambda s: -s,
    "index": lambda s: s[1:],
    "axis": lambda s: s[..., None],
    "sum": np.sum,
    "roll": lambda s: np.roll(s, 1),
    "conj": np.conj,
    "abs": np.abs,
    "angle": np.angle,
    "real": lambda s: np.real(s) + np.imag(s) + s.imag,
    "back": lambda s: np.fft.irfft(s, n=5),
    "twice": lambda s: np.fft.ifft(np.fft.fft(s)),
}


def as_complex(y):
    return y.data if isinstance(y, mg.Tensor) else y.real.data + 1j * y.imag.data


@pytest.mark.parametrize("fn", OPERATIONS.values(), ids=OPERATIONS)
def test_it_is_numpys_complex_array(fn):
    got = fn(np.fft.rfft(mg.tensor(X, requires_grad=True)))
    np.testing.assert_allclose(as_complex(got), fn(np.fft.rfft(X)), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "fn",
    [
        *(lambda s, t: s * t, lambda s, t: t * s, lambda s, t: t + s),
        *(lambda s, t: t - s, lambda s, t: s / t, lambda s, t: t / s),
    ],
)
def test_a_tensor_on_either_side(fn):
    got = fn(np.fft.rfft(mg.tensor(X)), mg.tensor(R, requires_grad=True))
    np.testing.assert_allclose(as_complex(got), fn(np.fft.rfft(X), R), rtol=1e-12)


def test_the_magnitude_of_0_has_the_gradient_0():
    x = mg.tensor([1.0, 1.0, 1.0, 1.0], requires_grad=True)
    np.testing.assert_array_equal(mg.grad(np.abs(np.fft.rfft(x))[1], [x])[0].data, np.zeros(4))


def test_parsevals_theorem():
    x = mg.tensor(X, requires_grad=True)
    energy = np.sum(np.abs(np.fft.fft(x, norm="ortho")) ** 2)
    np.testing.assert_allclose(mg.grad(energy, [x])[0].data, 2 * X, rtol=1e-13)


@pytest.mark.parametrize(
    ("fn", "name"),
    [
        (lambda s, t: np.log(s), "np.log"),
        (lambda s, t: np.sort(s), "np.sort"),
        (lambda s, t: t @ s, "np.matmul"),
        (lambda s, t: np.concatenate([t, s]), "np.concatenate"),
    ],
)
def test_anything_else_is_one_line(fn, name):
    message = f"{name}: a Spectrum; abs, angle, real, imag, conj, + - * /, indexing"
    with pytest.raises(UnsupportedError, match=re.escape(message)):
        fn(np.fft.rfft(mg.tensor(X)), mg.tensor(R))
