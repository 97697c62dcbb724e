"""Each step of a backward pass that somebody may look at, in a frame on the user's forward line.

To a debugger the backward pass is then the user's own code, visited in reverse: a breakpoint on ``h
= np.tanh(x @ W + h @ U)`` stops in "backward of h_3", then in "backward of h_2", and finds there
``step``, ``grad``, ``formula``, the tensor and its inputs. A line that makes several nodes
is visited once for each.
"""

from __future__ import annotations

import functools
import sys
import traceback
from bdb import Bdb
from collections import UserString, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import call, methodcaller
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from minigrad.core.sweep import Nodes, Swept, Wanted, conform, contributions, sweep
from minigrad.core.tensor import Tensor
from minigrad.errors import GradientError
from minigrad.ops import OPS
from minigrad.ops.indexing import Scattered, written_out
from minigrad.source import COMPANION, is_followed, is_monitored, is_users, user_place

from .forward_code import NOWHERE, TITLE, code_at, globals_of, variables_for
from .step import Step
from .under_pdb import Stepping
from .watch import Watch

if TYPE_CHECKING:
    from minigrad.core.tape import Tape
    from minigrad.ops.table import Op


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Visit(Step):
    """A step that is about to be taken: ``sent`` holds None where it is going to send nothing."""

    # the rules with their operands, and what makes one row of what they send
    _rules: list[Callable[[], Any]] = field(default_factory=list)
    _gather: Callable[[Iterable[Any]], list[Any]] = list
    _applied: Iterable[Any] = ()
    # who stops a debugger here
    _stops: Iterable[object] = ()
    # what happens first in the frame
    _entry: Iterable[object] = ()
    # not by the global names of the user's file, where they may be something else
    _is, _of = isinstance, getattr
    _pdb = Bdb
    _tracer = staticmethod(sys.gettrace)
    _untrace = staticmethod(functools.partial(sys.settrace, None))

    @property
    def contributions(self) -> list[Any]:
        """What the node sends to each input, in the input's shape; None: nothing."""
        for i, apply in enumerate(self._rules):
            c = apply()
            # once: a function of on_backward is called no second time because somebody looked
            self._rules[i] = functools.partial([c].__getitem__, 0)
        row = self._gather(map(call, self._rules))
        sent = []
        for is_sent, x, c in zip(self.sent, self.tensor.inputs, row, strict=True):
            sent.append(conform(c, x, self.tensor) if is_sent and c is not None else None)
        return [written_out([c]) if type(c) is Scattered else c for c in sent]


class Formula(UserString):
    """The formula of a step, made when somebody reads it."""

    def __init__(self, step: Step) -> None:
        self._step = step

    @functools.cached_property
    def data(self) -> str:  # type: ignore[override]  # an attribute to UserString
        """The text."""
        return self._step.formula


class Visits:
    """The steps of one backward pass, shown to a debugger and to whoever watches.

    Those that nobody can be looking at are taken as ever.
    """

    def __init__(self, tape: Tape, watches: Sequence[Watch]) -> None:
        self.tape = tape
        # asked once for each file in a pass
        self.globals_of = functools.cache(globals_of)
        self.stepping = Stepping()
        self.watches = defaultdict[Tensor, list[Watch]](list)
        for watch in watches:
            for node in watch.chosen(tape):
                self.watches[node].append(watch)

    def sweep(self, nodes: Nodes, seed: Any, wanted: Wanted) -> Iterator[Swept]:
        """The sweep over these nodes of the tape."""
        for swept in sweep(nodes, self.tape.outputs[0], seed, wanted, self.take):
            node, g, _ = swept
            if node.fn is None and self.are_for(node):
                self.in_frame(node, g, [], [])
            yield swept

    def take(
        self, wanted: Wanted, node: Tensor, g: Any, y: Any, values: Sequence[Any]
    ) -> list[Any]:
        """What the node sends to each input, its rules applied in a frame."""
        if not self.are_for(node):
            return contributions(wanted, node, g, y, values)
        op = OPS[node.fn]  # type: ignore[index]  # no leaf
        sends = []
        for slot, x in enumerate(node.inputs):
            is_wanted = x.requires_grad if wanted is None else x in wanted
            sends.append(is_wanted and op.passes(slot))

        def joint(*operands: Any, **keywords: Any) -> list[Any]:
            rules = _applied(op, sends, operands, keywords)
            return self.in_frame(node, g, sends, rules, next if op.joint else list)

        return contributions(wanted, node, g, y, values, joint)

    def are_for(self, node: Tensor) -> bool:
        """Whether somebody may look at this step."""
        return node in self.watches or is_followed()

    def in_frame(
        self,
        node: Tensor,
        g: Any,
        sends: list[bool],
        rules: list[Callable[[], Any]],
        gather: Callable[..., list[Any]] = list,
    ) -> list[Any]:
        """Take a step in its frame."""
        watches = self.watches.get(node, [])
        look = methodcaller("look", self.tape, node, g)
        sent = [True if s else None for s in sends]
        applied = map(call, rules)
        stops = filter(look, watches)
        step = Visit(node, g, sent, self.tape, rules, gather, applied, stops)
        place = node.place or NOWHERE
        if watches and not is_users(place[0]):
            # where no debugger would stop, unless it was told to stop in libraries
            place = user_place(below=COMPANION) or place
        return _run(step, place, self.globals_of(place[0].co_filename), self.stepping)


