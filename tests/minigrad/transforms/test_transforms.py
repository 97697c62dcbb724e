"""Laws of the transforms Tape -> Tape, over small recurrent networks of every kind."""

import itertools
import re
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tf
from minigrad.core import gates
from minigrad.errors import ArgumentError, GradientError


def tanh(x, w, h):
    return (np.tanh(x @ w[0] + h[0] @ w[1]),)


def linear(x, w, h):
    return (x @ w[0] + h[0] @ w[1],)


def lstm(x, w, h):
    """Two states, and each read more than once in a step."""
    z = x @ w[0] + h[0] @ w[1]
    c = mg.sigmoid(z) * h[1] + np.tanh(z) * (1 - mg.sigmoid(z))
    return mg.sigmoid(z + h[1]) * np.tanh(c), c


@dataclass(frozen=True)
class Net:
    """A recurrent network, its weights and its data; ``loss`` runs it."""

    cell: object = tanh
    T: int = 4
    layers: int = 1
    every_step: bool = True  # a loss at every step, or only at the last
    inside: bool = True  # the losses computed and summed inside the steps, or after the loop
    seed: int = 0

    def params(self):
        rng = np.random.default_rng(self.seed)
        weights = [
            (f"W_{n}{i}", rng.normal(0, 0.7, (2, 2))) for i in range(self.layers) for n in "xh"
        ]
        return [mg.tensor(w, requires_grad=True, name=name) for name, w in weights]

    def loss(self, params, enter=lambda t, h: h, terms=None):
        """The sum of the losses at the steps in terms; enter sees each state as step t takes it over."""
        rng = np.random.default_rng(self.seed + 1)
        x, y = rng.normal(size=(2, self.T, 3, 2))
        terms = terms or (range(1, self.T + 1) if self.every_step else [self.T])
        states = [
            [mg.tensor(rng.normal(size=(3, 2))) for _ in range(1 + (self.cell is lstm))]
        ] * self.layers
        total, late = 0.0, []
        for t in range(1, self.T + 1):
            with mg.timestep(t):
                below = mg.tensor(x[t - 1])
                for i in range(self.layers):
                    before = [enter(t, h) for h in states[i]] if t > 1 else states[i]
                    after = self.cell(below, params[2 * i : 2 * i + 2], before)
                    states = [*states[:i], after, *states[i + 1 :]]
                    below = after[0]
                if t in terms and self.inside:
                    total = total + mg.mse(below, y[t - 1])
                elif t in terms:
                    late.append((t, below))
        for t, h in late:
            total = total + mg.mse(h, y[t - 1])
        return total

    def tape(self):
        params = self.params()
        return mg.Tape.of(self.loss(params)), params

    def grads(self, enter=lambda t, h: h, terms=None):
        """The gradients of a network whose gates the user placed by hand."""
        params = self.params()
        return values(mg.grad(self.loss(params, enter, terms), params))

    @property
    def terms(self):
        return range(1, self.T + 1) if self.every_step else [self.T]


nets = st.builds(
    Net,
    st.sampled_from([tanh, linear, lstm]),
    st.integers(1, 7),
    st.integers(1, 2),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
steps = st.integers(1, 8)


def values(tensors):
    return [t.data for t in tensors]


def grads(tape, params):
    """The gradients of a tape, taken from its steps."""
    found = {s.tensor: s.grad for s in tape.steps()}
    return [found.get(p, np.zeros(p.shape)) for p in params]


def same(got, expected):
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_array_equal(g, e)


def close(got, expected, rtol=1e-11, atol=1e-12):
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=rtol, atol=atol)


def total(lists):
    return [sum(gs) for gs in zip(*lists, strict=True)]


# --- what every transform keeps --------------------------------------------------------------------------------------
def recurrent(tape):
    return tape.recurrent_edges()


