"""What a compiled plan is worth: a training step beside hand-written NumPy, PyTorch and JAX; what compiling takes.

    python benchmarks/plans.py [--rounds 5] [--seconds 1] [--sizes tiny d2l] [--compile]

The peers of peers.py that are installed take turns, each in a fresh process; medians of the rounds, and ratios within
the same run. --compile measures how long recording, differentiating and compiling take instead, and what memory a plan
holds beside the buffers of the hand-written step.
"""

import argparse
import time

import numpy as np
from peers import SIZES, V, compared, installed, outputs, recorded, setup

import minigrad as mg
from minigrad.transforms import clip, differentiate


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=1.0)
    options.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    options.add_argument("--compile", action="store_true")
    args = options.parse_args()
    if args.compile:
        compiling()
    else:
        steps(args.sizes, args.rounds, args.seconds)


def steps(sizes, rounds, seconds):
    peers = installed(["plan", "minigrad", "handwritten", "torch", "torch_rnn", "jax"])
    print(
        "| step | batch, steps, hidden | "
        + " | ".join(peers)
        + " | plan / best rival | plan / handwritten |"
    )
    print("|---" * (4 + len(peers)) + "|")
    for size in sizes:
        found = compared(peers, size, rounds, seconds)
        ms = {p: its["ms"] for p, its in found.items()}
        rivals = {p: ms[p] for p in peers if p not in ("plan", "minigrad", "handwritten")}
        best = min(rivals, key=rivals.get) if rivals else None
        against = f"{ms['plan'] / ms[best]:.2f} ({best})" if best else "none installed"
        cells = " | ".join(f"{ms[p]:.3g} ms" for p in peers)
        shape = ", ".join(map(str, SIZES[size]))
        print(
            f"| {size} | {shape} | {cells} | {against} | {ms['plan'] / ms['handwritten']:.2f} |",
            flush=True,
        )


def jax_unrolled():
    """What JAX takes to compile a Python loop, for whoever does not write a scan."""
    import jax
    import jax.numpy as jnp

    for T in (100, 200, 400):
        SIZES["this"] = 1, T, 16
        arrays, X, Y, h0 = setup("this")

        def loss(p, X=X, Y=Y, h0=h0):
            logs = jax.nn.log_softmax(jnp.concatenate(list(outputs(p, X, h0, jnp.tanh))))
            return -jnp.take_along_axis(logs, Y[:, None], -1).mean()

        start = time.perf_counter()
        jax.block_until_ready(
            jax.jit(jax.value_and_grad(loss))({k: jnp.asarray(a) for k, a in arrays.items()})
        )
        print(
            f"JAX, {T} steps unrolled by a Python loop: {time.perf_counter() - start:.1f} s to the first result"
        )


def compiling():
    print(
        "| batch, steps, hidden | record | transform | compile | sum | plan's buffers | by hand |"
    )
    print("|---|---|---|---|---|---|---|")
    for B, T, H in ((1, 1000, 16), (16, 1000, 128), (1, 10_000, 16)):
        SIZES["this"] = B, T, H
        arrays, X, Y, h0 = setup("this")
        p = {k: mg.tensor(a, requires_grad=True, name=k) for k, a in arrays.items()}
        inputs, targets = mg.tensor(X, name="X"), mg.tensor(Y, name="Y")
        times = [time.perf_counter()]
        tape = mg.Tape.of(recorded(mg, p, inputs, targets, h0))
        times.append(time.perf_counter())
        tape = clip(differentiate(tape, p.values()), max_norm=1.0)
        times.append(time.perf_counter())
        plan = mg.compile(tape)
        times.append(time.perf_counter())
        spent = [*np.diff(times), times[-1] - times[0]]
        by_hand = 4 * (
            3 * T * B * H + B * H + T * B * V + T * B
        )  # states, drive and dz; logits; ones
        cells = " | ".join(f"{s:.2f} s" for s in spent)
        print(
            f"| {B}, {T:,}, {H} | {cells} | {plan.nbytes / 1e6:.1f} MB | {by_hand / 1e6:.1f} MB |",
            flush=True,
        )
    if installed(["jax"]):
        jax_unrolled()


if __name__ == "__main__":
    main()
