"""Random programs and random recurrent loops: eager, replayed, planned and planned in shards, beside JAX in float64.

    python benchmarks/conformity/random_programs.py [--programs 10000] [--loops 1000] [--seed 0] [--minutes M]
                                                    [--jax-every 1] [--failures FOLDER]

grammar.py and loops.py say what is drawn, checks.py what is compared: every loop goes through all transforms, whose
truncations are written by hand with stop_gradient. A gradient is held to the slope of plain NumPy along a random
direction, and to JAX at every ``--jax-every``-th program and wherever the slope disagrees. What differs is saved as a
file that runs by itself. Ctrl-C or --minutes ends the run with the counts so far; the exit code is 1 after a mismatch.
"""

import argparse
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[2]))
from checks import check_loop, check_program
from grammar import Program
from loops import Loop
from references import MismatchError, Truth

from minigrad.errors import MinigradError

KINDS = {"program": (Program, check_program), "loop": (Loop, check_loop)}
# the file of a failure draws it again and runs it
AGAIN = '''"""{reason}

{text}"""
import sys

sys.path.insert(0, "{folder}")
from random_programs import once

print(once("{kind}", {seed}))
'''


def once(kind, seed, always=True):
    """Draw one program or loop and check it: the counts of what was compared."""
    draw, check = KINDS[kind]
    rng = np.random.default_rng(seed)
    truth = Truth(rng, always)
    with np.errstate(all="ignore"):
        sharded = check(draw(rng), truth)
    return truth.count + Counter({"plans in shards": sharded or 0})


class Trial:
    """A run of many: what was counted, and what went wrong."""

    def __init__(self, args):
        self.args = args
        self.count = Counter()
        self.end = time.monotonic() + 60 * args.minutes

    def run(self, kind, number):
        """That many of a kind, or as many as the time allows."""
        every = self.args.jax_every
        for k in tqdm(range(number), desc=f"{kind}s", mininterval=5):
            if time.monotonic() > self.end:
                return
            self.one(kind, self.args.seed + k, k % every == 0)

    def one(self, kind, seed, always):
        """One of them; a refusal of the engine's is counted by its first words."""
        try:
            self.count += once(kind, seed, always)
        except MismatchError as error:
            self.save(kind, seed, str(error), "mismatches")
        except MinigradError as error:
            self.save(kind, seed, str(error), f"refused: {str(error)[:60]}")
        except (
            ValueError,
            TypeError,
            IndexError,
            ArithmeticError,
            NotImplementedError,
            AssertionError,
        ):
            self.save(kind, seed, traceback.format_exc(), "errors")
        self.count[f"{kind}s"] += 1

    def save(self, kind, seed, reason, what):
        """A file that runs the failure again."""
        self.count[what] += 1
        folder = Path(self.args.failures)
        folder.mkdir(parents=True, exist_ok=True)
        text = KINDS[kind][0](np.random.default_rng(seed)).text
        here = Path(__file__).parent.resolve()
        again = AGAIN.format(reason=reason, text=text, folder=here, kind=kind, seed=seed)
        path = folder / f"{kind}_{seed}.py"
        path.write_text(again)
        tqdm.write(f"{path}: {reason.strip().splitlines()[-1]}")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--programs", type=int, default=10000)
    options.add_argument("--loops", type=int, default=1000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--minutes", type=float, default=float("inf"))
    options.add_argument("--jax-every", type=int, default=1)
    options.add_argument("--failures", default="conformity-failures")
    args = options.parse_args()
    trial = Trial(args)
    try:
        trial.run("program", args.programs)
        trial.run("loop", args.loops)
    except KeyboardInterrupt:
        print("interrupted")
    print("\n".join(f"{count:8} {name}" for name, count in sorted(trial.count.items())))
    return 1 if trial.count["mismatches"] or trial.count["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