TRANSFORMS = {
    "cut": lambda t: tf.cut(t, recurrent(t)),
    "scale": lambda t: tf.scale(t, recurrent(t), 0.5),
    "clip_edges": lambda t: tf.clip_edges(t, recurrent(t), 0.1),
    "every": lambda t: tf.truncate(t, every=2),
    "window": lambda t: tf.truncate(t, window=1),
    "every and window": lambda t: tf.truncate(t, every=2, window=2),
    "randomly": lambda t: tf.truncate_randomly(t, 0.5, 0),
    "random segments": lambda t: tf.truncate_randomly(t, 0.5, 0, reweight=False),
    "untie": lambda t: tf.untie(t, t.parameters),
    "differentiate": tf.differentiate,
    "clip": lambda t: tf.clip(tf.differentiate(t), 0.1),
    "clip_value": lambda t: tf.clip_value(tf.differentiate(t), 0.01),
    "simplify": tf.simplify,
    "simplify untied": lambda t: tf.simplify(tf.untie(t, t.parameters)),
    "all": lambda t: tf.clip(
        tf.differentiate(tf.untie(tf.truncate(t, every=2), t.parameters)), 1.0
    ),
}
every_transform = pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=list(TRANSFORMS))


@every_transform
@given(net=nets)
def test_values_leaves_and_the_input_stay(transform, net):
    tape, params = net.tape()
    before, nodes, inputs = str(tape), tape.nodes, [n.inputs for n in tape.nodes]
    new = transform(tape)
    assert new.outputs[0].data is tape.outputs[0].data
    assert new.outputs[0].name == tape.outputs[0].name
    assert set(params) <= set(new.leaves)
    assert new.parameters == tape.parameters
    assert str(tape) == before
    assert tape.nodes == nodes
    assert all(
        a is b
        for n, was in zip(tape.nodes, inputs, strict=True)
        for a, b in zip(n.inputs, was, strict=True)
    )
    known = {id(n.data) for n in tape.nodes}
    assert all(
        id(n.data) in known for n in new.nodes if n.fn and n.serial <= tape.outputs[0].serial
    )


NOTHING_TO_DO = {
    "cut": lambda t: tf.cut(t, []),
    "cut nowhere": lambda t: tf.cut(t, lambda e: False),
    "scale": lambda t: tf.scale(t, [], 2.0),
    "clip_edges": lambda t: tf.clip_edges(t, [], 1.0),
    "every": lambda t: tf.truncate(t, every=7),
    "window": lambda t: tf.truncate(t, window=6),
    "every and window": lambda t: tf.truncate(t, every=7, window=6),
    "randomly": lambda t: tf.truncate_randomly(t, 1.0, 0),
    "random segments": lambda t: tf.truncate_randomly(t, 1.0, 0, reweight=False),
    "untie": lambda t: tf.untie(t, []),
}


@pytest.mark.parametrize("transform", NOTHING_TO_DO.values(), ids=list(NOTHING_TO_DO))
@given(net=nets)
def test_with_nothing_to_do_it_is_the_same_tape(transform, net):
    tape, _ = net.tape()
    assert transform(tape) is tape


def test_without_steps_there_is_nothing_to_truncate_which_is_a_mistake():
    x = mg.tensor(2.0, requires_grad=True)
    tape = mg.Tape.of(x * x)
    for truncation in (partial(tf.truncate, every=1), partial(tf.truncate, window=0)):
        with pytest.raises(
            ArgumentError, match=r"truncate: the tape has no time steps\. Run each step"
        ):
            truncation(tape)
    with pytest.raises(ArgumentError, match="truncate_randomly: the tape has no time steps"):
        tf.truncate_randomly(tape, 0.5, 0)
    assert tf.untie(tape, x) is tape


