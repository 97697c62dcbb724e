import re
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import models
from minigrad import transforms as tf
from minigrad.models.networks import NETWORKS
from minigrad.viz import draw, style
from minigrad.viz.graphs.marks import is_gate, through
from minigrad.viz.graphs.variables.variable_model import variable_graph
from tests.laws import examples
from tests.viz.conftest import legend, read_back, text_of
from tests.viz.geometry import crossings, overlaps, overprints, scene_of, size
from tests.zoo import constant, weight

PAGE_POINTS = 700
STEPS = 9


def language_model(kind, layers, dropout=0.0):
    lm = models.RNNLM(kind, hidden=2, vocab=3, layers=layers, dropout=dropout)
    tokens = np.arange(2 * STEPS + 2).reshape(2, STEPS + 1) % 3
    return mg.Tape.of(lm.loss(tokens[:, :-1], tokens[:, 1:]))


def linear():
    cell = models.LinearRNN(2, 3, 2, rng=0)
    h, loss = constant("h_0", 3, 1), 0.0
    for t in range(1, STEPS + 1):
        with mg.timestep(t):
            o, h = cell(constant(f"x_{t}", 2, 1), h)
            loss = loss + np.sum(o)
    return mg.Tape.of(loss)


CELLS = [(kind, layers) for kind in ("rnn", "gru", "lstm") for layers in (1, 2, 3)]
PICTURES = {
    **{
        f"{kind} {layers}": (lambda k=kind, n=layers: language_model(k, n))
        for kind, layers in CELLS
    },
    "dropout": lambda: language_model("lstm", 2, dropout=0.5),
    "linear": linear,
    **NETWORKS,
    **{
        f"{name} cut": (lambda make=make: tf.truncate(make(), every=2))
        for name, make in NETWORKS.items()
        if name in ("bidirectional", "hierarchical", "self_attending")
    },
}


@pytest.mark.parametrize("name", PICTURES)
def test_no_boxes_overlap_and_no_arrow_crosses_a_box(name):
    scene = scene_of(draw(PICTURES[name](), "variables"))
    assert overlaps(scene) == []
    assert crossings(scene) == []
    assert overprints(scene) == []
    assert size(scene)[0] <= PAGE_POINTS


@pytest.mark.parametrize("name", ["bidirectional", "self_attending", "encoder_decoder"])
def test_unfolded_nothing_is_crossed_either(name):
    scene = scene_of(draw(NETWORKS[name](8), "variables", collapse=None))
    assert overlaps(scene) == []
    assert crossings(scene) == []


def rows_and_columns(tape):
    """The places of the boxes by role, such as ``h``, and step."""
    places = defaultdict(dict)
    for name, looks in read_back(draw(tape, "variables"))[0].items():
        if m := re.fullmatch(r"([a-z]+)_(\d+)", name):
            x, y = looks["pos"].rstrip("!").split(",")
            places[m[1]][int(m[2])] = float(x), float(y)
    return places


def row(places):
    """The one height of these."""
    (height,) = {y for _, y in places.values()}
    return height


def is_rising(places):
    xs = [places[t][0] for t in sorted(places)]
    return xs == sorted(set(xs))


def test_each_direction_has_its_row():
    places = rows_and_columns(NETWORKS["bidirectional"]())
    states = {name: places[name] for name in ("hf", "hb", "o")}
    assert len({row(each) for each in states.values()}) == len(states)
    # the state before the first of the backward direction stands right of it
    last = places["hb"].pop(0)
    assert last[0] > max(x for x, _ in places["hb"].values())
    assert is_rising(places["hf"])
    assert is_rising(places["hb"])


def test_arrows_that_run_against_time_point_to_the_left():
    graph = draw(NETWORKS["bidirectional"](), "variables")
    nodes, edges = read_back(graph)
    x = {n: float(looks["pos"].split(",")[0]) for n, looks in nodes.items()}
    back = [(a, b) for a, b, _ in edges if a in x and re.match("hb_", a) and re.match("to_hb_", b)]
    assert len(back) == 4
    assert all(x[a] > x[b] for a, b in back)


def test_attention_has_rows_of_its_own_and_the_encoder_stands_left():
    places = rows_and_columns(NETWORKS["encoder_decoder"]())
    heights = [row(places[name]) for name in ("he", "a", "c", "s", "o")]
    assert len(set(heights)) == len(heights)
    encoder = [x for x, _ in places["he"].values()]
    decoder = [x for name in "acso" for x, _ in places[name].values()]
    assert max(encoder) < min(decoder)


def test_each_clock_and_each_layer_has_its_row():
    places = rows_and_columns(NETWORKS["hierarchical"]())
    assert row(places["h"]) != row(places["s"])
    # the slow state stands in the column of its step
    assert all(places["s"][t][0] == places["h"][t][0] for t in (2, 4))


def paths(graph):
    """The arrows of a picture without gates and what rails are made of, by the ends of each."""
    _, edges = read_back(graph)
    after = defaultdict(list)
    for tail, head, _ in edges:
        after[tail].append(head)
    ends = set()
    for tail in [n for n in after if not is_between(n)]:
        stack = list(after[tail])
        while stack:
            n = stack.pop()
            if is_between(n):
                stack += after[n]
            else:
                ends.add((tail, n))
    return ends


