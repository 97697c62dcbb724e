"""A backward pass as data: for each step what a page shows, the arrays each once."""

from __future__ import annotations

import linecache
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad import Step, Tape, Tensor
from minigrad.internal import Session, alias, filled, float_norm, templates, words_of
from minigrad.viz import style
from minigrad.viz.graphs.selection import closed

from .grids import grid

# around the names in a formula, which may contain anything
OPEN, CLOSE = "\ue000", "\ue001"
REFERENCE = re.compile(f"{OPEN}(g?\\d+){CLOSE}")
MAX_LISTED_STEPS = 8
MAX_SOURCE_LINE = 300  # characters

Json = dict[str, Any]


class Reel:
    """The steps of one tape; ``data(most)`` is JSON with at most ``most`` numbers an array."""

    def __init__(self, tape: Tape, title: str, gradient: Any = None) -> None:
        self.tape = tape
        self.title = title
        self.index = {n: i for i, n in enumerate(tape.nodes)}
        self.session = Session(tape, gradient)
        with np.errstate(all="ignore"):
            while self.session.forward():
                pass
        self.steps = self.session.taken
        self._adjoints = words_of(tape)[1]
        self._owner = self._owners()
        self._weights = self._reached_weights()
        self._arrays: dict[tuple[Any, ...], int] = {}
        self._grids: list[Json] = []
        self._most = 0

    def moments(self) -> list[tuple[int, int]]:
        """When each step happens, comparable between tapes of one forward pass.

        These agree on a node's serial; the second number says which of that serial it is.
        """
        seen: defaultdict[int, int] = defaultdict(int)
        moments = []
        for step in self.steps:
            serial = -step.tensor.serial
            moments.append((serial, seen[serial]))
            seen[serial] += 1
        return moments

    def data(self, most: int) -> Json:
        """Everything a page shows of this tape."""
        self._arrays, self._grids, self._most = {}, [], most
        steps = list(self._steps())
        weights = [{"node": self.index[p], "times": ts} for p, ts in self._weights.items()]
        nodes = [self._node(n) for n in self.tape.nodes]
        return {
            "title": self.title,
            "nodes": nodes,
            "loss": style.parts(self._loss),
            "weights": weights,
            "reached": sorted(self.index[n] for n in self.session.reached),
            "steps": steps,
            "grids": self._grids,
        }

    @property
    def _loss(self) -> str:
        loss = self.tape.outputs[0]
        return loss.label if loss.name else "L"

    def _owners(self) -> dict[str, int]:
        """Whose adjoint a formula names: the node that bears the name."""
        names = self.tape.names.items()
        node_of = {f"d{self._loss}/d{name}": self.index[n] for n, name in names}
        return {adjoint: node_of[adjoint] for adjoint in self._adjoints.values()}

    def _node(self, n: Tensor) -> Json:
        name = self.tape.names[n]
        return {
            "name": name,
            "parts": style.parts(name),
            "op": n.op,
            "where": n.where,
            "shape": str(n.shape),
        }

    def _steps(self) -> Iterator[Json]:
        """What each step sends, and how the gradients of the parameters grow by it."""
        growth = Growth(self)
        for step in self.steps:
            n = step.tensor
            sends = []
            growing = []
            rows = zip(n.inputs, self._formulas(step), step.contributions, strict=True)
            for slot, (x, formula, c) in enumerate(rows):
                if c is None:
                    continue
                sends.append({"slot": slot, "to": self.index[x], "f": formula, "c": self.grid(c)})
                if x in self._weights:
                    growing.append(growth.added(x, self.tape.times[n], c))
            yield {
                "node": self.index[n],
                "g": self.grid(step.grad),
                "sends": sends,
                "weights": growing,
                "line": _source_line(n),
            }

    def _formulas(self, step: Step) -> list[list[Any] | None]:
        """Each formula in pieces.

        They are the target adjoint, "+=" or "=", then text and references to names by turns.
        """
        n = step.tensor
        if n.fn is None:
            return []
        marked = {x: f"{OPEN}{self.index[x]}{CLOSE}" for x in (*n.inputs, n)}
        adjoint = self._adjoints[n]
        g = f"{OPEN}g{self._owner[adjoint]}{CLOSE}"
        formulas: list[list[Any] | None] = []
        for x, template in zip(n.inputs, templates(n), strict=True):
            if template is None:
                formulas.append(None)
                continue
            pieces = REFERENCE.split(filled(n, template, marked, g))
            target = self._adjoints[x]
            if target == adjoint:
                formulas.append([self.index[x], "=", *pieces])
            else:
                formulas.append([self._owner[target], "+=", *pieces])
        return formulas

    def weights(self) -> list[Tensor]:
        """The parameters that a gradient reaches."""
        return list(self._weights)

    def _reached_weights(self) -> dict[Tensor, list[int | None]]:
        """The parameters that a gradient reaches, and the time steps that read them."""
        reached = self.session.reached
        reading_steps: dict[Tensor, set[int | None]] = {}
        for p in self.tape.parameters:
            if p in reached:
                reading_steps[p] = set()
        for n in self.tape.nodes:
            for x in n.inputs:
                if x in reading_steps:
                    reading_steps[x].add(self.tape.times[n])
        # what lies outside the steps comes last
        return {
            p: sorted(steps, key=lambda t: (t is None, t or 0))
            for p, steps in reading_steps.items()
        }

    def grid(self, x: Any) -> int:
        """The number of an array's grid; equal arrays share one."""
        x = np.asarray(x)
        key = x.shape, x.dtype.str, x.tobytes()
        if key not in self._arrays:
            self._arrays[key] = len(self._grids)
            self._grids.append(grid(x, self._most))
        return self._arrays[key]


class Growth:
    """The gradients of the parameters as they add up, and the share of each time step."""

    def __init__(self, reel: Reel) -> None:
        self._reel = reel
        self._number = {p: i for i, p in enumerate(reel.weights())}
        self._sums: dict[Tensor, Any] = {}
        self._shares: dict[tuple[Tensor, int | None], Any] = {}

    def added(self, weight: Tensor, t: int | None, c: Any) -> Json:
        """One more contribution, of a use in step t; what the page says of it."""
        share = weight, t
        self._sums[weight] = self._sums[weight] + c if weight in self._sums else c
        self._shares[share] = self._shares[share] + c if share in self._shares else c
        return {
            "w": self._number[weight],
            "t": t,
            "n": f"{float_norm(self._shares[share]):.4g}",
            "sum": self._reel.grid(self._sums[weight]),
        }


def caption(tape: Tape) -> str:
    """What a tape is, in a few words."""
    cut = [n for n in tape.nodes if closed(n)]
    steps = len({t for t in tape.times.values() if t is not None})
    untied = ", untied" if any(n.fn is alias for n in tape.nodes) else ""
    if not cut:
        return f"full gradient, {steps} time steps{untied}"
    cut_steps = sorted({n.time for n in cut if n.time is not None})
    if not cut_steps:
        return f"{len(cut)} edges cut{untied}"
    listed = ", ".join(map(str, cut_steps[:MAX_LISTED_STEPS]))
    more = ", …" if len(cut_steps) > MAX_LISTED_STEPS else ""
    return f"cut before t = {listed}{more} of {steps} time steps{untied}"


def _source_line(n: Tensor) -> str:
    """The user's line of code, where its file is still there."""
    if n.place is None:
        return ""
    number = n.origin.rpartition(":")[2]
    if not number.isdigit():
        return ""
    line = linecache.getline(n.place[0].co_filename, int(number))
    return line.strip()[:MAX_SOURCE_LINE]
