"""Functions that are recorded as what they are made of: np.var as means and squares, for one.

Such a function has no rule: what it is made of has them. COMPOSED maps NumPy's function to ours,
which takes the operands by position, and those of the keywords that it knows under NumPy's names.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError

from .table import Fn, op_name, reason, with_only

COMPOSED: dict[Fn, Fn] = {}

Parameters = Mapping[str, inspect.Parameter]


def compose(fn: Fn, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call what fn is made of with the arguments of a call of fn.

    Raises UnsupportedError for arguments that NumPy or the composition does not take.
    """
    composition = COMPOSED[fn]
    declared = _signature(fn, composition).parameters
    ours = _signature(composition, composition).parameters
    try:
        arguments = _signature(fn, composition).bind(*args, **kwargs).arguments
    except TypeError as error:
        raise UnsupportedError(op_name(fn), got=reason(error)) from None
    operands, keywords = _sorted(arguments, declared, ours)
    if operands and _is_numbers(operands[0]):
        operands[0] = np.asarray(operands[0])
    _drop_defaults(fn, keywords, declared, ours)
    return composition(*operands, **keywords)


def bare(x: Any) -> Any:
    """The array behind a Tensor; what is none as it is. For what decides shapes alone."""
    return x.data if hasattr(x, "requires_grad") else x


def _sorted(
    arguments: Mapping[str, Any], declared: Parameters, ours: Parameters
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments as operands, as many as the composition wants, and keywords."""
    wanted = _operand_count(ours)
    operands: list[Any] = []
    keywords: dict[str, Any] = {}
    for name, value in arguments.items():
        kind = declared[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            operands += value
        elif kind is inspect.Parameter.VAR_KEYWORD:
            keywords |= value
        elif len(operands) < wanted:
            operands.append(value)
        elif (value is not None or name in ours) and value is not np._NoValue:
            keywords[name] = value
    return operands, keywords


def _operand_count(ours: Parameters) -> int:
    """How many operands a composition takes by position: its parameters without a default."""
    count = 0
    for p in ours.values():
        by_position = p.kind not in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        count += by_position and p.default is p.empty
    return count


def _is_numbers(operand: Any) -> bool:
    """Whether an operand is a list of plain numbers, nested: NumPy would read it as an array."""
    if not isinstance(operand, list):
        return False
    return all(isinstance(x, (int, float)) or _is_numbers(x) for x in operand)


def _drop_defaults(
    fn: Fn, keywords: dict[str, Any], declared: Parameters, ours: Parameters
) -> None:
    """Take out the unknown keywords that repeat NumPy's default; refuse the others."""
    for name in [name for name in keywords if name not in ours]:
        if name not in declared or keywords[name] is not declared[name].default:
            known = list(ours)[_operand_count(ours) :]
            raise UnsupportedError(op_name(fn), got=f"keyword {name}", expected=with_only(known))
        del keywords[name]


@functools.cache
def _signature(fn: Fn, otherwise: Fn) -> inspect.Signature:
    """How fn is called; as ``otherwise`` where NumPy does not say."""
    try:
        return inspect.signature(fn)
    except ValueError:
        return inspect.signature(otherwise)
