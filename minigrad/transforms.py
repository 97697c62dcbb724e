"""Transforms: functions Tape -> Tape. None runs the forward pass, changes a forward value, or touches its input.

A transform that finds nothing to do returns the tape it was given. Rewritten nodes keep their arrays, names, steps
and source lines; leaves keep their identity, so gradients are asked for with the user's own parameters.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from . import gates
from .backward import gradients
from .errors import ArgumentError, GradientError
from .stale import refuse_stale
from .tape import Edge, Tape
from .tensor import Tensor, frozen, passes

Where = Callable[[Edge], bool] | Iterable[Edge]


# --- gates on edges -------------------------------------------------------------------------------------------------
def cut(tape: Tape, where: Where) -> Tape:
    """Let no gradient pass along the edges chosen by where, a predicate or a collection of edges."""
    return _gate(tape, where, lambda source, edge, _: _gated(gates.detach, source, edge.target))


def scale(tape: Tape, where: Where, s: float | Callable[[Edge], Tensor | float]) -> Tape:
    """Multiply the gradient along the chosen edges by s, one number or a function of the edge."""

    def factor(edge: Edge) -> Tensor | float:
        by = s(edge) if callable(s) else s
        return by if isinstance(by, Tensor) else float(by)

    def gate(source: Tensor, edge: Edge, by: Tensor | float) -> Tensor:
        leaf = by if isinstance(by, Tensor) else Tensor(frozen(np.array(by, source.dtype)), like=edge.target)
        return _gated(gates.scale_grad, source, edge.target, leaf)

    return _gate(tape, where, gate, factor)


def clip_edges(tape: Tape, where: Where, max_norm: float) -> Tape:
    """Scale what crosses the chosen edges, from the readers of one source in one step together, down to max_norm."""
    keywords = {"max_norm": gates.positive("clip_edges: max_norm", max_norm)}
    return _gate(tape, where, lambda source, edge, _: _gated(gates.clip_grad, source, edge.target, **keywords))


def untie(tape: Tape, wrt: Tensor | Iterable[Tensor]) -> Tape:
    """Give each time step its own alias of the tied parameters: ``W_hh@1``, ``W_hh@2``, ... with an adjoint each."""
    tied = {wrt} if isinstance(wrt, Tensor) else set(wrt)

    def gate(source: Tensor, edge: Edge, _: Any) -> Tensor:
        return _gated(gates.alias, source, edge.target).named(f"{source.label}@{edge.target.time}")

    return _gate(tape, lambda e: e.source in tied and tape.times[e.target] is not None, gate)


def _gated(fn: Callable[..., Any], source: Tensor, reader: Tensor, *more: Tensor, **keywords: Any) -> Tensor:
    """A gate of kind fn between source and reader, stamped like the reader."""
    refuse_stale("transform", reader, [source], "Run the forward pass again")
    inputs = (source, *more)
    return Tensor(source.data, passes(fn, inputs), None, fn, inputs, keywords, like=reader)


def _gate(
    tape: Tape, where: Where, make: Callable[[Tensor, Edge, Any], Tensor], kind: Callable[[Edge], Any] = lambda e: None
) -> Tape:
    """Put a gate on the chosen edges that carry a gradient; the readers of one source in one step share one a kind."""
    _undifferentiated(tape)
    keys = {} if callable(where) else dict.fromkeys((e.target, e.slot) for e in where)
    if foreign := [target.label for target, _ in keys if target not in tape.names]:
        got, remedy = f"an edge to '{foreign[0]}' of another tape", "Take the edges of the tape you change"
        raise ArgumentError("transform", got=got, remedy=remedy)
    new: dict[Tensor, Tensor] = {}
    made: dict[tuple[Tensor, int | None, Any], Tensor] = {}
    for node in tape.nodes:
        inputs = [new[x] for x in node.inputs]
        for slot, x in enumerate(node.inputs):
            edge = Edge(x, node, slot)
            if edge.carries_gradient and (where(edge) if callable(where) else (node, slot) in keys):
                key = (x, tape.times[node], kind(edge))
                if key not in made:
                    made[key] = make(inputs[slot], edge, key[-1])
                inputs[slot] = made[key]
        new[node] = node.with_inputs(tuple(inputs))
    return _rebuilt(tape, [new[o] for o in tape.outputs])


def _rebuilt(tape: Tape, outputs: list[Tensor]) -> Tape:
    same = all(a is b for a, b in zip(outputs, tape.outputs, strict=True))
    return tape if same else Tape.of(*outputs, wrt=tape.wrt)


def _undifferentiated(tape: Tape) -> None:
    if not isinstance(tape, Tape):
        raise ArgumentError("transform", got=f"a {type(tape).__name__}", expected="expected a Tape, as Tape.of(loss)")
    if tape.wrt:
        got, remedy = "this tape holds its gradients already", "Truncate, scale or cut first, then differentiate"
        raise GradientError("transform", got=got, expected="gates on it would change nothing", remedy=remedy)


# --- truncation -----------------------------------------------------------------------------------------------------
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
            raise ArgumentError(f"truncate: {name}", got=f"{value}", expected=f"expected a whole number from {least}")
    if every is None and window is None:
        raise ArgumentError("truncate", got="neither every nor window", expected="name at least one of them")
    _undifferentiated(tape)
    stamps = _steps(tape, "truncate")
    first, last, block = min(stamps), max(stamps), every or 1

    def reach(t: int) -> tuple[int, int]:
        """The steps that what enters at step t may go back to, as (lowest, highest; for edges from the future)."""
        start = first + (t - first) // block * block
        end = start + block - 1
        low, high = (start, end) if window is None else (min(end, last) - window, start + window)
        return max(low, first), min(high, last)

    return _versions(tape, reach)


def _steps(tape: Tape, what: str) -> list[int]:
    """The stamps on a tape; to truncate a tape without any is a mistake."""
    if stamps := [t for n, t in tape.times.items() if t is not None and n.fn is not None]:
        return stamps
    remedy = "Run each step of the loop inside `with minigrad.timestep(t):`"
    raise ArgumentError(what, got="the tape has no time steps", remedy=remedy)


def _versions(tape: Tape, reach: Callable[[int], tuple[int, int]]) -> Tape:
    """Split every node into one version per reach that arrives at it; cut the recurrent edges that leave the reach."""
    times = tape.times
    Version = tuple[int, int] | None  # None: no step entered yet, or none to come
    entry: dict[Tensor, Version] = {n: None if (t := times[n]) is None else reach(t) for n in tape.nodes}
    stateful: set[Tensor] = set()  # with something stamped at or before them: the only nodes that can change
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
            elif s is None or t is None or s == t or (version[0] <= s if s < t else s <= version[1]):
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
                    source = closed.setdefault(key, _gated(gates.detach, source, node))
                inputs.append(source)
            new[node, version] = node.with_inputs(tuple(inputs))
    return _rebuilt(tape, [new[o, entry[o]] for o in tape.outputs])


def truncate_randomly(
    tape: Tape, keep: float | Mapping[int, float], rng: np.random.Generator | int, reweight: bool = True
) -> Tape:
    """Randomized truncation: one xi_t per boundary between steps, shared by every edge across it.

    xi_t is 1/pi_t with probability pi_t, else 0, so that the gradient is right on average. ``keep`` is pi, one number
    or {t: pi_t} (1 where absent). The drawn xi are the second inputs of the new ``scale_grad`` nodes.
    ``reweight=False`` cuts but does not reweight, the random segments of Fig. 9.7.1: **biased**.

    Source: D2L equation 9.7.8; Tallec and Ollivier 2017.
    """
    times, boundaries = tape.times, sorted(set(_steps(tape, "truncate_randomly")))[1:]
    pi = dict(keep) if isinstance(keep, Mapping) else dict.fromkeys(boundaries, keep)
    for t, p in pi.items():
        if not 0 < p <= 1 or t not in boundaries:
            steps = f"a step in {boundaries[0]}..{boundaries[-1]}" if boundaries else "at least two steps"
            raise ArgumentError(
                f"truncate_randomly: keep at t={t}",
                got=f"{p}",
                expected=f"expected a probability above 0 and {steps}",
            )
    rng = np.random.default_rng(rng)
    xi = {t: (1 / pi.get(t, 1.0) if reweight else 1.0) * (rng.random() < pi.get(t, 1.0)) for t in boundaries}

    def crossed(edge: Edge) -> list[int]:
        start, end = sorted((times[edge.source] or 0, times[edge.target] or 0))
        return boundaries[bisect_right(boundaries, start) : bisect_right(boundaries, end)]

    def factor(edge: Edge) -> float:
        return float(np.prod([xi[t] for t in crossed(edge)]))

    recurrent = tape.recurrent_edges()
    if not reweight:
        return cut(tape, [e for e in recurrent if factor(e) == 0])
    drawn: dict[str, Tensor] = {}

    def leaf(edge: Edge) -> Tensor:
        name = " ".join(f"xi_{t}" for t in crossed(edge))
        value = frozen(np.array(factor(edge), edge.source.dtype))
        return drawn.setdefault(name, Tensor(value, name=name, like=edge.target))

    return scale(tape, [e for e in recurrent if factor(e) != 1], leaf)


# --- differentiation and clipping -----------------------------------------------------------------------------------
def differentiate(tape: Tape, wrt: Tensor | Iterable[Tensor] | None = None) -> Tape:
    """Append the backward pass: a tape with outputs (loss, *gradients), wrt defaulting to the tape's parameters."""
    targets = (wrt,) if isinstance(wrt, Tensor) else tape.parameters if wrt is None else tuple(wrt)
    seed = Tensor(tape._seed(None), like=tape.outputs[0])
    return Tape.of(*tape.outputs, *gradients(tape, targets, seed), wrt=targets)


