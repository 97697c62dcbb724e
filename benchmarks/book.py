"""The book's configuration on The Time Machine, over several seeds: a table of final perplexities and times.

    python benchmarks/book.py [--text FILE] [--seeds 5] [CELL ...]

Each run is the command ``minigrad train`` with the book's settings: 100 epochs for the tanh RNN at learning rate 1, 50
for the gated cells at 4.
"""

import argparse
import re
import statistics
import subprocess
import sys
import time

BOOK = {"rnn": (100, "6.16 / 7.24"), "gru": (50, "5.73 / 6.74"), "lstm": (50, "6.94 / 7.41")}

options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
options.add_argument("--text", help="the book's text (default: fetched once)")
options.add_argument("--seeds", type=int, default=5)
options.add_argument("cells", nargs="*", default=list(BOOK), metavar="CELL")
args = options.parse_args()

print(
    "| cell | epochs | seed | train | validation | seconds | the book's one run |\n|---|---|---|---|---|---|---|"
)
for cell in args.cells:
    epochs, book = BOOK[cell]
    results = []
    for seed in range(args.seeds):
        command = f"{sys.executable} -m minigrad train --cell {cell} --epochs {epochs} --seed {seed}".split()
        command += ["--text", args.text] if args.text else []
        started = time.perf_counter()
        printed = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, timeout=7200, check=True
        ).stdout
        last = re.findall(r"perplexity +([\d.]+) train, +([\d.]+) validation", printed)[-1]
        results.append((*map(float, last), time.perf_counter() - started))
        row = "| {} | {} | {} | {:.2f} | {:.2f} | {:.0f} | {} |"
        print(row.format(cell, epochs, seed, *results[-1], book), flush=True)
    medians = [statistics.median(column) for column in zip(*results, strict=True)]
    print(row.format(cell, epochs, "median", *medians, book), flush=True)
