"""PyTorch's own sample inputs, for every function that both have: values and gradients beside PyTorch's.

    python benchmarks/conformity/opinfo.py [-k NAME ...] [--float32] [--verbose]

torch_table.py has PyTorch's functions written in NumPy; the samples are those of its operator database (op_db), in
float64, and with --float32 in float32. What differs and stands in EXPLAINED is a convention; the exit code is 1 where
anything else differs. PyTorch and expecttest must be installed.
"""

import argparse
import sys
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch_table import MAGNITUDES, ROWS, BeyondError

import minigrad as mg
from minigrad.errors import MinigradError

TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-4}
# Conventions that differ by choice: the name, what a message must hold, and why.
EXPLAINED = [
    (
        "nn.functional.hardsigmoid",
        "gradient",
        "at a bound of clip we send half, PyTorch's hardsigmoid nothing",
    ),
    (
        "linalg.pinv",
        "'hermitian': True",
        "of a matrix that is symmetric our gradient is symmetric, PyTorch's is not",
    ),
    ("cumsum", "value: shape (1,)", "NumPy's cumsum of a number is a vector of one"),
    ("cumprod", "value: shape (1,)", "NumPy's cumprod of a number is a vector of one"),
]


class DifferenceError(Exception):
    """What differs in a sample."""


ERRORS = (
    MinigradError,
    TypeError,
    ValueError,
    IndexError,
    AttributeError,
    RuntimeError,
    np.linalg.LinAlgError,
)


def plain(x):
    """A structure of PyTorch's Tensors as arrays."""
    if isinstance(x, torch.Tensor):
        return x.detach().numpy(force=True)
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    return type(x)(map(plain, x)) if type(x) in (list, tuple) else x


class Twins:
    """The arguments of a sample twice: Tensors of PyTorch that need gradients, and of minigrad."""

    def __init__(self, sample):
        self.torch = []
        self.ours = []
        both = self.both((sample.input, *sample.args)), self.both(sample.kwargs)
        (self.torch_args, self.args), (self.torch_kwargs, self.kwargs) = both

    def both(self, x):
        """A structure of PyTorch's Tensors for each."""
        if isinstance(x, torch.Tensor):
            return self.twin(x)
        if isinstance(x, dict):
            pairs = {k: self.both(v) for k, v in x.items()}
            return {k: a for k, (a, _) in pairs.items()}, {k: b for k, (_, b) in pairs.items()}
        if type(x) in (list, tuple):
            pairs = [self.both(v) for v in x]
            return type(x)(a for a, _ in pairs), type(x)(b for _, b in pairs)
        return x, x

    def twin(self, x):
        if not x.requires_grad:
            return x, np.array(x.detach())
        theirs = x.detach().clone().requires_grad_()
        ours = mg.tensor(np.array(x.detach()), requires_grad=True, dtype=np.array(x.detach()).dtype)
        self.torch.append(theirs)
        self.ours.append(ours)
        return theirs, ours


def results(y):
    return [*y] if isinstance(y, list | tuple) else [y]


def compare(op, sample, tolerance):
    """Raise DifferenceError where a value or a gradient differs; the number of gradients that were compared."""
    twins = Twins(sample)
    theirs = results(op(*twins.torch_args, **twins.torch_kwargs))
    ours = results(ROWS[op.name](*twins.args, **twins.kwargs))
    for k in MAGNITUDES.get(op.name, ()):
        theirs[k] = theirs[k].abs()
    for a, b in zip(ours, theirs, strict=True):
        same("value", array(a), array(b), tolerance)
    pairs = [
        (a, b) for a, b in zip(ours, theirs, strict=True) if getattr(b, "requires_grad", False)
    ]
    if not pairs or not twins.ours:
        return 0
    return compare_gradients(pairs, twins, tolerance)


def compare_gradients(pairs, twins, tolerance):
    rng = np.random.default_rng(0)
    cotangents = [rng.normal(size=tuple(b.shape)) for _, b in pairs]
    seeds = [torch.tensor(g, dtype=b.dtype) for g, (_, b) in zip(cotangents, pairs, strict=True)]
    outputs = [b for _, b in pairs]
    expected = torch.autograd.grad(outputs, twins.torch, seeds, allow_unused=True)
    found = summed(pairs, cotangents, twins.ours)
    for a, b, x in zip(found, expected, twins.ours, strict=True):
        known = np.zeros(x.shape, x.dtype) if b is None else array(b)
        same("gradient", a, known, tolerance)
    return 1


