"""Python at the prompt: expressions, statements whose names stay, what is shown at each stop."""

from __future__ import annotations

import code
import contextlib
import pprint
import re
import sys
from collections.abc import Container, Iterable, Iterator
from typing import IO, Any, TextIO

import numpy as np

from minigrad.core.inspection.text import summary
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError

from .console import Console
from .descriptions import in_full, labelled, one_line

WORD = re.compile(r"\w+")
FILE = "<mg>"
"""Where Python says that a line of the prompt stands."""


class Expressions(Console):
    """A console that evaluates whatever is no command."""

    def __init__(self, stdin: TextIO | None = None, out: TextIO | None = None) -> None:
        super().__init__(stdin, out)
        # what statements assigned
        self.names: dict[str, Any] = {}
        self._displayed: dict[str, str] = {}

    def scope(self, words: Container[str]) -> dict[str, Any]:
        """What an expression of these words sees beside the names of this session."""
        return {}

    def node_names(self) -> Iterable[str]:
        """The names that Python itself shall know."""
        return ()

    # --- commands -----------------------------------------------------------------------------
    def do_p(self, arg: str) -> None:
        """p EXPR, print: evaluate a Python expression; what is no command needs no p.

        In scope: np, every node's value by its name (h_2.max()), and unless a node is called so:
        g, the current adjoint; grad("h_2"), an adjoint so far; value("tanh@3"), for names that
        Python cannot read; step; formula, what the step sends; tape.
        A statement's names stay: x = np.abs(g), then x.max(). One that is called as a command is,
        c or n, is reached by p c, or !c.
        """
        self.say(self.text_of(self._value("p", arg)))

    def do_pp(self, arg: str) -> None:
        """pp EXPR: the same, pretty: a list or dict over several lines."""
        value = self._value("pp", arg)
        self.say(pprint.pformat(value, width=self.screen.width or 80))

    def do_whatis(self, arg: str) -> None:
        """whatis EXPR: the type of a value, its shape and size."""
        value = self._value("whatis", arg)
        text = f"{type(value).__module__}.{type(value).__qualname__}"
        if isinstance(value, Tensor):
            value = value.data
        if isinstance(value, np.ndarray):
            text += f": {summary(value)}"
        self.say(text.removeprefix("builtins."))

    def do_display(self, arg: str) -> None:
        """display [EXPR]: show a value at every stop where it changed; alone: those shown so."""
        if arg:
            self._displayed[arg] = ""
        self.say(self._display(arg or None) or "nothing is displayed; display EXPR adds it")

    def do_undisplay(self, arg: str) -> None:
        """undisplay [EXPR]: show it no more; alone: none of them."""
        if not arg:
            self._displayed = {}
        elif self._displayed.pop(arg, None) is None:
            raise ArgumentError(f"undisplay {arg}", got="it is not displayed")

    def do_interact(self, arg: str) -> None:
        """interact: Python itself, with the same names; the end of input (Ctrl-D) leads back."""
        scope = self._scope(" ".join(self.node_names()))
        console = code.InteractiveConsole(scope, FILE)
        console.write = self._write  # type: ignore[method-assign]
        if not self.use_rawinput:
            console.raw_input = self._scripted  # type: ignore[method-assign]
        with contextlib.suppress(SystemExit), self._keeping(scope), self._printing():
            console.interact("Python, with the names of the tape; Ctrl-D leads back", "")

    def default(self, line: str) -> None:
        """A line of Python: the value of an expression, or a statement."""
        text = line.removeprefix("!").strip()
        is_code = line.startswith("!")
        try:
            self._python(text)
        except NameError as error:
            if is_code or text != error.name:
                raise
            hint = "h lists the commands, l the names"
            self.say(f"*** {text!r} is no command and no name; {hint}")
        except SyntaxError as error:
            if is_code or error.filename != FILE:
                raise
            word = text.split(maxsplit=1)[0]
            self.say(f"*** {word!r} is no command, and the line no Python: {error.msg}")

    def _python(self, text: str) -> None:
        scope = self._scope(text)
        try:
            expression = compile(text, FILE, "eval")
        except SyntaxError:
            statement = compile(text, FILE, "exec")
            with self._keeping(scope), self._printing():
                exec(statement, scope)
            return
        with self._keeping(scope), self._printing():
            value = eval(expression, scope)
        if value is not None:
            self.say(self.text_of(value))

    # --- what they share ----------------------------------------------------------------------
    def text_of(self, value: Any) -> str:
        """A value as the screen holds it."""
        return in_full(value, self.screen.width)

    def displayed(self) -> list[str]:
        """What is displayed and has changed."""
        return self._display(None)

    def _display(self, chosen: str | None) -> list[str]:
        lines = []
        for text, before in self._displayed.items():
            try:
                now = self.text_of(self._value("display", text))
            except Exception as error:
                now = f"*** {one_line(error)}"
            self._displayed[text] = now
            if now != before and chosen in (None, text):
                lines.append(labelled(text, now))
        return lines

    def _value(self, command: str, text: str) -> Any:
        if not text:
            expected = f"write an expression, as {command} np.abs(g).max()"
            raise ArgumentError(command, got="nothing to evaluate", expected=expected)
        # An interrupted eval of a text would give the whole process its exit code.
        expression = compile(text, FILE, "eval")
        with self._printing():
            return eval(expression, self._scope(text))

    def _scope(self, text: str) -> dict[str, Any]:
        # site's exit() would close the program's standard input
        leaving = {"exit": sys.exit, "quit": sys.exit}
        return leaving | self.scope(set(WORD.findall(text))) | self.names

    @contextlib.contextmanager
    def _keeping(self, scope: dict[str, Any]) -> Iterator[None]:
        """Keep the names that are assigned in the scope, forget those that are deleted."""
        before = dict(scope)
        try:
            yield
        finally:
            for name, value in scope.items():
                if name != "__builtins__" and before.get(name, self) is not value:
                    self.names[name] = value
            for name in before.keys() - scope.keys():
                self.names.pop(name, None)

    def _printing(self) -> contextlib.redirect_stdout[IO[str]]:
        return contextlib.redirect_stdout(self.stdout)

    def _write(self, data: str) -> None:
        self.say(data.removesuffix("\n"))

    def _scripted(self, prompt: str = "") -> str:
        line = self.stdin.readline()
        if not line:
            raise EOFError
        self.say(f"{prompt}{line}".rstrip())
        return line.rstrip("\n")
