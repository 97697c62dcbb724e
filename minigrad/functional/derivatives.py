"""Derivatives of functions: vjp, jacobian, hessian, hvp.

They take what they differentiate as their arguments after ``fn``, as JAX calls it: arrays, floats
or Tensors, or dicts, lists, tuples and dataclasses of them. What holds no floating numbers (labels,
lengths, names, None) is handed on to fn as it is; what is not to be differentiated, leave it out:
``mg.jacobian(lambda x: model(x, mask), x)``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from minigrad.containers import mapped
from minigrad.core.gradient import gradients
from minigrad.core.order import leading_to
from minigrad.core.scope import no_grad, recorded
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor, frozen, tensor
from minigrad.errors import GradientError, ShapeError
from minigrad.ops.elementwise import cast

from .function_run import Run, run_of


def vjp(fn: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], Any]]:
    """fn(*primals), and the function that maps a cotangent of it to the cotangents of the primals.

    The cotangent is like fn's result, in structure and shapes. A tuple comes back: per primal its
    structure with Tensors in its shapes, and None where it holds no floating numbers. What
    jacobian says of second derivatives holds here too.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> y, pull_back = mg.vjp(lambda A, x: A @ x, np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones(2))
    >>> y.data
    array([3., 7.])
    >>> pull_back(np.array([1.0, 0.0]))[1].data
    array([1., 2.])

    Raises: as :func:`jacobian`; ShapeError and ArgumentError for a cotangent unlike the result.
    """
    run = run_of("vjp", fn, primals)

    def pull_back(cotangent: Any) -> Any:
        with recorded():
            total = _dot("vjp", run.output, cotangent, run.depending)
        return run.filled(_gradients(total, run.inputs, run.outside))

    return run.result(), pull_back


def jacobian(fn: Callable[..., Any], *primals: Any) -> Any:
    """The Jacobian of fn at primals: d result[i] / d primal[j] at [*i, *j], by reverse mode.

    For a result of shape S and a primal of shape P it is a Tensor of shape (*S, *P). Where fn gives
    a dict, list, tuple or dataclass the Jacobians stand in it, and inside each there is the
    structure of the primal; with several primals, a tuple of one for each. None stands where a
    primal holds no floating numbers.

    Tensors come back, as NumPy functions take them (``.data`` is the array), so that they can be
    differentiated again: with respect to a primal that is a Tensor with a gradient, and to
    parameters that fn reads. One backward pass for each element of the result.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> mg.jacobian(lambda x: x * x, np.array([1.0, 2.0])).data
    array([[2., 0.],
           [0., 4.]])
    >>> mg.jacobian(lambda p: np.sum(p["W"]) * p["b"], {"W": np.ones(2), "b": 3.0})
    {'W': tensor([3., 3.]), 'b': tensor(2.)}

    Raises: ArgumentError where fn is no function or returns anything but Tensors, and where there
    is nothing to differentiate; GradientError where its result does not depend on the primals.
    """
    return _jacobian("jacobian", fn, primals)


def hessian(fn: Callable[..., Any], *primals: Any) -> Any:
    """The Hessian of fn at primals: the Jacobian of its Jacobian.

    For a scalar fn and one primal of shape P it is a Tensor of shape (*P, *P). Structures nest: the
    result's outside, then that of the first derivative, inside that of the second:
    ``H["W"]["b"]``; with several primals ``H[i][j]``.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> mg.hessian(lambda x: np.prod(x), np.array([2.0, 3.0])).data
    array([[0., 1.],
           [1., 0.]])

    Raises: as :func:`jacobian`.
    """

    def first(*xs: Any) -> Any:
        return _jacobian("hessian", fn, xs)

    return _jacobian("hessian", first, primals, may_be_constant=True)


def hvp(fn: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The Hessian of a scalar fn at primals times tangents, without the Hessian: two sweeps.

    ``primals`` is the one argument of fn, or a tuple of several; tangents are like them, and so is
    what comes back.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> mg.hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.array([1.0, 1.0])).data
    array([ 6., 12.])

    Raises: as :func:`jacobian`; GradientError where fn is no scalar; ShapeError and ArgumentError
    for tangents unlike the primals.
    """
    several = type(primals) is tuple
    if not several:
        primals, tangents = (primals,), (tangents,)
    run = run_of("hvp", fn, primals)
    y = run.output
    if not isinstance(y, Tensor) or y.size != 1:
        shape = f"'{y.label}' of shape {y.shape}" if isinstance(y, Tensor) else type(y).__name__
        got = f"fn returns {shape}"
        raise GradientError("hvp", got=got, expected="expected one scalar Tensor")
    with recorded():
        slopes = _gradients(y, run.inputs, recorded=True)
        slope = run.filled(slopes)
        depending = leading_to(Tape.of(*slopes).nodes, run.inputs)
        total = _dot("hvp", slope, tangents, depending)
    products = run.filled(_gradients(total, run.inputs, run.outside))
    return products if several else products[0]


# --- how it is done -----------------------------------------------------------------------------
def _jacobian(
    caller: str, fn: Callable[..., Any], primals: tuple[Any, ...], may_be_constant: bool = False
) -> Any:
    run = run_of(caller, fn, primals, may_be_constant)

    def rows_of(y: Tensor) -> Any:
        blocks = run.filled(_blocks(run, y))
        return blocks[0] if len(blocks) == 1 else blocks

    with nullcontext() if run.outside else no_grad():
        return mapped(rows_of, run.output)


def _blocks(run: Run, y: Tensor) -> list[Tensor]:
    """d y / d input for each input, in the shape (*y.shape, *input.shape)."""
    shapes = [y.shape + x.shape for x in run.inputs]
    if y not in run.depending or not y.size:
        return [Tensor(frozen(np.zeros(shape, y.dtype))) for shape in shapes]
    tape = Tape.of(y)
    rows = []
    for k in range(y.size):
        seed: Any = np.zeros(y.size, y.dtype)
        seed[k] = 1
        seed = seed.reshape(y.shape)
        if run.outside:
            seed = Tensor(frozen(seed))
        rows.append(gradients(tape, run.inputs, seed, allow_unused=True))
    columns: Any = zip(*rows, strict=True)
    blocks: Any = map(np.stack, columns)
    return [block.reshape(shape) for block, shape in zip(blocks, shapes, strict=True)]


# Only its slope is asked for: whether the value overflows is nobody's business.
@np.errstate(all="ignore")
def _dot(caller: str, ys: Any, weights: Any, depending: set[Tensor]) -> Tensor:
    """The sum of all products of elements, of those ys that depend on the inputs."""
    terms = [tensor(0.0)]

    def add(y: Any, weight: Any) -> None:
        if not isinstance(y, Tensor):
            return
        c = weight if isinstance(weight, Tensor) else np.asarray(weight)
        if c.shape != y.shape:
            raise ShapeError(caller, got=f"{c.shape} for '{y.label}', which is {y.shape}")
        if y in depending:
            terms.append(np.sum(y * cast(c, y.dtype)))

    mapped(add, ys, weights)
    return sum(terms[1:], terms[0])


def _gradients(y: Tensor, inputs: list[Tensor], recorded: bool) -> list[Tensor]:
    """The gradients of a scalar that may be constant."""
    tape = Tape.of(y)
    seed: Any = np.ones(y.shape, y.dtype)
    return gradients(tape, inputs, Tensor(frozen(seed)) if recorded else seed, allow_unused=True)
