"""One random program or loop by every way: eager, replayed, planned, planned in shards, under all transforms."""

import re
from contextlib import nullcontext

import numpy as np
from loops import combine, every, full, weighted, window
from references import MismatchError, agree

import minigrad as mg
from minigrad import transforms as tf
from tests.laws import in_shards, is_sharded, shared_by_shards

SHARDS = (2, 3)


def gradients(y, leaves, create_graph=False):
    """The gradients of y, zeros where a leaf is not on its tape."""
    on_tape = set(mg.Tape.of(y).nodes)
    asked = [x for x in leaves if x in on_tape]
    given = dict(zip(asked, mg.grad(y, asked, create_graph=create_graph), strict=True))
    return [given[x] if x in given else mg.tensor(np.zeros(x.shape)) for x in leaves]


def squares(tensors):
    return sum(np.sum(np.square(g)) for g in tensors)


def named(names, values):
    return {k: getattr(v, "data", v) for k, v in zip(names, values, strict=True)}


# --- programs -------------------------------------------------------------------------------------
def check_program(program, truth):
    """Raise MismatchError where two ways differ."""
    names = {}
    exec(program.text, names)

    def f(np, nn, arrays, still):
        return names["program"](np, nn, **arrays)

    leaves = {k: mg.tensor(a, requires_grad=True, name=k) for k, a in program.arrays.items()}
    loss = f(np, mg, leaves, None)
    first = gradients(loss, leaves.values(), create_graph=True)
    truth("eager", f, program.arrays, named(leaves, first))
    second = gradients(squares(first), leaves.values())
    truth("second order", f, program.arrays, named(leaves, second), second=True)
    tape = tf.differentiate(mg.Tape.of(loss), leaves.values())
    agree("differentiate beside eager", arrays_of(tape.outputs[1:]), arrays_of(first))
    others = {k: truth.rng.normal(size=a.shape) for k, a in program.arrays.items()}
    planned(mg.compile(tape), tape, others)
    truth("replay", f, others, named(leaves, tape.replay(others)[1:]))


def arrays_of(tensors):
    return [t.data for t in tensors]


def planned(plan, tape, feeds, way="plan"):
    """A plan gives what the tape holds, what replay gives on other values, and the first again."""
    agree(f"{way} beside eager", plan(), arrays_of(tape.outputs))
    agree(f"{way} beside replay", plan(feeds), tape.replay(feeds))
    agree(f"{way}, called again,", plan(), arrays_of(tape.outputs))


# --- loops ----------------------------------------------------------------------------------------
class Run:
    """A drawn loop, recorded once, whose tape all transforms are given."""

    def __init__(self, loop, truth):
        self.loop = loop
        self.truth = truth
        self.params = {k: mg.tensor(a, requires_grad=True, name=k) for k, a in loop.p.items()}
        X, Y = (mg.tensor(a, name=name) for a, name in zip(loop.data[0], "XY", strict=True))
        terms = loop.function(np, mg, mg.timestep, passed, lambda t: self.params, self.params, X, Y)
        self.tape = mg.Tape.of(np.positive(combine(np, loop.combined, terms)))
        on_tape = set(self.tape.nodes)
        self.params = {k: p for k, p in self.params.items() if p in on_tape}
        self.feeds = {k: a for k, a in zip("XY", loop.data[1], strict=True) if self.reads(k)}
        self.sharded = 0

    def reads(self, name):
        return any(leaf.name == name for leaf in self.tape.leaves)

    def value(self, factor, data, at=None):
        """The loss as a function of arrays, truncated by a factor: a run for each loss that has its own."""
        loop, function = self.loop, self.loop.function

        def f(np, nn, arrays, still):
            everything = {k: arrays.get(k, a) for k, a in loop.p.items()}

            def terms(end):
                def enter(t, s, name, state):
                    return still((end, t, s, name), factor(t, s, end), state)

                weights = at(arrays) if at else lambda t: everything
                plain = everything if at is None else loop.p
                return function(np, nn, lambda t: nullcontext(), enter, weights, plain, *data)

            losses = [terms(end)[k] for k, end in enumerate(loop.ends)]
            return combine(np, loop.combined, losses)

        return f

    def check(self, way, tape, factor, plans=True):
        """A transformed tape by every way, beside the loop truncated by hand."""
        whole = tf.differentiate(tape, self.params.values())
        found = named(self.params, whole.outputs[1:])
        arrays = {k: self.loop.p[k] for k in self.params}
        self.truth(way, self.value(factor, self.loop.data[0]), arrays, found)
        agree(
            f"{way}: mg.grad",
            arrays_of(gradients(tape.outputs[0], self.params.values())),
            found.values(),
        )
        if plans:
            replayed = named(self.params, whole.replay(self.feeds)[1:])
            self.truth(f"{way}, replayed", self.value(factor, self.fed()), arrays, replayed)
            self.plans(way, whole)
        return whole

    def fed(self):
        return self.loop.data[1]

    def plans(self, way, whole):
        """The plan, and those in shards where the batch can be split."""
        planned(mg.compile(whole), whole, self.feeds, f"{way}: plan")
        for count in SHARDS:
            plan = in_shards(whole, count)
            if is_sharded(plan):
                self.sharded += 1
                planned(plan, whole, self.feeds, f"{way}: plan in {count} shards")
                if shared_by_shards(plan):
                    raise MismatchError(
                        f"{way}: plan in {count} shards, memory that two shards touch"
                    )


