"""Masked and weighted losses, logsumexp: against the sums written out, and PyTorch where there is one."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import transforms as tr
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from tests.laws import agrees, close
from tests.zoo import param

V = 5
REDUCTIONS = ("mean", "sum", "none")
RNG = np.random.default_rng(0)


def case(seed, shape, ignored):
    """Logits and targets, of which some, and not all, are ignored."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, V, shape)
    if ignored is not None:
        y.reshape(-1)[1:][rng.random(y.size - 1) < 0.4] = ignored
        y.reshape(-1)[0] = 3
    return rng, rng.normal(size=(*shape, V)), y


def by_hand(x, y, weight, ignored, reduction, sample_weight):
    """Target after target."""
    losses, weights = [], []
    for row, k, w in zip(
        x.reshape(-1, V), y.reshape(-1), np.broadcast_to(sample_weight, y.shape).flat, strict=True
    ):
        counts = k != ignored and w is not False and w != 0
        of_class = weight[k] if weight is not None and counts else 1.0
        weights.append(float(w) * of_class * counts)
        losses.append(weights[-1] * (np.log(np.sum(np.exp(row))) - row[k]) if counts else 0.0)
    if reduction == "none":
        return np.reshape(losses, y.shape)
    return sum(losses) / (sum(weights) if reduction == "mean" else 1)


