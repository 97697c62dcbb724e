"""What each pass of the compiler buys: the time of a plan without it over that of the whole plan.

    python benchmarks/passes.py [--sizes tiny d2l ...] [--cells rnn gru lstm] [--rounds 40] [--cpu]

Prints a row per workload: the time of the whole plan, then for each pass the ratio of the smallest times, and in
brackets the median of the ratios within a round. Rounds are interleaved; 1.00 means that the pass buys nothing.
"""

import argparse
import contextlib
import importlib
import statistics
import time
from unittest import mock

import numpy as np
from peers import SIZES, V, setup

import minigrad as mg
from minigrad.compiler.rewrite import PASSES
from minigrad.models.cells import GRUCell, LSTMCell, RNNCell
from minigrad.transforms import clip, differentiate

CELLS = {"rnn": RNNCell, "gru": GRUCell, "lstm": LSTMCell}
# of one measurement of one plan, seconds: long beside the clock's resolution, so short that some are undisturbed
MEASURED_S = 0.005


def leave_out(rewrite):
    """Compile without a pass."""
    compiler = importlib.import_module("minigrad.compiler")
    others = tuple(p for p in PASSES if p is not rewrite)
    return mock.patch.object(compiler, "PASSES", others)


def leave_out_prebound():
    """Bind calls as they were emitted."""
    inputs = importlib.import_module("minigrad.compiler.run.leaf_binding")
    return mock.patch.object(inputs, "Prebound", _Unbound)


class _Unbound:
    """Gives a call as it is."""

    def quicker(self, call):
        return call


def recorded(size, cell):
    """The tape of a training step of a language model: forward, backward, gradients clipped."""
    rows, steps, hidden = SIZES[size]
    _, X, Y, _ = setup(size)
    rng = np.random.default_rng(0)
    network = CELLS[cell](V, hidden, rng=0, dtype=np.float32)
    W_hq = mg.tensor(np.float32(rng.normal(0, 0.01, (hidden, V))), requires_grad=True, name="W_hq")
    b_q = mg.tensor(np.zeros(V, np.float32), requires_grad=True, name="b_q")
    inputs, targets = mg.tensor(X, name="X"), mg.tensor(Y, name="Y")
    state = network.zero_state((rows, V))
    logits = []
    for t in range(steps):
        with mg.timestep(t):
            h, state = network(inputs[t], state)
            logits.append(h @ W_hq + b_q)
    tape = mg.Tape.of(mg.cross_entropy(np.concatenate(logits), targets))
    return clip(differentiate(tape), max_norm=1.0)


def variants(tape):
    """The whole plan, and one without each pass."""
    without = {rewrite.__name__: leave_out(rewrite) for rewrite in PASSES}
    without["prebound"] = leave_out_prebound()
    plans = {}
    for name, patch in {"all": contextlib.nullcontext(), **without}.items():
        with patch:
            plans[name] = mg.compile(tape)
            # inputs are bound at the first call
            results = [np.array(result) for result in plans[name]()]
        expected = expected_results(plans, results)
        for a, b in zip(results, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
    return plans


def expected_results(plans, results):
    return results if len(plans) == 1 else [np.array(result) for result in plans["all"]()]


def measure(plans, rounds, clock):
    """Seconds a call of every plan in every round, in another order each time."""
    calls = {name: 1 + int(MEASURED_S / seconds(plan, 1, clock)) for name, plan in plans.items()}
    times = {name: [] for name in plans}
    names = list(plans)
    for _ in range(rounds):
        names.append(names.pop(0))
        for name in names:
            times[name].append(seconds(plans[name], calls[name], clock))
    return times


def seconds(plan, calls, clock):
    start = clock()
    for _ in range(calls):
        plan()
    return (clock() - start) / calls


def ratio(without, whole):
    """Of the smallest times, and the median of those within a round."""
    within = statistics.median(a / b for a, b in zip(without, whole, strict=True))
    return f"{min(without) / min(whole):.2f} ({within:.2f})"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    options.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS))
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--cpu", action="store_true", help="CPU seconds, on a busy machine")
    args = options.parse_args()
    clock = time.process_time if args.cpu else time.perf_counter
    columns = [rewrite.__name__ for rewrite in PASSES] + ["prebound"]
    print("| cell | batch, steps, hidden | whole |", " | ".join(columns), "|")
    print("|---" * (3 + len(columns)) + "|")
    for size in args.sizes:
        for cell in args.cells:
            times = measure(variants(recorded(size, cell)), args.rounds, clock)
            whole = times["all"]
            cells = [ratio(times[name], whole) for name in columns]
            form = ", ".join(map(str, SIZES[size]))
            cells = [cell, form, f"{min(whole) * 1e3:.3g} ms", *cells]
            print("|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
