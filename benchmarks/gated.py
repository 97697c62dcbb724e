"""One training step of an LSTM or GRU language model, the same work in every peer: forward, backward, clip, SGD.

float32, two threads. The GRU resets after the product, as PyTorch does; in ours the gates are written apart.
"""

import json
import sys

import numpy as np
from peers import LR, jax_step, measure, torch_step

SIZES = {  # batch, steps, hidden units, vocabulary, layers; a large vocabulary is looked up
    "lstm_tiny": (1, 100, 16, 28, 1),
    "lstm_d2l": (1024, 32, 32, 28, 1),
    "lstm_small": (32, 35, 256, 28, 1),
    "lstm_long": (16, 1000, 128, 28, 1),
    "lstm_words": (20, 35, 200, 10_000, 2),
    "gru_tiny": (1, 100, 16, 28, 1),
    "gru_d2l": (1024, 32, 32, 28, 1),
    "gru_small": (32, 35, 256, 28, 1),
    "gru_long": (16, 1000, 128, 28, 1),
}
GATES = {"lstm": 4, "gru": 3}
LOOKED_UP = 1000


def setup(size):
    """Parameters (the gates side by side, PyTorch's order), tokens and targets (T, B)."""
    cell = size.partition("_")[0]
    B, T, H, V, layers = SIZES[size]
    rng = np.random.default_rng(0)

    def uniform(*shape):
        return np.float32(rng.uniform(-1, 1, shape) / H**0.5)

    p = {"E": uniform(V, H)} if V > LOOKED_UP else {}
    for layer in range(layers):
        width = H if layer or p else V
        wide = GATES[cell] * H
        p[f"W{layer}"], p[f"U{layer}"] = uniform(width, wide), uniform(H, wide)
        p[f"b{layer}"], p[f"c{layer}"] = uniform(wide), uniform(wide)
    p["Whq"], p["bq"] = uniform(H, V), uniform(V)
    tokens = rng.integers(0, V, (T + 1, B))
    return cell, p, tokens[:-1], tokens[1:].reshape(-1)


def stepped(cell, x, h, gates, sigmoid, tanh):
    """The state after one more input. gates: (x, h) -> the gates' sums from x and from h, each in a list."""
    a, b = gates(x, h[0])
    if cell == "lstm":
        i, f, g, o = [u + v for u, v in zip(a, b, strict=True)]
        c = sigmoid(f) * h[1] + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c
    r, z = sigmoid(a[0] + b[0]), sigmoid(a[1] + b[1])
    n = tanh(a[2] + r * b[2])
    return ((1 - z) * n + z * h[0],)


def plan(size, backend="numpy"):
    import minigrad as mg
    from minigrad.transforms import clip, differentiate, update

    cell, arrays, X, Y = setup(size)
    B, T, H, V, layers = SIZES[size]
    p = {}
    for k, a in arrays.items():
        parts = np.split(a, GATES[cell], axis=-1) if k[0] in "WUbc" and k[1:].isdigit() else [a]
        p[k] = [
            mg.tensor(np.ascontiguousarray(part), requires_grad=True, name=f"{k}_{i}")
            for i, part in enumerate(parts)
        ]
    looked_up = "E" in p
    given = X if looked_up else np.eye(V, dtype=np.float32)[X]
    inputs, targets = mg.tensor(given, name="X"), mg.tensor(Y, name="Y")
    zeros = mg.tensor(np.zeros((B, H), np.float32))
    states = [(zeros,) * (2 if cell == "lstm" else 1)] * layers
    outs = []
    for t in range(T):
        with mg.timestep(t):
            x = mg.embedding(inputs[t], p["E"][0]) if looked_up else inputs[t]
            for layer in range(layers):
                weights = list(zip(*[p[f"{k}{layer}"] for k in "WUbc"], strict=True))

                def gates(x, h, weights=weights):
                    return [x @ W + b for W, _, b, _ in weights], [
                        h @ U + c for _, U, _, c in weights
                    ]

                states[layer] = stepped(cell, x, states[layer], gates, mg.sigmoid, np.tanh)
                x = states[layer][0]
            outs.append(x @ p["Whq"][0] + p["bq"][0])
    loss = mg.cross_entropy(np.concatenate(outs), targets)
    parameters = [x for parts in p.values() for x in parts]
    tape = clip(differentiate(mg.Tape.of(loss), parameters), max_norm=1.0)
    compiled = mg.compile(update(tape, mg.optim.SGD(parameters, lr=LR)), backend=backend)
    fed = [given, given.copy()]

    def step():
        fed.reverse()
        (loss,) = compiled({inputs: fed[0], targets: Y})
        return float(loss)

    return step


def native(size):
    return plan(size, "native")


def torch_nn(size):
    import torch

    torch.set_num_threads(2)
    cell, arrays, X, Y = setup(size)
    _, _, H, V, layers = SIZES[size]
    looked_up = "E" in arrays
    net = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell](H if looked_up else V, H, layers)
    head, table = torch.nn.Linear(H, V), torch.nn.Embedding(V, H)
    with torch.no_grad():
        for layer in range(layers):
            for name, k in zip(
                ("weight_ih", "weight_hh", "bias_ih", "bias_hh"), "WUbc", strict=True
            ):
                getattr(net, f"{name}_l{layer}").copy_(torch.tensor(arrays[f"{k}{layer}"].T))
        head.weight.copy_(torch.tensor(arrays["Whq"].T))
        head.bias.copy_(torch.tensor(arrays["bq"]))
        if looked_up:
            table.weight.copy_(torch.tensor(arrays["E"]))
    tokens, Y = torch.tensor(X), torch.tensor(Y)
    hot = torch.nn.functional.one_hot(tokens, V).float() if not looked_up else None

    def loss():
        x = table(tokens) if looked_up else hot
        return torch.nn.functional.cross_entropy(head(net(x)[0]).reshape(-1, V), Y)

    parameters = [*net.parameters(), *head.parameters(), *(table.parameters() if looked_up else ())]
    return torch_step(torch, loss, parameters)


def jax(size):
    """A scan for each layer, compiled, the products with the inputs in front of it."""
    import jax
    import jax.numpy as jnp

    cell, p, X, Y = setup(size)
    B, _, H, V, layers = SIZES[size]
    looked_up = "E" in p
    given, Y = jnp.asarray(X if looked_up else np.eye(V, dtype=np.float32)[X]), jnp.asarray(Y)

    def loss(p):
        x = p["E"][given] if looked_up else given
        for layer in range(layers):
            U, c = p[f"U{layer}"], p[f"c{layer}"]

            def one(h, a, U=U, c=c):
                def gates(a, h):
                    n = GATES[cell]
                    return jnp.split(a, n, -1), jnp.split(h @ U + c, n, -1)

                h = stepped(cell, a, h, gates, jax.nn.sigmoid, jnp.tanh)
                return h, h[0]

            first = (jnp.zeros((B, H)),) * (2 if cell == "lstm" else 1)
            _, x = jax.lax.scan(one, first, x @ p[f"W{layer}"] + p[f"b{layer}"])
        logs = jax.nn.log_softmax((x @ p["Whq"] + p["bq"]).reshape(-1, V))
        return -jnp.take_along_axis(logs, Y[:, None], -1).mean()

    return jax_step(loss, p)


PEERS = {f.__name__: f for f in (plan, native, torch_nn, jax)}

if __name__ == "__main__":
    print(json.dumps(measure(PEERS[sys.argv[1]], sys.argv[2], float(sys.argv[3]))))
