#!/usr/bin/env bash
# Graphviz 14.1.5 as pygraphviz 2.0.4 (PyPI) brings it, seen on 2026-11-28.
#
# Format "json" answers with the drawing itself: in "_ldraw_" each operation "T" is a run of text as it is to be drawn,
# at its place, as <text> is in format "svg".
#
# The good guess: the two formats draw the same text. A label <a\b>, read by a JSON parser, has the text a\b.
#
# Seen: in "json" every backslash of a run is still doubled after the JSON was parsed; where the label has two in a row,
# what follows them may be cut off, for the length that the run was written with counts them once.
#
#   label <a\\b>      svg: a\b     json: a\\b
#   label <a\\\\b>    svg: a\\b    json: a\\\\
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "pygraphviz==2.0.4"
cat > seen.py <<'PY'
import json
import re
from html import unescape

from pygraphviz import AGraph


def drawn(label, form):
    graph = AGraph(string="digraph { a [label=<%s>] }" % label)
    return graph.draw(format=form, prog="dot").decode()


def in_svg(label):
    return unescape("".join(re.findall(r"<text[^>]*>([^<]*)</text>", drawn(label, "svg"))))


def in_json(label):
    (node,) = json.loads(drawn(label, "json"))["objects"]
    return "".join(operation["text"] for operation in node["_ldraw_"] if operation["op"] == "T")


for label in ("a" + 2 * "\\" + "b", "a" + 4 * "\\" + "b"):
    print(f"label <{label}>", "svg:", in_svg(label), "json:", in_json(label))
PY
env/bin/python seen.py 2>/dev/null | tee seen.txt
diff seen.txt - <<'EXPECTED'
label <a\\b> svg: a\b json: a\\b
label <a\\\\b> svg: a\\b json: a\\\\
EXPECTED
