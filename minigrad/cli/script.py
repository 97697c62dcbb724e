"""The user's own script, run for the ``loss`` that it leaves."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError, MinigradError


def script(file: str) -> Tape:
    """The tape of the ``loss`` that a Python script leaves, run as ``python FILE`` would.

    Raises: ArgumentError where there is no such file, it fails, or leaves no Tensor (or Tape) of
    that name.
    """
    path = Path(file)
    command = f"step {file}"
    if not path.is_file():
        remedy = "Name a script that leaves a Tensor `loss`"
        raise ArgumentError(command, got="no such file", remedy=remedy)
    try:
        with _as_main(path):
            loss = runpy.run_path(str(path), run_name="__main__").get("loss")
    except SystemExit as error:
        got = f"it ends with {error!r} before it leaves a `loss`"
        raise ArgumentError(command, got=got) from None
    except Exception as error:
        where = _where(error, path)
        raise ArgumentError(command, got=_failure(error), where=where) from None
    if isinstance(loss, Tape):
        return loss
    if isinstance(loss, Tensor):
        return Tape.of(loss)
    got = "it leaves no `loss`" if loss is None else f"its `loss` is a {type(loss).__name__}"
    raise ArgumentError(command, got=got, expected="expected a Tensor, or a Tape")


@contextmanager
def _as_main(path: Path) -> Iterator[None]:
    """Python's arguments and import path as ``python FILE`` has them."""
    arguments = sys.argv
    sys.argv = [str(path)]
    folder = os.path.dirname(os.path.abspath(path))
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.argv = arguments
        sys.path.pop(0)


def _where(error: Exception, path: Path) -> str:
    """The line of the script in which it failed; the script alone where it did not even begin."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename) == path]
    return f"{path.name}:{lines[-1]}" if lines else path.name


def _failure(error: Any) -> str:
    """What went wrong, on one line."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, MinigradError):
        text = error.text
    words = f"it fails: {text}".split()
    return " ".join(words)
