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
# Two lines nearer than their width are one to the eye; so far they may be, beside a common box.
_LINE_POINTS = 0.8
STUB_POINTS = 24


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


def struck(scene):
    """Labels of arrows, as (text, arrow), that an arrow runs through which is not their own."""
    edges = [group for group in scene.groups if group.kind == "edge"]
    paths = {id(edge): np.concatenate(list(map(_sampled, edge.shapes))) for edge in edges}
    found = []
    for own in edges:
        for line in own.lines:
            box = _shrunk(bounds([line]), _MARGIN_POINTS + _TOUCH_POINTS)
            for edge in edges:
                inside = (paths[id(edge)] > box[:2]) & (paths[id(edge)] < box[2:])
                if edge is not own and inside.all(axis=1).any():
                    found.append((_text(line), edge.ends))
    return found


def runs(scene):
    """Pairs of arrows with other ends that lie on each other, as (points, one, other), for longer
    than a stub."""
    lines = []
    for edge in scene.groups:
        curve = next((mark for mark in edge.shapes if edge.kind == "edge"), None)
        if curve:
            lines.append((edge.ends, _evenly(_sampled(curve))))
    low = np.array([path.min(axis=0) for _, path in lines]) - _LINE_POINTS
    high = np.array([path.max(axis=0) for _, path in lines]) + _LINE_POINTS
    shared = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    may_run = (shared > 0).all(axis=2) & (np.hypot(*shared.transpose(2, 0, 1)) > STUB_POINTS)
    found = []
    for i, k in np.argwhere(np.triu(may_run, 1)):
        (one, a), (other, b) = lines[i], lines[k]
        if one != other:
            run = _longest_run(a, b)
            if run > STUB_POINTS:
                found.append((run, one, other))
    return found


def _evenly(path):
    """Points along a path, one point apart."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    places = np.arange(0.0, along[-1])
    return np.stack([np.interp(places, along, values) for values in path.T], axis=1)


def _longest_run(a, b):
    """How far the first path stays within a line's width of the second, in points."""
    near, other = (_within(x, y) for x, y in ((a, b), (b, a)))
    if near.sum() <= STUB_POINTS or not other.any():
        return 0
    apart = a[near][:, None] - b[other]
    is_close = np.zeros(len(a) + 2, bool)
    is_close[1:-1][near] = (np.hypot(*apart.transpose(2, 0, 1)) < _LINE_POINTS).any(axis=1)
    begins, ends = np.flatnonzero(np.diff(is_close.astype(int))).reshape(-1, 2).T
    return max(ends - begins, default=0)


def _within(points, others):
    """Which points lie in the bounds of the others."""
    low, high = others.min(axis=0) - _LINE_POINTS, others.max(axis=0) + _LINE_POINTS
    return ((low <= points) & (points <= high)).all(axis=1)


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
