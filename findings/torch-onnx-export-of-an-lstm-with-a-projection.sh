#!/usr/bin/env bash
# PyTorch 2.13.0 with onnx 1.23.2, onnxscript 0.7.2 and onnxruntime 1.32.0 (PyPI), seen on 2026-11-28, on the CPU.
#
# torch.nn.LSTM(3, 4, proj_size=2) keeps a state c of 4 elements and hands on h = W_hr (o * tanh(c)) of 2. ONNX's LSTM
# has no projection.
#
# The good guess: the exporter writes the projection out with other operators, or raises, as the older one
# (dynamo=False) does.
#
# Seen: torch.onnx.export(..., dynamo=True) raises nothing, and no warning speaks of it. It writes an LSTM with
# hidden_size = proj_size: the first 8 rows of the 16 of weight_ih are the file's W, weight_hr is in no tensor of the
# file. onnx.checker.check_model passes (with full_check=True, which infers shapes, it does not), onnxruntime loads the
# file and refuses to run it.
#
#   of PyTorch   weight_ih (16, 3), weight_hh (16, 2), weight_hr (2, 4)
#   in the file  hidden_size 2, W (1, 8, 3), R (1, 8, 2)
#   onnxruntime  Input initial_c must have shape {1,2,2}. Actual:{1,2,4}
#   dynamo=False raises SymbolicValueError: LSTMs with projections
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "torch==2.13.0" "onnx==1.23.2" "onnxscript==0.7.2" "onnxruntime==1.32.0" numpy
cat > seen.py <<'PY'
import logging
import warnings

import onnx
import onnxruntime
import torch
from onnx import numpy_helper

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")
onnxruntime.set_default_logger_severity(4)
torch.manual_seed(0)
net = torch.nn.LSTM(3, 4, proj_size=2).eval()
x = torch.randn(5, 2, 3)
torch.onnx.export(net, (x,), "new.onnx", dynamo=True, verbose=False, external_data=False)
model = onnx.load("new.onnx")
onnx.checker.check_model(model)
arrays = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
(node,) = [n for n in model.graph.node if n.op_type == "LSTM"]
(size,) = [a.i for a in node.attribute if a.name == "hidden_size"]
w = arrays[node.input[1]]
r = arrays[node.input[2]]
projection = net.weight_hr_l0.detach().numpy()
print("hidden_size", size, " W", w.shape, " R", r.shape)
assert size == 2
assert w.shape == (1, 8, 3)
assert r.shape == (1, 8, 2)
written = {float(v) for a in arrays.values() for v in a.ravel()}
assert not written & {float(v) for v in projection.ravel()}

session = onnxruntime.InferenceSession("new.onnx")
try:
    session.run(None, {session.get_inputs()[0].name: x.numpy()})
except Exception as refusal:
    print("onnxruntime:", str(refusal).split("Status Message:")[-1].strip())
    assert "initial_c must have shape" in str(refusal)
else:
    raise SystemExit("onnxruntime runs the file")

try:
    torch.onnx.export(net, (x,), "old.onnx", dynamo=False)
except torch.onnx.errors.SymbolicValueError as refusal:
    print("dynamo=False:", type(refusal).__name__)
    assert "LSTMs with projections" in str(refusal)
else:
    raise SystemExit("the older exporter raises nothing")
assert net(x)[0].isfinite().all()
PY
env/bin/python seen.py
