"""What of a tape is drawn: constants go into labels, the middle folds; and what the gradient reaches."""

from __future__ import annotations

from collections import defaultdict

from minigrad import Edge, Tape, Tensor

from .folding import caption, middle, steps_of
from .marks import GATES, inlined, mark

CROWD, SHOWN = 200, 12  # more nodes than a crowd, in one step or outside, fold but for the first and last few


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
    return frozenset(x for x in n.inputs if x.fn is None and x.size == 1 and not x.name and not x.requires_grad)


def folds_of(tape: Tape, shown: list[Tensor], limit: int) -> dict[Tensor, str]:
    """The nodes that are not drawn one by one, each with the caption of what stands for it."""
    hidden = middle({t for t in tape.times.values() if t is not None}, limit)
    step = steps_of(tape.nodes, lambda n: n.inputs, tape.times.__getitem__, hidden)
    found: dict[Tensor, str] = {}
    if hidden:
        folded = set(hidden)
        inside = [n for n in shown if step[n] in folded]
        kinds: defaultdict[int | None, list[object]] = defaultdict(list)
        for n in inside:
            if n.fn not in GATES:
                kinds[step[n]].append((n.fn, n.shape))
        cut = {step[n] for n in inside if closed(n)}
        found = dict.fromkeys(inside, caption(hidden, len({tuple(kind) for kind in kinds.values()}) == 1, len(cut)))
    crowds: defaultdict[int | None, list[Tensor]] = defaultdict(list)
    for n in shown:
        if n not in found:
            crowds[tape.times[n]].append(n)
    for t, crowd in crowds.items():
        if len(crowd) > CROWD:
            inner = crowd[SHOWN:-SHOWN]
            found |= dict.fromkeys(inner, f"{len(inner):,} nodes" + (f" of t = {t}" if t is not None else ""))
    return found


def reached_nodes(tape: Tape) -> set[Tensor]:
    """The nodes that backward reaches from the outputs (on a differentiated tape: from the loss)."""
    reached = {o for o in (tape.outputs[:1] if tape.wrt else tape.outputs) if o.requires_grad}
    for n in reversed(tape.nodes):
        if n in reached and not closed(n):
            reached.update(x for slot, x in enumerate(n.inputs) if Edge(x, n, slot).carries_gradient)
    return reached


def adjoint_nodes(tape: Tape) -> set[Tensor]:
    """The nodes of a differentiated tape that the loss itself does not need."""
    return set(tape.nodes).difference(Tape.of(tape.outputs[0]).nodes) if tape.wrt else set()


def closed(n: Tensor) -> bool:
    """Whether the node is a gate that lets no gradient pass."""
    return n.fn in GATES and mark(n).closed
