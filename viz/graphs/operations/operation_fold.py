"""What folds in the graph of a tape's operations: runs of steps alike, the arithmetic of ``clip``, crowds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from minigrad.viz.graphs.fold import View, caption, folding_steps
from minigrad.viz.graphs.marks import GATES, closed
from minigrad.viz.graphs.selection import adjoint_nodes

from minigrad import Tape, Tensor

# Nodes in all steps: steps with many of them fold sooner.
MAX_NODES = 200
# Of more nodes in one step, or outside the steps, only the first and the last few are drawn.
MAX_CROWD = 200
CROWD_ENDS = 12


@dataclass(frozen=True)
class FoldedNodes:
    """The nodes that are not drawn one by one.

    captions: of each node, the text of what stands for it. steps: of each caption of a run of steps,
    the first of them.
    """

    captions: dict[Tensor, str] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)


def fold_nodes(tape: Tape, shown: list[Tensor], view: View) -> FoldedNodes:
    """What folds of the nodes shown."""
    folded = FoldedNodes()
    if not view.folds:
        return folded
    folded.captions.update(clipping(tape))
    runs = _folding_runs(tape, shown, view)
    _fold_runs(tape, shown, runs, folded)
    _fold_crowds(tape, shown, folded)
    return folded


def _folding_runs(tape: Tape, shown: list[Tensor], view: View) -> list[list[int]]:
    """The runs of steps that fold: those with the same functions, shapes and closed gates."""
    kinds: defaultdict[int, list[Hashable]] = defaultdict(list)
    for n in shown:
        t = tape.times[n]
        if t is not None:
            kinds[t].append((n.fn, n.shape, closed(n)))
    size = sum(map(len, kinds.values()))
    return view.runs({t: tuple(kind) for t, kind in kinds.items()}, size, MAX_NODES)


def _fold_runs(tape: Tape, shown: list[Tensor], runs: list[list[int]], folded: FoldedNodes) -> None:
    """Enter the nodes of each run, forward and backward apart; results outside the steps stay."""
    steps = [t for run in runs for t in run]
    step = folding_steps(tape.nodes, lambda n: n.inputs, tape.times.__getitem__, steps)
    results = {o for o in tape.outputs if tape.times[o] is None}
    members: defaultdict[int | None, list[Tensor]] = defaultdict(list)
    for n in shown:
        if n not in folded.captions and n not in results:
            members[step[n]].append(n)
    adjoint = adjoint_nodes(tape)
    for run in runs:
        kinds = {_kind(members[t]) for t in run}
        cuts = sum(any(map(closed, members[t])) for t in run)
        forward = caption(run, len(kinds) == 1, cuts)
        backward = f"{forward}, backward"
        folded.steps[forward] = run[0]
        folded.steps[backward] = run[0]
        for t in run:
            for n in members[t]:
                folded.captions[n] = backward if n in adjoint else forward


def _kind(members: Iterable[Tensor]) -> Hashable:
    """What steps alike share: all but their gates."""
    return tuple((n.fn, n.shape) for n in members if n.fn not in GATES)


def _fold_crowds(tape: Tape, shown: list[Tensor], folded: FoldedNodes) -> None:
    """Enter the middle of what is too much for one step, or outside the steps."""
    crowds: defaultdict[int | None, list[Tensor]] = defaultdict(list)
    for n in shown:
        if n not in folded.captions:
            crowds[tape.times[n]].append(n)
    for t, crowd in crowds.items():
        if len(crowd) > MAX_CROWD:
            inner = crowd[CROWD_ENDS:-CROWD_ENDS]
            text = f"{len(inner):,} nodes"
            if t is not None:
                text += f" of t = {t}"
            folded.captions.update(dict.fromkeys(inner, text))


def clipping(tape: Tape) -> dict[Tensor, str]:
    """The operations of ``clip``, each with what they make together: the norm of all gradients, and the min."""
    captions: dict[Tensor, str] = {}
    outputs = list(tape.outputs[-len(tape.wrt) :]) if tape.wrt else []
    # A tape may have been clipped several times: from the last clip to the first.
    while outputs and all(map(_is_clipped, outputs)):
        factor = outputs[0].inputs[1]
        if factor.fn is not np.divide:
            break
        bound, least = factor.inputs
        if least.fn is not np.maximum:
            break
        length = least.inputs[0]
        outputs = [o.inputs[0] for o in outputs]
        norm = f"‖g‖ = {length.item():.4g}"
        captions |= dict.fromkeys(_between(length, outputs), norm)
        smaller = f"min(1, {bound.item():.4g}/‖g‖) = {factor.item():.4g}"
        captions |= dict.fromkeys((bound, least, *least.inputs[1:], factor), smaller)
    return captions


def _is_clipped(output: Tensor) -> bool:
    name = output.name or ""
    return output.fn is np.multiply and name.startswith("clipped ")


def _between(last: Tensor, gradients: list[Tensor]) -> Iterator[Tensor]:
    """The nodes from which one is computed, back to the gradients."""
    seen = set(gradients)
    stack = [last]
    while stack:
        n = stack.pop()
        if n not in seen:
            seen.add(n)
            yield n
            stack += n.inputs
