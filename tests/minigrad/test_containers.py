"""Containers of Tensors: what is walked, each once, and what comes back in the same structure."""

import copy
from collections import OrderedDict, UserDict, UserList, defaultdict, deque, namedtuple
from collections.abc import Iterator, ValuesView
from dataclasses import dataclass, field
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import models
from minigrad.containers import leaves, mapped
from minigrad.errors import ArgumentError, GradientError, ShapeError
from minigrad.transforms import differentiate, untie
from tests.zoo import param

Pair = namedtuple("Pair", "W b")


@dataclass
class Layer:
    W: object
    b: object = None
    size: int = 3


@dataclass(slots=True)
class Slotted:
    W: object
    name: str = "s"


@dataclass(frozen=True, slots=True)
class Frozen:
    W: object
    others: list = field(default_factory=list)


class Base:
    __slots__ = ("W", "__hidden")

    def __init__(self, W, hidden):
        self.W, self.__hidden = W, hidden

    def __repr__(self):
        return f"Base({self.W}, {self.__hidden})"


class Both(Base):
    def __init__(self, W, hidden, more):
        super().__init__(W, hidden)
        self.more = more

    def __repr__(self):
        return f"Both({super().__repr__()}, {self.more})"


class Layers(list):
    def __init__(self, items, bias):
        super().__init__(items)
        self.bias = bias

    def __repr__(self):
        return f"Layers({super().__repr__()}, {self.bias})"


HOLDERS = {
    "itself": lambda a, b, c: [a, b, c],
    "dict": lambda a, b, c: {"a": a, "x": {"b": b}, "c": [c]},
    "views": lambda a, b, c: {"a": a, "b": b, "c": c}.values(),
    "set": lambda a, b, c: {c, b, a},
    "generator": lambda a, b, c: (x for x in (a, b, c)),
    "filter": lambda a, b, c: filter(lambda x: x is not None, [a, None, b, c]),
    "tuples": lambda a, b, c: (a, (b, (c,))),
    "named tuple": lambda a, b, c: Pair(a, Pair(b, c)),
    "kinds of dict": lambda a, b, c: OrderedDict(a=a, b=defaultdict(list, b=[b]), c=UserDict(c=c)),
    "of the library": lambda a, b, c: deque([a, UserDict(b=b), UserList([c])]),
    "None": lambda a, b, c: [a, None, {"b": b, "n": None}, c],
    "dataclass": lambda a, b, c: Layer(a, [b, Layer(c)]),
    "slots": lambda a, b, c: [Slotted(a), Slotted(Slotted(b)), Slotted({"c": c})],
    "frozen slots": lambda a, b, c: Frozen(a, [Frozen(b), c]),
    "inherited slots": lambda a, b, c: Both(a, [b], {"c": c}),
    "a list with more": lambda a, b, c: Layers([a, b], bias=c),
    "a model of all": lambda a, b, c: SimpleNamespace(
        head=a, layers={"l1": b}, s=Slotted(c), size=3, x=np.ones(2), name="m", act=np.tanh, np=np
    ),
    "tied": lambda a, b, c: SimpleNamespace(embed=a, middle=(b, a), out=Slotted(a), c=c, again=b),
}


@pytest.fixture(params=HOLDERS.values(), ids=list(HOLDERS))
def holder(request):
    return request.param


def three():
    return [param([1.0, 2.0], "a"), param([[3.0]], "b"), param(4.0, "c")]


def loss_of(a, b, c):
    return np.sum(a**2) * np.sum(b) + c**3


def test_parameters_are_listed_once_in_order(holder):
    abc = three()
    assert models.parameters(holder(*abc)) == abc


def test_everything_that_takes_tensors_walks(holder):
    abc = three()
    tape = mg.Tape.of(loss_of(*abc))
    expected = [g.data for g in mg.grad(tape.outputs[0], abc)]
    plain = differentiate(tape, abc)
    assert differentiate(tape, holder(*abc)).wrt == plain.wrt == tuple(abc)
    assert untie(tape, holder(*abc)) is tape
    tape.backward()
    length = mg.optim.clip_grad_norm(holder(*abc), 1e-3)
    assert length == pytest.approx(np.sqrt(sum(np.sum(g**2) for g in expected)))
    optimizer = mg.optim.SGD(holder(*abc), lr=1000.0)
    assert optimizer.params == abc
    before = [x.numpy() for x in abc]
    optimizer.step()
    for x, old, g in zip(abc, before, expected, strict=True):
        np.testing.assert_allclose(x.data, old - g / length)
    assert mg.gradcheck(mg.Tape.of(loss_of(*abc)), holder(*abc))


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_come_back_in_the_structure(holder, create_graph):
    abc = three()
    loss = loss_of(*abc)
    got = mg.grad(loss, holder(*abc), create_graph=create_graph)
    holder = HOLDERS["itself"] if isinstance(holder(*abc), set) else holder
    expected = holder(*mg.grad(loss, abc, create_graph=create_graph))
    if isinstance(expected, Iterator | ValuesView) or type(expected) is tuple:
        expected = list(expected)
    # the text of a structure is its types, keys and values
    assert repr(got) == repr(expected)
    assert all(x.grad is None for x in abc)


