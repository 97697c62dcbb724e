#!/usr/bin/env bash
# PyTorch 2.13.0 (PyPI), seen on 2026-11-27, on the CPU.
#
# torch.linalg.pinv(A, hermitian=True) says that A is symmetric, as eigvalsh and cholesky do by their meaning.
#
# The good guess: at a symmetric A its gradient is symmetric, as those of eigvalsh and cholesky are, so that a step of
# gradient descent leaves A symmetric.
#
# Seen: the gradients of eigvalsh and cholesky are symmetric; that of pinv with hermitian=True is not. It is the
# gradient of the general pseudo-inverse: after one step A is no symmetric matrix any more, and hermitian=True, which
# reads one triangle only, silently gives the pseudo-inverse of another matrix than A.
#
#   eigvalsh                       [[1.723607, 0.447214], [0.447214, 1.276393]]
#   cholesky                       [[0.331708, -0.129099], [-0.129099, 0.387298]]
#   pinv with hermitian=True       [[-0.04, -0.28], [0.12, -0.16]]
#   after a step of 0.1, |pinv(A, hermitian=True) - pinv(A)|  0.009
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "torch==2.13.0" numpy
cat > seen.py <<'PY'
import torch

torch.set_default_dtype(torch.float64)
weights = torch.tensor([[1.0, 2.0], [0.0, 1.0]])
a = torch.tensor([[3.0, 1.0], [1.0, 2.0]], requires_grad=True)


def gradient(y):
    return torch.autograd.grad((y * weights[tuple([0] * (2 - y.ndim))]).sum(), a)[0]


def is_symmetric(g):
    return torch.allclose(g, g.T)


values = gradient(torch.linalg.eigvalsh(a))
factor = gradient(torch.linalg.cholesky(a))
inverse = gradient(torch.linalg.pinv(a, hermitian=True))
moved = (a - 0.1 * inverse).detach()
gap = (torch.linalg.pinv(moved, hermitian=True) - torch.linalg.pinv(moved)).abs().max()
print("eigvalsh                  ", values.round(decimals=6).tolist())
print("cholesky                  ", factor.round(decimals=6).tolist())
print("pinv with hermitian=True  ", inverse.round(decimals=6).tolist())
print("after a step of 0.1, |pinv(A, hermitian=True) - pinv(A)| ", round(gap.item(), 3))
assert is_symmetric(values)
assert is_symmetric(factor)
assert not is_symmetric(inverse)
assert gap > 1e-3
PY
env/bin/python seen.py
