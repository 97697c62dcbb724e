"""A debugger for backward passes, with pdb's habits: one vector-Jacobian product at a time."""

from __future__ import annotations

import bdb
import contextlib
import inspect
import keyword
import pdb
from typing import Any, TextIO

import numpy as np

from minigrad.core.inspection.step import Step
from minigrad.core.tape import Tape
from minigrad.errors import ArgumentError
from minigrad.ops import OPS

from . import descriptions
from .breakpoints import KINDS, Breakpoint, breakpoint_at
from .console import Console, count_in
from .session import Session

COMMANDS = ("n", "u", "c", "b", "tb", "cl", "eq", "g", "p", "w", "l", "s", "draw", "h", "q")
LINES_AROUND = 5


class Debugger(Console):
    """Commands on a Session. ``h`` lists them; at a terminal an empty line repeats the last one."""

    def __init__(
        self,
        tape: Tape,
        gradient: Any = None,
        stdin: TextIO | None = None,
        out: TextIO | None = None,
    ) -> None:
        super().__init__(stdin, out)
        self.tape = tape
        self.session = Session(tape, gradient)
        self.breaks: dict[int, Breakpoint] = {}
        self._breaks_ever = 0

    def run(self) -> None:
        """Read commands until ``q`` or the end of the input."""
        steps = len(self.session.reached)
        hint = "n takes one, u undoes it, h lists the commands."
        self.say(f"{self.tape!r}: {steps} steps back. {hint}")
        with np.errstate(all="ignore"):
            self.loop()

    def interrupted(self) -> str:
        """How far the session came."""
        return f"interrupted after {self.session.position} steps"

    # --- moving -------------------------------------------------------------------------------
    def do_n(self, arg: str) -> None:
        """n [COUNT]: next: one more node's adjoint is complete, and it sends on."""
        for _ in range(count_in("n", arg, 1)):
            if self.session.forward() is None:
                self.say(descriptions.end_lines(self.session))
                return
        self.show()

    def do_u(self, arg: str) -> None:
        """u [COUNT]: undo the last step; exact, for adjoints never change."""
        for _ in range(count_in("u", arg, 1)):
            if not self.session.back():
                break
        self.show()

    def do_c(self, arg: str) -> None:
        """c: continue to the next breakpoint, or to the end."""
        while (step := self.session.forward()) is not None:
            hit = {i: b for i, b in self.breaks.items() if b.holds(step)}
            if hit:
                self._stop_for(hit)
                return
        self.say(descriptions.end_lines(self.session))

    def _stop_for(self, hit: dict[int, Breakpoint]) -> None:
        """Say which breakpoints hold; those that are set once are gone."""
        listed = ", ".join(f"{i} ({b.text})" for i, b in hit.items())
        self.say(f"breakpoint {listed}")
        for i, b in hit.items():
            if b.once:
                del self.breaks[i]
        self.show()

    def do_b(self, arg: str) -> None:
        """b [WHERE]: a breakpoint where backward reaches a node; b alone lists them.

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
        """tb WHERE: a breakpoint that goes away when it is hit."""
        self._break_at(arg, once=True)

    def _break_at(self, text: str, once: bool) -> None:
        new = breakpoint_at(text, self.session, once)
        self._breaks_ever += 1
        self.breaks[self._breaks_ever] = new
        self.say(f"breakpoint {self._breaks_ever} at {new.text}")

    def do_cl(self, arg: str) -> None:
        """cl [NUMBER]: clear a breakpoint, or all of them."""
        if not arg:
            self.breaks = {}
            self.say("cleared all breakpoints")
            return
        if not arg.isdecimal() or int(arg) not in self.breaks:
            raise ArgumentError(f"cl {arg}", got="no such breakpoint", expected="b lists them")
        del self.breaks[int(arg)]
        self.say(f"cleared breakpoint {arg}")

    # --- looking ------------------------------------------------------------------------------
    def do_eq(self, arg: str) -> None:
        """eq: the current step's formulas, then the same with the numbers in place of the names."""
        self.say(descriptions.equation_lines(self._current()))

    def do_g(self, arg: str) -> None:
        """g [NAME]: an adjoint so far, and which steps it came from; g alone: the current one."""
        node = self.session.node(arg) if arg else self._current().tensor
        self.say(descriptions.adjoint_lines(self.session, node))

    def do_p(self, arg: str) -> None:
        """p EXPR: evaluate a Python expression.

        In scope: np, every node's value by its name (p h_2.max()), and unless a node is called so:
        g, the current adjoint; grad("h_2"), an adjoint so far; value("tanh@3"), for names that
        Python cannot read; step; tape.
        """
        if not arg:
            raise ArgumentError(
                "p",
                got="nothing to evaluate",
                expected="write an expression, as p np.abs(g).max()",
            )
        # An interrupted eval of a text would give the whole process its exit code.
        code = compile(arg, "<p>", "eval")
        value = eval(code, self._scope())
        self.say(descriptions.in_full(value))

    def _scope(self) -> dict[str, Any]:
        """What an expression sees; a node's name wins over ours."""
        session = self.session
        step = session.current
        scope: dict[str, Any] = {
            "np": np,
            "step": step,
            "tape": self.tape,
            "g": None if step is None else step.grad,
            "grad": lambda name: session.adjoint(session.node(name)),
            "value": lambda name: session.node(name).data,
        }
        for n, name in self.tape.names.items():
            if name.isidentifier() and not keyword.iskeyword(name):
                scope[name] = n.data
        return scope

    def do_w(self, arg: str) -> None:
        """w: where: the path from the loss, by what sent most, with your lines, and the rule's."""
        self.say(descriptions.where_lines(self.session, self._current()))

    def do_l(self, arg: str) -> None:
        """l [COUNT]: the tape around here, COUNT lines up and down (5)."""
        around = count_in("l", arg, LINES_AROUND)
        self.say(descriptions.tape_lines(self.session, around))

    def do_s(self, arg: str) -> None:
        """s: step into the current node's rules with pdb, on the same numbers; nothing changes."""
        step = self._current()
        node = step.tensor
        if node.fn is None:
            raise ArgumentError("s", got=f"'{step.name}' is a leaf, no rule goes through it")
        inner = pdb.Pdb(stdin=self.stdin, stdout=self.stdout, nosigint=True)
        if not self.use_rawinput:
            # Read from the script too, and write the prompt as a line of its own.
            inner.use_rawinput = False
            inner.prompt = "(Pdb)\n"
        op = OPS[node.fn]
        rules = [op.joint] if op.joint else op.rules
        operands = [step.grad, node.data, *(x.data for x in node.inputs)]
        # A joint rule is one for all inputs: it is stepped into once.
        for rule, contribution in zip(rules, step.sent, strict=False):
            if rule is None or contribution is None:
                continue
            with contextlib.suppress(bdb.BdbQuit):
                inner.runcall(rule, *operands, **node.kwargs)

    def do_draw(self, arg: str) -> None:
        """draw [FILE]: the picture so far (backward.svg), or as .html the page to step through."""
        # One of the two ways from the engine up: a debugger that never draws loads no pictures.
        from minigrad.viz.page import write

        file = arg or "backward.svg"
        if file.endswith(".html"):
            path = write.stepper(self.tape, file)
        else:
            path = write.snapshot(self.tape, self.session.state, file)
        self.say(f"wrote {path}")

    # --- the rest -----------------------------------------------------------------------------
    def do_h(self, arg: str) -> None:
        """h [COMMAND]: the commands, or one of them."""
        if arg and arg not in COMMANDS:
            listed = ", ".join(COMMANDS)
            raise ArgumentError(
                f"h {arg}",
                got="no such command",
                expected=f"there are {listed}",
            )
        if arg:
            self.say(self._doc(arg))
        else:
            self.say(self._doc(name).splitlines()[0] for name in COMMANDS)

    do_help = do_h

    def _doc(self, command: str) -> str:
        method = getattr(self, f"do_{command}")
        return inspect.getdoc(method) or ""

    def show(self) -> None:
        """The current step in a few lines."""
        self.say(descriptions.step_lines(self.session))

    def completedefault(self, text: str, *_: Any) -> list[str]:
        """The names of nodes, after every command."""
        return [name for name in self.tape.names.values() if name.startswith(text)]

    def _current(self) -> Step:
        if self.session.current is None:
            raise ArgumentError("no step is taken yet", remedy="n takes the first")
        return self.session.current
