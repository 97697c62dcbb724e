"""A user's annotated script, as ``tests/test_typing.py`` has mypy read it; nobody runs it.

``assert_type`` says what a type checker must know, ``type: ignore`` what it must refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt

import minigrad as mg
import minigrad.viz
from minigrad import Tape, Tensor, models, viz
from minigrad.transforms import (
    checkpoint,
    clip,
    cut,
    differentiate,
    simplify,
    truncate,
    truncate_randomly,
)

Array = npt.NDArray[np.float64]


def loss_of(w: Tensor, x: Array) -> Tensor:
    h: Tensor = mg.tensor(np.zeros((1, 4)), name="h_0")
    for t in range(1, 4):
        with mg.timestep(t):
            h = np.tanh((x @ w).named(f"x_{t}") + h @ w.T).named(f"h_{t}")
            h = np.maximum(mg.sigmoid(h) * x - x / h, 0.0)
    assert_type(np.sum(h), Tensor)
    mean: Tensor = np.mean(h, axis=0)
    # Any: what joins, picks or reshapes is an array to NumPy's stubs
    joined: Any = np.stack([h, mean])
    loss: Tensor = np.sum(joined**2).named("loss")
    return loss


def gradients(loss: Tensor, w: Tensor) -> None:
    assert_type(mg.grad(loss, w), list[Tensor])
    by_name: dict[str, Tensor] = mg.grad(loss, {"w": w})
    curvature: Tensor = mg.hessian(np.sum, np.ones(3))
    curvature.assign(by_name["w"].numpy())


def operators(a: Tensor, b: Tensor) -> None:
    assert_type(a + b, Tensor)
    assert_type(1.0 + a, Tensor)
    assert_type(2 * a - 1, Tensor)
    assert_type(a / b, Tensor)
    assert_type(a @ b, Tensor)
    assert_type(2**a, Tensor)
    assert_type(-a, Tensor)
    assert_type(abs(a), Tensor)
    assert_type(round(a, 2), Tensor)
    assert_type(a[..., None, 1:], Tensor)
    assert_type((a < 1) & ~(b >= 2), Tensor)
    assert_type(a == 1, Tensor)
    assert_type(list(a), list[Tensor])
    assert_type(len(a), int)
    assert_type(float(a), float)
    assert_type(1.0 in a, bool)


def methods(a: Tensor) -> None:
    assert_type(a.sum(axis=0, keepdims=True).named("sum"), Tensor)
    assert_type(a.reshape(2, -1).transpose(1, 0).ravel().named("row"), Tensor)
    assert_type(a.mT.named("mT").named("again"), Tensor)
    assert_type(a.astype(np.float32), Tensor)
    assert_type(a.argmax(axis=1), Tensor)
    assert_type(a.detach(), Tensor)
    assert_type(a.shape, tuple[int, ...])
    assert_type(a.name, str | None)
    assert_type(a.origin, str)
    number: float = a.item()
    array: Array = a.numpy()
    other: Array = np.asarray(a)
    a.assign(array + other + number)
    a.backward(retain_graph=True)
    a.sums()  # type: ignore[attr-defined]


def tapes(loss: Tensor, w: Tensor) -> Tape:
    tape = Tape.of(loss)
    tape = assert_type(truncate(tape, every=3), Tape)
    tape = assert_type(truncate_randomly(tape, keep=0.5, rng=np.random.default_rng(0)), Tape)
    tape = assert_type(cut(tape, lambda edge: edge.source is w), Tape)
    tape = assert_type(checkpoint(simplify(tape), every=2), Tape)
    assert_type(mg.grad(loss, [w]), list[Tensor])
    assert_type(mg.compile(tape), mg.Plan)
    for step in tape.steps():
        assert_type(step, mg.Step)
    finding = assert_type(mg.find_nonfinite(tape), mg.NonFinite | None)
    if finding is not None:
        assert_type(finding.node, Tensor)
    Tape.of(3.0)  # type: ignore[arg-type]
    return clip(differentiate(tape), 1.0)


def training(text: models.Windows) -> float:
    outputs, _ = models.unroll(models.LSTMCell(3, 2, rng=0), np.ones((5, 4, 3)))
    assert_type(outputs, list[Any])
    lm = models.RNNLM("gru", hidden=8, vocab=5)
    optimizer = assert_type(mg.optim.AdamW(models.parameters(lm), lr=0.01), mg.optim.Optimizer)
    rows = models.stream.Rows(np.zeros(401, np.uint8), batch=4, steps=20)
    rule: Callable[[Tape], Tape] = lambda tape: truncate(tape, every=10)  # noqa: E731
    models.train.fit(lm, models.stream.epochs(rows, 1), rule, 1.0, optimizer)
    for update in models.train.updates(lm, rows.chunks(1), None, 0.5, optimizer):
        assert_type(update, models.train.Update)
    return models.train.evaluate(lm, rows.chunks(1))


def pictures(tape: Tape) -> str:
    graph = viz.draw(tape, level="variables", grads=True)
    viz.draw(tape, level="variable")  # type: ignore[arg-type]
    viz.render(graph, "tape.svg")
    viz.stepper(tape, "tape.html")
    assert_type(minigrad.viz.diff(tape, tape), viz.Diff)
    example = models.section(T=4)
    parts = assert_type(models.anatomy(example.tape, example.rnn.W_hh), models.Anatomy)
    assert_type(parts.total, npt.NDArray[Any])
    return viz.svg(graph)


try:
    tapes(mg.tensor(1.0), mg.tensor([1.0], requires_grad=True, dtype=np.float64))
except mg.errors.ShapeError as error:
    assert_type(error.text, str)
