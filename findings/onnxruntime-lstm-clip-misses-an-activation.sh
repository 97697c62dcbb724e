#!/usr/bin/env bash
# onnxruntime 1.32.0 with onnx 1.23.2 (PyPI), seen on 2026-11-28, on the CPU.
#
# An LSTM of ONNX has the attribute clip: a bound that is, by the specification, applied to the input of activations.
# There are five of them: three gates, the candidate g, and the last, h of H_t = o_t * h(C_t).
#
# The good guess: all five are clipped, so that with clip = 0.5 no output is above sigmoid(0.5) * tanh(0.5) = 0.287649.
#
# Seen: the four are clipped, C_t is not. With W = 5, R = 0 and x = 1, so that everything but C_t stands at the bound:
#
#   onnxruntime               [0.17427, 0.271099, 0.3245, 0.354802]
#   by hand, C_t not clipped  [0.17427, 0.271099, 0.3245, 0.354802]
#   by hand, all clipped      [0.17427, 0.271099, 0.287649, 0.287649]
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

CLIP = 0.5
STEPS = 4
W = numpy_helper.from_array(np.full((1, 4, 1), 5, np.float32), "W")
R = numpy_helper.from_array(np.zeros((1, 4, 1), np.float32), "R")
x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (STEPS, 1, 1))
y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * 4)
node = helper.make_node("LSTM", ["x", "W", "R"], ["y"], hidden_size=1, clip=CLIP)
graph = helper.make_graph([node], "g", [x], [y], [W, R])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
onnx.checker.check_model(model)
meaning = onnx.defs.get_schema("LSTM").attributes["clip"].description
assert "applied to the input of activations" in " ".join(meaning.split()), meaning


def by_hand(bound):
    gate = 1 / (1 + np.exp(-CLIP))
    c = 0.0
    outputs = []
    for _ in range(STEPS):
        c = gate * c + gate * np.tanh(CLIP)
        outputs.append(gate * np.tanh(min(c, bound)))
    return np.array(outputs)


session = onnxruntime.InferenceSession(model.SerializeToString())
h = session.run(None, {"x": np.ones((STEPS, 1, 1), np.float32)})[0].ravel()
print("onnxruntime              ", np.round(h.tolist(), 6).tolist())
print("by hand, C_t not clipped ", by_hand(np.inf).round(6).tolist())
print("by hand, all clipped     ", by_hand(CLIP).round(6).tolist())
assert np.allclose(h, by_hand(np.inf), atol=1e-5)
assert not np.allclose(h, by_hand(CLIP), atol=1e-2)
PY
env/bin/python seen.py
