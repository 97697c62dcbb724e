#!/usr/bin/env bash
# onnxruntime 1.32.0 with onnx 1.23.2 (PyPI), seen on 2026-11-28, on the CPU.
#
# RNN, GRU and LSTM take activations by name, among them Softplus, log(1 + exp(x)); there is an operator Softplus too.
#
# The good guess: both give 100 for 100.
#
# Seen: the operator does; the activation is infinite from about 89 on, where exp(x) overflows in float32, and the next
# step is NaN: infinity times the recurrent weight 0. No error, no warning. At moderate arguments they agree.
#
#   operator Softplus of 100, 1                              [100.0, 1.313262]
#   RNN, activations=["Softplus"], W = 1, R = 0, of 100, 1   [inf, nan]
#   the same of 10, 1                                        [10.000046, 1.313262]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "onnxruntime==1.32.0" "onnx==1.23.2" numpy
cat > seen.py <<'PY'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

onnxruntime.set_default_logger_severity(3)
W = numpy_helper.from_array(np.ones((1, 1, 1), np.float32), "W")
R = numpy_helper.from_array(np.zeros((1, 1, 1), np.float32), "R")
OPERATOR = helper.make_node("Softplus", ["x"], ["y"])
LAYER = helper.make_node("RNN", ["x", "W", "R"], ["y"], hidden_size=1, activations=["Softplus"])


def run(node, values, axes):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (2, 1, 1))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * axes)
    graph = helper.make_graph([node], "g", [x], [y], [W, R])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"x": np.array(values, np.float32).reshape(2, 1, 1)})[0].ravel()


operator = run(OPERATOR, [100, 1], 3)
layer = run(LAYER, [100, 1], 4)
moderate = run(LAYER, [10, 1], 4)
print("operator Softplus of 100, 1 ", np.round(operator.tolist(), 6))
print("RNN with Softplus of 100, 1 ", np.round(layer.tolist(), 6))
print("RNN with Softplus of 10, 1  ", np.round(moderate.tolist(), 6))
assert np.allclose(operator, [100, 1.3132617])
assert np.isposinf(layer[0])
assert np.isnan(layer[1])
assert np.allclose(moderate, run(OPERATOR, [10, 1], 3))
PY
env/bin/python seen.py
