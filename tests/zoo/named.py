"""Networks by hand whose names are the book's, for pictures; TAPES has them all, plain and transformed."""

import numpy as np

import minigrad as mg
from minigrad import transforms as tf
from tests.zoo.leaves import constant, param, weight


def book_rnn(steps=3):
    """The linear RNN of D2L 9.7.2."""
    W_hx, W_hh, W_qh = weight("W_hx", 5, 4), weight("W_hh", 5, 5), weight("W_qh", 2, 5)
    h, pairs = constant("h_0", 5), []
    for t in range(1, steps + 1):
        with mg.timestep(t):
            x, y = constant(f"x_{t}", 4), constant(f"y_{t}", 2)
            h = (W_hx @ x + W_hh @ h).named(f"h_{t}")
            pairs.append(((W_qh @ h).named(f"o_{t}"), y))
    return mg.Tape.of((sum(np.sum((o - y) ** 2) for o, y in pairs) / steps).named("L"))


def gru(steps=3, d=3):
    """Named gates, a running sum of losses inside the steps."""
    W = {k: weight(f"W_{k}", d, d) for k in ("xr", "hr", "xz", "hz", "xh", "hh", "hq")}
    h, loss = constant("h_0", d), 0
    for t in range(1, steps + 1):
        with mg.timestep(t):
            x = constant(f"x_{t}", d)
            r = mg.sigmoid(x @ W["xr"] + h @ W["hr"]).named(f"r_{t}")
            z = mg.sigmoid(x @ W["xz"] + h @ W["hz"]).named(f"z_{t}")
            c = np.tanh(x @ W["xh"] + (r * h) @ W["hh"]).named(f"c_{t}")
            h = (z * h + (1 - z) * c).named(f"h_{t}")
            loss = loss + np.sum((h @ W["hq"]) ** 2)
    return mg.Tape.of((loss / steps).named("L"))


def lstm(steps=3, d=3, named=False):
    """Two states, a named loss per step."""
    W = [weight(f"W_{k}", 2 * d, d) for k in "ifog"]
    h, c, losses = constant("h_0", d), constant("c_0", d), []
    for t in range(1, steps + 1):
        with mg.timestep(t):
            xh = np.concatenate([constant(f"x_{t}", d), h])
            i, f, o, g = (
                gate(xh @ w) for gate, w in zip([mg.sigmoid] * 3 + [np.tanh], W, strict=True)
            )
            if named:
                for v, name in zip((i, f, o, g), "ifog", strict=True):
                    v.named(f"{name}_{t}")
            c = (f * c + i * g).named(f"c_{t}")
            h = (o * np.tanh(c)).named(f"h_{t}")
            losses.append(np.mean((h - constant(f"y_{t}", d)) ** 2).named(f"l_{t}"))
    return mg.Tape.of(np.mean(np.stack(losses)).named("L"))


def two_layers(steps=3, d=3):
    W = [(weight(f"W_xh{k}", d, d), weight(f"W_hh{k}", d, d)) for k in (1, 2)]
    hs, outs = [constant(f"h{k}_0", d) for k in (1, 2)], []
    for t in range(1, steps + 1):
        with mg.timestep(t):
            v = constant(f"x_{t}", d)
            for k, (W_x, W_h) in enumerate(W):
                v = hs[k] = np.tanh(v @ W_x + hs[k] @ W_h).named(f"h{k + 1}_{t}")
            outs.append(np.sum(v))
    return mg.Tape.of(np.mean(np.stack(outs)).named("L"))


def mlp():
    """No time steps at all."""
    x, y = constant("x", 4), constant("y", 2)
    h = np.tanh(x @ weight("W_1", 4, 5) + weight("b_1", 5)).named("h")
    return mg.Tape.of(np.mean((h @ weight("W_2", 5, 2) - y) ** 2).named("L"))


def data_outside(steps=3):
    """The data and a learned initial state are made before the loop."""
    xs = [constant(f"x_{t}", 3) for t in range(1, steps + 1)]
    ys = [constant(f"y_{t}", 3) for t in range(1, steps + 1)]
    W_hx, W_hh, h, hs = weight("W_hx", 3, 3), weight("W_hh", 3, 3), weight("h_0", 3), []
    for t in range(1, steps + 1):
        with mg.timestep(t):
            h = (W_hx @ xs[t - 1] + W_hh @ h).named(f"h_{t}")
        hs.append(h)
    return mg.Tape.of(sum(np.sum((h - y) ** 2) for h, y in zip(hs, ys, strict=True)).named("L"))


def encoder(steps=3):
    """Operations before the steps; a parameter used before and after them."""
    E, W = weight("W_e", 4, 3), weight("W_hh", 3, 3)
    e = (constant("X", steps, 4) @ E).named("E")
    h = np.tanh(np.sum(e, axis=0)).named("h_0")
    for t in range(1, steps + 1):
        with mg.timestep(t):
            h = np.tanh(e[t - 1] + h @ W).named(f"h_{t}")
    return mg.Tape.of(np.sum(h @ E.T).named("L"))


def watched(steps=3):
    """Hooks written by the user in the forward pass."""

    def look(g):
        return None

    w, h = weight("w"), constant("h_0")
    for t in range(1, steps + 1):
        with mg.timestep(t):
            h = mg.on_backward(np.tanh(w * h).named(f"h_{t}"), look)
    return mg.Tape.of((h**2).named("L"))


def clipped():
    tape = book_rnn()
    return tf.clip_edges(tape, tape.recurrent_edges(), 1.5)


def untied():
    tape = book_rnn()
    return tf.untie(tape, tape.parameters)


TAPES = {
    "book": book_rnn,
    "one step": lambda: book_rnn(1),
    "two steps": lambda: book_rnn(2),
    "ten": lambda: book_rnn(10),
    "forty": lambda: book_rnn(40),
    "gru": gru,
    "gru forty": lambda: gru(40),
    "lstm": lstm,
    "mlp": mlp,
    "lstm named": lambda: lstm(named=True),
    "two layers": two_layers,
    "data outside": data_outside,
    "encoder": encoder,
    "watched": watched,
    "clipped": clipped,
    "untied": untied,
    "truncated": lambda: tf.truncate(book_rnn(6), every=2),
    "window": lambda: tf.truncate(book_rnn(4), window=1),
    "differentiated": lambda: tf.differentiate(book_rnn()),
    "random": lambda: tf.truncate_randomly(lstm(30), 0.6, 0),
    "leaf": lambda: mg.Tape.of(weight("w", 2)),
    "checkpointed": lambda: tf.checkpoint(lstm(6), 2),
    "recomputed": lambda: tf.differentiate(tf.checkpoint(book_rnn(), 2)),
    "unnamed": lambda: mg.Tape.of(param([1.0, 2.0]) * 2),
}