def is_between(name):
    return " " in name or name.startswith("gate_at_")


@pytest.mark.parametrize("name", [n for n in PICTURES if n not in ("language_model",)])
def test_rails_lead_from_each_tail_to_its_heads_and_to_no_other(name):
    tape = PICTURES[name]()
    items, arrows = variable_graph(tape)
    keys = [i.key for i in items]
    names = [n if kind == "box" else f"to {n}" for kind, n in keys]
    ids = dict(zip(keys, style.identifiers(names), strict=True))
    expected = {(ids[a.tail], ids[a.head]) for a in arrows}
    assert paths(draw(tape, "variables", collapse=None)) == expected


# --- every gate is a mark or counted --------------------------------------------------------------
SIGNS = {"cut": "✂", "clipped": "≤", "scaled": ""}
COUNTED = {"✂": "cut", "scaled": "scaled", "clipped": "clipped"}


def gates_of(tape):
    """How many gates of each kind there are: each value that a step reads through one."""
    gates = set()
    for n in tape.nodes:
        for x in n.inputs:
            if is_gate(x) and not is_gate(n):
                source, marks = through(x)
                # the copies that a window has of a value are one
                value = source.serial, source.fn
                gates |= {(value, marks, k, tape.times[n]) for k in range(len(marks))}
    return Counter(marks[k].classes.split()[-1] for _, marks, k, _ in gates)


def gates_seen(graph):
    """How many gates of each kind a picture shows, on arrows and counted on folds."""
    seen = Counter()
    for name, looks in read_back(graph)[0].items():
        said = text_of(looks["label"])
        if counted := re.fullmatch("(.*) ×([0-9]+)", said):
            seen[COUNTED[counted[1]]] += int(counted[2])
        elif name.startswith("gate_at_"):
            for line in said.splitlines():
                seen[next(kind for kind, sign in SIGNS.items() if sign in line)] += 1
    return seen


def recurrence(gate_at, states):
    """States that read each other a step later, some of them through a gate."""
    w = weight("w", 2)
    old = [constant(f"{name}_0", 2) for name in "hcs"[:states]]
    for t in range(1, 11):
        with mg.timestep(t):
            read = [gate_at.get((t, k), lambda x: x)(x) for k, x in enumerate(old)]
            total = sum(read)
            old = [
                np.tanh(w * total + x).named(f"{n}_{t}") for n, x in zip("hcs", read, strict=False)
            ]
    return mg.Tape.of(np.sum(sum(old)).named("L"))


GATES = st.sampled_from(
    [mg.detach, lambda x: mg.scale_grad(x, 0.5), lambda x: mg.clip_grad(x, 1.0)]
)
TRANSFORMS = st.sampled_from(
    [
        lambda tape: tape,
        lambda tape: tf.truncate(tape, every=3),
        lambda tape: tf.truncate(tape, window=2),
        lambda tape: tf.truncate_randomly(tape, 0.5, 0),
    ]
)


@examples(25)
@given(
    st.dictionaries(st.tuples(st.integers(2, 10), st.integers(0, 2)), GATES, max_size=8),
    st.integers(1, 3),
    TRANSFORMS,
    st.sampled_from(["auto", 3, 5, None]),
)
def test_every_gate_is_a_mark_or_counted(gate_at, states, transform, collapse):
    tape = transform(recurrence(gate_at, states))
    assert gates_seen(draw(tape, "variables", collapse)) == gates_of(tape)


def test_what_a_fold_counts_is_in_the_legend():
    tape = tf.truncate_randomly(recurrence({(7, 0): lambda x: mg.clip_grad(x, 1.0)}, 2), 0.5, 0)
    assert {"gradient cut", "gradient scaled", "gradient clipped"} <= set(
        legend(draw(tape, "variables"))
    )


@pytest.mark.parametrize("first", [1, 4])
def test_a_target_that_is_the_next_input_stands_in_its_step(first):
    T = 5
    w = weight("w", 2)
    y = [constant(f"y_{t}", 2) for t in range(first - 1, first + T)]
    h, loss = constant(f"h_{first - 1}", 2), 0.0
    for k, t in enumerate(range(first, first + T)):
        with mg.timestep(t):
            h = np.tanh(w * h + y[k]).named(f"h_{t}")
            loss = loss + np.mean((h - y[k + 1]) ** 2)
    tape = mg.Tape.of(loss.named("L"))
    nodes, _ = read_back(draw(tape, "variables"))
    assert [nodes[f"y_{t}"]["step"] for t in range(first, first + T)] == [
        f"{t}" for t in range(first, first + T)
    ]
    rolled, _ = read_back(draw(tape, "rolled"))
    # what the first step reads is no target
    assert {"yt", f"y{first - 1}"} == {
        said for a in rolled.values() if (said := text_of(a["label"])).startswith("y")
    }


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("window", [1, 2])
def test_a_window_is_drawn_in_the_rows_of_the_whole_network(layers, window):
    whole = language_model("gru", layers)
    windowed = tf.truncate(whole, window=window)
    heights = []
    for tape in (whole, windowed):
        nodes, _ = read_back(draw(tape, "variables", collapse=None))
        boxes = [a for a in nodes.values() if a["class"].startswith("variable")]
        heights.append(len({a["pos"].partition(",")[2] for a in boxes}))
    assert heights[0] == heights[1]
