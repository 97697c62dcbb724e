"""The exact text of every message: what, got, expected, remedy, where. A new message needs a row."""
# ruff: noqa: E501  (a message is one line)

import ast
import copy
import re
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

import minigrad as mg
from minigrad import errors
from minigrad.compiler.native import toolchain
from minigrad.containers import mapped, parameters
from minigrad.core.sweep import conform
from minigrad.errors import MinigradError
from minigrad.transforms import (
    checkpoint,
    clip,
    cut,
    differentiate,
    truncate,
    truncate_randomly,
    untie,
    update,
)

ENGINE = Path(mg.__file__).parent
# folders and files whose messages have a test of their own beside the thing itself
ELSEWHERE = {
    "checks",
    "cli",
    "debugger",
    "engines",
    "errors.py",
    "files.py",
    "notation.py",
    "own.py",
    "rolled",
    "watch.py",
}
A = np.arange(1.0, 5)


def w(x=2.0, name="w"):
    return mg.tensor(x, requires_grad=True, name=name)


def at(t, call):
    with mg.timestep(t):
        return call()


def stale():
    p = w()
    tape = mg.Tape.of((p * 3).named("y"))
    p.assign(1.0)
    return tape


def differentiated(*params):
    return differentiate(mg.Tape.of(sum(p * p for p in params)))


def updated(*params):
    params = params or (w(),)
    optimizer = mg.optim.SGD(params, lr=1.0)
    return optimizer, update(differentiated(*params), optimizer)


def updated_otherwise():
    optimizer, tape = updated()
    optimizer.groups[0]["momentum"] = 0.5
    mg.compile(tape)()


def updated_apart():
    optimizer, tape = updated(w(), w(name="v"))
    optimizer.step([1.0, None])
    tape.replay()


def carrying(carry):
    x, i, h = mg.tensor(A, name="x"), mg.tensor(1, name="i"), mg.tensor(1.0, name="h")
    return mg.compile(mg.Tape.of(h + 1.0, x + i), carry=carry)


def carried_twice():
    h = mg.tensor(1.0, name="h")
    return mg.compile(mg.Tape.of(h + 1.0), carry={"h": "add", h: "add"})


def set_state():
    x, h = mg.tensor(1.0, name="x"), mg.tensor(1.0, name="h")
    mg.compile(mg.Tape.of(x + h), carry={"h": "add"}).state = {"x": 1.0}


def stale_untied():
    p = w()
    tape = rnn(p)
    p.assign(1.0)
    untie(tape, p)


def summed(steps=3):
    """A sum inside the steps that the end bends: a state, or a loss."""
    c = 0.0
    for t in range(1, steps + 1):
        c = at(t, lambda c=c, t=t: (c + np.tanh(w() * t)).named(f"c_{t}"))
    return mg.Tape.of(np.exp(c))


def shared():
    x = at(1, lambda: np.sum(w() * A).named("x"))
    ys = [at(t, lambda: np.tanh(x)) for t in (2, 3)]
    return mg.Tape.of(ys[0] * ys[1])


def stamped_again(steps=3):
    h = w().detach()
    for _ in range(2):
        for t in range(1, steps + 1):
            h = at(t, lambda h=h: np.tanh(h * w()))
    return mg.Tape.of(h)


def exploded():
    p = w()
    (p * np.inf).backward()
    mg.optim.clip_grad_norm([p], 1.0)


def total_of_finished():
    loss = w() * 2
    loss.named("L").backward()
    (0 + loss).backward()


def swept_twice():
    y = at(3, lambda: np.tanh(w()).named("h_3"))
    (y * 2).backward()
    (y * 3).backward()


def plan():
    return mg.compile(mg.Tape.of(np.sum(mg.tensor(A, name="x"))))


def constant_assigned():
    k = mg.tensor(A)
    compiled = mg.compile(mg.Tape.of(np.sum(k * mg.tensor(A, name="x"))))
    k.assign(A)
    compiled()


def peeked():
    h = at(3, lambda: np.tanh(mg.tensor(A, name="x")))
    mg.compile(mg.Tape.of(np.sum(h) * (2 if np.max(h) > 0 else 1)))


def three_inputs():
    return mg.Tape.of(sum(mg.tensor(A, name="x") * mg.tensor(A, name=name) for name in "xyz"))


def fed_twice():
    x = mg.tensor(A, name="x")
    mg.compile(mg.Tape.of(x * 2))({"x": A, x: A})


def cut_state():
    p = w()
    state = at(3, (p * 2).detach)
    return mg.Tape.of(state * p)


def gated(fn):
    """The gradient of a gate that calls fn, recorded."""
    return differentiate(mg.Tape.of(mg.on_backward(w() * 2, fn)))


def masked():
    x, m = (
        mg.tensor(np.arange(4.0), name="x"),
        mg.tensor([True, False, True, True], name="m", dtype=bool),
    )
    tape = mg.Tape.of(x[m])
    m.peeked = None  # as where the mask itself was not looked at
    mg.compile(tape)({"x": A, "m": np.array([False, True, False, False])})


def indexed():
    E, i = mg.tensor(np.ones((3, 2)), name="E"), mg.tensor([0, 1], name="i", dtype=int)
    mg.compile(mg.Tape.of(E[i]))({"E": np.ones((3, 2)), "i": np.array([0, 9])})


def labelled():
    x, y = mg.tensor(np.ones((2, 3)), name="x"), mg.tensor([0, 1], name="y", dtype=int)
    mg.compile(mg.Tape.of(mg.cross_entropy(x, y)))({x: x.data, y: np.array([0, 3])})


