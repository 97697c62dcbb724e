"""NumPy functions outside the table: made of others, or called on bare values, or refused."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigrad.errors import MinigradError, UnsupportedError
from minigrad.ops import COMPOSED, DISCRETE, STATIC, compose, op_name
from minigrad.ops.numeric.scipy_rows import entered
from minigrad.ops.numeric.spectrum import Spectrum

from .array import is_tensor
from .convert import look
from .long_refusals import refusal

Fn = Callable[..., Any]
_SPACES = {"numpy.linalg": "np.linalg", "numpy.fft": "np.fft"}


def not_in_the_table(fn: Fn, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Record fn as what it is made of, or call it on bare values where that loses no gradient."""
    if fn in COMPOSED:
        return _composed(fn, args, kwargs)
    if entered(fn):
        return next(_tensors([args, kwargs])).__array_function__(fn, (), args, kwargs)
    return _called(fn, args, kwargs)


def refused(
    fn: Fn, args: tuple[Any, ...], inputs: list[Any], kwargs: dict[str, Any], error: Exception
) -> Any:
    """What NumPy refuses: an operation on a Spectrum is its own, else raise NumPy's reason."""
    for x in args:
        if isinstance(x, Spectrum):
            return x.operation(fn, args, kwargs)
    raise refusal(op_name(fn), inputs, kwargs, error) from None


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
    raise refusal(op_name(fn), list(_tensors(args)), {}, why) from None


def _called(fn: Fn, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function that is not in the table.

    Plain arrays out, unless a gradient would be lost on the way.
    """
    operands = list(_tensors([args, kwargs]))
    if fn not in DISCRETE:
        for x in operands:
            if x.requires_grad:
                raise _gradient_lost(fn, x)
    if fn not in STATIC:
        for x in operands:
            look(x)
    return fn(*_bare(args), **_bare(kwargs))


def _gradient_lost(fn: Fn, x: Any) -> UnsupportedError:
    space = _space(fn)
    got = f"'{x.label}' needs a gradient and minigrad cannot differentiate this function"
    expected = "write it with other NumPy functions, or pass x.data where no gradient is wanted"
    return UnsupportedError(f"{space}.{op_name(fn)}", got=got, expected=expected)


def _space(fn: Fn) -> str:
    """Where fn is found: a ufunc of SciPy does not say, but is there."""
    scipy_special = sys.modules.get("scipy.special")
    if isinstance(fn, np.ufunc) and getattr(scipy_special, fn.__name__, None) is fn:
        return "scipy.special"
    return _SPACES.get(getattr(fn, "__module__", ""), "np")


def _tensors(x: Any) -> Iterator[Any]:
    """The Tensors in nested lists, tuples and dicts."""
    if is_tensor(x):
        yield x
    elif isinstance(x, (list, tuple, dict)):
        for part in x.values() if isinstance(x, dict) else x:
            yield from _tensors(part)


def _bare(x: Any) -> Any:
    """The same with arrays in place of Tensors."""
    if is_tensor(x):
        return x.data
    if isinstance(x, dict):
        return {key: _bare(value) for key, value in x.items()}
    if type(x) in (list, tuple):
        return type(x)(map(_bare, x))
    return x
