"""What folds in the graph of operations: steps alike, the arithmetic of ``clip``, crowds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from minigrad import Tape, Tensor
from minigrad.viz.graphs.fold import View, caption, fold_name, folding_steps
from minigrad.viz.graphs.landmarks import Landmarks
from minigrad.viz.graphs.marks import closed, is_gate
from minigrad.viz.graphs.selection import adjoint_nodes
from minigrad.viz.graphs.shrink import shrink_of
from minigrad.viz.graphs.strip import Strip

# Nodes in all steps: steps with many of them fold sooner.
MAX_NODES = 200
# Of more nodes in one step, or outside the steps, only the first and the last few are drawn.
MAX_CROWD = 200
CROWD_ENDS = 12
# Of a crowd that is opened so many more are drawn, half of them at each end.
MAX_OPENED = 120


Runs = list[list[int]]
Members = defaultdict[int | None, list[Tensor]]


@dataclass(frozen=True)
class FoldedNodes:
    """The nodes that are not drawn one by one.

    captions: of each node, the text of what stands for it. steps: of each caption of a run of
    steps, the first of them. names: of such captions, what the fold is called. strips: what such a
    run hides. cut: the captions of what hides cuts.
    """

    captions: dict[Tensor, str] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    strips: dict[str, Strip] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)


def fold_nodes(tape: Tape, shown: list[Tensor], view: View, known: Landmarks) -> FoldedNodes:
    """What folds of the nodes shown; known: what is known of the steps."""
    folded = FoldedNodes()
    if not view.folds:
        return folded
    folded.captions.update(clipping(tape))
    runs = _folding_runs(tape, shown, view, known.kept)
    _fold_runs(tape, shown, runs, folded, known)
    _fold_crowds(tape, shown, view, folded)
    return folded


def _by_step(nodes: Iterable[Tensor], steps: Mapping[Tensor, int | None]) -> Members:
    """The nodes of each step, and of none."""
    members: Members = defaultdict(list)
    for n in nodes:
        members[steps[n]].append(n)
    return members


def _folding_runs(tape: Tape, shown: list[Tensor], view: View, kept: Iterable[int]) -> Runs:
    """The runs of steps that fold: those with the same functions, shapes and closed gates."""
    kinds: dict[int, Hashable] = {}
    cuts: set[int] = set()
    size = 0
    for t, members in _by_step(shown, tape.times).items():
        if t is not None:
            gates = tuple(map(closed, members))
            kinds[t] = _kind(members), gates
            size += len(members)
            if any(gates):
                cuts.add(t)
    return view.runs(kinds, size, MAX_NODES, kept, cuts=cuts)


def _fold_runs(
    tape: Tape, shown: list[Tensor], runs: Runs, folded: FoldedNodes, known: Landmarks
) -> None:
    """Enter the nodes of each run, forward and backward apart; results outside the steps stay."""
    times = tape.times
    hidden = [t for run in runs for t in run]
    step = folding_steps(tape.nodes, lambda n: n.inputs, times.__getitem__, hidden)
    results = {o for o in tape.outputs if times[o] is None}
    results.update(folded.captions)
    folding = [n for n in shown if n not in results]
    members = _by_step(folding, step)
    adjoint = adjoint_nodes(tape)
    for run in runs:
        kinds = {_kind(members[t]) for t in run}
        cuts = frozenset(t for t in run if any(map(closed, members[t])))
        forward = caption(run, len(kinds) == 1)
        backward = f"{forward}, backward"
        folded.steps[forward] = run[0]
        folded.steps[backward] = run[0]
        name = fold_name(run)
        folded.names[forward] = name
        folded.names[backward] = name
        folded.strips[forward] = Strip(tuple(run), cuts, known)
        if cuts:
            folded.cut.add(forward)
        for t in run:
            for n in members[t]:
                folded.captions[n] = backward if n in adjoint else forward


def _kind(members: Iterable[Tensor]) -> Hashable:
    """What steps alike share: all but their gates."""
    return tuple((n.fn, n.shape) for n in members if not is_gate(n))


def _fold_crowds(tape: Tape, shown: list[Tensor], view: View, folded: FoldedNodes) -> None:
    """Enter the middle of what is too much for one step, or outside the steps."""
    remaining = [n for n in shown if n not in folded.captions]
    for t, crowd in _by_step(remaining, tape.times).items():
        if len(crowd) <= MAX_CROWD:
            continue
        step = "" if t is None else f" of t = {t}"
        name = partial(_crowd_name, step)
        places = [*range(CROWD_ENDS, len(crowd) - CROWD_ENDS)]
        places = view.unopened(places, name, MAX_OPENED)
        inner = [crowd[k] for k in places]
        if not inner:
            continue
        text = f"{len(inner):,} nodes{step}"
        cuts = sum(map(closed, inner))
        if cuts:
            text += f", {cuts} cut off"
            folded.cut.add(text)
        folded.names[text] = name(places)
        for n in inner:
            folded.captions[n] = text


def _crowd_name(step: str, places: list[int]) -> str:
    return f"nodes {places[0] + 1} to {places[-1] + 1}{step}"


def clipping(tape: Tape) -> dict[Tensor, str]:
    """The operations of ``clip``, each with what they make together: the norm, and the min."""
    captions: dict[Tensor, str] = {}
    if not tape.wrt:
        return captions
    outputs = list(tape.outputs[-len(tape.wrt) :])
    # A tape may have been clipped several times: from the last clip to the first.
    while outputs and all(map(_is_clipped, outputs)):
        factor = outputs[0].inputs[1]
        shrink = shrink_of(factor)
        # A bound that is infinite, or a clip that is written by hand.
        if not shrink:
            break
        outputs = [o.inputs[0] for o in outputs]
        length = _between([shrink.largest, shrink.root], outputs)
        captions |= dict.fromkeys(length, f"‖g‖ = {shrink.norm:.4g}")
        smaller = f"min(1, {shrink.limit:.4g}/‖g‖) = {factor.item():.4g}"
        least = _between([factor], length)
        captions |= dict.fromkeys(least, smaller)
    return captions


def _is_clipped(output: Tensor) -> bool:
    """Whether it is a gradient that ``clip`` has scaled."""
    name = output.name or ""
    return output.fn is np.multiply and name.startswith("clipped ")


def _between(last: list[Tensor], first: list[Tensor]) -> list[Tensor]:
    """The last nodes and those from which they are computed, back to the first, which stay out."""
    seen = set(first)
    nodes = []
    stack = list(last)
    while stack:
        n = stack.pop()
        if n not in seen:
            seen.add(n)
            nodes.append(n)
            stack += n.inputs
    return nodes
