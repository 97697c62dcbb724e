"""The sentences are what the rules compute: each, read as NumPy, gives the contribution of the rule."""

import functools
import importlib.util
import re
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import models
from minigrad.core import gates
from minigrad.core.inspection.notation import filled, letters, templates
from minigrad.ops import OPS, activations, decompositions, linalg, op_name
from minigrad.ops.elementwise import accumulate, cast
from minigrad.ops.indexing import PART, scatter
from minigrad.ops.numeric.fourier import fft_imag, fft_real
from minigrad.ops.selection import put_along
from tests.gates import GATES
from tests.laws import examples
from tests.minigrad.ops.rows import ROWS


# --- a formula as NumPy ---------------------------------------------------------------------------------------------
class Matrix(np.ndarray):
    """Arrays with the signs that Python lacks: x.t and x.inv for ᵀ and ⁻¹, % for ⊗."""

    @property
    def t(self):
        return np.swapaxes(self, -1, -2)

    @property
    def inv(self):
        return np.linalg.inv(self).view(Matrix)

    def __mod__(self, other):
        return self[..., :, None] * np.asarray(other)[..., None, :]


class Identity:
    def __sub__(self, x):
        return (np.eye(len(x)) - x).view(Matrix)

    __array_ufunc__ = None


def matrix(x):
    return np.asarray(x).view(Matrix)


SIGNS = {"·": "@", "⊙": "*", "⊗": "%", "ᵀ": ".t", "⁻¹": ".inv", "²": "**2", "^": "**", "π": "pi"}


def as_python(text):
    """``g ⊙ [x > 0]`` -> ``g * (1.0 * (x > 0))``."""
    if at := re.fullmatch(r"(.*) at \[(.*)\], 0 elsewhere", text):
        return f"at({at[1]}, s_[{at[2]}])"
    text = re.sub(
        r"(?<![\w)])\[([^\]]*)\]", lambda m: f"(1.0 * ({m[1].replace(' = ', ' == ')}))", text
    )
    text = re.sub(r"‖([^‖]*)‖", r"norm(\1)", text)
    for sign, python in SIGNS.items():
        text = text.replace(sign, python)
    return text


@functools.cache
def words_of_scipy():
    if not importlib.util.find_spec("scipy"):
        return {}
    from scipy import special

    from minigrad.ops.numeric.special_functions import polygamma

    names = {name for name in dir(special) if isinstance(getattr(special, name), np.ufunc)}
    return {name: getattr(special, name) for name in names} | {"polygamma": polygamma}


def words_for(n, slot):
    """What the words of the sentences mean for this input of this node."""
    x, keywords = n.inputs[slot], n.kwargs

    def spread(v):
        v = np.asarray(v)
        if v.ndim < x.ndim and not keywords.get("keepdims"):
            v = np.expand_dims(
                v, tuple(range(x.ndim)) if keywords.get("axis") is None else keywords["axis"]
            )
        return matrix(np.broadcast_to(v, x.shape))

    def at(g, index):
        out = np.zeros(x.shape)
        np.add.at(out, index, g)
        return out

    def symmetric(v):
        return (v + matrix(v).t) / 2

    words = {
        **words_of_scipy(),
        **vars(np),
        "spread": spread,
        "at": at,
        "I": Identity(),
        "solve": lambda a, b: matrix(np.linalg.solve(a, b)),
        "sum": lambda v, axis=None: np.sum(v, axis=axis, keepdims=axis is not None),
        "norm": np.linalg.norm,
        "det": np.linalg.det,
        "softmax": lambda v: mg.softmax(np.asarray(v)),
        "one_hot": lambda t: np.eye(n.inputs[0].shape[-1])[t],
        "min": min,
        "fn": lambda g: g,
        "full": lambda g: np.pad(np.ravel(g), cut_off(n)),
        "correlate": lambda g, v: np.correlate(g, np.atleast_1d(v), mode="valid"),
        "fft_real": lambda g: fft_real(np.asarray(g), **keywords),
        "fft_imag": lambda g: fft_imag(np.asarray(g), **keywords),
        "cast": lambda v, dtype: v,
        "symmetric": symmetric,
        "half_lower": lambda v: (np.tril(v) + np.tril(v, -1)) / 2,
        "put_along": lambda g, i, axis, shape: put_along(
            *map(np.asarray, (g, i)), axis=axis, shape=shape
        ),
    }
    if n.fn in (np.max, np.min, np.linalg.vector_norm):
        extreme = np.absolute(x.data) if n.fn is np.linalg.vector_norm else x.data
        words["ties"] = np.sum(extreme == spread(n.data), axis=keywords.get("axis"), keepdims=True)
    if n.fn in (np.linalg.eigvalsh, decompositions.eigenvalues):
        words["V"] = matrix(np.linalg.eigh(x.data)[1])
    if n.fn in (np.linalg.svdvals, decompositions.singular_values):
        u, _, vh = np.linalg.svd(x.data, full_matrices=False)
        words |= {"U": matrix(u), "V": matrix(vh).t}
    return words


