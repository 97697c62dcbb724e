#!/usr/bin/env bash
# Graphviz 14.1.5 as pygraphviz 2.0.4 (PyPI) brings it, seen on 2026-11-28.
#
# Formats "xdot" and "json" say how a picture is drawn as a list of operations of one letter each: E and e are ellipses,
# P and p polygons, B and b curves, and of each pair one is filled.
#
# The good guess: "json" is "xdot" in another notation, so a letter means the same in both.
#
# Seen: ellipses and polygons do, curves do not. A filled box with round corners is the operation b in "xdot" and B in
# "json"; one that is not filled, and an edge, is B in "xdot" and b in "json". A reader that takes the letters of one for
# those of the other fills the edges and leaves the boxes empty.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "pygraphviz==2.0.4"
cat > seen.py <<'PY'
import json
import re

from pygraphviz import AGraph

SHAPES = {
    "ellipse, filled": "shape=ellipse style=filled",
    "ellipse": "shape=ellipse",
    "round box, filled": 'shape=box style="rounded,filled"',
    "round box": "shape=box style=rounded",
}


def shapes_in(operations):
    return "".join(letter for letter in operations if letter in "EePpBb")


def letters(source, kind):
    graph = AGraph(string=source)
    thing = json.loads(graph.draw(format="json", prog="dot"))[kind][0]
    in_json = shapes_in(operation["op"] for operation in thing["_draw_"])
    answer = AGraph(string=graph.draw(format="xdot", prog="dot").decode())
    drawn = answer.edges()[0] if kind == "edges" else answer.nodes()[0]
    # a letter that stands alone before numbers
    in_xdot = shapes_in(re.findall(r"(?<!\S)([EePpBb]) (?=\d)", drawn.attr["_draw_"]))
    return f"xdot {in_xdot}, json {in_json}"


for name, look in SHAPES.items():
    print(f"{name}: {letters(f'digraph {{ a [{look}] }}', 'objects')}")
print("edge:", letters("digraph { a -> b }", "edges"))
PY
env/bin/python seen.py 2>/dev/null | tee seen.txt
diff seen.txt - <<'EXPECTED'
ellipse, filled: xdot E, json E
ellipse: xdot e, json e
round box, filled: xdot b, json B
round box: xdot B, json b
edge: xdot B, json b
EXPECTED
