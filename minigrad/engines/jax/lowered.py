"""A tape lowered to JAX."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.compiler.rolled.rolled import Rolled
from minigrad.core.rerun.feeds import Feeds, Missing
from minigrad.engines.labels import labels_of, refuse_other_labels
from minigrad.errors import UnsupportedError

SWITCH = "jax.config.update('jax_enable_x64', True)"


class Lowered:
    """A function that JAX compiles, with the values that its inputs were recorded with.

    function: of a dictionary of arrays by name, pure, for ``jax.jit``, ``jax.vmap``, shardings.
    rolled: the program that it runs.
    """

    def __init__(self, rolled: Rolled) -> None:
        """Raises what ``lower`` raises."""
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
        self.function = function(program)
        self._compiled = jax.jit(self.function)
        self._labels = labels_of(program)

    @staticmethod
    def _refuse_doubles(jax: Any, rolled: Rolled) -> None:
        if jax.config.jax_enable_x64:
            return
        for name, form in rolled.program.forms.items():
            if form.dtype in (np.float64, np.int64) and form.dtype == np.float64:
                raise UnsupportedError(
                    "lower",
                    got=f"'{name}' is float64, which JAX has switched off",
                    remedy=f"Call {SWITCH} first, or record in float32",
                )

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what may be fed."""
        return self.rolled.inputs

    def __call__(self, feeds: Feeds | None = None, *, missing: Missing = "error") -> tuple[Any, ...]:
        """The outputs, as arrays of JAX.

        feeds, missing: as for a plan. Labels are checked before the call, for JAX moves those that
        are none to the nearest that is one.

        Raises ArgumentError, ShapeError and DTypeError as a plan does.
        """
        arrays = self.rolled.arrays(feeds, missing)
        refuse_other_labels(self._labels, arrays)
        outputs: tuple[Any, ...] = self._compiled(arrays)
        return outputs

    def __repr__(self) -> str:
        return f"Lowered(JAX, inputs {', '.join(self.inputs)})"


def _imported() -> Any:
    try:
        import jax
    except ImportError:
        got = "JAX is not installed"
        raise UnsupportedError("lower", got=got, remedy="pip install jax") from None
    return jax
