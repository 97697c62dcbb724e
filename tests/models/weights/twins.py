"""The equations of PyTorch's, Keras's, Flax's and Equinox's documentation, on arrays of their names."""

from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from minigrad import models

D, H, P = 3, 4, 2


def logistic(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.where(np.real(x) > 0, x, 0)


class Twin(NamedTuple):
    """A cell of a framework: the shapes of its arrays, and (x, state, arrays) -> state, h first."""

    framework: str
    shapes: dict[str, tuple[int, ...]]
    step: Any
    states: tuple[int, ...] = (H,)
    options: Any = MappingProxyType({})


def torch_shapes(gates, state=H, bias=True):
    shapes = {"weight_ih_l0": (gates * H, D), "weight_hh_l0": (gates * H, state)}
    return shapes | ({"bias_ih_l0": (gates * H,), "bias_hh_l0": (gates * H,)} if bias else {})


def torch_both(x, h, w):
    """W_i* x + b_i* and W_h* h + b_h*, whose gates PyTorch stacks along the first axis."""
    i = x @ w["weight_ih_l0"].T + w.get("bias_ih_l0", 0)
    return i, h @ w["weight_hh_l0"].T + w.get("bias_hh_l0", 0)


def torch_rnn(activation):
    def step(x, state, w):
        i, h = torch_both(x, state[0], w)
        return (activation(i + h),)

    return step


def torch_gru(x, state, w):
    (h,) = state
    i, r = torch_both(x, h, w)
    i_r, i_z, i_n = np.split(i, 3, axis=-1)
    h_r, h_z, h_n = np.split(r, 3, axis=-1)
    r, z = logistic(i_r + h_r), logistic(i_z + h_z)
    n = np.tanh(i_n + r * h_n)
    return ((1 - z) * n + z * h,)


def torch_lstm(x, state, w):
    h, c = state
    i, f, g, o = np.split(sum(torch_both(x, h, w)), 4, axis=-1)
    c = logistic(f) * c + logistic(i) * np.tanh(g)
    h = logistic(o) * np.tanh(c)
    return (h @ w["weight_hr_l0"].T if "weight_hr_l0" in w else h), c


def keras_rnn(x, state, w):
    return (np.tanh(x @ w["kernel"] + w["bias"] + state[0] @ w["recurrent_kernel"]),)


def keras_gru(x, state, w):
    (h,) = state
    bias, recurrent_bias = w["bias"] if w["bias"].ndim == 2 else (w["bias"], 0)
    x_z, x_r, x_h = np.split(x @ w["kernel"] + bias, 3, axis=-1)
    U_z, U_r, U_h = np.split(w["recurrent_kernel"], 3, axis=-1)
    if w["bias"].ndim == 2:
        r_z, r_r, r_h = np.split(h @ w["recurrent_kernel"] + recurrent_bias, 3, axis=-1)
        z, r = logistic(x_z + r_z), logistic(x_r + r_r)
        candidate = np.tanh(x_h + r * r_h)
    else:
        z, r = logistic(x_z + h @ U_z), logistic(x_r + h @ U_r)
        candidate = np.tanh(x_h + (r * h) @ U_h)
    return (z * h + (1 - z) * candidate,)


def keras_lstm(x, state, w):
    h, c = state
    z = x @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"]
    i, f, c_in, o = np.split(z, 4, axis=-1)
    c = logistic(f) * c + logistic(i) * np.tanh(c_in)
    return logistic(o) * np.tanh(c), c


def keras_shapes(gates, *bias):
    return {"kernel": (D, gates * H), "recurrent_kernel": (H, gates * H), "bias": bias}


def dense_shapes(inputs, states, gates):
    return {f"{inputs}.kernel": (D, gates * H), f"{states}.kernel": (H, gates * H)}


def linen_rnn(x, state, w):
    return (np.tanh(x @ w["i.kernel"] + w["i.bias"] + state[0] @ w["h.kernel"]),)


def linen_gru(x, state, w):
    (h,) = state
    r = logistic(x @ w["ir.kernel"] + w["ir.bias"] + h @ w["hr.kernel"])
    z = logistic(x @ w["iz.kernel"] + w["iz.bias"] + h @ w["hz.kernel"])
    n = np.tanh(x @ w["in.kernel"] + w["in.bias"] + r * (h @ w["hn.kernel"] + w["hn.bias"]))
    return ((1 - z) * n + z * h,)


def linen_lstm(forget):
    def step(x, state, w):
        h, c = state
        gates = {}
        for gate in "ifgo":
            i = forget if gate == "f" else f"i{gate}"
            gates[gate] = x @ w[f"{i}.kernel"] + h @ w[f"h{gate}.kernel"] + w[f"h{gate}.bias"]
        c = logistic(gates["f"]) * c + logistic(gates["i"]) * np.tanh(gates["g"])
        return logistic(gates["o"]) * np.tanh(c), c

    return step


def linen_shapes(inputs, states, biases):
    shapes = {f"{name}.kernel": (D, H) for name in inputs}
    shapes |= {f"{name}.kernel": (H, H) for name in states}
    return shapes | {f"{name}.bias": (H,) for name in biases}


def nnx_rnn(x, state, w):
    h = x @ w["dense_i.kernel"] + w["dense_i.bias"] + state[0] @ w["dense_h.kernel"]
    return (np.tanh(h),)


def nnx_gru(x, state, w):
    (h,) = state
    i_r, i_z, i_n = np.split(x @ w["dense_i.kernel"] + w["dense_i.bias"], 3, axis=-1)
    h_r, h_z, h_n = np.split(h @ w["dense_h.kernel"], 3, axis=-1)
    z = logistic(i_z + h_z)
    return ((1 - z) * np.tanh(i_n + logistic(i_r + h_r) * h_n) + z * h,)


def nnx_lstm(x, state, w):
    h, c = state
    y = x @ w["dense_i.kernel"] + h @ w["dense_h.kernel"] + w["dense_h.bias"]
    i, f, g, o = np.split(y, 4, axis=-1)
    c = logistic(f) * c + logistic(i) * np.tanh(g)
    return logistic(o) * np.tanh(c), c


def equinox_gru(x, state, w):
    (h,) = state
    i_r, i_z, i_n = np.split(x @ w["weight_ih"].T + w["bias"], 3, axis=-1)
    h_r, h_z, h_n = np.split(h @ w["weight_hh"].T, 3, axis=-1)
    new = np.tanh(i_n + logistic(i_r + h_r) * (h_n + w["bias_n"]))
    return (new + logistic(i_z + h_z) * (h - new),)


def equinox_lstm(x, state, w):
    h, c = state
    lin = x @ w["weight_ih"].T + h @ w["weight_hh"].T + w["bias"]
    i, f, g, o = np.split(lin, 4, axis=-1)
    c = logistic(f) * c + logistic(i) * np.tanh(g)
    return logistic(o) * np.tanh(c), c


EQUINOX = {"weight_ih": (3 * H, D), "weight_hh": (3 * H, H), "bias": (3 * H,), "bias_n": (H,)}
TWO = (H, H)
TWINS = {
    "torch RNN": Twin("torch", torch_shapes(1), torch_rnn(np.tanh)),
    "torch RNN relu": Twin(
        "torch", torch_shapes(1), torch_rnn(relu), options={"activation": "relu"}
    ),
    "torch RNN no bias": Twin("torch", torch_shapes(1, bias=False), torch_rnn(np.tanh)),
    "torch GRU": Twin("torch", torch_shapes(3), torch_gru),
    "torch GRU no bias": Twin("torch", torch_shapes(3, bias=False), torch_gru),
    "torch LSTM": Twin("torch", torch_shapes(4), torch_lstm, TWO),
    "torch LSTM projected": Twin(
        "torch", torch_shapes(4, P) | {"weight_hr_l0": (P, H)}, torch_lstm, (P, H)
    ),
    "keras SimpleRNN": Twin("keras", keras_shapes(1, H), keras_rnn),
    "keras GRU": Twin("keras", keras_shapes(3, 2, 3 * H), keras_gru),
    "keras GRU reset_after=False": Twin("keras", keras_shapes(3, 3 * H), keras_gru),
    "keras LSTM": Twin("keras", keras_shapes(4, 4 * H), keras_lstm, TWO),
    "linen SimpleCell": Twin("linen", linen_shapes(["i"], ["h"], ["i"]), linen_rnn),
    "linen GRUCell": Twin(
        "linen",
        linen_shapes(["ir", "iz", "in"], ["hr", "hz", "hn"], ["ir", "iz", "in", "hn"]),
        linen_gru,
    ),
    "linen LSTMCell": Twin(
        "linen",
        linen_shapes(["ii", "if", "ig", "io"], ["hi", "hf", "hg", "ho"], ["hi", "hf", "hg", "ho"]),
        linen_lstm("if"),
        TWO,
    ),
    "nnx SimpleCell": Twin(
        "nnx", dense_shapes("dense_i", "dense_h", 1) | {"dense_i.bias": (H,)}, nnx_rnn
    ),
    "nnx GRUCell": Twin(
        "nnx", dense_shapes("dense_i", "dense_h", 3) | {"dense_i.bias": (3 * H,)}, nnx_gru
    ),
    "nnx OptimizedLSTMCell": Twin(
        "nnx", dense_shapes("dense_i", "dense_h", 4) | {"dense_h.bias": (4 * H,)}, nnx_lstm, TWO
    ),
    "nnx LSTMCell": Twin(
        "nnx.LSTMCell",
        linen_shapes(["ii", "if_", "ig", "io"], ["hi", "hf", "hg", "ho"], ["hi", "hf", "hg", "ho"]),
        linen_lstm("if_"),
        TWO,
    ),
    "equinox GRUCell": Twin("equinox", EQUINOX, equinox_gru),
    "equinox LSTMCell": Twin(
        "equinox",
        {"weight_ih": (4 * H, D), "weight_hh": (4 * H, H), "bias": (4 * H,)},
        equinox_lstm,
        TWO,
    ),
}


def nested(arrays):
    tree = {}
    for name, array in arrays.items():
        part, leaf = name.split(".")
        tree.setdefault(part, {})[leaf] = array
    return tree


def flat(tree):
    return {
        f"{part}.{leaf}": array for part, inner in tree.items() for leaf, array in inner.items()
    }


def brought_in(twin, arrays):
    """Our model of a framework's arrays."""
    if twin.framework == "torch":
        return models.from_torch(arrays, **twin.options)
    if twin.framework == "keras":
        return models.from_keras(list(arrays.values()))
    if twin.framework == "equinox":
        return models.from_equinox(arrays)
    return models.from_flax(nested(arrays))


def sent_back(twin, model, path):
    """The framework's arrays of our model."""
    if twin.framework == "torch":
        from safetensors.numpy import load_file

        return load_file(models.to_torch(model, path))
    if twin.framework == "keras":
        return dict(zip(twin.shapes, models.to_keras(model), strict=True))
    if twin.framework == "equinox":
        return models.to_equinox(model)
    return flat(models.to_flax(model, twin.framework))