def cut_off(n):
    """How much of the full convolution the mode of this one leaves out, at both ends."""
    short, long = sorted(x.size for x in n.inputs)
    begin = {"full": 0, "same": (short - 1) // 2, "valid": short - 1}[n.kwargs["mode"]]
    return begin, short + long - 1 - begin - n.size


def evaluated(step, slot):
    """The formula for one input of this step, evaluated on the numbers, in the shape of the input."""
    n = step.tensor
    names = {x: f"in_{i}" for i, x in enumerate(n.inputs)} | {n: "y_"}
    values = {f"in_{i}": matrix(x.data) for i, x in enumerate(n.inputs)}
    values |= {"y_": matrix(n.data), "g_": matrix(step.grad)}
    text = filled(n, templates(n)[slot], names, "g_")
    found = np.asarray(eval(as_python(text), words_for(n, slot), values))
    return (
        np.broadcast_to(found, n.inputs[slot].shape)
        if found.size == 1
        else found.reshape(n.inputs[slot].shape)
    )


# --- a use of every function -----------------------------------------------------------------------------------------
def some(*shape, seed=0, low=0.2, high=0.9):
    return np.random.default_rng(seed).uniform(low, high, shape)


def square(n=3):
    return some(n, n) / 8 + np.diag(np.arange(1.0, n + 1))


def definite():
    return square() + square().T


def fn_of(fn, *arrays, **keywords):
    return (
        op_name(fn) + (str(keywords) if keywords else ""),
        lambda *xs: fn(*xs, **keywords),
        arrays,
    )


index = np.array([2, 0, 2])
NUMPYS = {fn for fn in vars(np).values() if isinstance(fn, np.ufunc)}
OF_TWO = [
    fn
    for fn, op in OPS.items()
    if fn in NUMPYS and fn.signature is None and fn.nin == 2 and any(op.rules)
]
USES = [
    *(fn_of(fn, some(2, 3), some(2, 3, seed=1) + 1) for fn in OF_TWO),
    *(
        fn_of(fn, some(3), some(2, 1, seed=1))
        for fn in (np.add, np.multiply, np.divide, np.maximum, np.hypot)
    ),
    *(
        fn_of(fn, np.array([1.0, 2, 3]), np.array([3.0, 2, 1]))
        for fn in (np.maximum, np.minimum, np.fmax, np.fmin)
    ),
    fn_of(np.sinc, some(3)),
    fn_of(np.nan_to_num, np.array([1, np.nan, np.inf])),
    ("where", lambda a, b: np.where(np.array([True, False, True]), a, b), (some(3), some(2, 3))),
    *((f"power {k}", lambda x, k=k: x**k, (some(3),)) for k in (3, 2, 1, 0.5, -1)),
    ("cast", lambda x: cast(x, np.float64) * 2, (some(3),)),
    *(fn_of(fn, some(2, 3)) for fn in (mg.sigmoid, mg.relu, mg.softmax, mg.log_softmax)),
    *(fn_of(fn, some(2, 3), axis=0) for fn in (mg.softmax, mg.log_softmax)),
    ("cross_entropy", lambda x: mg.cross_entropy(x, np.array([2, 0])), (some(2, 3),)),
    ("surprisal", lambda x: activations.surprisal(x, np.array([2, 0])), (some(2, 3),)),
    (
        "surprisal_gradient",
        lambda x, g: activations.surprisal_gradient(x, np.array([2, 0]), g),
        (some(2, 3), some(2)),
    ),
    ("embedding", lambda w: mg.embedding(np.array([2, 0, 2]), w), (some(3, 2),)),
    ("some_weight", activations.some_weight, (some(),)),
    fn_of(mg.logsumexp, some(2, 3)),
    fn_of(mg.logsumexp, some(2, 3), axis=1),
    fn_of(mg.logsumexp, some(2, 3), axis=0, keepdims=True),
    ("scale_grad", gates.scale_grad, (some(2, 3), some())),
    *(
        (f"{op_name(fn)} 0.3", partial(make, s=0.3), (some(2, 3),))
        for fn, make in GATES.items()
        if fn not in gates.CLOSED
    ),
    ("accumulate", accumulate, (some(3), some(3), some(3))),
    *(
        fn_of(fn, some(2, 3), **k)
        for fn in (np.sum, np.mean, np.max, np.min)
        for k in ({}, {"axis": 0}, {"axis": (0, 1)}, {"axis": 1, "keepdims": True})
    ),
    ("max of ties", lambda x: np.max(x, axis=0), (np.array([[1.0, 2], [1, 3]]),)),
    fn_of(np.cumsum, some(2, 3), axis=1),
    *(fn_of(np.linalg.vector_norm, some(2, 3), axis=1, ord=p) for p in (1, 2, 3, np.inf)),
    ("reshape", lambda x: np.reshape(x, (3, 2)), (some(2, 3),)),
    ("expand_dims", lambda x: np.expand_dims(x, 1), (some(2, 3),)),
    ("squeeze", np.squeeze, (some(2, 1),)),
    ("broadcast_to", lambda x: np.broadcast_to(x, (4, 2, 3)), (some(2, 1),)),
    ("transpose", np.transpose, (some(2, 3),)),
    ("transpose as it is", lambda x: np.transpose(x, (0, 1)), (some(2, 3),)),
    ("transpose axes", lambda x: np.transpose(x, (1, -1, 0)), (some(2, 3, 4),)),
    ("swapaxes", lambda x: np.swapaxes(x, 0, 2), (some(2, 3, 4),)),
    ("concatenate", lambda *xs: np.concatenate(xs, axis=1), (some(2, 3), some(2, 1))),
    ("concatenate flat", lambda *xs: np.concatenate(xs, axis=None), (some(2, 3), some(2, 1))),
    ("stack", lambda *xs: np.stack(xs, axis=-1), (some(2, 3), some(2, 3))),
    ("getitem", lambda x: x[1], (some(3, 2),)),
    ("getitem slices", lambda x: x[..., ::2], (some(3, 4),)),
    ("getitem newaxis", lambda x: x[None, 1:, :-1], (some(3, 4),)),
    ("getitem array", lambda x: x[index, 1], (some(3, 4),)),
    ("getitem list", lambda x: x[:, [0, 0]], (some(3, 4),)),
    (
        "scatter",
        lambda g, h: scatter(g, index, h, indices=((PART, slice(1, 3)), (1,)), shape=(3, 4)),
        (some(3, 2), some(4)),
    ),
    ("take_along_axis", lambda x: np.take_along_axis(x, np.array([[0, 2]]), axis=1), (some(1, 3),)),
    ("put_along", lambda g: put_along(g, np.array([[0, 2]]), axis=1, shape=(1, 3)), (some(1, 2),)),
    *(
        (f"matmul {a} {b}", np.matmul, (some(*a), some(*b)))
        for a, b in (
            ((2, 3), (3, 4)),
            ((3,), (3, 4)),
            ((2, 3), (3,)),
            ((3,), (3,)),
            ((5, 2, 3), (3, 4)),
            ((2, 3), (5, 3, 4)),
        )
    ),
    *(
        (f"einsum {s}", lambda *xs, s=s: np.einsum(s, *xs), tuple(some(*shape) for shape in shapes))
        for s, *shapes in (
            ("ij,jk->ik", (2, 3), (3, 4)),
            ("ij,j", (2, 3), (3,)),
            ("bi,bj->ij", (5, 2), (5, 3)),
            ("i,j->ij", (2,), (3,)),
            ("...i,i->...", (2, 3, 4), (4,)),
            ("ab,bc,cd->ad", (2, 2), (2, 3), (3, 2)),
        )
    ),
    ("multi_dot", lambda *xs: np.linalg.multi_dot(xs), (some(2, 3), some(3, 4), some(4, 2))),
    *(
        fn_of(fn, square())
        for fn in (np.linalg.inv, np.linalg.det, np.linalg.slogdet, np.linalg.svdvals)
    ),
    fn_of(linalg.cofactors, square()),
    fn_of(np.linalg.solve, square(), some(3, 2)),
    fn_of(np.linalg.solve, square(), some(3)),
    fn_of(np.linalg.pinv, square()[:, :2]),
    fn_of(np.linalg.cholesky, definite()),
    fn_of(np.linalg.eigvalsh, definite()),
    ("eigenvalues", lambda x: np.linalg.eigh(x)[0], (definite(),)),
    ("singular_values", lambda x: np.linalg.svd(x, full_matrices=False)[1], (square(),)),
]
IN_WORDS = {
    decompositions.eigh,
    decompositions.svd,
}  # no formula to evaluate: named for what they are
DIFFERENTIABLE = [fn for fn, op in OPS.items() if op.joint is not None or any(op.rules)]


def last_number(out):
    """A loss that sees every element of every result differently."""
    outs = out if isinstance(out, tuple) else (out,)
    total = 0
    for o in outs:
        if o.requires_grad:
            total = total + np.sum(o * mg.tensor(some(*o.shape, seed=9), name="weight"))
    return total


def tape_of(fn, arrays):
    return mg.Tape.of(last_number(fn(*[mg.tensor(a, True, name="x") for a in arrays])))


def check_sentences(tape):
    """Every sentence of a tape against the contribution that it is about."""
    seen = 0
    with np.errstate(invalid="ignore"):
        for step in tape.steps():
            for slot, c in enumerate(step.contributions):
                if c is not None and step.tensor.fn not in IN_WORDS:
                    np.testing.assert_allclose(
                        evaluated(step, slot), c, rtol=1e-12, atol=1e-13, err_msg=step.formula
                    )
                    seen += 1
    assert seen


@pytest.mark.parametrize(("name", "fn", "arrays"), USES, ids=[u[0] for u in USES])
def test_a_formula_says_what_the_rule_computes(name, fn, arrays):
    check_sentences(tape_of(fn, arrays))


USED = {n.fn for _, fn, arrays in USES for n in tape_of(fn, arrays).nodes}
REST = [row for row in ROWS if row[0] in DIFFERENTIABLE and row[0] not in USED | IN_WORDS]


@pytest.mark.parametrize("row", [r for _, _, r in REST], ids=[op_name(fn) for fn, _, _ in REST])
@examples(5)
@given(data=st.data())
def test_where_no_use_above_names_a_function_its_row_says_it(row, data):
    check_sentences(tape_of(*data.draw(row)))


def test_every_differentiable_function_has_a_formula_for_every_input():
    for fn in DIFFERENTIABLE:
        op = OPS[fn]
        assert op.says, f"{op_name(fn)} has no formula: say it in its row, says="
        said = (op.says,) if isinstance(op.says, str) else op.says
        if not callable(said):
            assert [t is not None for t in said] == [op.passes(i) for i in range(len(said))], (
                op_name(fn)
            )
            assert op.joint is not None or len(said) == len(op.rules), op_name(fn)


def test_uses_and_rows_meet_every_differentiable_function():
    assert not set(DIFFERENTIABLE) - USED - IN_WORDS - {fn for fn, _, _ in REST}


def test_where_numpy_s_letters_are_said_as_they_are_used():
    y = np.where(
        np.array([True, False]), mg.tensor([1.0, 2.0], True, "u"), mg.tensor([3.0, 4.0], True, "v")
    )
    assert letters(y) == ["c", "a", "b"]
    assert [
        line for s in mg.Tape.of(np.sum(y)).steps() for line in s.formulas if s.tensor is y
    ] == [
        None,
        "dL/du += where(constant, dL/dwhere, 0)",
        "dL/dv += where(constant, 0, dL/dwhere)",
    ]


def test_the_linear_rnn_reads_as_equations_9_7_13_and_14():
    lines = [line for step in models.section(3).tape.steps() for line in step.formula.splitlines()]
    assert "dL/dh_3 += W_qhᵀ · dL/do_3" in lines  # 9.7.13
    assert [line for line in lines if line.startswith("dL/dh_2")] == [  # 9.7.14
        "dL/dh_2 += W_hhᵀ · dL/dh_3",
        "dL/dh_2 += W_qhᵀ · dL/do_2",
    ]
    assert [line for line in lines if line.startswith("dL/dW_hh")] == [  # 9.7.16
        f"dL/dW_hh += dL/dh_{t} · h_{t - 1}ᵀ" for t in (3, 2, 1)
    ]


def test_a_name_is_only_a_name():
    x = mg.tensor([1.0], requires_grad=True, name="{x} · {0}")
    step = next(s for s in mg.Tape.of(np.sum(np.tanh(x))).steps() if s.tensor.op == "tanh")
    assert step.formula == "dL/d{x} · {0} += dL/dtanh ⊙ (1 - tanh²)"


def test_a_batch_of_matrices_times_a_vector_says_that_it_is_summed_over():
    a, v = mg.tensor(some(5, 2, 3), True, "A"), mg.tensor(some(3), True, "v")
    step = next(s for s in mg.Tape.of(np.sum(a @ v)).steps() if s.tensor.op == "matmul")
    assert step.formulas[1] == "dL/dv += sum over the batch of Aᵀ · dL/dmatmul"
