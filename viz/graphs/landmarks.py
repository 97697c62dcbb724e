"""What never folds away: where a tape stops being finite, and the extremes of its adjoints."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from minigrad import Tape, Tensor

from .norm_colors import Scale, scale_of, together
from .selection import state_nodes

Steps = frozenset[int]


@dataclass(frozen=True)
class Landmarks:
    """What is known of each step.

    scale: that of the norms. norms: of the adjoints of a step's states together. broken: the steps
    with values that are not finite.
    """

    scale: Scale | None = None
    norms: Mapping[int, float] = field(default_factory=dict)
    broken: Steps = frozenset()

    @cached_property
    def heights(self) -> Scale:
        """The scale of these norms alone."""
        return scale_of({}, self.norms.values())

    @property
    def kept(self) -> list[int]:
        """The steps that never fold, what matters most first."""
        return list(dict.fromkeys(self._kept()))

    def _kept(self) -> Iterator[int]:
        """The first steps that are not finite, there and back; the largest and the least norm."""
        if self.broken:
            yield min(self.broken)
        adjoints = [t for t, norm in self.norms.items() if not math.isfinite(norm)]
        if adjoints:
            yield max(adjoints)
        positive = {t: norm for t, norm in self.norms.items() if 0 < norm < math.inf}
        if positive:
            yield max(positive, key=positive.__getitem__)
            yield min(positive, key=positive.__getitem__)


def landmarks(tape: Tape, scale: Scale | None = None) -> Landmarks:
    """What is known of the steps of a tape; without a scale nothing of its adjoints."""
    times = tape.times
    broken = {t for n, t in times.items() if t is not None and is_broken(n)}
    norms: dict[int, float] = {}
    if scale:
        for t, members in _known_members(tape, scale).items():
            norms[t] = together(scale.joined(members))
    return Landmarks(scale, norms, frozenset(broken))


def _known_members(tape: Tape, scale: Scale) -> Mapping[int, list[Tensor]]:
    """The states of each step whose norms are known; where there are no states, all nodes."""
    states: Iterable[Tensor] = state_nodes(tape) or tape.nodes
    chosen = set(states) & scale.norms.keys()
    members: defaultdict[int, list[Tensor]] = defaultdict(list)
    for n, t in tape.times.items():
        if t is not None and n in chosen:
            members[t].append(n)
    return members


def is_broken(n: Tensor) -> bool:
    """Whether a value is NaN or infinite; masks are made of -inf, which is none."""
    is_less = n.data < math.inf
    return not is_less.all()