# --- gates on edges --------------------------------------------------------------------------------------------------
HAND_PLACED = [
    ("cut", lambda t: tf.cut(t, recurrent(t)), mg.detach),
    ("scale", lambda t: tf.scale(t, recurrent(t), 0.7), lambda h: mg.scale_grad(h, 0.7)),
    (
        "scale each",
        lambda t: tf.scale(t, recurrent(t), lambda e: 0.7),
        lambda h: mg.scale_grad(h, 0.7),
    ),
    ("clip_edges", lambda t: tf.clip_edges(t, recurrent(t), 0.05), lambda h: mg.clip_grad(h, 0.05)),
]


@pytest.mark.parametrize(
    ("transform", "gate"), [h[1:] for h in HAND_PLACED], ids=[h[0] for h in HAND_PLACED]
)
@given(net=nets)
def test_a_gate_on_every_recurrent_edge_is_a_gate_placed_by_hand(transform, gate, net):
    tape, params = net.tape()
    same(grads(transform(tape), params), net.grads(lambda t, h: gate(h)))


@given(nets, st.data())
def test_edges_may_be_chosen_by_a_predicate_or_listed(net, data):
    tape, params = net.tape()
    step = data.draw(st.integers(1, net.T))
    chosen = [e for e in tape.edges() if e.target.time == step and e.source.time == step - 1]
    listed, asked = (
        tf.cut(tape, chosen),
        tf.cut(tape, lambda e: e.target.time == step and e.source.time == step - 1),
    )
    same(grads(listed, params), grads(asked, params))
    assert str(listed) == str(asked)


# --- truncation ------------------------------------------------------------------------------------------------------
@given(nets, steps)
def test_every_k_is_a_detach_placed_by_hand(net, k):
    tape, params = net.tape()
    by_hand = net.grads(lambda t, h: mg.detach(h) if (t - 1) % k == 0 else h)
    same(grads(tf.truncate(tape, every=k), params), by_hand)


@given(nets, steps)
def test_truncating_twice_is_truncating_once(net, k):
    tape, _ = net.tape()
    for once in (partial(tf.truncate, every=k), partial(tf.truncate, window=k - 1)):
        first = once(tape)
        assert once(first) is first


@given(nets, st.integers(0, 7))
def test_a_window_is_the_sum_over_the_terms_of_a_hand_written_forward(net, w):
    tape, params = net.tape()
    terms = [
        net.grads(lambda s, h, t=t: mg.detach(h) if s == t - w else h, terms=[t]) for t in net.terms
    ]
    close(grads(tf.truncate(tape, window=w), params), total(terms))


@given(nets, steps, st.integers(0, 7))
def test_every_and_window_are_truncated_bptt_of_two_lengths(net, k1, w):
    """TBPTT(k1, k2 = w + 1) by hand: the losses of each block of k1 steps reach back w edges from the block's end."""
    tape, params = net.tape()
    blocks = []
    for start in range(1, net.T + 1, k1):
        end = min(start + k1 - 1, net.T)
        terms = [t for t in net.terms if start <= t <= end]
        if terms:
            blocks.append(
                net.grads(lambda t, h, low=end - w: mg.detach(h) if t <= low else h, terms)
            )
    close(grads(tf.truncate(tape, every=k1, window=w), params), total(blocks))


def test_the_sliding_window_of_the_forum():
    """x_t = w x_{t-1}: each term's gradient from one forward pass; interior gradients that leak would give 0.288."""
    w, x, terms = mg.tensor(0.2, requires_grad=True), mg.tensor(0.9), []
    for t in (1, 2, 3):
        with mg.timestep(t):
            x = x * w
        terms.append(x)
    close([mg.grad(x, [w])[0].data for x in terms], [0.9, 0.36, 0.108])
    close(grads(tf.truncate(mg.Tape.of(sum(terms)), window=2), [w]), [0.9 + 0.36 + 0.108])
    close(
        grads(tf.truncate(mg.Tape.of(sum(terms)), window=1), [w]), [0.9 + 0.36 + 0.036 + 0.2 * 0.18]
    )
    close(grads(tf.truncate(mg.Tape.of(sum(terms)), window=0), [w]), [0.9 + 0.18 + 0.036])


