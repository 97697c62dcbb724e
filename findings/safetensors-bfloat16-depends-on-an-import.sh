#!/usr/bin/env bash
# safetensors 0.8.0 with NumPy 2.4.6 and ml_dtypes 0.6.0 (PyPI), seen on 2026-11-28.
#
# safetensors.numpy.save_file writes an array of ml_dtypes' bfloat16; ml_dtypes is the package that gives NumPy that
# type, and it is installed.
#
# The good guess: safetensors.numpy.load_file reads the file, in whatever program.
#
# Seen: it does where someone has imported ml_dtypes before, as JAX does; else it raises TypeError, which says nothing
# of ml_dtypes. So does safe_open(path, "numpy").get_tensor. A program that reads the file works or fails with an
# import that it does not use.
#
#   load_file                         TypeError: data type 'bfloat16' not understood
#   get_tensor                        TypeError: data type 'bfloat16' not understood
#   the same after import ml_dtypes   [1.0, 2.5] bfloat16
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "safetensors==0.8.0" "numpy==2.4.6" "ml_dtypes==0.6.0"
cat > write.py <<'PY'
import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

save_file({"a": np.array([1, 2.5], ml_dtypes.bfloat16)}, "x.safetensors")
PY
cat > seen.py <<'PY'
from safetensors import safe_open
from safetensors.numpy import load_file


def get_tensor():
    with safe_open("x.safetensors", "numpy") as file:
        return file.get_tensor("a")


def load():
    return load_file("x.safetensors")["a"]


for name, read in {"load_file": load, "get_tensor": get_tensor}.items():
    try:
        read()
    except TypeError as refusal:
        print(f"{name:33} TypeError: {refusal}")
        assert "bfloat16" in str(refusal)
        assert "ml_dtypes" not in str(refusal)
    else:
        raise SystemExit(f"{name} reads the file")

import ml_dtypes

for read in (load, get_tensor):
    a = read()
    assert a.dtype == ml_dtypes.bfloat16
    assert a.tolist() == [1.0, 2.5]
print("the same after import ml_dtypes  ", a.tolist(), a.dtype)
PY
env/bin/python write.py
env/bin/python seen.py
