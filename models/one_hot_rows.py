"""One-hot rows that are not written out: their product with a matrix is a look-up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

import minigrad as mg
from minigrad import Tensor


class OneHotRows(NDArrayOperatorsMixin):
    """What one_hot(tokens, classes) is to a cell: ``x @ W`` looks up, all else writes it out.

    Shapes: tokens (...) of integers in 0..classes-1, the rows (..., classes).

    >>> rows = OneHotRows(mg.tensor(np.array([[2, 0]])), classes=3)
    >>> rows.shape, (rows[0] @ np.array([[1.0], [2.0], [3.0]])).data.tolist()
    ((1, 2, 3), [[3.0], [1.0]])
    """

    def __init__(self, tokens: Tensor, classes: int, dtype: Any = np.float64) -> None:
        self.tokens = tokens
        self.shape = (*tokens.shape, classes)
        self.dtype = np.dtype(dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, t: int) -> OneHotRows:
        """The rows of step t."""
        return OneHotRows(self.tokens[t], self.shape[-1], self.dtype)

    @property
    def name(self) -> str | None:
        """That of the tokens."""
        return self.tokens.name

    def named(self, name: str) -> OneHotRows:
        """Call the tokens so."""
        self.tokens.named(name)
        return self

    def written_out(self) -> Any:
        """The rows as a Tensor."""
        return mg.one_hot(self.tokens, self.shape[-1], self.dtype)

    def __array_ufunc__(self, fn: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        if fn is np.matmul and inputs[0] is self and not keywords:
            return mg.embedding(self.tokens, inputs[1])
        return getattr(fn, method)(*map(_plain, inputs), **keywords)

    def __array_function__(self, fn: Any, types: Any, args: Any, keywords: Any) -> Any:
        return fn(*map(_plain, args), **keywords)


class Embedded:
    """The rows of a table that tokens name, looked up in the step that reads them.

    Shapes: tokens (T, ...) of integers in 0..V-1, weight (V, e), each step (..., e).

    >>> rows = Embedded(mg.tensor(np.array([[1, 0]])), mg.tensor(np.array([[1.0], [2.0]])))
    >>> len(rows), rows[0].data.tolist()
    (1, [[2.0], [1.0]])
    """

    def __init__(self, tokens: Tensor, weight: Tensor) -> None:
        self.tokens = tokens
        self.weight = weight

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, t: int) -> Any:
        return mg.embedding(self.tokens[t], self.weight)


def _plain(x: Any) -> Any:
    """An operand, one-hot rows written out, in a list too."""
    if isinstance(x, (list, tuple)):
        return [_plain(part) for part in x]
    return x.written_out() if isinstance(x, OneHotRows) else x