def visited(
    tape: Tape, watching: Sequence[Any], nodes: Nodes, seed: Any, wanted: Wanted
) -> Iterator[Swept]:
    """The sweep over these nodes of a tape, in frames, and under the eyes of those that watch."""
    visits = Visits(tape, [scope for scope in watching if isinstance(scope, Watch)])
    sweeping = visits.sweep(nodes, seed, wanted)
    for guard in watching:
        if not isinstance(guard, Watch):
            sweeping = guard(tape, sweeping)
    return sweeping


# --- the rules of a step --------------------------------------------------------------------------
def _applied(
    op: Op, sends: list[bool], operands: tuple[Any, ...], keywords: dict[str, Any]
) -> list[Callable[[], Any]]:
    """The rules of an op with their operands: calls of C, of which the rules are the first Python.

    One for each input, or the joint rule alone.
    """
    if op.joint is not None:
        return [functools.partial(op.joint, *operands, **keywords)]
    rules: list[Callable[[], Any]] = []
    for rule, is_sent in zip(op.rules, sends, strict=True):
        # type(None)() is None
        applied = functools.partial(rule, *operands, **keywords) if rule and is_sent else type(None)
        rules.append(applied)
    return rules


def fail(error: Exception, node: Tensor, g: Any) -> NoReturn:
    """Raise the error of a rule in the node's frame, where its traceback has none."""
    if isinstance(error, np.linalg.LinAlgError):
        subject = f"backward through '{node.label}'"
        error = GradientError(subject, got=str(error), where=node.where)
        error.__suppress_context__ = True
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if any(frame.f_code.co_name.startswith(TITLE) for frame in frames):
        raise error

    def rule() -> NoReturn:
        raise error

    sent = [True if x.requires_grad else None for x in node.inputs]
    step = Visit(node, g, sent, _rules=[rule], _applied=map(call, [rule]))
    place = node.place or NOWHERE
    _run(step, place, globals_of(place[0].co_filename), Stepping())
    raise error


# --- the frame ------------------------------------------------------------------------------------
def _run(
    step: Visit, place: tuple[CodeType, int], names: dict[str, Any], stepping: Stepping
) -> list[Any]:
    """Take a step in a frame at that place, where these are the global names."""
    # by its file too: equal code of two files is equal to Python
    where = place[0].co_filename, *place
    tensors = (step.tensor, *step.tensor.inputs)
    labels = [x.label if step.tape is None else step.tape.names[x] for x in tensors]
    code = code_at(where, f"{TITLE}{step.name}", variables_for(labels), is_monitored())
    frame = FunctionType(code, names)
    step = replace(step, _entry=stepping.entry())
    arguments = (step, step.grad, Formula(step), *tensors)
    sent: list[Any]
    sent, tracer, _ = frame(*arguments)
    stepping.leave(code, tracer)
    return sent
