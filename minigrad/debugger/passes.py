"""The backward passes of a program that runs, and one of them kept as it was.

A program goes on when backward is done: it assigns its parameters, and lets go of its loss. What is
kept of a pass is its output, where it started from, and a copy of each leaf; a tape is built from
them when it is asked for.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from types import FrameType
from typing import Any
from weakref import ref

import numpy as np

from minigrad.core.order import behind
from minigrad.core.scope import stamped, watch
from minigrad.core.sweep import Swept
from minigrad.core.tape import Tape
from minigrad.core.tensor import Array, Tensor, frozen
from minigrad.ops import OPS
from minigrad.scoping import Scope
from minigrad.source import COMPANION, describe, user_place

LAST = -1
PLAIN = (int, float, str, np.number)
"""What stays as it was without a copy, and holds nothing of a graph."""
COMPANIONS = ("minigrad.models", "minigrad.viz")
# what a pass is called by, the kinds that are meant first in front
KINDS = ("backward()", "mg.grad()", "sweep")
BACKWARD, GRAD, SWEEP = KINDS
KIND_OF = {"Tensor.backward": BACKWARD, "Tape.backward": BACKWARD, "grad": GRAD}

Copies = dict[int, tuple[ref[Tensor], int, Array]]
"""Of each leaf, by its id: when it was assigned last, and a copy of its value since."""


class Pass:
    """A backward pass as it began, whatever the program does later.

    ``call`` is the function that the program called, ``where`` its line, ``names`` what the program
    calls the output, ``variables`` its numbers and texts of then.
    """

    def __init__(self, output: Tensor, call: str, where: str, names: set[str]) -> None:
        self.output = output
        self.call = call
        self.where = where
        self.names = names
        self.variables: dict[str, Any] = {}
        self.number = 0
        self.copies: Copies = {}
        self.gradient: Array | None = None

    def keep(self, before: Copies) -> None:
        """Copy the leaves, but those whose copies of before are still good.

        Held weakly: who counts on it that nobody holds an earlier parameter is not disturbed.
        """
        # not those that the program's tape would hold from now on
        for leaf in behind([self.output]):
            if leaf.fn is not None:
                continue
            known = before.get(id(leaf))
            if known is None or known[0]() is not leaf or known[1] != leaf.assigned:
                # in the same layout: another one may round otherwise
                known = ref(leaf), leaf.assigned, frozen(leaf.data.copy("K"))
            self.copies[id(leaf)] = known

    def part(self) -> None:
        """Hold nothing of the program's own graph any more."""
        self.output = self._copied()
        self.copies = {}

    def tape(self) -> Tape:
        """Its tape, all values as they were; backward starts from what it started from."""
        return Tape.of(_seeded(self._copied(), self.gradient))

    def _copied(self) -> Tensor:
        """The output over copies of the leaves."""
        new: dict[Tensor, Tensor] = {}
        for node in behind([self.output]):
            inputs = tuple([new[x] for x in node.inputs])
            copy = node.copied(inputs)
            # of which the program's own pass has warned
            copy.reads = None
            known = self.copies.get(id(node))
            if known is not None and known[0]() is node:
                copy.assigned, copy._array = known[1:]
                copy.cut, copy.off_tape, copy.swept = node.cut, node.off_tape, node.swept
            elif node.fn is not None and _is_view(node):
                value = OPS[node.fn].call(*[x.data for x in inputs], **node.kwargs)
                copy._array = frozen(value)
            new[node] = copy
        return new[self.output]


def _is_view(node: Tensor) -> bool:
    """Whether it may show the memory of an input, which shows that of a leaf."""
    if node.form is not None:
        return False
    dropped = any(x.form is not None for x in node.inputs)
    return dropped or any(np.may_share_memory(node.data, x.data) for x in node.inputs)


def _seeded(output: Tensor, gradient: Array | None) -> Tensor:
    """A scalar whose backward pass goes through output with this gradient."""
    if gradient is None or (gradient.size == 1 and gradient.item() == 1):
        return output
    with stamped(output.time, output.place):
        seed = Tensor(gradient, name="gradient")
        return np.sum(output * seed).named("L")


class Passes(Scope):
    """Hears of every backward pass inside its with statement, and keeps the chosen one.

    ``number`` counts from 1, or from the last one back: -1. With ``name`` only those count whose
    output the program calls so: a variable where the pass is called, or the tensor's name.

    Cost: of each pass a walk to its leaves, and a copy of those that were assigned.
    """

    variable = watch
    title = "passes"

    def __init__(self, number: int = LAST, name: str | None = None) -> None:
        super().__init__()
        self.number = number
        self.name = name
        self.counts = dict.fromkeys(KINDS, 0)
        self.names: set[str] = set()
        self._copies: Copies = {}
        self._kept: dict[str, deque[Pass]] = {}
        for kind in KINDS:
            self._kept[kind] = deque(maxlen=max(-number, 1))

    def __call__(self, tape: Tape, sweeping: Iterator[Swept]) -> Iterator[Swept]:
        """The same sweep, kept from its first step on."""
        heard, kind = _described(tape.outputs[0], sys._getframe(1))
        self.names |= heard.names
        if self.name is not None and self.name not in heard.names:
            return sweeping
        self.counts[kind] += 1
        heard.number = self.counts[kind]
        if self.number > 0 and self.number != heard.number:
            return sweeping
        heard.keep(self._copies)
        self._copies = heard.copies
        if self.number != LAST:
            # the program's next update may be made of what this one holds
            heard.part()
        self._kept[kind].append(heard)
        return _noting_gradient(heard, sweeping)

    def chosen(self, kind: str) -> Pass | None:
        """The pass of that kind that was asked for, if there was one."""
        kept = self._kept[kind]
        return kept[0] if len(kept) == kept.maxlen else None


def _noting_gradient(heard: Pass, sweeping: Iterator[Swept]) -> Iterator[Swept]:
    """The same sweep; its first adjoint is what it started from."""
    first = next(sweeping)
    g = first[1]
    heard.gradient = frozen(np.array(g.data if isinstance(g, Tensor) else g))
    yield first
    yield from sweeping


def _described(output: Tensor, frame: FrameType | None) -> tuple[Pass, str]:
    """A pass from output that is asked for there: by what call, from which line, under which names.

    Frames of the engine come first, then those of the program.
    """
    calls = []
    while frame is not None and _is_ours(frame):
        if not frame.f_globals["__name__"].startswith(COMPANIONS):
            calls.append(frame.f_code.co_qualname)
        frame = frame.f_back
    names = {output.name} if output.name else set()
    variables: dict[str, Any] = {}
    while frame is not None and not _is_ours(frame):
        names |= _names_of(output, frame.f_locals)
        plain = {k: v for k, v in [*frame.f_locals.items()] if isinstance(v, PLAIN)}
        # the innermost win
        variables = plain | variables
        frame = frame.f_back
    kinds = [KIND_OF.get(call, SWEEP) for call in calls]
    where = describe(None, user_place(below=COMPANION))
    heard = Pass(output, calls[-1], where, names)
    heard.variables = variables
    return heard, min(kinds, key=KINDS.index)


def _names_of(output: Tensor, variables: dict[str, Any]) -> set[str]:
    """The variables that hold the output, or a tape of it."""
    names = set()
    for name, value in [*variables.items()]:
        if value is output or (isinstance(value, Tape) and value.outputs[0] is output):
            names.add(name)
    return names


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith("minigrad.")
