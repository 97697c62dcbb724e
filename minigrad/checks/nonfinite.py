"""Where the first NaN or infinity came from, forward or backward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.core.arguments import refuse_no_tape
from minigrad.core.inspection.frames import fail
from minigrad.core.recompute import held
from minigrad.core.scope import watch
from minigrad.core.seed import seed_for
from minigrad.core.sweep import Swept, sweep
from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor
from minigrad.core.versions import refuse_stale
from minigrad.errors import NonFiniteError
from minigrad.ops.indexing import Scattered
from minigrad.scoping import Scope

from .finding import NonFinite, adjoint_finding, sum_finding, value_finding
from .wording import elementwise


class detect_anomaly(Scope):  # noqa: N801  (used in with statements)
    """Raise NonFiniteError as soon as a loss, or an adjoint on the way back from it, is not finite.

    Holds for every gradient asked for inside, in this thread or asyncio task. The error names the
    origin, as ``find_nonfinite`` does; no ``grad`` is touched. Values that neither the loss nor a
    gradient sees raise nothing.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([0.0, 1.0], requires_grad=True, name="x")
    >>> with np.errstate(all="ignore"), mg.detect_anomaly():
    ...     np.sum(np.log(x)).backward()
    Traceback (most recent call last):
    minigrad.errors.NonFiniteError: log: 'log' has -inf in 1 of 2; it reads 'x' ... first log(0) ...

    Raises: NonFiniteError, whose ``found`` is the NonFinite record.
    """

    __slots__ = ()
    variable = watch
    title = "detect_anomaly"

    def __call__(self, tape: Tape, sweeping: Iterator[Swept]) -> Iterator[Swept]:
        """The same sweep, that raises NonFiniteError.

        For the loss it does so before its first step, for an adjoint at its own.
        """
        with np.errstate(all="ignore"):
            finding = _in_outputs(tape)
        if finding:
            raise NonFiniteError(finding)
        return _checked(tape, sweeping)


def find_nonfinite(tape: Tape, gradient: npt.ArrayLike | None = None) -> NonFinite | None:
    """The origin of the first NaN or infinity, None where there is none.

    The outputs are asked first, the loss before the others: the origin is the earliest value behind
    them that is not finite although all it was computed from is. Then a single output's adjoints,
    from ``gradient`` (of the output's shape; by default ones): the first node that sends something
    not finite back, or the forward value behind it. Last the values that reach neither. A constant
    infinity that reaches neither, such as -inf in an attention mask, is no finding.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([0.0, 4.0], requires_grad=True, name="x")
    >>> loss = np.sum(np.where(x > 0, np.sqrt(x), 0))
    >>> finding = mg.find_nonfinite(mg.Tape.of(loss))
    >>> finding.kind, finding.node.op, finding.nans
    ('adjoint', 'sqrt', 1)
    >>> print(finding)
    backward through sqrt: 'sqrt' sends NaN in 1 of 2 to 'x' (2,) from 0 to 4; a gradient of 0 meets
    sqrt(0) = 0 at [0]. 0 times an infinite slope is NaN. Mask the operand, not the result:
    sqrt(np.where(mask, x, 1)). [...]

    Cost: linear in the nodes; at most one backward pass.
    Raises: ArgumentError for what is no Tape; StaleTapeError where a parameter was assigned since;
    ShapeError and DTypeError for a gradient that does not fit the output.
    """
    refuse_no_tape("find_nonfinite", tape)
    with np.errstate(all="ignore"):
        return _in_outputs(tape) or _in_backward(tape, gradient) or _unseen(tape)


def nonfinite_parts(tape: Tape) -> dict[str, str]:
    """What find_nonfinite says, for an error of its own: ``got``, and the line at the end."""
    finding = find_nonfinite(tape, np.ones(tape.outputs[0].shape))
    where = finding.node.where if finding else ""
    return {"got": str(finding).removesuffix(f" [{where}]"), "where": where}


def _checked(tape: Tape, sweeping: Iterator[Swept]) -> Iterator[Swept]:
    """A backward pass that raises NonFiniteError."""
    for swept in sweeping:
        with np.errstate(all="ignore"):
            finding = _in_adjoints(tape, *swept)
        if finding:
            node, g, _ = swept
            # on the node's forward line, where a debugger finds the step
            fail(NonFiniteError(finding), node, g)
        yield swept


# --- the search -------------------------------------------------------------------------------
def _in_outputs(tape: Tape) -> NonFinite | None:
    """What made the first output that is not finite so."""
    for o in tape.outputs:
        if _is_bad(o.data):
            return _behind(tape, [o])
    return None


def _in_backward(tape: Tape, gradient: npt.ArrayLike | None) -> NonFinite | None:
    """What is wrong first on the way back from a single output."""
    out = tape.outputs[0]
    if len(tape.outputs) > 1 or not out.requires_grad:
        return None
    if gradient is None:
        gradient = np.ones(out.shape, out.dtype)
    # The sweep itself, not tape.steps(): inside detect_anomaly that would raise.
    for swept in sweep(tape.nodes, out, seed_for(tape, gradient)):
        finding = _in_adjoints(tape, *swept)
        if finding:
            return finding
    return None


def _in_adjoints(tape: Tape, node: Tensor, grad: Any, sent: list[Any]) -> NonFinite | None:
    """What is wrong with this step, if something is and every step before it was fine."""
    g = _array(grad)
    if _is_bad(g):
        return sum_finding(tape, node, g)
    for x, contribution in zip(node.inputs, sent, strict=True):
        if contribution is None:
            continue
        c = _array(contribution)
        if not _is_bad(c):
            continue
        # Did the rule make it, or did it only pass on what was read?
        read = _not_finite_there(node, c)
        if not read:
            return adjoint_finding(tape, node, x, g, c)
        kind = "NaN" if np.isnan(c).any() else "inf"
        sender = f"'{tape.names[node]}' ({node.where})"
        return _behind(tape, read, f"The loss does not see it, but {sender} sends {kind} back")
    return None


def _not_finite_there(node: Tensor, sent: Array) -> list[Tensor]:
    """Of a node's value and inputs, those that are not finite where what it sends is not."""
    there: Any = True
    if elementwise(node) and sent.shape == node.shape:
        there = ~np.isfinite(sent)
    return [n for n in (node, *node.inputs) if np.any(~np.isfinite(n.data) & there)]


def _unseen(tape: Tape) -> NonFinite | None:
    """The first value that is not finite and reaches neither an output nor a gradient."""
    for n in held(tape.nodes):
        if _is_bad(n.data) and _is_unwanted(n, tape.nodes[-1].serial):
            return value_finding(tape, n, masked="It reaches neither an output nor a gradient")
    return None


def _behind(tape: Tape, values: list[Tensor], masked: str = "") -> NonFinite:
    """Walk back from values through others that are not finite: the earliest that no such one made.

    A constant infinity, an attention mask more often than not, is named only where nothing else is
    to blame.
    """
    reached = set(values)
    origins: list[Tensor] = []
    first_nan: Tensor | None = None
    for n in held(reversed(tape.nodes)):
        if n not in reached:
            continue
        refuse_stale("non-finite value", n, n.inputs, "Ask before the update")
        causes = [x for x in n.inputs if _reaches(x, n)]
        reached.update(causes)
        if not causes:
            origins.append(n)
        if np.isnan(n.data).any():
            first_nan = n
    # The walk went back: the last origin it met is the earliest.
    wrong = [n for n in origins if n.requires_grad or np.isnan(n.data).any()]
    origin = (wrong or origins)[-1]
    return value_finding(tape, origin, masked, first_nan)


def _is_unwanted(n: Tensor, end: int) -> bool:
    """Whether a value that is not finite was made so here; a constant is as the user wants it."""
    if n.fn is not None:
        return not any(_reaches(x, n) for x in n.inputs)
    # A parameter that was assigned after the tape's end held another value when the tape read it.
    return n.requires_grad and n.assigned < end


def _reaches(x: Tensor, n: Tensor) -> bool:
    """Whether x is not finite where it makes n so; what np.where leaves out does not count."""
    bad: Any = ~np.isfinite(x.data)
    if n.fn is np.where:
        condition, a, b = n.inputs
        bad = bad & np.where(condition.data, x is a, x is b)
    elif elementwise(n):
        bad = bad & ~np.isfinite(n.data)
    return bool(np.any(bad))


def _is_bad(x: Array) -> bool:
    return not np.isfinite(x).all()


def _array(x: Any) -> Array:
    """What a gradient is made of: an array, or the elements of one that is zero elsewhere."""
    if isinstance(x, Scattered):
        x = x.g
    return x.data if isinstance(x, Tensor) else np.asarray(x)
