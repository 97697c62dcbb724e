#!/usr/bin/env bash
# onnx 1.23.2 with onnxruntime 1.32.0 (PyPI), seen on 2026-11-28, on the CPU.
#
# Softmax changed its meaning with opset 13. Before, the axes from `axis` on are taken together as one; since then,
# `axis` alone is meant. At axis=0 of a 2 by 2 matrix: one distribution over 4 elements, or one for each column.
#
# The good guess: onnx.reference.ReferenceEvaluator, which says what a model means, heeds the model's opset.
#
# Seen: at opset 11 it computes as of opset 13, silently. onnxruntime heeds the opset.
#
#   opset 11, reference     [0.119203, 0.119203, 0.880797, 0.880797]
#   opset 11, onnxruntime   [0.032059, 0.087144, 0.236883, 0.643914]
#   opset 13, both          [0.119203, 0.119203, 0.880797, 0.880797]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "onnx==1.23.2" "onnxruntime==1.32.0" numpy
cat > seen.py <<'PY'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

X = np.arange(4, dtype=np.float32).reshape(2, 2)
TOGETHER = np.exp(X) / np.exp(X).sum()
BY_COLUMN = np.exp(X) / np.exp(X).sum(axis=0)


def results(opset):
    node = helper.make_node("Softmax", ["x"], ["y"], axis=0)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, X.shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, X.shape)
    graph = helper.make_graph([node], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=6)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return ReferenceEvaluator(model).run(None, {"x": X})[0], session.run(None, {"x": X})[0]


reference, runtime = results(11)
later = results(13)
print("opset 11, reference   ", np.round(reference.ravel().tolist(), 6).tolist())
print("opset 11, onnxruntime ", np.round(runtime.ravel().tolist(), 6).tolist())
print("opset 13, both        ", np.round(later[0].ravel().tolist(), 6).tolist())
assert np.allclose(runtime, TOGETHER, atol=1e-5)
assert np.allclose(reference, BY_COLUMN, atol=1e-5)
assert all(np.allclose(y, BY_COLUMN, atol=1e-5) for y in later)
PY
env/bin/python seen.py