def test_one_tensor_or_a_tuple_gives_a_list():
    a, b, c = three()
    loss = loss_of(a, b, c)
    for asked in (a, [a], (a,)):
        got = mg.grad(loss, asked)
        assert type(got) is list
        assert len(got) == 1
    first, second = mg.grad(loss, [c, c])
    assert first.item() == second.item() == 48.0


def test_a_model_gives_a_model_of_gradients_and_stays_itself():
    lm = models.GRUCell(3, 2, rng=0)
    loss = np.sum(lm(np.ones((1, 3)), lm.zero_state((1, 3)))[1])
    before = models.parameters(lm)
    g = mg.grad(loss, lm)
    assert type(g) is type(lm)
    assert models.parameters(lm) == before
    flat = mg.grad(loss, before)
    np.testing.assert_array_equal(g.W_hz.data, flat[[x.name for x in before].index("W_hz")].data)


def test_a_model_that_knows_its_parent_is_walked_once():
    a, b, _ = three()
    parent = SimpleNamespace(W=a)
    parent.child = SimpleNamespace(W=b, parent=parent)
    assert models.parameters(parent) == [a, b]
    g = mg.grad(np.sum(a) * np.sum(b), parent)
    assert g.child.parent is g
    np.testing.assert_array_equal(g.child.W.data, [[3.0]])


def test_what_cannot_be_copied_is_walked_and_comes_back_in_a_list_only():
    w = param(3.0)
    with open(__file__, encoding="utf-8") as file:
        for held in (MappingProxyType({"w": w}), SimpleNamespace(w=w, log=file)):
            assert models.parameters(held) == [w]
            with pytest.raises(ArgumentError, match="Ask for a list"):
                mg.grad(w * w, held)


def test_of_a_model_parameters_are_taken_and_of_a_list_everything():
    w, x, h = param(2.0, "w"), mg.tensor(3.0, name="x"), None
    h = w * x
    model = SimpleNamespace(w=w, x=x, h=h)
    assert models.parameters(model) == [w]
    assert mg.optim.SGD(model, 0.1).params == [w]
    assert [g.item() for g in mg.grad(h * h, [h, w])] == [12.0, 36.0]
    with pytest.raises(ArgumentError, match="'x' is no parameter"):
        mg.optim.SGD([w, x], 0.1)


@pytest.mark.parametrize("nothing", [[], {}, (), {"a": []}, SimpleNamespace(size=3), iter(())])
def test_an_empty_set_is_an_error(nothing):
    x = param(1.0)
    for call in (
        lambda: mg.optim.SGD(nothing, 0.1),
        lambda: mg.optim.Adam(nothing),
        lambda: mg.optim.clip_grad_norm(nothing, 1.0),
        lambda: mg.grad(x * x, nothing),
        lambda: differentiate(mg.Tape.of(x * x), nothing),
        lambda: untie(mg.Tape.of(x * x), nothing),
        lambda: mg.gradcheck(mg.Tape.of(x * x), nothing),
    ):
        with pytest.raises(ArgumentError, match="expected at least one"):
            call()


@pytest.mark.parametrize("wrong", [None, np.ones(2), 1.0, "W", object(), np.tanh, np])
def test_what_holds_no_tensors_is_refused(wrong):
    x = param(1.0)
    for call in (
        lambda: mg.optim.SGD(wrong, 0.1),
        lambda: mg.grad(x * x, wrong),
        lambda: untie(mg.Tape.of(x * x), wrong),
        lambda: models.parameters(wrong),
    ):
        with pytest.raises(ArgumentError, match="expected Tensors, or dicts, lists, tuples"):
            call()
    if wrong is not None and type(wrong) is not list:
        with pytest.raises(ArgumentError, match="among the Tensors"):
            mg.optim.SGD({"x": x, "wrong": [wrong]}, 0.1)


