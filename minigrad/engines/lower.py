"""``mg.lower``: a tape as a function of another engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from minigrad.compiler.rolled.lengths.any_length import RolledFamily
from minigrad.compiler.rolled.rolled import Rolled, roll
from minigrad.core.tape import Tape
from minigrad.errors import ArgumentError

from .batch_axes import batch_axes

if TYPE_CHECKING:
    from .jax.family import LoweredFamily
    from .jax.lowered import Lowered

Engine = Literal["jax"]


@overload
def lower(program: Tape | Rolled, engine: Engine = "jax") -> Lowered: ...
@overload
def lower(program: RolledFamily, engine: Engine = "jax") -> LoweredFamily: ...
def lower(program: Tape | Rolled | RolledFamily, engine: Engine = "jax") -> Lowered | LoweredFamily:
    """A tape, or what ``roll`` or ``roll_any`` made of it, as a function that JAX compiles.

    Called with what a plan is called with, it gives the outputs as JAX's arrays; its ``function``
    is the pure function of named arrays, for ``jax.jit`` and what else JAX has. Every number has
    the dtype that it was recorded with. What ``roll_any`` made takes arrays of any number of steps;
    JAX compiles once for each, and ``at(T)`` is the function for one.

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

    if isinstance(program, RolledFamily):
        from .jax.family import LoweredFamily

        # a length that is recorded has values for all inputs
        recorded = program.at(program.first - 1)
        return LoweredFamily(program, batch_axes(recorded.tape()))
    if isinstance(program, Rolled):
        return Lowered(program, batch_axes(program.tape()))
    return Lowered(roll(program), batch_axes(program))
