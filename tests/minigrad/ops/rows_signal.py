"""The rows of sequences, curves, spectra, samples, pieces and systems."""

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
from minigrad.ops.numeric.fourier import fft_imag, fft_real
from tests.minigrad.ops.strategies import numbers, of_shape, together

AT = np.array([[-0.4, 0.1, 3.0], [0.7, 1.9, -3.0]])
PLACES = np.array([-1.0, 0.2, 1.4, 2.5])
CHOSEN = np.array([[2, 0], [1, 1]])


@st.composite
def convolved(draw, fn):
    mode = draw(st.sampled_from(["full", "same", "valid"]))
    a, v = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return lambda a, v: fn(a, v, mode=mode), numbers(draw, (a,), (v,))


@st.composite
def transformed(draw, name):
    """A transform of real numbers, as its real and imaginary part."""
    fn = getattr(np.fft, name)
    shape = draw(st.sampled_from([(3,), (4,), (2, 2)]))
    keywords = {
        "norm": draw(st.sampled_from([None, "ortho", "forward"])),
        "n": draw(st.sampled_from([None, 2, 5])),
        "axis": draw(st.integers(-len(shape), len(shape) - 1)),
    }
    return lambda x: parts(fn(x, **keywords)), numbers(draw, shape)


def parts(spectrum):
    """A spectrum as one real array."""
    is_real = isinstance(spectrum, mg.Tensor) or np.isrealobj(spectrum)
    return spectrum if is_real else np.stack([spectrum.real, spectrum.imag])


@st.composite
def filtered(draw):
    """What a learned filter does: there, times weights, and back."""
    n = draw(st.integers(2, 5))
    k = n // 2 + 1

    def fn(x, w):
        return np.fft.irfft(np.fft.rfft(x) * w * (1 - 0.5j), n=n)

    return fn, numbers(draw, (n,), (k,))


def several(name, shape, **keywords):
    fn = getattr(np.fft, name)
    return fn, "", of_shape(lambda x: parts(fn(x, **keywords)), shape)


def magnitudes(x):
    s = np.fft.rfft(x) + 9
    return np.abs(s) + abs(s / (2 + np.conj(s))) + np.angle(s[:1] + 3j)


def solved(a, b):
    """A well-conditioned least-squares problem."""
    eye = np.eye(3, 2, dtype=a.dtype)
    return np.linalg.lstsq(a * 0.3 + 2 * eye, b, rcond=None)


def square(x):
    return x * 0.2 + 2 * np.eye(len(x), dtype=x.dtype)


def tensor(a):
    """One of shape (2, 1, 2), near the identity as a matrix."""
    eye = np.eye(2, dtype=a.dtype).reshape(2, 1, 2)
    return a * 0.2 + 2 * eye


