"""Groups of parameters: read, completed, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.containers import as_tensors
from minigrad.core.array import REAL_KINDS
from minigrad.core.norms import positive
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError

Options = Mapping[str, Any]
"""What holds for a group of parameters: lr, weight_decay, and what the rule asks for."""
Group = dict[str, Any]
MADE = "A parameter is made by tensor(..., requires_grad=True)"


def given_groups(params: Any) -> list[Options]:
    """The groups as they were given; of parameters that are in none, one."""
    if isinstance(params, (list, tuple)):
        grouped = [isinstance(part, Mapping) and "params" in part for part in params]
        if any(grouped):
            if not all(grouped):
                got = "groups, and something that is none"
                expected = "expected every one to be a dict with 'params'"
                raise ArgumentError("optimizer", got=got, expected=expected)
            return list(params)
    return [{"params": params}]


def completed(part: Options, defaults: Options) -> Group:
    """A group with all of its options."""
    unknown = sorted(part.keys() - defaults.keys() - {"params"})
    if unknown:
        expected = f"expected params, {', '.join(defaults)}"
        raise ArgumentError("optimizer: a group", got=f"{unknown[0]!r}", expected=expected)
    group = {**defaults, **part}
    positive("lr", group["lr"])
    refuse_wrong(group)
    group["params"] = list(as_tensors("optimizer", group["params"]))
    return group


def refuse_no_parameters(params: Sequence[Tensor]) -> None:
    """Raise ArgumentError for a parameter in two groups, and for what is no parameter."""
    for p in params:
        if p.fn is not None or not p.requires_grad:
            raise ArgumentError("optimizer", got=f"'{p.label}' is no parameter", remedy=MADE)
    if len(set(params)) < len(params):
        got = "a parameter in two groups"
        raise ArgumentError("optimizer", got=got, expected="expected each one once")


def refuse_wrong(options: Options) -> None:
    """Raise ArgumentError for an option outside its domain."""
    for name, value in options.items():
        if name in ("params", "nesterov"):
            continue
        if type(value) is float and 0 <= value < 1 and name != "betas":
            continue
        # decays of running means; everything else has no upper bound
        limit, below = (1.0, " and below 1") if name in ("alpha", "betas") else (np.inf, "")
        numbers = np.asarray(value)
        counts = "two numbers" if name == "betas" else "a number"
        is_shaped = numbers.shape == ((2,) if name == "betas" else ())
        is_real = is_shaped and numbers.dtype.kind in REAL_KINDS
        if not is_real or not np.all((numbers >= 0) & (numbers < limit)):
            expected = f"expected {counts} from 0{below}"
            raise ArgumentError(name, got=f"{value!r}", expected=expected)
