"""Every user-facing exception, and the one sentence they all speak: what, got, expected, remedy, where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .source import here


class MinigradError(Exception):
    """Base of all minigrad errors.

    The message reads ``what: got; expected. remedy [where]``, each part left out when it is empty, as in
    ``matmul: 'h_3' is (1, 4) and 'W_hh' is (5, 5); the last axis ... must equal ... [t=3, train.py:41]``.
    """

    def __init__(
        self,
        what: str,
        *,
        got: str = "",
        expected: str = "",
        remedy: str = "",
        where: str | None = None,
    ) -> None:
        """``where`` defaults to the user's line that is running."""
        self.text = sentence(
            what, got, expected, remedy, where or ""
        )  # without the running line: for a terminal
        super().__init__(sentence(what, got, expected, remedy, here() if where is None else where))


def sentence(
    what: str, got: str = "", expected: str = "", remedy: str = "", where: str = ""
) -> str:
    """The one line of every message."""
    text = f"{what}: {got}" if got else what
    text += f"; {expected}" if expected else ""
    text += f". {remedy}" if remedy else ""
    return f"{text.rstrip('.')}. [{where}]" if where else f"{text.rstrip('.')}."


class ShapeError(MinigradError, ValueError):
    """Operands whose shapes or values NumPy refuses to combine."""


class DTypeError(MinigradError, TypeError):
    """A dtype that cannot carry what was asked of it (a gradient of integers, complex tensors)."""


class ArgumentError(MinigradError, ValueError):
    """An argument outside its domain, or a name that nothing has."""


class UnsupportedError(MinigradError, TypeError):
    """A NumPy function or keyword that minigrad cannot differentiate."""


class MissingError(MinigradError, AttributeError):
    """An attribute that arrays have and Tensors do not."""


class GradientError(MinigradError, RuntimeError):
    """A backward pass that has no meaning, or not the one the user thinks."""


class StaleTapeError(GradientError):
    """A parameter was assigned after the tape recorded it."""


class NonFiniteError(GradientError):
    """A NaN or infinity inside ``detect_anomaly``; ``found`` is the record of its origin."""

    def __init__(self, found: Any) -> None:
        Exception.__init__(self, str(found))
        self.found, self.text = found, str(found)


class DataError(MinigradError, ValueError):
    """A text or file that cannot be used."""


def refusal(
    op: str, inputs: Sequence[Any], keywords: Mapping[str, Any], error: Exception
) -> ShapeError:
    """NumPy's refusal of these operands as one sentence with their names and shapes, the step and the user's line."""
    why = str(error).splitlines()[0].rstrip(" .")
    if op == "matmul" and all(x.ndim for x in inputs):
        a, b = inputs[0].shape, inputs[1].shape
        k, place = (b[0], "first") if len(b) < 3 else (b[-2], "second-to-last")
        why = (
            why
            if a[-1] == k
            else f"the last axis of the first ({a[-1]}) must equal the second's {place} ({k})"
        )
    given = ", ".join(f"{k}={v!r}" for k, v in keywords.items())
    got = " and ".join(f"'{x.label}' is {x.shape}" for x in inputs[:4]) + (
        " ..." if len(inputs) > 4 else ""
    )
    return ShapeError(op + (f"({given})" if given else ""), got=got, expected=why)