@pytest.mark.parametrize("size", [(), 1, 2])
def test_a_residual_state_is_cut_on_both_its_ways(size):
    def loss(w, enter):
        h = mg.tensor(np.ones(size))
        for t in (1, 2, 3):
            with mg.timestep(t):
                h = enter(h) if t > 1 else h
                h = h + np.tanh(h * w)
        return np.sum(h)

    w = mg.tensor(0.5, requires_grad=True)
    expected = mg.grad(loss(w, mg.detach), [w])
    same(grads(tf.truncate(mg.Tape.of(loss(w, lambda h: h)), every=1), [w]), values(expected))


def test_steps_may_start_anywhere_and_be_any_integers():
    w = mg.tensor(0.5, requires_grad=True)

    def tape(stamps):
        h = mg.tensor(1.0)
        for t in stamps:
            with mg.timestep(t):
                h = np.tanh(h * w)
        return mg.Tape.of(h)

    for transform in (partial(tf.truncate, every=2), partial(tf.truncate, window=1)):
        expected = grads(transform(tape([1, 2, 3, 4, 5])), [w])
        same(grads(transform(tape([0, 1, 2, 3, 4])), [w]), expected)
        same(grads(transform(tape([-7, -6, -5, -4, -3])), [w]), expected)


def test_time_may_run_backwards():
    """The second direction of a bidirectional network: step t reads step t + 1."""

    def loss(w, enter=lambda t, h: h, terms=range(1, 6)):
        h, out = mg.tensor(0.3), 0.0
        for t in range(5, 0, -1):
            with mg.timestep(t):
                h = np.tanh(enter(t, h) * w + 0.1 * t)
                out = out + (t in terms) * np.square(h)
        return out

    w = mg.tensor(0.9, requires_grad=True)
    tape = mg.Tape.of(loss(w))
    by_hand = mg.grad(loss(w, lambda t, h: mg.detach(h) if t % 2 == 0 else h), [w])
    same(grads(tf.truncate(tape, every=2), [w]), values(by_hand))
    terms = [
        values(mg.grad(loss(w, lambda s, h, t=t: mg.detach(h) if s == t + 1 else h, [t]), [w]))
        for t in range(1, 6)
    ]
    close(grads(tf.truncate(tape, window=1), [w]), total(terms))


# --- randomized truncation -------------------------------------------------------------------------------------------
six = Net(T=6, every_step=False)
KEEP = {2: 0.3, 3: 0.5, 4: 0.9, 5: 0.6, 6: 0.25}


def scaled(tape, xi):
    return tf.scale(tape, recurrent(tape), lambda e: xi[e.target.time])


def patterns(reweight=True):
    """Every way to cut, as (probability, {t: xi_t})."""
    for kept in itertools.product([False, True], repeat=len(KEEP)):
        chance = np.prod([p if k else 1 - p for p, k in zip(KEEP.values(), kept, strict=True)])
        yield (
            chance,
            {
                t: k / p if reweight else float(k)
                for (t, p), k in zip(KEEP.items(), kept, strict=True)
            },
        )


def forward_sensitivity(net, xi):
    """Equation 9.7.8 on plain arrays: z_t = df/dw + xi_t df/dh z_{t-1}, for a tanh network with a loss at the end."""
    rng = np.random.default_rng(net.seed + 1)
    x, y = rng.normal(size=(2, net.T, 3, 2))
    h = rng.normal(size=(3, 2))
    wx, wh = values(net.params())
    z = np.zeros((3, 2, 2, 2, 2))  # batch, unit, which matrix, row, column
    for t in range(1, net.T + 1):
        immediate = np.zeros_like(z)
        for j in range(2):
            immediate[:, j, 0, :, j], immediate[:, j, 1, :, j] = x[t - 1], h
        h = np.tanh(x[t - 1] @ wx + h @ wh)
        carried = np.einsum("kj,bkmrc->bjmrc", wh, z)
        z = (1 - h**2)[:, :, None, None, None] * (immediate + xi.get(t, 1.0) * carried)
    return list(np.einsum("bj,bjmrc->mrc", 2 * (h - y[-1]) / h.size, z))


