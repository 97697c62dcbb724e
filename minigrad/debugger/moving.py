"""Moving through a backward pass: steps, undone steps, and where to stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from minigrad.core.inspection.step import Step
from minigrad.core.tape import Tape
from minigrad.errors import ArgumentError

from . import descriptions
from .breakpoints import KINDS, Breakpoint, breakpoint_at
from .console import count_in
from .expressions import Expressions
from .session import Session


class Moving(Expressions):
    """The commands that take steps of a Session, forwards and back."""

    def __init__(
        self,
        tape: Tape,
        gradient: Any = None,
        stdin: TextIO | None = None,
        out: TextIO | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(stdin, out)
        self.tape = tape
        # The program's, as far as no node and no name of ours is called so.
        self.variables = variables or {}
        self.session = Session(tape, gradient)
        self.breaks: dict[int, Breakpoint] = {}
        self._breaks_ever = 0
        # The first row that ``l`` has shown since the last step.
        self.listed: int | None = None

    def interrupted(self) -> str:
        """How far the session came."""
        return f"interrupted after {self.session.position} steps"

    # --- moving -------------------------------------------------------------------------------
    def do_n(self, arg: str) -> None:
        """n [COUNT], next: one more node's adjoint is complete, and it sends on."""
        for _ in range(count_in("n", arg, 1)):
            if self.session.forward() is None:
                self.end()
                return
        self.show()

    def do_u(self, arg: str) -> None:
        """u [COUNT]: undo the last step; exact, for adjoints never change."""
        for _ in range(count_in("u", arg, 1)):
            if not self.session.back():
                break
        self.show()

    def do_c(self, arg: str) -> None:
        """c, continue: to the next breakpoint, or to the end."""
        while (step := self.session.forward()) is not None:
            hit = {i: b for i, b in self.breaks.items() if b.holds(step)}
            if hit:
                self._stop_for(hit)
                return
        self.end()

    def do_unt(self, arg: str) -> None:
        """unt [WHERE], until: on to a breakpoint of this once; alone: out of this time step."""
        if arg:
            self.do_tb(arg)
            self.do_c("")
            return
        times = self.tape.times
        start = times[self.current().tensor]
        while (step := self.session.forward()) is not None:
            if times[step.tensor] != start:
                self.show()
                return
        self.end()

    def do_restart(self, arg: str) -> None:
        """restart: back to where nothing is sent yet; breakpoints stay."""
        while self.session.back():
            pass
        self.show()

    def _stop_for(self, hit: dict[int, Breakpoint]) -> None:
        """Say which breakpoints hold; those that are set once are gone."""
        listed = ", ".join(f"{i} ({b.text})" for i, b in hit.items())
        self.say(f"breakpoint {listed}")
        for i, b in hit.items():
            if b.once:
                del self.breaks[i]
        self.show()

    def do_b(self, arg: str) -> None:
        """b [WHERE], break: a breakpoint where backward reaches a node; b alone lists them.

        b h_2        when the adjoint of h_2 is complete
        b t=3        in time step 3
        b op=tanh    at every tanh
        b |g|>10     where an adjoint's norm is above 10; b |g|<1e-6 where it has vanished
        b nan        at the first step that gets or sends a NaN or infinity
        b train.py:41  at what that line of yours computed
        """
        if arg:
            self._break_at(arg, once=False)
            return
        listed = []
        for i, b in self.breaks.items():
            once = "  (once)" if b.once else ""
            listed.append(f"{i}  {b.text}{once}")
        self.say(listed or f"no breakpoints; b WHERE sets one: {KINDS}")

    def do_tb(self, arg: str) -> None:
        """tb WHERE, tbreak: a breakpoint that goes away when it is hit."""
        self._break_at(arg, once=True)

    def _break_at(self, text: str, once: bool) -> None:
        new = breakpoint_at(text, self.session, once)
        self._breaks_ever += 1
        self.breaks[self._breaks_ever] = new
        self.say(f"breakpoint {self._breaks_ever} at {new.text}")

    def do_cl(self, arg: str) -> None:
        """cl [NUMBER], clear: clear a breakpoint, or all of them."""
        if not arg:
            self.breaks = {}
            self.say("cleared all breakpoints")
            return
        if not arg.isdecimal() or int(arg) not in self.breaks:
            raise ArgumentError(f"cl {arg}", got="no such breakpoint", expected="b lists them")
        del self.breaks[int(arg)]
        self.say(f"cleared breakpoint {arg}")

    # --- where it stands ----------------------------------------------------------------------
    def current(self) -> Step:
        """The step taken last. Raises ArgumentError where there is none."""
        if self.session.current is None:
            raise ArgumentError("no step is taken yet", remedy="n takes the first")
        return self.session.current

    def show(self) -> None:
        """The current step in a few lines, and what is displayed."""
        self._arrive(descriptions.step_lines(self.session))

    def end(self) -> None:
        """The gradients, and what is displayed."""
        self._arrive(descriptions.end_lines(self.session))

    def _arrive(self, lines: Iterable[str]) -> None:
        self.listed = None
        self.say(lines)
        if changed := self.displayed():
            self.say(changed)