def looked_up():
    rows, table = mg.tensor([0, 1], name="rows", dtype=int), mg.tensor(np.ones((2, 3)), name="E")
    mg.compile(mg.Tape.of(mg.embedding(rows, table)))({"rows": [0, 2], "E": table.data})


def without_a_compiler():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toolchain, "compiler", lambda: None)
        mg.compile(mg.Tape.of(w() * 2), backend="native")


def without(fn):
    """A loss that fn keeps from its parameter."""
    return lambda: np.sum(fn(w(A))).named("L").backward()


def under_no_grad():
    with mg.no_grad():
        h = w() * 2
    (h * 3).named("L").backward()


def rnn(p=None):
    h, p = mg.tensor(1.0, name="h_0"), p or w()
    for t in range(1, 4):
        h = at(t, lambda h=h, t=t: (h * p).named(f"h_{t}"))
    return mg.Tape.of(h)


def sgd(*params):
    return mg.optim.SGD(params, lr=1.0)


def set_data():
    w().data = A


def set_item():
    x = w(A)
    x[0] = 1


def add_to_item():
    x = w(A)
    x[0] += 1


def add_into_array():
    a = A.copy()
    a += w(A)


def set_number():
    a = A.copy()
    a[0] = w() * 2


def add_to_parameter():
    p = w(A)
    p += A


def under_no_grad_too():
    p = w(np.eye(2))
    with mg.no_grad():
        p @= np.eye(2)


class Foreign:
    """An array of another library, which NumPy cannot read."""

    def __init__(self, error, dtype="float32"):
        self.error = error
        self.dtype = dtype

    def __array__(self, dtype=None, copy=None):
        raise self.error


BFLOAT16 = Foreign(TypeError("Got unsupported ScalarType BFloat16"), "torch.bfloat16")
NEEDS_GRADIENT = Foreign(RuntimeError("Can't call numpy() on Tensor that requires grad."))


def other_mask():
    x = w(A)
    mg.Tape.of(x[x > 1.5].named("y")).replay({x: -A})


def entered_twice():
    step = mg.timestep(1)
    with step, step:
        pass


