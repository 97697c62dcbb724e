"""The few functions that NumPy lacks: activations and what losses are made of, numerically stable.

They take arrays and Tensors, as NumPy's functions do, and have a rule of their own, shorter than
the way back through what they are made of.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, ShapeError

from .numeric.logistic import logistic
from .rows.one_hot import one_hot, refuse_other_indices
from .table import Templates, defvjp, dispatched

# logits within this share of the largest exponent, base e, have exponentials whose sums are finite
SAFE_LOGITS = 0.3
# rows of more classes are long enough to be summed one by one
MAX_CLASSES_FOR_BLAS = 256


# --- activations ----------------------------------------------------------------------------------
@dispatched
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), to a few units in the last place; nothing overflows.

    >>> import minigrad as mg
    >>> mg.sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return logistic(x)


@dispatched
def relu(x: Any) -> Any:
    """max(x, 0); the gradient at 0 is 0.

    >>> import minigrad as mg
    >>> x = mg.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    >>> np.sum(mg.relu(x)).backward()
    >>> x.grad
    array([0., 0., 1.])
    """
    return np.maximum(x, 0)


@dispatched
def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / sum(exp(x)) along axis. Shapes: the result has that of x.

    >>> import minigrad as mg
    >>> mg.softmax(np.log([[1.0, 3.0], [2.0, 2.0]]))
    array([[0.25, 0.75],
           [0.5 , 0.5 ]])
    """
    top = np.max(x, axis=axis, keepdims=True)
    e = np.exp(x - top)
    e /= np.sum(e, axis=axis, keepdims=True)
    return e


@dispatched
def log_softmax(x: Any, axis: int = -1) -> Any:
    """The logarithm of softmax, x - log(sum(exp(x))) along axis. Shapes: the result has that of x.

    >>> import minigrad as mg
    >>> mg.log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    shifted = x - np.max(x, axis=axis, keepdims=True)
    mass = np.sum(np.exp(shifted), axis=axis, keepdims=True)
    shifted -= np.log(mass)
    return shifted


@dispatched
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) along one axis, several or all, without overflow.

    Shapes: as np.sum. Infinities are in its domain: without any mass it is -inf, and nothing moves
    it; what is infinite shares the whole gradient.

    >>> import minigrad as mg
    >>> round(float(mg.logsumexp(np.array([1000.0, 1000.0]))), 6)
    1000.693147
    >>> mg.logsumexp(np.array([[0.0, -np.inf], [np.inf, 1.0]]), axis=1)
    array([ 0., inf])
    """
    x = np.asarray(x)
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isinf(top), top.dtype.type(0), top)
    with np.errstate(over="ignore", divide="ignore"):
        mass = np.sum(np.exp(x - top), axis=axis, keepdims=True)
        y = np.log(mass) + top
    return y if keepdims else np.squeeze(y, axis=axis if axis is not None else None)


def _logsumexp(
    g: Any,
    y: Any,
    x: Any,
    axis: Any = None,
    keepdims: bool = False,
) -> Any:
    if not keepdims:
        axes = tuple(range(x.ndim)) if axis is None else axis
        g = np.expand_dims(g, axes)
        y = np.expand_dims(y, axes)
    return g * _shares(x, y, axis)


def _shares(x: Any, y: Any, axis: Any) -> Any:
    """The softmax of x; where y is infinite, its limit."""
    infinite = np.isinf(y)
    finite = np.where(infinite, x.dtype.type(0), x)
    # not exp(x - y), which is rounded as coarsely as y
    with np.errstate(over="ignore"):
        e = np.exp(finite - np.max(finite, axis=axis, keepdims=True))
    inside = e / np.sum(e, axis=axis, keepdims=True)
    at_top = x == np.inf
    count = np.sum(at_top, axis=axis, keepdims=True)
    limit = at_top / np.maximum(count, 1)
    return np.where(infinite, limit.astype(x.dtype), inside)


def _softmax(
    g: Any,
    y: Any,
    x: Any,
    axis: int = -1,
) -> Any:
    total = np.sum(g * y, axis=axis, keepdims=True)
    return y * (g - total)


def _log_softmax(
    g: Any,
    y: Any,
    x: Any,
    axis: int = -1,
) -> Any:
    probabilities = np.exp(y)
    total = np.sum(g, axis=axis, keepdims=True)
    return g - probabilities * total


defvjp(
    sigmoid,
    lambda g, y, x: g * y * (1 - y),
    says="{g} ⊙ {y} ⊙ (1 - {y})",
)
defvjp(
    relu,
    lambda g, y, x: g * (x > 0),
    says="{g} ⊙ [{x} > 0]",
)
defvjp(softmax, _softmax, says="{y} ⊙ ({g} - sum({g} ⊙ {y}, axis={axis}))")
defvjp(log_softmax, _log_softmax, says="{g} - exp({y}) ⊙ sum({g}, axis={axis})")
defvjp(logsumexp, _logsumexp, says="spread({g}) ⊙ exp({x} - spread({y}))")


# --- classes --------------------------------------------------------------------------------------
@dispatched
def cross_entropy(logits: Any, targets: Any) -> Any:
    """Mean cross-entropy in nats: what losses.cross_entropy is where every target counts alike."""
    return np.mean(surprisal(logits, targets))


