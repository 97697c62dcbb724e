"""minigrad: tape-based reverse-mode autograd on NumPy, whose tapes are values you can rewrite."""

from . import (
    optim,
    reading,  # noqa: F401  (gives Tensor its methods)
    transforms,
)
from .anomaly import detect_anomaly, find_nonfinite
from .backward import grad
from .check import gradcheck
from .compile import Plan, compile
from .debug import break_at, debug, pm
from .functions import cross_entropy, log_softmax, mse, one_hot, relu, sigmoid, softmax
from .gates import clip_grad, detach, on_backward, scale_grad
from .nonfinite import NonFinite
from .scope import no_grad, timestep
from .sweep import Step
from .tape import Edge, Tape
from .tensor import Tensor, tensor
from .watch import Watch

__version__ = "0.1.0"
__all__ = [
    "Edge", "NonFinite", "Plan", "Step", "Tape", "Tensor", "Watch", "break_at", "clip_grad", "compile", "cross_entropy",
    "debug", "detach", "detect_anomaly", "find_nonfinite", "grad", "gradcheck", "log_softmax", "mse", "no_grad",
    "on_backward", "one_hot", "optim", "pm", "relu", "scale_grad", "sigmoid", "softmax", "tensor", "timestep",
    "transforms",
]  # fmt: skip