def test_gradcheck_hands_structures_on():
    p = {"W": param([0.5, -1.0], "W"), "l": [Layer(param(2.0, "b"))]}
    x = param([1.0, 3.0], "x")
    assert mg.gradcheck(lambda p, x: np.sum(np.tanh(p["W"] * x)) * p["l"][0].W, [p, x])
    assert mg.gradcheck(lambda p: np.sum(p["W"] ** 2) * p["l"][0].W, p)


def test_an_optimizer_takes_gradients_in_the_structure():
    p = {"W": param([1.0, 2.0], "W"), "l": [(param(3.0, "b"), None)]}
    q = [param([1.0, 2.0]), param(3.0)]
    nested, flat = mg.optim.Adam(p, 0.1), mg.optim.Adam(q, 0.1)
    for _ in range(3):
        nested.step(mg.grad(np.sum(p["W"] ** 2) * p["l"][0][0], p))
        flat.step(mg.grad(np.sum(q[0] ** 2) * q[1], q))
    np.testing.assert_array_equal(p["W"].data, q[0].data)
    np.testing.assert_array_equal(p["l"][0][0].data, q[1].data)
    flat.step({"a": np.ones(2), "b": 1.0})
    flat.step([[1.0, 1.0], 1.0])
    with pytest.raises(ShapeError, match="1 gradients for 2 parameters"):
        flat.step({"a": np.ones(2)})


# --- gradients of what is not there ---------------------------------------------------------------
def test_a_leaf_that_is_not_on_the_tape_is_an_error():
    x = param([1.0, 2.0], "x")
    loss = np.sum(x * x)
    copied = copy.deepcopy(x)
    for ask in (mg.grad, lambda y, wrt: differentiate(mg.Tape.of(y), wrt)):
        for wrt in (copied, [x, copied], {"x": x, "copy": copied}):
            with pytest.raises(GradientError, match="'x' is not on this tape; the output was not"):
                ask(loss, wrt)
    unused = mg.grad(loss, {"x": x, "copy": copied}, allow_unused=True)
    np.testing.assert_array_equal(unused["x"].data, [2.0, 4.0])
    np.testing.assert_array_equal(unused["copy"].data, [0.0, 0.0])
    _, g = differentiate(mg.Tape.of(loss), copied, allow_unused=True).outputs
    np.testing.assert_array_equal(g.data, [0.0, 0.0])
    with pytest.raises(GradientError, match="does not need a gradient"):
        mg.grad(loss, [mg.tensor(1.0)], allow_unused=True)
    with pytest.raises(ArgumentError, match="untie: 'x' of another tape"):
        untie(mg.Tape.of(loss), [copied])


def test_on_the_tape_but_out_of_reach_it_is_zero():
    x, y = param([1.0, 2.0]), param(3.0)
    loss = np.sum(x) + mg.detach(y) + 0 * np.argmax(x)
    np.testing.assert_array_equal(mg.grad(loss, y)[0].data, 0.0)


def test_a_copy_keeps_its_grad():
    x = param([1.0, 2.0], "x")
    assert copy.deepcopy(x).grad is None
    np.sum(x * x).backward()
    again = copy.deepcopy(SimpleNamespace(x=x)).x
    np.testing.assert_array_equal(again.grad, [2.0, 4.0])
    np.sum(again).backward()
    np.testing.assert_array_equal(again.grad, [3.0, 5.0])
    np.testing.assert_array_equal(x.grad, [2.0, 4.0])


# --- structure by position ------------------------------------------------------------------------
structures = st.recursive(
    st.integers() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        | st.tuples(inner, inner)
        | st.builds(Pair, inner, inner)
        | st.builds(Layer, inner)
    ),
    max_leaves=8,
)


@given(structures)
def test_mapping_the_identity_gives_an_equal_structure_of_its_own(x):
    assert mapped(lambda leaf: leaf, x) == x
    collected = []
    mapped(collected.append, x)
    assert collected == [leaf for leaf in leaves(x) if leaf is not None]
    sums = mapped(lambda a, b: a + b, x, x)
    assert [leaf for leaf in leaves(sums) if leaf is not None] == [2 * leaf for leaf in collected]


@pytest.mark.parametrize(
    ("x", "other"),
    [([1, 2], [1]), ({"a": 1}, {"b": 1}), ((1,), 1), (Layer(1), {"W": 1}), ({"a": [1]}, {"a": 1})],
)
def test_different_structures_are_refused(x, other):
    with pytest.raises(ArgumentError, match="expected the same"):
        mapped(lambda a, b: a, x, other)
