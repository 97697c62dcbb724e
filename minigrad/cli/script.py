"""The user's own script, run for the ``loss`` that it leaves."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from pathlib import Path

from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, MinigradError


def script(file: str) -> Tape:
    """The tape of the ``loss`` that a Python script leaves, run as ``python FILE`` would.

    Raises ArgumentError where there is no such file, it fails, or leaves no Tensor (or Tape) of that name.
    """
    path = Path(file)
    if not path.is_file():
        raise ArgumentError(
            f"step {file}", got="no such file", remedy="Name a script that leaves a Tensor `loss`"
        )
    given, sys.argv = sys.argv, [str(path)]
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    try:
        left = runpy.run_path(str(path), run_name="__main__").get("loss")
    except SystemExit as error:
        raise ArgumentError(
            f"step {file}", got=f"it ends with {error!r} before it leaves a `loss`"
        ) from None
    except Exception as error:
        at = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename) == path
        ]
        line = f"{path.name}:{at[-1].lineno}" if at else path.name
        got = error.text if isinstance(error, MinigradError) else f"{type(error).__name__}: {error}"
        raise ArgumentError(
            f"step {file}", got=" ".join(f"it fails: {got}".split()), where=line
        ) from None
    finally:
        sys.argv = given
        sys.path.pop(0)
    if isinstance(left, (Tensor, Tape)):
        return left if isinstance(left, Tape) else Tape.of(left)
    got = "it leaves no `loss`" if left is None else f"its `loss` is a {type(left).__name__}"
    raise ArgumentError(f"step {file}", got=got, expected="expected a Tensor, or a Tape")
