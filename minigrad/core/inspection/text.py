"""A tape as text: an array, a node, an operation in one line; unique names; the program."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from minigrad.core.tape import Tape
    from minigrad.core.tensor import Tensor

MAX_LISTED_OPERANDS = 8
MAX_LISTED_NODES = 1000
MAX_COMPACT_ELEMENTS = 16
MAX_SHOWN_ELEMENTS = 8
MAX_NODES_NAMED_AT_ONCE = 10_000


# --- arrays ---------------------------------------------------------------------------------------
def summary(x: Any) -> str:
    """``float64[4, 1], norm 0.3708, -0.1121 to 0.3077, 2 NaN``; a single number is itself.

    Norm and range are those of the finite elements.
    """
    x = np.asarray(x)
    if x.ndim == 0:
        return number(x)
    parts = [f"{x.dtype}{list(x.shape)}"]
    if not x.size or x.dtype.kind not in "fiu":
        return parts[0]
    # a float32 norm may overflow
    good = x[np.isfinite(x)].astype(np.float64)
    if good.size:
        parts.append(f"norm {float_norm(good):.4g}, {good.min():.4g} to {good.max():.4g}")
    for kind, count in (("NaN", np.isnan(x).sum()), ("inf", np.isinf(x).sum())):
        if count:
            parts.append(f"{count} {kind}")
    return ", ".join(parts)


def number(x: Any) -> str:
    """An array of one element, as four digits of a float or all of an integer."""
    value = x.item()
    return f"{value:.4g}" if x.dtype.kind == "f" else str(value)


def compact(x: Any, max_elements: int = MAX_COMPACT_ELEMENTS) -> str:
    """The numbers in one line where there are few of them, ``float64[32, 32]`` otherwise."""
    x = np.asarray(x)
    if x.size > max_elements:
        return f"{x.dtype}{list(x.shape)}"
    if x.ndim == 0:
        return number(x)
    return f"[{', '.join(compact(row) for row in x)}]"


def float_norm(x: Any) -> float:
    """The Euclidean norm as a Python float, without overflow; NaN or inf where an element is."""
    x = np.asarray(x, np.float64)
    largest = float(np.max(np.absolute(x), initial=0.0))
    if not 0 < largest < np.inf:
        return largest
    squares = np.square(x / largest)
    return largest * float(np.sqrt(np.sum(squares)))


def finite(x: Any) -> bool:
    """Whether every element is finite."""
    return bool(np.isfinite(np.asarray(x)).all())


# --- nodes ----------------------------------------------------------------------------------------
def unique_names(labels: Iterable[str]) -> Iterator[str]:
    """A name for each label, none twice: the second ``x`` is ``x#2``, the third ``x#3``."""
    count: Counter[str] = Counter()
    taken: set[str] = set()
    for label in labels:
        name = label
        while name in taken:
            count[label] += 1
            name = f"{label}#{count[label] + 1}"
        taken.add(name)
        yield name


def kind_of(node: Tensor) -> str:
    """``parameter`` or ``constant`` of a leaf, the function's name of another node."""
    if node.fn is not None:
        return node.op
    return "parameter" if node.requires_grad else "constant"


def tensor_text(x: Tensor) -> str:
    """``tensor([1., 2.], name='x')``, what repr() gives; a large value by dtype and shape."""
    value = f"{x.dtype}{list(x.shape)}"
    # what was dropped is not recomputed to be shown
    if x.form is None and x.size <= MAX_SHOWN_ELEMENTS:
        text = np.array2string(x._array, precision=4, separator=", ")
        value = " ".join(text.split()) or value
    if x.name:
        value += f", name={x.name!r}"
    if x.fn:
        value += f", by {x.op} [{x.where}]"
    elif x.requires_grad:
        value += ", requires_grad=True"
    return f"tensor({value})"


def is_long(tape: Tape) -> bool:
    """Whether what asks each node for more than is there makes a debugger's pane wait."""
    return len(tape.nodes) > MAX_NODES_NAMED_AT_ONCE


def tape_text(tape: Tape) -> str:
    """``Tape(4 nodes, 1 parameters, 0 time steps -> L)``; a long one's outputs by label."""
    steps = {n.time for n in tape.nodes} - {None}
    names = {} if is_long(tape) else tape.names
    outputs = ", ".join(names.get(o, o.label) for o in tape.outputs)
    counts = f"{len(tape.nodes)} nodes, {len(tape.parameters)} parameters"
    return f"Tape({counts}, {len(steps)} time steps -> {outputs})"


def is_inlined(node: Tensor) -> bool:
    """Whether listings write a node's value where it is read: unnamed leaves of one element."""
    return node.fn is None and node.size == 1 and node.name is None


def operation(node: Tensor, names: Mapping[Tensor, str]) -> str:
    """How a node was made: ``parameter``, ``multiply(W, 0.5)``, ``sum(h_1, axis=0)``."""
    if node.fn is None:
        return kind_of(node)
    operands = [f"{x.data.item():.4g}" if is_inlined(x) else names[x] for x in node.inputs]
    terms = elided(operands, MAX_LISTED_OPERANDS, "...")
    for key, value in node.kwargs.items():
        terms.append(f"{key}={getattr(value, '__name__', value)}")
    return f"{node.op}({', '.join(terms)})"


def elided(items: list[str], max_items: int, mark: str) -> list[str]:
    """A copy of the items; of more than ``max_items`` the first and last, around a mark."""
    if len(items) <= max_items:
        return [*items]
    half = max_items // 2
    return [*items[:half], mark, *items[-half:]]


# --- the program ----------------------------------------------------------------------------------
def listing(tape: Tape) -> str:
    """The program of a tape, a line per node; unnamed numbers stand where they are read."""
    nodes = [n for n in tape.nodes if not is_inlined(n)]
    half = MAX_LISTED_NODES // 2
    # of a long one the middle is not even written
    first, last = (nodes[:half], nodes[-half:]) if len(nodes) > 2 * half else (nodes, [])
    lines = [*_program(tape, first)]
    if last:
        lines += [f"# ... {len(nodes) - 2 * half:,} lines ...", *_program(tape, last)]
    outputs = ", ".join(tape.names[o] for o in tape.outputs)
    return "\n".join([*lines, f"return {outputs}"])


def _program(tape: Tape, nodes: list[Tensor]) -> Iterator[str]:
    time: int | None = None
    for node in nodes:
        if node.time != time:
            time = node.time
            yield "# outside the steps" if time is None else f"# t = {time}"
        note = "  # recomputed" if node.recomputed else ""
        value = f"{node.dtype}{list(node.shape)}"
        yield f"{tape.names[node]}: {value} = {operation(node, tape.names)}{note}"


# --- in a notebook --------------------------------------------------------------------------------
def notebook_bundle(kind: str, value: Any, text: str) -> dict[str, str]:
    """What a notebook shows: the text, and as HTML what viz makes of a value of this kind."""
    bundle = {"text/plain": text}
    if _shows_text_only():
        return bundle
    # the engine's one way up to its pictures
    from minigrad.viz.cells.notebook import in_cell

    return {**bundle, "text/html": in_cell(kind, value, text)}


def _shows_text_only() -> bool:
    """Whether this is IPython in a terminal, which asks for everything and drops all but text."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and "text/html" not in shell.display_formatter.active_types
