"""Ways to truncate a gradient, by name: ``full``, ``every=8``, ``window=8``, ``random=0.9``, ``artbp=16``, ..."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minigrad import Tape
from minigrad.errors import ArgumentError
from minigrad.transforms import truncate, truncate_randomly

from .artbp import artbp

Rewrite = Callable[[Tape, np.random.Generator], Tape]
MAKERS: dict[str, tuple[str, Callable[[float], Rewrite]]] = {
    "every": (
        "regular segments of K steps",
        lambda k: lambda tape, _: truncate(tape, every=_whole("every", k)),
    ),
    "window": (
        "W steps back from every loss term",
        lambda w: lambda t, _: truncate(t, window=_whole("window", w)),
    ),
    "random": (
        "xi_t = 1/pi or 0, equation 9.7.8",
        lambda p: lambda tape, rng: truncate_randomly(tape, p, rng),
    ),
    "segments": (
        "the same cuts without 1/pi: Fig. 9.7.1, biased",
        lambda p: lambda tape, rng: truncate_randomly(tape, p, rng, reweight=False),
    ),
    "artbp": (
        "cuts by ARTBP's schedule, mean length L0",
        lambda length: lambda tape, rng: artbp(tape, length, rng),
    ),
}
RANDOM = ("random", "segments", "artbp")


@dataclass(frozen=True)
class Strategy:
    """A rewriting of the tape before its gradient is taken, and the norm to which that gradient is clipped."""

    name: str
    rewrite: Rewrite
    random: bool = False
    max_norm: float = np.inf

    @classmethod
    def of(cls, text: str) -> Strategy:
        """Read ``full``, ``every=8`` or ``random=0.9,clip=1``. Raises ArgumentError that lists what there is."""
        first, *more = text.replace(" ", "").split(",")
        kind, _, value = first.partition("=")
        try:
            clips = [float(m.removeprefix("clip=")) for m in more]
            if len(clips) > 1 or any(not c > 0 for c in clips):
                raise ValueError
            bound = clips[0] if clips else np.inf
            if first == "full":
                return cls(text, lambda tape, _: tape, max_norm=bound)
            rewrite = MAKERS[kind][1](float(value))
        except (ValueError, KeyError):
            known = "full, every=K, window=W, random=PI, segments=PI, artbp=L0, each with ,clip=THETA if wanted"
            raise ArgumentError(
                "strategy", got=f"{text!r}", expected=f"expected one of {known}"
            ) from None
        return cls(text, rewrite, kind in RANDOM, bound)


def _whole(name: str, value: float) -> int:
    if value != int(value):
        raise ArgumentError(f"strategy {name}", got=f"{value}", expected="expected a whole number")
    return int(value)
