"""The command line: ``minigrad demo | train | sample | ...``, also ``python -m minigrad``."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from minigrad.errors import MinigradError

from .commands import parser

__all__ = ["main", "parser"]

EXIT_FAILURE = 1
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; problems of the user's are one line on stderr and an exit code.

    >>> main(["figure", "unrolled", "-o", "unrolled.dot"])
    wrote unrolled.dot
    0
    """
    args = parser().parse_args(argv)
    _make_output_robust()
    try:
        args.run(args)
    except BrokenPipeError:
        # The reader of our output has left, as in minigrad train | head. Nothing else is for it.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        return EXIT_FAILURE
    except MinigradError as error:
        return _fail(error.text)
    except OSError as error:
        return _fail(str(error))
    except MemoryError as error:
        size = str(error).rstrip(".")
        return _fail(f"not enough memory: {size}. Try smaller sizes.")
    except KeyboardInterrupt as error:
        reason = f": {error}." if str(error) else ""
        print(f"\nminigrad: interrupted{reason}", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def _make_output_robust() -> None:
    """Neither a terminal without é nor a reader in a hurry is a reason to fail."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Whoever reads a file or a pipe sees each line when it is said.
        sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)


def _fail(line: str) -> int:
    print(f"minigrad: {line}", file=sys.stderr)
    return EXIT_FAILURE
