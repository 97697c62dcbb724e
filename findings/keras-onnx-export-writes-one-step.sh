#!/usr/bin/env bash
# Keras 3.15.1 on PyTorch 2.13.0, with onnx 1.23.2, onnxscript 0.7.2 and onnxruntime 1.32.0 (PyPI), seen on 2026-11-28,
# on the CPU.
#
# A model of one recurrent layer, Input((None, 3)): any number of steps. model.export("x.onnx", format="onnx").
#
# The good guess: the file runs any number of steps and gives what model.predict gives; or the export raises.
#
# Seen: the input of the file has a free second axis, but exactly one step is written out. For LSTM and GRU
# onnxruntime runs 5 steps and gives the result after the first one; for SimpleRNN it fails. The export raises nothing;
# PyTorch warns that a trace may not hold for other inputs. With Input((5, 3)) five steps are written out, and the
# results agree.
#
#   steps written, Input((None, 3))       LSTM 1, GRU 1, SimpleRNN 1; Input((5, 3)): 5 each
#   5 steps, file against predict         LSTM 0.129, GRU 0.901 apart; SimpleRNN fails in a Split
#   5 steps, file against predict of 1    LSTM 0.000, GRU 0.000 apart
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "keras==3.15.1" "torch==2.13.0" "onnx==1.23.2" "onnxscript==0.7.2" "onnxruntime==1.32.0" numpy
cat > seen.py <<'PY'
import logging
import os
import warnings

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
import onnx
import onnxruntime

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")
onnxruntime.set_default_logger_severity(4)
x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
TANHS_A_STEP = {"LSTM": 2, "GRU": 1, "SimpleRNN": 1}


def exported(kind, steps):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((steps, 3)), getattr(keras.layers, kind)(4)])
    # The exporter wants a model that was called.
    model.predict(x, verbose=0)
    model.export("x.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession("x.onnx")
    return model, session, session.get_inputs()[0]


def steps_written(kind):
    nodes = onnx.load("x.onnx", load_external_data=False).graph.node
    names = [n.op_type for n in nodes]
    assert not {"Loop", "Scan", "LSTM", "GRU", "RNN"} & set(names)
    # SimpleRNN makes a first output before its loop.
    tanhs = names.count("Tanh") - (kind == "SimpleRNN")
    return tanhs // TANHS_A_STEP[kind]


def gap(a, b):
    return float(np.abs(a - b).max())


for kind in ("LSTM", "GRU", "SimpleRNN"):
    model, session, axis = exported(kind, None)
    written = steps_written(kind)
    print(f"{kind:10} input {axis.shape}, steps written: {written}")
    assert isinstance(axis.shape[1], str)
    assert written == 1
    if kind == "SimpleRNN":
        try:
            session.run(None, {axis.name: x})
        except Exception as refusal:
            assert "Split" in str(refusal)
            print(f"{kind:10} 5 steps: fails in a Split")
        else:
            raise SystemExit("5 steps of a SimpleRNN run")
    else:
        (y,) = session.run(None, {axis.name: x})
        all_steps = gap(y, model.predict(x, verbose=0))
        first_step = gap(y, model.predict(x[:, :1], verbose=0))
        print(f"{kind:10} 5 steps: {all_steps:.3f} from predict, {first_step:.3f} from predict of the first step")
        assert all_steps > 0.05
        assert first_step < 1e-5
    model, session, axis = exported(kind, 5)
    (y,) = session.run(None, {axis.name: x})
    assert steps_written(kind) == 5
    assert gap(y, model.predict(x, verbose=0)) < 1e-5
PY
env/bin/python seen.py
