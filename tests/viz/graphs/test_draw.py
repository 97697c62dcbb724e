import re
from html import unescape

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad import viz
from minigrad.errors import ArgumentError
from minigrad.internal import gates
from minigrad.viz import draw, style
from minigrad.viz.graphs.selection import adjoint_nodes, shown_nodes
from minigrad.viz.output.render import svg
from minigrad.viz.plots.gradients import state_norms
from tests.viz.conftest import legend, picture, read_back, text_of
from tests.zoo import TAPES, book_rnn, constant, gru, lstm, weight


def chain(length):
    y = mg.tensor(1.0, requires_grad=True, name="x")
    for _ in range(length):
        y = y * 1.0001
    return mg.Tape.of(y)


def about(nodes):
    """Nodes by the tensor's name at the start of their tooltip."""
    found = {}
    for n, a in nodes.items():
        if a["class"] == "legend":
            continue
        found.setdefault(unescape(a["tooltip"]).split(": ")[0], []).append((n, a))
    return found


def folds(graph):
    """The captions of the folded runs, in order."""
    said = {a["tooltip"] for a in read_back(graph)[0].values() if "fold" in a["class"].split()}
    return sorted(said, key=lambda text: int(re.search(r"\d+", text)[0]))


def test_every_operation_is_one_node(tape):
    shown = about(read_back(draw(tape, collapse=None, rules="open"))[0])
    for n in shown_nodes(tape):
        assert len(shown[tape.names[n]]) == 1 or n.fn is None
    assert len(shown) == len(shown_nodes(tape))


def test_every_edge_is_drawn(tape):
    nodes, edges = read_back(draw(tape, collapse=None, rules="open"))
    shown = set(shown_nodes(tape))
    owner = {n: name for name, its in about(nodes).items() for n, _ in its}
    expected = sorted(
        (tape.names[x], tape.names[n]) for n in tape.nodes for x in n.inputs if x in shown
    )
    assert sorted((owner[tail], owner[head]) for tail, head, _ in edges) == expected


def test_every_picture_is_valid_svg(tape):
    assert picture(draw(tape)) is not None


def test_the_same_model_gives_the_same_bytes():
    for model in TAPES.values():
        first, second = (re.sub(r"[\w.]+:\d+", "", draw(model()).source) for _ in "ab")
        assert first == second
    assert svg(draw(book_rnn())) == svg(draw(book_rnn()))


def test_a_cluster_per_time_step_in_order():
    assert re.findall(r'label="(t = \d+)"', draw(gru(5), collapse=None).source) == [
        f"t = {t}" for t in range(1, 6)
    ]


def test_a_leaf_that_many_steps_read_is_drawn_in_each():
    nodes = about(read_back(draw(book_rnn(4)))[0])
    assert [n for n, _ in nodes["W_hh"]] == ["W_hh@1", "W_hh@2", "W_hh@3", "W_hh@4"]
    assert [n for n, _ in nodes["h_0"]] == ["h_0"]
    assert {a["fillcolor"] for _, a in nodes["W_hh"]} == {style.PARAMETER}


def test_scalar_constants_are_written_into_the_operation():
    x = weight("x", 3)
    nodes, _ = read_back(draw(mg.Tape.of(np.sum(2 * x**3).named("L"))))
    assert {text_of(a["label"]) for a in nodes.values()} == {
        "x\n(3,)",
        "power(·, 3)\n(3,)",
        "multiply(2, ·)\n(3,)",
        "L\nsum\n()",
    }


def test_tooltips_tell_shape_dtype_operation_and_line():
    (_, looks), *_ = about(read_back(draw(book_rnn()))[0])["h_2"]
    assert re.fullmatch(
        r"h_2: float64\[5\] add, state, 0.255 .. 0.255, mean 0.255 \[t=2, named.py:\d+\]",
        looks["tooltip"],
    )


@pytest.mark.parametrize("every", [1, 2, 3])
def test_what_is_cut_is_red_and_dashed_and_nothing_else_is(every):
    tape = tf.truncate(book_rnn(6), every=every)
    nodes, edges = read_back(draw(tape, collapse=None))
    red = [e for e in edges if e[2].get("color") == style.CUT]
    scissors = {n for n, a in nodes.items() if text_of(a["label"]) == "✂"}
    assert all(e[2]["style"] == "dashed" and scissors & {e[0], e[1]} for e in red)
    assert len(scissors) == 6 // every - 1
    assert len(red) == 2 * len(scissors)


@pytest.mark.parametrize(
    ("tape", "said", "colour"),
    [
        (tf.scale(book_rnn(2), lambda e: e.source.name == "h_1", 0.5), "× 0.5", style.GATE),
        (tf.scale(book_rnn(2), lambda e: e.source.name == "h_1", 0.0), "✂ × 0", style.CUT),
        (tf.truncate_randomly(book_rnn(2), 0.999, 0), "ξ2 = 1.001", style.GATE),
        (TAPES["clipped"](), "‖g‖ ≤ 1.5", style.GATE),
        (TAPES["watched"](), "look", style.GATE),
    ],
)
def test_gates_say_what_they_do(tape, said, colour):
    nodes, _ = read_back(draw(tape))
    assert (said, colour) in [(text_of(a["label"]), a["fontcolor"]) for a in nodes.values()]


