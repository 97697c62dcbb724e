"""``minigrad demo``: the story of the section, from the tape of three steps to a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tape, models, viz
from minigrad.files import make_folder
from minigrad.models.train.reporter import Reporter
from minigrad.models.train.run import Settings, train
from minigrad.transforms import clip, differentiate, truncate, truncate_randomly

RECURRENCE = """h_t = W_hx x_t + W_hh h_{t-1}, o_t = W_qh h_t, and L is the mean of \
1/2 |o_t - y_t|^2 over t.
A line is name: dtype[shape] = function(inputs); @2 is time step 2, #2 the second of its kind.
"""
REWRITTEN = """The norm of dL/dW_hh, and the cosine of its angle to the full gradient. \
The random cuts are one draw;
the average over all draws is the full gradient.
"""
PREFIX = "it has"


def demo(folder: Path, text: str | None, epochs: int, seed: int) -> None:
    """Unroll, compare with the closed form, rewrite, draw, train; name the files written."""
    make_folder(folder)
    unrolled = _unroll(folder, seed)
    strategies = _rewrite(folder, seed)
    _train(text, epochs, seed)
    print(f"\nwrote {unrolled}, {strategies} (Fig. 9.7.2 and 9.7.1)")


def _unroll(folder: Path, seed: int) -> Path:
    """Chapters 1 and 2: the tape of three steps, drawn; its gradients computed twice."""
    example = models.section(T=3, seed=seed)
    _title("1. An RNN of three time steps, unrolled on a tape (D2L Fig. 9.7.2)")
    print(RECURRENCE)
    print(example.tape)
    graph = viz.unrolled(example.tape)
    path = viz.render(graph, folder / "unrolled.svg")

    _title("2. Its gradients, by backward and by equations 9.7.12 and 9.7.16")
    closed = example.closed_form()
    params = [example.rnn.W_hx, example.rnn.W_hh, example.rnn.W_qh]
    grads = mg.grad(example.tape.outputs[0], params)
    for p, g in zip(params, grads, strict=True):
        exact = getattr(closed, p.label)
        print(_beside(p.label, g.data, exact))
    return path


def _beside(name: str, by_backward: Any, exact: Any) -> str:
    """How a gradient compares with the closed form."""
    difference = np.abs(by_backward - exact).max() / np.abs(exact).max()
    norms = f"norm {np.linalg.norm(by_backward):.6f}, closed form {np.linalg.norm(exact):.6f}"
    return f"dL/d{name}: {norms}, largest difference {difference:.0e} of the largest element"


def _rewrite(folder: Path, seed: int) -> Path:
    """Chapter 3: one forward pass, its tape rewritten by every strategy."""
    _title("3. One forward pass of twelve steps, its tape rewritten (D2L 9.7.1)")
    print(REWRITTEN)
    example = models.section(T=12, seed=seed)
    _print_strategies(example.tape)
    graph = viz.strategies(seed=seed)
    return viz.render(graph, folder / "strategies.svg")


def _print_strategies(tape: Tape) -> None:
    """One line per strategy: the size of dL/dW_hh and its angle to the full gradient."""
    W = tape["W_hh"]
    full = differentiate(tape, W)
    strategies = {
        "full": full,
        "truncate(every=4)": differentiate(truncate(tape, every=4), W),
        "truncate(window=2)": differentiate(truncate(tape, window=2), W),
        "truncate_randomly(keep=0.7)": differentiate(truncate_randomly(tape, 0.7, rng=0), W),
        "clip(max_norm=0.1)": clip(full, max_norm=0.1),
    }
    exact = full.outputs[1].data
    exact_norm = np.linalg.norm(exact)
    for name, differentiated in strategies.items():
        g = differentiated.outputs[1].data
        norm = np.linalg.norm(g)
        cosine = np.vdot(g, exact) / (norm * exact_norm)
        print(f"{name:28} |dL/dW_hh| = {norm:.4f}   cosine to full = {cosine:+.4f}")


def _train(text: str | None, epochs: int, seed: int) -> None:
    """Chapter 4: a language model trained on a text, and what it writes."""
    title = "4. A character language model, truncated every 16 steps and clipped to norm 1"
    _title(f"{title} (D2L 9.5)")
    settings = Settings(text, truncate=16, epochs=epochs, seed=seed)
    with Reporter() as reporter:
        run = train(settings, reporter)
    continued = run.model.continue_text(PREFIX, 30, run.vocab)
    print(f"{PREFIX!r} continues, always with the likeliest: {continued!r}")


def _title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")
