"""Ways to truncate a gradient, by name: ``full``, ``every=8``, ``window=8``, ``random=0.9``, ..."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

import minigrad as mg
from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError
from minigrad.internal import Array
from minigrad.transforms import truncate, truncate_randomly

from .artbp import artbp

Generator = np.random.Generator
Rewrite = Callable[[Tape, Generator], Tape]
KNOWN = "full, every=K, window=W, random=PI, segments=PI, artbp=L0, each with ,clip=THETA if wanted"


@dataclass(frozen=True)
class Kind:
    """Strategies that differ in one number: how they rewrite a tape, and whether they draw."""

    rewrite: Callable[[Tape, float, Generator], Tape]
    random: bool = False


@dataclass(frozen=True)
class Strategy:
    """A rewriting of the tape before its gradient is taken, and the norm it is clipped to.

    >>> from minigrad import models
    >>> strategy = models.Strategy.of("every=2,clip=1")
    >>> strategy.max_norm, strategy.random
    (1.0, False)
    >>> tape = models.section(T=4).tape
    >>> cut = strategy.rewrite(tape, np.random.default_rng(0))
    >>> len(cut.nodes) - len(tape.nodes)
    1
    """

    name: str
    rewrite: Rewrite
    random: bool = False
    max_norm: float = np.inf

    @classmethod
    def of(cls, text: str) -> Strategy:
        """Read ``full``, ``every=8`` or ``random=0.9,clip=1``.

        Raises: ArgumentError that lists what there is.
        """
        first, *more = text.replace(" ", "").split(",")
        name, _, number = first.partition("=")
        try:
            max_norm = _max_norm(more)
            if first == "full":
                return cls(text, _full, max_norm=max_norm)
            kind = KINDS[name]
            value = float(number)
        except (ValueError, KeyError):
            _refuse(text)

        def rewrite(tape: Tape, rng: Generator) -> Tape:
            return kind.rewrite(tape, value, rng)

        return cls(text, rewrite, kind.random, max_norm)

    def gradient(
        self,
        tape: Tape,
        params: Sequence[Tensor],
        rng: Generator,
    ) -> list[Array]:
        """The gradient of the rewritten tape's loss, not clipped yet."""
        # The same name, so that what only the tape before the rewriting held is free by now.
        tape = self.rewrite(tape, rng)
        grads = mg.grad(tape.outputs[0], params)
        return [g.data for g in grads]


def _max_norm(options: Sequence[str]) -> float:
    """What ``clip=THETA`` says, infinite where it is left out. Raises ValueError."""
    if not options:
        return np.inf
    if len(options) > 1:
        raise ValueError
    bound = float(options[0].removeprefix("clip="))
    if not bound > 0:
        raise ValueError
    return bound


def _refuse(text: str) -> NoReturn:
    expected = f"expected one of {KNOWN}"
    raise ArgumentError("strategy", got=f"{text!r}", expected=expected) from None


def _full(tape: Tape, _: Generator) -> Tape:
    return tape


def _every(tape: Tape, k: float, _: Generator) -> Tape:
    """Regular segments of k steps."""
    return truncate(tape, every=_whole("every", k))


def _window(tape: Tape, w: float, _: Generator) -> Tape:
    """w steps back from every loss term."""
    return truncate(tape, window=_whole("window", w))


def _random(tape: Tape, keep: float, rng: Generator) -> Tape:
    """xi_t = 1/pi or 0, D2L equation 9.7.8."""
    return truncate_randomly(tape, keep, rng)


def _segments(tape: Tape, keep: float, rng: Generator) -> Tape:
    """The same cuts without 1/pi, D2L Fig. 9.7.1: biased."""
    return truncate_randomly(tape, keep, rng, reweight=False)


def _artbp(tape: Tape, length: float, rng: Generator) -> Tape:
    """Cuts by ARTBP's schedule, segments of that mean length."""
    return artbp(tape, length, rng)


def _whole(name: str, value: float) -> int:
    if not float(value).is_integer():
        raise ArgumentError(f"strategy {name}", got=f"{value}", expected="expected a whole number")
    return int(value)


KINDS = {
    "every": Kind(_every),
    "window": Kind(_window),
    "random": Kind(_random, random=True),
    "segments": Kind(_segments, random=True),
    "artbp": Kind(_artbp, random=True),
}
