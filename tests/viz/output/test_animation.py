"""The backward pass over a picture comes to its nodes in the order in which the tape is swept."""

import io
import re

import pytest

from minigrad import transforms as tf
from minigrad import viz
from minigrad.errors import ArgumentError
from minigrad.viz.output import animation
from minigrad.viz.output.animation import (
    MAX_FRAMES,
    Frame,
    Part,
    Raster,
    _bounds,
    _motion,
    gif,
)
from minigrad.viz.output.backward_order import backward_order
from minigrad.viz.output.converter import frames_of
from minigrad.viz.output.legend import shown_groups
from minigrad.viz.output.svg_writer import svg_text
from tests.viz.conftest import arrows_of
from tests.viz.geometry import scene_of
from tests.zoo import book_rnn, lstm


@pytest.mark.parametrize(
    "tape", [lambda: book_rnn(3), lambda: tf.truncate(lstm(3), every=2)], ids=["book", "truncated"]
)
def test_nodes_come_in_the_order_of_the_pass(tape):
    tape = tape()
    graph = viz.draw(tape, collapse=None)
    ((_, members, _),) = graph.shown
    moments = backward_order(graph.shown, arrows_of(graph))
    swept = {step.tensor: k for k, step in enumerate(tape.steps())}
    turns = [min(swept[n] for n in members[name] if n in swept) for name in moments]
    assert sorted(moments.values()) == list(range(len(moments)))
    assert turns == sorted(turns)


def test_what_gets_no_adjoint_never_lights_up_and_an_arrow_does_with_its_head():
    graph = viz.unrolled(tf.truncate(book_rnn(4), every=2))
    scene = scene_of(graph)
    classes = dict(zip(map(id, scene.groups), _motion(scene, graph).classes, strict=True))
    frame = {g.name: classes[id(g)] for g in scene.groups if g.kind == "node"}
    assert frame["x_1"] == frame["h_0"] == ""
    assert frame["L"] == "k0"
    for group in scene.groups:
        if group.has("cut"):
            assert classes[id(group)] == ""
        elif group.kind == "edge" and group.ends[1] in frame and frame.get(group.ends[0]):
            assert classes[id(group)] == frame[group.ends[1]]


def test_an_animated_svg_is_styled_alone_and_stands_still_where_less_motion_is_asked(tmp_path):
    graph = viz.unrolled(book_rnn(2))
    text = viz.render(graph, tmp_path / "a.svg", animated=True).read_text()
    assert "<script" not in text
    outside, moving = text.split("@media (prefers-reduced-motion:no-preference)")
    assert "animation" not in outside
    assert "infinite" in moving
    assert text == viz.render(graph, tmp_path / "b.svg", animated=True).read_text()


def test_in_a_browser_it_moves_unless_less_motion_is_asked(chromium, tmp_path):
    file = viz.render(viz.unrolled(book_rnn(2)), tmp_path / "a.svg", animated=True)
    running = "document.getAnimations().length"
    chromium.open(file)
    assert chromium.run(running) > 0
    less = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    chromium.call("Emulation.setEmulatedMedia", features=less)
    assert chromium.run(running) == 0
    chromium.prefers("")
    assert chromium.problems() == []


def test_a_gif_has_a_frame_for_each_and_begins_again(tmp_path):
    pytest.importorskip("typst")
    Image = pytest.importorskip("PIL.Image")
    data = viz.render(viz.unrolled(book_rnn(4)), tmp_path / "a.gif").read_bytes()
    image = Image.open(io.BytesIO(data))
    assert image.info["loop"] == 0
    assert 10 < image.n_frames <= MAX_FRAMES + 1
    assert image.width <= 1400
    sizes = set()
    reds = []
    for k in range(image.n_frames):
        image.seek(k)
        sizes.add(image.size)
        pixels = image.convert("RGB").getcolors(1 << 20)
        reds.append(sum(count for count, (r, g, b) in pixels if r > 120 and g < 90 and b < 60))
    assert len(sizes) == 1
    assert reds[0] < reds[image.n_frames // 2] < reds[-1]


def test_a_frame_drawn_in_part_is_as_the_whole_would_be(monkeypatch):
    """Of each frame the part is drawn that differs from the last: the others' pixels stay."""
    pytest.importorskip("typst")
    Image = pytest.importorskip("PIL.Image")
    from PIL import ImageChops

    graph = viz.draw(book_rnn(3))
    scene = scene_of(graph)
    classes, count = _motion(scene, graph)
    frames = []
    monkeypatch.setattr(animation, "_joined", frames.extend)
    gif(scene, graph)
    raster = Raster.of(_bounds(shown_groups(scene)))
    for k in (1, count // 2, count):
        size = raster.size(Part(0, 0, *frames[k].size))
        (png,) = frames_of([svg_text(scene, Frame(classes, k), size)], raster.scale * 72)
        whole = Image.open(io.BytesIO(png)).convert("RGB")
        assert whole.size == frames[k].size
        differences = ImageChops.difference(whole, frames[k]).convert("L").histogram()
        # a few at the edge of a letter; a part one pixel off makes thirty times as many
        assert sum(differences[9:]) < 1e-3 * sum(differences)


@pytest.mark.parametrize("name", ["a.gif", "a.svg"])
def test_what_shows_no_pass_is_not_animated(name, tmp_path):
    with pytest.raises(
        ArgumentError, match=r"a picture of no backward pass; expected one of a tape"
    ):
        viz.render(viz.strategies(), tmp_path / name, animated=True)


@pytest.mark.parametrize("name", ["a.png", "a.html", "a.dot"])
def test_other_formats_stand_still(name, tmp_path):
    with pytest.raises(ArgumentError, match=re.escape("a graph is animated as .svg or .gif")):
        viz.render(viz.unrolled(book_rnn(1)), tmp_path / name, animated=True)
