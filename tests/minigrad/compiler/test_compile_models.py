"""The law of compilation on recurrent models: a plan gives what replaying the tape gives."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tr
from minigrad.models.cells import LSTMCell, RNNCell
from tests.laws import agrees, close, pairwise
from tests.zoo import CELLS, TRANSFORMS, B, D, H, stacked


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_models_with_every_transform(cell, transform):
    loss, feeds = stacked(cell)
    agrees(TRANSFORMS[transform](mg.Tape.of(loss)), feeds, sharded=True)


@pytest.mark.parametrize(
    ("cell", "layers", "every_step"), pairwise(CELLS, [1, 2, 3], [False, True])
)
def test_layers_and_losses_added_up_in_the_loop(cell, layers, every_step):
    loss, feeds = stacked(cell, layers=layers, every_step=every_step)
    agrees(tr.clip(tr.differentiate(mg.Tape.of(loss)), 0.1), feeds, sharded=True)


@pytest.mark.parametrize("cell", CELLS)
def test_single_precision(cell):
    loss, feeds = stacked(cell, layers=2, dtype=np.float32)
    agrees(tr.clip(tr.differentiate(mg.Tape.of(loss)), 0.1), feeds, np.float32, sharded=True)


@pytest.mark.parametrize("T", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_short_loops(cell, T):
    loss, feeds = stacked(cell, T)
    agrees(tr.clip(tr.differentiate(mg.Tape.of(loss)), 0.1), feeds, sharded=True)


@pytest.mark.parametrize("cell", CELLS)
def test_loops_long_enough_to_copy_what_they_multiply_by(cell):
    loss, feeds = stacked(cell, T=20, layers=2)
    plan = agrees(tr.clip(tr.differentiate(mg.Tape.of(loss)), 0.1), feeds)
    plan.report(feeds)
    close(plan(feeds), plan(feeds, copy=True))


def test_batches_large_enough_to_be_multiplied_in_pieces():
    rng = np.random.default_rng(0)
    W, U = (mg.tensor(rng.normal(size=s), requires_grad=True) for s in [(4, 4), (4, 5)])
    X = mg.tensor(rng.normal(size=(9, 600, 4)), name="X")
    Y = mg.tensor(rng.integers(0, 5, (9, 600)), name="Y", dtype=int)
    h, outs = mg.tensor(np.zeros((600, 4))), []
    for t in range(9):
        with mg.timestep(t):
            h = np.tanh(X[t] + h @ W)
            outs.append(h @ U)
    tape = tr.differentiate(mg.Tape.of(mg.cross_entropy(np.stack(outs), Y)))
    agrees(tape, {"X": rng.normal(size=(9, 600, 4))}, sharded=True)


def test_many_rows_of_few_classes():
    rng = np.random.default_rng(0)
    x = mg.tensor(rng.normal(size=(200, 5)), requires_grad=True, name="x")
    y = mg.tensor(rng.integers(0, 5, 200), name="y", dtype=int)
    agrees(tr.differentiate(mg.Tape.of(mg.cross_entropy(x * 2, y))), {"y": rng.integers(0, 5, 200)})
    agrees(tr.differentiate(mg.Tape.of(np.sum(np.square(mg.log_softmax(x * 2))))))
    agrees(tr.differentiate(mg.Tape.of(np.sum(np.square(mg.softmax(np.tanh(x)))))))


@pytest.mark.parametrize("cell", CELLS)
def test_second_order(cell):
    loss, feeds = stacked(cell, T=3)
    tape = mg.Tape.of(loss)
    grads = mg.grad(loss, tape.parameters, create_graph=True)
    penalty = sum(np.sum(np.square(g)) for g in grads)
    agrees(tr.differentiate(mg.Tape.of(loss + penalty)), feeds, sharded=False)


def test_vector_states_and_column_vectors():
    rng = np.random.default_rng(0)
    W = mg.tensor(rng.normal(size=(H, H)), requires_grad=True, name="W")
    U = mg.tensor(rng.normal(size=(H, D)), requires_grad=True, name="U")
    xs = [mg.tensor(rng.normal(size=(D, 2)), name=f"x_{t}") for t in range(4)]
    for wrap in (lambda x: x, lambda x: x[:, 0]):
        h, loss = (
            mg.tensor(np.zeros((H, 2)))[
                (slice(None),) if wrap(xs[0]).ndim == 2 else (slice(None), 0)
            ],
            0,
        )
        for t, x in enumerate(xs):
            with mg.timestep(t):
                h = np.tanh(W @ h + U @ wrap(x))
                loss = loss + np.sum(h * h)
        agrees(tr.differentiate(mg.Tape.of(loss)), {"x_1": rng.normal(size=(D, 2))})


# --- checkpointed tapes ---------------------------------------------------------------------------


@pytest.mark.parametrize(("cell", "k", "every_step"), pairwise(CELLS, [1, 2, 3, 7], [False, True]))
def test_checkpointed_tapes(cell, k, every_step):
    loss, feeds = stacked(cell, T=6, layers=2, every_step=every_step)
    tape = tr.differentiate(tr.checkpoint(mg.Tape.of(loss), every=k))
    agrees(tr.clip(tape, 0.1), feeds, sharded=False)


@pytest.mark.parametrize(
    "before", [lambda t: tr.truncate(t, every=4), lambda t: tr.untie(t, t.parameters[0])]
)
def test_checkpointed_tapes_that_are_transformed(before):
    loss, feeds = stacked(LSTMCell, T=6, every_step=True)
    agrees(tr.differentiate(tr.checkpoint(before(mg.Tape.of(loss)), every=2)), feeds, sharded=False)


def test_the_plan_of_a_checkpointed_tape_holds_one_segment_and_the_boundaries():
    def size(T, k=None):
        tape = mg.Tape.of(stacked(RNNCell, T=T, every_step=True)[0])
        return mg.compile(tr.differentiate(tr.checkpoint(tape, every=k) if k else tape)).nbytes

    assert size(256, 16) < 0.25 * size(256)
    a_state_and_a_scalar_per_loss = 8 * B * H * 8 + 64 * 8 * 8
    assert size(128, 8) - size(64, 8) <= 1.5 * a_state_and_a_scalar_per_loss  # eight segments more
