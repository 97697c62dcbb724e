#!/usr/bin/env bash
# autograd 1.9.1 with NumPy 2.4.6 (PyPI), seen on 2026-11-27.
#
# Two functions with a plain derivative at an ordinary point: the largest magnitude of a vector whose largest element
# is alone, and a product in which one factor is 0.
#
# The good guess: the gradient of np.linalg.norm(x, np.inf) at (1, -3) is (0, -1), and that of np.prod at (2, 0, 3)
# is (0, 6, 0): the product of the other factors.
#
# Seen: NaN for both, silently but for a RuntimeWarning. The rule of the norm is that of a finite order,
# x |x|^(p-2) / norm^(p-1), with p = inf; that of the product divides the result by the factor.
#
#   norm(x, inf) at (1, -3)        [ 0. nan]
#   prod at (2, 0, 3)              [ 0. nan  0.]
#   prod by hand, x0 * x1 * x2     [0. 6. 0.]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "autograd==1.9.1" "numpy==2.4.6"
cat > seen.py <<'PY'
import warnings

import autograd.numpy as np
import numpy as plain
from autograd import grad

warnings.simplefilter("ignore")
x = plain.array([1.0, -3.0])
factors = plain.array([2.0, 0.0, 3.0])
norm = grad(lambda x: np.linalg.norm(x, np.inf))(x)
product = grad(np.prod)(factors)
by_hand = grad(lambda x: x[0] * x[1] * x[2])(factors)
print("norm(x, inf) at (1, -3)     ", norm)
print("prod at (2, 0, 3)           ", product)
print("prod by hand, x0 * x1 * x2  ", by_hand)
assert np.isnan(norm[1])
assert np.isnan(product[1])
assert by_hand.tolist() == [0.0, 6.0, 0.0]
PY
env/bin/python seen.py
