"""Every operator of ONNX but the recurrent ones, over drawn attributes, beside onnx's reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from onnx import helper
from onnx.reference import ReferenceEvaluator

import minigrad as mg
from minigrad.engines.onnx.imported import OPERATORS
from minigrad.engines.onnx.onnx_file import MAX_OPSET
from tests.minigrad.engines.onnx_files import assert_close, by_onnxruntime, model_of

INT64 = np.int64
SHAPES = st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple)
RECURRENT = {"RNN", "GRU", "LSTM"}


class Draw:
    """What a row draws: arrays, numbers, axes."""

    def __init__(self, draw):
        self.draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 99)))
        self.opset = draw(st.sampled_from([18, 21, MAX_OPSET]))

    def floats(self, shape=None, low=-2.0, high=2.0):
        return self.rng.uniform(low, high, self.shape() if shape is None else shape).astype("f")

    def shape(self):
        return self.draw(SHAPES)

    def int(self, low, high):
        return self.draw(st.integers(low, high))

    def flag(self):
        return self.draw(st.booleans())

    def axis(self, x):
        return self.int(-x.ndim, x.ndim - 1)

    def axes(self, x):
        count = self.int(1, x.ndim)
        return np.array(self.rng.permutation(x.ndim)[:count] - self.int(0, 1) * x.ndim)

    def beside(self, shape):
        """A shape that broadcasts against this one."""
        kept = shape[self.int(0, len(shape)) :]
        return tuple(1 if self.flag() else length for length in kept)


class Call:
    """One call of an operator: its inputs, those that are known when recorded, its attributes."""

    def __init__(self, *inputs, known=(), outputs=1, opset=None, **attributes):
        self.inputs = [None if x is None else np.asarray(x) for x in inputs]
        self.known = known
        self.outputs = outputs
        self.opset = opset
        self.attributes = attributes


def unary(low=-2.0, high=2.0, **choices):
    def row(d):
        given = {name: d.draw(values) for name, values in choices.items() if d.flag()}
        return Call(d.floats(low=low, high=high), **given)

    return row


def binary(low=-2.0, high=2.0):
    def row(d):
        a = d.floats(low=low, high=high)
        return Call(a, d.floats(d.beside(a.shape), low=low, high=high))

    return row


def integers(d, low=-4):
    a = d.rng.integers(low, 5, d.shape())
    b = d.rng.integers(1, 4, d.beside(a.shape)) * d.rng.choice([1, -1])
    return a, b


def division(d):
    return Call(*integers(d)) if d.flag() else binary(0.5)(d)


def modulo(d):
    a, b = integers(d)
    # away from the jumps
    return Call((a + 0.25).astype("f"), b.astype("f"), fmod=1) if d.flag() else Call(a, b)


def logical(d):
    a = d.floats()
    return Call(a > 0, d.floats(d.beside(a.shape)) > 0)


def several(d):
    a = d.floats()
    return Call(a, *(d.floats(d.beside(a.shape)) for _ in range(d.int(0, 2))))


def reduction(d, low=-2.0):
    x = d.floats(low=low)
    keep = {"keepdims": d.int(0, 1)}
    if d.flag():
        return Call(x, **keep)
    axes = d.axes(x)
    if d.flag():
        return Call(x, opset=12, axes=axes.tolist(), **keep)
    return Call(x, axes, known=[1], **keep)


def product(d):
    n, m, k = (d.int(1, 3) for _ in range(3))
    left = d.draw(st.sampled_from([(), (2,)]))
    return Call(d.floats((*left, n, m)), d.floats((m, k)))


def gemm(d):
    n, m, k = (d.int(1, 3) for _ in range(3))
    transA, transB = d.int(0, 1), d.int(0, 1)
    a = d.floats((m, n) if transA else (n, m))
    b = d.floats((k, m) if transB else (m, k))
    factors = {"alpha": 0.5, "beta": 2.0} if d.flag() else {}
    c = [d.floats((k,))] if d.flag() else []
    return Call(a, b, *c, transA=transA, transB=transB, **factors)


def softmax(d):
    x = d.floats()
    return Call(x, axis=d.axis(x), opset=d.draw(st.sampled_from([11, 13, 20])))


def clip(d):
    x = d.floats()
    if d.flag():
        return Call(x, min=-0.5, max=1.0, opset=7)
    low = np.float32(-0.5) if d.flag() else None
    return Call(x, low, np.float32(1.0))


def normalization(d):
    x = d.floats()
    axis = d.axis(x)
    shape = x.shape[axis:]
    bias = [d.floats(shape)] if d.flag() else []
    return Call(x, d.floats(shape), *bias, axis=axis, epsilon=0.125)


def rms(d):
    x = d.floats()
    axis = d.axis(x)
    return Call(x, d.floats(x.shape[axis:]), axis=axis, opset=23)


def batch(d):
    x = d.floats((2, 3, *d.shape()))
    vectors = [d.floats((3,)) for _ in range(3)]
    return Call(x, *vectors, d.floats((3,), low=0.5), opset=15)


def cast(d):
    x = d.floats()
    return Call(np.trunc(x), to=d.draw(st.sampled_from([1, 6, 7, 9, 11])), opset=19)


def reshape(d):
    x = d.floats((2, 3, 4))
    shape = d.draw(st.sampled_from([[6, 4], [0, -1], [-1], [0, 2, 6], [1, 24, 1], [2, 0, 2, 2]]))
    return Call(x, np.array(shape), known=[1])


def squeeze(d):
    x = d.floats((1, 2, 1))
    if d.flag():
        return Call(x)
    axes = d.draw(st.sampled_from([[0], [2], [0, -1]]))
    if d.flag():
        return Call(x, axes=[a % 3 for a in axes], opset=11)
    return Call(x, np.array(axes), known=[1])


def unsqueeze(d):
    x = d.floats((2, 3))
    axes = d.draw(st.sampled_from([[0], [-1], [1, 3], [3, 0]]))
    if d.flag():
        return Call(x, axes=sorted(a % 3 if len(axes) == 1 else a for a in axes), opset=11)
    return Call(x, np.array(axes), known=[1])


def concat(d):
    x = d.floats()
    return Call(x, x * 2, axis=d.axis(x))


def split(d):
    x = d.floats((2, 4))
    kind = d.int(0, 2)
    if kind == 0:
        return Call(x, np.array([1, 3]), known=[1], axis=1, outputs=2)
    if kind == 1:
        return Call(x, split=[3, 1], axis=-1, outputs=2, opset=11)
    return Call(x, axis=1, num_outputs=3, outputs=3, opset=18)


def sliced(d):
    x = d.floats((3, 4, 2))
    axes = d.rng.permutation(3)[: d.int(1, 3)]
    bounds = d.rng.integers(-6, 7, (2, len(axes)))
    steps = d.rng.choice([-2, -1, 1, 2], len(axes))
    # as far as there is, which exporters write so
    bounds[1] = np.where(d.flag(), np.where(steps < 0, -(2**62), 2**62), bounds[1])
    if d.flag():
        return Call(
            x, axes=axes.tolist(), starts=[0, 0, 0][: len(axes)], ends=[9] * len(axes), opset=9
        )
    return Call(x, *bounds, axes, steps, known=[1, 2, 3, 4])


def gather(d):
    x = d.floats((3, 4))
    axis = d.int(-2, 1)
    count = x.shape[axis]
    indices = d.rng.integers(-count, count, d.draw(st.sampled_from([(), (2,), (2, 2)])))
    return Call(x, indices, known=[1] if d.flag() else [], axis=axis)


def gather_elements(d):
    x = d.floats((3, 4))
    return Call(x, d.rng.integers(-3, 3, (2, 4)), axis=0)


def scatter(d):
    if d.int(0, 1):
        shape, axis = (2, d.int(1, 5)), d.int(-2, 1)
        indices = d.rng.integers(-2, 2, shape) if axis in (0, -2) else d.rng.integers(-3, 3, shape)
        return Call(d.floats((2, 3)), indices, d.floats(shape), axis=axis, reduction="add")
    order = d.rng.permutation(4)[: d.int(1, 4)]
    return Call(d.floats((4,)), order, d.floats(order.shape), axis=0)


def scatter_nd(d):
    count, axes = d.int(1, 5), d.int(1, 2)
    indices = d.rng.integers(-2, 2, (count, axes))
    updates = d.floats((count,) if axes == 2 else (count, 2))
    return Call(d.floats((2, 2)), indices, updates, reduction="add")


def expand(d):
    x = d.floats((2, 1, 3))
    shape = d.draw(st.sampled_from([[2, 4, 3], [1], [5, 1, 1, 1], [4, 1]]))
    return Call(x, np.array(shape), known=[1])


def tile(d):
    x = d.floats()
    return Call(x, d.rng.integers(1, 3, x.ndim), known=[1])


def pad(d):
    x = d.floats((2, 3))
    pads = d.rng.integers(0, 3, 4)
    if d.flag():
        return Call(x, mode="constant", pads=pads.tolist(), value=0.5, opset=9)
    value = np.float32(1.5) if d.flag() else None
    return Call(x, pads, value, known=[1, 2])


def top_k(d):
    x = d.floats((2, 4))
    return Call(x, np.array([d.int(1, 4)]), known=[1], largest=d.int(0, 1), outputs=2)


def one_hot(d):
    indices = d.rng.integers(-4, 4, (2, 3))
    values = np.array([-1, 2.0], "f")
    return Call(indices, np.array(4), values, known=[1], axis=d.draw(st.sampled_from([-1, 0, 1])))


def cumulative(d):
    x = d.floats((2, 3))
    axis = np.array(d.int(-2, 1))
    return Call(x, axis, known=[1], reverse=d.int(0, 1), exclusive=d.int(0, 1))


def einsum(d):
    return Call(d.floats((2, 3)), d.floats((3, 4)), equation="ij,jk->ki")


def where(d):
    x = d.floats()
    return Call(x > 0, x, d.floats(d.beside(x.shape)))


def index_of(d):
    x = d.floats()
    return Call(x, axis=d.axis(x), keepdims=d.int(0, 1))


def shape_of(d):
    return Call(d.floats((2, 3, 4)), start=d.int(-3, 2), end=d.int(-1, 3))


def constant(d):
    kind = d.int(0, 2)
    if kind == 0:
        return Call(value_floats=[1.0, 2.5])
    return Call(value_int=3) if kind == 1 else Call(value=helper.make_tensor("", 7, [2], [4, 5]))


def constant_of_shape(d):
    value = {"value": helper.make_tensor("", 11, [1], [2.5])} if d.flag() else {}
    return Call(np.array([2, 3]), known=[0], **value)


def trilu(d):
    x = d.floats((3, 4))
    return Call(x, np.array(d.int(-2, 2)), known=[1], upper=d.int(0, 1))


def transpose(d):
    x = d.floats((2, 3, 4))
    return Call(x, perm=d.rng.permutation(3).tolist()) if d.flag() else Call(x)


def ranged(d):
    return Call(np.array(d.int(0, 3)), np.array(d.int(4, 8)), np.array(2), known=[0, 1, 2])


def flatten(d):
    return Call(d.floats((2, 3, 4)), axis=d.int(-2, 3))


ALPHA = st.floats(0.5, 1.5, width=16)


def alike(names, row):
    return dict.fromkeys(names.split(), row)


ROWS = {
    **alike("Abs Atan Ceil Cos Cosh Exp Floor HardSwish Identity IsNaN Mish Neg", unary()),
    **alike("Asinh Relu Round Sigmoid Sign Sin Sinh Softplus Softsign Tanh", unary()),
    **alike("Acos Asin Atanh Tan", unary(low=-0.9, high=0.9)),
    **alike("Log Reciprocal Sqrt", unary(low=0.5)),
    **alike("Add Sub Mul PRelu Equal Greater GreaterOrEqual Less LessOrEqual", binary()),
    **alike("And Or Xor", logical),
    **alike("Max Min Sum Mean", several),
    **alike("ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum", reduction),
    **alike("ReduceL1 ReduceL2 ReduceLogSumExp ReduceSumSquare", reduction),
    **alike("Softmax LogSoftmax", softmax),
    **alike("ArgMax ArgMin", index_of),
    "ReduceLogSum": lambda d: reduction(d, low=0.5),
    "Acosh": unary(low=1.5),
    "BatchNormalization": batch,
    "Cast": cast,
    "CastLike": lambda d: Call(d.floats(), d.floats(()).astype(np.float64)),
    "Celu": unary(alpha=ALPHA),
    "Clip": clip,
    "Concat": concat,
    "Constant": constant,
    "ConstantOfShape": constant_of_shape,
    "CumSum": cumulative,
    "Div": division,
    "Dropout": lambda d: Call(d.floats(), opset=13),
    "Einsum": einsum,
    "Elu": unary(alpha=ALPHA),
    "Expand": expand,
    "Flatten": flatten,
    "Gather": gather,
    "GatherElements": gather_elements,
    "Gelu": lambda d: Call(d.floats(), approximate="tanh", opset=20),
    "Gemm": gemm,
    "HardSigmoid": unary(alpha=ALPHA, beta=ALPHA),
    "LayerNormalization": normalization,
    "LeakyRelu": unary(alpha=ALPHA),
    "MatMul": product,
    "Mod": modulo,
    "Not": lambda d: Call(d.floats() > 0),
    "OneHot": one_hot,
    "Pad": pad,
    "Pow": binary(0.5),
    "RMSNormalization": rms,
    "Range": ranged,
    "Reshape": reshape,
    "ScatterElements": scatter,
    "ScatterND": scatter_nd,
    "Selu": unary(alpha=ALPHA, gamma=ALPHA),
    "Shape": shape_of,
    "Size": unary(),
    "Slice": sliced,
    "Split": split,
    "Squeeze": squeeze,
    "ThresholdedRelu": unary(alpha=ALPHA),
    "Tile": tile,
    "TopK": top_k,
    "Transpose": transpose,
    "Trilu": trilu,
    "Unsqueeze": unsqueeze,
    "Where": where,
}


def test_every_operator_has_a_row():
    assert set(ROWS) == set(OPERATORS) - RECURRENT


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("op", ROWS)
@settings(max_examples=4)
@given(st.data())
def test_values_and_gradients(op, data):
    d = Draw(data.draw)
    call = ROWS[op](d)
    names = ["" if x is None else f"x{k}" for k, x in enumerate(call.inputs)]
    arrays = {name: x for name, x in zip(names, call.inputs, strict=True) if name}
    known = {names[k]: call.inputs[k] for k in call.known if names[k]}
    fed = {name: x for name, x in arrays.items() if name not in known}
    results = [f"y{k}" for k in range(call.outputs)]
    node = helper.make_node(op, names, results, **call.attributes)
    opset = call.opset or d.opset
    # its outputs are as declared in the second one only, which does not matter to the reference
    sketch = model_of([node], fed, dict.fromkeys(results, (np.float32, 1)), known, opset)
    expected = ReferenceEvaluator(sketch).run(None, fed)
    kinds = {name: (y.dtype, y.ndim) for name, y in zip(results, expected, strict=True)}
    model = model_of([node], fed, kinds, known, opset)
    if opset < 13:
        # the reference computes softmax of these as of opset 13
        expected = by_onnxruntime(model, fed)
    given = mg.from_onnx(model)(**fed)
    assert_close(given if isinstance(given, tuple) else (given,), expected)
    twin = mg.from_onnx(model, dtype=np.float64)
    floats = {name: x for name, x in fed.items() if x.dtype.kind == "f"}
    leaves = {name: mg.tensor(x, requires_grad=True, dtype=float) for name, x in floats.items()}
    outputs = twin(**{**fed, **leaves})
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    smooth = [np.sum(y * y) for y in outputs if y.requires_grad]
    if smooth:
        assert mg.gradcheck(mg.Tape.of(sum(smooth)))
