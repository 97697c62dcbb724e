"""All panels of a comparison on one sheet: beside each other, and in rows where a page ends."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from graphviz import Digraph

from minigrad import Tape
from minigrad.viz import style
from minigrad.viz.graphs.backward.adjoint_variables import (
    AdjointGraph,
    adjoint_graph,
    mirrored_places,
    put_adjoints,
)
from minigrad.viz.graphs.backward.aftermath import After
from minigrad.viz.graphs.backward.aftermath_box import afters_tall
from minigrad.viz.graphs.backward.split import Backward
from minigrad.viz.graphs.canvas import (
    NAME_POINTS,
    ROOM_POINTS,
    TURNED_ROOM_POINTS,
    Point,
    put_text,
)
from minigrad.viz.graphs.landmarks import Landmarks
from minigrad.viz.graphs.lines.outlines import Outline, around
from minigrad.viz.graphs.picture import Picture
from minigrad.viz.graphs.variables.page_places import Layout, border, layout_of
from minigrad.viz.graphs.variables.unrolled import members_by_id, panel_of, tensors_by_item
from minigrad.viz.graphs.variables.variable_captions import put_captions
from minigrad.viz.graphs.variables.variable_fold import Folding
from minigrad.viz.graphs.variables.variable_model import VariableGraph
from minigrad.viz.graphs.variables.variable_paint import (
    Identifiers,
    Panel,
    Part,
    paint_variables,
)
from minigrad.viz.graphs.variables.variable_places import Places
from minigrad.viz.graphs.variables.variable_sizes import SIDE_POINTS

# Between two panels.
PANEL_GAP_POINTS = 44.0
# From the highest centre up to the panel's name.
NAME_ABOVE_POINTS = 1.4 * SIDE_POINTS
BOLD_STRETCH = 1.2


@dataclass(frozen=True)
class Side:
    """One of the tapes: what is known of its forward pass, and its backward pass if it has one."""

    name: str
    tape: Tape
    whole: VariableGraph
    known: Landmarks
    backward: Backward | None

    @property
    def afters(self) -> list[After]:
        """What is made of its gradients."""
        return self.backward.after if self.backward else []

    @property
    def done(self) -> set[tuple[str, ...]]:
        """What the boxes of that say."""
        return {after.rows for after in self.afters}

    @property
    def name_wide(self) -> float:
        """The width of its name in points."""
        return style.width(self.name, NAME_POINTS, style.SANS) * BOLD_STRETCH

    def adjoints(self, graph: VariableGraph) -> AdjointGraph | None:
        """Those of what is shown of it."""
        if self.backward is None:
            return None
        return adjoint_graph(graph, tensors_by_item(self.tape, graph.items), self.backward)


class _Slot(NamedTuple):
    """How far a panel is moved, and the height of its name before that."""

    shift: Point
    name: float


@dataclass(frozen=True)
class Sheet:
    """The panels, all laid out as their union is; what folds is in none of them."""

    sides: list[Side]
    folding: Folding
    union: VariableGraph

    @cached_property
    def graphs(self) -> list[VariableGraph]:
        """What each panel shows."""
        return [self.folding.apply(side.whole, side.known) for side in self.sides]

    @cached_property
    def adjoints(self) -> list[AdjointGraph | None]:
        """The adjoints in each panel."""
        pairs = zip(self.sides, self.graphs, strict=True)
        return [side.adjoints(graph) for side, graph in pairs]

    @cached_property
    def roomy(self) -> VariableGraph:
        """The union with room for the adjoints."""
        roomy = self.union
        for each in self.adjoints:
            roomy = each.spread(roomy) if each else roomy
        return roomy

    @cached_property
    def layout(self) -> Layout:
        """How all panels are laid out."""
        return layout_of(self.roomy)

    @cached_property
    def spots(self) -> Places:
        """Where everything in the union stands."""
        return self.layout(self.roomy, None)

    @cached_property
    def border(self) -> Outline:
        """The border of what all panels show, without the backward passes above it."""
        borders = [border(graph, self.spots) for graph in (self.roomy, *self.graphs)]
        return around(borders)

    @property
    def fits(self) -> bool:
        """Whether a panel is no wider than a page that is turned."""
        return self.border.wide <= TURNED_ROOM_POINTS

    @cached_property
    def slots(self) -> list[_Slot]:
        """The place of each panel: as many as fit a page stand beside each other.

        Where the steps run to the right they stand below one another.
        """
        names = [side.name_wide for side in self.sides]
        across = max(self.border.wide, *names) + PANEL_GAP_POINTS
        fitting = int((ROOM_POINTS + PANEL_GAP_POINTS) // across)
        if self.spots.runs_across or fitting == 0:
            fitting = 1
        count = math.ceil(len(self.sides) / fitting)
        size = math.ceil(len(self.sides) / count)
        slots: list[_Slot] = []
        up = 0.0
        for start in range(0, len(self.sides), size):
            row = range(start, min(start + size, len(self.sides)))
            top = max(map(self._top, row)) + NAME_ABOVE_POINTS
            if start:
                up += self.border.bottom - PANEL_GAP_POINTS - top
            slots += [_Slot((column * across, up), top) for column in range(len(row))]
        return slots

    def _top(self, k: int) -> float:
        """How high the k-th panel is, the boxes of what is made of the gradients included."""
        side = self.sides[k]
        if side.backward is None:
            return self.spots.corners[1][1]
        _, (_, top) = mirrored_places(self.graphs[k], self.spots).corners
        return top + afters_tall(side.afters)

    @cached_property
    def _done_by_all(self) -> set[tuple[str, ...]]:
        """What is made of the gradients in each panel."""
        return set.intersection(*(side.done for side in self.sides))

    def paint(self, picture: Picture, k: int) -> None:
        """Draw one panel.

        It shows all items, those that it lacks as missing, and its own arrows.
        """
        side = self.sides[k]
        graph = self.graphs[k]
        panel = self._panel(k)
        own = graph.by_key
        items = [own.get(i.key, i) for i in self.union.items]
        shown_places = self.layout(self.roomy, graph.arrows)
        ids = paint_variables(picture, VariableGraph(items, graph.arrows), shown_places, panel)
        (left, _), (right, _) = self.spots.corners
        above = (left + right) / 2, self.slots[k].name
        _put_name(picture, f"name {k + 1}", side, panel.moved(above))
        put_captions(picture, graph.items, self.spots, panel)
        back: Identifiers = {}
        own_adjoints = self.adjoints[k]
        if side.backward and own_adjoints:
            mirrors = [each.graph if each else VariableGraph([], []) for each in self.adjoints]
            accents = _differences(k, mirrors, own_adjoints.graph)
            accents = replace(accents, shift=panel.shift)
            strong = [after for after in side.afters if after.rows not in self._done_by_all]
            back = put_adjoints(picture, own_adjoints, shown_places, side.backward, accents, strong)
        members = members_by_id(side.tape, side.whole, self.folding, ids)
        mirrored = members_by_id(side.tape, side.whole, self.folding, back)
        picture.shows(side.tape, members, mirrored)

    def _panel(self, k: int) -> Panel:
        """How the values of the k-th are drawn: as the tape alone is, with what differs."""
        side = self.sides[k]
        alone = panel_of(side.tape, tensors_by_item(side.tape, self.graphs[k].items))
        differences = _differences(k, self.graphs, self.union)
        kinds = {**alone.kinds, **differences.kinds}
        return replace(
            differences, shift=self.slots[k].shift, tips=alone.tips, fills=alone.fills, kinds=kinds
        )


def _differences(k: int, graphs: list[VariableGraph], shown: VariableGraph) -> Panel:
    """What the k-th of these has that others lack, and what is shown in it that it lacks."""
    present = _parts(graphs[k])
    common = set.intersection(*map(_parts, graphs))
    missing = shown.times.keys() - present
    return Panel(
        prefix=f"{k + 1}/",
        added=present - common,
        missing=missing,
        kinds=dict.fromkeys(missing, "missing"),
    )


def _parts(graph: VariableGraph) -> set[Part]:
    """The items and arrows of one graph."""
    return {*graph.times, *graph.arrows}


def _put_name(picture: Digraph, identifier: str, side: Side, centre: Point) -> None:
    """The name of a panel, bold above it."""
    text = f"<<b>{style.html(side.name, NAME_POINTS)}</b>>"
    size = side.name_wide, NAME_POINTS * 1.4
    put_text(picture, identifier, centre, size, label=text)