def test_each_pattern_is_equation_9_7_8():
    tape, params = six.tape()
    for _, xi in patterns():
        close(grads(scaled(tape, xi), params), forward_sensitivity(six, xi))


def test_randomized_truncation_is_unbiased():
    tape, params = six.tape()
    mean = total([[p * g for g in grads(scaled(tape, xi), params)] for p, xi in patterns()])
    close(mean, grads(tape, params), rtol=0, atol=1e-12)
    close(mean, forward_sensitivity(six, {}), rtol=0, atol=1e-12)


def test_without_reweighting_it_is_biased():
    tape, params = six.tape()
    mean = total(
        [[p * g for g in grads(scaled(tape, xi), params)] for p, xi in patterns(reweight=False)]
    )
    assert all(np.max(np.abs(m - g)) > 1e-2 for m, g in zip(mean, grads(tape, params), strict=True))


def drawn(tape):
    """{t: the tensor xi_t} as read from the gates."""
    return {n.time: n.inputs[1] for n in tape.nodes if n.fn is gates.scale_grad}


@given(nets, st.integers(0, 9999), st.floats(0.05, 0.95))
def test_the_gradient_is_that_of_the_xi_that_were_drawn(net, seed, keep):
    tape, params = net.tape()
    new = tf.truncate_randomly(tape, keep, seed)
    xi = {t: x.item() for t, x in drawn(new).items()}
    assert set(xi) == set(range(2, net.T + 1))
    assert set(xi.values()) <= {0.0, 1 / keep}
    assert all(x.name == f"xi_{t}" for t, x in drawn(new).items())
    same(grads(new, params), grads(scaled(tape, xi), params))
    same(grads(new, params), net.grads(lambda t, h: mg.scale_grad(h, xi[t])))
    same(
        grads(tf.truncate_randomly(tape, keep, np.random.default_rng(seed)), params),
        grads(new, params),
    )


@given(nets, st.integers(0, 9999))
def test_random_segments_cut_where_the_reweighted_do(net, seed):
    tape, params = net.tape()
    xi = {t: x.item() for t, x in drawn(tf.truncate_randomly(tape, 0.5, seed)).items()}
    new = tf.truncate_randomly(tape, 0.5, seed, reweight=False)
    same(grads(new, params), net.grads(lambda t, h: h if xi[t] else mg.detach(h)))


@pytest.mark.parametrize("keep", [0.2, 0.7])
def test_boundaries_are_kept_as_often_as_asked(keep):
    tape, _ = replace(six, T=7).tape()
    new = [tf.truncate_randomly(tape, keep, seed) for seed in range(100)]
    kept = np.mean([x.item() > 0 for t in new for x in drawn(t).values()])
    assert abs(kept - keep) < 5 * np.sqrt(keep * (1 - keep) / 600)  # five standard deviations


def test_every_state_of_a_boundary_shares_its_xi():
    tape, _ = Net(lstm, layers=2).tape()
    by_step = {}
    for n in tf.truncate_randomly(tape, 0.5, 0).nodes:
        if n.fn is gates.scale_grad:
            by_step.setdefault(n.time, []).append(n.inputs[1])
    assert {t: len(xis) for t, xis in by_step.items()} == dict.fromkeys([2, 3, 4], 4)
    assert all(len(set(xis)) == 1 for xis in by_step.values())


