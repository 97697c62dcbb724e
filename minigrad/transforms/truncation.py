"""Truncated backpropagation through time: regular, windowed, randomized. Source: D2L 9.7.1."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from minigrad.core import gates
from minigrad.core.tape import Edge, Tape
from minigrad.core.tensor import Tensor, frozen
from minigrad.errors import ArgumentError

from .edges import cut, gated, rebuilt, scale, steps_of, undifferentiated


def truncate(tape: Tape, every: int | None = None, window: int | None = None) -> Tape:
    """Truncated backpropagation through time.

    ``every=k``: the steps fall into segments of k from the first stamped one; recurrent edges between two segments
    are cut. ``window=w``: what enters the steps at step t goes back at most w steps from there. Both together are
    TBPTT(k1=every, k2=window+1): the losses of a block of ``every`` steps reach back w edges from the block's end.

    Cost: linear in the nodes for ``every``; for a window each step is copied once per block that reaches it.
    Source: D2L 9.7.1.2; Williams and Peng 1990.
    """
    for name, value, least in (("every", every, 1), ("window", window, 0)):
        if value is not None and (not isinstance(value, (int, np.integer)) or value < least):
            raise ArgumentError(
                f"truncate: {name}",
                got=f"{value}",
                expected=f"expected a whole number from {least}",
            )
    if every is None and window is None:
        raise ArgumentError(
            "truncate", got="neither every nor window", expected="name at least one of them"
        )
    undifferentiated(tape)
    stamps = steps_of(tape, "truncate")
    first, last, block = min(stamps), max(stamps), every or 1

    def reach(t: int) -> tuple[int, int]:
        """The steps that what enters at step t may go back to, as (lowest, highest; for edges from the future)."""
        start = first + (t - first) // block * block
        end = start + block - 1
        low, high = (start, end) if window is None else (min(end, last) - window, start + window)
        return max(low, first), min(high, last)

    return _versions(tape, reach)


def _versions(tape: Tape, reach: Callable[[int], tuple[int, int]]) -> Tape:
    """Split every node into one version per reach that arrives at it; cut the recurrent edges that leave the reach."""
    times = tape.times
    Version = tuple[int, int] | None  # None: no step entered yet, or none to come
    entry: dict[Tensor, Version] = {
        n: None if (t := times[n]) is None else reach(t) for n in tape.nodes
    }
    stateful: set[Tensor] = (
        set()
    )  # with something stamped at or before them: the only nodes that can change
    for n in tape.nodes:
        if n.fn is not None and (times[n] is not None or any(x in stateful for x in n.inputs)):
            stateful.add(n)

    def sources(node: Tensor, version: Version) -> Iterator[tuple[Tensor, Version, bool]]:
        """The inputs of a version of node: which node, in which version, and whether the edge is cut."""
        t = times[node]
        for x in node.inputs:
            s = times[x]
            if x not in stateful:
                yield x, None, False
            elif version is None:
                yield x, entry[x], False
            elif (
                s is None or t is None or s == t or (version[0] <= s if s < t else s <= version[1])
            ):
                yield x, version, False
            else:
                yield x, entry[x], True

    demanded: defaultdict[Tensor, dict[Version, None]] = defaultdict(dict)
    for o in tape.outputs:
        demanded[o][entry[o]] = None
    for node in reversed(tape.nodes):
        for version in demanded[node]:
            for x, its, _ in sources(node, version):
                demanded[x][its] = None

    new: dict[tuple[Tensor, Version], Tensor] = {}
    closed: dict[tuple[Tensor, int | None, Version], Tensor] = {}
    for node in tape.nodes:
        for version in demanded[node]:
            inputs = []
            for slot, (x, its, outside) in enumerate(sources(node, version)):
                source = new[x, its]
                if outside and Edge(x, node, slot).carries_gradient:
                    key = (x, times[node], version)
                    source = closed.setdefault(key, gated(gates.detach, source, node))
                inputs.append(source)
            new[node, version] = node.with_inputs(tuple(inputs))
    return rebuilt(tape, [new[o, entry[o]] for o in tape.outputs])


def truncate_randomly(
    tape: Tape,
    keep: float | Mapping[int, float],
    rng: np.random.Generator | int,
    reweight: bool = True,
) -> Tape:
    """Randomized truncation: one xi_t per boundary between steps, shared by every edge across it.

    xi_t is 1/pi_t with probability pi_t, else 0, so that the gradient is right on average. ``keep`` is pi, one number
    or {t: pi_t} (1 where absent). The drawn xi are the second inputs of the new ``scale_grad`` nodes.
    ``reweight=False`` cuts but does not reweight, the random segments of Fig. 9.7.1: **biased**.

    Source: D2L equation 9.7.8; Tallec and Ollivier 2017.
    """
    times, boundaries = tape.times, sorted(set(steps_of(tape, "truncate_randomly")))[1:]
    pi = dict(keep) if isinstance(keep, Mapping) else dict.fromkeys(boundaries, keep)
    for t, p in pi.items():
        if not 0 < p <= 1 or t not in boundaries:
            steps = (
                f"a step in {boundaries[0]}..{boundaries[-1]}"
                if boundaries
                else "at least two steps"
            )
            expected = f"expected a probability above 0 and {steps}"
            raise ArgumentError(f"truncate_randomly: keep at t={t}", got=f"{p}", expected=expected)
    rng = np.random.default_rng(rng)
    xi = {
        t: (1 / pi.get(t, 1.0) if reweight else 1.0) * (rng.random() < pi.get(t, 1.0))
        for t in boundaries
    }

    def crossed(edge: Edge) -> list[int]:
        start, end = sorted((times[edge.source] or 0, times[edge.target] or 0))
        return boundaries[bisect_right(boundaries, start) : bisect_right(boundaries, end)]

    def factor(edge: Edge) -> float:
        return float(np.prod([xi[t] for t in crossed(edge)]))

    recurrent = tape.recurrent_edges()
    if not reweight:
        return cut(tape, [e for e in recurrent if factor(e) == 0])
    drawn, draw = dict[str, Tensor](), object()

    def leaf(edge: Edge) -> Tensor:
        name = " ".join(f"xi_{t}" for t in crossed(edge))
        value = frozen(np.array(factor(edge), edge.source.dtype))
        known = {
            "keep": {t: pi.get(t, 1.0) for t in crossed(edge)},
            "draw": draw,
        }  # for who draws again
        return drawn.setdefault(name, Tensor(value, name=name, kwargs=known, like=edge.target))

    return scale(tape, [e for e in recurrent if factor(e) != 1], leaf)
