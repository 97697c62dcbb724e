"""Every tape of the zoo, pictures read back, and a Chromium that shows them."""

import re
from html import unescape
from xml.etree import ElementTree

import pytest

from minigrad.viz import style
from minigrad.viz.output.backward_paths import Arrow, backward_paths
from minigrad.viz.output.render import svg
from tests.chromium import CHROMIUM, opened
from tests.zoo import TAPES


@pytest.fixture(params=TAPES, scope="session")
def tape(request):
    return TAPES[request.param]()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with opened(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def text_of(label):
    """What an HTML-like label says, a line per row of a table."""
    flat = re.sub(r"<[^>]*>", "", label.replace("</tr>", "\n"))
    return unescape(flat).strip()


def written_name(name):
    """A name as a label's text says it: subscripts without the underscore."""
    return "".join(text for text, _ in style.parts(name))


def read_back(graph):
    """What is visible: nodes as {id: attributes}, edges as [(tail, head, attributes)], read by Graphviz itself.

    An arrow that is drawn against the order of its ends is turned round.
    """
    pygraphviz = pytest.importorskip("pygraphviz")
    parsed = pygraphviz.AGraph(string=graph.source)
    nodes = {
        n: {"label": "", **dict(n.attr)}
        for n in parsed.nodes()
        if n.attr["class"] not in ("corner", "joint")
    }
    edges = [(e[0], e[1], dict(e.attr)) for e in parsed.edges()]
    return nodes, [(b, a, e) if e.get("dir") == "back" else (a, b, e) for a, b, e in edges]


def legend(graph):
    """What the legend of the picture explains, in order."""
    groups = picture(graph).iter("{http://www.w3.org/2000/svg}g")
    entries = [g for g in groups if g.get("class").startswith("legend ")]
    return ["".join(g[-1].itertext()) for g in entries if g.get("class") != "legend scale"]


def picture(graph):
    """The SVG, parsed."""
    return ElementTree.fromstring(svg(graph))


def arrows_of(graph):
    """The arrows of a picture, as Graphviz reads them."""
    edges = read_back(graph)[1]
    return [
        Arrow(tail, head, "cut" in looks.get("class", "").split()) for tail, head, looks in edges
    ]


def lit(graph):
    """Of each node that stands for something, what it lights: nodes and arrows."""
    arrows = arrows_of(graph)
    paths = backward_paths(graph.shown, arrows)
    for k, target in enumerate(paths.targets):
        nodes = {name for name, bits in paths.nodes.items() if bits >> k & 1}
        pairs = zip(arrows, paths.arrows, strict=True)
        yield target, nodes, {a[:2] for a, bits in pairs if bits >> k & 1}