def test_keep_may_name_steps():
    tape, params = six.tape()
    new = tf.truncate_randomly(tape, {4: 1e-9}, 0)
    assert set(drawn(new)) == {4}
    same(grads(new, params), six.grads(lambda t, h: mg.detach(h) if t == 4 else h))
    new = tf.truncate_randomly(tape, KEEP, 5)
    assert all(x.item() in (0, 1 / KEEP[t]) for t, x in drawn(new).items())


@pytest.mark.parametrize("keep", [0, -0.5, 1.5, np.nan, {3: 0.0}, {1: 0.5}, {7: 0.5}])
def test_a_bad_keep_is_refused(keep):
    with pytest.raises(ArgumentError, match=r"truncate_randomly: keep at t=\d.*a step in 2\.\.6"):
        tf.truncate_randomly(six.tape()[0], keep, 0)


def test_steps_may_be_stamped_far_apart():
    h, w = mg.tensor(1.0), mg.tensor(0.5, requires_grad=True)
    for t in (-(10**9), 0, 10**12):
        with mg.timestep(t):
            h = np.tanh(h * w)
    new = tf.truncate_randomly(mg.Tape.of(h), 0.5, 1)
    assert set(drawn(new)) <= {0, 10**12}


# --- untie and simplify ----------------------------------------------------------------------------------------------
@given(nets)
def test_untied_parameters_have_an_adjoint_per_step_that_sum_to_the_tied_one(net):
    tape, params = net.tape()
    new = tf.untie(tape, params)
    adjoints = {new.names[s.tensor]: s.grad for s in new.steps()}
    for p, g in zip(params, grads(tape, params), strict=True):
        uses = [f"{p.name}@{t}" for t in range(1, net.T + 1)]
        assert all(
            new[name].fn is gates.alias and new[name].time == t for t, name in enumerate(uses, 1)
        )
        np.testing.assert_allclose(
            sum(adjoints.get(name, 0) for name in uses), g, rtol=1e-12, atol=1e-14
        )
        np.testing.assert_allclose(adjoints.get(p.name, 0 * g), g, rtol=1e-12, atol=1e-14)


@given(nets)
def test_untie_one_leaves_the_others(net):
    tape, params = net.tape()
    names = set(tf.untie(tape, params[0]).names.values())
    assert f"{params[0].name}@1" in names
    assert f"{params[1].name}@1" not in names


@given(nets)
def test_simplify_undoes_untie(net):
    tape, params = net.tape()
    untied = tf.simplify(tf.untie(tape, params))
    assert str(untied) == str(tf.simplify(tape))
    close(grads(untied, params), grads(tape, params), rtol=1e-12)


@given(nets, st.sampled_from(["every", "randomly", "untie", "differentiate"]))
def test_simplify_keeps_values_and_gradients_and_is_idempotent(net, after):
    tape, params = net.tape()
    tape = TRANSFORMS[after](tape)
    once = tf.simplify(tape)
    assert tf.simplify(once) is once
    assert len(once.nodes) <= len(tape.nodes)
    close(values(once.outputs), values(tape.outputs), rtol=0, atol=0)
    loss, simple = mg.Tape.of(tape.outputs[0]), mg.Tape.of(once.outputs[0])
    close(grads(simple, params), grads(loss, params))


def test_simplify_merges_equal_work_and_drops_neutral_elements():
    x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    y = np.sum(np.tanh(x) * np.tanh(x) + (x * 1 + 0 - 0) / 1 + x**1)
    assert str(tf.simplify(mg.Tape.of(y))).splitlines() == [
        "x: float64[2] = parameter",
        "tanh: float64[2] = tanh(x)",
        "multiply: float64[2] = multiply(tanh, tanh)",
        "add: float64[2] = add(multiply, x)",
        "add#2: float64[2] = add(add, x)",
        "sum: float64[] = sum(add#2)",
        "return sum",
    ]


