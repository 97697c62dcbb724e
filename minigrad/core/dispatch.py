"""NumPy functions that are no recorded operations: made of others, or unknown, or without anything to differentiate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from minigrad.errors import MinigradError, UnsupportedError, refusal
from minigrad.ops import DISCRETE, STATIC, compose, op_name

from .peeks import look


def composed(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Record fn as what it is made of; where that fails, NumPy says why."""
    try:
        return compose(fn, args, kwargs)
    except MinigradError:
        raise
    except (ValueError, TypeError, IndexError, ArithmeticError) as error:
        why: Exception = error
    try:
        fn(*_bare(args), **_bare(kwargs))
    except Exception as numpys:  # whatever NumPy raises is the reason
        why = numpys
    raise refusal(op_name(fn), list(_tensors(args)), {}, why) from None


def outside(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function that is not in the table: plain arrays out, unless a gradient would be lost on the way."""
    lost = (
        None
        if fn in DISCRETE
        else next((x for x in _tensors([args, kwargs]) if x.requires_grad), None)
    )
    if lost is not None:
        got = f"'{lost.label}' needs a gradient and minigrad cannot differentiate this function"
        expected = "write it with other NumPy functions, or pass x.data where no gradient is wanted"
        space = {"numpy.linalg": "np.linalg", "numpy.fft": "np.fft"}.get(
            getattr(fn, "__module__", ""), "np"
        )
        raise UnsupportedError(f"{space}.{op_name(fn)}", got=got, expected=expected)
    if fn not in STATIC:
        for x in _tensors([args, kwargs]):
            look(x)
    return fn(*_bare(args), **_bare(kwargs))


def _is_tensor(x: Any) -> bool:
    return hasattr(x, "requires_grad")  # tensor.py stands above


def _tensors(x: Any) -> Iterator[Any]:
    """The Tensors in nested lists, tuples and dicts."""
    if _is_tensor(x):
        yield x
    elif isinstance(x, (list, tuple, dict)):
        for i in x.values() if isinstance(x, dict) else x:
            yield from _tensors(i)


def _bare(x: Any) -> Any:
    """The same with arrays in place of Tensors."""
    if isinstance(x, dict):
        return {k: _bare(v) for k, v in x.items()}
    return x.data if _is_tensor(x) else type(x)(map(_bare, x)) if type(x) in (list, tuple) else x
