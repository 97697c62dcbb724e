"""Numbers along a logarithmic axis."""

from __future__ import annotations

import math

from matplotlib.ticker import LogFormatter

from minigrad.viz.lettering.latex_symbols import RAISED

# Powers of ten that are written as numbers.
LEAST, MOST = -3, 4


class Powers(LogFormatter):
    """0.01 and 500 as they are, 2·10⁻⁶ for what is farther from 1; of a long axis powers only."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The text at x, none where its neighbours leave no room."""
        if not super().__call__(x, pos):
            return ""
        # the logarithm of 1000 may be less than 3
        exponent = math.floor(math.log10(x) + 1e-9)
        if LEAST <= exponent <= MOST:
            return f"{x:g}"
        digits = f"{x / 10.0**exponent:.3g}"
        factor = "" if digits == "1" else f"{digits}·"
        return f"{factor}10{str(exponent).translate(RAISED)}"
