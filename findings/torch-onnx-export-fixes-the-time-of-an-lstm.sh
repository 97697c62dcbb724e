#!/usr/bin/env bash
# PyTorch 2.13.0 with onnx 1.23.2, onnxscript 0.7.2 and onnxruntime 1.32.0 (PyPI), seen on 2026-11-28, on the CPU.
#
# An LSTM is exported with a free number of steps and a free batch, dynamic_shapes=({0: DYNAMIC, 1: DYNAMIC},).
#
# The good guess: the file runs for any number of steps, as that of the older exporter with dynamic_axes does; or the
# export raises, as it does for torch.nn.RNN, since what was asked for is not to be had.
#
# Seen: the export raises nothing and the input of the file has a free first axis, but the number of steps of the
# example, 5, is written into a Reshape. 5 steps run, 7 fail. The batch is free indeed.
#
#   input of the file        [free, free, 3]
#   5 steps, batches of 2, 6 (5, 2, 4) (5, 6, 4)
#   7 steps                  fails in a Reshape
#   7 steps, dynamo=False    (7, 2, 4)
#   export of torch.nn.RNN   raises: a static shape of 5
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "torch==2.13.0" "onnx==1.23.2" "onnxscript==0.7.2" "onnxruntime==1.32.0" numpy
cat > seen.py <<'PY'
import logging
import warnings

import numpy as np
import onnxruntime
import torch

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")
onnxruntime.set_default_logger_severity(4)
net = torch.nn.LSTM(3, 4).eval()
x = torch.randn(5, 2, 3)
free = torch.export.Dim.DYNAMIC
shapes = ({0: free, 1: free},)
torch.onnx.export(net, (x,), "new.onnx", dynamo=True, verbose=False, dynamic_shapes=shapes, external_data=False)
torch.onnx.export(net, (x,), "old.onnx", dynamo=False, input_names=["x"], dynamic_axes={"x": [0, 1]})
new = onnxruntime.InferenceSession("new.onnx")
old = onnxruntime.InferenceSession("old.onnx")


def shape(session, steps, batch):
    zeros = np.zeros((steps, batch, 3), np.float32)
    return session.run(None, {session.get_inputs()[0].name: zeros})[0].shape


axes = new.get_inputs()[0].shape
print("input of the file       ", ["free" if isinstance(n, str) else n for n in axes])
assert isinstance(axes[0], str)
assert isinstance(axes[1], str)
print("5 steps, batches of 2, 6", shape(new, 5, 2), shape(new, 5, 6))
assert shape(new, 5, 6) == (5, 6, 4)
try:
    shape(new, 7, 2)
except Exception as refusal:
    print("7 steps                  fails in a Reshape")
    assert "Reshape" in str(refusal)
else:
    raise SystemExit("7 steps run")
print("7 steps, dynamo=False   ", shape(old, 7, 2))
assert shape(old, 7, 2) == (7, 2, 4)
plain = torch.nn.RNN(3, 4).eval()
try:
    torch.onnx.export(plain, (x,), "plain.onnx", dynamo=True, verbose=False, dynamic_shapes=shapes)
except Exception as refusal:
    print("export of torch.nn.RNN   raises: a static shape of 5")
    assert "static shape of 5" in str(refusal)
else:
    raise SystemExit("the export of torch.nn.RNN raises nothing")
PY
env/bin/python seen.py
