"""The size of each node's adjoint, as a colour and a number on a log scale: vanishing and exploding at a glance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError
from minigrad.viz import style

Grads = bool | Mapping[Any, Any] | None
_RAMP = (
    "#FFFFCC",
    "#FEE391",
    "#FEC44F",
    "#FB9A5B",
    "#F4766D",
)  # pale to strong, black text legible on each
_ZERO, _BROKEN = "white", "#FF6EC7"
_CELLS = 5  # of the legend


@dataclass(frozen=True)
class Scale:
    """The norms of the adjoints that were computed, and the range of those that are positive and finite."""

    norms: dict[Tensor, float]
    low: float
    high: float

    def colour(self, norm: float) -> str:
        """The fill of a node whose adjoint has this norm."""
        if norm == 0:
            return _ZERO
        if not math.isfinite(norm):
            return _BROKEN
        low, high = math.log(self.low), math.log(self.high)
        at = (len(_RAMP) - 1) * ((math.log(norm) - low) / (high - low) if high > low else 1.0)
        k = min(max(int(at), 0), len(_RAMP) - 2)
        return _mixed(_RAMP[k], _RAMP[k + 1], min(max(at - k, 0.0), 1.0))

    def legend(self) -> str:
        """A strip of the scale's colours over its numbers, as an HTML-like label."""
        if not self.norms:
            return "<no gradient reaches this tape>"
        low, high = math.log(self.low), math.log(self.high)
        ends = (
            [math.exp(low + (high - low) * k / (_CELLS - 1)) for k in range(_CELLS)]
            if high > low
            else [self.high]
        )
        cells = "".join(
            f'<td width="34" height="10" fixedsize="true" bgcolor="{self.colour(e)}"></td>'
            for e in ends
        )
        marks = "".join(f'<td><font point-size="9">{number(e)}</font></td>' for e in ends)
        title = f'<tr><td border="0" colspan="{len(ends)}"><font point-size="9">norm of the adjoint</font></td></tr>'
        return f'<<table border="0" cellspacing="0" cellpadding="1">{title}<tr>{cells}</tr><tr>{marks}</tr></table>>'


def scale(tape: Tape, grads: Grads) -> Scale | None:
    """The scale of a tape's adjoints: computed by its own backward (True), or given per Tensor or name.

    A number is taken for a norm, an array for the adjoint itself. Raises GradientError where backward has no meaning.
    """
    if grads is None or grads is False:
        return None
    if grads is True:
        norms = {s.tensor: _norm(s.grad) for s in Tape.of(tape.outputs[0]).steps()}
    elif isinstance(grads, Mapping):
        norms = {}
        for key, value in grads.items():
            n = tape[key] if isinstance(key, str) else key
            if n not in tape.names:
                raise ArgumentError(
                    "draw: grads", got=f"'{getattr(n, 'label', n)}' is not on this tape"
                )
            if value is not None:  # never asked
                norms[n] = (
                    abs(float(value))
                    if np.ndim(value) == 0
                    else _norm(getattr(value, "data", value))
                )
    else:
        expected = "expected True, or a mapping from Tensors or names to their adjoints"
        raise ArgumentError("draw: grads", got=f"a {type(grads).__name__}", expected=expected)
    positive = [v for v in norms.values() if 0 < v < math.inf] or [1.0]
    return Scale(norms, min(positive), max(positive))


def _norm(g: Any) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.linalg.norm(np.asarray(g, np.float64)))


def together(norms: list[float]) -> float:
    """The norm of several adjoints taken as one."""
    return math.hypot(*norms)


def number(value: float) -> str:
    """Three characters of it: ``0.23``, ``4.1·10⁻⁷``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    exponent = math.floor(math.log10(value))
    if -3 < exponent < 4:
        return f"{value:.{max(0, 1 - exponent)}f}"
    if exponent < -300:
        return f"{value:.0e}"
    return f"{value / 10.0**exponent:.1f}·10{str(exponent).translate(style.RAISED)}"


def _mixed(a: str, b: str, share: float) -> str:
    parts = [[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in (a, b)]
    return "#" + "".join(f"{round(x + (y - x) * share):02X}" for x, y in zip(*parts, strict=True))