def test_dashed_is_what_is_recomputed():
    plain = book_rnn(4)
    for tape in (tf.checkpoint(plain, 2), tf.differentiate(tf.checkpoint(plain, 2))):
        nodes = read_back(draw(tape, collapse=None, rules="open"))[0]
        dashed = {
            name
            for name, its in about(nodes).items()
            for _, a in its
            if "recomputed" in a["class"].split()
        }
        assert dashed == {
            tape.names[n] for n in shown_nodes(tape) if n.recomputed and n.fn is not gates.recompute
        }
        assert all(
            "dashed" in a["style"] for a in nodes.values() if "recomputed" in a["class"].split()
        )
        assert "recomputed" in legend(draw(tape, collapse=None))
    assert "recomputed" not in legend(draw(plain))


def test_a_checkpointed_tape_has_no_other_edges():
    plain = book_rnn(4)
    assert not viz.diff(plain, tf.checkpoint(plain, 2))
    assert state_norms(tf.checkpoint(plain, 2)) == state_norms(plain)


def test_grey_is_what_the_gradient_does_not_reach():
    a, b = weight("a", 2), weight("b", 2)
    behind = np.tanh(a).named("behind")
    tape = mg.Tape.of(np.sum(mg.detach(behind) * b + constant("c", 2)).named("L"))
    nodes = about(read_back(draw(tape))[0])
    grey = {name for name, its in nodes.items() if its[0][1].get("fillcolor") == style.UNREACHED}
    assert grey == {"a", "behind", "c"}


def test_grey_agrees_with_backward(tape):
    tape = mg.Tape.of(tape.outputs[0])  # backward starts from one output
    reached = {tape.names[s.tensor] for s in tape.steps(np.ones(tape.outputs[0].shape))}
    nodes = about(read_back(draw(tape, collapse=None))[0])
    unseen = {name for name, its in nodes.items() if its[0][1].get("fillcolor") == style.UNREACHED}
    assert not unseen & reached
    assert {n for n, its in nodes.items() if its[0][1]["shape"] != "plaintext"} - unseen <= reached


def test_adjoints_are_told_apart():
    tape = tf.differentiate(book_rnn())
    nodes = about(read_back(draw(tape, collapse=None, rules="open"))[0])
    orange = {name for name, its in nodes.items() if its[0][1].get("fillcolor") == style.ADJOINT}
    assert orange == {tape.names[n] for n in adjoint_nodes(tape)} & set(nodes)
    assert {"dL/dh_2", "dL/dW_hh"} <= orange
    assert not {"h_2", "L", "W_hh"} & orange


def test_long_sequences_fold():
    nodes, edges = read_back(draw(book_rnn(100)))
    (fold,) = (n for n, a in nodes.items() if "fold" in a["class"].split())
    assert text_of(nodes[fold]["label"]).splitlines() == ["⋯", "t = 2..99", "(98 steps alike)"]
    assert {"h_1", "h_100", "L"} <= set(nodes)
    assert not {"h_2", "h_99"} & set(nodes)
    assert {head for tail, head, _ in edges if tail == fold} > set()
    assert len(nodes) < len(read_back(draw(book_rnn(8), collapse=None))[0])
    # larger steps fold sooner
    assert folds(draw(gru(100), "variables")) == ["t = 3..98 (96 steps alike)"]
    assert folds(draw(gru(100), collapse=12)) == ["t = 4..97 (94 steps alike)"]


def test_folded_cuts_are_counted_and_folding_is_yours_to_choose():
    tape = tf.truncate(book_rnn(20), every=5)
    assert folds(draw(tape, collapse=8)) == ["t = 3..18 (16 steps alike), ✂ ×3"]
    assert folds(draw(tape, collapse=4)) == ["t = 2..19 (18 steps alike), ✂ ×3"]
    assert folds(draw(tape, collapse=None)) == []


def test_runs_of_steps_alike_fold_between_the_cuts():
    tape = tf.truncate(book_rnn(100), every=25)
    runs = ["t = 2..25 (24", "t = 27..50 (24", "t = 52..75 (24", "t = 77..99 (23"]
    assert folds(draw(tape, collapse=9)) == [f"{run} steps alike)" for run in runs]


def test_a_range_of_steps_can_be_named():
    graph = draw(gru(60), steps=range(20, 24))
    assert folds(graph) == ["t = 1..19 (19 steps)", "t = 24..60 (37 steps alike)"]
    assert {f"h_{t}" for t in range(1, 61)} & set(read_back(graph)[0]) == {
        "h_20",
        "h_21",
        "h_22",
        "h_23",
    }


def test_twenty_thousand_nodes_fold():
    tape = chain(20_000)
    graph = draw(tape)
    picture(graph)
    assert "19,977 nodes" in graph.source
    assert len(read_back(graph)[0]) == 25


def test_forty_unfolded_steps_with_shared_parameters_are_laid_out():
    """Drawn with one node per shared parameter, dot is not done with this in ten minutes."""
    picture(draw(book_rnn(40), collapse=None))


def test_doublings_do_not_double_the_picture():
    y = weight("x", 1)
    for _ in range(15):
        y = y + y
    nodes, edges = read_back(draw(mg.Tape.of(y)))
    assert (len(nodes), len(edges)) == (16, 30)


@pytest.mark.parametrize("wrong", [None, 3, weight("w", 2)])
def test_only_tapes_are_drawn(wrong):
    with pytest.raises(ArgumentError, match=r"expected a Tape, as Tape.of\(loss\)"):
        draw(wrong)


def test_collapse_is_positive():
    with pytest.raises(ArgumentError, match="collapse: 0; expected a whole number from 1, or None"):
        draw(lstm(), collapse=0)
