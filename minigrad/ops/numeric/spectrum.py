"""A Spectrum: complex numbers as two real arrays, which is what the engine carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError
from minigrad.ops.table import Fn, op_name

EXPECTED = "abs, angle, real, imag, conj, + - * /, indexing, sums, shapes and np.fft are there"


class Spectrum:
    """What np.fft gives of Tensors: its real and its imaginary part.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0, 0.0, -1.0], requires_grad=True)
    >>> s = np.fft.rfft(x)
    >>> np.abs(s).numpy().round(3)
    array([2.   , 3.162, 0.   ])
    >>> power = np.sum(np.abs(s) ** 2)
    >>> power.backward()
    >>> x.grad
    array([ 6., 10.,  2., -2.])
    """

    __slots__ = ("imag", "real")
    # NumPy's arrays leave operators to it
    __array_priority__ = 1000

    def __init__(self, real: Any, imag: Any) -> None:
        self.real = real
        self.imag = imag

    # --- as arrays are described ------------------------------------------------------------------
    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of both parts."""
        return tuple(self.real.shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of complex numbers."""
        return int(self.real.size)

    def __len__(self) -> int:
        return len(self.real)

    def __iter__(self) -> Iterator[Spectrum]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Spectrum(real={self.real!r}, imag={self.imag!r})"

    # --- parts ------------------------------------------------------------------------------------
    def mapped(self, fn: Fn) -> Spectrum:
        """A linear function of real arrays on both parts."""
        return Spectrum(fn(self.real), fn(self.imag))

    def __getitem__(self, index: Any) -> Spectrum:
        return self.mapped(lambda part: part[index])

    def conj(self) -> Spectrum:
        """The complex conjugate."""
        return Spectrum(self.real, -self.imag)

    def __abs__(self) -> Any:
        # at 0, where the slope depends on the direction, hypot's is 0
        return np.hypot(self.real, self.imag)

    def angle(self) -> Any:
        """The angle to the real axis, in radians."""
        return np.arctan2(self.imag, self.real)

    # --- operators --------------------------------------------------------------------------------
    def __neg__(self) -> Spectrum:
        return Spectrum(-self.real, -self.imag)

    def __pos__(self) -> Spectrum:
        return self

    def __add__(self, other: Any) -> Spectrum:
        real, imag = _parts(other)
        return Spectrum(self.real + real, self.imag + imag)

    def __sub__(self, other: Any) -> Spectrum:
        real, imag = _parts(other)
        return Spectrum(self.real - real, self.imag - imag)

    def __rsub__(self, other: Any) -> Spectrum:
        real, imag = _parts(other)
        return Spectrum(real - self.real, imag - self.imag)

    def __mul__(self, other: Any) -> Spectrum:
        real, imag = _parts(other)
        if imag is ZERO:
            return Spectrum(self.real * real, self.imag * real)
        cosine = self.real * real - self.imag * imag
        sine = self.real * imag + self.imag * real
        return Spectrum(cosine, sine)

    def __truediv__(self, other: Any) -> Spectrum:
        real, imag = _parts(other)
        if imag is ZERO:
            return Spectrum(self.real / real, self.imag / real)
        turned = self * Spectrum(real, -imag)
        square = real * real + imag * imag
        return Spectrum(turned.real / square, turned.imag / square)

    def __rtruediv__(self, other: Any) -> Spectrum:
        return _spectrum(other).__truediv__(self)

    def __pow__(self, other: Any) -> Spectrum:
        raise _refusal(np.power)

    __rpow__ = __pow__
    __radd__ = __add__
    __rmul__ = __mul__

    # --- NumPy's protocols ------------------------------------------------------------------------
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs or ufunc not in UFUNCS:
            raise _refusal(ufunc if method == "__call__" else getattr(ufunc, method))
        return UFUNCS[ufunc](*args)

    def __array_function__(
        self, fn: Fn, types: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        from minigrad.ops.compositions import COMPOSED, compose

        if fn in OF_PARTS and args[0] is self:
            return OF_PARTS[fn](self)
        if fn in LINEAR and args[0] is self:
            return self.mapped(lambda part: fn(part, *args[1:], **kwargs))
        if fn not in COMPOSED or fn.__module__ != "numpy.fft":
            raise _refusal(fn)
        return compose(fn, args, kwargs)

    def operation(self, fn: Fn, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """An operation on Tensors and a Spectrum."""
        if isinstance(fn, np.ufunc):
            return self.__array_ufunc__(fn, "__call__", *args, **kwargs)
        return self.__array_function__(fn, (), args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        # a TypeError: operations of Tensors go on with it, see `operation`
        raise TypeError(str(_refusal(np.asarray)))


ZERO = 0.0


def _parts(x: Any) -> tuple[Any, Any]:
    """Real and imaginary part of a spectrum, a Tensor, an array or a number."""
    if isinstance(x, Spectrum):
        return x.real, x.imag
    if hasattr(x, "requires_grad") or np.isrealobj(x):
        return x, ZERO
    if type(x) is not complex:
        x = np.asarray(x)
    return x.real, x.imag


def _spectrum(x: Any) -> Spectrum:
    if isinstance(x, Spectrum):
        return x
    real, imag = _parts(x)
    return Spectrum(real, imag * real if imag is ZERO else imag)


def part_of(x: Any, name: str) -> Any:
    """The real or imaginary part of a Spectrum; of anything real, itself."""
    return getattr(x, name) if isinstance(x, Spectrum) else x


def _refusal(fn: Fn) -> UnsupportedError:
    remedy = "Go on with s.real and s.imag"
    name = f"np.{op_name(fn)}"
    return UnsupportedError(name, got="a Spectrum", expected=EXPECTED, remedy=remedy)


UFUNCS: dict[np.ufunc, Fn] = {
    np.add: lambda a, b: _spectrum(a) + b,
    np.subtract: lambda a, b: _spectrum(a) - b,
    np.multiply: lambda a, b: _spectrum(a) * b,
    np.divide: lambda a, b: _spectrum(a) / b,
    np.negative: lambda x: -x,
    np.positive: lambda x: x,
    np.absolute: abs,
    np.conjugate: Spectrum.conj,
}
OF_PARTS: dict[Fn, Fn] = {
    np.real: lambda s: s.real,
    np.imag: lambda s: s.imag,
    np.angle: Spectrum.angle,
    np.shape: lambda s: s.shape,
    np.ndim: lambda s: s.ndim,
    np.size: lambda s: s.size,
    np.iscomplexobj: lambda s: True,
    np.isrealobj: lambda s: False,
}
LINEAR: set[Fn] = {
    np.sum,
    np.mean,
    np.cumsum,
    np.reshape,
    np.ravel,
    np.transpose,
    np.swapaxes,
    np.moveaxis,
    np.expand_dims,
    np.squeeze,
    np.flip,
    np.roll,
    np.take,
    np.broadcast_to,
    np.fft.fftshift,
    np.fft.ifftshift,
}
