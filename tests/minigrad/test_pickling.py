"""What goes to another process, or into a copy, is what it was: errors as they read, optimizers mid-way."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import errors
from minigrad.optim import SGD, Adagrad, Adam, AdamW, RMSprop


def kinds(base):
    """An exception and everything that inherits from it."""
    return [base, *(below for kind in base.__subclasses__() for below in kinds(kind))]


SENTENCES = sorted(set(kinds(errors.MinigradError)) - {errors.NonFiniteError}, key=str)


@pytest.fixture(params=[copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def duplicate(request):
    return request.param


@pytest.mark.parametrize("kind", SENTENCES)
def test_an_error_says_in_a_copy_what_it_said(kind, duplicate):
    error = kind("subject", got="got", expected="expected", remedy="remedy")
    error.add_note("a note")
    again = duplicate(error)
    assert type(again) is kind
    assert (str(again), again.text, again.__notes__) == (str(error), error.text, ["a note"])
    # the place where it was raised, and not the one where it was copied
    assert str(error).count("[") == 1


def test_what_a_nan_is_said_of_is_no_part_of_the_copy(duplicate):
    x = mg.tensor(0.0, requires_grad=True, name="x")
    with (
        np.errstate(all="ignore"),
        pytest.raises(errors.NonFiniteError) as caught,
        mg.detect_anomaly(),
    ):
        np.log(x).backward()
    again = duplicate(caught.value)
    assert (str(again), again.text, again.found) == (str(caught.value), caught.value.text, None)
    assert caught.value.found.node.op == "log"


@pytest.mark.parametrize(
    "make",
    [
        lambda w: SGD(w, lr=0.1),
        lambda w: SGD(w, lr=0.1, momentum=0.9),
        lambda w: Adam(w, lr=0.1),
        lambda w: AdamW(w, lr=0.1, weight_decay=0.3),
        lambda w: RMSprop(w, lr=0.1, momentum=0.5),
        lambda w: Adagrad(w, lr=0.1),
    ],
)
@given(gradients=st.lists(st.floats(-10, 10), min_size=2, max_size=6))
def test_a_pickled_optimizer_goes_on_bit_for_bit(make, gradients):
    optimizer = make(mg.tensor([1.0, 2.0], requires_grad=True, name="w"))
    half = len(gradients) // 2
    for g in gradients[:half]:
        optimizer.step([np.array([g, -g])])
    again = pickle.loads(pickle.dumps(optimizer))
    for g in gradients[half:]:
        for each in (optimizer, again):
            each.step([np.array([g, -g])])
    [w], [again_w] = optimizer.params, again.params
    assert w is not again_w
    assert w.data.tobytes() == again_w.data.tobytes()


def test_a_model_pickled_with_its_optimizer_stays_its_optimizers():
    w = mg.tensor(1.0, requires_grad=True, name="w")
    model, optimizer = pickle.loads(pickle.dumps(([w], SGD(w, lr=0.5))))
    (model[0] * model[0]).backward()
    optimizer.step()
    assert model[0].item() == 0.0
