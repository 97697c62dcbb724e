"""What eager use costs: recording one operation, and a training step beside PyTorch's and HIPS autograd's.

    python tests/benchmarks/eager.py [--rounds 5] [--seconds 1]

A step is an RNN language model's: forward, backward through time, clip to norm 1, SGD, in float32 and two threads. The
rivals that are installed take turns with minigrad, each in a fresh process; medians of the rounds. Then one operation
at a time on 16 x 16 float32 operands, in microseconds over the bare NumPy call.
"""

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import time
import timeit
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "2")
sys.path.insert(0, str(Path(__file__).parents[2]))  # also where minigrad is not installed, beside the rivals
import numpy as np

SIZES = {"tiny": (1, 100, 16), "small": (32, 35, 256)}  # batch, steps, hidden
V, LR = 28, 0.5


def setup(size):
    """Parameters, one-hot inputs (T, B, V) and targets (T * B)."""
    B, T, H = SIZES[size]
    rng = np.random.default_rng(0)
    shapes = {"Wxh": (V, H), "Whh": (H, H), "bh": (H,), "Whq": (H, V), "bq": (V,)}
    p = {k: np.float32(rng.normal(0, 0.9 / H**0.5 if k == "Whh" else 0.01, s)) for k, s in shapes.items()}
    tokens = rng.integers(0, V, (T + 1, B))
    return p, np.eye(V, dtype=np.float32)[tokens[:-1]], tokens[1:].reshape(-1), np.zeros((B, H), np.float32)


def outputs(p, X, h, tanh):
    """The unrolled network, in the syntax that all three share."""
    for x in X:
        h = tanh(x @ p["Wxh"] + h @ p["Whh"] + p["bh"])
        yield h @ p["Whq"] + p["bq"]


def minigrad(size):
    import minigrad as mg

    arrays, X, Y, h0 = setup(size)
    p = {k: mg.tensor(a, requires_grad=True, name=k) for k, a in arrays.items()}
    optimizer = mg.optim.SGD(p.values(), lr=LR)

    def step():
        h, outs = mg.tensor(h0), []
        for t, x in enumerate(X):
            with mg.timestep(t):
                h = np.tanh(x @ p["Wxh"] + h @ p["Whh"] + p["bh"])
                outs.append(h @ p["Whq"] + p["bq"])
        loss = mg.cross_entropy(np.concatenate(outs), Y)
        optimizer.zero_grad()
        loss.backward()
        mg.optim.clip_grad_norm(p.values(), 1.0)
        optimizer.step()
        return float(loss)

    return step


def torch(size):
    import torch

    torch.set_num_threads(2)
    arrays, X, Y, h0 = setup(size)
    p = {k: torch.tensor(a, requires_grad=True) for k, a in arrays.items()}
    X, Y, h0 = torch.tensor(X), torch.tensor(Y), torch.tensor(h0)
    optimizer = torch.optim.SGD(p.values(), lr=LR)

    def step():
        loss = torch.nn.functional.cross_entropy(torch.cat(list(outputs(p, X, h0, torch.tanh))), Y)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(p.values(), 1.0)
        optimizer.step()
        return loss.item()

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


def one_operation():
    import minigrad as mg

    x = np.random.default_rng(0).random((16, 16), dtype=np.float32)
    names = {"np": np, "x": x, "t": mg.tensor(x, requires_grad=True)}

    def best(code):
        return min(timeit.repeat(code, globals=names, number=20000, repeat=7)) / 20000 * 1e6

    print("\n| operation | NumPy | recorded | over NumPy |\n|---|---|---|---|")
    for bare, recorded in (
        ("np.tanh(x)", "np.tanh(t)"), ("x + x", "t + t"), ("x @ x", "t @ t"), ("x[0]", "t[0]"),
        ("np.sum(x, axis=0)", "np.sum(t, axis=0)"), ("x * 2.0", "t * 2.0"),
    ):  # fmt: skip
        numpy, ours = best(bare), best(recorded)
        print(f"| `{recorded}` | {numpy:.2f} µs | {ours:.2f} µs | {ours - numpy:.2f} µs |", flush=True)


PEERS = {"minigrad": minigrad, "torch": torch, "autograd": autograd}


def measure(peer, size, seconds):
    step, times = PEERS[peer](size), []
    for _ in range(5):
        step()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    print(statistics.median(times) * 1e3)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=1.0)
    options.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.one:
        measure(*args.one, args.seconds)
    else:
        compare(args.rounds, args.seconds)
        one_operation()


def compare(rounds, seconds):
    peers = [p for p in PEERS if p == "minigrad" or importlib.util.find_spec(p)]
    print("| step | batch, steps, hidden | " + " | ".join(peers) + " |\n" + "|---" * (2 + len(peers)) + "|")
    for size, shape in SIZES.items():
        found = {p: [] for p in peers}
        for _ in range(rounds):
            for p in peers:
                command = [sys.executable, __file__, "--one", p, size, "--seconds", str(seconds)]
                found[p].append(float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout))
        medians = {p: statistics.median(ms) for p, ms in found.items()}
        cells = [f"{ms:.1f} ms" + f" ({medians['minigrad'] / ms:.2f})" * (p != "minigrad") for p, ms in medians.items()]
        print(f"| {size} | {', '.join(map(str, shape))} | " + " | ".join(cells) + " |", flush=True)
    print("\nIn brackets: minigrad's time over this one's, in the same run.")


if __name__ == "__main__":
    main()