SIGNAL = [
    *((fn, "", convolved(fn)) for fn in (np.convolve, np.correlate)),
    (np.convolve, "number", together(np.convolve, (), (3,))),
    (np.interp, "", of_shape(lambda f: np.interp(AT, PLACES, f), (4,))),
    (
        np.interp,
        "all",
        together(
            lambda x, p, f: np.interp(x * 0.01 + AT, p * 0.01 + PLACES, f), (2, 3), (4,), (4,)
        ),
    ),
    (
        np.interp,
        "ends",
        together(lambda x, f: np.interp(x, PLACES, f, left=f[1], right=0.5), (2, 3), (4,)),
    ),
    (np.polyval, "", together(np.polyval, (3,), (2,))),
    (np.polyval, "numbers", of_shape(lambda x: np.polyval(np.array([2, 0, -1], x.dtype), x), (2,))),
    (np.unwrap, "", of_shape(lambda x: np.unwrap(x * 4), (4,))),
    (np.unwrap, "axis", of_shape(lambda x: np.unwrap(x * 4, axis=0, period=3.0), (3, 1))),
    (fft_real, "", of_shape(lambda x: fft_real(x, axis=0), (3, 2))),
    (fft_imag, "", of_shape(lambda x: fft_imag(x, axis=-1, norm="ortho"), (4,))),
    *(
        (getattr(np.fft, name), "", transformed(name))
        for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
    ),
    *(several(name, (2, 2)) for name in ("fft2", "ifft2", "rfft2", "irfft2")),
    *(several(name, (2, 1, 3), axes=(0, 2)) for name in ("fftn", "ifftn", "rfftn", "irfftn")),
    (np.fft.irfft, "filter", filtered()),
    (np.fft.rfft, "magnitudes", of_shape(magnitudes, (4,))),
    *((fn, "", of_shape(fn, (3,))) for fn in (np.fft.fftshift, np.fft.ifftshift)),
    (np.quantile, "", of_shape(lambda x: np.quantile(x, 0.3), (2, 3))),
    (
        np.quantile,
        "axis",
        of_shape(
            lambda x: np.quantile(x, np.array([0.0, 0.45, 1.0], x.dtype), axis=0, keepdims=True),
            (3, 2),
        ),
    ),
    (np.percentile, "", of_shape(lambda x: np.percentile(x, 62.5, axis=-1), (1, 4))),
    (np.cov, "", of_shape(np.cov, (2, 3))),
    (np.cov, "two", together(lambda a, b: np.cov(a, b, bias=True), (3,), (1, 3))),
    (
        np.cov,
        "weights",
        of_shape(
            lambda x: np.cov(x.T, fweights=range(1, 1 + len(x)), aweights=len(x) * [2]),
            (3, 2),
        ),
    ),
    (np.corrcoef, "", of_shape(lambda x: np.corrcoef(x**3), (2, 3))),
    (np.bincount, "", of_shape(lambda w: np.bincount([1, 0, 3, 1], weights=w, minlength=6), (4,))),
    (np.choose, "", together(lambda a, b: np.choose(CHOSEN, [a, b, a * b]), (2, 2), (2, 1))),
    (
        np.choose,
        "wrap",
        together(lambda a, b: np.choose(CHOSEN - 2, [a, b], mode="wrap"), (2, 2), (2,)),
    ),
    (
        np.piecewise,
        "",
        of_shape(lambda x: np.piecewise(x, [x < 0, x > 9], [np.sin, np.tanh, np.exp]), (4,)),
    ),
    (
        np.piecewise,
        "number",
        of_shape(lambda x: np.piecewise(x, [x > 0], [lambda x: 1 / x, 2.0]) * x, (3,)),
    ),
    (
        np.apply_along_axis,
        "",
        of_shape(lambda x: np.apply_along_axis(lambda r: r[:2] * np.sum(r), 0, x), (3, 2)),
    ),
    (np.ediff1d, "", together(lambda x, e: np.ediff1d(x, to_end=e, to_begin=0.5), (2, 3), (2,))),
    (np.vander, "", of_shape(lambda x: np.vander(x, 3), (4,))),
    (np.vander, "increasing", of_shape(lambda x: np.vander(x, 3, increasing=True), (3,))),
    (np.linalg.lstsq, "", together(lambda a, b: solved(a, b)[0], (3, 2), (3,))),
    (np.linalg.lstsq, "residuals", together(lambda a, b: solved(a, b)[1], (3, 2), (3, 2))),
    (np.linalg.cond, "", of_shape(lambda x: np.linalg.cond(square(x)), (2, 2))),
    (np.linalg.cond, "fro", of_shape(lambda x: np.linalg.cond(square(x), "fro"), (2, 2))),
    (
        np.linalg.tensorsolve,
        "",
        together(lambda a, b: np.linalg.tensorsolve(tensor(a), b), (2, 1, 2), (2, 1)),
    ),
    (np.linalg.tensorinv, "", of_shape(lambda a: np.linalg.tensorinv(tensor(a)), (2, 1, 2))),
]
