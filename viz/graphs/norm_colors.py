"""Vanishing and exploding at a glance: the norm of each adjoint, as a number and a colour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError, GradientError
from minigrad.viz import style
from minigrad.viz.lettering.latex_symbols import RAISED

from .variables.window_copies import copies_of, firsts

Grads = bool | Mapping[Any, Any] | None

# Pale to strong, black text legible on each.
_RAMP = ("#FFFFCC", "#FEE391", "#FEC44F", "#FB9A5B", "#F4766D")
_ZERO = "white"
BROKEN = "#FF6EC7"

_LEGEND_CELLS = 5
_CELL_WIDTH = 34
_CELL_HEIGHT = 10
# Below this power of ten, dividing by it would overflow.
_LEAST_EXPONENT = -300


@dataclass(frozen=True)
class Scale:
    """The norms that are known, and the range of those that are positive and finite.

    firsts: of each copy that a window has of a node the first. wholes: the norm of what the
    adjoints of all copies add up to, by the first.
    """

    norms: dict[Tensor, float]
    low: float
    high: float
    firsts: Mapping[Tensor, Tensor] = field(default_factory=dict)
    wholes: Mapping[Tensor, float] = field(default_factory=dict)

    def colour(self, norm: float) -> str:
        """The fill of a node whose adjoint has this norm."""
        if norm == 0:
            return _ZERO
        if not math.isfinite(norm):
            return BROKEN
        last = len(_RAMP) - 1
        position = last * self.share(norm)
        k = min(max(int(position), 0), last - 1)
        share = min(max(position - k, 0.0), 1.0)
        return _mixed(_RAMP[k], _RAMP[k + 1], share)

    def known(self, nodes: Iterable[Tensor]) -> list[float]:
        """The norms of those nodes that have one."""
        return [self.norms[n] for n in nodes if n in self.norms]

    def joined(self, nodes: Iterable[Tensor]) -> list[float]:
        """The norms of those nodes that have one, all copies of one node taken as one."""
        known: dict[Tensor, float] = {}
        for n in nodes:
            first = self.firsts.get(n, n)
            if first in self.wholes:
                known[first] = self.wholes[first]
            elif n in self.norms:
                known[n] = self.norms[n]
        return list(known.values())

    def share(self, norm: float) -> float:
        """How far up the scale a norm lies, from 0 to 1; 1 where all are alike."""
        low = math.log(self.low)
        high = math.log(self.high)
        if high <= low:
            return 1.0
        return (math.log(norm) - low) / (high - low)

    def _ticks(self) -> list[float]:
        """The norms that the legend names, evenly on the log scale."""
        low = math.log(self.low)
        high = math.log(self.high)
        if high <= low:
            return [self.high]
        last = _LEGEND_CELLS - 1
        return [math.exp(low + (high - low) * k / last) for k in range(_LEGEND_CELLS)]

    def legend(self) -> str:
        """A strip of the scale's colours over its numbers, as an HTML-like label."""
        if not self.norms:
            return "<no gradient reaches this tape>"
        size = f'width="{_CELL_WIDTH}" height="{_CELL_HEIGHT}" fixedsize="true"'
        cells = ""
        numbers = ""
        ticks = self._ticks()
        for tick in ticks:
            cells += f'<td {size} bgcolor="{self.colour(tick)}"></td>'
            numbers += f"<td>{_small(number(tick))}</td>"
        title = f'<td border="0" colspan="{len(ticks)}">{_small("norm of the adjoint")}</td>'
        rows = f"<tr>{title}</tr><tr>{cells}</tr><tr>{numbers}</tr>"
        return f'<<table border="0" cellspacing="0" cellpadding="1">{rows}</table>>'


def _small(text: str) -> str:
    return f'<font point-size="{style.NOTE_POINTS:g}">{text}</font>'


def scale(tape: Tape, grads: Grads) -> Scale | None:
    """The scale of a tape's adjoints: of its own backward (True), or of those given.

    A number is taken for a norm, an array for the adjoint itself.
    Raises: GradientError where backward has no meaning; ArgumentError for what is no mapping, or
    names what is not on the tape.
    """
    if grads is None or grads is False:
        return None
    if grads is True:
        return _computed_scale(tape)
    if isinstance(grads, Mapping):
        norms = _given_norms(tape, grads)
    else:
        expected = "expected True, or a mapping from Tensors or names to their adjoints"
        raise ArgumentError("draw: grads", got=f"a {type(grads).__name__}", expected=expected)
    return scale_of(norms, norms.values())


def scale_of(norms: dict[Tensor, float], values: Iterable[float]) -> Scale:
    """The scale on which these values lie, for the norms that are known."""
    positive = [v for v in values if 0 < v < math.inf] or [1.0]
    return Scale(norms, min(positive), max(positive))


def _computed_scale(tape: Tape) -> Scale:
    """The scale of what backward from the loss gives; of copies it gives parts of one adjoint."""
    out = tape.outputs[0]
    if out.requires_grad and out.size != 1:
        got = f"'{out.label}' is {out.shape}"
        expected = "backward starts from a scalar"
        norms_of = "pass {s.tensor: s.grad for s in tape.steps(gradient)}"
        remedy = f"Draw its sum, or {norms_of} with a gradient of that shape"
        raise GradientError(
            "draw: grads=True", got=got, expected=expected, remedy=remedy, where=out.where
        )
    loss = Tape.of(out)
    first_of = firsts(copies_of(tape))
    norms: dict[Tensor, float] = {}
    sums: dict[Tensor, Any] = {}
    for n, g, _ in loss.steps():
        norms[n] = _norm(g)
        if n in first_of:
            first = first_of[n]
            sums[first] = sums[first] + g if first in sums else g
    wholes = {first: _norm(g) for first, g in sums.items()}
    plain = scale_of(norms, norms.values())
    return replace(plain, firsts=first_of, wholes=wholes)


def _given_norms(tape: Tape, grads: Mapping[Any, Any]) -> dict[Tensor, float]:
    norms: dict[Tensor, float] = {}
    for key, value in grads.items():
        n = tape[key] if isinstance(key, str) else key
        if n not in tape.names:
            got = f"'{getattr(n, 'label', n)}' is not on this tape"
            raise ArgumentError("draw: grads", got=got)
        # None: backward never asked for this one.
        if value is None:
            continue
        if np.ndim(value) == 0:
            norms[n] = abs(float(value))
        else:
            norms[n] = _norm(getattr(value, "data", value))
    return norms


def _norm(g: Any) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.linalg.norm(np.asarray(g, np.float64)))


def together(norms: list[float]) -> float:
    """The norm of several adjoints taken as one."""
    return math.hypot(*norms)


def number(value: float) -> str:
    """Two digits of it.

    >>> number(0.2345), number(4.1e-7)
    ('0.23', '4.1·10⁻⁷')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    exponent = math.floor(math.log10(value))
    if -3 < exponent < 4:
        digits = max(0, 1 - exponent)
        return f"{value:.{digits}f}"
    if exponent < _LEAST_EXPONENT:
        return f"{value:.0e}"
    power = str(exponent).translate(RAISED)
    return f"{value / 10.0**exponent:.1f}·10{power}"


def _mixed(start: str, end: str, share: float) -> str:
    """The colour that far from one to the other."""
    mixed = "#"
    for low, high in zip(_channels(start), _channels(end), strict=True):
        mixed += f"{round(low + (high - low) * share):02X}"
    return mixed


def _channels(colour: str) -> list[int]:
    """Red, green and blue of ``#RRGGBB``."""
    return [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
