"""Real exports of Keras 3: outputs and gradients are Keras's; where it is not installed, skipped.

With the backend that Keras runs on here: TensorFlow's exports have recurrent operators and loops,
those of PyTorch's backend every step written out.
"""

import os

import numpy as np
import pytest

import minigrad as mg

pytest.importorskip("onnx", reason="onnx is not installed")
for backend in ("tensorflow", "torch"):
    if "KERAS_BACKEND" not in os.environ:
        try:
            __import__(backend)
            os.environ["KERAS_BACKEND"] = backend
        except ImportError:
            continue
if "KERAS_BACKEND" not in os.environ:
    pytest.skip("neither TensorFlow nor PyTorch is installed for Keras", allow_module_level=True)
keras = pytest.importorskip("keras", reason="Keras is not installed")

LAYERS = {
    "lstm": lambda: keras.layers.LSTM(4, return_sequences=True),
    "gru": lambda: keras.layers.GRU(4, return_sequences=True),
    "gru, reset before": lambda: keras.layers.GRU(4, return_sequences=True, reset_after=False),
    "simple": lambda: keras.layers.SimpleRNN(4, return_sequences=True, activation="relu"),
    "bidirectional": lambda: keras.layers.Bidirectional(keras.layers.LSTM(4)),
}


def gradients(network, x):
    """Keras's output, and the gradients of the sum of its squares: of x, and of the weights."""
    if keras.backend.backend() == "torch":
        import torch

        leaf = torch.tensor(x, requires_grad=True)
        y = network(leaf)
        weights = [w.value for w in network.trainable_weights]
        found = torch.autograd.grad(y.pow(2).sum(), [leaf, *weights])
        return y.detach().numpy(), *(g.numpy() for g in found)
    import tensorflow as tf

    leaf = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(leaf)
        y = network(leaf)
        loss = tf.reduce_sum(y * y)
    weights = [w.value for w in network.trainable_weights]
    return y.numpy(), *(np.array(g) for g in tape.gradient(loss, [leaf, *weights]))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", LAYERS)
def test_outputs_and_gradients_are_keras_s(kind, tmp_path):
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((5, 3)), LAYERS[kind](), keras.layers.Dense(2)])
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 3)).astype(np.float32)
    network(x)
    network.set_weights([0.5 * rng.normal(size=w.shape) for w in network.get_weights()])
    network.export(tmp_path / "k.onnx", format="onnx", verbose=False)
    expected, gx, *gs = gradients(network, x)
    model = mg.from_onnx(tmp_path / "k.onnx")
    own = mg.tensor(x, requires_grad=True)
    y = model(own)
    np.testing.assert_allclose(y.data, expected, atol=1e-5)
    np.sum(y * y).backward()
    np.testing.assert_allclose(own.grad, gx, atol=1e-5)
    compared = 0
    for weight, g in zip(network.trainable_weights, gs, strict=True):
        value = np.array(keras.ops.convert_to_numpy(weight))
        for p in model.parameters.values():
            # operators have them packed in other ways
            if p.data.shape == value.shape and np.array_equal(p.data, value):
                np.testing.assert_allclose(p.grad, g, atol=1e-5, err_msg=weight.path)
                compared += 1
    assert compared >= 1
