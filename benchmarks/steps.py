"""A whole training step beside PyTorch and JAX: RNN, LSTM and GRU, NumPy's plan and native code.

    python benchmarks/steps.py [--rounds 5] [--seconds 1] [--sizes tiny lstm_tiny]

The peers that are installed take turns, each in a fresh process, and must give the same first loss; medians of the
rounds, and ratios to the fastest rival of the same run.
"""

import argparse

import gated
import peers

RNN_PEERS = ["plan", "native", "handwritten", "torch", "torch_rnn", "jax"]
GATED_PEERS = ["plan", "native", "torch_nn", "jax"]
OURS = ("plan", "native", "handwritten")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = [*peers.SIZES, *gated.SIZES]
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=1.0)
    options.add_argument("--sizes", nargs="+", choices=sizes, default=sizes)
    args = options.parse_args()
    print(
        "| workload (batch, steps, hidden) | plan | native | best rival | plan / rival | native / rival |"
    )
    print("|---|---|---|---|---|---|")
    for size in args.sizes:
        print(row(size, args.rounds, args.seconds), flush=True)


def row(size, rounds, seconds):
    if size in gated.SIZES:
        shape, names, file = gated.SIZES[size][:3], GATED_PEERS, gated.__file__
    else:
        shape, names, file = peers.SIZES[size], RNN_PEERS, peers.__file__
    names = [n for n in names if n != "torch_nn" or "torch" in peers.installed(["torch"])]
    found = peers.compared(peers.installed(names), size, rounds, seconds, file)
    ms = {name: values["ms"] for name, values in found.items()}
    rivals = {name: value for name, value in ms.items() if name not in OURS}
    cells = [f"{size} {shape}", f"{ms['plan']:.3g} ms", f"{ms['native']:.3g} ms"]
    if not rivals:
        return "| " + " | ".join([*cells, "none installed", "", ""]) + " |"
    best = min(rivals, key=rivals.get)
    ratios = [f"{ms[name] / ms[best]:.2f}" for name in ("plan", "native")]
    return "| " + " | ".join([*cells, f"{best} {ms[best]:.3g} ms", *ratios]) + " |"


if __name__ == "__main__":
    main()
