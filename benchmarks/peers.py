"""One training step of an RNN language model, the same work in every peer: forward, backward, clip to norm 1, SGD.

float32, two threads. setup() gives the numbers; a peer makes from them a function that takes one step.
"""

import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "2")
sys.path.insert(
    0, str(Path(__file__).parents[1])
)  # also where minigrad is not installed, beside the rivals
import numpy as np

SIZES = {  # batch, steps, hidden units
    "tiny": (1, 100, 16),
    "d2l": (1024, 32, 32),
    "small": (32, 35, 256),
    "long": (16, 1000, 128),
    "large": (64, 64, 1024),
}
V, LR = 28, 0.5


def setup(size):
    """Parameters, one-hot inputs (T, B, V), targets (T * B) and the first state (B, H)."""
    B, T, H = SIZES[size]
    rng = np.random.default_rng(0)
    shapes = {"Wxh": (V, H), "Whh": (H, H), "bh": (H,), "Whq": (H, V), "bq": (V,)}
    p = {
        k: np.float32(rng.normal(0, 0.9 / H**0.5 if k == "Whh" else 0.01, s))
        for k, s in shapes.items()
    }
    tokens = rng.integers(0, V, (T + 1, B))
    return (
        p,
        np.eye(V, dtype=np.float32)[tokens[:-1]],
        tokens[1:].reshape(-1),
        np.zeros((B, H), np.float32),
    )


def outputs(p, X, h, tanh):
    """The unrolled network, in the syntax that all share."""
    for x in X:
        h = tanh(x @ p["Wxh"] + h @ p["Whh"] + p["bh"])
        yield h @ p["Whq"] + p["bq"]


def recorded(mg, p, X, Y, h0):
    h, outs = mg.tensor(h0), []
    for t in range(len(X)):
        with mg.timestep(t):
            h = np.tanh(X[t] @ p["Wxh"] + h @ p["Whh"] + p["bh"])
            outs.append(h @ p["Whq"] + p["bq"])
    return mg.cross_entropy(np.concatenate(outs), Y)


def minigrad(size):
    import minigrad as mg

    arrays, X, Y, h0 = setup(size)
    p = {k: mg.tensor(a, requires_grad=True, name=k) for k, a in arrays.items()}
    optimizer = mg.optim.SGD(p.values(), lr=LR)

    def step():
        loss = recorded(mg, p, X, Y, h0)
        optimizer.zero_grad()
        loss.backward()
        mg.optim.clip_grad_norm(p.values(), 1.0)
        optimizer.step()
        return float(loss)

    return step


def native(size):
    """The plan in native code."""
    return plan(size, "native")


def plan(size, backend="numpy"):
    """Recorded and compiled once; every step is given inputs and targets."""
    import minigrad as mg
    from minigrad.transforms import clip, differentiate, update

    arrays, X, Y, h0 = setup(size)
    p = {k: mg.tensor(a, requires_grad=True, name=k) for k, a in arrays.items()}
    inputs, targets = mg.tensor(X, name="X"), mg.tensor(Y, name="Y")
    tape = mg.Tape.of(recorded(mg, p, inputs, targets, h0))
    tape = clip(differentiate(tape, p.values()), max_norm=1.0)
    compiled = mg.compile(update(tape, mg.optim.SGD(p.values(), lr=LR)), backend=backend)
    fed = [X, X.copy()]

    def step():
        fed.reverse()  # another array each time
        (loss,) = compiled({inputs: fed[0], targets: Y})
        return float(loss)

    return step


def handwritten(size):
    """Backpropagation through time by hand: one product over all steps wherever there is one, buffers made once."""
    B, T, H = SIZES[size]
    p, X, Y, h0 = setup(size)
    N, f, rows = T * B, np.float32, np.arange(T * B)
    flat_x = X.reshape(N, V)
    states = np.concatenate([h0[None], np.empty((T, B, H), f)])
    before, after = states[:-1].reshape(N, H), states[1:].reshape(N, H)
    drive, dz, slope, carried = (np.empty(s, f) for s in ((T, B, H), (T, B, H), (B, H), (B, H)))
    logits, ones = (
        np.empty((V, N), f),
        np.ones(N, f),
    )  # classes in rows: their maximum and sum run along memory

    def step():
        np.matmul(flat_x, p["Wxh"], out=drive.reshape(N, H))
        np.add(drive, p["bh"], out=drive)
        for t in range(T):
            np.matmul(states[t], p["Whh"], out=states[t + 1])
            np.add(states[t + 1], drive[t], out=states[t + 1])
            np.tanh(states[t + 1], out=states[t + 1])
        np.matmul(p["Whq"].T, after.T, out=logits)
        np.add(logits, p["bq"][:, None], out=logits)
        np.subtract(logits, logits.max(axis=0), out=logits)
        chosen = logits[Y, rows].mean()
        np.exp(logits, out=logits)
        mass = logits.sum(axis=0)
        loss = np.log(mass).mean() - chosen
        np.divide(logits, mass, out=logits)
        logits[Y, rows] -= 1
        np.multiply(logits, f(1 / N), out=logits)
        np.matmul(logits.T, p["Whq"].T, out=dz.reshape(N, H))
        for t in reversed(range(T)):
            if t < T - 1:
                np.add(dz[t], carried, out=dz[t])
            np.multiply(states[t + 1], states[t + 1], out=slope)
            np.subtract(1, slope, out=slope)
            np.multiply(dz[t], slope, out=dz[t])
            if t:
                np.matmul(dz[t], p["Whh"].T, out=carried)
        flat = dz.reshape(N, H)
        g = {
            "Wxh": flat_x.T @ flat,
            "Whh": before.T @ flat,
            "bh": ones @ flat,
            "Whq": (logits @ after).T,
            "bq": logits @ ones,
        }
        norm = sum(float(np.vdot(a, a)) for a in g.values()) ** 0.5
        for k in p:
            p[k] -= f(LR * min(1.0, 1 / norm)) * g[k]
        return float(loss)

    return step


