"""Tapes lowered to JAX beside JAX written by hand: step times, and the time that XLA takes to compile.

    python benchmarks/engines.py [--rounds 5] [--seconds 2]

Both in one process, taking turns; both compute the same loss, which is compared first. Needs JAX.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import numpy as np
from peers import LR, SIZES, recorded, setup


def tape_of(size):
    """The clipped gradients of the language model of ``peers.py``, and its parameters."""
    import minigrad as mg
    from minigrad.transforms import clip, differentiate

    arrays, X, Y, h0 = setup(size)
    p = {k: mg.tensor(a, requires_grad=True, name=k) for k, a in arrays.items()}
    inputs, targets = mg.tensor(X, name="X"), mg.tensor(Y, name="Y")
    tape = mg.Tape.of(recorded(mg, p, inputs, targets, h0))
    return clip(differentiate(tape, p.values()), max_norm=1.0), arrays


def lowered(size):
    """Gradient, clip and SGD as one compiled function, the gradients lowered from the tape."""
    import jax

    import minigrad as mg

    tape, arrays = tape_of(size)
    rolled = mg.roll(tape)
    gradients = mg.lower(rolled, "jax").function
    data = {k: jax.numpy.asarray(a) for k, a in rolled.recorded.items() if k not in arrays}

    def update(p, data):
        loss, *grads = gradients({**data, **p})
        return {k: p[k] - LR * g for k, g in zip(arrays, grads, strict=True)}, loss

    return update, {k: jax.numpy.asarray(a) for k, a in arrays.items()}, data


def handwritten(size):
    """A scan, the product with the inputs in front of it."""
    import jax
    import jax.numpy as jnp

    p, X, Y, h0 = setup(size)

    def loss_of(p, X, Y):
        def cell(h, a):
            h = jnp.tanh(a + h @ p["Whh"])
            return h, h

        _, hs = jax.lax.scan(cell, h0, X @ p["Wxh"] + p["bh"])
        logs = jax.nn.log_softmax((hs @ p["Whq"] + p["bq"]).reshape(len(Y), -1))
        return -jnp.take_along_axis(logs, Y[:, None], -1).mean()

    def update(p, data):
        value, g = jax.value_and_grad(loss_of)(p, data["X"], data["Y"])
        norm = jnp.sqrt(sum((a * a).sum() for a in g.values()))
        return {k: p[k] - LR * jnp.minimum(1.0, 1 / norm) * g[k] for k in p}, value

    data = {"X": jnp.asarray(X), "Y": jnp.asarray(Y)}
    return update, {k: jnp.asarray(a) for k, a in p.items()}, data


def stepper(make, size):
    """A function that takes one step, its first loss, and how long XLA compiled."""
    import jax

    update, p, data = make(size)
    traced = jax.jit(update).lower(p, data)
    start = time.perf_counter()
    compiled = traced.compile()
    seconds = time.perf_counter() - start
    kept = [p]

    def step():
        kept[0], loss = compiled(kept[0], data)
        return float(loss)

    return step, step(), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sizes", nargs="*", default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    args = parser.parse_args()
    print("| size | lowered, ms | by hand, ms | ratio | compiled in, s | by hand, s |")
    print("|---|---|---|---|---|---|")
    for size in args.sizes:
        made = {f.__name__: stepper(f, size) for f in (lowered, handwritten)}
        losses = [loss for _, loss, _ in made.values()]
        if abs(losses[0] - losses[1]) > 1e-4:
            raise SystemExit(f"{size}: not the same: first losses {losses}")
        times = {name: [] for name in made}
        for _ in range(args.rounds):
            for name, (step, _, _) in made.items():
                until = time.perf_counter() + args.seconds
                own = []
                while time.perf_counter() < until or len(own) < 3:
                    start = time.perf_counter()
                    step()
                    own.append(time.perf_counter() - start)
                times[name].append(statistics.median(own))
        ratios = np.divide(times["lowered"], times["handwritten"])
        ms = [statistics.median(t) * 1e3 for t in times.values()]
        compiled = [f"{seconds:.2f}" for _, _, seconds in made.values()]
        cells = [size, f"{ms[0]:.3f}", f"{ms[1]:.3f}", f"{np.median(ratios):.2f}", *compiled]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