X = mg.tensor(np.ones((1, 4)), name="h_3")
W = mg.tensor(np.ones((5, 5)), name="W_hh")
# what is called, and the message; {} is the line of this file that the message names
MESSAGES = [
    (
        lambda: next(mg.Tape.of(w() * 3).steps()).rule(1),
        "rule of 'multiply': nothing is sent to input 1; inputs that are sent something: 0. [{}]",
    ),
    # --- tensors
    (lambda: mg.tensor(None), "tensor: None. [{}]"),
    (lambda: mg.tensor(None, name="x"), "tensor 'x': None. [{}]"),
    (
        lambda: mg.tensor([[1], [1, 2]]),
        "tensor: setting an array element with a sequence. The requested array has an inhomogeneous shape after 1 dimensions. The detected shape was (2,) + inhomogeneous part. [{}]",
    ),
    (lambda: mg.tensor("a"), "tensor: dtype <U1; expected real numbers. [{}]"),
    (
        lambda: mg.tensor(np.arange(3), requires_grad=True, name="n"),
        "tensor 'n': dtype int64; a gradient needs a floating dtype. Pass dtype=float. [{}]",
    ),
    (
        lambda: mg.tensor([1j]),
        "tensor: dtype complex128; expected real numbers. Keep real and imaginary part as two Tensors. [{}]",
    ),
    (
        lambda: w() * 1j,
        "multiply: dtype complex128; expected real numbers. Keep real and imaginary part as two Tensors. [{}]",
    ),
    (
        lambda: w().astype(complex),
        "cast: dtype complex128; expected real numbers. Keep real and imaginary part as two Tensors. [{}]",
    ),
    (
        lambda: mg.tensor(np.zeros(2, "V2")),
        "tensor: dtype |V2; expected real numbers. Cast it to float32. [{}]",
    ),
    (
        lambda: mg.tensor(BFLOAT16, name="x"),
        "tensor 'x': Got unsupported ScalarType BFloat16. Cast it to float32. [{}]",
    ),
    (
        lambda: w(A) * BFLOAT16,
        "multiply: 'w' is (4,); Got unsupported ScalarType BFloat16. Cast it to float32. [{}]",
    ),
    (
        lambda: mg.tensor(NEEDS_GRADIENT),
        "tensor: Can't call numpy() on Tensor that requires grad. [{}]",
    ),
    (
        lambda: w(A) * NEEDS_GRADIENT,
        "multiply: Can't call numpy() on Tensor that requires grad. [{}]",
    ),
    (
        lambda: mg.tensor(w() * 2, name="h"),
        "tensor: 'multiply' needs a gradient, which a copy would drop. It is a Tensor already: t.named(...) names it, t.detach() cuts it off. [{}]",
    ),
    (
        lambda: mg.tensor(w()),
        "tensor: 'w' needs a gradient, which a copy would drop. t.detach() is a constant, tensor(t, requires_grad=True) another parameter. [{}]",
    ),
    (
        add_to_parameter,
        "+=: 'w' is a parameter, which it would leave as it is. Write w.assign(w.data + ...) or use minigrad.optim; for a result write y = w + ... instead. [{}]",
    ),
    (
        under_no_grad_too,
        "@=: 'w' is a parameter, which it would leave as it is. Write w.assign(w.data @ ...) or use minigrad.optim; for a result write y = w @ ... instead. [{}]",
    ),
    (
        lambda: (w() * 2).named("h_3").grad,
        "grad: 'h_3' is a result of multiply; only leaves keep one. minigrad.grad(loss, [h]) gives it, Tape.of(loss).steps() those of all; on_backward(h, fn) sees it pass. [{}]",
    ),
    (lambda: list(w()), "len or iteration: 'w' is (), one number. Take t.item(), or t[None]. [{}]"),
    (lambda: float(w(A)), "float: 'w' is float64 of shape (4,); expected one number. [{}]"),
    (lambda: int(w(A)), "int: 'w' is float64 of shape (4,); expected one number. [{}]"),
    (lambda: [1, 2][w()], "index: 'w' is float64 of shape (); expected one integer. [{}]"),
    (
        lambda: bool(w(A)),
        "bool: 'w' is (4,); The truth value of an array with more than one element is ambiguous. Use a.any() or a.all(). [{}]",
    ),
    (
        lambda: w(A).item(),
        "item: 'w' is (4,); can only convert an array of size 1 to a Python scalar. [{}]",
    ),
    (
        lambda: mg.tensor([1, 2], name="n").assign([0.5, 1]),
        "assign: 'n' is int64, the new value float64; its fractions would be lost. [{}]",
    ),
    (set_data, "data: 'w' is read-only. Write w.assign(w.data - ...), or use minigrad.optim. [{}]"),
    (
        set_item,
        "item assignment: 'w' is read-only; build the new value with np.where, np.concatenate or np.stack, or assign() a whole leaf. [{}]",
    ),
    (
        add_to_item,
        "item assignment: 'w' is read-only; build the new value with np.where, np.concatenate or np.stack, or assign() a whole leaf. [{}]",
    ),
    (
        set_number,
        "a[i] = t: 'multiply' needs a gradient, which a plain array would drop; collect Tensors in a list and np.stack them. [{}]",
    ),
    (
        lambda: mg.tensor(np.ma.array(A)),
        "tensor: a MaskedArray; expected plain arrays. Pass .filled(value), and the mask apart. [{}]",
    ),
    (
        entered_twice,
        "timestep: entered twice. Make one for each with statement. [t=1, {}]",
    ),
    (
        add_into_array,
        "add: out=, which would drop the gradient. Write a = a + b, not a += b into a plain array. [{}]",
    ),
    (
        lambda: (w() * 2).assign(1),
        "assign: 'multiply' is a result of multiply; only leaves change. [{}]",
    ),
    (lambda: w(A).assign(A[:2]), "assign: 'w' is (4,), the new value (2,). [{}]"),
    (
        lambda: copy.copy(w() * 2),
        "pickle or copy: 'multiply' is a result of multiply; only leaves can be. Take .numpy(). [{}]",
    ),
    (
        lambda: np.array([w(), w()]),
        "np.asarray: 'w' needs a gradient, which a plain array would drop; use np.stack to join Tensors, and .data or .numpy() for the bare value. [{}]",
    ),
    (lambda: w().sort(), "Tensor.sort: not there. Write np.sort(t). [{}]"),
    (
        lambda: w().fill(0),
        "Tensor.fill: not there. Take t.data, read-only, or t.numpy(), a copy. [{}]",
    ),
    (lambda: w().foo, "Tensor.foo: not there. [{}]"),
    (lambda: mg.timestep("1").__enter__(), "timestep: '1'; expected an integer. [{}]"),
    # --- operands
    (
        lambda: at(3, lambda: X @ W),
        "matmul: 'h_3' is (1, 4) and 'W_hh' is (5, 5); the last axis of the first (4) must equal the second's first (5). [t=3, {}]",
    ),
    (
        lambda: w(A) + A[:3],
        "add: 'w' is (4,) and 'constant' is (3,); operands could not be broadcast together with shapes (4,) (3,). [{}]",
    ),
    (
        lambda: w(A)[7],
        "getitem(index=(7,)): 'w' is (4,); index 7 is out of bounds for axis 0 with size 4. [{}]",
    ),
    (
        lambda: np.sum(w(A), axis=2),
        "sum(axis=2): 'w' is (4,); axis 2 is out of bounds for array of dimension 1. [{}]",
    ),
    (
        lambda: np.linalg.vector_norm(w(A), axis=5),
        "vector_norm(axis=5): 'w' is (4,); axis 5 is out of bounds for array of dimension 1. [{}]",
    ),
    (
        lambda: np.split(w(A), 3),
        "split: 'w' is (4,); array split does not result in an equal division. [{}]",
    ),
    (
        lambda: np.moveaxis(w(A), 0, 3),
        "moveaxis: 'w' is (4,); destination: axis 3 is out of bounds for array of dimension 1. [{}]",
    ),
    (
        lambda: np.gradient(w([1.0])),
        "gradient: 'w' is (1,); Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) elements are required. [{}]",
    ),
    (
        lambda: np.select([A], [w(A)]),
        "select: 'w' is (4,); invalid entry 0 in condlist: should be boolean ndarray. [{}]",
    ),
    (lambda: np.linalg.inv(w(np.zeros((2, 2)))), "inv: 'w' is (2, 2); Singular matrix. [{}]"),
    (lambda: np.linalg.matrix_power(w(A), 2), "matrix_power: (4,); square matrices wanted. [{}]"),
    # --- functions and keywords that have no gradient here
    (
        lambda: np.linalg.eig(w(A)),
        "np.linalg.eig: 'w' needs a gradient and minigrad cannot differentiate this function; write it with other NumPy functions, or pass x.data where no gradient is wanted. [{}]",
    ),
    (
        lambda: np.log(np.fft.fft(w(A))),
        "np.log: a Spectrum; abs, angle, real, imag, conj, + - * /, indexing, sums, shapes and np.fft are there. Go on with s.real and s.imag. [{}]",
    ),
    (
        lambda: np.sort(np.fft.fft(w(A))),
        "np.sort: a Spectrum; abs, angle, real, imag, conj, + - * /, indexing, sums, shapes and np.fft are there. Go on with s.real and s.imag. [{}]",
    ),
    (
        lambda: np.add.reduceat(w(A), [0]),
        "np.add.reduceat: 'w' needs a gradient and minigrad cannot differentiate this function; write it with other NumPy functions, or pass x.data where no gradient is wanted. [{}]",
    ),
    (
        lambda: np.sum(w(A), initial=1),
        "sum: keyword initial; minigrad differentiates it with axis, keepdims. [{}]",
    ),
    (
        lambda: np.var(w(A), dtype=np.float32),
        "var: keyword dtype; minigrad differentiates it with axis, ddof, keepdims. [{}]",
    ),
    (
        lambda: np.exp(w(A), where=A > 1),
        "exp: keyword where; minigrad differentiates it with no keywords. [{}]",
    ),
    (
        lambda: np.cumsum(w(A), dtype=float),
        "cumsum: got an unexpected keyword argument 'dtype'. [{}]",
    ),
    (lambda: w(A).take(), "take: missing a required argument: 'indices'. [{}]"),
    (lambda: mg.scale_grad(w()), "scale_grad: 1 arguments; 2 operands wanted. [{}]"),
    (
        lambda: np.where(w(A)),
        "where: a condition alone. np.nonzero(condition) says where it holds. [{}]",
    ),
    (
        lambda: np.pad(w(A), 1, "mean"),
        "pad: mode='mean'; constant, edge, reflect, symmetric or wrap. [{}]",
    ),
    (
        lambda: np.cross(w(A[:2]), A[:2]),
        "np.cross: vectors of 2 and 2 elements; 3 wanted. Of two: a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]. [{}]",
    ),
    (
        lambda: np.einsum(w(A), [-1, 0]),
        "einsum: axis -1; whole numbers from 0 to 51 and Ellipsis. [{}]",
    ),
    (
        lambda: np.linalg.multi_dot([w(np.ones((1, 1, 1))), A]),
        "np.linalg.multi_dot: stacks of matrices. Write a @ b. [{}]",
    ),
    (
        lambda: np.linalg.svd(w(np.ones((2, 3)))),
        "np.linalg.svd: full_matrices=True of matrices 2 by 3, where u or vh is not determined. Pass full_matrices=False. [{}]",
    ),
    (
        lambda: np.linalg.pinv(w(np.eye(2)), rtol=0.1),
        "np.linalg.pinv: a tolerance of 0.1, which may cut more than rounding errors. Pass rtol=None, or cut np.linalg.svd yourself. [{}]",
    ),
    (
        lambda: np.linalg.norm(w(A), 0),
        "np.linalg.norm: ord=0; any other number, inf or -inf of vectors. [{}]",
    ),
    (
        lambda: np.linalg.norm(w(np.eye(2)), 3),
        "np.linalg.norm: ord=3; None, 'fro', 'nuc', 1, -1, 2, -2, inf or -inf of matrices. [{}]",
    ),
    (
        lambda: np.linalg.norm(w(np.ones((1, 1, 1))), "fro"),
        "np.linalg.norm: 3 axes; 1 of vectors or 2 of matrices. [{}]",
    ),
    # --- functions and gates of ours
    (
        lambda: mg.cross_entropy(w(np.eye(2)), [0]),
        "cross_entropy: logits (2, 2) and targets (1,); targets must be (2,). [{}]",
    ),
    (
        lambda: mg.cross_entropy(w(np.eye(2)), [0, 2]),
        "cross_entropy: targets: 2; expected 0..1. [{}]",
    ),
    (
        lambda: mg.cross_entropy(w(np.eye(2)), [0.0, 1.0]),
        "cross_entropy: targets: float64; expected integers. [{}]",
    ),
    (
        lambda: mg.cross_entropy(w(np.eye(2)), [0, -1], ignore_index=0.5),
        "cross_entropy: ignore_index: 0.5; expected an integer. [{}]",
    ),
    (
        lambda: mg.cross_entropy(w(np.eye(2)), [0, 1], A),
        "cross_entropy: weight: (4,); expected (2,). [{}]",
    ),
    (
        lambda: mg.mse(w(A), 0.0, A[:3]),
        "mse: sample_weight: (3,); expected a shape that broadcasts to (4,). [{}]",
    ),
    (
        lambda: mg.mse(w(A), 0.0, reduction="max"),
        "mse: reduction: 'max'; expected one of mean, sum, none. [{}]",
    ),
    (
        lambda: mg.mse(w(A), 0.0, 0 * A),
        "mean loss: nothing counts; all targets are ignored, or all weights are 0. Leave such a batch out, or ask for reduction='sum'. [{}]",
    ),
    (lambda: mg.sequence_mask([1.5], 2), "lengths: float64; expected integers. [{}]"),
    (lambda: mg.sequence_mask([1, 3], 2), "lengths: 3; expected 1..2. [{}]"),
    (lambda: mg.clip_grad(w(), -1), "clip_grad: max_norm: -1; expected a number above 0. [{}]"),
    (
        lambda: mg.on_backward(w(A), lambda g: 0.0).sum().backward(),
        "on_backward: the function returned () for a gradient (4,). [{}]",
    ),
    (
        lambda: mg.on_backward(w(A), lambda g: g * 1j).sum().backward(),
        "on_backward: the function returned complex128; real numbers. [{}]",
    ),
    # --- backward
    (
        total_of_finished,
        "backward: an earlier backward() already went through 'L' and let go of it. Pass retain_graph=True to that one, or add the losses up before it. [{}]",
    ),
    (
        swept_twice,
        "backward: an earlier backward() already went through 'h_3'. Carry state from batch to batch with state.detach(), or pass retain_graph=True to go again. [t=3, {}]",
    ),
    (
        lambda: (w(A) * 2).named("y").backward(),
        "backward: 'y' is (4,); it starts from a scalar. Sum it, or pass gradient= of shape (4,). [{}]",
    ),
    (
        lambda: (w(A) * 2).named("y").backward(A[:2]),
        "backward: 'y' is (4,) and gradient (2,). [{}]",
    ),
    (lambda: w().backward(1j), "backward: gradient of dtype complex128; real numbers. [{}]"),
    (
        lambda: np.linalg.slogdet(w(np.zeros((2, 2))))[1].backward(1.0),
        "backward through 'slogdet': Singular matrix. [{}]",
    ),
    (
        lambda: mg.tensor(1.0, name="L").backward(),
        "backward: 'L' does not depend on anything that needs a gradient. Make parameters with tensor(..., requires_grad=True). [{}]",
    ),
    (
        without(mg.detach),
        "backward: 'L' does not depend on anything that needs a gradient; no gradient goes back through detach at {}, to 'w'. [{}]",
    ),
    (
        without(lambda p: p.detach()),
        "backward: 'L' does not depend on anything that needs a gradient; .detach() at {} cut it off. [{}]",
    ),
    (
        without(lambda p: p.astype(int)),
        "backward: 'L' does not depend on anything that needs a gradient; no gradient goes back through the cast to int64 at {}, to 'w'. [{}]",
    ),
    (
        without(np.argsort),
        "backward: 'L' does not depend on anything that needs a gradient; no gradient goes back through argsort at {}, to 'w'. [{}]",
    ),
    (
        under_no_grad,
        "backward: 'L' does not depend on anything that needs a gradient; no_grad() at {} cut it off. [{}]",
    ),
    (
        lambda: differentiate(rnn()).backward(),
        "backward: a tape with 2 outputs; it needs one. [{}]",
    ),
    (
        lambda: stale().backward(),
        "backward through 'y': 'w' was assigned a new value after 'y' read it. Go backward before the update, or run the forward pass again. [{}]",
    ),
    (
        lambda: mg.grad(w(), [mg.tensor(1.0, name="c")]),
        "grad: 'c' does not need a gradient. Make it with tensor(..., requires_grad=True). [{}]",
    ),
    (
        lambda: mg.grad(w(), None),
        "grad: None; expected Tensors, or dicts, lists, tuples, dataclasses or models of them. [{}]",
    ),
    (
        lambda: mg.grad(w(), {"w": w(), "b": 1.5}),
        "grad: a float among the Tensors; expected Tensors, or dicts, lists, tuples, dataclasses or models of them. [{}]",
    ),
    (
        lambda: parameters(None),
        "parameters: None; expected Tensors, or dicts, lists, tuples, dataclasses or models of them. [{}]",
    ),
    (lambda: mg.grad(w(), []), "grad: no parameter in this list; expected at least one. [{}]"),
    (
        lambda: mg.grad(w(), w()),
        "grad: 'w' is not on this tape; the output was not computed from it, but perhaps from a copy or another model. Ask for the Tensor that was used, or pass allow_unused=True for zeros. [{}]",
    ),
    (
        lambda: mg.grad(w() * 2, MappingProxyType({"w": w()}), allow_unused=True),
        "structure: no other mappingproxy can be made (cannot pickle 'mappingproxy' object). Ask for a list: models.parameters(model). [{}]",
    ),
    (
        lambda: mapped(max, {"a": 1}, {"b": 1}),
        "structure: a dict of ['a'] and one of ['b']; expected the same. [{}]",
    ),
    (
        lambda: mg.grad(w(), [w() * 2]),
        "grad: 'multiply' is not on this tape. A rewritten tape has its own: tape['h_1'] is its h_1. [{}]",
    ),
    # --- derivatives of functions
    (
        lambda: mg.jacobian(w(), A),
        "jacobian: a Tensor; expected a function and its arguments. [{}]",
    ),
    (
        lambda: mg.vjp(np.sin, 2),
        "vjp: int; expected floating numbers to differentiate by. Write 2.0 for 2. [{}]",
    ),
    (
        lambda: mg.hessian(lambda x: x.data, A),
        "hessian: fn returns a ndarray; expected a Tensor, or a dict, list, tuple or dataclass of them. Use NumPy functions of its arguments all the way: .data, float() and .detach() lose the gradient. [{}]",
    ),
    (
        lambda: mg.jacobian(lambda x: x.detach(), A),
        "jacobian: the result of fn does not depend on its arguments. Use NumPy functions of its arguments all the way: .data, float() and .detach() lose the gradient. [{}]",
    ),
    (
        lambda: mg.hvp(np.sin, A, A),
        "hvp: fn returns 'sin' of shape (4,); expected one scalar Tensor. [{}]",
    ),
    (
        lambda: mg.vjp(np.sin, A)[1](np.ones(3)),
        "vjp: (3,) for 'sin', which is (4,). [{}]",
    ),
    # --- tapes and transforms
    (lambda: mg.Tape.of(3), "Tape.of: int; expected Tensors. [{}]"),
    (lambda: rnn()["h_9"], "tape: no node is named 'h_9'; print(tape) lists the names. [{}]"),
    (
        lambda: rnn().replay({w(): 1.0}),
        "replay: 'w' is no leaf of this tape; its leaves are h_0, w. print(tape) lists them. [{}]",
    ),
    (
        lambda: rnn().replay({3: 1.0}),
        "replay: '3' is no leaf of this tape; its leaves are h_0, w. print(tape) lists them. [{}]",
    ),
    (other_mask, "replay: 'y' was (3,) and would be (0,). Record it anew. [{}]"),
    (lambda: rnn().replay({"w": A}), "replay: 'w' is (4,); expected (). [{}]"),
    (lambda: rnn().replay({"w": 1j}), "replay: 'w' is complex128; expected float64. [{}]"),
    (lambda: cut(w(), []), "transform: a Tensor; expected a Tape, as Tape.of(loss). [{}]"),
    (
        lambda: cut(rnn(), rnn().edges()),
        "transform: an edge to 'h_1' of another tape. Take the edges of the tape you change. [{}]",
    ),
    (
        lambda: truncate(differentiate(rnn()), every=1),
        "transform: this tape holds its gradients already; gates on it would change nothing. Truncate, scale or cut first, then differentiate. [{}]",
    ),
    (
        stale_untied,
        "transform: 'w' was assigned a new value after 'h_1' read it. Run the forward pass again. [t=1, {}]",
    ),
    (
        lambda: checkpoint(rnn(), every=0),
        'checkpoint: every: 0; expected a whole number from 1, or "auto". [{}]',
    ),
    (
        lambda: truncate(rnn()),
        "truncate: neither every nor window; name at least one of them. [{}]",
    ),
    (lambda: truncate(rnn(), every=0), "truncate: every: 0; expected a whole number from 1. [{}]"),
    (
        lambda: truncate(mg.Tape.of(w() * 2), every=1),
        "truncate: the tape has no time steps. Run each step of the loop inside `with minigrad.timestep(t):`. [{}]",
    ),
    (
        lambda: truncate_randomly(rnn(), 1.5, 0),
        "truncate_randomly: keep at t=2: 1.5; expected a probability and a step in 2..3. [{}]",
    ),
    # --- what is state
    (
        lambda: truncate(summed(), every=1),
        "truncate: 'c' is handed on (t=1..2) and read at the end; it could be a state or a running loss. Keep a running loss outside `timestep` (collect it in a list), or name the states: state=['c']. [{}]",
    ),
    (
        lambda: truncate(shared(), every=1),
        "truncate: 'x' is computed in one step and read in others; it could be a state or a weight. Compute a weight outside `timestep`, or name the states: state=['x']. [{}]",
    ),
    (
        lambda: summed().recurrent_edges("h"),
        "recurrent_edges: state: 'h' is nothing that a step hands to another; what is: 'c'. [{}]",
    ),
    (
        lambda: truncate(stamped_again(), every=1),
        "truncate: step 1 is stamped again: 'multiply@1#2' in it reads 'tanh@3'; expected steps that go on. Number those of the second loop on, as timestep(T + t). [{}]",
    ),
    (lambda: clip(rnn(), 1.0), "clip: a tape without gradients; differentiate(tape) first. [{}]"),
    (lambda: clip(differentiate(rnn()), 0), "clip: max_norm: 0; expected a number above 0. [{}]"),
    (
        lambda: conform(A[None], w(A[:, None]), w() * 2),
        "backward through 'multiply': a contribution of shape (1, 4); its input has the shape (4, 1). [{}]",
    ),
    (
        lambda: untie(rnn(), w(name="v")),
        "untie: 'v' of another tape; expected parameters of this one. [{}]",
    ),
    (
        lambda: np.fft.fft(w(A)) ** 2,
        "np.power: a Spectrum; abs, angle, real, imag, conj, + - * /, indexing, sums, shapes and np.fft are there. Go on with s.real and s.imag. [{}]",
    ),
    # --- optimizers
    (
        lambda: mg.optim.RMSprop(w(), alpha=1.0),
        "alpha: 1.0; expected a number from 0 and below 1. [{}]",
    ),
    (sgd, "optimizer: no parameter in this tuple; expected at least one. [{}]"),
    (
        lambda: sgd(mg.tensor(1.0, name="c")),
        "optimizer: 'c' is no parameter. A parameter is made by tensor(..., requires_grad=True). [{}]",
    ),
    (lambda: sgd(w()).step([1.0, 2.0]), "step: 2 gradients for 1 parameters. [{}]"),
    (lambda: sgd(w()).step([A]), "step: 'w' is () and its gradient (4,). [{}]"),
    (
        lambda: sgd(w()).step([1j]),
        "step: the gradient of 'w' is complex128; expected real numbers. [{}]",
    ),
    (lambda: sgd(w()).step(), "step: no parameter has a gradient; call it after backward(). [{}]"),
    (
        lambda: mg.optim.SGD([{"params": (same := w())}, {"params": same}], lr=0.1),
        "optimizer: a parameter in two groups; expected each one once. [{}]",
    ),
    (
        lambda: sgd(A),
        "optimizer: a ndarray among the Tensors; expected Tensors, or dicts, lists, tuples, dataclasses or models of them. [{}]",
    ),
    (
        lambda: sgd({"params": w()}, w()),
        "optimizer: groups, and something that is none; expected every one to be a dict with 'params'. [{}]",
    ),
    (
        lambda: sgd({"params": w(), "rate": 1}),
        "optimizer: a group: 'rate'; expected params, lr, weight_decay, momentum, nesterov. [{}]",
    ),
    (lambda: mg.optim.SGD(w(), 0.1, momentum=-1), "momentum: -1; expected a number from 0. [{}]"),
    (
        lambda: mg.optim.SGD(w(), 0.1, nesterov=True),
        "SGD: nesterov=True; expected a momentum above 0. [{}]",
    ),
    (
        lambda: mg.optim.Adam(w(), betas=(0.9, 1)),
        "betas: (0.9, 1); expected two numbers from 0 and below 1. [{}]",
    ),
    (
        lambda: sgd(w()).restore(mg.optim.Adam(w()).state()),
        "optimizer: restore: a state of Adam; expected one of SGD. [{}]",
    ),
    (
        lambda: sgd(w()).restore(mg.optim.SGD(w(), 0.1, momentum=0.5).state()),
        "optimizer: restore: momentum [0.5] there, [0.0] here; expected the same. [{}]",
    ),
    (
        lambda: sgd(w()).restore({"SGD.lr": [0.1]}),
        "optimizer: restore: 'SGD.0.step' is missing. [{}]",
    ),
    (
        lambda: sgd(w()).restore(sgd(w()).state() | {"SGD.x": A}),
        "optimizer: restore: 'SGD.x'; expected what state() gave. [{}]",
    ),
    (
        lambda: sgd(w()).restore(sgd(w()).state() | {"SGD.0.step": A}),
        "optimizer: restore: 'SGD.0.step' is (4,); expected (). [{}]",
    ),
    (
        lambda: sgd(w()).restore(sgd(w()).state() | {"SGD.0.step": 0.5}),
        "optimizer: restore: 'SGD.0.step' is float64; expected int64. [{}]",
    ),
    (
        lambda: sgd(w()).restore(sgd(w()).state() | {"SGD.lr": [-1.0]}),
        "optimizer: restore: SGD.lr is [-1.0]; expected numbers from 0. [{}]",
    ),
    (
        lambda: mg.optim.clip_grad_norm([w()], 1.0),
        "clip_grad_norm: no parameter has a gradient; call it after backward(). [{}]",
    ),
    (exploded, "clip_grad_norm: the gradient of 'w' is not finite. [{}]"),
    # --- update
    (
        lambda: clip(updated()[1], 1.0),
        "clip: a tape that ends with an update. Clip first, update last. [{}]",
    ),
    (
        lambda: update(differentiated(w()), 0.1),
        "update: a float; expected one of minigrad.optim. [{}]",
    ),
    (
        lambda: update(differentiated(w()), sgd(w(name="v"))),
        "update: gradients of 'w'; the optimizer has 'v'. Differentiate with wrt=optimizer.params. [{}]",
    ),
    (
        updated_otherwise,
        "update: momentum became 0.5; 0.0 is on the tape. Record the update again. [{}]",
    ),
    (
        updated_apart,
        "update: some parameters had updates that others had not. Record the update again. [{}]",
    ),
    # --- carry
    (lambda: carrying(["x"]), "carry: a list; expected {leaf or name: output, ...}. [{}]"),
    (lambda: carrying({"x": "x"}), "carry: 'x' is no output; the outputs are add, add#2. [{}]"),
    (lambda: carrying({"x": "add"}), "carry: 'add' is (); 'x' is (4,). [{}]"),
    (
        lambda: carrying({"i": "add"}),
        "carry: 'add' is float64; 'i' is int64. Cast it on the tape: t.astype(...). [{}]",
    ),
    (carried_twice, "carry: 'h' is carried twice. [{}]"),
    (set_state, "plan: state: 'x' is not carried; carried: h. [{}]"),
    # --- compile
    (lambda: mg.compile(w()), "compile: a Tensor; expected a Tape, as Tape.of(loss). [{}]"),
    (
        peeked,
        "compile: the value of 'tanh@3' was read while the tape was recorded; what Python then decided would be repeated, for any input. Write it with np.where, or lift it out of what is compiled; to look only, read t.data. [t=3, {}]",
    ),
    (
        lambda: plan()({"z": A}),
        "plan: 'z' is no input; its inputs are x. Name a leaf to make it an input: tensor(..., name='x'). [{}]",
    ),
    (lambda: plan()({"x": A[:3]}), "plan: 'x' is (3,); expected (4,). [{}]"),
    (lambda: plan()({"x": A * 1j}), "plan: 'x' is complex128; expected float64. [{}]"),
    (
        lambda: plan()({"x": np.ma.array(A, mask=A > 2)}),
        "plan: 'x': a MaskedArray; expected plain arrays. Pass .filled(value), and the mask apart. [{}]",
    ),
    (
        lambda: plan()({}, missing="zero"),
        "plan: missing: 'zero'; expected 'error' or 'recorded'. [{}]",
    ),
    (
        lambda: mg.compile(three_inputs())({"y": A}),
        "plan: fed 'y', but not 'x#1', 'x#2', 'x#3', 'x#4', 'z'; all inputs are fed, or none. Feed the rest too, or say missing='recorded' to use the values they have. [{}]",
    ),
    (
        lambda: three_inputs().replay({"x": A}),
        "replay: 4 inputs are named 'x', made at {}; feed each by Tensor, or as 'x#1', 'x#2', 'x#3', 'x#4'. Or give each a name of its own, or read X[t] of one array X. [{}]",
    ),
    (fed_twice, "plan: 'x' is fed twice. [{}]"),
    (
        lambda: mg.compile(cut_state()),
        "compile: 'constant@3' was computed from an input or parameter off the tape, by .detach(); it would keep its value, whatever is fed or assigned. Compute it on the tape, with mg.detach where no gradient is to pass, or make it an input: .named('s'). [t=3, {}]",
    ),
    (
        lambda: cut_state().replay({"w": 1.0}),
        "replay: 'constant@3' was computed from an input or parameter off the tape, by .detach(); it would keep its value, whatever is fed or assigned. Compute it on the tape, with mg.detach where no gradient is to pass, or make it an input: .named('s'). [t=3, {}]",
    ),
    (
        lambda: gated(lambda g: g.data * 2),
        "on_backward: the function returned a float64 that does not depend on g; backward is recorded, where that is a constant. Compute with NumPy functions on g itself, a Tensor, not on its values. [{}]",
    ),
    (
        lambda: mg.compile(gated(lambda g: g * float(w()))),
        "compile: a value was read in a function of on_backward that changes the gradient; what Python then decided would be repeated, for any input. Write it with np.where, or lift it out of what is compiled; to look only, read t.data. [{}]",
    ),
    (
        constant_assigned,
        "plan: 'constant' without a name was assigned a new value after it was compiled in. Give it a name to make it an input: tensor(..., name='x'). [{}]",
    ),
    (labelled, "cross_entropy: targets: 3; expected 0..2. [{}]"),
    (looked_up, "embedding: indices: 2; expected 0..1. [{}]"),
    (lambda: mg.embedding([0], np.ones(3)), "embedding: weight: (3,); expected (V, d). [{}]"),
    (
        lambda: mg.compile(mg.Tape.of(w() * 2), backend="C"),
        "compile: backend='C'; expected one of numpy, native, auto. [{}]",
    ),
    (
        without_a_compiler,
        "compile: no C compiler. Install a C compiler (gcc, clang), or pip install ziglang. [{}]",
    ),
    (
        lambda: copy.copy(plan()),
        "pickle or copy: a Plan, which is memory and calls on it. Pickle the parameters, record and compile again. [{}]",
    ),
    (
        masked,
        "plan: getitem: the result was (3,) and would be (1,). Record and compile it anew. [{}]",
    ),
    (lambda: plan()([1]), "plan: a list; expected {leaf or name: array, ...}. [{}]"),
    (lambda: plan()({"x": [[1], [1, 2]]}), "plan: 'x' is no array; expected (4,). [{}]"),
    (
        indexed,
        "plan: index 9 is out of bounds for axis 0 with size 3. What is given must lie where the program can take it. [{}]",
    ),
    (lambda: plan().resample("a"), "resample: 'a'; expected a generator or a seed. [{}]"),
    (
        lambda: plan().resample(0),
        "resample: no xi_t with known probabilities on the tape; truncate_randomly(..., reweight=True) has. [{}]",
    ),
]


