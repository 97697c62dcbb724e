"""What a page knows of each node; nodes that differ by their time step alone share it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from minigrad import Edge, Step, Tape, Tensor
from minigrad.internal import filled, gates, templates, words_of
from minigrad.viz import style
from minigrad.viz.graphs.selection import closed, state_nodes

from .places import Picture, picture
from .source_lines import source_of

# around what a formula refers to: names may contain anything
OPEN, CLOSE = "\ue000", "\ue001"
REFERENCE = re.compile(f"{OPEN}(g|y|\\d+){CLOSE}")
# a whole number, no part of another one
NUMBER = re.compile(r"(?<![\d.])-?\d+(?![\d.])")
# stands for the number of the time step
TIME = "\ue002"
LOST = "\ufffd"

Json = dict[str, Any]


class Kinds:
    """``of(node, step)`` is the number of the node's kind among ``known``."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.index = {n: i for i, n in enumerate(tape.nodes)}
        self.known: list[Json] = []
        loss = tape.outputs[0]
        self.loss = loss.label if loss.name else "L"
        self._numbers: dict[str, int] = {}
        self._places: Picture = picture(tape)
        self.columns = self._places.times
        self._states = state_nodes(tape)
        self._adjoints = words_of(tape)[1]
        # whose adjoint a formula names: the node that bears the name
        named: dict[str, Tensor] = {}
        for n, name in tape.names.items():
            named[f"d{self.loss}/d{name}"] = n
        self._owners = {n: named[adjoint] for n, adjoint in self._adjoints.items()}
        self._sources: dict[Any, list[Any]] = {}

    def of(self, n: Tensor, step: Step | None) -> int:
        """The number of a node's kind, new or known. ``step``: that of the node, if it has one."""
        data = self._data(n, step)
        key = json.dumps(data)
        if key not in self._numbers:
            self._numbers[key] = len(self.known)
            self.known.append(data)
        return self._numbers[key]

    def _data(self, n: Tensor, step: Step | None) -> Json:
        untimed = self._untimed(n)
        name = self.tape.names[n]
        data: Json = {
            "name": untimed(name),
            "parts": _rewritten(style.parts(name), untimed),
            "op": n.op,
            "where": untimed(n.where),
            "type": f"{n.dtype}{list(n.shape)}",
            "own": self.index[n] - self.index[self._owners[n]],
            "edges": [edge_kind(x, n, slot) for slot, x in enumerate(n.inputs)],
            "class": node_class(n),
            "source": self._source(n),
        }
        if self.tape.times[n] is None:
            data["outside"] = 1
        if n in self._states:
            data["state"] = 1
        if closed(n):
            data["cut"] = 1
        if step is not None:
            data["sends"] = list(self._sends(step))
        spot = self._places.spots.get(n)
        if spot:
            pieces = style.parts(spot.text) if n.name else [(spot.text, False)]
            data["spot"] = [
                round(spot.across),
                spot.row,
                round(spot.width),
                _rewritten(pieces, untimed),
            ]
        return data

    def _untimed(self, n: Tensor) -> Callable[[str], str]:
        """Puts TIME in place of the number of its time step, where that is no part of another."""
        t = str(self.columns[n])

        def rewrite(text: str) -> str:
            whole = text.replace(TIME, LOST)
            return NUMBER.sub(lambda match: TIME if match[0] == t else match[0], whole)

        return rewrite

    def _source(self, n: Tensor) -> list[Any]:
        if n.place not in self._sources:
            self._sources[n.place] = source_of(n.place)
        return self._sources[n.place]

    def _sends(self, step: Step) -> Iterator[list[Any]]:
        """Each input that is sent something, and the formula in pieces.

        They are 1 where the adjoint is handed down under the name of its reader, else 0; then text
        and references by turns: to an input by its number, to the value y, to the adjoint g.
        """
        n = step.tensor
        if n.fn is None:
            return
        marked = {n: f"{OPEN}y{CLOSE}"}
        for slot, x in enumerate(n.inputs):
            marked[x] = f"{OPEN}{slot}{CLOSE}"
        rows = zip(n.inputs, step.sent, templates(n), strict=True)
        for slot, (x, c, template) in enumerate(rows):
            if c is None:
                continue
            formula: list[Any] = []
            if template is not None:
                text = filled(n, template, marked, f"{OPEN}g{CLOSE}")
                is_handed_down = self._adjoints[x] == self._adjoints[n]
                formula.append(int(is_handed_down))
                formula += REFERENCE.split(text)
            yield [slot, formula]


def _rewritten(parts: Iterable[tuple[str, bool]], rewrite: Callable[[str], str]) -> list[Any]:
    return [[rewrite(text), lowered] for text, lowered in parts]


def edge_kind(x: Tensor, n: Tensor, slot: int) -> str:
    """What an edge is called: cut, plain where no gradient passes, tied from a parameter, or ""."""
    if closed(n) and slot == 0:
        return "cut"
    if not Edge(x, n, slot).carries_gradient:
        return "plain"
    return "tied" if x.fn is None and x.requires_grad else ""


def node_class(n: Tensor) -> str:
    """What a node is called: parameter, leaf, gate or op."""
    if n.fn is None:
        return "parameter" if n.requires_grad else "leaf"
    return "gate" if n.fn in gates.GATES else "op"
