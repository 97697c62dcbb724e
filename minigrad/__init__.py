"""minigrad: tape-based reverse-mode autograd on NumPy, whose tapes are values you can rewrite."""

from pathlib import Path as _Path

# In a checkout the packages models and viz lie beside this folder; installed, they lie in it.
if not _Path(__file__).with_name("models").is_dir():
    __path__.append(str(_Path(__file__).parents[1]))

from minigrad.checks.central_differences import gradcheck
from minigrad.checks.finding import NonFinite
from minigrad.checks.nonfinite import detect_anomaly, find_nonfinite
from minigrad.core.gates import clip_grad, detach, on_backward, scale_grad
from minigrad.core.inspection.step import Step
from minigrad.core.inspection.watch import Watch
from minigrad.core.scope import no_grad, timestep
from minigrad.core.tape import Edge, Tape
from minigrad.core.tensor import Tensor, tensor
from minigrad.losses import cross_entropy, mse, sequence_mask
from minigrad.ops.activations import log_softmax, logsumexp, relu, sigmoid, softmax
from minigrad.ops.numeric.own import op
from minigrad.ops.rows.embedding import embedding
from minigrad.ops.rows.one_hot import one_hot

from . import errors, optim, transforms
from .compiler import Plan, compile
from .compiler.rolled.lengths.any_length import RolledFamily, roll_any
from .compiler.rolled.rolled import Rolled, load_program, roll
from .debugger import break_at, debug, pm
from .engines.lower import lower
from .engines.onnx.exported import to_onnx
from .engines.onnx.imported import OnnxModel, from_onnx
from .functional import grad, hessian, hvp, jacobian, vjp

__version__ = "0.1.0"
__all__ = [
    "Edge",
    "NonFinite",
    "OnnxModel",
    "Plan",
    "Rolled",
    "RolledFamily",
    "Step",
    "Tape",
    "Tensor",
    "Watch",
    "break_at",
    "clip_grad",
    "compile",
    "cross_entropy",
    "debug",
    "detach",
    "detect_anomaly",
    "embedding",
    "errors",
    "find_nonfinite",
    "from_onnx",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "load_program",
    "log_softmax",
    "logsumexp",
    "lower",
    "mse",
    "no_grad",
    "on_backward",
    "one_hot",
    "op",
    "optim",
    "pm",
    "relu",
    "roll",
    "roll_any",
    "scale_grad",
    "sequence_mask",
    "sigmoid",
    "softmax",
    "tensor",
    "timestep",
    "to_onnx",
    "transforms",
    "vjp",
]
