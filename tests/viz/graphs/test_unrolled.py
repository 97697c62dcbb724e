import re
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tf
from minigrad.viz import draw, style, svg, unrolled
from minigrad.viz.graphs.fold import View
from minigrad.viz.graphs.landmarks import Landmarks
from minigrad.viz.graphs.variables.variable_fold import fold_items
from minigrad.viz.graphs.variables.variable_model import variable_graph
from tests.laws import examples
from tests.viz.conftest import picture, read_back, text_of, written_name
from tests.zoo import TAPES, book_rnn, data_outside, lstm, untied, weight

COLUMNS = {"x": 12, "F": 63, "h": 110, "G": 161, "o": 204, "loss": 247, "y": 290}
ROWS = {3: 12, 2: 48, 1: 84, 0: 120}  # from the top


def book_figure():
    """Fig. 9.7.2 as REFERENCE.md describes it: who stands where, and who points to whom."""
    at = {
        "Whx, Whh": ("F", 0),
        "Wqh": ("G", 0),
        "h0": ("h", 0),
        "loss": ("loss", 2),
        "L": ("loss", 3),
    }
    arrows = {("loss", "L")}
    for t in (1, 2, 3):
        at |= {f"{k}{t}": (k, t) for k in "xFhGoy"}
        arrows |= {
            (f"x{t}", f"F{t}"),
            (f"h{t - 1}", f"F{t}"),
            ("Whx, Whh", f"F{t}"),
            (f"F{t}", f"h{t}"),
        }
        arrows |= {
            (f"h{t}", f"G{t}"),
            ("Wqh", f"G{t}"),
            (f"G{t}", f"o{t}"),
            (f"o{t}", "loss"),
            (f"y{t}", "loss"),
        }
    return {k: (COLUMNS[c], ROWS[r]) for k, (c, r) in at.items()}, arrows


def centre(attributes):
    x, y = attributes["pos"].rstrip("!").split(",")
    return float(x), float(y)


def boxes(graph):
    """(left, bottom, right, top) of each node, in points."""
    for name, a in read_back(graph)[0].items():
        (x, y), w, h = centre(a), 36 * float(a["width"]), 36 * float(a["height"])
        yield name, (x - w, y - h, x + w, y + h)


def overlapping(graph):
    near = 1e-6
    return [
        (a, b)
        for (a, p), (b, q) in combinations(boxes(graph), 2)
        if min(p[2], q[2]) - max(p[0], q[0]) > near and min(p[3], q[3]) - max(p[1], q[1]) > near
    ]


def test_the_books_rnn_gives_the_books_figure():
    nodes, edges = read_back(unrolled(book_rnn()))
    places, arrows = book_figure()
    assert (len(nodes), len(edges)) == (23, 28) == (len(places), len(arrows))
    at = {n: (centre(a)[0], 120 - centre(a)[1]) for n, a in nodes.items()}
    assert sorted(at.values()) == sorted(places.values())
    who = {place: k for k, place in places.items()}
    for n, a in nodes.items():
        expected = who[at[n]]
        is_circle = expected[0] in "FG" or expected == "loss"
        assert (
            (a["shape"], text_of(a["label"])) == ("circle", "") if is_circle else ("box", expected)
        )
        fill = style.CIRCLE if is_circle else style.PARAMETER if expected[0] == "W" else "white"
        assert a["fillcolor"] == fill
    assert {(who[at[tail]], who[at[head]]) for tail, head, _ in edges} == arrows


def test_laid_out_it_has_the_books_size():
    root = picture(unrolled(book_rnn()))
    assert float(root.get("width").removesuffix("pt")) == pytest.approx(302, abs=12)
    below = 14 + 14  # the legend
    assert float(root.get("height").removesuffix("pt")) == pytest.approx(132 + below, abs=12)


def test_nothing_overlaps(tape):
    assert overlapping(unrolled(tape)) == []


@pytest.mark.parametrize("name", sorted(set(TAPES) - {"forty", "gru forty", "random"}))
def test_every_named_tensor_stands_there_once(name):
    tape = TAPES[name]()
    nodes, _ = read_back(unrolled(tape, rules="open"))
    shown = Counter(
        k
        for a in nodes.values()
        if a["shape"] == "box"
        for k in re.sub(r"\n\d copies$", "", text_of(a["label"])).split(", ")
    )
    told = {x for n in tape.nodes if n.op == "scale_grad" for x in n.inputs[1:]}
    named = [
        n for n in tape.nodes if (n.name or (n.fn is None and n.requires_grad)) and n not in told
    ]
    # all copies that a window has of a node are one box
    firsts = {(n.serial, n.fn, n.name): n for n in reversed(named)}
    assert shown == Counter(written_name(tape.names[n]) for n in firsts.values())