def test_simplify_keeps_what_only_looks_neutral():
    x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    one = mg.tensor(1.0, name="one")  # a name: another value may be fed
    wide, seen = x * np.ones((2, 2)), []
    a, b = mg.on_backward(x, seen.append), mg.on_backward(x, seen.append)
    tape = mg.Tape.of(np.sum(wide) + np.sum(x * one) + np.sum(a) + np.sum(b))
    new = tf.simplify(tape)
    assert new.outputs[0].data is tape.outputs[0].data
    same(grads(new, [x]), [[5, 5]])
    assert len(seen) == 2
    assert one in set(new.leaves)


# --- differentiate and clip ------------------------------------------------------------------------------------------
@given(nets)
def test_differentiate_is_grad_on_the_tape(net):
    tape, params = net.tape()
    new = tf.differentiate(tape, params)
    assert new.wrt == tuple(params)
    same(values(new.outputs[1:]), values(mg.grad(tape.outputs[0], params)))
    only = tf.differentiate(tape, params[0])
    same(values(only.outputs), values(new.outputs[:2]))
    same(
        values(tf.differentiate(tape).outputs[1:]),
        values(mg.grad(tape.outputs[0], tape.parameters)),
    )


@given(nets, st.integers(0, 99))
def test_a_differentiated_tape_replays_the_whole_training_step(net, seed):
    tape, params = net.tape()
    rng = np.random.default_rng(seed)
    fresh = [mg.tensor(rng.normal(size=(2, 2)), requires_grad=True) for _ in params]
    got = tf.differentiate(tape, params).replay(
        {p: f.data for p, f in zip(params, fresh, strict=True)}
    )
    loss = net.loss(fresh)
    close(got, [loss.data, *values(mg.grad(loss, fresh))])


@given(nets, steps)
def test_truncated_then_differentiated(net, k):
    tape, params = net.tape()
    short = tf.truncate(tape, every=k)
    same(values(tf.differentiate(short, params).outputs[1:]), grads(short, params))


@pytest.mark.parametrize("cell", [tanh, lstm])
def test_second_derivatives_through_differentiate(cell, slope):
    net = Net(cell, T=3)
    tape, params = net.tape()
    new = tf.differentiate(tape, params)
    second = mg.grad(sum(np.sum(g) for g in new.outputs[1:]), params)

    def loss(*ws):
        return net.loss([mg.tensor(w) for w in ws]).item()

    ws = values(params)
    for i, s in enumerate(second):

        def along_ones(w, i=i, e=1e-3):
            moved = [[v + k * e for v in [*ws[:i], w, *ws[i + 1 :]]] for k in (-2, -1, 1, 2)]
            f = [loss(*m) for m in moved]
            return (8 * (f[2] - f[1]) - f[3] + f[0]) / (12 * e)

        np.testing.assert_allclose(s.data, slope(along_ones, ws[i]), rtol=1e-5, atol=1e-7)
    again = tf.differentiate(mg.Tape.of(sum(np.sum(g) for g in new.outputs[1:])), params)
    same(values(again.outputs[1:]), values(second))


def norm(gs):
    return np.sqrt(sum(np.sum(np.square(g)) for g in gs))


@given(nets, st.floats(1e-3, 3))
def test_clip_scales_all_gradients_together(net, bound):
    tape, params = net.tape()
    new = tf.differentiate(tape, params)
    before, after = values(new.outputs[1:]), values(tf.clip(new, bound).outputs[1:])
    close(after, [g * min(1, bound / norm(before)) for g in before])
    if norm(before) <= bound * (1 - 1e-12):
        same(after, before)


@given(nets, st.floats(1e-3, 0.5))
def test_clip_value_clips_each_element(net, limit):
    tape, params = net.tape()
    new = tf.differentiate(tape, params)
    same(
        values(tf.clip_value(new, limit).outputs[1:]),
        [np.clip(g, -limit, limit) for g in values(new.outputs[1:])],
    )


