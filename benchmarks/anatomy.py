"""What the anatomy of a gradient costs at T = 200, h = 64: python benchmarks/anatomy.py."""

import time
import tracemalloc

import numpy as np

import minigrad as mg
from minigrad.models import RNNLM, anatomy

T, H = 200, 64


def tape_of(kind):
    """A character language model over one window of random text."""
    model = RNNLM(kind, H, 28, 0, np.float64)
    x, y = np.random.default_rng(0).integers(0, 28, (2, 1, T))
    return mg.Tape.of(model.loss(x, y)), model.cell.W_hc if kind == "lstm" else model.cell.W_hh


def main():
    """Seconds and peak memory of norms_only for every cell."""
    for kind in ("rnn", "gru", "lstm"):
        tape, W = tape_of(kind)
        start = time.perf_counter()
        anatomy(tape, W, norms_only=True)
        seconds = time.perf_counter() - start
        tape, W = tape_of(kind)
        tracemalloc.start()
        anatomy(tape, W, norms_only=True)
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        squared = T * T * H * H * 8 / 1e6
        print(
            f"{kind:5} {len(tape.nodes):5} nodes  {seconds:5.1f} s  {peak:6.0f} MB (T^2 weights: {squared:.0f} MB)"
        )


if __name__ == "__main__":
    main()
