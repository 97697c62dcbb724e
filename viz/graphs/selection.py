"""What of a tape is drawn: constants go into labels, steps and crowds fold; and what the gradient reaches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable

import numpy as np

from minigrad import Edge, Tape, Tensor

from .folding import View, caption, steps_of
from .marks import GATES, inlined, mark

MANY, SHOWN = (
    200,
    12,
)  # more nodes than that, in one step or outside, fold but for the first and last few
CROWD = 200  # nodes in all steps: steps with many of them fold sooner


def shown_nodes(tape: Tape) -> list[Tensor]:
    """All nodes but the constants that are written into their readers' labels."""
    apart = set(tape.outputs)
    inside: set[Tensor] = set()
    for n in tape.nodes:
        its = written(n)
        inside |= its
        apart.update(x for x in n.inputs if x not in its)
    inside -= apart
    return [n for n in tape.nodes if n not in inside]


def written(n: Tensor) -> frozenset[Tensor]:
    """The inputs that are written into a node's label: unnamed constants of one element, and a gate's number."""
    if n.fn in GATES:
        return frozenset(inlined(n))
    return frozenset(
        x for x in n.inputs if x.fn is None and x.size == 1 and not x.name and not x.requires_grad
    )


def folds_of(
    tape: Tape, shown: list[Tensor], view: View
) -> tuple[dict[Tensor, str], dict[str, int]]:
    """The nodes that are not drawn one by one, each with the caption of what stands for it; the captions of steps."""
    if not view.folds:
        return {}, {}
    found, adjoint = dict(clipping(tape)), adjoint_nodes(tape)
    kinds: defaultdict[int, list[Hashable]] = defaultdict(list)
    for n in shown:
        if (t := tape.times[n]) is not None:
            kinds[t].append((n.fn, n.shape, closed(n)))
    size = sum(map(len, kinds.values()))
    runs = view.runs({t: tuple(kind) for t, kind in kinds.items()}, size, CROWD)
    captions: dict[str, int] = {}
    step = steps_of(
        tape.nodes, lambda n: n.inputs, tape.times.__getitem__, (t for run in runs for t in run)
    )
    results = {o for o in tape.outputs if tape.times[o] is None}
    members: defaultdict[int | None, list[Tensor]] = defaultdict(list)
    for n in shown:
        if n not in found and n not in results:
            members[step[n]].append(n)
    for run in runs:
        alike = {tuple((n.fn, n.shape) for n in members[t] if n.fn not in GATES) for t in run}
        cut = sum(any(closed(n) for n in members[t]) for t in run)
        text = caption(run, len(alike) == 1, cut)
        captions[text] = run[0]
        for n in (n for t in run for n in members[t]):
            found[n] = text if n not in adjoint else f"{text}, backward"
        captions[f"{text}, backward"] = run[0]
    crowds: defaultdict[int | None, list[Tensor]] = defaultdict(list)
    for n in shown:
        if n not in found:
            crowds[tape.times[n]].append(n)
    for t, crowd in crowds.items():
        if len(crowd) > MANY:
            inner = crowd[SHOWN:-SHOWN]
            found |= dict.fromkeys(
                inner, f"{len(inner):,} nodes" + (f" of t = {t}" if t is not None else "")
            )
    return found, captions


def clipping(tape: Tape) -> dict[Tensor, str]:
    """The operations of ``clip``, each with what they make together: the norm of all gradients, and the min."""
    found: dict[Tensor, str] = {}
    outputs = list(tape.outputs[-len(tape.wrt) :]) if tape.wrt else []
    while outputs and all(
        o.fn is np.multiply and (o.name or "").startswith("clipped ") for o in outputs
    ):
        factor, least = outputs[0].inputs[1], outputs[0].inputs[1].inputs[-1:]
        if factor.fn is not np.divide or least[0].fn is not np.maximum:
            break
        bound, length = factor.inputs[0], least[0].inputs[0]
        outputs = [o.inputs[0] for o in outputs]
        stack, seen = [length], set(outputs)
        while stack:
            n = stack.pop()
            if n not in seen:
                seen.add(n)
                found[n] = f"‖g‖ = {length.item():.4g}"
                stack += n.inputs
        smaller = f"min(1, {bound.item():.4g}/‖g‖) = {factor.item():.4g}"
        found |= dict.fromkeys((bound, *least, *least[0].inputs[1:], factor), smaller)
    return found


def reached_nodes(tape: Tape) -> set[Tensor]:
    """The nodes that backward reaches from the outputs (on a differentiated tape: from the loss)."""
    reached = {o for o in (tape.outputs[:1] if tape.wrt else tape.outputs) if o.requires_grad}
    for n in reversed(tape.nodes):
        if n in reached and not closed(n):
            reached.update(
                x for slot, x in enumerate(n.inputs) if Edge(x, n, slot).carries_gradient
            )
    return reached


def adjoint_nodes(tape: Tape) -> set[Tensor]:
    """The nodes of a differentiated tape that the loss itself does not need."""
    return set(tape.nodes).difference(Tape.of(tape.outputs[0]).nodes) if tape.wrt else set()


def closed(n: Tensor) -> bool:
    """Whether the node is a gate that lets no gradient pass."""
    return n.fn in GATES and mark(n).closed
