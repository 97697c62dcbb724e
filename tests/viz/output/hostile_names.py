"""Names that mean something to one of the languages that pictures are written in, or to a shell."""

import numpy as np

import minigrad as mg
from tests.zoo.leaves import weight

NAMES = [
    r"\input{/etc/passwd}",
    r"\end{document}",
    "\\\\",
    "^^5c",
    "}",
    "{",
    "%",
    "$",
    "&",
    "#35;",
    "~",
    '"]',
    "<img src=x onerror=alert(1)>",
    "%%{init: {}}%%",
    "end",
    "subgraph",
    "n1 --> n2",
    "- one",
    "1. one",
    "_it_ **b**",
    "`code`",
    "a;b|c",
    "日本",
    "ŷ ß ✂ √",
    "PICTURE",
]


def hostile_tape():
    h = weight("w", 2)
    for name in NAMES:
        h = (h * 2).named(name)
    return mg.Tape.of(np.sum(h).named("L"))