def refuse_no_targets(logits: Any, targets: Any) -> Any:
    """The targets as an array.

    Raises ShapeError, DTypeError or ArgumentError for what is none.
    """
    labels = np.asarray(targets)
    if labels.shape != logits.shape[:-1]:
        got = f"logits {logits.shape} and targets {labels.shape}"
        expected = f"targets must be {logits.shape[:-1]}"
        raise ShapeError("cross_entropy", got=got, expected=expected)
    return refuse_other_indices("cross_entropy: targets", labels, logits.shape[-1])


def _cross_entropy(g: Any, y: Any, x: Any, t: Any) -> Any:
    """The probabilities minus 1 at the target, per target."""
    return surprisal_gradient(x, t, g / max(t.size, 1))


def _cross_entropy_says(n: Any) -> Templates:
    targets = max(n.inputs[1].size, 1)
    return f"{{g}} ⊙ (softmax({{x}}) - one_hot({{t}})) / {targets}", None


def _bind_cross_entropy(logits: Any, targets: Any) -> tuple[tuple[Any, Any], dict[str, Any]]:
    if not hasattr(targets, "dtype"):
        targets = np.asarray(targets)
    return (logits, targets), {}


defvjp(
    cross_entropy,
    _cross_entropy,
    None,
    bind=_bind_cross_entropy,
    says=_cross_entropy_says,
)


# --- what masked and weighted losses are made of --------------------------------------------------
@dispatched
def surprisal(logits: Any, targets: Any) -> Any:
    """-log softmax(logits) at the target, in nats. Shapes: (..., V) and (...), result (...)."""
    labels = refuse_no_targets(logits, targets)
    e, top = _exponentials(logits)
    log_mass = np.log(_row_sums(e)) + top
    return log_mass - logits[_places(labels)]


@dispatched
def surprisal_gradient(logits: Any, targets: Any, g: Any) -> Any:
    """(softmax(logits) - one_hot(targets)) times g: what surprisal sends to the logits.

    Shapes: logits (..., V), targets (...), g (...) or (), result (..., V).
    """
    labels = refuse_no_targets(logits, targets)
    e, _ = _exponentials(logits)
    share = g / _row_sums(e)
    e *= share[..., np.newaxis]
    e[_places(labels)] -= g
    return e


def _exponentials(x: Any) -> tuple[Any, Any]:
    """exp(x - top) in new memory, and the top of each row; 0 for it where nothing overflows so.

    To find the extremes of all takes a tenth of the time that those of rows of few classes take,
    and what is not shifted is not rounded.
    """
    # sums of halves overflow early
    if x.dtype.kind == "f" and x.itemsize > 2 and x.size:
        limit = SAFE_LOGITS * np.finfo(x.dtype).maxexp
        if -limit < np.min(x) and np.max(x) < limit:
            return np.exp(x, order="C"), x.dtype.type(0)
    top = np.max(x, axis=-1, keepdims=True)
    return np.exp(x - top, order="C"), top[..., 0]


def _row_sums(x: Any) -> Any:
    """Sums over the last axis; of few numbers as a product with ones, by BLAS."""
    classes = x.shape[-1]
    if x.dtype.kind == "f" and classes <= MAX_CLASSES_FOR_BLAS:
        return x @ np.ones(classes, x.dtype)
    return np.sum(x, axis=-1)


def _places(labels: Any) -> tuple[Any, ...]:
    """The index of each row's labelled element."""
    own = np.ogrid[tuple(map(slice, labels.shape))]
    return *own, labels


@dispatched
def some_weight(weight: Any) -> Any:
    """A mean weight to divide by. Raises ArgumentError where it is 0."""
    if weight == 0:
        got = "nothing counts"
        expected = "all targets are ignored, or all weights are 0"
        remedy = "Leave such a batch out, or ask for reduction='sum'"
        raise ArgumentError("mean loss", got=got, expected=expected, remedy=remedy)
    return weight


def _surprisal(g: Any, y: Any, x: Any, t: Any) -> Any:
    return surprisal_gradient(x, t, g)


def _surprisal_gradient(g: Any, y: Any, x: Any, t: Any, c: Any) -> Any:
    """Through the softmax, whose cotangent is g times c."""
    return _softmax(g * c[..., np.newaxis], softmax(x), x)


def _surprisal_gradient_factor(g: Any, y: Any, x: Any, t: Any, c: Any) -> Any:
    at_targets = one_hot(t, classes=x.shape[-1], dtype=x.dtype)
    return np.sum(g * (softmax(x) - at_targets), axis=-1)


defvjp(surprisal, _surprisal, None, says=("{g}[..., None] ⊙ (softmax({x}) - one_hot({t}))", None))
defvjp(
    surprisal_gradient,
    _surprisal_gradient,
    None,
    _surprisal_gradient_factor,
    says=(
        "softmax({x}) ⊙ ({g} ⊙ {c}[..., None] - sum({g} ⊙ {c}[..., None] ⊙ softmax({x}), axis=-1))",
        None,
        "sum({g} ⊙ (softmax({x}) - one_hot({t})), axis=-1)",
    ),
)
defvjp(some_weight, lambda g, y, x: g, says="{g}")
