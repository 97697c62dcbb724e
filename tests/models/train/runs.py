"""Training runs as commands in processes of their own, and what their checkpoints say."""

import json
import shlex
import subprocess
import sys
from contextlib import contextmanager

from minigrad.models.train import tensorfile
from tests import children
from tests.children import running

PROSE = "It was the best of times, it was the worst of times, it was the age of wisdom. " * 20
OPTIONS = shlex.split(
    "--cell lstm --layers 2 --hidden 6 --dropout 0.3 --steps 8 --batch 100 --truncate 3 --optimizer adamw "
    "--schedule one-cycle --lr 0.02 --clip 0.5 --seed 7"
)
RUNS = {
    "windows": [*OPTIONS, "--epochs", "60"],
    "stream": [*OPTIONS, "--stream", "--batch", "3", "--epochs", "12"],
}


def command(text, options, *more):
    return [sys.executable, "-m", "minigrad", "train", "--text", text, *options, *more]


def run(text, options, *more, **how):
    args = list(map(str, command(text, options, *more)))
    return children.run(args, capture_output=True, text=True, timeout=300, check=False, **how)


@contextmanager
def started(text, options, *more):
    """A run that has begun to train."""
    args = list(map(str, command(text, options, *more)))
    with running(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        begun = any(line.startswith("model: ") for line in child.stdout)
        assert begun, child.stderr.read()
        yield child


def progress(file):
    return json.loads(tensorfile.read(file)[1]["progress"])


def assert_same_bits(file, other):
    """Parameters, the optimizer's state, the network's, the history; the place, the best score, the generator."""
    (a, said), (b, told) = tensorfile.read(file), tensorfile.read(other)
    assert json.loads(said["progress"]) | {"log": 0} == json.loads(told["progress"]) | {"log": 0}
    assert said["generator"] == told["generator"]
    assert a.keys() == b.keys()
    for name in a:
        assert (a[name].dtype, a[name].shape) == (b[name].dtype, b[name].shape)
        assert a[name].tobytes() == b[name].tobytes(), name


def half_way(text, tmp_path):
    """A checkpoint of a run that is not finished."""
    file = tmp_path / "keep" / "run"
    file.parent.mkdir()
    options = [*OPTIONS[:-2], "--schedule", "constant"]
    assert run(text, [*options, "--epochs", "2"], "--checkpoint", file).returncode == 0
    return file, [*options, "--epochs", "9"], file.read_bytes()