# --- the laws -------------------------------------------------------------------------------------------------------
def caught(call):
    with pytest.raises((MinigradError, ValueError)) as error:
        call()
    return (
        error.value if isinstance(error.value, MinigradError) else error.value.__cause__
    )  # NumPy's, of ours


@pytest.mark.parametrize(
    ("call", "text"), MESSAGES, ids=[text.split(":")[0] for _, text in MESSAGES]
)
def test_the_message(call, text):
    said = str(caught(call))
    assert re.sub(rf"{Path(__file__).name}:\d+", "{}", said) == text
    for line in map(int, re.findall(rf"{Path(__file__).name}:(\d+)", said)):
        written = [call, *(cell.cell_contents for cell in call.__closure__ or ())]
        assert line in [
            fn.__code__.co_firstlineno for fn in written if hasattr(fn, "__code__")
        ] or any(line in lines for lines in HELPERS)


HELPERS = [
    range(n.lineno, n.end_lineno + 1)
    for n in ast.parse(Path(__file__).read_text(encoding="utf-8")).body
    if isinstance(n, ast.FunctionDef)
]


ERRORS = {name for name in vars(errors) if name.endswith("Error")}


def builders(tree):
    """The functions of a file that return an error of ours, for others to raise."""
    for node in ast.walk(tree):
        is_hinted = isinstance(node, ast.FunctionDef) and node.returns is not None
        if is_hinted and ast.unparse(node.returns) in ERRORS:
            yield node.name


def raised(error):
    """Where, file and line, the engine raised on the way to this error."""
    while error is not None:
        frame = error.__traceback__
        while frame is not None:
            yield Path(frame.tb_frame.f_code.co_filename), frame.tb_lineno
            frame = frame.tb_next
        error = error.__context__


def test_every_message_of_the_engine_has_a_row():
    seen = {place for call, _ in MESSAGES for place in raised(caught(call))}
    unseen = []
    trees = {
        file: ast.parse(file.read_text(encoding="utf-8"))
        for file in sorted(ENGINE.rglob("*.py"))
        if not ELSEWHERE.intersection(file.relative_to(ENGINE).parts)
    }
    ours = ERRORS.union(*map(builders, trees.values()))
    for file, tree in trees.items():
        for site in ast.walk(tree):
            if isinstance(site, ast.Raise) and isinstance(site.exc, ast.Call):
                constructor = ast.unparse(site.exc.func).rpartition(".")[2]
                if constructor in ours and not any(
                    (file, line) in seen for line in range(site.lineno, site.end_lineno + 1)
                ):
                    unseen.append(f"{file.name}:{site.lineno}")
    assert unseen == []
