"""docs/debugging.md, whose program, settings and transcripts the sessions of debuggers run."""

import json
import re

from tests.installed import ROOT

PAGE = (ROOT / "docs" / "debugging.md").read_text("utf-8")
TRANSCRIPT = re.compile(r"<!-- python -m (\w+) train\.py -->\n```text\n(.*?)\n```", re.DOTALL)


def block(language):
    """The first code block in a language."""
    return re.search(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[1]


def line_of(text, script=None):
    """The number of the line of a script that starts so."""
    rows = (script or TRAIN).splitlines()
    (line,) = [n for n, row in enumerate(rows, 1) if row.strip().startswith(text)]
    return line


TRAIN = block("python")
LAUNCH = json.loads(block("json"))["configurations"][0]
LINE = line_of("h = np.tanh")
"""Of TRAIN: where every step makes a state."""
