"""``minigrad demo``: the story of the section, from the tape of three steps to a trained language model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minigrad.companions import companion
from minigrad.core.gradient import grad
from minigrad.core.tape import Tape
from minigrad.files import make_folder
from minigrad.transforms import clip, differentiate, truncate, truncate_randomly


def demo(folder: Path, text: str | None, epochs: int, seed: int) -> None:
    """Unroll, compare with the closed form, rewrite, draw, train; name the files written."""
    make_folder(folder)
    viz = companion("minigrad.viz")
    example = companion("minigrad.models").section(T=3, seed=seed)

    _title("1. An RNN of three time steps, unrolled on a tape (D2L Fig. 9.7.2)")
    print(
        "h_t = W_hx x_t + W_hh h_{t-1}, o_t = W_qh h_t, and L is the mean of 1/2 |o_t - y_t|^2 over t."
    )
    print(
        "A line is name: dtype[shape] = function(inputs); @2 is time step 2, #2 the second of its kind.\n"
    )
    print(example.tape)
    written = [viz.render(viz.unrolled(example.tape), folder / "unrolled.svg")]

    _title("2. Its gradients, by backward and by equations 9.7.12 and 9.7.16")
    closed = example.closed_form()
    wrt = [example.rnn.W_hx, example.rnn.W_hh, example.rnn.W_qh]
    for p, g in zip(wrt, grad(example.tape.outputs[0], wrt), strict=True):
        exact = getattr(closed, p.label)
        apart = np.abs(g.data - exact).max() / np.abs(exact).max()
        print(
            f"dL/d{p.label}: norm {np.linalg.norm(g.data):.6f}, closed form {np.linalg.norm(exact):.6f}, "
            f"largest difference {apart:.0e} of the largest element"
        )

    _title("3. One forward pass of twelve steps, its tape rewritten (D2L 9.7.1)")
    print(
        "The norm of dL/dW_hh, and the cosine of its angle to the full gradient. The random cuts are one draw;"
    )
    print("the average over all draws is the full gradient.\n")
    _rewritten(companion("minigrad.models").section(T=12, seed=seed).tape)
    written.append(viz.render(viz.strategies(seed=seed), folder / "strategies.svg"))

    _title(
        "4. A character language model, truncated every 16 steps and clipped to norm 1 (D2L 9.5)"
    )
    trainer = companion("minigrad.models.train.run")
    settings = trainer.Settings(text, truncate=16, epochs=epochs, seed=seed)
    with companion("minigrad.models.train.log").Reporter() as reporter:
        run = trainer.train(settings, reporter)
    print(
        f"'it has' continues, always with the likeliest: {run.model.continue_text('it has', 30, run.vocab)!r}"
    )
    print("\nwrote " + ", ".join(map(str, written)) + " (Fig. 9.7.2 and 9.7.1)")


def _rewritten(tape: Tape) -> None:
    """One line per strategy: the size of dL/dW_hh and its angle to the full gradient, from one forward pass."""
    W = tape["W_hh"]
    full = differentiate(tape, W).outputs[1].data
    strategies = {
        "full": tape,
        "truncate(every=4)": truncate(tape, every=4),
        "truncate(window=2)": truncate(tape, window=2),
        "truncate_randomly(keep=0.7)": truncate_randomly(tape, 0.7, rng=0),
        "clip(max_norm=0.1)": clip(differentiate(tape, W), max_norm=0.1),
    }
    for name, rewritten in strategies.items():
        g = (rewritten if rewritten.wrt else differentiate(rewritten, W)).outputs[1].data
        cosine = np.vdot(g, full) / (np.linalg.norm(g) * np.linalg.norm(full))
        print(f"{name:28} |dL/dW_hh| = {np.linalg.norm(g):.4f}   cosine to full = {cosine:+.4f}")


def _title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")
