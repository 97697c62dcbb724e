"""What a run shows of itself: a bar and lines for people, lines of JSON for scripts and the log."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Self

from minigrad.errors import DataError

from .bar import NoBar, progress, say
from .update import Update

# Of the clock, so that a rate can be computed at once.
MIN_SECONDS = 1e-9


class Reporter:
    """Prints, draws the bar, and writes the log, a line of JSON for each update and each epoch."""

    def __init__(self, quiet: bool = False, as_json: bool = False, log: str | None = None) -> None:
        self._quiet = quiet
        self._json = as_json
        self._path = log
        self._file: IO[bytes] | None = None
        self._bar: Any = NoBar()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.__exit__(None, None, None)
        if self._file:
            self._file.close()

    def start(self, updates: int, done: int, log_bytes: int) -> None:
        """Begin, or go on after ``done`` of all updates, when the log had ``log_bytes``.

        What is in the log beyond them is of updates that were lost.
        """
        if not (self._quiet or self._json):
            self._bar = progress(updates, done)
        if self._path:
            with _naming(self._path):
                # Closed in __exit__; unbuffered, so that a killed run leaves whole lines.
                self._file = open(self._path, "ab", buffering=0)  # noqa: SIM115
                self._file.truncate(min(self.log_bytes(), log_bytes))
        self._started = time.perf_counter()
        self._tokens = 0
        self._updates = 0
        self._clipped = 0

    def log_bytes(self) -> int:
        """Bytes in the log."""
        if self._file is None:
            return 0
        return os.fstat(self._file.fileno()).st_size

    def say(self, line: str, **event: Any) -> None:
        """One line for people; for scripts and the log the event, if it is one."""
        if self._json:
            if event:
                say(json.dumps(event))
        elif line and not self._quiet:
            say(line)
        if event:
            self._record(event)

    def update(self, u: Update) -> None:
        """One update: for the bar and the log."""
        self._tokens += u.tokens
        self._updates += 1
        self._clipped += u.clipped
        share = self._clipped / self._updates
        loss = f"loss {u.loss:.3f}, perplexity {u.perplexity:.2f}"
        gradient = f"norm {u.norm:.2f}, clipped {share:.0%}"
        text = f"{loss}, {gradient}, {self.rate():,.0f} tokens/s"
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update()
        self._record(
            {
                "event": "update",
                "step": u.step,
                "epoch": u.place.epoch,
                "loss": u.loss,
                "perplexity": u.perplexity,
                "norm": u.norm,
                "clipped_norm": u.clipped_norm,
                "lr": u.lr,
                "tokens_per_second": round(self.rate()),
            }
        )

    def rate(self) -> float:
        """Tokens per second since the start."""
        seconds = time.perf_counter() - self._started
        return self._tokens / max(seconds, MIN_SECONDS)

    def _record(self, event: dict[str, Any]) -> None:
        """Write an event to the log, if there is one."""
        if self._file and self._path:
            line = json.dumps(event).encode() + b"\n"
            with _naming(self._path):
                self._file.write(line)


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Raise DataError with the file's name where the system says no."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        remedy = "Name a file in a folder with room for it"
        raise DataError(f"cannot write '{path}'", got=why, remedy=remedy) from None
