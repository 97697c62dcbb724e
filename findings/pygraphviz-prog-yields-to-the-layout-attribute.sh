#!/usr/bin/env bash
# pygraphviz 2.0.4 (PyPI) with the Graphviz 14.1.5 that it brings, seen on 2026-11-28.
#
# AGraph.draw(prog=...) and AGraph.layout(prog=...) ask for one of Graphviz' layout programs, as `dot -Kcirco` does.
#
# The good guess: what the caller asks for wins over what stands in the file. The graph attribute "layout" says what to
# take where nobody asks.
#
# Seen: the attribute wins, over any prog and without a word. A cycle of four that a file wants laid out by dot is the
# column of dot's, whether dot, neato or circo is asked for. (Graphviz' page on the attribute says so of -K.) A picture
# whose places are final can thus be kept as it is, by whomever it is drawn: layout=nop2.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "pygraphviz==2.0.4"
cat > seen.py <<'PY'
import json

from pygraphviz import AGraph


def heights(attribute, prog):
    graph = AGraph(string="digraph { %s a -> b -> c -> d -> a }" % attribute)
    nodes = json.loads(graph.draw(format="json", prog=prog))["objects"]
    return {round(float(node["pos"].split(",")[1])) for node in nodes}


# dot puts the four on four ranks, circo in a circle of three heights
for prog in ("dot", "circo"):
    alone, with_layout = len(heights("", prog)), len(heights("layout=dot;", prog))
    print(f"prog={prog}: {alone} heights, with layout=dot in the graph {with_layout}")
PY
env/bin/python seen.py 2>/dev/null | tee seen.txt
diff seen.txt - <<'EXPECTED'
prog=dot: 4 heights, with layout=dot in the graph 4
prog=circo: 3 heights, with layout=dot in the graph 4
EXPECTED
