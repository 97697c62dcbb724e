"""What checkpointing costs and saves: a tanh RNN of 4,096 steps, plain and recomputed in segments of 64.

    python benchmarks/checkpoint.py [--steps 4096] [--every 64] [--batch 32] [--hidden 64] [--dtype float64]

Three ways: the plain tape; ``checkpoint`` applied after the forward pass, which must fit into memory once; and applied
in the loop, every ``--every`` steps. Each is forward and backward in one: processor time as the median of the rounds,
in turns; the peak of allocated memory from tracemalloc, in a run of its own. Gradients must agree to the last bit. Then
the plain and the checkpointed tape as plans.
"""

import argparse
import gc
import os
import statistics
import time
import tracemalloc

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np

import minigrad as mg
from minigrad.transforms import checkpoint, differentiate


class Net:
    """Parameters and data outside of what is measured."""

    def __init__(self, T, B, H, dtype, inputs=28):
        rng = np.random.default_rng(0)
        drawn = {"W_xh": (inputs, H), "W_hh": (H, H), "b_h": (H,)}
        self.params = [
            self._tensor(rng.normal(0, 0.1, s), dtype, name, True) for name, s in drawn.items()
        ]
        self.X = self._tensor(rng.normal(size=(T, B, inputs)), dtype, "X")
        self.h = self._tensor(np.zeros((B, H)), dtype, "h_0")

    def _tensor(self, x, dtype, name, requires_grad=False):
        return mg.tensor(x.astype(dtype), requires_grad, name)

    def loss(self, every=None):
        W_xh, W_hh, b_h = self.params
        h, loss = self.h, 0.0
        for t in range(len(self.X)):
            with mg.timestep(t):
                h = np.tanh(self.X[t] @ W_xh + h @ W_hh + b_h)
                loss = loss + np.mean(h * h)
            if every and (t + 1) % every == 0:
                h, loss = checkpoint(mg.Tape.of(h, loss), every).outputs
        return loss

    def gradients(self):
        found = [p.grad for p in self.params]
        for p in self.params:
            p.grad = None
        return found


def measured(ways, rounds):
    """For each way the median of its processor times and its peak in bytes."""
    times = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            gc.collect()
            start = time.process_time()
            way()
            times[name].append(time.process_time() - start)
    for name, way in ways.items():
        gc.collect()
        tracemalloc.start()
        way()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        yield name, statistics.median(times[name]), peak


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (
        ("steps", 4096),
        ("every", 64),
        ("batch", 32),
        ("hidden", 64),
        ("rounds", 5),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--dtype", default="float64")
    given = parser.parse_args()
    net = Net(given.steps, given.batch, given.hidden, given.dtype)

    def after(tape):
        checkpoint(tape, given.every).outputs[0].backward()

    ways = {
        "plain": lambda: net.loss().backward(),
        "after the forward pass": lambda: after(mg.Tape.of(net.loss())),
        "in the loop": lambda: net.loss(given.every).backward(),
    }
    found = []
    for way in ways.values():
        way()
        found.append(net.gradients())
    same = all(np.array_equal(a, b) for its in found for a, b in zip(its, found[0], strict=True))
    print(
        f"T = {given.steps:,}, B = {given.batch}, H = {given.hidden}, {given.dtype}, segments of {given.every}; "
        f"gradients {'the same to the last bit' if same else 'DIFFER'}"
    )
    rows = list(measured(ways, given.rounds))
    _, first, full = rows[0]
    for name, seconds, peak in rows:
        print(
            f"{name:24} {seconds:6.3f} s ({seconds / first:4.2f})  peak {peak / 1e6:7.1f} MB ({peak / full:5.1%})"
        )
    as_plans(mg.Tape.of(net.loss()), given.every, given.rounds)


def as_plans(tape, every, rounds):
    """The same two tapes compiled: time of a call, and the bytes of the buffers."""
    plans = [mg.compile(differentiate(t)) for t in (tape, checkpoint(tape, every))]
    times = [[], []]
    for _ in range(rounds + 1):
        for plan, its in zip(plans, times, strict=True):
            start = time.perf_counter()
            plan()
            its.append(time.perf_counter() - start)
    first, full = statistics.median(times[0][1:]), plans[0].nbytes
    for name, plan, its in zip(("plan", "plan of the checkpointed"), plans, times, strict=True):
        seconds = statistics.median(its[1:])
        print(
            f"{name:24} {seconds:6.3f} s ({seconds / first:4.2f})  buffers {plan.nbytes / 1e6:5.1f} MB "
            f"({plan.nbytes / full:5.1%})"
        )


if __name__ == "__main__":
    main()
