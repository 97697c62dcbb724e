"""Networks of the library's cells: a language model to compile, and small ones for the laws of the laboratory."""

from contextlib import nullcontext
from functools import partial

import numpy as np

import minigrad as mg
from minigrad import transforms as tf
from minigrad.models import LSTMCell, RNNCell, Stacked, parameters, unroll
from minigrad.models.cells import CELLS as REGISTRY
from tests.zoo.leaves import param

# the sizes of a language model: rows of a batch, inputs, hidden units, classes
B, D, H, V = 3, 4, 5, 6
CELLS = [cell.make for cell in REGISTRY.values()]

# what is done to the tape of a loss before it is compiled
TRANSFORMS = {
    "forward": lambda tape: tape,
    "full": tf.differentiate,
    "every": lambda tape: tf.differentiate(tf.truncate(tape, every=2)),
    "window": lambda tape: tf.differentiate(tf.truncate(tape, window=2)),
    "both": lambda tape: tf.differentiate(tf.truncate(tape, every=2, window=1)),
    "randomized": lambda tape: tf.differentiate(tf.truncate_randomly(tape, 0.5, 3)),
    "clip": lambda tape: tf.clip(tf.differentiate(tape), 0.1),
    "clip_value": lambda tape: tf.clip_value(tf.differentiate(tape), 0.01),
    "clip_edges": lambda tape: tf.differentiate(
        tf.clip_edges(tape, lambda e: e in tape.recurrent_edges(), 0.01)
    ),
    "untie": lambda tape: tf.differentiate(
        u := tf.untie(tape, tape.parameters[0]), [n for n in u.nodes if n.op == "alias"]
    ),
    "simplify": lambda tape: tf.simplify(tf.differentiate(tape)),
}


def stacked(cell, T=5, layers=1, dtype=np.float64, every_step=False, rows=B):
    """The loss of a language model of stacked cells, with named inputs and targets, and values to feed it."""
    rng = np.random.default_rng(0)
    cells = [cell(D if i == 0 else H, H, rng=i, sigma=0.5, dtype=dtype) for i in range(layers)]
    W = param(rng.normal(size=(H, V)), "W", dtype)
    b = param(rng.normal(size=V), "b", dtype)
    X = mg.tensor(rng.normal(size=(T, rows, D)), name="X", dtype=dtype)
    Y = mg.tensor(rng.integers(0, V, (T, rows)), name="Y", dtype=int)
    states, outs, loss = [c.zero_state((rows, D)) for c in cells], [], 0
    for t in range(T):
        with mg.timestep(t + 1):
            h = X[t]
            for i, c in enumerate(cells):
                h, states[i] = c(h, states[i])
            outs.append(h @ W + b)
            if every_step:
                loss = loss + mg.cross_entropy(outs[-1], Y[t]) / T
    if not every_step:
        loss = mg.cross_entropy(np.stack(outs), Y)
    return loss, {
        "X": rng.normal(size=(T, rows, D)).astype(dtype),
        "Y": rng.integers(0, V, (T, rows)),
    }


SMALL_CELLS = {
    **{kind: partial(cell.make, 2, 3, sigma=0.6) for kind, cell in REGISTRY.items()},
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


def small_net(kind="rnn", T=4, seed=0, last_only=False, inside=True, batch=2):
    """A tape and its parameters: squares of all outputs or of the last, added up in the steps or after them."""
    rng = np.random.default_rng(seed)
    cell = SMALL_CELLS[kind](rng)
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
