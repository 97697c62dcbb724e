"""What a training run shows of itself: a bar and lines for people, lines of JSON for scripts and for the log."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Self

from minigrad.errors import DataError

from .loop import Update, exp
from .progress import Silent, progress, say


class Reporter:
    """Prints, draws the bar, and writes the log, a line of JSON for each update and each epoch."""

    def __init__(self, quiet: bool = False, as_json: bool = False, log: str | None = None) -> None:
        self._quiet, self._json, self._path = quiet, as_json, log
        self._file: IO[bytes] | None = None
        self._bar: Any = Silent()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.__exit__(None, None, None)
        if self._file:
            self._file.close()

    def start(self, updates: int, done: int, log_at: int) -> None:
        """Begin, or go on after ``done`` updates, when the log had ``log_at`` bytes: what is beyond was lost."""
        if not (self._quiet or self._json):
            self._bar = progress(updates, done)
        if self._path:
            with _named(self._path):
                self._file = open(self._path, "ab", buffering=0)  # noqa: SIM115  (closed in __exit__)
                self._file.truncate(min(self.log_at(), log_at))
        self._since, self._tokens, self._updates, self._clipped = time.perf_counter(), 0, 0, 0

    def log_at(self) -> int:
        """Bytes in the log."""
        return os.fstat(self._file.fileno()).st_size if self._file else 0

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
        self._tokens, self._updates, self._clipped = (
            self._tokens + u.tokens,
            self._updates + 1,
            self._clipped + u.clipped,
        )
        share, perplexity = self._clipped / self._updates, exp(u.loss)
        text = f"loss {u.loss:.3f}, perplexity {perplexity:.2f}, norm {u.norm:.2f}, clipped {share:.0%}"
        self._bar.set_postfix_str(f"{text}, {self.rate():,.0f} tokens/s", refresh=False)
        self._bar.update()
        self._record(
            {
                "event": "update",
                "step": u.step,
                "epoch": u.place[0],
                "loss": u.loss,
                "perplexity": perplexity,
                "norm": u.norm,
                "clipped_norm": u.clipped_norm,
                "lr": u.lr,
                "tokens_per_second": round(self.rate()),
            }
        )

    def rate(self) -> float:
        """Tokens per second since the start."""
        return self._tokens / max(time.perf_counter() - self._since, 1e-9)

    def _record(self, event: dict[str, Any]) -> None:
        if self._file and self._path:
            with _named(self._path):
                self._file.write(json.dumps(event).encode() + b"\n")


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Raise DataError with the file's name where the system says no."""
    try:
        yield
    except OSError as error:
        remedy = "Name a file in a folder with room for it"
        raise DataError(
            f"cannot write '{path}'", got=error.strerror or str(error), remedy=remedy
        ) from None
