"""A language model read one character at a time, by a plan that carries its state."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tape
from minigrad.internal import Array

from .cells import parameters
from .unrolling import Arrays, as_tuple


class Sampler:
    """``sampler(lm)``: call it with a character's number for the logits of the next, (V,).

    The state is carried from call to call, and ``state`` may be assigned: arrays (1, h) for every
    layer, such as a ``state`` kept before. The weights are those that the model had when the
    sampler was made.

    >>> from minigrad import models
    >>> sample = models.sampler(models.RNNLM("rnn", hidden=8, vocab=28))
    >>> logits, kept = sample(3), sample.state
    >>> again = sample(5)
    >>> sample.state = kept
    >>> bool(np.all(sample(5) == again))
    True
    """

    def __init__(self, lm: Any) -> None:
        weights = {id(p): mg.tensor(np.array(p.data), dtype=p.dtype) for p in parameters(lm)}
        # a copy whose parameters are constants, which the plan lays out once
        model = copy.deepcopy(lm, dict(weights))
        self._first: Arrays = model.zero_state(1)
        self._token = mg.tensor(np.zeros((1, 1), np.int64), name="X")
        self._state = []
        for i, array in enumerate(self._first):
            self._state.append(mg.tensor(array, name=f"state_{i}", dtype=array.dtype))
        outputs, after = model.logits(self._token, tuple(self._state))
        last = as_tuple(after)
        tape = Tape.of(outputs[-1][0], *last)
        self._plan = mg.compile(tape, carry=dict(zip(self._state, last, strict=True)))

    def __call__(self, token: int) -> Array:
        """The logits (V,) after this character, which the state takes in.

        Raises ArgumentError for a number that is no character's.
        """
        (logits,) = self._plan({self._token: [[token]]})
        return logits

    @property
    def state(self) -> Arrays:
        """The state of every layer, (1, h) each, as copies; to be assigned."""
        return tuple(self._plan.state.values())

    @state.setter
    def state(self, arrays: Arrays) -> None:
        pairs = zip(self._state, arrays, strict=True)
        self._plan.state = dict(pairs)

    def reset(self) -> None:
        """Back to the zero state."""
        self.state = self._first


def sampler(lm: Any) -> Sampler:
    """A plan of one step of the model for one sequence, with its state: text, quickly.

    ``lm``: an RNNLM, or what has its ``logits`` and ``zero_state``.

    >>> from minigrad import models
    >>> lm = models.RNNLM("gru", hidden=8, vocab=28)
    >>> sample = models.sampler(lm)
    >>> token, text = 3, []
    >>> for _ in range(4):
    ...     logits = sample(token)
    ...     token = int(np.argmax(logits))
    ...     text.append(token)
    >>> logits.shape, len(text), sample.state[0].shape
    ((28,), 4, (1, 8))
    """
    return Sampler(lm)
