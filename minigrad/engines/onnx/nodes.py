"""An ONNX graph as plain records, and what operators ask of a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.core.array import frozen
from minigrad.core.tensor import Tensor
from minigrad.errors import UnsupportedError

Value = Any
"""A Tensor; an array where it is known when recorded; None for an input that is left out."""


@dataclass(frozen=True)
class Graph:
    """Names that are fed, names that are given back, values that are known, nodes in order."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, Value]
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Node:
    """One node: its operator, names, attributes, and the opset that says what they mean."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    opset: int
    layer: str = ""
    """What the names of its states end in, ``^{(2)}``, where there are several layers."""

    @property
    def title(self) -> str:
        """How errors call it: ``Reshape '/rnn/Reshape'``."""
        return f"{self.op} {self.name!r}"

    def get(
        self,
        name: str,
        default: Any = None,
    ) -> Any:
        """An attribute."""
        return self.attributes.get(name, default)

    def setting(
        self,
        name: str,
        value: Value,
    ) -> Any:
        """What older opsets have as an attribute, newer ones as an input: as an array, or None."""
        if value is None:
            given = self.get(name)
            return None if given is None else np.asarray(given)
        return self.known(name, value)

    def axes(self, value: Value = None) -> tuple[int, ...] | None:
        """The axes that it names, as an attribute or as an input."""
        axes = self.setting("axes", value)
        return None if axes is None else tuple(np.ravel(axes).tolist())

    def known(
        self,
        name: str,
        value: Value,
    ) -> Any:
        """The array of an input that has to be known when recorded.

        Raises UnsupportedError where it is computed from the values of inputs.
        """
        if isinstance(value, Tensor):
            got = f"its {name} is computed from the values of inputs or parameters"
            expected = "expected one that is known from constants and shapes"
            raise UnsupportedError(self.title, got=got, expected=expected)
        return value

    def refuse(
        self,
        got: str,
        expected: str = "",
    ) -> UnsupportedError:
        """The error that says what of this node is not done here."""
        return UnsupportedError(self.title, got=got, expected=expected)


def as_tensor(x: Value, name: str | None = None) -> Any:
    """A value as a Tensor, with that name where it has none."""
    if not isinstance(x, Tensor):
        x = Tensor(frozen(np.array(x)))
    if name and not x.name:
        x.named(name)
    return x
