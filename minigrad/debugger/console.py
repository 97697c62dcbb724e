"""A loop of commands that reads from a terminal or a script, and prints whatever it may print."""

from __future__ import annotations

import cmd
import contextlib
import re
import sys
from collections.abc import Iterable
from typing import ClassVar, TextIO

from minigrad.errors import ArgumentError

from .descriptions import one_line
from .keyboard import keyboard
from .screen import Screen

ASCII_SIGNS = {
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
TO_ASCII = str.maketrans(dict(ASCII_SIGNS))
# A name may hold what moves the cursor or starts an escape sequence.
CONTROL_CHARACTERS = re.compile(r"[^\n\t -~\xa0-\U0010ffff]")
# A command, and what it is told: c = 1, c + 1, c[0] and c.max() are Python.
COMMAND = re.compile(r"(\?|[A-Za-z]+)(?:\s+(?![=<>]|[-+*/%@&|^]+=?\s)(.*))?")


class Console(cmd.Cmd):
    """The loop: echoes a script, survives errors and interrupts, one line for each."""

    prompt = "(mg) "
    # long names of commands
    aliases: ClassVar[dict[str, str]] = {}

    def __init__(self, stdin: TextIO | None = None, out: TextIO | None = None) -> None:
        super().__init__(stdin=stdin, stdout=out)
        self.screen = Screen(self.stdout)
        self.use_rawinput = self.stdin is sys.stdin and sys.stdin.isatty()
        if not self.use_rawinput:
            # It is written with the echo: a transcript reads like a session.
            self.prompt = ""

    def loop(self) -> None:
        """Read commands until ``q`` or the end of the input."""
        # what is typed comes back, not what a script says
        with keyboard() if self.use_rawinput else contextlib.nullcontext():
            while True:
                try:
                    return self.cmdloop()
                except KeyboardInterrupt:
                    self.say("interrupted; q leaves")

    def precmd(self, line: str) -> str:
        """Echo what was not typed at a terminal; what follows ``;;`` is a line of its own."""
        line, *rest = line.split(";;", 1)
        self.cmdqueue[:0] = [text.lstrip() for text in rest]
        if not self.use_rawinput and line != "EOF":
            self.say(f"(mg) {line.rstrip()}".rstrip())
        return "" if line.lstrip().startswith("#") else line

    def parseline(self, line: str) -> tuple[str, str, str]:
        """A command, by its short or long name, and its argument; none of what may be Python."""
        line = line.strip()
        match = COMMAND.fullmatch(line)
        if match is not None:
            name = self.aliases.get(match[1], match[1])
            if hasattr(self, f"do_{name}"):
                return name, match[2] or "", line
        return "", "", line

    def onecmd(self, line: str) -> bool:
        """One command; whatever goes wrong is one line."""
        try:
            return bool(super().onecmd(line))
        except SystemExit:
            return True
        except KeyboardInterrupt:
            self.say(self.interrupted())
        except Exception as error:
            self.say(f"*** {one_line(error)}")
        return False

    def interrupted(self) -> str:
        """What to say of a command that was interrupted."""
        return "interrupted"

    def do_q(self, arg: str) -> bool:
        """q: leave."""
        return True

    def do_EOF(self, arg: str) -> bool:  # noqa: N802  (cmd.Cmd's name)
        """The end of the input."""
        if self.use_rawinput:
            self.say("")
        return True

    def emptyline(self) -> bool:
        """Repeat the last command, at a terminal; in a script an empty line says nothing."""
        return super().emptyline() if self.use_rawinput else False

    def say(self, text: str | Iterable[str]) -> None:
        """Write lines: a control character as ?, the signs in ASCII where the output needs it."""
        if not isinstance(text, str):
            text = "\n".join(text)
        text = self.screen.shown(CONTROL_CHARACTERS.sub("?", text)) + "\n"
        try:
            self.stdout.write(text)
        except UnicodeEncodeError as error:
            plain = text.translate(TO_ASCII)
            encoded = plain.encode(error.encoding, "backslashreplace")
            self.stdout.write(encoded.decode(error.encoding))


def count_in(command: str, text: str, default: int) -> int:
    """The number of a command such as ``n 3``. Raises ArgumentError for what is none from 1."""
    if not text:
        return default
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentError(f"{command} {text}", got="expected a whole number from 1")
    return int(text)
