"""``mg.lower``: a tape as a function of another engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from minigrad.compiler.rolled.rolled import Rolled, roll
from minigrad.core.tape import Tape
from minigrad.errors import ArgumentError

from .batch_axes import batch_axes

if TYPE_CHECKING:
    from .jax.lowered import Lowered

Engine = Literal["jax"]


def lower(program: Tape | Rolled, engine: Engine = "jax") -> Lowered:
    """A tape, or what ``roll`` made of it, as a function that JAX compiles.

    Called with what a plan is called with, it gives the outputs as JAX's arrays; its ``function``
    is the pure function of named arrays, for ``jax.jit`` and what else JAX has. Every number has
    the dtype that it was recorded with.

    Raises UnsupportedError where JAX is not installed, where a function has no twin in it, and for
    float64 without JAX's own switch; ArgumentError for another engine; and what ``roll`` raises.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], name="x", dtype=np.float32)
    >>> lowered = mg.lower(mg.Tape.of(np.sum(x * x)), "jax")
    >>> float(lowered({"x": [3.0, 4.0]})[0])
    25.0
    """
    if engine != "jax":
        got = f"engine={engine!r}"
        raise ArgumentError("lower", got=got, expected="expected 'jax'")
    from .jax.lowered import Lowered

    if isinstance(program, Rolled):
        return Lowered(program, batch_axes(program.tape()))
    return Lowered(roll(program), batch_axes(program))
