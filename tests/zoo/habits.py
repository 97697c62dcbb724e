"""Training loops as users write them, whose values hold no more of their past after a thousand rounds than after ten.

Each yields, round after round, what the loop carries on.
"""

import numpy as np

import minigrad as mg

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
