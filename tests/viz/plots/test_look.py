"""One look: the colours of plots are those of graphs, on either ground, for colour-blind readers too."""

import itertools
import re
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from minigrad import models, viz
from minigrad import transforms as tf
from minigrad.viz import style
from minigrad.viz.output.schemes import DARK_FILLS, DARK_INKS, DARK_SERIES, PAGE
from minigrad.viz.plots import anatomy, axes, comparison, jacobians
from minigrad.viz.plots.ticks import Powers
from tests.viz.output.test_svg_writer import SVG, contrast, luminance

pytest.importorskip("matplotlib")

SECTION = models.section(T=5).tape
ANATOMY = models.anatomy(SECTION, SECTION["W_hh"], norms_only=True)
CUT = models.anatomy(tf.truncate(SECTION, every=2), SECTION["W_hh"], norms_only=True)


def of_strategies():
    one = {"updates": [0, 1, 2], "bias_error": 0.1, "spread": 0.2}
    full = SimpleNamespace(name="full", draws=1, bias=0.0, curves=[[3, 2, 1]] * 2, **one)
    drawn = SimpleNamespace(name="random=0.5", draws=3, bias=0.1, curves=[[3, 2, 2]] * 2, **one)
    return comparison.strategies([full, drawn], lambda x: (float(np.mean(x)), 0.1))


def of_balancing():
    run = SimpleNamespace(name="ARTBP, 1", steps=[0, 1, 10, 100], theta=[0.5, 0.4, 0.3, 0.21])
    return comparison.balancing([run], 0.2)


def of_clipping():
    free = SimpleNamespace(name="free", losses=[2, 1], before=[1e3, 2], after=[1e3, 2])
    clipped = SimpleNamespace(name="at 1", losses=[2, 1], before=[10, 2], after=[1, 1])
    return comparison.clipping([free, clipped])


def of_memory():
    run = {"task": "copy", "cell": "rnn", "strategy": "full", "baseline": 2.0}
    return comparison.memory([SimpleNamespace(losses=[2, 1, 0.1], **run)])


PLOTS = {
    "heat maps": lambda: anatomy.heatmaps(
        {"full": ANATOMY.norms, "cut": CUT.norms}, range(5), "W_hh"
    ),
    "lags": lambda: anatomy.lags(ANATOMY.lost, "W_hh"),
    "jacobians": lambda: jacobians.jacobians(models.jacobians(SECTION, W_hh=SECTION["W_hh"])),
    "gradients": lambda: viz.plots.gradient_norms({"full": SECTION, "h_1 < & >": SECTION}),
    "curves": lambda: viz.plots.curves([(10, 20.0, 21.0), (20, 9.0, 11.5)]),
    "strategies": of_strategies,
    "balancing": of_balancing,
    "clipping": of_clipping,
    "memory": of_memory,
}


@pytest.fixture(scope="module", params=PLOTS)
def written(request):
    return viz.svg(PLOTS[request.param]())


def test_every_colour_has_a_dark_one_and_words_are_legible(written):
    root = ElementTree.fromstring(written)
    dark = DARK_FILLS | DARK_INKS | DARK_SERIES
    # what shows on either ground, half of it through
    fixed = {anatomy.CUT_COLOR[:7]}
    named = {e.get(k) for e in root.iter() for k in ("fill", "stroke")} - {None, "none"}
    assert named - fixed <= set(dark)
    inks = {e.get("fill", style.plain("#000000")) for e in root.iter(f"{SVG}text")}
    for ink in inks:
        assert contrast(ink, PAGE) >= 4.5
        assert contrast(dark[ink], dark[PAGE]) >= 4.5
    changed = set(re.findall(r'\[fill="([^"]+)"\]', written))
    assert named - fixed <= changed


def test_it_stands_alone_and_says_what_it_is(written):
    root = ElementTree.fromstring(written)
    assert (root.get("class"), root.get("role")) == ("minigrad", "img")
    assert [e.tag for e in root[:3]] == [f"{SVG}{tag}" for tag in ("title", "desc", "style")]
    assert len(root[1].text) > 10
    # a rule would hold for the whole page, a style of an element for both schemes
    selectors = re.findall(r"[{}]([^{}@]+)\{", root[2].text)
    assert all(selector.startswith(".minigrad [") for selector in selectors)
    assert not [e for e in root if e.get("style") and e is not root]
    ids = {e.get("id") for e in root.iter()} - {None}
    assert ids <= set(re.findall(r"#([\w.-]+)", written))
    # no colour within a definition, which no rule reaches
    assert not [e for d in root.iter(f"{SVG}defs") for e in d if e.get("stroke") or e.get("fill")]


