"""Clipping is by the common norm, and what is not finite stops before any parameter changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import minigrad as mg
from minigrad.errors import ArgumentError, DataError
from minigrad.models import parameters
from minigrad.models.data.stream import Chunk, Rows, epochs
from minigrad.models.train import clipped, fit, take_step, updates
from tests.laws import close
from tests.models.train.language import (
    TOKENS,
    gradient,
    model,
    sgd,
    values,
)


# --- clipping -------------------------------------------------------------------------------------------------------
@given(bound=st.floats(1e-3, 1e3))
def test_the_norm_is_that_of_all_parameters_together_and_the_direction_stays(bound):
    m, chunk = model("gru"), Chunk(TOKENS[None, :9], TOKENS[None, 1:10])
    whole = gradient(m, [chunk])
    norm = np.sqrt(sum(np.sum(np.square(g)) for g in whole))
    before = values(m)
    (one,) = updates(m, [chunk], None, bound, sgd(m))
    assert one.norm == pytest.approx(norm, rel=1e-9)
    assert one.clipped_norm == pytest.approx(min(norm, bound), rel=1e-9)
    assert one.clipped == (norm > bound)
    factor = min(1, bound / norm)
    close(
        [b - a for a, b in zip(values(m), before, strict=True)],
        [g * factor for g in whole],
        rtol=1e-6,
        atol=1e-13,
    )


class Steep:
    """A model whose gradient is ``slopes``, one per parameter, in float32; the loss is finite."""

    def __init__(self, *slopes, start=0.0):
        self.ws = [
            mg.tensor(start, requires_grad=True, name=f"w_{i}", dtype=np.float32)
            for i in range(len(slopes))
        ]
        self.slopes = slopes

    def zero_state(self, batch):
        return (np.zeros((batch, 1), np.float32),)

    def masks(self, batch, rng):
        return ()

    def record(self, X, Y, state, reset, masks):
        with np.errstate(all="ignore"):
            loss = sum(w * np.float32(s) for w, s in zip(self.ws, self.slopes, strict=True))
        return loss.named("L"), tuple(np.positive(s) for s in state)


STEP = Chunk(np.zeros((1, 1)), np.zeros((1, 1)))


def test_a_float32_gradient_of_1e30_is_clipped_not_lost():
    m = Steep(3e30, -4e30)
    (one,) = updates(m, [STEP], None, 1.0, sgd(m))
    assert one.norm == pytest.approx(5e30)
    np.testing.assert_allclose([w.item() for w in m.ws], [-0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize("bad", [-1.0, 0.0, float("nan")])
def test_a_bound_that_would_turn_the_gradient_is_refused(bad):
    with pytest.raises(ArgumentError, match=r"clip: .* expected a number above 0"):
        fit(model(), [], None, bad, sgd(model()))


@given(
    data=st.data(),
    shapes=st.lists(npst.array_shapes(max_dims=2, max_side=3), min_size=1, max_size=3),
    dtype=st.sampled_from([np.float32, np.float64]),
    bound=st.floats(1e-2, 1e2),
)
def test_clipped_keeps_the_direction_and_bounds_the_norm(data, shapes, dtype, bound):
    numbers = st.integers(-99, 99)
    grads = [data.draw(npst.arrays(dtype, shape, elements=numbers)) for shape in shapes]
    result = clipped(grads, bound)
    norm = np.linalg.norm(np.concatenate([g.ravel().astype(float) for g in grads]))
    factor = min(1, bound / norm) if norm else 1
    assert result.norm == pytest.approx(norm, rel=1e-6)
    assert result.clipped_norm == pytest.approx(norm * factor, rel=1e-6)
    for g, c in zip(grads, result.grads, strict=True):
        assert c.dtype == dtype
        np.testing.assert_allclose(c, g * factor, rtol=1e-5)
    for g, c in zip(grads, clipped(grads, np.inf).grads, strict=True):
        np.testing.assert_array_equal(c, g)


def test_one_element_that_is_not_finite_makes_all_of_them_nan():
    for bad in (np.nan, np.inf, -np.inf):
        with np.errstate(all="ignore"):
            result = clipped([np.array([1.0, bad]), np.array(2.0)], 1.0)
        assert all(np.isnan(g).all() for g in result.grads)
        assert np.isnan(result.norm)


def test_a_step_is_that_of_clip_grad_norm_and_the_optimizer():
    ours, theirs = model("gru"), model("gru")
    grads = [np.full(p.shape, 0.5) for p in parameters(ours)]
    taken = take_step(sgd(ours), grads, 0.7)
    for p, g in zip(parameters(theirs), grads, strict=True):
        p.grad = g
    assert mg.optim.clip_grad_norm(parameters(theirs), 0.7) == taken.norm
    sgd(theirs).step()
    close(values(ours), values(theirs), rtol=1e-14, atol=1e-13)


# --- what is not finite ---------------------------------------------------------------------------------------------
def test_an_infinite_gradient_stops_before_any_parameter_changes():
    m = Steep(np.inf, 1.0, 1.0)
    seen = list(updates(m, [STEP, STEP], None, 1.0, sgd(m)))
    assert len(seen) == 1
    assert not np.isfinite(seen[0].norm)
    assert [w.item() for w in m.ws] == [0, 0, 0]


def test_divergence_names_the_update_the_first_bad_value_and_what_to_do():
    m = model(sigma=0.01)
    stream = epochs(Rows(TOKENS, 4, 9), 5)
    optimizer = mg.optim.SGD(parameters(m), 1e308)
    with pytest.raises(DataError) as error:
        fit(m, stream, None, None, optimizer)
    assert error.value.text.startswith("training diverged at update 2: ")
    assert "'" in error.value.text.split(": ", 1)[1]  # a name on the tape
    assert error.value.text.endswith(
        "Try a smaller learning rate (--lr) or gradient norm (--clip)."
    )
    assert all(np.isfinite(v).all() for v in values(m))
