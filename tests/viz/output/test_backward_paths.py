"""What a node lights is what the backward pass sent to it, read from the pass itself."""

from collections import defaultdict

import numpy as np
import pytest

import minigrad as mg
from minigrad import transforms as tf
from minigrad import viz
from minigrad.core import gates
from minigrad.models.networks import NETWORKS
from minigrad.viz.output.backward_paths import backward_paths
from tests.viz.conftest import arrows_of, lit
from tests.zoo import book_rnn, lstm, weight


def _twice_read():
    """h_1 is read as it is, and behind a gate that is closed."""
    a, b = weight("a", 2), weight("b", 2)
    h = np.tanh(a).named("h_1")
    return mg.Tape.of(np.sum((mg.detach(h).named("held") * b + h).named("u")).named("L"))


def gated(transform, number):
    tape = book_rnn(4)
    return transform(tape, tape.recurrent_edges()[:2], number)


TAPES = {
    "book": lambda: book_rnn(4),
    "truncated": lambda: tf.truncate(book_rnn(6), every=2),
    "random": lambda: tf.truncate_randomly(lstm(5), 0.5, 3),
    "scaled": lambda: gated(tf.scale, 0.5),
    "scaled by 0": lambda: gated(tf.scale, 0.0),
    "clipped": lambda: gated(tf.clip_edges, 1.0),
    "read twice": _twice_read,
    **NETWORKS,
}


def sent(tape):
    """From each tensor to the readers that sent it something, as a pass over arrays has it.

    What comes to a gate that sends nothing on is not told: the arrow that it sits on is one.
    """
    readers = defaultdict(set)
    shut = set()
    for step in tape.steps():
        node = step.tensor
        told = [c is not None and bool(np.any(np.asarray(c))) for c in step.contributions]
        if node.fn in gates.GATES and not any(told):
            shut.add(node)
            continue
        for x, c in zip(node.inputs, step.contributions, strict=True):
            if c is not None:
                readers[x].add(node)
    for gate in shut:
        readers.pop(gate, None)
    return readers


def swept(tape):
    """The tensors that an adjoint came to."""
    return {step.tensor for step in tape.steps()} | {*sent(tape)}


def upstream(starts, readers):
    """The tensors from which a gradient came to these."""
    seen, stack = set(starts), list(starts)
    while stack:
        for reader in readers[stack.pop()] - seen:
            seen.add(reader)
            stack.append(reader)
    return seen


# of the others the naive twin takes a second at most
@pytest.mark.parametrize("name", [name for name in TAPES if name != "language_model"])
def test_every_operation_lights_what_sent_it_something(name):
    tape = TAPES[name]()
    graph = viz.draw(tape, collapse=None)
    readers = sent(tape)
    reached = swept(tape)
    ((_, members, _),) = graph.shown
    senders = {}
    for tail, head, _ in arrows_of(graph):
        senders[tail, head] = {x for x in members[tail] if readers[x] & {*members[head]}}
    for target, nodes, arrows in lit(graph):
        way = upstream({*members[target]} & reached, readers)
        assert nodes == {target} | {x for x in members if way & {*members[x]}}
        assert arrows == {ends for ends, tensors in senders.items() if tensors & way}


@pytest.mark.parametrize("name", TAPES)
def test_a_box_lights_the_boxes_and_circles_behind_it_and_not_its_own_circle(name):
    tape = TAPES[name]()
    graph = viz.unrolled(tape, collapse=None)
    readers = sent(tape)
    ((_, members, _),) = graph.shown
    reached = swept(tape)
    for target, nodes, _ in lit(graph):
        if target not in members:
            continue
        way = upstream({*members[target]} & reached, readers)
        behind = upstream(set().union(*(readers[x] for x in members[target])), readers)
        circles = {x for x in members if x.startswith("to_") and behind & {*members[x]}}
        boxes = {x for x in members if not x.startswith("to_") and way & {*members[x]}}
        assert nodes & members.keys() == {target} | circles | boxes


def test_of_two_arrows_between_the_same_circles_the_cut_one_stays_dark():
    tape = _twice_read()
    graph = viz.draw(tape, "rolled")
    arrows = arrows_of(graph)
    paths = backward_paths(graph.shown, arrows)
    cut = [bits for a, bits in zip(arrows, paths.arrows, strict=True) if a.closed]
    assert cut == [0]
    assert sum(bits > 0 for bits in paths.arrows) > 1


def test_a_cut_inside_a_fold_ends_the_way_through_it():
    full = viz.unrolled(book_rnn(40))
    cut = viz.unrolled(tf.truncate(book_rnn(40), every=13))
    for graph, reaches in ((full, True), (cut, False)):
        nodes = {name: lit_nodes for name, lit_nodes, _ in lit(graph)}
        assert ("h_40" in nodes["h_1"]) is reaches


def test_panels_light_alone():
    tape = book_rnn(3)
    graph = viz.compare([("full", tape), ("cut", tf.truncate(tape, every=1))])
    for target, nodes, _ in lit(graph):
        assert {name[:2] for name in nodes} == {target[:2]}


def test_an_adjoint_lights_what_it_is_computed_from():
    tape = tf.differentiate(book_rnn(3))
    graph = viz.draw(tape, collapse=None, rules="open")
    _, members, _ = graph.shown[0]
    forward = {*mg.Tape.of(tape.outputs[0]).nodes}
    for target, nodes, _ in lit(graph):
        if {*members[target]} & forward:
            continue
        way, stack = {*members[target]}, [*members[target]]
        while stack:
            for x in {*stack.pop().inputs} - forward - way:
                way.add(x)
                stack.append(x)
        assert nodes == {x for x in members if way & {*members[x]}}


@pytest.mark.parametrize("level", ["ops", "variables", "rolled"])
def test_values_and_adjoints_light_the_same_ways_on_both_sides(level):
    forward = book_rnn(3)
    plain = {name: nodes for name, nodes, _ in lit(viz.draw(forward, level))}
    graph = viz.draw(tf.differentiate(forward), level)
    ((_, members, mirrored),) = graph.shown
    assert mirrored
    names = {name: {*tensors} for name, tensors in members.items()}
    ends = {a[:2] for a in arrows_of(graph)}
    for target, nodes, arrows in lit(graph):
        if target in plain and target not in mirrored and (plain[target] - {target}):
            assert nodes - mirrored - {"after 1"} >= plain[target] & members.keys()
        if target in mirrored:
            above = {name for name in nodes & mirrored if names[name] & names[target]}
            assert target in above
        # an arrow shines where both its ends do
        for tail, head in arrows:
            assert (tail, head) in ends
            assert {tail, head} & members.keys() <= nodes