def test_words_are_text_with_indices_as_in_graphs(written):
    root = ElementTree.fromstring(written)
    lines = ["".join(e.itertext()) for e in root.iter(f"{SVG}text")]
    assert lines
    assert not [line for line in lines if re.search(r"\$|_|\\", line)]
    for text in root.iter(f"{SVG}text"):
        assert all("x" not in span.attrib for span in text)


def test_an_index_is_low_and_what_follows_is_not():
    root = ElementTree.fromstring(viz.svg(PLOTS["gradients"]()))
    texts = {"".join(e.itertext()): e for e in root.iter(f"{SVG}text")}
    assert "h1 < & >" in texts
    heights = []
    height = 0.0
    for span in texts["|dL/dht|"]:
        size = float(span.get("font-size", "100%")[:-1]) / 100
        height += size * float(span.get("dy", "0em")[:-2])
        heights.append((span.text, height > 0.1))
    assert heights == [("|dL/dh", False), ("t", True), ("|", False)]
    assert height == pytest.approx(0, abs=1e-3)


# What readers without one kind of cones see, in linear light: Machado, Oliveira and Fernandes 2009.
VISIONS = {
    "all cones": np.eye(3),
    "no long": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "no middle": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "no short": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


def lab(colour, vision):
    """L*, a*, b* of a colour as it is seen."""
    channels = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    seen = np.clip(np.array(vision) @ linear, 0, 1)
    x, y, z = np.cbrt(np.maximum(to_xyz @ seen / to_xyz.sum(1), 0.0089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("ground", [PAGE, DARK_FILLS[PAGE]])
def test_lines_are_told_apart_on_either_ground(ground, vision):
    colours = style.SERIES if ground == PAGE else [DARK_SERIES[c] for c in style.SERIES]
    assert min(contrast(colour, ground) for colour in colours) >= 3
    seen = [lab(colour, VISIONS[vision]) for colour in colours]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 14


def test_the_grey_of_nothing_shows_on_either_ground():
    red, *_, alpha = (int(anatomy.CUT_COLOR[k : k + 2], 16) for k in (1, 3, 5, 7))
    for ground in (PAGE, DARK_FILLS[PAGE]):
        channels = [int(ground[k : k + 2], 16) for k in (1, 3, 5)]
        mixed = [round(c + (red - c) * alpha / 255) for c in channels]
        colour = "#" + "".join(f"{c:02X}" for c in mixed)
        assert abs(luminance(colour) - luminance(ground)) > 0.01
        assert contrast(colour, ground) > 1.2


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (1000.0, "1000"),
        (0.001, "0.001"),
        (1e-6, "10⁻⁶"),
        (2e5, "2·10⁵"),
        (1e300, "10³⁰⁰"),
        (50.0, "50"),
    ],
)
def test_powers_are_written_as_in_graphs(x, text):
    formatter = Powers()
    formatter.create_dummy_axis()
    assert formatter(x) == text


def test_a_users_own_settings_change_nothing():
    import matplotlib as mpl

    with mpl.rc_context({"lines.linewidth": 9, "svg.fonttype": "path", "figure.facecolor": "red"}):
        theirs = viz.svg(PLOTS["curves"]())
    assert theirs == viz.svg(PLOTS["curves"]())


def test_without_a_converter_matplotlib_writes_png(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("minigrad.viz.output.render.has_converter", lambda: False)
    file = viz.render(PLOTS["curves"](), tmp_path / "a.png")
    assert file.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().err == ""


def test_any_figure_of_matplotlib_is_written(tmp_path):
    figure = axes.matplotlib().figure.Figure()
    figure.subplots().set_xlabel("$x_1$ & y")
    text = viz.render(figure, tmp_path / "a.svg").read_text()
    assert ElementTree.fromstring(text).get("class") == "minigrad"
