import math
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tf
from minigrad.errors import ArgumentError
from minigrad.models.networks import NETWORKS
from minigrad.viz import compare, draw, unrolled
from minigrad.viz.graphs.fold import View, folding_steps
from minigrad.viz.graphs.landmarks import Landmarks
from minigrad.viz.graphs.marks import closed
from minigrad.viz.graphs.norm_colors import scale_of
from minigrad.viz.graphs.selection import drawn_times, reading_steps
from minigrad.viz.graphs.strip import GREATEST_POINTS, MAX_BARS, Strip
from tests.laws import examples
from tests.viz.conftest import read_back, text_of
from tests.viz.geometry import scene_of, size
from tests.zoo import TAPES, book_rnn, constant, lstm, weight

KINDS = st.dictionaries(st.integers(0, 40), st.sampled_from("aab"), max_size=30)
PAGE_POINTS = 700
COLLAPSE = st.sampled_from([None, "auto", 1, 2, 3, 5, 12])


def in_order(runs, steps):
    """Whether the runs are pieces of the steps, one after the other."""
    order = sorted(steps)
    for run in runs:
        start = order.index(run[0])
        if order[start : start + len(run)] != run:
            return False
    return all(a[-1] < b[0] for a, b in pairwise(runs))


@given(KINDS, COLLAPSE, st.integers(0, 400))
def test_runs_are_pieces_of_the_middle(kinds, collapse, size):
    runs = View(collapse).runs(kinds, size, 100)
    assert all(runs)
    assert in_order(runs, kinds)
    folded = [t for run in runs for t in run]
    assert not {min(kinds, default=None), max(kinds, default=None)} & set(folded)
    if isinstance(collapse, int) and collapse >= 3:
        assert len(kinds) - len(folded) + len(runs) <= max(collapse, 3)


@given(KINDS.filter(bool), st.data())
def test_what_is_asked_for_is_shown_and_nothing_else(kinds, data):
    shown = data.draw(st.sets(st.sampled_from(sorted(kinds)), min_size=1))
    runs = View("auto", shown).runs(kinds, 0, 100)
    assert in_order(runs, kinds)
    assert {t for run in runs for t in run} == set(kinds) - shown


@pytest.mark.parametrize("level", ["ops", "variables"])
@pytest.mark.parametrize("collapse", [1, 2, 3])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5])
def test_few_steps_fold_into_few(level, collapse, steps):
    source = draw(book_rnn(steps), level, collapse=collapse).source
    assert ("steps" in source) == (steps > max(collapse, 3))


@pytest.mark.parametrize("wrong", [None, 3, weight("w", 2)])
def test_only_tapes_are_unrolled(wrong):
    with pytest.raises(ArgumentError, match=r"^unrolled: .* expected a Tape"):
        unrolled(wrong)


def test_what_comes_before_the_steps_folds_with_them_where_only_they_read_it():
    reads = {"x": [], "y": [], "a": ["x"], "b": ["x", "y"], "loss": ["a", "b"]}
    times = {"x": None, "y": None, "a": 1, "b": 2, "loss": None}
    step = folding_steps(reads, reads.__getitem__, times.__getitem__, [2])
    assert step == {"x": None, "y": 2, "a": 1, "b": 2, "loss": 2}


@pytest.mark.parametrize("name", sorted(TAPES))
def test_a_constant_stands_in_the_step_that_alone_reads_it(name):
    tape = TAPES[name]()
    reads = {n: n.inputs for n in tape.nodes}
    drawn = drawn_times(tape.times, reads)
    read_in = reading_steps(tape.times, reads)
    for n in tape.nodes:
        assert set(read_in.get(n, ())) == {tape.times[r] for r in tape.nodes if n in set(r.inputs)}
        if tape.stamps and drawn[n] != tape.times[n]:
            assert n.fn is None
            assert not n.requires_grad
            assert read_in[n] == [drawn[n]]
    if not tape.stamps:
        assert {drawn[n] for n in tape.parameters} <= {None}


def test_data_from_outside_is_drawn_in_its_step():
    xs = [constant(f"x_{t}", 2) for t in (1, 2)]
    w, h = weight("w"), constant("h_0", 2)
    for t, x in enumerate(xs, start=1):
        with mg.timestep(t):
            h = (h + w * x).named(f"h_{t}")
    tape = mg.Tape.of(h)
    drawn = drawn_times(tape.times, {n: n.inputs for n in tape.nodes})
    assert [drawn[x] for x in xs] == [1, 2]
    assert drawn[w] is None


