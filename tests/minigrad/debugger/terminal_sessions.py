"""Debuggers of the terminal, with commands from a pipe, and what they said as it looks at a terminal."""

import re

from tests import children
from tests.installed import bare_environment

PROMPTS = {"pdb": "(Pdb) ", "ipdb": "ipdb> "}
COLOUR = re.compile(r"\x1b\[[\d;]*m")
LIBRARIES = re.compile(r"\S+/site-packages/")
SECONDS = 120


def session(python, debugger, script, commands):
    """The transcript of a debugger that is started on a script and typed to, and left with q."""
    return _typed([python, "-m", debugger, script.name], debugger, script, [*commands, "q"])


def from_within(python, debugger, script, commands):
    """The transcript where the script itself stops in the debugger."""
    return _typed([python, script.name], debugger, script, commands)


def _typed(command, debugger, script, commands):
    done = children.run(
        command,
        cwd=script.parent,
        input="\n".join([*commands, ""]),
        env=bare_environment() | {"PYTHONBREAKPOINT": f"{debugger}.set_trace"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    said = COLOUR.sub("", done.stdout).replace(f"{script.parent}/", "")
    prompt = PROMPTS[debugger]
    transcript, *answers = LIBRARIES.sub("", said).split(prompt)
    for typed, answer in zip(commands, answers, strict=False):
        transcript += f"{prompt}{typed}\n{answer}"
    return transcript
