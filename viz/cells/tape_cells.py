"""What a notebook shows of a Tensor, a Tape, a Step, a finding and a Diff."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

import numpy as np

from minigrad import Step, Tape, Tensor
from minigrad.internal import array_summary, operation
from minigrad.viz import style
from minigrad.viz.graphs.draw import draw
from minigrad.viz.output.render import svg
from minigrad.viz.page.svg import scene

from .cell import (
    MAX_LINE_CHARACTERS,
    MAX_NUMBERS,
    counted,
    fold,
    heading,
    picture_if_made,
    pre,
    shown,
    standing_alone,
    words,
)
from .excerpt import excerpt

# operations of a Tensor's graph that are drawn, without Graphviz: some 5 ms and 10 kB
MAX_TENSOR_OPERATIONS = 40
MAX_TENSOR_NODES = 100
# in longer tapes the variables say more than the operations
MAX_OPERATIONS = 80
# more take longer than a second to read
MAX_DRAWN_NODES = 1500
MAX_EXCERPT_OPERATIONS = 300
# more take Graphviz up to a second
MAX_STEPS = 6
# What is drawn takes a fraction of a second. A limit near that would let the load of the machine
# decide what is seen.
LIMIT_SECONDS = 5.0
# the height of its frame, which can be drawn larger
STEPPER_PIXELS = 760


def array(x: Any) -> str:
    """An array: what it is like, and its numbers, of a large one the corners."""
    x = np.asarray(x)
    text = np.array2string(
        x,
        precision=4,
        separator=", ",
        threshold=MAX_NUMBERS,
        max_line_width=MAX_LINE_CHARACTERS,
    )
    if x.size <= 1:
        return pre(text)
    return pre(text) + words(array_summary(x), "soft")


# --- a tensor -------------------------------------------------------------------------------------
def tensor(x: Tensor, text: str) -> Iterator[str]:
    """The value, its gradient if it has one, and the graph behind it."""
    names = {source: source.label for source in x.inputs}
    made = style.plain(operation(x, names), MAX_LINE_CHARACTERS)
    time = "" if x.time is None else f"t = {x.time}"
    name = style.plain(x.label, MAX_LINE_CHARACTERS)
    # of an unnamed leaf the name says how it was made
    yield heading(name, f"{x.dtype}{list(x.shape)}", time, made if made != name else "", x.origin)
    yield array(x.data)
    if x.fn is not None:
        yield _graph(x)
    elif x.grad is not None:
        yield heading("grad") + array(x.grad)


def _graph(x: Tensor) -> str:
    """The last operations behind x, laid out here: cheap enough to stand behind every value."""
    tape = excerpt([x], MAX_TENSOR_OPERATIONS)
    count = sum(n.fn is not None for n in tape.nodes)
    title = f"the last {counted(count, 'operation')} behind it"
    if len(tape.nodes) > MAX_TENSOR_NODES:
        # one operation reads many
        parts = [pre(str(tape))]
    else:
        drawn = standing_alone(scene(tape, "", lambda n: ""))
        parts = [shown(f'<div class="unrolled">{drawn}</div>')]
    if tape.outputs[0] is not x:
        parts.append(words("mg.Tape.of(...) shows the whole of it.", "soft"))
    return fold(title, *parts)


# --- a tape ---------------------------------------------------------------------------------------
def tape(value: Tape, text: str) -> Iterator[str]:
    """How much there is, the picture, the listing."""
    steps = {n.time for n in value.nodes} - {None}
    yield heading(
        "Tape",
        counted(len(value.nodes), "node"),
        counted(len(value.parameters), "parameter"),
        counted(len(steps), "time step"),
    )
    if said := _choice(value)[1]:
        yield words(said, "soft")
    yield picture_if_made(lambda: picture_of(value))
    yield fold("as a program", pre(text))


def picture_of(value: Tape) -> str:
    """The SVG of a tape, or of the end of a long one."""
    drawn = _choice(value)[0]
    few = len(drawn.nodes) <= MAX_OPERATIONS
    graph = draw(drawn, "ops" if few else "variables", "auto" if few else MAX_STEPS)
    # in place of one that Graphviz comes to no end with
    graph.simpler = lambda: draw(drawn, "rolled")
    return svg(graph, LIMIT_SECONDS)


def _choice(value: Tape) -> tuple[Tape, str]:
    """What is drawn of a tape, and what to say of that."""
    if len(value.nodes) <= MAX_OPERATIONS:
        return value, ""
    if len(value.nodes) <= MAX_DRAWN_NODES:
        said = "Its variables, runs of steps alike folded. viz.draw(tape) draws its operations."
        return value, said
    end = excerpt(value.outputs, MAX_EXCERPT_OPERATIONS)
    said = f"The variables of its last {len(end.nodes):,} nodes."
    return end, f"{said} viz.draw(tape, 'variables') draws all of it, which takes longer."


# --- one step of backward, and what is wrong with one ---------------------------------------------
def step(value: Step, text: str) -> Iterator[str]:
    """The node, its adjoint and what it sends."""
    time = "" if value.time is None else f"t = {value.time}"
    name = style.plain(value.name, MAX_LINE_CHARACTERS)
    yield heading(f"backward of {name}", value.tensor.op, time, value.origin)
    yield array(_plain(value.grad))
    formulas = [line for line in value.formulas if line]
    if formulas:
        yield pre("\n".join(formulas))
    sent = []
    for x, c in zip(value.tensor.inputs, value.contributions, strict=True):
        if c is not None:
            name = value.tape.names[x] if value.tape else x.label
            sent.append(words(f"to {style.plain(name)}") + array(_plain(c)))
    if sent:
        yield fold("what it sends", *sent)


def finding(value: Any, text: str) -> Iterator[str]:
    """What is not finite: the line that says why, and the array."""
    yield heading("Not finite", value.kind, f"{value.nans:,} NaN", f"{value.infs:,} infinite")
    yield words(value.message)
    yield array(value.value)


def _plain(g: Any) -> Any:
    return g.data if isinstance(g, Tensor) else g


# --- pictures that were asked for -----------------------------------------------------------------
def drawn(graph: Any, text: str) -> Iterator[str]:
    """The picture, however long it takes to lay out."""
    yield picture_if_made(lambda: svg(graph))


def stepper(value: Any, text: str) -> Iterator[str]:
    """The page in a frame that lets its script run, under the page's own policy, and nothing else.

    Without ``allow-same-origin`` it reads nothing of the notebook that it stands in.
    """
    inside = escape(value.html)
    title = escape(text)
    yield shown(
        f'<iframe sandbox="allow-scripts" title="{title}" height="{STEPPER_PIXELS}" '
        f'srcdoc="{inside}"></iframe>'
    )
    yield words("Click into it, then ← and →. write('backward.html') makes it a file.", "soft")


# --- two tapes ------------------------------------------------------------------------------------
def diff(value: Any, text: str) -> Iterator[str]:
    """How many edges differ, both tapes side by side, and which edges."""
    counts = {
        "added": value.added,
        "removed": value.removed,
        "rewired": value.rewired,
    }
    facts = [f"{len(edges):,} {kind}" for kind, edges in counts.items() if edges]
    yield heading("Diff", *(facts or ["no difference"]))
    yield picture_if_made(lambda: svg(value.picture, LIMIT_SECONDS))
    if value:
        yield fold("its edges", pre(text))