@given(
    seed=st.integers(0, 99),
    shape=st.sampled_from([(6,), (2, 3), (4, 1, 2)]),
    weighted=st.booleans(),
    ignored=st.sampled_from([None, -1, -100, 2, 255]),
    reduction=st.sampled_from(REDUCTIONS),
    samples=st.sampled_from(["none", "mask", "numbers", "last axis"]),
    as_tensor=st.booleans(),
)
def test_cross_entropy_is_the_sum_written_out(
    seed, shape, weighted, ignored, reduction, samples, as_tensor
):
    rng, x, y = case(seed, shape, ignored)
    weight = rng.uniform(0.2, 2, V) if weighted else None
    mask = rng.random(shape) < 0.6
    mask.reshape(-1)[0] = True
    given = {
        "none": None,
        "mask": mask,
        "numbers": rng.uniform(0.1, 2, shape),
        "last axis": rng.uniform(0.1, 2, shape[-1:]),
    }[samples]
    targets = mg.tensor(y, dtype=int) if as_tensor else y
    p = param(x)
    loss = mg.cross_entropy(p, targets, weight, ignored, reduction, given)
    terms = (weight, ignored, reduction, 1.0 if given is None else given)
    close(loss, np.asarray(by_hand(x, y, *terms)), 1e-11)
    c = rng.normal(size=loss.shape)
    (grad,) = mg.grad(np.sum(loss * c), [p])
    u, eps = rng.normal(size=x.shape), 1e-5
    up, down = (np.sum(c * by_hand(x + e * u, y, *terms)) for e in (eps, -eps))
    close(np.sum(grad.data * u), (up - down) / (2 * eps), 1e-5, 1e-7)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("weighted", "ignored", "reduction"),
    [*itertools.product((False, True), (-100, -1, 2), REDUCTIONS)],
)
def test_cross_entropy_as_pytorch(weighted, ignored, reduction, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    rng, x, y = case(1, (7,), ignored)
    x = x.astype(dtype)
    weight = rng.uniform(0.1, 2, V).astype(dtype) if weighted else None
    theirs = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(
        theirs,
        torch.tensor(y),
        None if weight is None else torch.tensor(weight),
        ignore_index=ignored,
        reduction=reduction,
    )
    expected.sum().backward()
    p = mg.tensor(x, requires_grad=True, dtype=dtype)
    loss = mg.cross_entropy(p, y, weight, ignored, reduction)
    np.sum(loss).backward()
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    close(loss, expected.detach().numpy(), tolerance)
    close(p.grad, theirs.grad.numpy(), tolerance)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_defaults_are_what_they_were(reduction):
    _, x, y = case(0, (3, 4), None)
    expected = {"mean": np.mean, "sum": np.sum, "none": lambda v: v}[reduction]
    whole = np.array(
        [[mg.cross_entropy(r, k) for r, k in zip(*p, strict=True)] for p in zip(x, y, strict=True)]
    )
    close(mg.cross_entropy(x, y, reduction=reduction), expected(whole), 1e-12)
    assert mg.cross_entropy(param(x), y).op == "cross_entropy"


def test_what_is_ignored_may_be_infinite():
    x = np.array([[0.0, 1.0], [np.inf, np.nan]])
    for keywords in ({"ignore_index": -1}, {"sample_weight": [True, False]}):
        with np.errstate(invalid="ignore"):
            assert mg.cross_entropy(x, [0, -1], **keywords) == mg.cross_entropy(x[:1], [0])
    assert mg.mse(np.array([1.0, np.inf]), 0.0, sample_weight=[True, False]) == 1


@pytest.mark.parametrize("keywords", [{"ignore_index": -1}, {"sample_weight": np.zeros(2)}])
def test_a_mean_of_nothing_is_an_error_and_a_sum_of_nothing_is_0(keywords):
    x, y = param(np.zeros((2, 3))), np.array([-1, -1] if "ignore_index" in keywords else [0, 1])
    with pytest.raises(ArgumentError, match="mean loss: nothing counts; all targets are ignored"):
        mg.cross_entropy(x, y, **keywords)
    loss = mg.cross_entropy(x, y, reduction="sum", **keywords)
    loss.backward()
    assert loss.item() == 0
    assert not x.grad.any()


def test_a_mean_of_nothing_is_an_error_in_a_plan_too():
    y = mg.tensor([0, 2], name="y", dtype=int)
    plan = mg.compile(mg.Tape.of(mg.cross_entropy(param(np.ones((2, 3)), "x"), y, ignore_index=-1)))
    with pytest.raises(ArgumentError, match="mean loss: nothing counts"):
        plan({"y": np.array([-1, -1])})
    assert plan({"y": np.array([-1, 1])})[0] == pytest.approx(np.log(3))


@given(st.integers(0, 99), st.sampled_from(REDUCTIONS))
def test_mse_is_the_weighted_mean(seed, reduction):
    rng = np.random.default_rng(seed)
    a, b, w = rng.normal(size=(3, 4)), rng.normal(size=4), rng.uniform(0.1, 1, (3, 1))
    squares = (a - b) ** 2 * w
    expected = {
        "mean": np.average((a - b) ** 2, weights=np.broadcast_to(w, a.shape)),
        "sum": squares.sum(),
        "none": squares,
    }[reduction]
    close(mg.mse(a, b, w, reduction), np.asarray(expected), 1e-12)


WRONG = [
    (lambda x: mg.cross_entropy(x, [0, 1], ignore_index=0.5), DTypeError, "ignore_index: 0.5"),
    (
        lambda x: mg.cross_entropy(x, [0, 1], np.ones(2)),
        ShapeError,
        r"weight: \(2,\); expected \(3",
    ),
    (lambda x: mg.cross_entropy(x, [0, 1], reduction="max"), ArgumentError, "reduction: 'max'"),
    (lambda x: mg.cross_entropy(x, [0, -2], ignore_index=-1), ArgumentError, "targets: -2"),
    (
        lambda x: mg.cross_entropy(x, [0, 1], sample_weight=np.ones((2, 2))),
        ShapeError,
        r"sample_weight: \(2, 2\); expected a shape that broadcasts to \(2,\)",
    ),
    (lambda x: mg.cross_entropy(x, [0, 1, 2], ignore_index=-1), ShapeError, "targets must be"),
    (lambda x: mg.mse(x, 0.0, np.ones(2)), ShapeError, r"mse: sample_weight: \(2,\)"),
    (lambda x: mg.mse(x, 0.0, reduction=None), ArgumentError, "mse: reduction: None"),
]


@pytest.mark.parametrize(("loss", "error", "message"), WRONG)
def test_what_does_not_fit_is_refused(loss, error, message):
    with pytest.raises(error, match=message):
        loss(np.ones((2, 3)))


# --- in plans ---------------------------------------------------------------------------------------------------------
HOW = {
    "ignored": lambda o, y, k, w: mg.cross_entropy(o, y, ignore_index=4),
    "sum": lambda o, y, k, w: mg.cross_entropy(o, y, ignore_index=4, reduction="sum"),
    "mask": lambda o, y, k, w: mg.cross_entropy(o, y, sample_weight=k),
    "weights": lambda o, y, k, w: mg.cross_entropy(o, y, sample_weight=w),
    "none": lambda o, y, k, w: np.sum(mg.cross_entropy(o, y, reduction="none") * w),
    "mse": lambda o, y, k, w: mg.mse(np.tanh(o), w[..., None], sample_weight=k[..., None]),
    "classes": lambda o, y, k, w: mg.cross_entropy(o, y, np.arange(1.0, 6), ignore_index=1),
    "logsumexp": lambda o, y, k, w: np.sum(mg.logsumexp(o, axis=-1) * w) + mg.logsumexp(o),
}


@pytest.mark.parametrize("how", HOW)
def test_a_plan_computes_what_counts_from_its_inputs_also_in_shards(how):
    T, B, H = 4, 3, 2
    W, U = param(RNG.normal(size=(H, H)), "W"), param(RNG.normal(size=(H, V)), "U")
    made = {
        "X": lambda: RNG.normal(size=(T, B, H)),
        "Y": lambda: RNG.integers(0, V, (T, B)),
        "K": lambda: RNG.random((T, B)) < 0.6,
        "W_t": lambda: RNG.uniform(0.1, 1, (T, B)),
    }
    X, Y, K, w = (mg.tensor(a := make(), name=name, dtype=a.dtype) for name, make in made.items())
    h, outs = mg.tensor(np.zeros((B, H))), []
    for t in range(T):
        with mg.timestep(t + 1):
            h = np.tanh(X[t] + h @ W)
            outs.append(h @ U)
    tape = tr.differentiate(mg.Tape.of(HOW[how](np.stack(outs), Y, K, w)))
    names = {leaf.name for leaf in tape.leaves}
    feeds = {name: make() for name, make in made.items() if name in names}
    agrees(tape, feeds, sharded=how not in ("classes", "logsumexp"))


@pytest.mark.parametrize("T", [1, 2, 4])
def test_losses_of_steps_with_a_weight_each(T):
    """What each step's gradient is multiplied by is another number, or other numbers."""
    W, X = param(RNG.normal(size=(2, V)), "W"), mg.tensor(RNG.normal(size=(T, 3, 2)), name="X")
    Y = mg.tensor(RNG.integers(0, V, (T, 3)), name="Y", dtype=int)
    A = mg.tensor(RNG.uniform(size=(T, 3)), name="A")
    one_each, all_of_them = 0, 0
    for t in range(T):
        with mg.timestep(t + 1):
            o = np.tanh(X[t]) @ W
            one_each = one_each + A[t, 0] * mg.cross_entropy(o, Y[t])
            all_of_them = all_of_them + mg.cross_entropy(o, Y[t], sample_weight=A[t])
    for loss in (one_each, all_of_them):
        feeds = {"A": RNG.uniform(size=(T, 3)), "Y": RNG.integers(0, V, (T, 3))}
        agrees(tr.differentiate(mg.Tape.of(loss)), {"X": RNG.normal(size=(T, 3, 2)), **feeds})


# --- logsumexp --------------------------------------------------------------------------------------------------------
AXES = (None, 0, 1, -1, (0, 1))


@given(st.integers(0, 99), st.sampled_from(AXES), st.booleans(), st.sampled_from([1, 1e3, 1e300]))
def test_logsumexp_is_logaddexp_of_all(seed, axis, keepdims, scale):
    rng = np.random.default_rng(seed)
    x = scale * rng.normal(size=(3, 2))
    x[rng.random(x.shape) < 0.2] = -np.inf
    x[rng.random(x.shape) < 0.1] = np.inf
    found = mg.logsumexp(x, axis, keepdims)
    terms, along = (x.reshape(-1), 0) if axis in (None, (0, 1)) else (x, axis)
    expected = np.logaddexp.reduce(terms, axis=along)
    if keepdims:
        expected = np.expand_dims(expected, (0, 1) if terms.ndim == 1 else along)
    close(found, expected, 1e-13)
    close(mg.logsumexp(param(x), axis=axis, keepdims=keepdims).data, np.asarray(found))


@pytest.mark.parametrize(
    ("x", "y", "gradient"),
    [
        ([-np.inf, -np.inf], -np.inf, [0, 0]),
        ([np.inf, 1.0], np.inf, [1, 0]),
        ([np.inf, -np.inf, np.inf], np.inf, [0.5, 0, 0.5]),
        ([0.0, -np.inf], 0.0, [1, 0]),
        ([1e308, -1e308], 1e308, [1, 0]),
        ([1000.0, 1000.0], 1000 + np.log(2), [0.5, 0.5]),
        ([-1e5, -1e5], -1e5 + np.log(2), [0.5, 0.5]),
        ([np.nan, 1.0], np.nan, [np.nan, np.nan]),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_logsumexp_at_the_edge(x, y, gradient, dtype):
    if dtype == np.float32 and max(map(abs, x)) == 1e308:
        return
    p = param(x, dtype=dtype)
    loss = mg.logsumexp(p)
    loss.backward()
    assert loss.dtype == p.grad.dtype == dtype
    np.testing.assert_allclose(loss.data, y, rtol=1e-6)
    np.testing.assert_allclose(p.grad, gradient, rtol=1e-6)


# --- sequence_mask ----------------------------------------------------------------------------------------------------
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_a_sequence_mask_has_the_lengths(lengths):
    mask = mg.sequence_mask(lengths, steps=6)
    assert mask.shape == (6, len(lengths))
    assert mask.sum(axis=0).tolist() == lengths
    assert (np.diff(mask.astype(int), axis=0) <= 0).all()


@pytest.mark.parametrize(
    ("lengths", "error", "message"),
    [
        ([0, 1], ArgumentError, r"lengths: 0; expected 1\.\.3"),
        ([1, 4], ArgumentError, r"lengths: 4; expected 1\.\.3"),
        ([1.0], DTypeError, "lengths: float64; expected integers"),
    ],
)
def test_lengths_that_are_none_are_refused_also_in_a_plan(lengths, error, message):
    with pytest.raises(error, match=message):
        mg.sequence_mask(lengths, steps=3)
    if error is ArgumentError:
        given = mg.tensor(np.ones_like(lengths), name="lengths", dtype=int)
        plan = mg.compile(mg.Tape.of(mg.sequence_mask(given, 3) * param(np.ones(2), "x")))
        with pytest.raises(error, match=message):
            plan({"lengths": np.array(lengths)})
