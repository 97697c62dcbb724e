"""What is recurrent on a tape: named, or proven, never guessed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from minigrad.core.tensor import Tensor
from minigrad.core.time import Times, crosses, steps_of, times_of
from minigrad.errors import ArgumentError
from minigrad.source import describe

from .collecting import Collecting, collecting
from .computed_once import ComputedOnce, computed_once

if TYPE_CHECKING:
    from minigrad.core.tape import Edge, Tape

Named = str | Tensor | Callable[[Tensor], bool]
States = Named | Iterable[Named] | None
"""What is state: names, Tensors, predicates of nodes, or several; None: what is proven to be."""

# the step at the end of a name: h_3, h[3]
_STEP = re.compile(r"(_-?\d+|_t|\[-?\d+\])$")


@dataclass(frozen=True, eq=False)
class State:
    """What was taken for state: one value that the steps hand on, a tensor in each of them.

    ``name`` is what ``state=`` takes, ``steps`` are those that hand it on, ``lines`` where they
    compute it, ``why`` what proves it. ``is_proven`` is False for what could be a state or only
    collected: every transform that asks refuses it until it is named.
    """

    name: str
    steps: tuple[int, ...]
    lines: tuple[str, ...]
    why: str
    is_proven: bool
    tensors: tuple[Tensor, ...] = field(repr=False)

    def __repr__(self) -> str:
        return f"State({self.name}, {_range(self.steps)}, {', '.join(self.lines)}: {self.why})"


def _range(steps: tuple[int, ...]) -> str:
    return f"t={steps[0]}" if len(steps) == 1 else f"t={steps[0]}..{steps[-1]}"


# --- the reading of a tape ------------------------------------------------------------------------
class Reading:
    """Which step each node belongs to, and which edges are recurrent.

    ``states``, where given, is what was named: then nothing else is recurrent.
    """

    def __init__(self, tape: Tape, states: set[Tensor] | None = None) -> None:
        self.tape = tape
        self.stamps: Times = times_of(tape.nodes)
        self.states = states
        self.collecting: Collecting = collecting(tape.nodes, self.stamps, states)
        outside = self.collecting.collected | self.once.weights
        self.times: Times = self.stamps | dict.fromkeys(outside)

    @cached_property
    def once(self) -> ComputedOnce:
        """What one step alone computes; where states are named, it is settled."""
        if self.states is not None:
            return ComputedOnce(set(), set())
        return computed_once(self.tape.nodes, self.stamps)

    @property
    def steps(self) -> tuple[int, ...]:
        """The time steps in which something is computed, in order."""
        return steps_of(self.times)

    def is_collecting(self, x: Tensor, n: Tensor) -> bool:
        """Whether n reads a collection in x: what goes back there enters the steps anew."""
        return (x, n) in self.collecting.handed_on

    def is_recurrent(self, x: Tensor, n: Tensor) -> bool:
        """Whether x is the state of another step than that of its reader n."""
        is_state = self.states is None or x in self.states
        return is_state and crosses(self.times, x, n) and not self.is_collecting(x, n)

    @cached_property
    def handed_on(self) -> dict[Tensor, Tensor]:
        """What some step reads of another, collected or not, and its first reader."""
        first: dict[Tensor, Tensor] = {}
        for n in self.tape.nodes:
            for x in n.inputs:
                if crosses(self.stamps, x, n):
                    first.setdefault(x, n)
        return first

    @cached_property
    def edges(self) -> list[Edge]:
        """The recurrent edges, in the order of execution."""
        return [e for e in self.tape.edges() if self.is_recurrent(e.source, e.target)]

    @cached_property
    def sources(self) -> dict[Tensor, None]:
        """What is taken for state and read by another step, in the order of execution."""
        return dict.fromkeys(edge.source for edge in self.edges)

    @cached_property
    def doubtful(self) -> list[Tensor]:
        """What could be a state or none, in the order of execution."""
        doubts = self.collecting.doubtful | self.once.doubtful
        return [n for n in self.tape.nodes if n in doubts]

    def settled(self, state: States, caller: str) -> Reading:
        """The reading that a transform may go by: the states named, or none of them doubtful.

        Raises ArgumentError, which begins with caller, for what could be a state or none, for a
        name that nothing has, and where steps are stamped again and read later ones.
        """
        reading = self
        if state is not None:
            reading = Reading(self.tape, _named(self, state, caller))
        for x in reading.doubtful:
            _refuse_doubtful(reading, x, caller)
        _refuse_restarts(reading, caller)
        return reading

    # --- chains: what stands in each step for the same --------------------------------------------
    @cached_property
    def chain_of(self) -> dict[Tensor, Hashable]:
        """What a node shares with its counterparts in the other steps.

        That is its name but for the step; without one its function, line, and which of those.
        """
        count: Counter[object] = Counter()
        chain_of: dict[Tensor, Hashable] = {}
        for n, t in self.stamps.items():
            if n.fn is None or t is None:
                continue
            alike = stem(n) if n.name else (n.fn, n.place)
            count[t, alike] += 1
            chain_of[n] = alike if n.name else (alike, count[t, alike])
        return chain_of

    def chains(self, handed_on: Iterable[Tensor]) -> list[tuple[Tensor, ...]]:
        """What is handed on, each chain by itself."""
        chains = defaultdict[Hashable, list[Tensor]](list)
        for n in handed_on:
            chains[self.chain_of[n]].append(n)
        return [tuple(chain) for chain in chains.values()]

    def listed(self) -> tuple[State, ...]:
        """A record for each chain of states, the doubtful ones too."""
        doubts = set(self.doubtful)
        return tuple(self._record(chain, doubts) for chain in self.chains(self.sources))

    def _record(self, chain: tuple[Tensor, ...], doubts: set[Tensor]) -> State:
        is_proven = self.states is not None or not doubts.intersection(chain)
        steps = {self.stamps[n] or 0 for n in chain}
        lines = dict.fromkeys(n.origin for n in chain if n.place)
        return State(
            name=stem(chain[0]),
            steps=tuple(sorted(steps)),
            lines=tuple(lines),
            why=self._why(chain) if is_proven else "a state, or only collected",
            is_proven=is_proven,
            tensors=chain,
        )

    def _why(self, chain: tuple[Tensor, ...]) -> str:
        """What proves that a chain is a state."""
        if self.states is not None:
            return "named"
        x = chain[0]
        user = self.collecting.users.get(x, self.handed_on[x])
        names = self.tape.names
        return f"{names[user]} computes with {names[x]}"


def stem(n: Tensor) -> str:
    """Its name without the step, ``h`` for ``h_3``; without a name its operation."""
    return _STEP.sub("", n.name) if n.name else n.op


# --- what was named -------------------------------------------------------------------------------
def _named(reading: Reading, state: States, caller: str) -> set[Tensor]:
    """What is handed on and called for by name, Tensor or predicate."""
    is_one = isinstance(state, (str, Tensor)) or callable(state)
    asked: Any = [state] if is_one else state
    named = set[Tensor]()
    for each in asked or ():
        matching = {x for x in reading.handed_on if _matches(reading, each, x)}
        if not matching:
            _refuse_unknown(reading, each, caller)
        named |= matching
    return named


def _matches(reading: Reading, asked: Any, x: Tensor) -> bool:
    if isinstance(asked, str):
        return asked in (x.name, reading.tape.names[x]) or _STEP.sub("", asked) == stem(x)
    if isinstance(asked, Tensor):
        return any(
            reading.chain_of[x] == reading.chain_of[n] for n in _standing_for(reading, asked)
        )
    return bool(asked(x))


def _standing_for(reading: Reading, asked: Tensor) -> list[Tensor]:
    """A Tensor of the tape; of another, what stands for it after transforms."""
    return [n for n in reading.chain_of if n.serial == asked.serial and n.fn is asked.fn]


# --- what is refused ------------------------------------------------------------------------------
def _refuse_unknown(reading: Reading, asked: Any, caller: str) -> None:
    got = asked.label if isinstance(asked, Tensor) else asked
    names = dict.fromkeys(stem(x) for x in reading.handed_on)
    candidates = ", ".join(f"'{name}'" for name in names) or "nothing"
    raise ArgumentError(
        f"{caller}: state",
        got=f"{got!r} is nothing that a step hands to another",
        expected=f"what is: {candidates}",
    )


def _refuse_doubtful(reading: Reading, x: Tensor, caller: str) -> None:
    name = stem(x)
    others = [f"'{each.name}'" for each in reading.listed() if each.is_proven]
    states = ", ".join([*dict.fromkeys(others), f"'{name}'"])
    steps = [reading.stamps[n] or 0 for n in reading.doubtful if stem(n) == name]
    if x in reading.once.doubtful:
        got = f"'{reading.tape.names[x]}' is computed in one step and read in others"
        expected = "it could be a state or a weight"
        remedy = f"Compute a weight outside `timestep`, or name the states: state=[{states}]"
    else:
        got = f"'{name}' is handed on ({_range(tuple(sorted(steps)))}) and read at the end"
        expected = "it could be a state or a running loss"
        remedy = (
            "Keep a running loss outside `timestep` (collect it in a list), "
            f"or name the states: state=[{states}]"
        )
    where = describe(None, x.place)
    raise ArgumentError(caller, got=got, expected=expected, remedy=remedy, where=where)


def _refuse_restarts(reading: Reading, caller: str) -> None:
    """Raise where a loop is stamped like one before it and reads what that one came to later."""
    run_of = _runs(reading)
    for edge in reading.edges:
        x = edge.source
        n = edge.target
        if run_of[x] is run_of[n] or not (run_of[x].is_forward and run_of[n].is_forward):
            continue
        if (reading.times[x] or 0) < (reading.times[n] or 0):
            continue
        names = reading.tape.names
        raise ArgumentError(
            caller,
            got=f"step {reading.times[n]} is stamped again: '{names[n]}' in it reads '{names[x]}'",
            expected="expected steps that go on",
            remedy="Number those of the second loop on, as timestep(T + t)",
            where=describe(None, n.place),
        )


@dataclass(eq=False)
class _Run:
    """A pass of a loop over the steps: it ends where the order of the stamps turns around."""

    is_forward: bool | None = None


def _runs(reading: Reading) -> dict[Tensor, _Run]:
    """The pass that each node belongs to."""
    run = _Run()
    before: int | None = None
    run_of: dict[Tensor, _Run] = {}
    for n in reading.tape.nodes:
        if n.fn is not None and n.time is not None:
            if before is not None and n.time != before:
                run = _continued(run, n.time > before)
            before = n.time
        run_of[n] = run
    return run_of


def _continued(run: _Run, goes_forward: bool) -> _Run:
    """The run itself, or a new one where it turns around."""
    if run.is_forward is None:
        run.is_forward = goes_forward
    return run if run.is_forward == goes_forward else _Run()
