"""Where results lie: joined without a copy, classes outermost, memory used again."""

import numpy as np

import minigrad as mg
from minigrad import transforms as tr

RNG = np.random.default_rng(0)


def test_joining_all_steps_copies_nothing():
    W, X = mg.tensor(np.eye(3), name="W"), mg.tensor(RNG.normal(size=(5, 2, 3)), name="X")
    for join in (np.concatenate, np.stack, lambda xs: np.stack(xs, axis=1)):
        outs = []
        for t in range(5):
            with mg.timestep(t):
                outs.append(X[t] @ W)
        tape = mg.Tape.of(join(outs))
        plan = mg.compile(tape)
        assert len(plan._inputs.run) == 1
        np.testing.assert_allclose(plan()[0], tape.replay()[0])


def test_few_classes_lie_outermost_where_they_are_reduced():
    logits = mg.tensor(RNG.normal(size=(100, 5)), name="z")
    found = mg.compile(mg.Tape.of(mg.softmax(logits * 2)))._results[0]._output
    assert found.strides == (8, 800)
    assert mg.compile(mg.Tape.of(logits * 2))()[0].strides == (40, 8)


def test_memory_is_used_again():
    a = mg.tensor(np.ones((50, 50)), name="a")
    b = a
    for _ in range(10):
        b = np.tanh(b @ a)
    assert mg.compile(mg.Tape.of(b)).nbytes == 2 * a.data.nbytes


def test_the_buffers_of_a_language_model_are_those_of_hand_written_backpropagation():
    """Per step H, 1 - H*H (overwritten by the adjoints), the head's adjoint of H, and the logits twice."""
    B, H, V = 4, 6, 5

    def nbytes(T):
        W = {
            n: mg.tensor(RNG.normal(size=s), requires_grad=True)
            for n, s in {"h": (H, H), "q": (H, V)}.items()
        }
        X, h, outs = mg.tensor(np.zeros((T, B, H)), name="X"), mg.tensor(np.zeros((B, H))), []
        Y = mg.tensor(np.zeros(T * B), name="Y", dtype=int)
        for t in range(T):
            with mg.timestep(t):
                h = np.tanh(X[t] + h @ W["h"])
                outs.append(h @ W["q"])
        return mg.compile(
            tr.differentiate(mg.Tape.of(mg.cross_entropy(np.concatenate(outs), Y)))
        ).nbytes

    per_step = (nbytes(60) - nbytes(40)) / 20
    assert per_step <= B * (3 * H + 2 * V + 4) * 8