def test_graphviz_has_nothing_to_complain_about(tape, capfd):
    assert picture(unrolled(tape)) is not None
    complaints = [line for line in capfd.readouterr().err.splitlines() if "Fontconfig" not in line]
    assert complaints == []


def test_the_arrows_are_the_paths_of_the_tape(tape):
    items, arrows = variable_graph(tape)
    known = {i.key for i in items}
    assert {a.tail for a in arrows} | {a.head for a in arrows} <= known
    order = {i.key: k for k, i in enumerate(items)}
    assert all(order[a.tail] < order[a.head] for a in arrows)  # no cycles
    assert len(set(arrows)) == len(arrows)


def test_the_same_model_gives_the_same_bytes(tape):
    assert unrolled(tape).source == unrolled(tape).source
    assert unrolled(book_rnn()).source == unrolled(book_rnn()).source


@pytest.mark.parametrize("steps", range(2, 13))
def test_steps_go_up_and_stages_keep_their_column(steps):
    nodes, _ = read_back(unrolled(book_rnn(steps)))
    at = {text_of(a["label"]): centre(a) for a in nodes.values() if a["shape"] == "box"}
    for letter, column in (("x", 12), ("h", 110), ("o", 204), ("y", 290)):
        places = [at[f"{letter}{t}"] for t in range(1, steps + 1)]
        assert places == [(column, 36 * t) for t in range(1, steps + 1)]
    assert at["h0"] == (110, 0)
    assert at["L"][0] == 247


def test_long_sequences_fold():
    nodes, _ = read_back(unrolled(book_rnn(100)))
    said = [text_of(a["label"]) for a in nodes.values()]
    assert "t = 4..97\n(94 steps alike)" in said
    assert {"h3", "h98", "h100", "L"} <= set(said)
    assert not {"h4", "h50", "h97"} & set(said)
    assert len(nodes) < 70


def test_folded_cuts_are_counted():
    said = [
        text_of(a["label"])
        for a in read_back(unrolled(tf.truncate(book_rnn(40), every=5)))[0].values()
    ]
    assert {"t = 4..37\n(34 steps alike)", "✂ ×7"} <= set(said)


def test_a_cut_is_red_and_dashed_and_nothing_else_is():
    for tape, cuts in (
        (book_rnn(6), 0),
        (tf.truncate(book_rnn(6), every=2), 2),
        (tf.truncate(lstm(3), every=1), 4),
    ):
        nodes, edges = read_back(unrolled(tape))
        red = [e for e in edges if e[2].get("color") == style.CUT]
        assert all(e[2]["style"] == "dashed" for e in red)
        assert len([n for n, a in nodes.items() if text_of(a["label"]) == "✂"]) == cuts
        assert (len(red) > 0) == (cuts > 0)


@pytest.mark.parametrize(
    ("tape", "said"),
    [
        (tf.scale(book_rnn(2), lambda e: e.source.name == "h_1", 0.5), "× 0.5"),
        (tf.scale(book_rnn(2), lambda e: e.source.name == "h_1", 0.0), "✂ × 0"),
        (tf.truncate_randomly(book_rnn(2), 0.999, 0), "ξ2 = 1.001"),
        (TAPES["clipped"](), "‖g‖ ≤ 1.5"),
        (TAPES["watched"](), "look"),
    ],
)
def test_gates_say_what_they_do(tape, said):
    assert said in [text_of(a["label"]) for a in read_back(unrolled(tape))[0].values()]


def test_untied_parameters_have_a_box_per_step():
    said = [text_of(a["label"]) for a in read_back(unrolled(untied()))[0].values()]
    assert {f"{w}@{t}" for w in ("Whx", "Whh", "Wqh") for t in (1, 2, 3)} <= set(said)


def test_data_made_before_the_loop_stands_in_its_step():
    nodes, _ = read_back(unrolled(data_outside()))
    at = {text_of(a["label"]): centre(a) for a in nodes.values() if a["shape"] == "box"}
    assert [at[f"x{t}"] for t in (1, 2, 3)] == [(12, 36), (12, 72), (12, 108)]
    assert at["h0"] == (at["h1"][0], 0)  # though it is a parameter


def test_a_node_read_twice_is_there_once():
    y = weight("x", 1)
    for k in range(30):
        y = (y + y).named(f"y_{k}")
    nodes, edges = read_back(unrolled(mg.Tape.of(y)))
    assert (len(nodes), len(edges)) == (61, 60)


