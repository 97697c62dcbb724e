"""A debugger for backward passes, with pdb's habits: one vector-Jacobian product at a time."""

from __future__ import annotations

import bdb
import builtins
import contextlib
import inspect
import keyword
import pdb
from collections.abc import Container, Iterable
from typing import Any, ClassVar

import numpy as np

from minigrad.errors import ArgumentError

from . import descriptions
from .console import count_in
from .moving import Moving

COMMANDS = (
    *("n", "u", "c", "unt", "restart", "b", "tb", "cl"),
    *("eq", "g", "a", "w", "l", "ll", "s", "draw"),
    *("p", "pp", "whatis", "display", "undisplay", "interact", "h", "q"),
)
LONG_NAMES = {
    **{"next": "n", "undo": "u", "cont": "c", "continue": "c", "until": "unt", "run": "restart"},
    **{"break": "b", "tbreak": "tb", "clear": "cl", "args": "a", "where": "w", "bt": "w"},
    **{"list": "l", "longlist": "ll", "step": "s", "print": "p", "?": "h", "help": "h"},
    **{"quit": "q", "exit": "q"},
}
LINES_AROUND = 5
MAX_LISTED_LINES = 400


class Debugger(Moving):
    """Commands on a Session. ``h`` lists them; at a terminal an empty line repeats the last one."""

    aliases: ClassVar[dict[str, str]] = LONG_NAMES

    def run(self) -> None:
        """Read commands until ``q`` or the end of the input."""
        steps = len(self.session.reached)
        hint = "n takes one, u undoes it, h lists the commands."
        self.say(f"{self.tape!r}: {steps} steps back. {hint}")
        with np.errstate(all="ignore"):
            self.loop()

    # --- looking ------------------------------------------------------------------------------
    def do_eq(self, arg: str) -> None:
        """eq: the current step's formulas, then the same with the numbers in place of the names."""
        self.say(descriptions.equation_lines(self.current()))

    def do_g(self, arg: str) -> None:
        """g [NAME]: an adjoint so far, and which steps it came from; g alone: the current one."""
        node = self.session.node(arg) if arg else self.current().tensor
        self.say(descriptions.adjoint_lines(self.session, node))

    def do_a(self, arg: str) -> None:
        """a, args: the current step's operands, its value and its adjoint."""
        self.say(descriptions.operand_lines(self.current(), self.screen.width))

    def scope(self, words: Container[str]) -> dict[str, Any]:
        """What an expression of these words sees; a node's name wins over ours."""
        session = self.session
        step = session.current
        scope: dict[str, Any] = {
            **self.variables,
            "__builtins__": builtins,
            "np": np,
            "step": step,
            "tape": self.tape,
            "g": None if step is None else step.grad,
            "formula": None if step is None else step.formula,
            "grad": lambda name: session.adjoint(session.node(name)),
            "value": lambda name: session.node(name).data,
        }
        for n, name in self.tape.names.items():
            # A dropped value is not recomputed for those who do not ask.
            if name in words and name.isidentifier() and not keyword.iskeyword(name):
                scope[name] = n.data
        return scope

    def node_names(self) -> Iterable[str]:
        """Those of the tape."""
        return self.tape.names.values()

    def do_w(self, arg: str) -> None:
        """w, where: the path from the loss, by what sent most, with your lines, and the rule's."""
        self.say(descriptions.where_lines(self.session, self.current()))

    def do_l(self, arg: str) -> None:
        """l [COUNT | NODE | .], list: the tape around here; again: on, to what backward comes to.

        l 20         COUNT lines up and down (5)
        l h_2        around a node
        l .          around here again
        """
        session, around = self.session, LINES_AROUND
        node = session.current.tensor if session.current else None
        if not arg and self.listed is not None:
            if self.listed == 0:
                self.say("that was the beginning of the tape; l . is around here")
                return
            self._list(range(max(self.listed - 2 * around - 1, 0), self.listed))
            return
        if arg in self.tape.names.values():
            node = session.node(arg)
        elif arg not in ("", "."):
            around = count_in("l", arg, LINES_AROUND)
        middle = descriptions.row_of(session, node)
        self._list(range(max(middle - around, 0), middle + around + 1))

    def do_ll(self, arg: str) -> None:
        """ll, longlist: the whole tape, of a long one its ends."""
        count = len(self.tape.nodes)
        half = MAX_LISTED_LINES // 2
        if count <= MAX_LISTED_LINES:
            self._list(range(count))
            return
        self.say(descriptions.tape_lines(self.session, range(half)))
        self.say(f"  ... {count - 2 * half:,} nodes ...")
        self.say(descriptions.tape_lines(self.session, range(count - half, count)))

    def _list(self, rows: range) -> None:
        self.listed = rows.start
        self.say(descriptions.tape_lines(self.session, rows))

    def do_s(self, arg: str) -> None:
        """s, step: into the current node's rules with pdb, on the same numbers; nothing changes."""
        step = self.current()
        node = step.tensor
        if node.fn is None:
            raise ArgumentError("s", got=f"'{step.name}' is a leaf, no rule goes through it")
        inner = pdb.Pdb(stdin=self.stdin, stdout=self.stdout, nosigint=True)
        if not self.use_rawinput:
            # Read from the script too, and write the prompt as a line of its own.
            inner.use_rawinput = False
            inner.prompt = "(Pdb)\n"
        operands = [step.grad, node.data, *(x.data for x in node.inputs)]
        sending = [slot for slot, c in enumerate(step.sent) if c is not None]
        # A joint rule is one for all inputs: it is stepped into once.
        for rule in dict.fromkeys(map(step.rule, sending)):
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
        """h [COMMAND], help: the commands, or one of them."""
        arg = LONG_NAMES.get(arg, arg)
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

    def _doc(self, command: str) -> str:
        method = getattr(self, f"do_{command}")
        return inspect.getdoc(method) or ""

    def completedefault(self, text: str, *_: Any) -> list[str]:
        """The names of nodes and of this session, after every command."""
        names = (*self.tape.names.values(), *self.names)
        return [name for name in names if name.startswith(text)]

    def completenames(self, text: str, *_: Any) -> list[str]:
        """Commands by their short and long names, and names: an expression needs no command."""
        commands = (*COMMANDS, *LONG_NAMES)
        starting = [name for name in commands if name.startswith(text)]
        return [*starting, *self.completedefault(text)]