def passed(t, s, name, state):
    return state


def check_loop(loop, truth):
    """Raise MismatchError where two ways differ; returns how many plans were in shards."""
    run = Run(loop, truth)
    rng, tape, last = truth.rng, run.tape, loop.T
    whole = run.check("full", tape, full)
    k, w = int(rng.integers(1, 4)), int(rng.integers(0, 4))
    regular = tf.truncate(tape, every=k)
    run.check(f"every={k}", regular, every(k))
    run.check(f"window={w}", tf.truncate(tape, window=w), window(w, last))
    both = tf.truncate(tape, every=k, window=w)
    run.check(f"every={k} window={w}", both, window(w, last, k))
    drawn = tf.truncate_randomly(tape, 0.6, rng)
    run.check("randomized", drawn, weighted(xi_of(drawn, last)))
    clipped(run, whole)
    checkpointed(run, regular, k)
    second_order(run, regular, every(k))
    untied(run)
    return run.sharded


def xi_of(tape, last):
    """The drawn xi, from their leaves."""
    xi = dict.fromkeys(range(1, last + 1), 1.0)
    for leaf in tape.leaves:
        if re.fullmatch(r"xi_\d+", leaf.name or ""):
            xi[int(leaf.name[3:])] = leaf.item()
    return xi


def clipped(run, whole):
    """Both ways to clip, by hand from the full gradient."""
    gradient = arrays_of(whole.outputs[1:])
    norm = np.sqrt(sum(np.sum(np.square(g)) for g in gradient))
    if norm:
        short = tf.clip(whole, norm / 2)
        agree("clip", arrays_of(short.outputs[1:]), [g / 2 for g in gradient])
        run.plans("clip", short)
    flat = tf.clip_value(whole, 0.05)
    agree("clip_value", arrays_of(flat.outputs[1:]), [np.clip(g, -0.05, 0.05) for g in gradient])
    run.plans("clip_value", flat)


def checkpointed(run, tape, k):
    """The same to the last bit."""
    expected = gradients(tape.outputs[0], run.params.values())
    found = gradients(tf.checkpoint(tape, every=k).outputs[0], run.params.values())
    for a, b in zip(found, expected, strict=True):
        if not np.array_equal(a.data, b.data):
            raise MismatchError(
                f"checkpoint(every={k}): {a.data.ravel()[:6]} and {b.data.ravel()[:6]}"
            )


def second_order(run, tape, factor):
    """The gradient of the squares of a truncated gradient, eager and planned."""
    first = tf.differentiate(tape, run.params.values()).outputs[1:]
    if not any(g.requires_grad for g in first):
        return
    twice = mg.Tape.of(squares(first))
    on_tape = set(twice.nodes)
    asked = {k: p for k, p in run.params.items() if p in on_tape}
    whole = tf.differentiate(twice, asked.values())
    found = named(asked, whole.outputs[1:])
    arrays = {k: run.loop.p[k] for k in run.params}
    found |= {k: np.zeros_like(a) for k, a in arrays.items() if k not in found}
    run.truth("second order", run.value(factor, run.loop.data[0]), arrays, found, second=True)
    run.plans("second order", whole)


def untied(run):
    """The share of each step, by a loop in which every step has weights of its own."""
    tape = tf.untie(run.tape, run.params.values())
    aliases = [n for n in tape.nodes if n.op == "alias"]
    if not aliases:
        return
    whole = tf.differentiate(tape, aliases)
    found = named((n.label for n in aliases), whole.outputs[1:])
    arrays = {name: run.loop.p[name.partition("@")[0]] for name in found}

    def at(arrays):
        return lambda t: {k: arrays.get(f"{k}@{t}", a) for k, a in run.loop.p.items()}

    run.truth("untie", run.value(full, run.loop.data[0], at), arrays, found)
    run.plans("untie", whole)
