"""Training loops as users write them: memory and time of a round must not grow with their number.

    python benchmarks/habits.py [--rounds 10000] [habit ...]

Each habit is a generator that yields, round after round, what its loop carries on. For each: bytes
that are allocated and microseconds a round, after a hundredth of the rounds and after all of them,
and the nodes of the tape behind what is carried.
"""

import argparse
import time
import tracemalloc

import numpy as np

import minigrad as mg
from minigrad.internal import behind

X = np.random.default_rng(0).normal(size=(4, 8))
RATE = 0.01


def parameter():
    return mg.tensor(np.eye(8) * 0.1, requires_grad=True, name="W")


def loss_of(W):
    return np.sum(np.tanh(X @ W) ** 2)


def steps(h, W, count=3):
    """Some steps of a recurrent network: the last state, the sum of the losses."""
    loss = 0
    for t in range(count):
        with mg.timestep(t):
            h = np.tanh(X + h @ W)
        loss = loss + np.sum(h)
    return h, loss


def functional_update():
    W = parameter()
    while True:
        (g,) = mg.grad(loss_of(W), [W])
        W = W - RATE * g
        yield (W,)


def functional_update_with_decay():
    params = {"W": parameter()}
    while True:
        (g,) = mg.grad(loss_of(params["W"]), [params["W"]])
        params["W"] = params["W"] * (1 - 1e-4) - RATE * g
        yield (params["W"],)


def functional_momentum():
    W, v = parameter(), 0
    while True:
        (g,) = mg.grad(loss_of(W), [W])
        v = 0.9 * v + g
        W = W - RATE * v
        yield W, v


def state_detached_after_backward():
    W, h = parameter(), mg.tensor(np.zeros((4, 8)))
    while True:
        h, loss = steps(mg.detach(h), W)
        loss.backward()
        yield (h,)


def state_detached_before_backward():
    W, h = parameter(), mg.tensor(np.zeros((4, 8)))
    while True:
        h, loss = steps(h, W)
        h = mg.detach(h)
        loss.backward()
        yield (h,)


def state_forgotten():
    W, h = parameter(), mg.tensor(np.zeros((4, 8)))
    while True:
        h, loss = steps(h.detach(), W)
        loss.backward()
        yield (h,)


def state_of_zeros():
    W, h = parameter(), mg.tensor(np.zeros((4, 8)))
    while True:
        h, loss = steps(np.zeros_like(h), W)
        loss.backward()
        yield (h,)


def total_after_backward():
    W, total = parameter(), 0
    while True:
        loss = loss_of(W)
        loss.backward()
        total += loss
        yield (total,)


def total_before_backward():
    W, total = parameter(), 0
    while True:
        loss = loss_of(W)
        total += loss
        loss.backward()
        yield (total,)


def running_mean():
    W, mean = parameter(), 0
    while True:
        loss = loss_of(W)
        loss.backward()
        mean = 0.9 * mean + 0.1 * loss
        yield (mean,)


def running_mean_of_detached():
    W, mean = parameter(), 0
    while True:
        loss = loss_of(W)
        loss.backward()
        mean = 0.9 * mean + 0.1 * loss.detach()
        yield (mean,)


def unrecorded_mean():
    W, mean = parameter(), 0
    while True:
        with mg.no_grad():
            loss = loss_of(W)
        mean = 0.9 * mean + 0.1 * loss
        yield (mean,)


HABITS = [
    functional_update,
    functional_update_with_decay,
    functional_momentum,
    state_detached_after_backward,
    state_detached_before_backward,
    state_forgotten,
    state_of_zeros,
    total_after_backward,
    total_before_backward,
    running_mean,
    running_mean_of_detached,
    unrecorded_mean,
]


# --- measured -------------------------------------------------------------------------------------
def run(habit, counts):
    """A row of figures after each count of rounds: nodes, kilobytes, microseconds a round."""
    rounds = habit()
    figures = []
    done = 0
    for count in counts:
        begin = time.perf_counter()
        for _ in range(done, count):
            # held by nobody while the next round runs
            carried = None
            carried = next(rounds)
        seconds = time.perf_counter() - begin
        nodes = len(behind([x for x in carried if isinstance(x, mg.Tensor)]))
        kilobytes = tracemalloc.get_traced_memory()[0] / 1e3
        figures.append((nodes, kilobytes, seconds / (count - done) * 1e6))
        done = count
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("habits", nargs="*", help="by name; all if none is named")
    parser.add_argument("--rounds", type=int, default=10_000)
    options = parser.parse_args()
    counts = (options.rounds // 100, options.rounds)
    print(f"{'':32}", *[f"{f'after {count:,} rounds':>30}" for count in counts])
    for habit in HABITS:
        name = habit.__name__
        if options.habits and name not in options.habits:
            continue
        tracemalloc.start()
        columns = []
        for nodes, kilobytes, time_us in run(habit, counts):
            columns.append(f"{nodes:6d} nodes {kilobytes:6.0f} kB {time_us:6.0f} us")
        tracemalloc.stop()
        print(f"{name:32}", *columns, flush=True)


if __name__ == "__main__":
    main()
