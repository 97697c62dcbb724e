"""A terminal debugger for backward passes, with pdb's habits: one vector-Jacobian product at a time, and back."""

from __future__ import annotations

import bdb
import cmd
import contextlib
import inspect
import keyword
import pdb
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

import numpy as np

from minigrad.core.step import Step
from minigrad.core.tape import Tape
from minigrad.errors import ArgumentError
from minigrad.ops import OPS

from . import views
from .breakpoints import KINDS, Breakpoint, breakpoint_at
from .session import Session

_SIGNS: dict[str, str | int | None] = {
    "·": ".",
    "⊙": "*",
    "⊗": "(x)",
    "ᵀ": "^T",
    "⁻": "^-",
    "¹": "1",
    "²": "^2",
    "π": "pi",
    "‖": "||",
}
COMMANDS = ("n", "u", "c", "b", "tb", "cl", "eq", "g", "p", "w", "l", "s", "draw", "h", "q")


class Debugger(cmd.Cmd):
    """Commands on a Session. ``h`` lists them; at a terminal an empty line repeats the last one."""

    prompt = "(mg) "

    def __init__(
        self,
        tape: Tape,
        gradient: Any = None,
        stdin: TextIO | None = None,
        out: TextIO | None = None,
    ) -> None:
        super().__init__(stdin=stdin, stdout=out)
        self.tape, self.session = tape, Session(tape, gradient)
        self.breaks: dict[int, Breakpoint] = {}
        self._set = 0  # breakpoints ever set
        self.use_rawinput = self.stdin is sys.stdin and sys.stdin.isatty()
        if not self.use_rawinput:
            self.prompt = ""  # written with the echo: a transcript reads like a session

    # --- the loop ---------------------------------------------------------------------------------------------------
    def run(self) -> None:
        """Read commands until ``q`` or the end of the input."""
        steps = len(self.session.reached)
        self.say(
            f"{self.tape!r}: {steps} steps back. n takes one, u undoes it, h lists the commands."
        )
        with np.errstate(all="ignore"), _completing():
            while True:
                try:
                    return self.cmdloop()
                except KeyboardInterrupt:
                    self.say("interrupted; q leaves")

    def precmd(self, line: str) -> str:
        """Echo what was not typed at a terminal."""
        if not self.use_rawinput and line != "EOF":
            self.say(f"(mg) {line.rstrip()}".rstrip())
        return "" if line.lstrip().startswith("#") else line

    def onecmd(self, line: str) -> bool:
        """One command; whatever goes wrong is one line."""
        try:
            return bool(super().onecmd(line))
        except KeyboardInterrupt:
            self.say(f"interrupted after {self.session.at} steps")
        except Exception as error:
            self.say(f"*** {views.one_line(error)}")
        return False

    def emptyline(self) -> bool:
        """Repeat the last command, at a terminal; in a script an empty line says nothing."""
        return super().emptyline() if self.use_rawinput else False

    def default(self, line: str) -> None:
        """What is no command."""
        self.say(
            f"*** {line.split(maxsplit=1)[0]!r} is no command; h lists them, p EXPR evaluates an expression"
        )

    def say(self, text: str | Iterable[str]) -> None:
        """Write lines, a control character of a name as ?, the signs in ASCII where the output has no others."""
        text = re.sub(
            r"[^\n\t -~\xa0-\U0010ffff]", "?", text if isinstance(text, str) else "\n".join(text)
        )
        try:
            self.stdout.write(text + "\n")
        except UnicodeEncodeError as error:
            plain = text.translate(str.maketrans(_SIGNS)).encode(error.encoding, "backslashreplace")
            self.stdout.write(plain.decode(error.encoding) + "\n")

    # --- moving -----------------------------------------------------------------------------------------------------
    def do_n(self, arg: str) -> None:
        """n [COUNT]: next: one more node's adjoint is complete, and it sends on."""
        for _ in range(_whole("n", arg, 1)):
            if self.session.forward() is None:
                return self.say(views.end_lines(self.session))
        return self.show()

    def do_u(self, arg: str) -> None:
        """u [COUNT]: undo the last step; exact, for adjoints never change."""
        for _ in range(_whole("u", arg, 1)):
            if not self.session.back():
                break
        self.show()

    def do_c(self, arg: str) -> None:
        """c: continue to the next breakpoint, or to the end."""
        while (step := self.session.forward()) is not None:
            if hit := [i for i, b in self.breaks.items() if b.holds(step)]:
                self.say(f"breakpoint {', '.join(f'{i} ({self.breaks[i].text})' for i in hit)}")
                self.breaks = {i: b for i, b in self.breaks.items() if not (i in hit and b.once)}
                return self.show()
        return self.say(views.end_lines(self.session))

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
            return self._stop_at(arg, once=False)
        listed = [f"{i}  {b.text}{'  (once)' if b.once else ''}" for i, b in self.breaks.items()]
        return self.say(listed or f"no breakpoints; b WHERE sets one: {KINDS}")

    def do_tb(self, arg: str) -> None:
        """tb WHERE: a breakpoint that goes away when it is hit."""
        self._stop_at(arg, once=True)

    def do_cl(self, arg: str) -> None:
        """cl [NUMBER]: clear a breakpoint, or all of them."""
        if arg and (not arg.isdecimal() or int(arg) not in self.breaks):
            raise ArgumentError(f"cl {arg}", got="no such breakpoint", expected="b lists them")
        self.breaks = {i: b for i, b in self.breaks.items() if arg and i != int(arg)}
        self.say(f"cleared {'breakpoint ' + arg if arg else 'all breakpoints'}")

    # --- looking ----------------------------------------------------------------------------------------------------
    def do_eq(self, arg: str) -> None:
        """eq: the current step's formulas, then the same with the numbers in place of the names."""
        self.say(views.equation_lines(self._current()))

    def do_g(self, arg: str) -> None:
        """g [NAME]: an adjoint so far, and which steps it came from; g alone: the current one."""
        self.say(
            views.adjoint_lines(
                self.session, self.session.node(arg) if arg else self._current().tensor
            )
        )

    def do_p(self, arg: str) -> None:
        """p EXPR: evaluate a Python expression.

        In scope: np, every node's value by its name (p h_2.max()), and unless a node is called so: g, the current
        adjoint; grad("h_2"), an adjoint so far; value("tanh@3"), for names that Python cannot read; step; tape.
        """
        if not arg:
            raise ArgumentError(
                "p", got="nothing to evaluate", expected="write an expression, as p np.abs(g).max()"
            )
        code = compile(
            arg, "<p>", "eval"
        )  # of text, an interrupted eval would give the whole process its exit code
        self.say(views.shown(eval(code, self._scope())))

    def do_w(self, arg: str) -> None:
        """w: where: the path from the loss, by the readers that sent most, with your lines, and the rule's."""
        self.say(views.where_lines(self.session, self._current()))

    def do_l(self, arg: str) -> None:
        """l [COUNT]: the tape around here, COUNT lines up and down (5)."""
        self.say(views.tape_lines(self.session, _whole("l", arg, 5)))

    def do_s(self, arg: str) -> None:
        """s: step into the rules of the current node with pdb, on the same numbers; nothing changes here."""
        step = self._current()
        if step.tensor.fn is None:
            raise ArgumentError("s", got=f"'{step.name}' is a leaf, no rule goes through it")
        op, inner = (
            OPS[step.tensor.fn],
            pdb.Pdb(stdin=self.stdin, stdout=self.stdout, nosigint=True),
        )
        if not self.use_rawinput:
            inner.use_rawinput, inner.prompt = False, "(Pdb)\n"
        operands = step.grad, step.tensor.data, *(x.data for x in step.tensor.inputs)
        for rule, c in zip([op.joint] if op.joint else op.rules, step.sent, strict=False):
            if rule is not None and c is not None:
                with contextlib.suppress(bdb.BdbQuit):
                    inner.runcall(rule, *operands, **step.tensor.kwargs)

    def do_draw(self, arg: str) -> None:
        """draw [FILE]: the picture so far as .svg (backward.svg), or as .html the page to step through."""
        from minigrad.viz.page.write import snapshot, stepper

        file = arg or "backward.svg"
        if file.endswith(".html"):
            return self.say(f"wrote {stepper(self.tape, file)}")
        return self.say(f"wrote {snapshot(self.tape, self.session.state, file)}")

    def do_h(self, arg: str) -> None:
        """h [COMMAND]: the commands, or one of them."""
        if arg and arg not in COMMANDS:
            raise ArgumentError(
                f"h {arg}", got="no such command", expected=f"there are {', '.join(COMMANDS)}"
            )
        docs = [
            inspect.getdoc(getattr(self, f"do_{name}")) or ""
            for name in COMMANDS
            if arg in (name, "")
        ]
        self.say(docs if arg else [doc.splitlines()[0] for doc in docs])

    do_help = do_h

    def do_q(self, arg: str) -> bool:
        """q: leave."""
        return True

    def do_EOF(self, arg: str) -> bool:  # noqa: N802  (cmd.Cmd's name)
        """The end of the input."""
        if self.use_rawinput:
            self.say("")
        return True

    # --- helpers ----------------------------------------------------------------------------------------------------
    def show(self) -> None:
        """The current step in a few lines."""
        self.say(views.step_lines(self.session))

    def _current(self) -> Step:
        if self.session.current is None:
            raise ArgumentError("no step is taken yet", remedy="n takes the first")
        return self.session.current

    def _stop_at(self, text: str, once: bool) -> None:
        found = breakpoint_at(text, self.session, once)
        self._set += 1
        self.breaks[self._set] = found
        self.say(f"breakpoint {self._set} at {found.text}")

    def _scope(self) -> dict[str, Any]:
        """What an expression sees; a node's name wins over ours."""
        step, node = self.session.current, self.session.node
        ours: dict[str, Any] = {
            "np": np,
            "step": step,
            "tape": self.tape,
            "g": None if step is None else step.grad,
        }
        ours |= {
            "grad": lambda name: self.session.adjoint(node(name)),
            "value": lambda name: node(name).data,
        }
        names = self.tape.names.items()
        return ours | {
            name: n.data for n, name in names if name.isidentifier() and not keyword.iskeyword(name)
        }

    def completedefault(self, text: str, *_: Any) -> list[str]:
        """The names of nodes, after every command."""
        return [name for name in self.tape.names.values() if name.startswith(text)]


@contextlib.contextmanager
def _completing() -> Iterator[None]:
    """To readline a name such as tanh@3#2 is one word."""
    try:
        import readline
    except ImportError:
        yield
        return
    kept = readline.get_completer_delims()
    readline.set_completer_delims(" \t\n()[]{}+-*/,=<>|'\"")
    try:
        yield
    finally:
        readline.set_completer_delims(kept)


def _whole(command: str, text: str, default: int) -> int:
    if text and (not text.isdecimal() or int(text) == 0):
        raise ArgumentError(f"{command} {text}", got="expected a whole number from 1")
    return int(text or default)
