#!/usr/bin/env bash
# Keras 3.15.1 on JAX 0.10.2 with h5py 3.16.0 (PyPI), seen on 2026-11-28, on the CPU.
#
# save_weights("x.weights.h5") of a Sequential of an LSTM named "first" and a GRU named "second".
#
# The good guess: the file says in which order the layers are, by its own order or by an attribute; and a model with the
# layers the other way round does not load it.
#
# Seen: groups are named by class and come in the order of the alphabet: gru before lstm, dense_10 before dense_2,
# backward_layer before forward_layer. Nothing in the file says which layer is first; the names of the layers are kept
# as attributes, but load_weights does not heed them. So the model of the other order, whose "first" is the GRU, loads the file
# without a word, and is another function.
#
#   groups of LSTM, GRU        gru, lstm
#   groups of GRU, LSTM        gru, lstm
#   groups of 12 Dense         dense, dense_1, dense_10, dense_11, dense_2, ...
#   groups of Bidirectional    backward_layer, forward_layer
#   GRU, LSTM with the file of LSTM, GRU: loads; outputs 0.21 apart
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "keras==3.15.1" "jax==0.10.2" "h5py==3.16.0" numpy
cat > seen.py <<'PY'
import os

os.environ["KERAS_BACKEND"] = "jax"
import h5py
import keras
import numpy as np

layers = keras.layers
keras.utils.set_random_seed(0)


def saved(path, *stack):
    model = keras.Sequential([keras.Input((None, 3)), *stack])
    model.save_weights(path)
    return model


def groups(path, within="layers"):
    with h5py.File(path) as file:
        return [name for name in file[within] if name != "vars"]


def described(path):
    """Names, shapes and names of attributes of all that is in the file."""
    lines = []
    with h5py.File(path) as file:
        file.visititems(lambda name, item: lines.append((name, getattr(item, "shape", None), sorted(item.attrs))))
    return lines


def lstm(name):
    return layers.LSTM(3, return_sequences=True, name=name)


def gru(name):
    return layers.GRU(3, return_sequences=True, name=name)


a = saved("a.weights.h5", lstm("first"), gru("second"))
b = saved("b.weights.h5", gru("first"), lstm("second"))
saved("many.weights.h5", *[layers.Dense(3) for _ in range(12)])
saved("both.weights.h5", layers.Bidirectional(layers.SimpleRNN(2)))
dense = groups("many.weights.h5")
directions = groups("both.weights.h5", "layers/bidirectional")
print("groups of LSTM, GRU      ", *groups("a.weights.h5"))
print("groups of GRU, LSTM      ", *groups("b.weights.h5"))
print("groups of 12 Dense       ", *dense)
print("groups of Bidirectional  ", *directions)
assert groups("a.weights.h5") == groups("b.weights.h5") == ["gru", "lstm"]
assert described("a.weights.h5") == described("b.weights.h5")
assert dense[:4] == ["dense", "dense_1", "dense_10", "dense_11"]
assert directions == ["backward_layer", "forward_layer"]
b.load_weights("a.weights.h5")
x = np.ones((1, 4, 3), np.float32)
gap = float(np.abs(np.asarray(a(x)) - np.asarray(b(x))).max())
print(f"GRU, LSTM with the file of LSTM, GRU: loads; outputs {gap:.2f} apart")
assert gap > 0.05
PY
env/bin/python seen.py
