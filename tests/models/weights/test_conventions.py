"""The table of layouts against the equations in the frameworks' documentation; no framework is needed."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import models
from tests.models.weights.twins import TWINS, brought_in, sent_back

pytest.importorskip("safetensors", reason="safetensors is not installed")
T, B, D = 4, 2, 3


def drawn(twin, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape) / 2 for name, shape in twin.shapes.items()}


def outputs_of(twin, arrays, xs):
    """The outputs of a framework's cell, from states of zeros."""
    state = tuple(np.zeros((B, size)) for size in twin.states)
    outputs = []
    for x in xs:
        state = twin.step(x, state, arrays)
        outputs.append(state[0])
    return np.stack(outputs)


def gradients_in_place(model):
    """The model, each parameter replaced by its gradient."""
    other = copy.deepcopy(model)
    for p, q in zip(models.parameters(model), models.parameters(other), strict=True):
        q.assign(np.array(p.grad))
    return other


@pytest.fixture(params=TWINS)
def twin(request):
    return TWINS[request.param]


def test_outputs_are_those_of_the_documented_equations(twin):
    arrays, xs = drawn(twin), np.random.default_rng(1).normal(size=(T, B, D))
    outputs, _ = models.unroll(brought_in(twin, arrays), xs)
    np.testing.assert_allclose(
        np.stack([o.data for o in outputs]), outputs_of(twin, arrays, xs), rtol=1e-10, atol=1e-12
    )


def test_gradients_are_the_equations_derivatives_by_a_complex_step(twin, tmp_path):
    arrays, directions = drawn(twin), drawn(twin, seed=2)
    xs = np.random.default_rng(1).normal(size=(T, B, D))
    model = brought_in(twin, arrays)
    outputs, _ = models.unroll(model, xs)
    weights = np.random.default_rng(3).normal(size=(T, *outputs[0].shape))
    np.sum(np.stack(outputs) * weights).backward()
    gradients = sent_back(twin, gradients_in_place(model), tmp_path / "gradients.safetensors")
    assert gradients.keys() == arrays.keys()
    for name, array in arrays.items():
        moved = arrays | {name: array + 1e-30j * directions[name]}
        slope = np.sum(outputs_of(twin, moved, xs) * weights).imag / 1e-30
        np.testing.assert_allclose(
            np.sum(gradients[name] * directions[name]), slope, rtol=1e-10, err_msg=name
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_comes_in_goes_out_with_the_same_bytes(twin, dtype, tmp_path):
    arrays = {name: a.astype(dtype) for name, a in drawn(twin).items()}
    back = sent_back(twin, brought_in(twin, arrays), tmp_path / "back.safetensors")
    assert back.keys() == arrays.keys()
    for name, a in arrays.items():
        assert (a.shape, a.dtype) == (back[name].shape, back[name].dtype), name
        assert a.tobytes() == back[name].tobytes(), name


@pytest.mark.parametrize("kind", [models.RNNCell, models.GRUCell, models.LSTMCell])
def test_layers_of_two_directions_read_the_sequence_from_both_ends(kind):
    """Two layers of PyTorch's names, against two cells run by hand, one over the reversed sequence."""
    settings = {"reset": "after"} if kind is models.GRUCell else {}
    cells = [kind(d, 4, rng=seed, sigma=0.5, **settings) for seed, d in enumerate((3, 3, 8, 8))]
    model = models.Bidirectional(cells[:2], cells[2:])
    xs = np.random.default_rng(1).normal(size=(T, B, D))
    below = xs
    for forward, backward in (cells[:2], cells[2:]):
        left = np.stack([o.data for o in models.unroll(forward, below)[0]])
        right = np.stack([o.data for o in models.unroll(backward, below[::-1])[0]])[::-1]
        below = np.concatenate([left, right], axis=-1)
    outputs, _ = models.unroll(model, xs)
    np.testing.assert_array_equal(np.stack([o.data for o in outputs]), below)


def test_padded_sequences_of_two_directions_are_those_one_by_one():
    model = models.Bidirectional(
        (models.LSTMCell(3, 4, 0, 0.5), models.LSTMCell(3, 4, 1, 0.5)),
        (models.LSTMCell(8, 4, 2, 0.5), models.LSTMCell(8, 4, 3, 0.5)),
    )
    sequences = [np.random.default_rng(k).normal(size=(k, D)) for k in (4, 1, 3)]
    xs, lengths = models.pad(sequences)
    outputs, state = models.unroll(model, xs, lengths=lengths)
    for k, sequence in enumerate(sequences):
        alone, after = models.unroll(model, sequence[:, None])
        for o, expected in zip(outputs[: len(sequence)], alone, strict=True):
            np.testing.assert_allclose(o.data[k], expected.data[0], rtol=1e-12)
        for s, expected in zip(state, after, strict=True):
            np.testing.assert_allclose(s.data[k], expected.data[0], rtol=1e-12)


def test_a_gradient_of_two_directions_is_taken_apart():
    model = models.Bidirectional((models.RNNCell(3, 4, 0, 0.5), models.RNNCell(3, 4, 1, 0.5)))
    outputs, _ = models.unroll(model, np.random.default_rng(1).normal(size=(T, B, D)))
    loss = np.sum(np.stack(outputs) ** 2)
    W = model.layers[0][1].W_hh
    parts = models.anatomy(mg.Tape.of(loss), W)
    loss.backward()
    np.testing.assert_allclose(parts.total, W.grad, rtol=1e-10)


def test_a_second_bias_is_added_where_a_framework_has_one(tmp_path):
    arrays = drawn(TWINS["torch LSTM"])
    kernel, _, bias = models.to_keras(models.from_torch(arrays))
    np.testing.assert_array_equal(bias, arrays["bias_ih_l0"] + arrays["bias_hh_l0"])
    np.testing.assert_array_equal(kernel, arrays["weight_ih_l0"].T)
