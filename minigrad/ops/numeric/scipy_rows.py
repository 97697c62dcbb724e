"""Rows for functions of scipy.special, by name: the engine does not import SciPy.

They are entered when one of its functions meets a Tensor, for then the user has imported it.
"""

from __future__ import annotations

import sys
from typing import Any

from minigrad.ops.table import OPS, Fn, Rule, Says, defvjp

ROWS: dict[str | Fn, tuple[tuple[Rule | None, ...], Says]] = {}


class _Special:
    """scipy.special, whose functions are looked up when a rule runs."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.modules.get("scipy.special"), name)


special: Any = _Special()


def row(fn: str | Fn, *rules: Rule | None, says: Says) -> None:
    """Keep the rules of scipy.special's function of this name, or of ours, as defvjp takes them."""
    ROWS[fn] = rules, says


def entered(fn: Fn) -> bool:
    """Whether fn has a row, now that those of scipy.special are entered if a user imported it."""
    if "scipy.special" in sys.modules:
        for name, (rules, says) in ROWS.items():
            # SciPy 1.11 lacks some
            known = getattr(special, name, None) if isinstance(name, str) else name
            if known is not None and known not in OPS:
                defvjp(known, *rules, says=says)
    return fn in OPS