def summed(pairs, cotangents, leaves):
    """The sum over the outputs of what each sends to the leaves."""
    totals = [np.zeros(x.shape, x.dtype) for x in leaves]
    for (y, _), g in zip(pairs, cotangents, strict=True):
        on_tape = set(mg.Tape.of(y).nodes) if isinstance(y, mg.Tensor) and y.requires_grad else ()
        asked = [k for k, x in enumerate(leaves) if x in on_tape]
        if not asked:
            continue
        sent = mg.grad(y, [leaves[k] for k in asked], g.astype(y.dtype))
        for k, each in zip(asked, sent, strict=True):
            totals[k] = totals[k] + each.data
    return totals


def array(x):
    if isinstance(x, torch.Tensor):
        return x.detach().numpy(force=True)
    return np.asarray(getattr(x, "data", x)) if not isinstance(x, np.ndarray) else x


def same(what, found, expected, tolerance):
    if found.shape != expected.shape:
        raise DifferenceError(f"{what}: shape {found.shape}, PyTorch's {expected.shape}")
    finite = np.abs(expected[np.isfinite(expected)]) if expected.dtype.kind == "f" else np.zeros(1)
    bound = tolerance * max(1, finite.max(initial=0))
    if not np.allclose(found, expected, tolerance, bound, equal_nan=True):
        bad = ~np.isclose(found, expected, tolerance, bound, equal_nan=True)
        raise DifferenceError(f"{what}: {found[bad][:3]}, PyTorch's {expected[bad][:3]}")


class Report:
    """What was compared, and what came of it, by function."""

    def __init__(self):
        self.count = Counter()
        self.beyond = defaultdict(Counter)
        self.refused = defaultdict(Counter)
        self.explained = defaultdict(Counter)
        self.differs = defaultdict(list)

    def one(self, op, sample, tolerance):
        try:
            self.count["gradients"] += compare(op, sample, tolerance)
            self.count["samples"] += 1
        except BeyondError as error:
            self.beyond[op.name][str(error)] += 1
        except DifferenceError as error:
            self.judge(op.name, f"{error} at {described(sample)}")
        except ERRORS as error:
            self.raised(op, sample, error)

    def raised(self, op, sample, error):
        """Where NumPy on plain arrays raises too, the call is beyond it; an error of ours is a refusal."""
        said = " ".join(str(error).partition("[")[0].split())
        try:
            ROWS[op.name](*map(plain, (sample.input, *sample.args)), **plain(sample.kwargs))
        except ERRORS as numpy_says:
            self.beyond[op.name][f"NumPy: {numpy_says}"] += 1
            return
        if isinstance(error, MinigradError):
            self.refused[op.name][said] += 1
        else:
            self.judge(op.name, f"{type(error).__name__}: {error} at {described(sample)}")

    def judge(self, name, text):
        for known, pattern, reason in EXPLAINED:
            if known == name and pattern in text:
                self.explained[name][reason] += 1
                return
        self.differs[name].append(text)

    def show(self, verbose):
        print(
            f"{len(ROWS)} functions, {self.count['samples']} samples agree, {self.count['gradients']} with gradients"
        )
        for title, table in (
            ("explained", self.explained),
            ("refused", self.refused),
            ("beyond", self.beyond),
        ):
            print(f"\n| {title} | samples | why |\n|---|---|---|")
            for name, reasons in sorted(table.items()):
                for reason, count in reasons.items():
                    print(f"| {name} | {count} | {reason} |")
        print(f"\nunexplained: {sum(map(len, self.differs.values()))}")
        for name, texts in sorted(self.differs.items()):
            for text in texts if verbose else texts[:1]:
                print(f"{name} ({len(texts)}): {' '.join(text.split())[:600]}")


def described(sample):
    """The shapes and keywords of a sample."""
    shapes = [
        tuple(x.shape) if isinstance(x, torch.Tensor) else x for x in (sample.input, *sample.args)
    ]
    keywords = {
        k: tuple(v.shape) if isinstance(v, torch.Tensor) else v for k, v in sample.kwargs.items()
    }
    return f"{shapes} {keywords}"


def samples_of(op, dtype):
    """The samples of an operator; none where it has none of this dtype."""
    if not op.supports_autograd or dtype not in op.dtypes:
        return op.sample_inputs("cpu", dtype) if dtype in op.dtypes else []
    return op.sample_inputs("cpu", dtype, requires_grad=True)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("-k", nargs="+", default=[], help="the names to run")
    options.add_argument("--float32", action="store_true", help="the samples in float32")
    options.add_argument("--verbose", action="store_true", help="every sample that differs")
    args = options.parse_args()
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    dtype = torch.float32 if args.float32 else torch.float64
    report = Report()
    with np.errstate(all="ignore"):
        for op in op_db:
            if op.name in ROWS and (not args.k or op.name in args.k):
                for sample in samples_of(op, dtype):
                    report.one(op, sample, TOLERANCE[dtype])
    report.show(args.verbose)
    return 1 if report.differs else 0


if __name__ == "__main__":
    sys.exit(main())
