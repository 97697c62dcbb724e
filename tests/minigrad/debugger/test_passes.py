"""A backward pass that is kept: stepping it later gives what the program's own backward() gave, to the bit."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad.core.scope import watch
from minigrad.debugger.passes import BACKWARD, GRAD, SWEEP, Passes
from minigrad.debugger.session import Session
from minigrad.scoping import all_holding

EPOCHS = 3


class Net:
    """A recurrent net whose weight is read through views of it, and what its backward() gave."""

    def __init__(self):
        self.rng = np.random.default_rng(3)
        self.W = mg.tensor(self.rng.normal(size=(3, 4)) * 0.3, requires_grad=True, name="W")
        self.b = mg.tensor(np.zeros(3), requires_grad=True, name="b")
        self.x = mg.tensor(np.zeros(3), name="x")
        self.gradients = []

    def loss(self, steps=4, h=None):
        self.x.assign(self.rng.normal(size=3))
        h = mg.tensor(np.zeros(3), name="h_0") if h is None else h
        total = 0
        for t in range(1, steps + 1):
            with mg.timestep(t):
                h = np.tanh(self.x + self.W.T[:3] @ h + self.b).named(f"h_{t}")
                total = total + np.sum(h * h * self.W[:, 3])
        self.h = h
        return total

    def note(self):
        """What this pass alone has added to the gradients."""
        noted = {"W": self.W.grad.copy(), "b": self.b.grad.copy()}
        self.gradients.append(noted)

    def parameters(self):
        return [self.W, self.b]


def momentum(net):
    optimizer = mg.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(EPOCHS):
        net.loss().backward()
        net.note()
        optimizer.step()
        optimizer.zero_grad()


def two_optimizers(net):
    optimizers = [mg.optim.Adam([net.W]), mg.optim.RMSprop([net.b])]
    for _ in range(EPOCHS):
        net.loss().backward()
        net.note()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()


def update_by_hand(net, pass_of=lambda loss: loss.backward()):
    for _ in range(EPOCHS):
        pass_of(net.loss())
        net.note()
        for p in net.parameters():
            p.assign(p.data - 0.1 * p.grad)
            p.grad = None


def tape_backward(net):
    update_by_hand(net, lambda loss: mg.Tape.of(loss).backward())


def truncated(net):
    update_by_hand(net, lambda loss: tf.truncate(mg.Tape.of(loss), every=2).backward())


def windowed(net):
    update_by_hand(net, lambda loss: tf.truncate(mg.Tape.of(loss), window=1).backward())


def checkpointed(net):
    update_by_hand(net, lambda loss: tf.checkpoint(mg.Tape.of(loss), every=2).backward())


def checkpointed_loss(net):
    def back(loss):
        (loss,) = tf.checkpoint(mg.Tape.of(loss), every="auto").outputs
        loss.backward()

    update_by_hand(net, back)


def seeded(net):
    update_by_hand(net, lambda loss: loss.backward(2.5))


def seeded_vector(net):
    update_by_hand(net, lambda loss: (loss * net.b).backward([1.0, -0.5, 0.0]))


def carried(net):
    """State through a gate, and through .detach(), from chunk to chunk."""
    h = None
    for epoch in range(EPOCHS):
        loss = net.loss(h=h)
        loss.backward()
        net.note()
        h = mg.detach(net.h) if epoch % 2 else net.h.detach()
        for p in net.parameters():
            p.assign(p.data - 0.1 * p.grad)
            p.grad = None


def retained(net):
    for _ in range(EPOCHS):
        loss = net.loss()
        loss.backward(retain_graph=True)
        net.note()
        net.W.grad = net.b.grad = None
        loss.backward(retain_graph=True)
        net.note()
        net.W.grad = net.b.grad = None
        net.b.assign(net.b.data + 1.0)


def running_total(net):
    total = 0
    for _ in range(EPOCHS):
        loss = net.loss()
        loss.backward()
        net.note()
        total = total + loss
        net.W.assign(net.W.data * 0.5)
        net.W.grad = net.b.grad = None


PROGRAMS = [
    momentum,
    two_optimizers,
    update_by_hand,
    tape_backward,
    truncated,
    windowed,
    checkpointed,
    checkpointed_loss,
    seeded,
    seeded_vector,
    carried,
    retained,
    running_total,
]


def stepped(tape):
    """The gradients that stepping to the end gives, by name."""
    session = Session(tape)
    while session.forward():
        pass
    return {p.name: session.adjoint(p) for p in tape.parameters}


def same(gradients, expected):
    return {name: g.tobytes() for name, g in gradients.items()} == {
        name: g.tobytes() for name, g in expected.items()
    }


@pytest.mark.parametrize("number", [1, 2, -1, -2])
@pytest.mark.parametrize("program", PROGRAMS)
def test_stepping_a_kept_pass_gives_the_gradients_of_then_to_the_bit(program, number):
    net = Net()
    with Passes(number) as passes:
        program(net)
    assert passes.counts[BACKWARD] == len(net.gradients)
    index = number - 1 if number > 0 else number
    kept = passes.chosen(BACKWARD)
    assert kept.number == range(1, len(net.gradients) + 1)[index]
    for _ in range(2):
        assert same(stepped(kept.tape()), net.gradients[index])
    assert all_holding(watch) == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_who_listens_changes_nothing(program):
    alone, heard = Net(), Net()
    program(alone)
    with Passes():
        program(heard)
    assert all(same(a, b) for a, b in zip(alone.gradients, heard.gradients, strict=True))


def test_gradients_that_accumulate_are_those_of_each_pass():
    net = Net()
    with Passes() as passes:
        net.loss().backward()
        before = net.W.grad.copy()
        net.loss().backward()
        net.W.assign(net.W.data * 0)
    assert np.array_equal(before + stepped(passes.chosen(BACKWARD).tape())["W"], net.W.grad)


def test_values_are_those_of_then_views_too():
    w = mg.tensor(np.array([[1.0, 3.0], [2.0, 4.0]]).T, requires_grad=True, name="w")
    with Passes() as passes:
        assert w.data.flags.f_contiguous
        loss = np.sum((w.T.named("v") * 2.0)[0].named("r"))
        loss.backward()
        w.assign(np.zeros((2, 2)))
    tape = passes.chosen(BACKWARD).tape()
    assert tape["w"].data.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert [tape[name].data.strides for name in "wv"] == [(8, 16), (16, 8)]
    assert tape["v"].data.tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert [n.label for n in tape.nodes] == [n.label for n in mg.Tape.of(loss).nodes]
    assert [n.where for n in tape.nodes] == [n.where for n in mg.Tape.of(loss).nodes]


def test_what_does_not_change_is_copied_once():
    data = mg.tensor(np.ones(1000), name="data")
    w = mg.tensor(2.0, requires_grad=True, name="w")
    tapes = []
    for number in (-1, -3):
        with Passes(number) as passes:
            for _ in range(3):
                np.sum(data * w).backward()
                kept = passes.chosen(BACKWARD) if number == -1 else passes._kept[BACKWARD][-1]
                tapes.append(kept.tape())
                w.assign(w.data + 1)
    assert len({id(tape["data"].data) for tape in tapes}) == 2
    assert [float(tape["w"].data) for tape in tapes] == [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]


@pytest.mark.parametrize("number", [-1, 1, -2])
def test_parameters_that_an_update_makes_hold_no_past(number):
    w = mg.tensor([2.0, 1.0], requires_grad=True, name="w")
    gradients = []
    with Passes(number) as passes:
        for _ in range(6):
            (g,) = mg.grad(np.sum(w * w * w), [w])
            gradients.append(g.data)
            w = (w - 0.01 * g).named("w")
            assert len(mg.Tape.of(w).nodes) <= 5
    index = number - 1 if number > 0 else number
    tape = passes.chosen(GRAD).tape()
    first, *_ = [step.grad for step in tape.steps() if step.tensor.name == "w"]
    assert np.array_equal(first, gradients[index])


def test_only_passes_from_a_loss_of_that_name_count():
    w = mg.tensor(1.0, requires_grad=True)

    def step(anything):
        anything.backward()

    with Passes(name="val_loss") as passes:
        for k in (1.0, 2.0, 3.0):
            loss = w * k
            val_loss = w * (10.0 * k)
            step(val_loss)
            step(loss)
        (w * 7).named("L").backward()
    assert passes.counts[BACKWARD] == 3
    assert float(passes.chosen(BACKWARD).output.data) == 30.0
    assert passes.names >= {"loss", "val_loss", "anything", "L"}
    with Passes(name="L") as passes:
        (w * 7).named("L").backward()
        (w * 8).backward()
    assert float(passes.chosen(BACKWARD).output.data) == 7.0


def test_kinds_of_passes_are_told_apart():
    w = mg.tensor(1.0, requires_grad=True)
    with Passes() as passes:
        mg.grad(w * w, w)
        mg.grad(w * w * w, w, create_graph=True)
        list(mg.Tape.of(w * w).steps())
        tf.differentiate(mg.Tape.of(w * w))
        mg.Tape.of(w * w).backward()
    assert passes.counts == {BACKWARD: 1, GRAD: 2, SWEEP: 2}
    kept = passes.chosen(GRAD)
    assert (kept.call, kept.where[:14]) == ("grad", "test_passes.py")
    assert passes.chosen(SWEEP).call == "differentiate"
    assert float(next(reversed(list(kept.tape().steps()))).grad) == 3.0


def test_a_pass_that_fails_is_kept():
    def fail(g):
        raise ValueError("no more")

    x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    with Passes() as passes, pytest.raises(ValueError, match="no more"):
        np.sum(mg.on_backward(np.exp(x), fail)).backward()
    assert passes.chosen(BACKWARD).tape().parameters[0].data.tolist() == [1.0, 2.0]


def test_a_stale_pass_stays_stale():
    w = mg.tensor([1.0, 2.0], requires_grad=True, name="w")
    loss = np.sum(w * w)
    w.assign([0.0, 0.0])
    with Passes() as passes, pytest.raises(mg.errors.StaleTapeError):
        loss.backward()
    with pytest.raises(mg.errors.StaleTapeError):
        stepped(passes.chosen(BACKWARD).tape())


def test_there_is_no_pass_beyond_the_last():
    w = mg.tensor(1.0, requires_grad=True)
    for number in (3, -3):
        with Passes(number) as passes:
            for _ in range(2):
                (w * 2).backward()
        assert passes.chosen(BACKWARD) is None
