"""The gradients of a tensor that was computed already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from minigrad.containers import as_tensors, in_order, like
from minigrad.core.finished import let_go_of_updates
from minigrad.core.gradient import gradients
from minigrad.core.seed import seed_for
from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor, frozen
from minigrad.ops.elementwise import cast


@overload
def grad(
    output: Tensor,
    inputs: Tensor | Sequence[Tensor],
    grad_output: Any = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> list[Tensor]: ...
@overload
def grad(
    output: Tensor,
    inputs: Any,
    grad_output: Any = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> Any: ...
def grad(
    output: Tensor,
    inputs: Any,
    grad_output: Any = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> Any:
    """The gradients of output with respect to inputs, leaves or not; no ``.grad`` is touched.

    Returns a list of one Tensor per input, in its shape. Inputs in a dict, a named tuple, a
    dataclass or a model, nested, come back as such, with gradients in place of the inputs.
    ``grad_output`` is the cotangent of output, in its shape (default: 1 for a scalar).
    ``create_graph`` records the computation, so that the results can be differentiated again.
    ``allow_unused``: zeros for an input that output was not computed from.

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> (slope,) = mg.grad(x * x * x, x, create_graph=True)
    >>> (curvature,) = mg.grad(slope, x)
    >>> slope.item(), curvature.item()
    (27.0, 18.0)
    >>> mg.grad(x * x, {"x": x})
    {'x': tensor(6.)}

    Raises GradientError for an input that needs no gradient or is not on the tape, and where there
    is no way back; ArgumentError for what is no Tensor, and where there is no input.
    """
    asked = in_order(inputs)
    targets = as_tensors("grad", asked)
    tape = Tape.of(output)
    is_tensor = isinstance(grad_output, Tensor)
    seed: Array | Tensor = seed_for(tape, grad_output.data if is_tensor else grad_output)
    if create_graph:
        seed = cast(grad_output, output.dtype) if is_tensor else Tensor(frozen(seed))
    adjoints = gradients(tape, targets, seed, allow_unused)
    # which held its nodes, if a debugger had them shown
    del tape
    if not create_graph:
        let_go_of_updates(targets)
    return like(asked, dict(zip(targets, adjoints, strict=True)))