def torch(size):
    import torch

    torch.set_num_threads(2)
    arrays, X, Y, h0 = setup(size)
    p = {k: torch.tensor(a, requires_grad=True) for k, a in arrays.items()}
    X, Y, h0 = torch.tensor(X), torch.tensor(Y), torch.tensor(h0)

    def loss():
        return torch.nn.functional.cross_entropy(torch.cat(list(outputs(p, X, h0, torch.tanh))), Y)

    return torch_step(torch, loss, list(p.values()))


def torch_rnn(size):
    import torch

    torch.set_num_threads(2)
    arrays, X, Y, _ = setup(size)
    rnn, head = torch.nn.RNN(V, SIZES[size][2]), torch.nn.Linear(SIZES[size][2], V)
    names = {
        "Wxh": rnn.weight_ih_l0,
        "Whh": rnn.weight_hh_l0,
        "bh": rnn.bias_ih_l0,
        "Whq": head.weight,
        "bq": head.bias,
    }
    with torch.no_grad():
        rnn.bias_hh_l0.zero_()
        for name, p in names.items():
            p.copy_(torch.tensor(arrays[name].T))
    X, Y = torch.tensor(X), torch.tensor(Y)

    def loss():
        return torch.nn.functional.cross_entropy(head(rnn(X)[0]).reshape(-1, V), Y)

    return torch_step(torch, loss, [*rnn.parameters(), *head.parameters()])


def torch_step(torch, loss, parameters):
    optimizer = torch.optim.SGD(parameters, lr=LR)

    def step():
        value = loss()
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        return value.item()

    return step


def jax(size):
    """A scan, compiled, the product with the inputs in front of it."""
    import jax
    import jax.numpy as jnp

    p, X, Y, h0 = setup(size)
    X, Y = jnp.asarray(X), jnp.asarray(Y)

    def loss(p):
        def cell(h, a):
            h = jnp.tanh(a + h @ p["Whh"])
            return h, h

        _, hs = jax.lax.scan(cell, h0, X @ p["Wxh"] + p["bh"])
        logs = jax.nn.log_softmax((hs @ p["Whq"] + p["bq"]).reshape(-1, V))
        return -jnp.take_along_axis(logs, Y[:, None], -1).mean()

    return jax_step(loss, p)


def jax_step(loss, p):
    """Gradient, clip and SGD as one compiled function."""
    import jax
    import jax.numpy as jnp

    @jax.jit
    def update(p):
        value, g = jax.value_and_grad(loss)(p)
        norm = jnp.sqrt(sum((a * a).sum() for a in g.values()))
        return {k: p[k] - LR * jnp.minimum(1.0, 1 / norm) * g[k] for k in p}, value

    kept = [{k: jnp.asarray(a) for k, a in p.items()}]

    def step():
        kept[0], value = update(kept[0])
        return float(value)

    return step


def autograd(size):
    import autograd.numpy as anp
    from autograd import value_and_grad

    p, X, Y, h0 = setup(size)

    def loss(p):
        o = anp.concatenate(list(outputs(p, X, h0, anp.tanh)))
        o = o - anp.max(o, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(o), axis=1)) - o[np.arange(len(Y)), Y])

    gradient = value_and_grad(loss)

    def step():
        value, g = gradient(p)
        norm = sum(float(np.vdot(a, a)) for a in g.values()) ** 0.5
        for k in p:
            p[k] = np.float32(p[k] - LR * min(1.0, 1 / norm) * g[k])
        return value

    return step


PEERS = {
    f.__name__: f for f in (minigrad, plan, native, handwritten, torch, torch_rnn, jax, autograd)
}
NEEDS = {"torch": "torch", "torch_rnn": "torch", "jax": "jax", "autograd": "autograd"}


def installed(peers):
    """Those that can run here."""
    return [p for p in peers if p not in NEEDS or importlib.util.find_spec(NEEDS[p])]


def measure(make, size, seconds):
    """Median milliseconds of a step, the peak memory of the process in MB, and the first loss."""
    step, times = make(size), []
    loss = step()
    for _ in range(3):
        step()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times) < 3:
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"ms": statistics.median(times) * 1e3, "peak": peak, "loss": float(loss)}


def compared(peers, size, rounds, seconds, file=__file__):
    """For each peer its median milliseconds over the rounds, in which all take turns, each in a fresh process."""
    found = {p: [] for p in peers}
    for _ in range(rounds):
        for p in peers:
            command = [sys.executable, file, p, size, str(seconds)]
            run = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, timeout=3600, check=True
            )
            found[p].append(json.loads(run.stdout))
    losses = [r["loss"] for rs in found.values() for r in rs]
    if max(losses) - min(losses) > 1e-4:
        raise SystemExit(f"{size}: the peers do not compute the same: first losses {losses}")
    return {
        p: {k: statistics.median(r[k] for r in rs) for k in ("ms", "peak")}
        for p, rs in found.items()
    }


if __name__ == "__main__":
    print(json.dumps(measure(PEERS[sys.argv[1]], sys.argv[2], float(sys.argv[3]))))