@given(KINDS, COLLAPSE, st.integers(0, 400), st.sets(st.integers(0, 40), max_size=4))
def test_what_is_kept_is_shown_and_little_else(kinds, collapse, size, kept):
    plain = {t for run in View(collapse).runs(kinds, size, 100) for t in run}
    runs = View(collapse).runs(kinds, size, 100, kept)
    folded = {t for run in runs for t in run}
    assert in_order(runs, kinds)
    assert folded <= plain - kept
    # beside what is kept only steps between two that are, or at the end of a run
    assert len(plain - folded) <= 3 * len(kept & plain)


def cuts_seen(graph, panel=""):
    """The steps cut according to the scissors in a picture: one by one, and counted on folds."""
    nodes, edges = read_back(graph)
    heads = {h for t, h, a in edges if "cut" in a.get("class", "").split() and h.startswith(panel)}
    single = len([h for h in heads if nodes[h]["class"].split()[0] != "cut"])
    counts = [re.search(r"✂ ×(\d+)", text_of(a["label"])) for n, a in nodes.items()]
    counts = [m for m, n in zip(counts, nodes, strict=True) if panel in n or not panel]
    return single, sum(int(m[1]) for m in counts if m)


def recurrence(cuts, every_read):
    """h_t of h_{t-1}, with a cut before the steps in ``cuts`` on one of two reads, or on both."""
    w, h = weight("w", 2), constant("h_0", 2)
    h = (w * h).named("h_0")
    for t in range(1, 31):
        with mg.timestep(t):
            past = mg.detach(h) if t in cuts else h
            h = np.tanh(w * past + (past if every_read else h)).named(f"h_{t}")
    return mg.Tape.of(np.sum(h).named("L"))


@examples(40)
@given(st.sets(st.integers(1, 30)), st.booleans(), st.sampled_from(["auto", 3, 5, None]))
def test_every_cut_is_a_mark_or_counted(cuts, every_read, collapse):
    tape = recurrence(cuts, every_read)
    assert {tape.times[n] for n in tape.nodes if closed(n)} == cuts
    single, counted = cuts_seen(draw(tape, "variables", collapse))
    # one arrow of many cut ones may stand for the fold's last or first step
    assert single + counted == len(cuts)
    nodes, _ = read_back(draw(tape, "ops", collapse))
    single = len([a for a in nodes.values() if a["class"] == "cut"])
    counts = re.findall(r"✂ ×(\d+)", " ".join(text_of(a["label"]) for a in nodes.values()))
    assert single + sum(map(int, counts)) == len(cuts)


@pytest.mark.parametrize("transform", [{"every": 1}, {"every": 2}, {"every": 7}])
def test_panels_with_cuts_in_their_folds_differ(transform):
    tape = lstm(35)
    cut = tf.truncate(tape, **transform)
    graph = compare([("full", tape), ("cut", cut)])
    steps = {cut.times[n] for n in cut.nodes if closed(n)}
    assert cuts_seen(graph, "1/") == (0, 0)
    single, counted = cuts_seen(graph, "2/")
    # each step is cut on h and on c
    assert single + counted == 2 * len(steps)


@pytest.mark.parametrize("level", ["ops", "variables"])
def test_the_first_step_that_is_not_finite_is_shown(level):
    w, h = weight("w", 2), constant("h_0", 2)
    for t in range(1, 61):
        with mg.timestep(t):
            h = np.tanh(w * h + (math.nan if t == 40 else 0.1)).named(f"h_{t}")
    nodes, _ = read_back(draw(mg.Tape.of(np.sum(h).named("L")), level))
    assert "h_40" in nodes
    assert {n for n, a in nodes.items() if n.startswith("h_") and "nonfinite" in a["class"]} >= {
        "h_40",
        "h_60",
    }
    assert "nonfinite" not in nodes["h_1"]["class"]
    said = " ".join(text_of(a["label"]) for a in nodes.values())
    assert said.count("not finite") == 1


@given(st.dictionaries(st.integers(0, 60), st.floats(min_value=0), min_size=1))
def test_the_extremes_never_fold(norms):
    kept = Landmarks(scale_of({}, norms.values()), norms).kept
    positive = [v for v in norms.values() if 0 < v < math.inf]
    if positive:
        assert {min(positive), max(positive)} <= {norms[t] for t in kept}
    if math.inf in norms.values():
        assert max(t for t, v in norms.items() if v == math.inf) in kept


