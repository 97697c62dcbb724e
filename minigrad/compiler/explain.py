"""One example printed after each phase of compilation: ``python -m minigrad.compiler.explain``.

README.md shows it, and a test compares the two.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.core.scope import timestep
from minigrad.core.tape import Tape
from minigrad.core.tensor import tensor
from minigrad.transforms import differentiate

from . import compile
from .families import families
from .graph import Graph
from .read import read_graph
from .rewrite import PASSES
from .views import roots


def example() -> Tape:
    """The gradient of a tanh RNN of three steps, with respect to W_hh."""
    W_xh = tensor(np.eye(2), requires_grad=True, name="W_xh")
    W_hh = tensor(np.eye(2) / 2, requires_grad=True, name="W_hh")
    X = tensor(np.ones((3, 1, 2)), name="X")
    h = tensor(np.zeros((1, 2)), name="h_0")
    for t in (1, 2, 3):
        with timestep(t):
            z = X[t - 1] @ W_xh + h @ W_hh
            state: Any = np.tanh(z)
            h = state.named(f"h_{t}")
    loss = (h * h).mean()
    return differentiate(Tape.of(loss), [W_hh])


def phases(tape: Tape) -> Iterator[tuple[str, str]]:
    """The name of each phase, and as text what there is after it; after a pass what has changed."""
    graph = read_graph(tape)
    yield "read", str(graph)
    for rewrite in PASSES:
        rewritten = rewrite(graph)
        lines = list(_changes(str(graph), str(rewritten)))
        nothing = rewritten.note or "(nothing to do)"
        yield rewrite.__name__, "\n".join(lines) or nothing
        graph = rewritten
    yield "families", "\n".join(_family_lines(graph))
    yield "compile", str(compile(tape))


def _changes(before: str, after: str) -> Iterator[str]:
    """The lines that are gone, after a minus, and those that are new, after a plus."""
    old = before.splitlines()
    new = after.splitlines()
    for line in difflib.unified_diff(old, new, n=0, lineterm=""):
        if not line.startswith(("---", "+++", "@@")):
            yield line


def _family_lines(graph: Graph) -> Iterator[str]:
    """A line for every family: its function, and the steps it has a member in."""
    family_of = families(graph, roots(graph))
    for family in dict.fromkeys(family_of.values()):
        first = family.first
        function = getattr(first.fn, "__name__", "")
        times = [str(member.time) for member in family.members]
        steps = "outside the steps"
        if first.time is not None:
            steps = f"t = {', '.join(times)}"
        yield f"{function} {list(first.shape)}: {steps}"


def main() -> None:
    """Print every phase as it stands in README.md."""
    for name, text in phases(example()):
        print(f"After `{name}`:\n\n```\n{text}\n```\n")


if __name__ == "__main__":
    main()
