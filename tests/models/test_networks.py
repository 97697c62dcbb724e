"""The networks of the gallery: each trains, by every weight that it has."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.models.networks import NETWORKS


@pytest.mark.parametrize("name", NETWORKS)
def test_a_gradient_reaches_every_weight(name):
    tape = NETWORKS[name]()
    (loss,) = tape.outputs
    assert all(np.any(gradient) for gradient in mg.grad(loss, tape.parameters))
