"""Losses, over all elements or those that count, and what is known of padded sequences.

They are made of functions that have rules: what is ignored, weighed or cut off is on the tape, so
that a plan computes it anew from the targets and weights of every call.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.ops.activations import cross_entropy as mean_cross_entropy
from minigrad.ops.activations import some_weight, surprisal
from minigrad.ops.discrete import valid_lengths

REDUCTIONS = ("mean", "sum", "none")


def cross_entropy(
    logits: Any,
    targets: Any,
    weight: Any = None,
    ignore_index: int | None = None,
    reduction: str = "mean",
    sample_weight: Any = None,
) -> Any:
    """Mean cross-entropy in nats; exp of it is the perplexity.

    ``weight``: of each class; ``ignore_index``: targets that do not count, such as those of a
    padded batch; ``sample_weight``: of each target, or booleans, a mask of those that count. What
    does not count is not looked at. The mean is the sum of w_i loss_i over the sum of the w_i;
    ``reduction``: "mean", "sum", or "none" for all w_i loss_i.

    Shapes: logits (..., V), targets (...) of integers in 0..V-1, weight (V,), sample_weight one
    that broadcasts to (...); result (), or (...) for "none".
    Raises ShapeError, DTypeError or ArgumentError where they do not fit together, and ArgumentError
    for the mean where no target counts: NaN or 0 would hide it.
    Source: D2L equation 9.4.3 is its exponential; the keywords are PyTorch's and Keras'.

    >>> import minigrad as mg
    >>> loss = mg.cross_entropy(np.zeros((5, 28)), np.array([7, 0, 1, 27, 3]))
    >>> round(float(np.exp(loss)), 6)
    28.0
    >>> padded = np.array([7, 0, -1, -1, -1])
    >>> round(float(np.exp(mg.cross_entropy(np.zeros((5, 28)), padded, ignore_index=-1))), 6)
    28.0
    """
    all_alike = weight is None and ignore_index is None and sample_weight is None
    if all_alike and reduction == "mean":
        return mean_cross_entropy(logits, targets)
    _refuse_other_reduction("cross_entropy", reduction)
    labels = _as_array(targets)
    counted = None
    if ignore_index is not None:
        if not isinstance(ignore_index, (int, np.integer)):
            got = f"{ignore_index!r}"
            raise DTypeError("cross_entropy: ignore_index", got=got, expected="expected an integer")
        counted = labels != ignore_index
    counted, factor = _split("cross_entropy", sample_weight, labels.shape, counted)
    if counted is not None:
        labels = np.where(counted, labels, 0)
    losses = surprisal(logits, labels)
    if weight is not None:
        of_classes = _as_array(weight)
        if of_classes.shape != logits.shape[-1:]:
            got = f"{of_classes.shape}"
            expected = f"expected {logits.shape[-1:]}"
            raise ShapeError("cross_entropy: weight", got=got, expected=expected)
        # np.take does not ask its indices whether they are Tensors
        of_rows = np.broadcast_to(of_classes, logits.shape)
        of_targets = np.take_along_axis(of_rows, labels[..., None], axis=-1)[..., 0]
        factor = of_targets if factor is None else factor * of_targets
    return _reduced(losses, counted, factor, reduction)


def mse(a: Any, b: Any, sample_weight: Any = None, reduction: str = "mean") -> Any:
    """Mean squared difference.

    ``sample_weight``, ``reduction``: as in cross_entropy, element by element; write
    ``mask[..., None]`` for one mask over all features.

    Shapes: a and b broadcast, sample_weight broadcasts to them; result (), or theirs for "none".
    Raises ShapeError or ArgumentError as cross_entropy.

    >>> import minigrad as mg
    >>> mg.mse(mg.tensor([1.0, 2.0]), [1.0, 4.0]).item()
    2.0
    >>> mg.mse(mg.tensor([1.0, 2.0]), [1.0, 4.0], sample_weight=[False, True]).item()
    4.0
    """
    _refuse_other_reduction("mse", reduction)
    squares = np.square(a - b)
    counted, factor = _split("mse", sample_weight, squares.shape, None)
    return _reduced(squares, counted, factor, reduction)


def _as_array(x: Any) -> Any:
    """An array of numbers; a Tensor as it is."""
    return x if hasattr(x, "dtype") else np.asarray(x)


def _split(caller: str, sample_weight: Any, shape: Any, counted: Any) -> tuple[Any, Any]:
    """What counts, and the weights of what does; None for all, or for no weights."""
    if sample_weight is None:
        return counted, None
    weights = _as_array(sample_weight)
    fits = weights.ndim <= len(shape) and all(
        size in (1, whole) for size, whole in zip(weights.shape[::-1], shape[::-1], strict=False)
    )
    if not fits:
        got = f"{weights.shape}"
        expected = f"expected a shape that broadcasts to {shape}"
        raise ShapeError(f"{caller}: sample_weight", got=got, expected=expected)
    if weights.dtype != bool:
        return counted, weights
    weights = np.broadcast_to(weights, shape)
    return (weights if counted is None else counted & weights), None


def _reduced(losses: Any, counted: Any, factor: Any, reduction: str) -> Any:
    """The losses that count, weighed; their mean, their sum, or all."""
    weights = None
    if factor is not None:
        weights = factor.astype(losses.dtype)
    if counted is not None:
        # chosen, not multiplied by 0: what is ignored may be infinite
        losses = np.where(counted, losses, losses.dtype.type(0))
        ones = counted.astype(losses.dtype)
        weights = ones if weights is None else weights * ones
    if factor is not None:
        losses = losses * weights
    if reduction == "none":
        return losses
    if reduction == "sum":
        return np.sum(losses)
    if weights is None:
        return np.mean(losses)
    return np.mean(losses) / some_weight(np.mean(weights))


def _refuse_other_reduction(caller: str, reduction: str) -> None:
    """Raise ArgumentError for a reduction that there is not."""
    if reduction not in REDUCTIONS:
        expected = f"expected one of {', '.join(REDUCTIONS)}"
        raise ArgumentError(f"{caller}: reduction", got=f"{reduction!r}", expected=expected)


# --- padded sequences -----------------------------------------------------------------------------
def sequence_mask(lengths: Any, steps: int) -> Any:
    """True at the steps of a padded batch that belong to its sequences.

    Shapes: lengths (B,) of integers in 1..steps, result (steps, B), time first.
    Raises DTypeError or ArgumentError for other lengths.

    >>> import minigrad as mg
    >>> mg.sequence_mask([1, 3], steps=3).astype(int)
    array([[1, 1],
           [0, 1],
           [0, 1]])
    """
    whole = valid_lengths(_as_array(lengths), steps=steps)
    numbers = np.arange(1, steps + 1)
    axes = [1] * whole.ndim
    return numbers.reshape(-1, *axes) <= whole
