"""What eager use costs: recording one operation, and a training step beside PyTorch's and HIPS autograd's.

    python benchmarks/eager.py [--rounds 5] [--seconds 1]

A step is an RNN language model's: forward, backward through time, clip to norm 1, SGD, in float32 and two threads. The
rivals that are installed take turns with minigrad, each in a fresh process; medians of the rounds. Then one operation
at a time on 16 x 16 float32 operands, in microseconds over the bare NumPy call.
"""

import argparse
import timeit

import numpy as np
from peers import SIZES, compared, installed


def one_operation():
    import minigrad as mg

    x = np.random.default_rng(0).random((16, 16), dtype=np.float32)
    names = {"np": np, "x": x, "t": mg.tensor(x, requires_grad=True)}

    def best(code):
        return min(timeit.repeat(code, globals=names, number=20000, repeat=7)) / 20000 * 1e6

    print("\n| operation | NumPy | recorded | over NumPy |\n|---|---|---|---|")
    for bare, recorded in (
        ("np.tanh(x)", "np.tanh(t)"),
        ("x + x", "t + t"),
        ("x @ x", "t @ t"),
        ("x[0]", "t[0]"),
        ("np.sum(x, axis=0)", "np.sum(t, axis=0)"),
        ("x * 2.0", "t * 2.0"),
    ):
        numpy, ours = best(bare), best(recorded)
        print(
            f"| `{recorded}` | {numpy:.2f} µs | {ours:.2f} µs | {ours - numpy:.2f} µs |", flush=True
        )


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=1.0)
    args = options.parse_args()
    compare(args.rounds, args.seconds)
    one_operation()


def compare(rounds, seconds):
    peers = installed(["minigrad", "torch", "autograd"])
    print(
        "| step | batch, steps, hidden | "
        + " | ".join(peers)
        + " |\n"
        + "|---" * (2 + len(peers))
        + "|"
    )
    for size in ("tiny", "small"):
        ms = {p: its["ms"] for p, its in compared(peers, size, rounds, seconds).items()}
        cells = [
            f"{t:.1f} ms" + f" ({ms['minigrad'] / t:.2f})" * (p != "minigrad")
            for p, t in ms.items()
        ]
        print(
            f"| {size} | {', '.join(map(str, SIZES[size]))} | " + " | ".join(cells) + " |",
            flush=True,
        )
    print("\nIn brackets: minigrad's time over this one's, in the same run.")


if __name__ == "__main__":
    main()
