"""A tape lowered to JAX."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.compiler.rolled.rolled import Rolled
from minigrad.core.rerun.feeds import Feeds, Missing
from minigrad.engines.label_inputs import labels_of, refuse_other_labels
from minigrad.errors import ArgumentError, ShapeError, UnsupportedError

SWITCH = "jax.config.update('jax_enable_x64', True)"


class Lowered:
    """A function that JAX compiles, with the values that its inputs were recorded with.

    function: of a dictionary of arrays by name, pure, for ``jax.jit``, ``jax.vmap``, shardings.
    rolled: the program that it runs.
    """

    def __init__(
        self,
        rolled: Rolled,
        axes: Mapping[str, int],
    ) -> None:
        """axes: of inputs that have examples, the axis that they lie along.

        Raises what ``lower`` raises.
        """
        jax = _imported()
        from .interpret import function
        from .twins import twin

        program = rolled.program
        for call in program.calls():
            twin(call.fn)
            for read in call.reads:
                for view in read.views:
                    twin(view.fn)
        self._refuse_doubles(jax, rolled)
        self.rolled = rolled
        self._axes = axes
        self.function = function(program)
        self._labels = labels_of(program)
        self._compiled = jax.jit(self.function)

    @staticmethod
    def _refuse_doubles(jax: Any, rolled: Rolled) -> None:
        if jax.config.jax_enable_x64:
            return
        for name, form in rolled.program.forms.items():
            if form.dtype == np.float64:
                raise UnsupportedError(
                    "lower",
                    got=f"'{name}' is float64, which JAX has switched off",
                    remedy=f"Call {SWITCH} first, or record in float32",
                )

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what may be fed."""
        return self.rolled.inputs

    def __call__(
        self,
        feeds: Feeds | None = None,
        *,
        missing: Missing = "error",
    ) -> tuple[Any, ...]:
        """The outputs, as arrays of JAX.

        feeds, missing: as for a plan. Labels are checked before the call, for JAX moves those that
        are none to the nearest that is one.

        Raises ArgumentError, ShapeError and DTypeError as a plan does.
        """
        arrays = self.rolled.arrays(feeds, missing)
        refuse_other_labels(self._labels, arrays)
        outputs: tuple[Any, ...] = self._compiled(arrays)
        return outputs

    def shard(
        self,
        mesh: Any,
        batch: str,
        axes: Mapping[str, int] | None = None,
    ) -> Lowered:
        """The same function with the examples of the batch spread over devices.

        mesh: JAX's mesh of devices. batch: the name of its axis. axes: of each input that has
        examples the axis that they lie along; left out, what the tape says. All else is on every
        device. Gradients, and so their norm, are those of the whole batch.

        Raises ArgumentError where no input has examples, ShapeError where their number is no
        multiple of the devices'.
        """
        jax = _imported()
        if axes is None:
            axes = self._axes
        if not axes:
            got = "no input whose examples could be told apart"
            raise ArgumentError("shard", got=got, remedy="Say axes={'X': 1, ...}")
        devices = mesh.shape[batch]
        shardings = {}
        for name, form in self.rolled.program.inputs.items():
            spec: list[str | None] = [None] * len(form.shape)
            if name in axes:
                if form.shape[axes[name]] % devices:
                    got = f"{form.shape[axes[name]]} examples in '{name}'"
                    raise ShapeError("shard", got=got, expected=f"expected a multiple of {devices}")
                spec[axes[name]] = batch
            named = jax.sharding.PartitionSpec(*spec)
            shardings[name] = jax.sharding.NamedSharding(mesh, named)
        sharded = copy.copy(self)
        sharded._compiled = jax.jit(self.function, in_shardings=(shardings,))
        return sharded

    def compiled_text(self) -> str:
        """What XLA compiled, as its own text: to count what devices exchange, for example."""
        text: str = self._compiled.lower(self.rolled.recorded).compile().as_text()
        return text

    def __repr__(self) -> str:
        return f"Lowered(JAX, inputs {', '.join(self.inputs)})"


def _imported() -> Any:
    try:
        import jax
    except ImportError:
        got = "JAX is not installed"
        raise UnsupportedError("lower", got=got, remedy="pip install jax") from None
    return jax