def clip(tape: Tape, max_norm: float) -> Tape:
    """Scale all gradients of a differentiated tape by min(1, max_norm / norm), the norm over all of them together.

    A non-finite norm makes every gradient NaN, rather than some of them zero. Source: D2L 9.5.3, Pascanu 2013.
    """
    bound = gates.positive("clip: max_norm", max_norm)
    factor = gates.shrink(gates.norm(*_gradients_of(tape, "clip")), bound)
    return _with_gradients(tape, lambda g: g * factor)


def clip_value(tape: Tape, limit: float) -> Tape:
    """Clip every element of every gradient of a differentiated tape to [-limit, limit]."""
    bound = gates.positive("clip_value: limit", limit)
    _gradients_of(tape, "clip_value")
    return _with_gradients(tape, lambda g: np.clip(g, -bound, bound))


def _gradients_of(tape: Tape, what: str) -> tuple[Tensor, ...]:
    if not tape.wrt:
        raise GradientError(what, got="a tape without gradients", expected="differentiate(tape) first")
    return tape.outputs[-len(tape.wrt) :]


def _with_gradients(tape: Tape, change: Callable[[Tensor], Any]) -> Tape:
    kept = tape.outputs[: -len(tape.wrt)]
    changed = [change(g).named(f"clipped {g.label}") for g in tape.outputs[len(kept) :]]
    return Tape.of(*kept, *changed, wrt=tape.wrt)


