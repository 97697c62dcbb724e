#!/usr/bin/env bash
# Flax 0.12.8 with JAX 0.10.2 (PyPI), seen on 2026-11-28, on the CPU.
#
# The docstrings of linen.GRUCell and nnx.GRUCell state one and the same formula:
# n = tanh(W_in x + b_in + r * (W_hn h + b_hn)).
#
# The good guess: both have b_hn, as torch.nn.GRU has, so that a trained cell of linen or of PyTorch fits into nnx's.
#
# Seen: nnx.GRUCell has no b_hn, and no argument makes one: dense_h is a kernel alone. linen.GRUCell has it, as
# hn.bias. Being multiplied by r, it is no part of b_in either: without it, and with it added to b_in, the outputs are
# others. With hn.bias = 0 the two cells agree.
#
#   biases of linen          hn, in, ir, iz
#   biases of nnx            dense_i
#   hn.bias = 0              0.00 apart
#   hn.bias = 1, left out    0.49 apart
#   hn.bias = 1, in b_in     0.34 apart
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "flax==0.12.8" "jax==0.10.2" numpy
cat > seen.py <<'PY'
import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx

rng = np.random.default_rng(0)
x = jnp.asarray(rng.normal(size=(5, 3)), jnp.float32)
h = jnp.asarray(rng.normal(size=(5, 2)), jnp.float32)
old = linen.GRUCell(features=2)
params = old.init(jax.random.key(0), h, x)["params"]
new = nnx.GRUCell(in_features=3, hidden_features=2, rngs=nnx.Rngs(0))


def joined(part, *layers):
    return jnp.concatenate([params[layer][part] for layer in layers], axis=-1)


def gap(hn_bias, added):
    """Largest difference of the new states, `added` being added to nnx's bias of n."""
    params["hn"]["bias"] = jnp.full(2, hn_bias)
    new.dense_i.kernel[...] = joined("kernel", "ir", "iz", "in")
    new.dense_i.bias[...] = joined("bias", "ir", "iz", "in").at[4:].add(added)
    new.dense_h.kernel[...] = joined("kernel", "hr", "hz", "hn")
    theirs, _ = old.apply({"params": params}, h, x)
    ours, _ = new(h, x)
    return float(jnp.abs(ours - theirs).max())


for cell in (linen.GRUCell, nnx.GRUCell):
    assert "b_{hn}" in cell.__doc__
of_linen = sorted(name for name, part in params.items() if "bias" in part)
of_nnx = sorted(path[0] for path, _ in nnx.state(new, nnx.Param).flat_state() if path[-1] == "bias")
print("biases of linen       ", *of_linen)
print("biases of nnx         ", *of_nnx)
assert of_linen == ["hn", "in", "ir", "iz"]
assert of_nnx == ["dense_i"]
agreed = gap(0.0, 0.0)
left_out = gap(1.0, 0.0)
added = gap(1.0, 1.0)
print(f"hn.bias = 0            {agreed:.2f} apart")
print(f"hn.bias = 1, left out  {left_out:.2f} apart")
print(f"hn.bias = 1, in b_in   {added:.2f} apart")
assert agreed < 1e-6
assert left_out > 0.05
assert added > 0.05
PY
env/bin/python seen.py
