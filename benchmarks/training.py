"""Training for real, measured: better than the book, five minutes on the whole text, memory, the cost of checkpoints.

python benchmarks/training.py [--text FILE] [better] [full] [memory] [checkpoints]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad.models import RNNLM, Vocabulary, parameters
from minigrad.models.data.stream import Rows
from minigrad.models.train.loop import updates
from minigrad.models.train.state import Position, Standing, write

COMMON = "--cell gru --dropout 0.3 --optimizer adamw --schedule one-cycle"
BETTER = f"{COMMON} --hidden 128 --batch 128 --epochs 12"
FULL = f"{COMMON} --stream --hidden 256 --steps 64 --epochs 48 --lr 0.004"


def trained(options, seed):
    """Updates, final training and validation perplexity, and seconds of one run of the command."""
    command = [
        sys.executable,
        "-m",
        "minigrad",
        "train",
        *options.split(),
        "--seed",
        str(seed),
        "--json",
    ]
    command += ["--text", args.text] if args.text else []
    started = time.perf_counter()
    printed = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, timeout=7200, check=True
    ).stdout
    last = [e for e in map(json.loads, printed.splitlines()) if e["event"] == "epoch"][-1]
    return last["step"], last["train"], last["validation"], time.perf_counter() - started


def table(title, options, seeds):
    print(f"{title}: minigrad train {options}")
    print("| seed | updates | train | validation | seconds |\n|---|---|---|---|---|")
    for seed in seeds:
        print(
            "| {} | {} | {:.2f} | {:.2f} | {:.0f} |".format(seed, *trained(options, seed)),
            flush=True,
        )


def better():
    """The book's split; the book takes 1,000 updates."""
    table("the book's split", BETTER, (1, 2, 3))


def full():
    """The whole text, for about five minutes."""
    table("the whole text", FULL, (1,))


def memory():
    """The peak of one sequence truncated every 50 steps, whatever its length."""
    tokens = np.random.default_rng(0).integers(0, 28, 100_001, dtype=np.uint8)
    print("| steps | peak, kB | steps per second |\n|---|---|---|")
    for steps in (1_000, 1_000, 10_000, 100_000):  # the first also fills caches
        model = RNNLM("rnn", 32, 28)
        stream = Rows(tokens[: steps + 1], 1, 50).chunks(1)
        tracemalloc.start()
        started = time.perf_counter()
        for _ in updates(model, stream, None, 1.0, mg.optim.SGD(parameters(model), 0.1)):
            pass
        seconds, peak = time.perf_counter() - started, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"| {steps:,} | {peak / 1e3:,.0f} | {steps / seconds:,.0f} |", flush=True)


def checkpoints():
    """Milliseconds to write the whole state of a run, synced to disk."""
    vocab = Vocabulary(("<unk>", *map(chr, range(97, 124))))
    for hidden in (32, 128, 256, 512):
        model = RNNLM("gru", hidden, 28)
        optimizer = mg.optim.AdamW(parameters(model))
        optimizer.step([np.ones(p.shape, p.dtype) for p in optimizer.params])
        now = Standing(
            Position(step=1), np.random.default_rng(0), model.zero_state(32), [(1.0, 2.0, 3.0)]
        )
        with tempfile.TemporaryDirectory() as folder:
            file, times = Path(folder) / "run", []
            for _ in range(9):
                started = time.perf_counter()
                write(str(file), model, vocab, optimizer, {"schedule": "constant"}, now)
                times.append(time.perf_counter() - started)
            size = file.stat().st_size / 1e6
        print(f"gru, {hidden} hidden: {size:.1f} MB in {1e3 * sorted(times)[4]:.1f} ms")


PARTS = {"better": better, "full": full, "memory": memory, "checkpoints": checkpoints}
options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
options.add_argument("--text", help="the book's text (default: fetched once)")
options.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART", help=", ".join(PARTS))
args = options.parse_args()
for part in args.parts:
    PARTS[part]()
    print()