@given(nets, st.integers(0, 99))
def test_clipping_is_replayed(net, seed):
    tape, params = net.tape()
    new = np.random.default_rng(seed).normal(size=(len(params), 2, 2))
    feeds = dict(zip(params, new, strict=True))
    plain = tf.differentiate(tape, params)
    _, *gs = plain.replay(feeds)
    close(tf.clip(plain, 0.5).replay(feeds)[1:], [g * min(1, 0.5 / norm(gs)) for g in gs])


def with_gradients(*gs):
    """A differentiated tape whose gradients are gs."""
    ps = [mg.tensor(np.zeros_like(g), requires_grad=True) for g in gs]
    tensors = [mg.tensor(g) for g in gs]
    with np.errstate(invalid="ignore"):  # 0 * inf in the loss, of which nothing is asked
        return tf.differentiate(
            mg.Tape.of(sum(np.sum(p * g) for p, g in zip(ps, tensors, strict=True))), ps
        )


def test_clip_of_huge_float32_does_not_overflow():
    tape = tf.clip(with_gradients(np.float32([3e20, 0]), np.float32([4e20])), 5.0)
    assert [g.dtype for g in tape.outputs[1:]] == [np.float32] * 2
    close(values(tape.outputs[1:]), [[3, 0], [4]], rtol=1e-6)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_clip_of_what_is_not_finite_is_nan_everywhere(bad):
    with np.errstate(invalid="ignore"):  # NumPy warns of the division, which is the point
        tape = tf.clip(with_gradients(np.array([bad, 1.0]), np.array([2.0])), 1.0)
    assert all(np.all(np.isnan(g.data)) for g in tape.outputs[1:])


def test_clip_of_zero_is_zero():
    same(values(tf.clip(with_gradients(np.zeros(2), np.zeros(1)), 1.0).outputs[1:]), [[0, 0], [0]])


MISUSE = [
    (
        lambda t: tf.clip(t, 1.0),
        GradientError,
        "clip: a tape without gradients; differentiate(tape) first",
    ),
    (
        lambda t: tf.clip_value(t, 1.0),
        GradientError,
        "clip_value: a tape without gradients; differentiate(tape) first",
    ),
    (
        lambda t: tf.clip(tf.differentiate(t), 0),
        ArgumentError,
        "clip: max_norm: 0; expected a number above 0",
    ),
    (
        lambda t: tf.clip(tf.differentiate(t), -1.0),
        ArgumentError,
        "clip: max_norm: -1.0; expected a number above 0",
    ),
    (
        lambda t: tf.clip_value(tf.differentiate(t), 0),
        ArgumentError,
        "clip_value: limit: 0; expected a number above 0",
    ),
    (
        lambda t: tf.clip_edges(t, recurrent(t), -1),
        ArgumentError,
        "clip_edges: max_norm: -1; expected a number above",
    ),
    *(
        (
            lambda t, f=f: f(tf.differentiate(t)),
            GradientError,
            "this tape holds its gradients already",
        )
        for f in (
            TRANSFORMS[k]
            for k in ("cut", "scale", "clip_edges", "every", "window", "randomly", "untie")
        )
    ),
    (tf.truncate, ArgumentError, "truncate: neither every nor window; name at least one"),
    (
        lambda t: tf.truncate(t, every=0),
        ArgumentError,
        "truncate: every: 0; expected a whole number from 1",
    ),
    (
        lambda t: tf.truncate(t, every=1.5),
        ArgumentError,
        "truncate: every: 1.5; expected a whole number from 1",
    ),
    (
        lambda t: tf.truncate(t, window=-1),
        ArgumentError,
        "truncate: window: -1; expected a whole number from 0",
    ),
    (
        lambda t: tf.differentiate(t, mg.tensor(1.0, name="c")),
        GradientError,
        "'c' does not need a gradient",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), MISUSE)
def test_misuse_is_explained(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call(Net().tape()[0])
