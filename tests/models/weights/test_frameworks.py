"""Beside PyTorch, Keras, Flax and Equinox themselves, where they are installed: outputs, gradients, bytes."""

import os

import numpy as np
import pytest

from minigrad import models
from tests.models.weights.test_conventions import gradients_in_place
from tests.models.weights.twins import flat, nested

D, H, T, B = 3, 4, 5, 2
XS = np.random.default_rng(0).normal(size=(T, B, D))


def ran(model, xs=XS):
    """Our outputs (T, B, h), and the weights of a loss whose gradients the parameters then have."""
    outputs, _ = models.unroll(model, xs)
    stacked = np.stack(outputs)
    weights = np.random.default_rng(1).normal(size=stacked.shape).astype(xs.dtype)
    np.sum(stacked * weights).backward()
    return stacked.data, weights


def close(a, b, dtype=np.float64):
    tolerance = 1e-10 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("RNN", {}),
        ("RNN", {"nonlinearity": "relu"}),
        ("GRU", {}),
        ("LSTM", {}),
        ("LSTM", {"proj_size": 2}),
    ],
)
def test_pytorch(name, options, bias, bidirectional, layers, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.manual_seed(0)
    options = {**options, "bias": bias, "bidirectional": bidirectional, "num_layers": layers}
    module = getattr(torch.nn, name)(D, H, **options).to(torch.from_numpy(XS.astype(dtype)).dtype)
    model = models.from_torch(module)
    outputs, weights = ran(model, XS.astype(dtype))
    theirs, _ = module(torch.from_numpy(XS.astype(dtype)))
    (theirs * torch.from_numpy(weights)).sum().backward()
    close(outputs, theirs.detach().numpy(), dtype)
    gradients = models.to_torch(gradients_in_place(model))
    for key, parameter in module.named_parameters():
        close(gradients[key].numpy(), parameter.grad.numpy(), dtype)
    back = models.to_torch(model)
    module.load_state_dict(back)
    for key, array in module.state_dict().items():
        assert array.numpy().tobytes() == back[key].numpy().tobytes()


def test_a_language_model_of_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.manual_seed(0)
    parts = {"encoder": torch.nn.Embedding(7, D), "rnn": torch.nn.GRU(D, H, 2)}
    module = torch.nn.ModuleDict({**parts, "decoder": torch.nn.Linear(H, 7)}).double()
    tokens = np.random.default_rng(0).integers(7, size=(B, T + 1))
    x, y = torch.from_numpy(tokens[:, :-1].T.copy()), torch.from_numpy(tokens[:, 1:].T.copy())
    logits = module["decoder"](module["rnn"](module["encoder"](x))[0])
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, 7), y.reshape(-1))
    loss.backward()
    lm = models.from_torch(module)
    ours = lm.loss(tokens[:, :-1], tokens[:, 1:])
    ours.backward()
    close(ours.item(), loss.item())
    gradients = models.to_torch(gradients_in_place(lm), names=("encoder", "rnn", "decoder"))
    for key, parameter in module.named_parameters():
        close(gradients[key].numpy(), parameter.grad.numpy())


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras", reason="Keras is not installed")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "make",
    [
        lambda K, **more: K.SimpleRNN(H, activation="relu", **more),
        lambda K, **more: K.Bidirectional(K.GRU(H, **more)),
        lambda K, **more: K.GRU(H, reset_after=False, **more),
        lambda K, **more: K.LSTM(H, use_bias=False, **more),
        lambda K, **more: K.LSTM(H, **more),
    ],
    ids=["SimpleRNN", "Bidirectional GRU", "GRU before", "LSTM without bias", "LSTM"],
)
def test_keras(keras, make, tmp_path):
    pytest.importorskip("h5py", reason="h5py is not installed")
    K = keras.layers
    rng = np.random.default_rng(0)
    two = [make(K, return_sequences=True) for _ in range(2)]
    module = keras.Sequential([keras.Input((T, D)), two[0], K.Dropout(0.5), two[1]])
    module.set_weights([rng.normal(size=a.shape) / 2 for a in module.get_weights()])
    xs = XS.astype(np.float32)
    theirs = np.asarray(module(np.swapaxes(xs, 0, 1))).swapaxes(0, 1)
    model = models.from_keras(module)
    outputs, weights = ran(model, xs)
    close(outputs, theirs, np.float32)
    for a, b in zip(models.to_keras(model), module.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    if keras.backend.backend() == "jax":
        import jax

        def loss(values):
            outputs, _ = module.stateless_call(values, others, np.swapaxes(xs, 0, 1))
            return (outputs * np.swapaxes(weights, 0, 1)).sum()

        others = [v.value for v in module.non_trainable_variables]
        slopes = jax.grad(loss)([v.value for v in module.trainable_variables])
        for a, b in zip(models.to_keras(gradients_in_place(model)), slopes, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    module.save(tmp_path / "model.keras")
    from_file, _ = ran(models.from_keras(tmp_path / "model.keras"), xs)
    np.testing.assert_array_equal(from_file, outputs)
    module.save_weights(tmp_path / "model.weights.h5")
    activation = "relu" if "simple" in two[0].name else "tanh"
    from_file, _ = ran(models.from_keras(tmp_path / "model.weights.h5", activation), xs)
    np.testing.assert_array_equal(from_file, outputs)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("name", ["SimpleCell", "GRUCell", "LSTMCell", "OptimizedLSTMCell"])
def test_linen(name, bidirectional):
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    nn = pytest.importorskip("flax.linen", reason="Flax is not installed")
    xs = XS.astype(np.float32)
    sides = [nn.RNN(getattr(nn, name)(features=H)) for _ in range(1 + bidirectional)]
    module = nn.Bidirectional(*sides) if bidirectional else sides[0]
    rows = np.swapaxes(xs, 0, 1)
    shapes = module.init(jax.random.key(0), rows)
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda a: rng.normal(size=a.shape).astype(np.float32) / 2, shapes)
    model = models.from_flax(params)
    outputs, weights = ran(model, xs)
    close(outputs, np.swapaxes(module.apply(params, rows), 0, 1), np.float32)
    slopes = jax.grad(lambda p: (module.apply(p, rows) * np.swapaxes(weights, 0, 1)).sum())(params)
    gradients = models.to_flax(gradients_in_place(model))
    back = models.to_flax(model)
    for side, path in (("forward", "forward_rnn"), ("backward", "backward_rnn")):
        ours, theirs = gradients, slopes["params"]
        kept, sent = back, params["params"]
        if bidirectional:
            ours, theirs = gradients[side], theirs[path]
            kept, sent = back[side], sent[path]
        for key, a in flat(ours).items():
            np.testing.assert_allclose(a, flat(theirs["cell"])[key], rtol=1e-4, atol=1e-5)
            assert flat(kept)[key].tobytes() == flat(sent["cell"])[key].tobytes()


@pytest.mark.parametrize("name", ["SimpleCell", "GRUCell", "LSTMCell", "OptimizedLSTMCell"])
def test_nnx(name):
    nnx = pytest.importorskip("flax.nnx", reason="Flax is not installed")
    cell = getattr(nnx, name)(in_features=D, hidden_features=H, rngs=nnx.Rngs(0))
    xs = XS.astype(np.float32)
    model = models.from_flax(nnx.state(cell, nnx.Param))
    outputs, _ = ran(model, xs)
    module = nnx.RNN(cell, rngs=nnx.Rngs(0))
    close(outputs, np.swapaxes(module(np.swapaxes(xs, 0, 1)), 0, 1), np.float32)
    back = flat(models.to_flax(model, "nnx.LSTMCell" if name == "LSTMCell" else "nnx"))
    for path, value in nnx.to_flat_state(nnx.state(cell, nnx.Param)):
        assert back[".".join(path)].tobytes() == np.asarray(value).tobytes()
    nnx.update(cell, nested(back))


@pytest.mark.parametrize("name", ["GRUCell", "LSTMCell"])
def test_equinox(name):
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    eqx = pytest.importorskip("equinox", reason="Equinox is not installed")
    cell = getattr(eqx.nn, name)(D, H, key=jax.random.key(0))
    xs = XS.astype(np.float32)
    model = models.from_equinox(cell)
    outputs, weights = ran(model, xs)

    def loss(cell):
        zeros = np.zeros((B, H), np.float32)
        state = (zeros, zeros) if name == "LSTMCell" else zeros
        total, hs = 0.0, []
        for x, weight in zip(xs, weights, strict=True):
            state = jax.vmap(cell)(x, state)
            hs.append(state[0] if name == "LSTMCell" else state)
            total = total + (hs[-1] * weight).sum()
        return total, hs

    (_, hs), slopes = eqx.filter_value_and_grad(loss, has_aux=True)(cell)
    close(outputs, np.stack(hs), np.float32)
    for key, a in models.to_equinox(gradients_in_place(model)).items():
        np.testing.assert_allclose(a, getattr(slopes, key), rtol=1e-4, atol=1e-5)
    for key, a in models.to_equinox(model).items():
        assert a.tobytes() == np.asarray(getattr(cell, key)).tobytes()