@given(st.lists(st.floats(1e-200, 1e200), min_size=1, max_size=200), st.sets(st.integers(0, 199)))
def test_a_strip_has_a_bar_for_every_step_and_a_tick_for_every_cut(norms, cuts):
    known = Landmarks(scale_of({}, norms), dict(enumerate(norms)))
    steps = tuple(range(len(norms)))
    strip = Strip(steps, frozenset(cuts.intersection(steps)), known)
    buckets = strip._buckets
    assert [t for bucket in buckets for t in bucket] == list(steps)
    assert len(buckets) <= MAX_BARS
    heights = [strip._bar(bucket)[0] for bucket in buckets]
    assert max(heights) == pytest.approx(GREATEST_POINTS)
    order = sorted(range(len(buckets)), key=lambda k: max(norms[t] for t in buckets[k]))
    assert [heights[k] for k in order] == sorted(heights)
    assert ("✂" in strip.scissors) == bool(strip.cuts)


FOLDED = {
    "encoder_decoder": lambda: NETWORKS["encoder_decoder"](12, 12),
    "bidirectional": lambda: NETWORKS["bidirectional"](12),
    "windowed": lambda: tf.truncate(NETWORKS["hierarchical"](14), window=2),
    "upwards": lambda: book_rnn(30),
}


@pytest.mark.parametrize("name", FOLDED)
def test_an_arrow_of_a_fold_ends_at_its_dots(name):
    """No further from their middle than the sign is large: 18 points long, 8 across."""
    nodes, edges = read_back(draw(FOLDED[name](), "variables"))
    dots = {n: point(a["pos"]) for n, a in nodes.items() if "fold" in a.get("class", "").split()}
    ends = 0
    for tail, head, looks in edges:
        first, last = path_ends(looks["pos"])
        for end, place in ((tail, first), (head, last)):
            if end in dots:
                ends += 1
                assert math.dist(dots[end], place) <= math.hypot(9, 4) + 0.1
    assert ends > 3


def point(pos):
    x, y = pos.rstrip("!").split(",")
    return float(x), float(y)


def path_ends(pos):
    """The first point of an arrow, and its last: the tip, where it has one."""
    points = [p for p in pos.split() if not p.startswith("e,")]
    tips = [p.removeprefix("e,") for p in pos.split() if p.startswith("e,")]
    return point(points[0]), point([*points, *tips][-1])


@pytest.mark.parametrize("steps", range(1, 7))
def test_steps_that_are_too_wide_for_a_page_fold_until_they_fit(steps):
    tape = book_rnn(steps)
    graph = draw(tape)
    width, _ = size(scene_of(graph))
    whole, _ = size(scene_of(draw(tape, collapse=None)))
    assert ("steps" in graph.source) == (whole > PAGE_POINTS)
    assert width <= PAGE_POINTS


@pytest.mark.parametrize("every", [1, 5, 11])
def test_where_a_page_has_no_room_for_all_cuts_the_first_is_shown_and_the_others_counted(every):
    tape = tf.truncate(lstm(12), every=every)
    nodes, _ = read_back(draw(tape))
    cuts = {tape.names[n]: n.time for n in tape.nodes if closed(n)}
    shown = cuts.keys() & nodes.keys()
    assert {cuts[name] for name in shown} == {min(cuts.values())}
    labels = "".join(text_of(a["label"]) for a in nodes.values())
    counted = re.findall(r"✂ ×(\d+)", labels)
    assert sum(map(int, counted)) == len(set(cuts.values())) - 1


def test_where_steps_were_chosen_no_others_fold():
    assert "steps" not in draw(book_rnn(8), collapse=8).source


def test_what_only_folded_steps_read_has_an_arrow_to_their_dots():
    """The steps of a loop within are numbered behind those around it, and fold after their readers."""
    w = mg.tensor(0.5, requires_grad=True, name="W")
    h, loss = mg.tensor(1.0, name="h_0"), 0
    for t in range(1, 5):
        z = h
        for k in range(1, 4):
            with mg.timestep(100 * t + k):
                z = np.tanh(w * z).named(f"z_{t}_{k}")
        with mg.timestep(t):
            h = np.tanh(w * h + z).named(f"h_{t}")
            loss = loss + h * h
    nodes, edges = read_back(draw(mg.Tape.of(loss.named("L")), "variables"))
    tails = {tail for tail, _, _ in edges}
    circles = {n for n, a in nodes.items() if a.get("shape") == "circle"}
    assert circles
    assert circles <= tails
