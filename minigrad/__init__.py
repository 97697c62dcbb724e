"""minigrad: tape-based reverse-mode autograd on NumPy, whose tapes are values you can rewrite."""

from . import optim, transforms
from .anomaly import detect_anomaly, find_nonfinite
from .backward import grad
from .check import gradcheck
from .compile import Plan, compile
from .functions import cross_entropy, log_softmax, mse, one_hot, relu, sigmoid, softmax
from .gates import clip_grad, detach, on_backward, scale_grad
from .nonfinite import NonFinite
from .scope import no_grad, timestep
from .sweep import Step
from .tape import Edge, Tape
from .tensor import Tensor, tensor

__all__ = [
    "Edge", "NonFinite", "Plan", "Step", "Tape", "Tensor", "clip_grad", "compile", "cross_entropy", "detach",
    "detect_anomaly", "find_nonfinite", "grad", "gradcheck", "log_softmax", "mse", "no_grad", "on_backward", "one_hot",
    "optim", "relu", "scale_grad", "sigmoid", "softmax", "tensor", "timestep", "transforms",
]  # fmt: skip
