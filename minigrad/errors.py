"""Every exception for users, and the sentence they speak: what, got, expected, remedy, where."""

from __future__ import annotations

from typing import Any

from .source import here


class MinigradError(Exception):
    """Base of all minigrad errors.

    The message reads ``subject: got; expected. remedy [where]``, each part left out when it is
    empty, as in ``matmul: 'h_3' is (1, 4) and 'W_hh' is (5, 5); the last axis ... must equal ...
    [t=3, train.py:41]``.
    """

    def __init__(
        self,
        subject: str,
        *,
        got: str = "",
        expected: str = "",
        remedy: str = "",
        where: str | None = None,
    ) -> None:
        """``where`` defaults to the user's line that is running.

        ``text`` is without it, for a terminal.
        """
        self.text = sentence(subject, got, expected, remedy, where or "")
        place = here() if where is None else where
        super().__init__(sentence(subject, got, expected, remedy, place))

    def __reduce__(self) -> tuple[Any, ...]:
        # As it reads: a copy, or one out of another process, was raised where this one was.
        return _copied, (type(self), *self.args), vars(self)


def _copied(kind: type[MinigradError], message: str) -> MinigradError:
    """An error that reads like the message, which has its place already."""
    return kind.__new__(kind, message)


def sentence(subject: str, got: str, expected: str, remedy: str, where: str) -> str:
    """The one line of every message."""
    text = f"{subject}: {got}" if got else subject
    if expected:
        text += f"; {expected}"
    if remedy:
        text += f". {remedy}"
    text = text.rstrip(".")
    return f"{text}. [{where}]" if where else f"{text}."


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
    """A NaN or infinity inside ``detect_anomaly``; ``found`` is the record of its origin.

    The record holds a tape, which is not pickled: in a copy ``found`` is None.
    """

    def __init__(self, found: Any) -> None:
        Exception.__init__(self, str(found))
        self.found = found
        self.text = str(found)

    def __reduce__(self) -> tuple[Any, ...]:
        return _copied, (type(self), *self.args), vars(self) | {"found": None}


class LostGradientWarning(UserWarning):
    """A value that Python read as a number on the way to the output: no gradient goes through."""


class DataError(MinigradError, ValueError):
    """A text or file that cannot be used."""
