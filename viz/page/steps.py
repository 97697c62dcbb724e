"""A backward pass as data: for each step what a page shows, the arrays each once."""

from __future__ import annotations

import linecache
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from minigrad.viz import style
from minigrad.viz.graphs.selection import closed

from minigrad import Tape, Tensor
from minigrad.core.gates import alias
from minigrad.core.notation import filled, templates, words_of
from minigrad.core.text import norm
from minigrad.debugger.session import Session

from .grids import grid

_OPEN, _CLOSE = "\ue000", "\ue001"  # around the names in a formula, which may contain anything


class Reel:
    """The steps of one tape; ``data(most)`` is JSON with at most ``most`` numbers an array."""

    def __init__(self, tape: Tape, title: str, gradient: Any = None) -> None:
        self.tape, self.title = tape, title
        self.index = {n: i for i, n in enumerate(tape.nodes)}
        self.session = Session(tape, gradient)
        with np.errstate(all="ignore"):
            while self.session.forward():
                pass
        self.steps = self.session.taken
        self._adjoints, loss = words_of(tape)[1], tape.outputs[0].name or "L"
        own = {f"d{loss}/d{name}": self.index[n] for n, name in tape.names.items()}
        self._owner = {
            its: own[its] for its in self._adjoints.values()
        }  # whose adjoint a formula names
        self._arrays: dict[tuple[Any, ...], int] = {}
        self._grids: list[dict[str, Any]] = []
        self._most = 0

    def moments(self) -> list[tuple[int, int]]:
        """When each step happens: tapes of one forward pass agree on a node's serial; then, which of that serial."""
        seen: defaultdict[int, int] = defaultdict(int)
        found = []
        for step in self.steps:
            serial = -step.tensor.serial
            found.append((serial, seen[serial]))
            seen[serial] += 1
        return found

    def data(self, most: int) -> dict[str, Any]:
        """Everything a page shows of this tape."""
        self._arrays, self._grids, self._most = {}, [], most
        names = self.tape.names
        steps = list(self._steps())
        return {
            "title": self.title,
            "nodes": [
                {
                    "name": names[n],
                    "parts": style.parts(names[n]),
                    "op": n.op,
                    "where": n.where,
                    "shape": str(n.shape),
                }
                for n in self.tape.nodes
            ],
            "loss": style.parts(self.tape.outputs[0].name or "L"),
            "weights": [
                {"node": self.index[p], "times": times} for p, times in self._weights().items()
            ],
            "reached": [self.index[n] for n in self.session.reached],
            "steps": steps,
            "grids": self._grids,
        }

    def _steps(self) -> Iterator[dict[str, Any]]:
        weights = {p: i for i, p in enumerate(self._weights())}
        sums: dict[Tensor, Any] = {}
        shares: dict[tuple[Tensor, int | None], Any] = {}
        for step in self.steps:
            n, sends, growing = step.tensor, [], []
            rows = zip(n.inputs, self._formulas(step), step.contributions, strict=True)
            for slot, (x, formula, c) in enumerate(rows):
                if c is None:
                    continue
                sends.append({"slot": slot, "to": self.index[x], "f": formula, "c": self._grid(c)})
                if x in weights:
                    t = self.tape.times[n]
                    sums[x] = c if x not in sums else sums[x] + c
                    shares[x, t] = c if (x, t) not in shares else shares[x, t] + c
                    share = norm(shares[x, t])
                    growing.append(
                        {"w": weights[x], "t": t, "n": f"{share:.4g}", "sum": self._grid(sums[x])}
                    )
            yield {
                "node": self.index[n],
                "g": self._grid(step.grad),
                "sends": sends,
                "weights": growing,
                "line": _source_line(n),
            }

    def _formulas(self, step: Any) -> list[list[Any] | None]:
        """Each formula as pieces: [target adjoint, "+=" or "=", then text and references to names by turns]."""
        n = step.tensor
        if n.fn is None:
            return []
        adjoints, owner = self._adjoints, self._owner
        marked = {x: f"{_OPEN}{self.index[x]}{_CLOSE}" for x in (*n.inputs, n)}
        g = f"{_OPEN}g{owner[adjoints[n]]}{_CLOSE}"
        found: list[list[Any] | None] = []
        for x, template in zip(n.inputs, templates(n), strict=True):
            if template is None:
                found.append(None)
                continue
            same = adjoints[x] == adjoints[n]
            to = self.index[x] if same else owner[adjoints[x]]
            pieces = re.split(f"{_OPEN}(g?\\d+){_CLOSE}", filled(n, template, marked, g))
            found.append([to, "=" if same else "+=", *pieces])
        return found

    def _weights(self) -> dict[Tensor, list[int | None]]:
        """The parameters that a gradient reaches, and the time steps that read them."""
        found: dict[Tensor, dict[int | None, None]] = {
            p: {} for p in self.tape.parameters if p in self.session.reached
        }
        for n in self.tape.nodes:
            for x in n.inputs:
                if x in found:
                    found[x][self.tape.times[n]] = None
        return {p: sorted(its, key=lambda t: (t is None, t or 0)) for p, its in found.items()}

    def _grid(self, x: Any) -> int:
        """The number of an array's grid; equal arrays share one."""
        x = np.asarray(x)
        key = x.shape, x.dtype.str, x.tobytes()
        if key not in self._arrays:
            self._arrays[key] = len(self._grids)
            self._grids.append(grid(x, self._most))
        return self._arrays[key]


def caption(tape: Tape) -> str:
    """What a tape is, in a few words."""
    cut = [n for n in tape.nodes if closed(n)]
    steps = len({t for t in tape.times.values() if t is not None})
    at = sorted({n.time for n in cut if n.time is not None})
    untied = ", untied" if any(n.fn is alias for n in tape.nodes) else ""
    if not cut:
        return f"full gradient, {steps} time steps{untied}"
    listed = ", ".join(map(str, at[:8])) + (", …" if len(at) > 8 else "")
    return (
        f"cut before t = {listed} of {steps} time steps{untied}"
        if at
        else f"{len(cut)} edges cut{untied}"
    )


def _source_line(n: Tensor) -> str:
    """The user's line of code, where its file is still there."""
    if n.place is None:
        return ""
    number = n.origin.rpartition(":")[2]
    return (
        linecache.getline(n.place[0].co_filename, int(number)).strip()[:300]
        if number.isdigit()
        else ""
    )
