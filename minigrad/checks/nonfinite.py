"""Where the first NaN or infinity came from, forward or backward."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.core.recompute import held
from minigrad.core.scope import watch
from minigrad.core.seed import seed_for
from minigrad.core.sweep import Swept, sweep
from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor
from minigrad.core.versions import refuse_stale
from minigrad.errors import NonFiniteError
from minigrad.ops.indexing import Scattered

from .finding import NonFinite, adjoint, elementwise, forward, total


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise NonFiniteError as soon as a loss, or an adjoint on the way back from it, is NaN or infinite.

    Holds for every gradient asked for inside, in this thread or asyncio task. The error names the origin, as
    ``find_nonfinite`` does; no ``grad`` is touched. Values that neither the loss nor a gradient sees raise nothing.
    """
    token = watch.set((*watch.get(), _guarded))
    try:
        yield
    finally:
        watch.reset(token)


def find_nonfinite(tape: Tape, gradient: npt.ArrayLike | None = None) -> NonFinite | None:
    """The origin of the first NaN or infinity, None where there is none.

    The outputs are asked first, the loss before the others: the origin is the earliest value behind them that is not
    finite although all it was computed from is. Then a single output's adjoints, from ``gradient`` (default: ones):
    the first node that sends something not finite back, or the forward value behind it. Last the values that reach
    neither. A constant infinity that reaches neither, such as -inf in an attention mask, is no finding.

    Cost: linear in the nodes; at most one backward pass. Raises StaleTapeError where a parameter was assigned since.
    """
    with np.errstate(all="ignore"):
        if found := _in_outputs(tape):
            return found
        out = tape.outputs[0]
        if len(tape.outputs) == 1 and out.requires_grad:
            seed = seed_for(tape, np.ones(out.shape, out.dtype) if gradient is None else gradient)
            for swept in sweep(tape.nodes, out, seed):
                if found := _in_adjoints(tape, *swept):
                    return found
        for n in held(tape.nodes):
            if _is_bad(n.data) and _unwanted(n, tape.nodes[-1].serial):
                return forward(tape, n, masked="It reaches neither an output nor a gradient")
    return None


def _guarded(tape: Tape, sweeping: Iterator[Swept]) -> Iterator[Swept]:
    """A backward pass, or NonFiniteError: for the loss before its first step, for an adjoint at its own."""

    def checked() -> Iterator[Swept]:
        for swept in sweeping:
            with np.errstate(all="ignore"):
                found = _in_adjoints(tape, *swept)
            if found:
                raise NonFiniteError(found)
            yield swept

    with np.errstate(all="ignore"):
        found = _in_outputs(tape)
    if found:
        raise NonFiniteError(found)
    return checked()


# --- the search -----------------------------------------------------------------------------------------------------
def _in_outputs(tape: Tape) -> NonFinite | None:
    """What made the first output that is not finite so."""
    bad = next((o for o in tape.outputs if _is_bad(o.data)), None)
    return None if bad is None else _behind(tape, [bad])


def _in_adjoints(tape: Tape, node: Tensor, grad: Any, sent: list[Any]) -> NonFinite | None:
    """What is wrong with this step, if something is and every step before it was fine."""
    g = _array(grad)
    if _is_bad(g):
        return total(tape, node, g)
    for x, contribution in zip(node.inputs, sent, strict=True):
        if contribution is None or not _is_bad(c := _array(contribution)):
            continue
        where = ~np.isfinite(c) if elementwise(node) and c.shape == node.shape else True
        read = [n for n in (node, *node.inputs) if np.any(~np.isfinite(n.data) & where)]
        if not read:
            return adjoint(tape, node, x, g, c)
        kind = "NaN" if np.isnan(c).any() else "inf"
        back = (
            f"The loss does not see it, but '{tape.names[node]}' ({node.where}) sends {kind} back"
        )
        return _behind(tape, read, masked=back)
    return None


def _behind(tape: Tape, found: list[Tensor], masked: str = "") -> NonFinite:
    """Walk back from these values through values that are not finite: the earliest that no such value made.

    A constant infinity, an attention mask more often than not, is named only where nothing else is to blame.
    """
    reached, origins, turned = set(found), list[Tensor](), None
    for n in held(reversed(tape.nodes)):
        if n not in reached:
            continue
        refuse_stale("non-finite value", n, n.inputs, "Ask before the update")
        causes = [x for x in n.inputs if _reaches(x, n)]
        reached.update(causes)
        if not causes:
            origins.append(n)
        turned = n if np.isnan(n.data).any() else turned
    wrong = [n for n in origins if n.requires_grad or np.isnan(n.data).any()]
    return forward(tape, (wrong or origins)[-1], masked, turned)


def _unwanted(n: Tensor, end: int) -> bool:
    """Whether a value that is not finite was made so here; a constant is as the user wants it."""
    if n.fn is None:
        return n.requires_grad and n.assigned < end  # the value that the tape read
    return not any(_reaches(x, n) for x in n.inputs)


def _is_bad(x: Array) -> bool:
    return not np.isfinite(x).all()


def _array(x: Any) -> Array:
    x = x.g if isinstance(x, Scattered) else x  # zero elsewhere
    return x.data if isinstance(x, Tensor) else np.asarray(x)


def _reaches(x: Tensor, n: Tensor) -> bool:
    """Whether x is not finite where it makes n so; what np.where leaves out does not count."""
    bad: Any = ~np.isfinite(x.data)
    if n.fn is np.where:
        c, a, b = n.inputs
        bad = bad & np.where(c.data, x is a, x is b)
    elif elementwise(n):
        bad = bad & ~np.isfinite(n.data)
    return bool(np.any(bad))
