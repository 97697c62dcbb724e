"""A naive twin: reverse mode over single numbers, inside NumPy's object arrays. Whole programs must agree."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from tests.laws import examples


def of_numbers(fn):
    """Leave what is no Number to NumPy, which comes back with the elements."""
    return lambda a, b: fn(a, b) if isinstance(b, Number) else NotImplemented


class Number:
    """A float that remembers its parents and the slope to each; NumPy itself broadcasts and sums arrays of them."""

    made: list["Number"] = []  # noqa: RUF012  (the twin's whole tape)

    def __init__(self, value, *parents):
        self.value, self.parents, self.slope = float(value), parents, 0.0
        Number.made.append(self)

    @of_numbers
    def __add__(self, other):
        return Number(self.value + other.value, (self, 1.0), (other, 1.0))

    @of_numbers
    def __sub__(self, other):
        return Number(self.value - other.value, (self, 1.0), (other, -1.0))

    @of_numbers
    def __mul__(self, other):
        return Number(self.value * other.value, (self, other.value), (other, self.value))

    @of_numbers
    def __truediv__(self, other):
        q = self.value / other.value
        return Number(q, (self, 1 / other.value), (other, -q / other.value))

    def __neg__(self):
        return Number(-self.value, (self, -1.0))

    def tanh(self):
        y = math.tanh(self.value)
        return Number(y, (self, 1 - y * y))

    def sin(self):
        return Number(math.sin(self.value), (self, math.cos(self.value)))

    def exp(self):
        y = math.exp(self.value)
        return Number(y, (self, y))


def twin_gradients(out, inputs):
    out.slope = 1.0
    for node in reversed(Number.made):
        for parent, slope in node.parents:
            parent.slope += node.slope * slope
    return [np.vectorize(lambda n: n.slope, otypes=[float])(x) for x in inputs]


UNARY = [
    np.tanh,
    np.sin,
    np.negative,
    lambda a: np.exp(np.sin(a)),
    lambda a: a + a,
    lambda a: a * a,
    lambda a: np.tanh(a) + a,
    np.sum,
    lambda a: np.sum(a, axis=-1, keepdims=True) if a.ndim else a,
    lambda a: np.sum(a, axis=0, keepdims=True) if a.ndim else a,
    lambda a: a @ np.swapaxes(a, -1, -2) @ a if a.ndim == 2 else a,
]
BINARY = [
    np.add,
    np.subtract,
    np.multiply,
    lambda a, b: a / np.exp(np.tanh(b)),
    lambda a, b: np.tanh(a * b) + a,
]
SHAPES = [(), (1,), (3,), (2, 1), (1, 3), (2, 3)]  # any two of them broadcast

reads = st.integers(0, 99)
instructions = st.lists(
    st.tuples(st.sampled_from(UNARY), st.tuples(reads))
    | st.tuples(st.sampled_from(BINARY), st.tuples(reads, reads)),
    min_size=1,
    max_size=12,
)


def run(program, inputs, array):
    """Each instruction reads any values made before it, so that values are shared and paths meet again."""
    values = list(inputs)
    for fn, reads in program:
        values.append(array(fn(*(values[i % len(values)] for i in reads))))
    total = np.sum(np.tanh(values[0]))
    for v in values[1:]:
        total = total + np.sum(np.tanh(v))
    return total


@examples(150)
@given(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3), instructions, st.integers(0, 999))
def test_programs_agree_with_the_twin(shapes, program, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.uniform(-1, 1, s) for s in shapes]
    Number.made = []
    numbers = [np.array([Number(v) for v in a.flat] + [None])[:-1].reshape(a.shape) for a in arrays]
    out = run(program, numbers, np.asarray)
    expected = twin_gradients(out, numbers)
    tensors = [mg.tensor(a, requires_grad=True) for a in arrays]
    loss = run(program, tensors, lambda t: t)
    np.testing.assert_allclose(loss.item(), out.value, rtol=1e-10, atol=1e-12)
    loss.backward()
    for t, e in zip(tensors, expected, strict=True):
        np.testing.assert_allclose(t.grad, e, rtol=1e-8, atol=1e-10)


def test_the_twin_itself_knows_a_closed_form():
    Number.made = []
    x = Number(0.5)
    y = x * x + x.sin() * x.exp() - x.tanh() / -x
    e, t = math.exp(0.5), math.tanh(0.5)
    expected = 1 + e * (math.sin(0.5) + math.cos(0.5)) + ((1 - t * t) * 0.5 - t) / 0.25
    (found,) = twin_gradients(y, [np.array(x)])
    np.testing.assert_allclose(found, expected, rtol=1e-14)
