"""Small recurrent networks of every kind, for the laws of the laboratory."""

from contextlib import nullcontext
from functools import partial

import numpy as np

import minigrad as mg
from minigrad import transforms as tf
from minigrad.models import LSTMCell, RNNCell, Stacked, parameters, unroll
from minigrad.models.cells import CELLS

KINDS = {
    **{kind: partial(cell.make, 2, 3, sigma=0.6) for kind, cell in CELLS.items()},
    "two layers": lambda rng: Stacked(
        LSTMCell(2, 3, rng, sigma=0.6), RNNCell(3, 2, rng, sigma=0.6)
    ),
}
TRUNCATIONS = {
    "full": lambda tape: tape,
    "every=2": lambda tape: tf.truncate(tape, every=2),
    "window=1": lambda tape: tf.truncate(tape, window=1),
    "every=3 window=4": lambda tape: tf.truncate(tape, every=3, window=4),
    "randomized": lambda tape: (
        tf.truncate_randomly(tape, 0.5, rng=3) if len(tape.recurrent_edges()) else tape
    ),
    "segments": lambda tape: tf.truncate_randomly(tape, 0.5, rng=4, reweight=False),
}


def net(kind="rnn", T=4, seed=0, last_only=False, inside=True, batch=2):
    """A tape and its parameters: squares of all outputs or of the last, added up in the steps or after them."""
    rng = np.random.default_rng(seed)
    cell = KINDS[kind](rng)
    hs, _ = unroll(cell, rng.normal(size=(T, batch, 2)))
    total, late = 0.0, []
    for t, h in enumerate(hs, 1):
        if last_only and t < T:
            continue
        with mg.timestep(t) if inside else nullcontext():
            term = np.sum(np.square(h - 0.3))
            total = total + term if inside else total
        late.append(term)
    loss = total if inside else np.mean(np.stack(late))
    return mg.Tape.of(loss.named("L")), parameters(cell)
