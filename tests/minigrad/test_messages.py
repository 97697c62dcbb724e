"""The exact text of every message: what, got, expected, remedy, where. A new message needs a row."""
# ruff: noqa: E501  (a message is one line)

import ast
import copy
import re
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import errors
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
)

ENGINE = Path(mg.__file__).parent
# folders and files whose messages have a test of their own beside the thing itself
ELSEWHERE = {
    "checks",
    "cli",
    "debugger",
    "errors.py",
    "files.py",
    "notation.py",
    "own.py",
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


def stale_untied():
    p = w()
    tape = rnn(p)
    p.assign(1.0)
    untie(tape, p)


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


def masked():
    x, m = (
        mg.tensor(np.arange(4.0), name="x"),
        mg.tensor([True, False, True, True], name="m", dtype=bool),
    )
    tape = mg.Tape.of(x[m])
    m.peeked = None  # as where the mask itself was not looked at
    mg.compile(tape)({"m": np.array([False, True, False, False])})


def indexed():
    E, i = mg.tensor(np.ones((3, 2)), name="E"), mg.tensor([0, 1], name="i", dtype=int)
    mg.compile(mg.Tape.of(E[i]))({"i": np.array([0, 9])})


def labelled():
    x, y = mg.tensor(np.ones((2, 3)), name="x"), mg.tensor([0, 1], name="y", dtype=int)
    mg.compile(mg.Tape.of(mg.cross_entropy(x, y)))({y: np.array([0, 3])})


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
        lambda: np.einsum(w(A), [0]),
        "einsum: operands with index lists; write einsum('ij,jk->ik', a, b). [{}]",
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
        lambda: np.linalg.det(w(np.zeros((2, 2)))).backward(),
        "backward through 'det': Singular matrix. [{}]",
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
        "grad: 'None' does not need a gradient. Make it with tensor(..., requires_grad=True). [{}]",
    ),
    (
        lambda: mg.grad(w(), [w() * 2]),
        "grad: 'multiply' is not on this tape. A rewritten tape has its own: tape['h_1'] is its h_1. [{}]",
    ),
    # --- tapes and transforms
    (lambda: mg.Tape.of(3), "Tape.of: int; expected Tensors. [{}]"),
    (lambda: rnn()["h_9"], "tape: no node is named 'h_9'; print(tape) lists the names. [{}]"),
    (lambda: rnn().replay({w(): 1.0}), "replay: 'w' is no leaf of this tape. [{}]"),
    (lambda: rnn().replay({3: 1.0}), "replay: the key 3; a leaf or its name. [{}]"),
    (other_mask, "replay: 'y' was (3,) and would be (0,). Record it anew. [{}]"),
    (lambda: rnn().replay({"w": A}), "replay: 'w' is () and the value (4,). [{}]"),
    (lambda: rnn().replay({"w": 1j}), "replay: 'w' is float64 and the value complex128. [{}]"),
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
        "truncate_randomly: keep at t=2: 1.5; expected a probability above 0 and a step in 2..3. [{}]",
    ),
    (lambda: clip(rnn(), 1.0), "clip: a tape without gradients; differentiate(tape) first. [{}]"),
    (lambda: clip(differentiate(rnn()), 0), "clip: max_norm: 0; expected a number above 0. [{}]"),
    (
        lambda: conform(A[None], w(A[:, None]), w() * 2),
        "backward through 'multiply': a contribution of shape (1, 4); its input has the shape (4, 1). [{}]",
    ),
    # --- optimizers
    (lambda: sgd(p := w(), p), "optimizer: a parameter twice; expected each one once. [{}]"),
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
        lambda: sgd(w()).restore({"1.0": A}),
        "optimizer: restore: '1.0'; expected what state() gave. [{}]",
    ),
    (
        lambda: sgd(w(A)).restore({"0.0": A[:2]}),
        "optimizer: restore: '0.0' is (2,) and 'w' (4,); expected the shape of its parameter. [{}]",
    ),
    (
        lambda: mg.optim.clip_grad_norm([w()], 1.0),
        "clip_grad_norm: no parameter has a gradient; call it after backward(). [{}]",
    ),
    (exploded, "clip_grad_norm: the gradient of 'w' is not finite. [{}]"),
    # --- compile
    (lambda: mg.compile(w()), "compile: a Tensor; expected a Tape, as Tape.of(loss). [{}]"),
    (
        peeked,
        "compile: the value of 'tanh@3' was read while the tape was recorded; a plan would repeat what Python then decided, for any input. Write it with np.where, or lift it out of what is compiled; to look only, read t.data. [t=3, {}]",
    ),
    (
        lambda: plan()({"z": A}),
        "plan: 'z' is no input; its inputs are x. Name a leaf to make it an input: tensor(..., name='x'). [{}]",
    ),
    (lambda: plan()({"x": A[:3]}), "plan: 'x' is (3,); expected (4,). [{}]"),
    (lambda: plan()({"x": A * 1j}), "plan: 'x' is complex128; expected float64. [{}]"),
    (
        constant_assigned,
        "plan: 'constant' without a name was assigned a new value after it was compiled in. Give it a name to make it an input: tensor(..., name='x'). [{}]",
    ),
    (labelled, "cross_entropy: targets: 3; expected 0..2. [{}]"),
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
