"""NumPy functions outside the table: made of others, or called on bare values, or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.errors import MinigradError, UnsupportedError
from minigrad.ops import COMPOSED, DISCRETE, STATIC, compose, op_name
from minigrad.ops.numeric.scipy_rows import entered
from minigrad.ops.numeric.spectrum import Spectrum
from minigrad.source import library_home

from .array import is_tensor
from .convert import look
from .long_refusals import refusal, tensors, twin_of

Fn = Callable[..., Any]
_SPACES = {"numpy.linalg": "np.linalg", "numpy.fft": "np.fft"}


def not_in_the_table(fn: Fn, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Record fn as what it is made of, or call it on bare values where that loses no gradient."""
    if fn in COMPOSED:
        return _composed(fn, args, kwargs)
    if entered(fn):
        return next(tensors([args, kwargs])).__array_function__(fn, (), args, kwargs)
    return _called(fn, args, kwargs)


def refused(
    fn: Fn, args: tuple[Any, ...], inputs: list[Any], kwargs: dict[str, Any], error: Exception
) -> Any:
    """What NumPy refuses: an operation on a Spectrum is its own, else raise NumPy's reason."""
    if isinstance(error, MinigradError):
        raise error
    for x in args:
        if isinstance(x, Spectrum):
            return x.operation(fn, args, kwargs)
    raise refusal(op_name(fn), inputs, kwargs, error, args) from None


def _composed(fn: Fn, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Record fn as what it is made of; where that fails, NumPy says why."""
    try:
        return compose(fn, args, kwargs)
    except MinigradError:
        raise
    except (ValueError, TypeError, IndexError, ArithmeticError) as error:
        why: Exception = error
    try:
        fn(*_bare(args), **_bare(kwargs))
    except Exception as numpys_own:
        # whatever NumPy raises is the reason
        why = numpys_own
    raise refusal(op_name(fn), args, {}, why) from None


def _called(fn: Fn, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function that is not in the table.

    Plain arrays out, unless a gradient would be lost on the way.
    """
    operands = list(tensors([args, kwargs]))
    if fn not in DISCRETE:
        for x in operands:
            if x.requires_grad:
                raise _gradient_lost(fn, x)
    if fn not in STATIC:
        for x in operands:
            look(x)
    return fn(*_bare(args), **_bare(kwargs))


def _gradient_lost(fn: Fn, x: Any) -> UnsupportedError:
    got = f"'{x.label}' needs a gradient and minigrad cannot differentiate this function"
    expected = "write it with other NumPy functions, or pass x.data where no gradient is wanted"
    name = op_name(fn)
    subject = f"{_space(fn, name)}.{name}"
    return UnsupportedError(subject, got=got, expected=expected, remedy=twin_of(name))


def _space(fn: Fn, name: str) -> str:
    """Where a user finds the function: ``np``, ``np.linalg``, ``scipy.special``."""
    if not hasattr(fn, "__module__"):
        # a ufunc that is not NumPy's
        return library_home(fn, name) or "np"
    return _SPACES.get(fn.__module__, "np")


def _bare(x: Any) -> Any:
    """The same with arrays in place of Tensors."""
    if is_tensor(x):
        return x.data
    if isinstance(x, dict):
        return {key: _bare(value) for key, value in x.items()}
    if type(x) in (list, tuple):
        return type(x)(map(_bare, x))
    return x
