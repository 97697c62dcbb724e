"""Real exports of PyTorch: outputs and gradients are PyTorch's; where it is not installed, skipped."""

import io
import logging
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.transforms import truncate

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
torch = pytest.importorskip("torch", reason="PyTorch is not installed")

H = 4
# PyTorch's gates in the order of ONNX's: i f g o -> i o f g, r z n -> z r n.
ORDER = {"LSTM": [0, 3, 1, 2], "GRU": [1, 0, 2], "RNN": [0]}


class Network(torch.nn.Module):
    """A recurrent layer, and a linear one at its last step."""

    def __init__(self, kind, **options):
        super().__init__()
        self.rnn = getattr(torch.nn, kind)(3, H, **options)
        self.head = torch.nn.Linear(H * (1 + self.rnn.bidirectional), 2)

    def forward(self, x):
        y, _ = self.rnn(x)
        return self.head(y[:, -1] if self.rnn.batch_first else y[-1])


def exported(network, *inputs, dynamo=False, **options):
    """The model as onnx.load gives it."""
    file = io.BytesIO()
    if dynamo:
        pytest.importorskip("onnxscript", reason="onnxscript is not installed")
        options |= {"external_data": False, "verbose": False}
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(network, inputs, file, dynamo=dynamo, **options)
    finally:
        logging.disable(logging.NOTSET)
    return onnx.load_model_from_string(file.getvalue())


def packed(network, kind):
    """{name: (value, gradient)}: the weights as ONNX has them, several of PyTorch's in one."""
    rows = np.concatenate([np.arange(H) + H * k for k in ORDER[kind]])
    directions = ["", "_reverse"][: 1 + network.rnn.bidirectional]
    found = {}
    for layer in range(network.rnn.num_layers):
        for names in (["weight_ih"], ["weight_hh"], ["bias_ih", "bias_hh"]):
            pairs = []
            for end in directions:
                parts = [getattr(network.rnn, f"{name}_l{layer}{end}") for name in names]
                values = np.concatenate([p.detach().numpy()[rows] for p in parts])
                pairs.append((values, np.concatenate([p.grad.numpy()[rows] for p in parts])))
            found[f"{names[0]}_{layer}"] = tuple(map(np.stack, zip(*pairs, strict=True)))
    return found


CASES = [
    ("LSTM", {}),
    ("GRU", {"num_layers": 2}),
    ("RNN", {"bidirectional": True, "nonlinearity": "relu"}),
    ("RNN", {"num_layers": 2, "batch_first": True}),
    ("LSTM", {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    ("GRU", {"bidirectional": True}),
]


def check(network, kind, x, **options):
    model = mg.from_onnx(exported(network.eval(), x, **options))
    leaf = x.clone().requires_grad_()
    wanted = network(leaf)
    wanted.pow(2).sum().backward()
    own = mg.tensor(x.numpy(), requires_grad=True)
    y = model(own)
    np.testing.assert_allclose(y.data, wanted.detach().numpy(), atol=1e-5)
    np.sum(y * y).backward()
    np.testing.assert_allclose(own.grad, leaf.grad.numpy(), atol=1e-5)
    for name, (value, gradient) in packed(network, kind).items():
        same = [p for p in model.parameters.values() if np.array_equal(p.data, value)]
        assert len(same) == 1, name
        np.testing.assert_allclose(same[0].grad, gradient, atol=1e-5, err_msg=name)
    return model, y


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_outputs_and_gradients_are_pytorch_s(kind, options):
    torch.manual_seed(0)
    axes = {"dynamic_axes": {"x": [0, 1]}, "input_names": ["x"]}
    model, _ = check(Network(kind, **options), kind, torch.randn(5, 2, 3), **axes)
    # axes that were exported as dynamic follow what is fed
    assert model(np.zeros((2, 7, 3))).shape[1] == 2


@pytest.mark.parametrize(("kind", "options"), [CASES[0], CASES[1]])
def test_the_other_exporter_s_too(kind, options):
    torch.manual_seed(0)
    check(Network(kind, **options), kind, torch.randn(5, 2, 3), dynamo=True)


def test_layers_are_read_step_by_step():
    """What lies between two layers in the file is no bottleneck of all steps on the tape."""
    network = Network("LSTM", num_layers=2, bidirectional=True, batch_first=True)
    tape = mg.Tape.of(mg.from_onnx(exported(network, torch.randn(2, 5, 3)))(np.ones((2, 5, 3))))
    names = {f"{s}{d}^{{({k})}}" for s in "hc" for d in "fb" for k in (1, 2)}
    # the last layer's second direction is read at its first step only
    states = {state.name for state in tape.states()}
    assert states == names - {"hb^{(2)}", "cb^{(2)}"}
    assert all(state.is_proven for state in tape.states())


def test_truncated_it_is_pytorch_with_the_state_detached():
    torch.manual_seed(0)
    network = Network("LSTM").eval()
    x = torch.randn(6, 2, 3)
    model = mg.from_onnx(exported(network, x))
    tape = truncate(mg.Tape.of(np.sum(model(x.numpy()))), every=2)
    tape.backward()
    _, state = network.rnn(x[:4])
    y, _ = network.rnn(x[4:], tuple(s.detach() for s in state))
    network.head(y[-1]).sum().backward()
    for name, (value, gradient) in packed(network, "LSTM").items():
        (same,) = [p for p in model.parameters.values() if np.array_equal(p.data, value)]
        np.testing.assert_allclose(same.grad, gradient, atol=1e-5, err_msg=name)


class Padded(torch.nn.Module):
    """A bidirectional LSTM over a batch of sequences of different lengths."""

    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.LSTM(3, H, bidirectional=True)

    def forward(self, x, lengths):
        pack = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        y, (h, _) = self.rnn(pack)
        return torch.nn.utils.rnn.pad_packed_sequence(y)[0], h


@pytest.mark.parametrize("lengths", [[3, 5, 1], [5, 5, 2]])
def test_padded_batches(lengths):
    torch.manual_seed(0)
    network = Padded().eval()
    x = torch.randn(5, 3, 3)
    model = mg.from_onnx(exported(network, x, torch.tensor([2, 5, 4])))
    wanted = network(x, torch.tensor(lengths))
    for y, expected in zip(model(x.numpy(), lengths), wanted, strict=True):
        np.testing.assert_allclose(y.data, expected.detach().numpy(), atol=1e-5)


class LanguageModel(torch.nn.Module):
    """Characters looked up, two layers, a normalization, scores of all steps."""

    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(7, 3)
        self.rnn = torch.nn.GRU(3, H, 2, batch_first=True, dropout=0.5)
        self.norm = torch.nn.LayerNorm(H)
        self.head = torch.nn.Linear(H, 7)

    def forward(self, tokens):
        y, h = self.rnn(self.table(tokens))
        return torch.log_softmax(self.head(self.norm(y)), -1), h


def test_a_language_model_compiles_and_takes_other_characters():
    torch.manual_seed(0)
    network = LanguageModel().eval()
    tokens = torch.randint(7, (2, 5))
    model = mg.from_onnx(exported(network, tokens))
    (name,) = model.inputs
    plan = mg.compile(mg.Tape.of(*model(tokens.numpy())))
    for seed in range(3):
        torch.manual_seed(seed)
        other = torch.randint(7, (2, 5))
        got = plan({name: other.numpy()}, missing="recorded")
        for y, expected in zip(got, network(other), strict=True):
            np.testing.assert_allclose(y, expected.detach().numpy(), atol=1e-5)