# --- simplification -------------------------------------------------------------------------------------------------
def simplify(tape: Tape) -> Tape:
    """Merge equal computations, drop aliases and operations with neutral elements (x * 1, x + 0, x / 1, x ** 1)."""
    new: dict[Tensor, Tensor] = {}
    known: dict[Any, Tensor] = {}
    kept = set(tape.outputs)
    for node in tape.nodes:
        copy = node.with_inputs(tuple(new[x] for x in node.inputs))
        same = _neutral(copy)
        if same is None and copy.fn not in (None, gates.on_backward, gates.clip_grad):
            same = known.setdefault((copy.fn, copy.inputs, repr(copy.kwargs), node.time), copy)
        new[node] = copy if same is None or node in kept else same
    return _rebuilt(tape, [new[o] for o in tape.outputs])


_NEUTRAL = {np.add: 0, np.subtract: 0, np.multiply: 1, np.divide: 1, np.power: 1, gates.scale_grad: 1}


def _neutral(node: Tensor) -> Tensor | None:
    """The input that node merely repeats, if it does."""
    if node.fn is gates.alias:
        return node.inputs[0]
    if node.name or node.fn not in _NEUTRAL:
        return None
    a, b = node.inputs
    pairs = [(a, b), (b, a)] if node.fn in (np.add, np.multiply) else [(a, b)]
    for x, unit in pairs:
        constant = unit.fn is None and not unit.requires_grad and unit.name is None
        if constant and np.all(unit.data == _NEUTRAL[node.fn]) and (x.shape, x.dtype) == (node.shape, node.dtype):
            return x
    return None
