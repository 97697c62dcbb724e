"""A backward pass as data: for each step what a page shows, the arrays each once.

Compact, so that a thousand time steps are one page: what the steps share is written once
(``Kinds``), numbers are packed (``numbers``), and what follows from the rest is left out.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from itertools import chain, groupby, pairwise
from typing import Any

import numpy as np

from minigrad import Step, Tape, Tensor
from minigrad.internal import Session, alias, float_norm
from minigrad.viz import style
from minigrad.viz.graphs.landmarks import is_broken
from minigrad.viz.graphs.selection import closed

from .grids import codes, form_of
from .kinds import Kinds
from .numbers import code_of, packed

MAX_LISTED_STEPS = 8
# characters of a number on the page
NUMBER_SIZE = 4

Json = dict[str, Any]


class Reel:
    """The steps of one tape; ``data(most)`` is JSON with at most ``most`` numbers an array."""

    def __init__(self, tape: Tape, title: str, gradient: Any = None) -> None:
        self.tape = tape
        self.title = title
        self.session = Session(tape, gradient)
        with np.errstate(all="ignore"):
            while self.session.forward():
                pass
        self.steps = self.session.taken
        self._index = {n: i for i, n in enumerate(tape.nodes)}
        self._weights = set(tape.parameters) & self.session.reached

    def moments(self) -> list[tuple[int, int]]:
        """When each step happens, comparable between tapes of one forward pass.

        These agree on a node's serial; the second number says which of that serial it is.
        """
        count: Counter[int] = Counter()
        moments = []
        for step in self.steps:
            serial = -step.tensor.serial
            moment = serial, count[serial]
            moments.append(moment)
            count[serial] += 1
        return moments

    def size(self, most: int) -> int:
        """About how many characters the numbers take, with at most ``most`` an array."""
        _, shapes = self._played
        numbers = 0
        for shape, times in Counter(shapes).items():
            numbers += times * form_of(shape, most).count
        return NUMBER_SIZE * numbers

    def data(self, most: int) -> Json:
        """Everything a page shows of this tape."""
        data: Json = {"title": self.title}
        return data | self._nodes() | self._course() | self._numbers(most)

    def _nodes(self) -> Json:
        """The nodes, in the order of the tape.

        ``kind`` is for each the number of its kind. ``columns`` are the steps, each with how many
        nodes in a row are of it. ``back``: for each input of each node how far before it that is.
        """
        taken = {step.tensor: step for step in self.steps}
        kinds = Kinds(self.tape)
        index = self._index
        kind = [kinds.of(n, taken.get(n)) for n in index]
        columns = [kinds.columns[n] for n in index]
        broken = {kinds.columns[n] for n in index if is_broken(n)}
        back = []
        for n, i in index.items():
            back += [i - index[x] for x in n.inputs]
        runs = [(t, len([*same])) for t, same in groupby(columns)]
        weights = [index[p] for p in self.tape.parameters if p in self._weights]
        # what backward visits, and yet no step of this pass is at
        missed = [index[n] for n in self.session.reached if n not in taken]
        return {
            "loss": style.parts(kinds.loss),
            "kinds": kinds.known,
            "kind": kind,
            "columns": runs,
            "back": back,
            "weights": weights,
            "broken": sorted(broken - {None}),
            "reached": missed,
        }

    def _course(self) -> Json:
        """The steps: how far behind the one before each is, and which arrays they show.

        ``refs`` is as ``_played`` has it. ``shares``: after each contribution to a parameter
        the norm of all that the time step has sent to it.
        """
        places = [len(self._index)]
        places += [self._index[step.tensor] for step in self.steps]
        references, _ = self._played
        norms = map(float_norm, self._shares())
        return {
            "steps": [before - place for before, place in pairwise(places)],
            "refs": references,
            "shares": packed(map(code_of, norms)),
        }

    def _numbers(self, most: int) -> Json:
        """The arrays, each with the number of its shape, and all their numbers in a row."""
        _, each = self._played
        forms = {shape: form_of(shape, most) for shape in each}
        number = {shape: k for k, shape in enumerate(forms)}
        numbers = (codes(x, forms[x.shape]) for x in self._new_arrays())
        return {
            "shapes": [form.data() for form in forms.values()],
            "shape": list(map(number.__getitem__, each)),
            "numbers": packed(chain.from_iterable(numbers)),
        }

    @cached_property
    def _played(self) -> tuple[list[int], list[tuple[int, ...]]]:
        """Which array follows, of ``_arrays``, and the shapes of those that are new.

        0 stands for a new one, another number says how far back among the new ones it was.
        """
        number: dict[tuple[Any, ...], int] = {}
        references = []
        shapes = []
        for x in self._arrays():
            digest = hashlib.blake2b(x.tobytes(), digest_size=16).digest()
            key = x.shape, x.dtype.str, digest
            if key in number:
                references.append(len(number) - number[key])
                continue
            references.append(0)
            number[key] = len(number)
            shapes.append(x.shape)
        return references, shapes

    def _new_arrays(self) -> Iterator[Any]:
        """Equal arrays once."""
        references, _ = self._played
        for x, reference in zip(self._arrays(), references, strict=True):
            if reference == 0:
                yield x

    def _arrays(self) -> Iterator[Any]:
        """Of each step its adjoint, then what each input is sent.

        After that to a parameter follows all that the parameter got so far.
        """
        sums: dict[Tensor, Any] = {}
        for step in self.steps:
            yield np.asarray(step.grad)
            for x, c in _sent(step):
                yield c
                if x in self._weights:
                    sums[x] = _added(sums, x, c)
                    yield sums[x]

    def _shares(self) -> Iterator[Any]:
        """After each contribution to a parameter all that its time step has sent to it."""
        shares: dict[Any, Any] = {}
        for step in self.steps:
            for x, c in _sent(step):
                if x in self._weights:
                    share = x, self.tape.times[step.tensor]
                    shares[share] = _added(shares, share, c)
                    yield shares[share]


def _sent(step: Step) -> Iterator[tuple[Tensor, Any]]:
    """Each input that is sent something, and what."""
    for x, c in zip(step.tensor.inputs, step.contributions, strict=False):
        if c is not None:
            yield x, np.asarray(c)


def _added(sums: dict[Any, Any], key: Any, c: Any) -> Any:
    with np.errstate(all="ignore"):
        return sums[key] + c if key in sums else c


def caption(tape: Tape) -> str:
    """What a tape is, in a few words."""
    cut = [n for n in tape.nodes if closed(n)]
    steps = len(set(tape.times.values()) - {None})
    untied = ", untied" if any(n.fn is alias for n in tape.nodes) else ""
    if not cut:
        time = f", {steps} time steps" if steps else ""
        return f"full gradient{time}{untied}"
    cut_steps = sorted({n.time for n in cut if n.time is not None})
    if not cut_steps:
        return f"{len(cut)} edges cut{untied}"
    listed = ", ".join(map(str, cut_steps[:MAX_LISTED_STEPS]))
    more = ", …" if len(cut_steps) > MAX_LISTED_STEPS else ""
    return f"cut before t = {listed}{more} of {steps} time steps{untied}"
