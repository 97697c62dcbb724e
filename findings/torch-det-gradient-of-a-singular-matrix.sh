#!/usr/bin/env bash
# PyTorch 2.13.0 and JAX 0.10.2 (PyPI), seen on 2026-11-27, on the CPU.
#
# The determinant is a polynomial of the entries; its gradient is the matrix of cofactors, at every matrix. At
# [[1, 2], [2, 4]] it is [[4, -2], [-2, 1]].
#
# The good guess: torch.linalg.det has that gradient at a singular matrix as well, as JAX's has, or an error is raised;
# and create_graph=True, which only says that the backward pass is recorded, does not change a number.
#
# Seen: the gradient is zero, without a warning, where the determinant comes out as exactly 0. With create_graph=True
# it is right.
#
#   determinant                           -0.0
#   torch.autograd.grad                   [[0.0, -0.0], [-0.0, 0.0]]
#   the same with create_graph=True       [[4.0, -2.0], [-2.0, 1.0]]
#   jax.grad                              [[4.0, -2.0], [-2.0, 1.0]]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "torch==2.13.0" "jax==0.10.2" numpy
cat > seen.py <<'PY'
import jax
import jax.numpy as jnp
import torch

jax.config.update("jax_enable_x64", True)
entries = [[1.0, 2.0], [2.0, 4.0]]
cofactors = torch.tensor([[4.0, -2.0], [-2.0, 1.0]], dtype=torch.float64)


def by_torch(create_graph):
    a = torch.tensor(entries, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(torch.linalg.det(a), a, create_graph=create_graph)[0].detach()


plain = by_torch(create_graph=False)
recorded = by_torch(create_graph=True)
by_jax = torch.tensor(jax.grad(jnp.linalg.det)(jnp.array(entries)).tolist(), dtype=torch.float64)
print("determinant                      ", torch.linalg.det(torch.tensor(entries, dtype=torch.float64)).item())
print("torch.autograd.grad              ", plain.tolist())
print("the same with create_graph=True  ", recorded.round(decimals=9).tolist())
print("jax.grad                         ", by_jax.tolist())
assert torch.equal(plain, torch.zeros(2, 2, dtype=torch.float64))
assert torch.allclose(recorded, cofactors)
assert torch.allclose(by_jax, cofactors)
PY
env/bin/python seen.py
