#!/usr/bin/env bash
# JAX 0.10.2 (PyPI), seen on 2026-11-28, on the CPU, in float64.
#
# hypot exists to be right where x*x + y*y overflows, and logaddexp where exp(x) does. Their values are.
#
# The good guess: so are their gradients. Those of hypot(x, x) are 1/sqrt(2) each at every x > 0; those of
# logaddexp(a, b) add up to 1, being the weights of a and b.
#
# Seen: at 1e200 the gradients of hypot are 1.06 each; of logaddexp they are 1 and e where one operand is infinite, and
# 1 and 1 for two equal operands that are large. No NaN, no warning.
#
#   hypot(3, 3)                1/sqrt(2), twice        0.7071 0.7071
#   hypot(1e200, 1e200)        1/sqrt(2), twice        1.0607 1.0607
#   logaddexp(inf, 1)          1 and 0                 1.0000 2.7183
#   logaddexp(1e17, 1e17)      1/2, twice              1.0000 1.0000
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "jax==0.10.2"
cat > seen.py <<'PY'
import math

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)
CALLS = [
    (jnp.hypot, 3.0, 3.0, "1/sqrt(2), twice", [math.sqrt(0.5)] * 2),
    (jnp.hypot, 1e200, 1e200, "1/sqrt(2), twice", [1.06066, 1.06066]),
    (jnp.logaddexp, math.inf, 1.0, "1 and 0", [1.0, math.e]),
    (jnp.logaddexp, 1e17, 1e17, "1/2, twice", [1.0, 1.0]),
]
for fn, a, b, guess, seen in CALLS:
    slopes = [float(g) for g in jax.grad(fn, argnums=(0, 1))(a, b)]
    call = f"{fn.__name__}({a:g}, {b:g})"
    print(f"{call:24} {guess:18} {slopes[0]:.4f} {slopes[1]:.4f}")
    assert all(math.isclose(g, s, rel_tol=1e-4) for g, s in zip(slopes, seen, strict=True)), slopes
PY
env/bin/python seen.py
