"""Gradients as lists of arrays, and every transform: what the laws of transforms share."""

import numpy as np
from hypothesis import strategies as st

from minigrad import transforms as tf

steps = st.integers(1, 8)


def values(tensors):
    return [t.data for t in tensors]


def grads(tape, params):
    """The gradients of a tape, taken from its steps."""
    found = {s.tensor: s.grad for s in tape.steps()}
    return [found.get(p, np.zeros(p.shape)) for p in params]


def total(lists):
    return [sum(gs) for gs in zip(*lists, strict=True)]


def recurrent(tape):
    return tape.recurrent_edges()


TRANSFORMS = {
    "cut": lambda t: tf.cut(t, recurrent(t)),
    "scale": lambda t: tf.scale(t, recurrent(t), 0.5),
    "clip_edges": lambda t: tf.clip_edges(t, recurrent(t), 0.1),
    "every": lambda t: tf.truncate(t, every=2),
    "window": lambda t: tf.truncate(t, window=1),
    "every and window": lambda t: tf.truncate(t, every=2, window=2),
    "randomly": lambda t: tf.truncate_randomly(t, 0.5, 0),
    "random segments": lambda t: tf.truncate_randomly(t, 0.5, 0, reweight=False),
    "untie": lambda t: tf.untie(t, t.parameters),
    "differentiate": tf.differentiate,
    "clip": lambda t: tf.clip(tf.differentiate(t), 0.1),
    "clip_value": lambda t: tf.clip_value(tf.differentiate(t), 0.01),
    "simplify": tf.simplify,
    "simplify untied": lambda t: tf.simplify(tf.untie(t, t.parameters)),
    "all": lambda t: tf.clip(
        tf.differentiate(tf.untie(tf.truncate(t, every=2), t.parameters)), 1.0
    ),
}
