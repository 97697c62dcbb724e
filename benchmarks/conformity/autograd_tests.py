"""HIPS autograd's own test files against minigrad, by a shim of autograd's names (autograd_shim.py).

    python benchmarks/conformity/autograd_tests.py [--version 1.9.1] [-k EXPRESSION] [--verbose]

The files are downloaded into a temporary folder; none of them is part of this repository. In every check of gradients
the first and second derivative in reverse mode are compared with central differences. What does not pass is printed
with its reason; the exit code is 1 where the reason is not one of those in BEYOND.
"""

import argparse
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
from autograd_shim import BeyondError, Checked, install

SECONDS = 300
# files that test autograd's machinery and what no engine on real NumPy arrays has
LEFT_OUT = {
    "test_vspaces.py": "autograd's vector spaces",
    "test_ufunc_dispatch.py": "arrays of xarray",
    "test_performance.py": "holds no test",
}
# Why a test that does not pass is beyond minigrad, by a pattern in "name: what it said".
BEYOND = [
    ("[cC]omplex", "complex numbers"),
    ("test_eig_real", "complex numbers: those of the eigenvalues of a general matrix"),
    ("forward mode", "forward mode"),
    (
        "test_eigvalh_",
        "a choice: the gradient of eigh is symmetric, as PyTorch's and JAX's; autograd's a triangle",
    ),
    (
        "test_(r|c)_.*np.asarray",
        "np.r_ and np.c_, into which NumPy gives no way: refused in one line",
    ),
    ("test_rfftn_odd", "a limit of autograd's own: that it raises is tested"),
    (
        "const_graph|test_deprecated|test_wrapped_name",
        "names of autograd's own: const_graph, defgrad, docstrings",
    ),
    ("test_custom_where", "autograd's own np.where: scalars stay Python's"),
    (
        "test_cast_to_int",
        "np.int64(x), a type that NumPy calls on a plain array: refused; np.astype is the way",
    ),
    (
        r"test_scipy.*: (np\.asarray|scipy\.)",
        "functions of SciPy's that are written in Python take plain arrays: refused in one line",
    ),
    (
        "test_scipy.*cannot differentiate",
        "a special function without a derivative here: refused in one line",
    ),
    ("test_scipy.*argument 'axes'", "autograd's own convolve, with axes"),
]


class Outcomes:
    """What pytest says of each test, and what no check of was possible."""

    def __init__(self):
        self.passed = []
        self.beyond = {}
        self.failed = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        Checked.done = Checked.complex = Checked.forward = 0
        yield
        if not Checked.done and Checked.complex:
            raise BeyondError("complex numbers")
        if not Checked.done and Checked.forward:
            raise BeyondError("forward mode")

    def pytest_collectreport(self, report):
        if report.failed:
            self.failed[report.nodeid] = last_line(report)

    def pytest_runtest_logreport(self, report):
        if report.failed:
            line = last_line(report)
            said = f"{report.nodeid}: {line}"
            reasons = [reason for pattern, reason in BEYOND if re.search(pattern, said)]
            where = self.beyond if reasons else self.failed
            where[report.nodeid] = reasons[0] if reasons else line
        elif report.when == "call":
            self.passed.append(report.nodeid)


def last_line(report):
    """The error, without the trace."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    return " ".join(text.split())[:300]


def downloaded(version, folder):
    """The folder of autograd's tests, from its source distribution."""
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*pip, "-d", folder, f"autograd=={version}"], check=True, timeout=SECONDS)
    (archive,) = Path(folder).glob("autograd-*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    tests = Path(folder) / f"autograd-{version}" / "tests"
    (tests / "pytest.ini").write_text("[pytest]\n")
    return tests


def run(tests, expression, verbose):
    """The outcomes of all files but those left out."""
    outcomes = Outcomes()
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-c", str(tests / "pytest.ini")]
    options += [] if verbose else ["--tb=no", "--no-summary", "--disable-warnings"]
    options += [f"--ignore={tests / name}" for name in LEFT_OUT]
    sys.path.insert(0, str(tests))
    pytest.main([*options, "-k", expression, str(tests)], plugins=[outcomes])
    return outcomes


def report(outcomes, version):
    """The counts, and a table of what does not pass."""
    print(
        f"\nautograd {version}: {len(outcomes.passed)} pass, {len(outcomes.failed)} fail,", end=" "
    )
    print(f"{len(outcomes.beyond)} are beyond:\n\n| tests | why they are beyond |\n|---|---|")
    for reason, count in Counter(outcomes.beyond.values()).most_common():
        print(f"| {count} | {reason} |")
    print("\n| does not pass | reason |\n|---|---|")
    for name, reason in LEFT_OUT.items():
        print(f"| {name} (left out) | {reason} |")
    for name, reason in [*outcomes.beyond.items(), *outcomes.failed.items()]:
        print(f"| {name.rpartition('/')[2]} | {reason.replace('|', '/')} |")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--version", default="1.9.1")
    options.add_argument("-k", default="", help="which tests, as pytest's -k")
    options.add_argument("--verbose", action="store_true", help="with pytest's own traces")
    args = options.parse_args()
    install()
    with tempfile.TemporaryDirectory() as folder:
        outcomes = run(downloaded(args.version, folder), args.k, args.verbose)
    report(outcomes, args.version)
    return 1 if outcomes.failed else 0


if __name__ == "__main__":
    sys.exit(main())
