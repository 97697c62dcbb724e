"""One ``Scan``: a graph that runs once for every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .written import Graph, Value

Body = Callable[[Graph, list[Value], list[Value]], tuple[list[Value], list[Value]]]
"""Of a graph, the states and the elements of one step: new states, and results."""


def scan(
    g: Graph,
    states: Sequence[Value],
    sequences: Sequence[Value],
    body: Callable[[Graph, list[Value], list[Value]], tuple[list[Value], list[Value]]],
    axis: int = 0,
    backward: bool = False,
) -> list[Value]:
    """The results of all steps, stacked along axis, which the sequences are read along.

    body: of a graph, the states and the elements of one step: new states, and results.
    """
    call = g.file.call
    inner = Graph(g.file)
    before = [inner.input(f"{x.name} before", x.shape, x.dtype) for x in states]
    rows = []
    for x in sequences:
        shape = (*x.shape[:axis], *x.shape[axis + 1 :])
        rows.append(inner.input(f"{x.name} row", shape, x.dtype))
    after, results = body(inner, before, rows)
    for x in [*after, *results]:
        inner.output(x)
    length = sequences[0].shape[axis]
    forms = [(x.shape, x.dtype) for x in after]
    for x in results:
        forms.append(((*x.shape[:axis], length, *x.shape[axis:]), x.dtype))
    g.file.call = call
    given = {
        "scan_input_axes": [axis] * len(sequences),
        "scan_input_directions": [int(backward)] * len(sequences),
        "scan_output_axes": [axis] * len(results),
        "scan_output_directions": [int(backward)] * len(results),
    }
    values = g.nodes_of(
        "Scan",
        [*states, *sequences],
        forms,
        body=inner,
        num_scan_inputs=len(sequences),
        **given,
    )
    return values[len(states) :]