def test_five_thousand_parameters_share_a_box_of_bounded_size():
    xs = [weight(f"x_{k}") for k in range(5_000)]
    nodes, edges = read_back(unrolled(mg.Tape.of(np.sum(np.stack(xs)))))
    assert (len(nodes), len(edges)) == (2, 1)
    assert "4,989 more" in "".join(text_of(a["label"]) for a in nodes.values())


@examples(150)
@given(st.data())
def test_any_program_can_be_drawn(data):
    """Random graphs, stamps, names and gates."""
    pool = [weight("w", 1), mg.tensor([1.0]), mg.tensor([0.5], name="c")]
    for k in range(data.draw(st.integers(1, 14))):
        a, b = (data.draw(st.sampled_from(pool[-6:])) for _ in "ab")
        gate = data.draw(st.sampled_from([None, None, mg.detach, lambda x: mg.scale_grad(x, 0.5)]))
        t = data.draw(st.none() | st.integers(-1, 3))
        if t is None:
            new = (gate(a) if gate else a) + b
        else:
            with mg.timestep(t):
                new = (gate(a) if gate else a) * b
        pool.append(new.named(f"v_{k}") if data.draw(st.booleans()) else new)
    outputs = data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=2))
    tape = mg.Tape.of(*outputs)
    assert draw(tape, collapse=2).source
    assert overlapping(unrolled(tape)) == []
    graph = variable_graph(tape)
    items, arrows = fold_items(graph, View(), kept=()).apply(graph, Landmarks())
    assert {a.tail for a in arrows} | {a.head for a in arrows} <= {i.key for i in items}


def test_what_enters_from_outside_stands_clear_of_gates_that_point_at_it():
    """One gate leads back in time, to its left; that of w, left of the steps, to its right."""
    w = weight("w", 1)
    with mg.timestep(1):
        late = mg.detach(w) * w
    with mg.timestep(0):
        early = mg.detach(late) * mg.tensor([1.0])
    with mg.timestep(1):
        last = (w + w) * early
    assert overlapping(unrolled(mg.Tape.of(last))) == []


def test_what_a_checkpointed_tape_recomputes_has_a_dashed_outline():
    W, h = (
        mg.tensor(np.eye(2), requires_grad=True, name="W"),
        mg.tensor(np.ones((1, 2)), name="h_0"),
    )
    for t in range(1, 5):
        with mg.timestep(t):
            h = np.tanh(h @ W).named(f"h_{t}")
    plain = mg.Tape.of(np.sum(h).named("L"))
    drawn = svg(unrolled(tf.checkpoint(plain, every=2)))
    dashed = [g for g in re.findall('<g class="node.*', drawn) if "stroke-dasharray" in g]
    assert len(dashed) == 4  # h_1 and h_3, each with its circle
    assert "recomputed" in drawn
    assert "recomputed" not in svg(unrolled(plain))


@pytest.mark.parametrize("name", ["differentiated", "recomputed"])
@pytest.mark.parametrize("grads", [None, True])
def test_adjoints_are_adjoints_and_nothing_else_is(name, grads):
    tape = TAPES[name]()
    nodes, edges = read_back(draw(tape, "variables", grads=grads, rules="open"))
    forward = {written_name(n.label) for n in mg.Tape.of(tape.outputs[0]).nodes if n.name}
    boxes = {text_of(a["label"]).split("\n")[0]: a for a in nodes.values() if a["shape"] == "box"}
    assert {label for label, a in boxes.items() if label.startswith("dL/d")} >= {"dL/dWhh"}
    for label, a in boxes.items():
        assert ("adjoint" in a["class"].split()) == (label not in forward)
        assert ("adjoint" in a["class"]) == (a["fillcolor"] == style.ADJOINT)
        assert "unreached" not in a["class"]
    assert {a["class"] for _, head, a in edges if head.startswith("dL")} == {"backward"}


@pytest.mark.parametrize("times", [1, 2])
def test_each_alias_of_an_untied_parameter_is_a_box(times):
    """Also where one operation reads two of them, and where an alias has an alias."""
    w, u = (mg.tensor(0.5, requires_grad=True, name=name) for name in "wu")
    h = mg.tensor(1.0, name="h_0")
    for t in (1, 2):
        with mg.timestep(t):
            h = (h * (w * u)).named(f"h_{t}")
    tape = mg.Tape.of(h)
    for _ in range(times):
        tape = mg.transforms.untie(tape, [w, u])
    aliases = [n for n in tape.nodes if n.op == "alias"]
    items, arrows = variable_graph(tape)
    shown = [i.key for i in items if any("@" in name for name in i.names)]
    assert len(shown) == len(aliases) == 4 * times
    assert {a.tail for a in arrows}.issuperset(shown)
