"""Fourier transforms, as pairs of real arrays: a Spectrum (spectrum.py) is what NumPy has complex.

Two linear functions of real arrays suffice, Re(fft(x)) and Im(fft(x)), each its own adjoint, for
the matrices of cosines and of sines are symmetric. Going back, with exponents of the other sign,
the sines change theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.ops.compositions import COMPOSED
from minigrad.ops.shapes import along, axes_of
from minigrad.ops.table import Fn, defvjp, dispatched

from .spectrum import Spectrum, part_of

NORM_OF_INVERSE = {
    None: "forward",
    "backward": "forward",
    "ortho": "ortho",
    "forward": "backward",
}


# --- the two real functions -----------------------------------------------------------------------
@dispatched
def fft_real(x: Any, axis: int = -1, norm: Any = None) -> Any:
    """The real part of np.fft.fft of a real array."""
    half = np.fft.rfft(x, axis=axis, norm=norm).real
    return _mirrored(half, x.shape[axis], axis)


@dispatched
def fft_imag(x: Any, axis: int = -1, norm: Any = None) -> Any:
    """The imaginary part of np.fft.fft of a real array."""
    half = np.fft.rfft(x, axis=axis, norm=norm).imag
    return _mirrored(half, x.shape[axis], axis, sign=-1)


def _mirrored(half: Any, n: int, axis: int, sign: int = 1) -> Any:
    """The n numbers of which these are the first half, and the others the same in reverse."""
    tail = along(half, axis, slice((n - 1) // 2, 0, -1))
    return np.concatenate([half, tail if sign > 0 else -tail], axis=axis)


def _fft_real(g: Any, y: Any, x: Any, axis: int = -1, norm: Any = None) -> Any:
    return fft_real(g, axis=axis, norm=norm)


def _fft_imag(g: Any, y: Any, x: Any, axis: int = -1, norm: Any = None) -> Any:
    return fft_imag(g, axis=axis, norm=norm)


defvjp(fft_real, _fft_real, says="fft_real({g})")
defvjp(fft_imag, _fft_imag, says="fft_imag({g})")


# --- along one axis -------------------------------------------------------------------------------
def _fft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Spectrum:
    x = _of_length(x, n, axis)
    a = part_of(x, "real")
    cosines = fft_real(a, axis=axis, norm=norm)
    sines = fft_imag(a, axis=axis, norm=norm)
    if not isinstance(x, Spectrum):
        return Spectrum(cosines, sines)
    real = cosines - fft_imag(x.imag, axis=axis, norm=norm)
    imag = sines + fft_real(x.imag, axis=axis, norm=norm)
    return Spectrum(real, imag)


def _ifft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Spectrum:
    """The conjugate of the transform of the conjugate, as the inverse is scaled."""
    return _fft(np.conj(x), n, axis, _norm_of_inverse(norm)).conj()


def _rfft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Spectrum:
    """The first half: the other is its conjugate. The imaginary part is refused, as NumPy does."""
    if isinstance(x, Spectrum):
        raise TypeError("rfft takes real numbers: take fft of a spectrum")
    both = _fft(x, n, axis, norm)
    half = slice(both.shape[axis] // 2 + 1)
    return both.mapped(lambda part: along(part, axis, half))


def _irfft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    """Re(X) lies mirrored in the whole spectrum, Im(X) mirrored with the other sign."""
    n = 2 * (x.shape[axis] - 1) if n is None else int(n)
    if n < 1:
        raise ValueError(f"Invalid number of data points ({n}) specified.")
    norm = _norm_of_inverse(norm)
    half = _of_length(x, n // 2 + 1, axis)
    cosines = _mirrored(part_of(half, "real"), n, axis)
    y = fft_real(cosines, axis=axis, norm=norm)
    if not isinstance(half, Spectrum):
        return y
    sines = _mirrored(half.imag, n, axis, sign=-1)
    return y + fft_imag(sines, axis=axis, norm=norm)


def _hfft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    return _irfft(np.conj(x), n, axis, _norm_of_inverse(norm))


def _ihfft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Spectrum:
    return _rfft(x, n, axis, _norm_of_inverse(norm)).conj()


def _norm_of_inverse(norm: Any) -> str:
    """The scale that an inverse has, named as that of a transform."""
    if norm not in NORM_OF_INVERSE:
        expected = '"backward", "ortho" or "forward"'
        raise ValueError(f"Invalid norm value {norm}; should be {expected}.")
    return NORM_OF_INVERSE[norm]


def _of_length(x: Any, n: int | None, axis: int) -> Any:
    """x cut to n elements along the axis, or with zeros behind."""
    if isinstance(x, Spectrum):
        return x.mapped(lambda part: _of_length(part, n, axis))
    length = x.shape[axis]
    if n is None or n == length:
        return x
    if n < 1:
        raise ValueError(f"Invalid number of data points ({n}) specified.")
    if n < length:
        return along(x, axis, slice(n))
    return np.pad(x, {axis: (0, n - length)})


# --- along several axes ---------------------------------------------------------------------------
def _along_axes(transform: Fn, last: Fn | None = None, ends_real: bool = False) -> Fn:
    """One axis after another; ``last`` is the transform of the last axis where that is another.

    It comes first, as its input is real, or in the end, as its output is.
    """

    def several(x: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
        lengths, places = _lengths_and_axes(x, s, axes)
        calls = [(transform, n, a) for n, a in zip(lengths, places, strict=True)]
        calls.reverse()
        if last is not None:
            calls[0] = (last, lengths[-1], places[-1])
        if ends_real:
            calls = [*calls[1:], calls[0]]
        for fn, n, axis in calls:
            x = fn(x, n, axis, norm)
        return x

    return several


def _lengths_and_axes(x: Any, s: Any, axes: Any) -> tuple[list[Any], tuple[int, ...]]:
    """The length to cut or fill each axis to, None for its own, and the axes."""
    if axes is None:
        axes = range(-len(s), 0) if s is not None else range(x.ndim)
    places = tuple(axes_of(x, a)[0] for a in axes)
    if s is None:
        s = [None] * len(places)
    if len(s) != len(places) or not places:
        raise ValueError("Shape and axes have different lengths.")
    lengths = []
    for n, axis in zip(s, places, strict=True):
        lengths.append(x.shape[axis] if n == -1 else n)
    return lengths, places


def _of_two(several: Fn) -> Fn:
    def two(x: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
        return several(x, s, axes, norm)

    return two


_fftn = _along_axes(_fft)
_ifftn = _along_axes(_ifft)
_rfftn = _along_axes(_fft, _rfft)
_irfftn = _along_axes(_ifft, _irfft, ends_real=True)


# --- order of frequencies -------------------------------------------------------------------------
def _shifted(x: Any, axes: Any, sign: int) -> Any:
    """0 to the middle; the other way, which differs for odd lengths, with sign -1."""
    places = axes_of(x, axes)
    lengths = [x.shape[a] for a in places]
    shifts = [sign * (n // 2) for n in lengths]
    return np.roll(x, shifts, places)


def _fftshift(x: Any, axes: Any = None) -> Any:
    return _shifted(x, axes, 1)


def _ifftshift(x: Any, axes: Any = None) -> Any:
    return _shifted(x, axes, -1)


COMPOSED |= {
    np.fft.fft: _fft,
    np.fft.ifft: _ifft,
    np.fft.rfft: _rfft,
    np.fft.irfft: _irfft,
    np.fft.hfft: _hfft,
    np.fft.ihfft: _ihfft,
    np.fft.fftn: _fftn,
    np.fft.ifftn: _ifftn,
    np.fft.rfftn: _rfftn,
    np.fft.irfftn: _irfftn,
    np.fft.fft2: _of_two(_fftn),
    np.fft.ifft2: _of_two(_ifftn),
    np.fft.rfft2: _of_two(_rfftn),
    np.fft.irfft2: _of_two(_irfftn),
    np.fft.fftshift: _fftshift,
    np.fft.ifftshift: _ifftshift,
}
