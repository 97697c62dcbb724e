"""What a drawn picture does wrong on paper: boxes that overlap, arrows through boxes, text over text."""

from itertools import combinations, pairwise

import numpy as np

from minigrad.viz.output.graphviz_process import LIMIT, laid_out
from minigrad.viz.output.scene import Line, Shape
from minigrad.viz.output.scene_reader import read_scene
from minigrad.viz.output.svg_writer import bounds

# Of a curve between two of its ends.
_SAMPLES = np.linspace(0, 1, 17)
# How deep an arrow may enter a box that is not its end, and boxes each other, in points.
_TOUCH_POINTS = 1.0
_MARGIN_POINTS = 4.32


def scene_of(graph):
    """Shapes and lines at their places."""
    return read_scene(laid_out(graph.source, graph.engine, LIMIT))


def overlaps(scene):
    """Pairs of nodes that cover each other."""
    boxes = _boxes(scene)
    return [(a, b) for a, b in combinations(boxes, 2) if _meet(boxes[a], boxes[b])]


def crossings(scene):
    """Arrows, as (tail, head, node), that run through a node that is not their end."""
    boxes = _boxes(scene)
    through = []
    for edge in scene.groups:
        if edge.kind != "edge":
            continue
        path = np.concatenate([_sampled(mark) for mark in edge.marks if isinstance(mark, Shape)])
        for name, (left, bottom, right, top) in boxes.items():
            inside = (path > (left, bottom)) & (path < (right, top))
            if name not in edge.ends and inside.all(axis=1).any():
                through.append((*edge.ends, name))
    return through


def overprints(scene):
    """Pairs of lines of text that cover each other."""
    lines = [mark for group in scene.groups for mark in group.marks if isinstance(mark, Line)]
    boxes = [_shrunk(bounds([line]), _MARGIN_POINTS + _TOUCH_POINTS) for line in lines]
    pairs = combinations(range(len(lines)), 2)
    return [(_text(lines[a]), _text(lines[b])) for a, b in pairs if _meet(boxes[a], boxes[b])]


def overflows(scene):
    """Lines of text in a node, as (node, text), that are wider than its box."""
    boxes = _boxes(scene)
    found = []
    for group in scene.groups:
        lines = [mark for mark in group.marks if isinstance(mark, Line)]
        for line in lines if group.name in boxes else ():
            left, bottom, right, top = boxes[group.name]
            begin, low, end, high = bounds([line])
            # a caption stands beside its box
            is_within = bottom < (low + high) / 2 < top and left < (begin + end) / 2 < right
            text_wide = end - begin - 2 * _MARGIN_POINTS
            if is_within and text_wide > right - left + 2 * _TOUCH_POINTS:
                found.append((group.name, _text(line)))
    return found


def size(scene):
    """Width and height in points."""
    left, bottom, right, top = bounds(mark for group in scene.groups for mark in group.marks)
    return right - left, top - bottom


def _boxes(scene):
    """The outline of each node that has one, a little smaller: left, bottom, right, top."""
    boxes = {}
    for group in scene.groups:
        shapes = [mark for mark in group.marks if isinstance(mark, Shape)]
        if group.kind == "node" and shapes:
            boxes[group.name] = _shrunk(bounds(shapes), _MARGIN_POINTS + _TOUCH_POINTS)
    return boxes


def _shrunk(box, points):
    left, bottom, right, top = box
    return left + points, bottom + points, right - points, top - points


def _meet(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _text(line):
    return "".join(run.text for run in line.runs)


def _sampled(shape):
    """Points along a line or a chain of cubic Bézier curves."""
    points = np.array(shape.points)
    if shape.kind == "curve":
        parts = zip(points[:-1:3], points[1::3], points[2::3], points[3::3], strict=True)
        return np.concatenate([_bezier(*part) for part in parts])
    ends = pairwise(points)
    return np.concatenate([_between(a, b) for a, b in ends])


def _between(a, b):
    t = _SAMPLES[:, None]
    return a * (1 - t) + b * t


def _bezier(a, b, c, d):
    t = _SAMPLES[:, None]
    return a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t**2 * (1 - t) + d * t**3
