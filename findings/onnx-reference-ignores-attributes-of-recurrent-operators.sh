#!/usr/bin/env bash
# onnx 1.23.2 with onnxruntime 1.32.0 (PyPI), seen on 2026-11-28, on the CPU.
#
# onnx.reference.ReferenceEvaluator runs a model in NumPy and is there to say what a model means. Of RNN it refuses an
# activation that it does not know.
#
# The good guess: it computes what the attributes and inputs of GRU and LSTM say, or refuses them as well.
#
# Seen: sequence_lens of a GRU, activations of an LSTM and clip of an LSTM are read by nobody: the result is that of the
# same model without them, silently. onnxruntime heeds all three.
#
#                                     without           with, reference   with, onnxruntime
#   GRU, sequence_lens = 1 of 2       0.2048 0.3468     0.2048 0.3468     0.2048 0.0000
#   LSTM, activations all Relu        0.3696 0.6505     0.3696 0.6505     1.0000 12.0000
#   LSTM, clip = 0.1                  0.3696 0.6505     0.3696 0.6505     0.0274 0.0418
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
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

X = np.ones((2, 1, 1), np.float32)


def results(op, gates, sequence_lens=None, **attributes):
    arrays = {"W": np.ones((1, gates, 1), np.float32), "R": np.ones((1, gates, 1), np.float32)}
    names = ["x", "W", "R"]
    if sequence_lens is not None:
        arrays["lens"] = np.array(sequence_lens, np.int32)
        names += ["", "lens"]
    node = helper.make_node(op, names, ["y"], hidden_size=1, **attributes)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, X.shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * 4)
    initializers = [numpy_helper.from_array(a, name) for name, a in arrays.items()]
    graph = helper.make_graph([node], "g", [x], [y], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    runs = ReferenceEvaluator(model).run(None, {"x": X}), session.run(None, {"x": X})
    return [run[0].ravel() for run in runs]


CASES = [
    ("GRU, sequence_lens = 1 of 2", "GRU", 3, {"sequence_lens": [1]}),
    ("LSTM, activations all Relu", "LSTM", 4, {"activations": ["Relu"] * 3}),
    ("LSTM, clip = 0.1", "LSTM", 4, {"clip": 0.1}),
]
for title, op, gates, extra in CASES:
    plain, plain_runtime = results(op, gates)
    reference, runtime = results(op, gates, **extra)
    columns = ["{:.4f} {:.4f}".format(*a) for a in (plain, reference, runtime)]
    print(f"{title:30}", *[f"{c:16}" for c in columns])
    assert np.allclose(plain, plain_runtime, atol=1e-5)
    assert np.array_equal(plain, reference)
    assert np.abs(plain - runtime).max() > 0.1
PY
env/bin/python seen.py
