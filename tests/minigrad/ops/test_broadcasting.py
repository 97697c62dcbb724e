"""Broadcasting undone: a contribution is summed to the shape of its input, and no other shape is taken."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import minigrad as mg
from minigrad.core.sweep import conform
from minigrad.errors import ShapeError


@given(
    shapes=mutually_broadcastable_shapes(
        num_shapes=1, base_shape=(2, 1, 3), max_dims=3, max_side=3, min_side=0
    )
)
def test_a_contribution_to_what_was_broadcast_is_its_sum(shapes):
    """Against a product with ones: the adjoint of broadcasting counts how often each element was used."""
    (shape,) = shapes.input_shapes
    x = mg.tensor(np.ones(shape), requires_grad=True)
    broadcast = np.broadcast_to(np.arange(x.size).reshape(shape), shapes.result_shape)
    uses = np.bincount(broadcast.ravel(), minlength=x.size).reshape(shape)
    for contribution in (np.ones(shapes.result_shape), mg.tensor(np.ones(shapes.result_shape))):
        np.testing.assert_array_equal(np.asarray(conform(contribution, x, x)), uses, strict=False)


@pytest.mark.parametrize(
    ("sent", "shape"),
    [
        ((1, 2), (2, 1)),
        ((2, 3), (3, 2)),
        ((6,), (2, 3)),
        ((2, 3), (6,)),
        ((3, 1), (3,)),
        ((3,), (3, 1)),
        ((2, 1, 3), (1, 2, 3)),
        ((2, 2), (3,)),
        ((1, 1), (3,)),
    ],
)
def test_a_contribution_of_the_elements_in_another_shape_is_refused(sent, shape):
    x = mg.tensor(np.ones(shape), name="x")
    y = np.negative(x)
    with pytest.raises(
        ShapeError,
        match=re.escape(f"contribution of shape {sent}; its input has the shape {shape}"),
    ):
        conform(np.ones(sent), x, y)
