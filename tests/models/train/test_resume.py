"""Interruptions lose nothing: a run killed, stopped or refused at any moment goes on to the same bits."""

import json
import os
import random
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from minigrad.models.train import checkpoint, tensorfile
from minigrad.models.train import run as trainer
from minigrad.models.train.interrupt import Pause
from minigrad.models.train.log import Reporter

from minigrad.cli import main
from minigrad.errors import DataError
from minigrad.files import leftovers

sys.path.insert(0, str(Path(__file__).parents[1]))
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


@pytest.fixture
def text(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text(PROSE)
    return file


def command(text, options, *more):
    return [sys.executable, "-m", "minigrad", "train", "--text", text, *options, *more]


def run(text, options, *more, **how):
    args = list(map(str, command(text, options, *more)))
    return subprocess.run(args, capture_output=True, text=True, timeout=300, check=False, **how)


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


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The checkpoints of the runs that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    text = folder / "text.txt"
    text.write_text(PROSE)
    for kind, options in RUNS.items():
        assert run(text, options, "--checkpoint", folder / kind, "--quiet").returncode == 0
    return folder


# --- killed ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("kind", "kills"), [("windows", 20), ("stream", 6)])
def test_killed_at_random_moments_a_run_ends_with_the_same_bits(kind, kills, text, tmp_path, whole):
    """kill -9. A checkpoint is written after every update, so that many of the moments fall into writing one."""
    file, log = tmp_path / "run", tmp_path / "log"
    kept = ["--checkpoint", file, "--resume", "--log", log]
    chance, steps = random.Random(kind), []
    for _ in range(kills):
        with started(text, RUNS[kind], *kept, "--checkpoint-every", 0) as child:
            while not file.exists():  # the first time
                assert child.poll() is None
            time.sleep(chance.uniform(0, 0.25))
            child.kill()
        steps.append(progress(file)["step"])  # it can be read after every kill
    assert steps == sorted(steps)
    last = run(text, RUNS[kind], *kept)
    assert (last.returncode, last.stderr) == (0, "")
    assert f"resumed after update {steps[-1]}, in epoch" in last.stdout
    assert_same_bits(file, whole / kind)
    assert leftovers(file) == []
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert [e["step"] for e in logged if e["event"] == "update"] == list(
        range(1, progress(file)["step"] + 1)
    )


def test_a_write_that_is_killed_leaves_the_file_before(tmp_path):
    """kill -9 before the renaming, wherever: the old checkpoint stands, and the next run clears what was left."""
    file = tmp_path / "run"
    file.write_bytes(b"old")
    code = f"""
import os, minigrad.files
os.replace = lambda *_: os.kill(os.getpid(), 9)
minigrad.files.write_atomically({str(file)!r}, b"new")
"""
    killed = subprocess.run([sys.executable, "-c", code], timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert file.read_bytes() == b"old"
    (left,) = leftovers(file)
    assert left.read_bytes() == b"new"


# --- stopped --------------------------------------------------------------------------------------------------------
def test_ctrl_c_saves_says_so_and_can_be_resumed(text, tmp_path, whole):
    file = tmp_path / "run"
    with started(text, RUNS["windows"], "--checkpoint", file) as child:
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    said = f"minigrad: interrupted: '{file}' is saved at update {progress(file)['step']}. Add --resume to go on."
    assert err.strip() == said
    assert run(text, RUNS["windows"], "--checkpoint", file, "--resume").returncode == 0
    assert_same_bits(file, whole / "windows")


def test_a_second_ctrl_c_does_not_wait():
    with Pause() as pause:
        signal.raise_signal(signal.SIGINT)
        assert pause.wanted
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


# --- what cannot be written -----------------------------------------------------------------------------------------
def one_error(done):
    assert done.returncode == 1
    assert done.stderr.startswith("minigrad: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def half_way(text, tmp_path):
    """A checkpoint of a run that is not finished."""
    file = tmp_path / "keep" / "run"
    file.parent.mkdir()
    assert (
        run(
            text, [*OPTIONS[:-2], "--schedule", "constant", "--epochs", "2"], "--checkpoint", file
        ).returncode
        == 0
    )
    return file, [*OPTIONS[:-2], "--schedule", "constant", "--epochs", "9"], file.read_bytes()


def test_a_full_disk_is_one_error_and_the_checkpoint_stays(text, tmp_path):
    file, options, before = half_way(text, tmp_path)
    limit = len(before) // 2
    done = run(
        text,
        options,
        "--checkpoint",
        file,
        "--resume",
        "--checkpoint-every",
        0,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert one_error(done) == (
        f"minigrad: cannot write '{file}': File too large. Give a path in a folder with room for it.\n"
    )
    assert file.read_bytes() == before
    assert [f.name for f in file.parent.iterdir()] == ["run"]


def test_a_read_only_folder_is_one_error_and_the_checkpoint_stays(text, tmp_path):
    file, options, before = half_way(text, tmp_path)
    free = []
    if os.geteuid() == 0:  # whom permissions do not bind, unless this one is taken from them
        if not shutil.which("setpriv"):
            pytest.skip("root, and no setpriv to become bound by permissions")
        free = ["setpriv", "--bounding-set=-dac_override"]
    file.parent.chmod(0o555)
    try:
        args = [
            *free,
            *map(
                str,
                command(text, options, "--checkpoint", file, "--resume", "--checkpoint-every", 0),
            ),
        ]
        done = subprocess.run(args, capture_output=True, text=True, timeout=300, check=False)
    finally:
        file.parent.chmod(0o755)
    assert one_error(done) == (
        f"minigrad: cannot write '{file}': Permission denied. "
        "Give a path in a folder that exists and that you may write to.\n"
    )
    assert file.read_bytes() == before


# --- what cannot be read --------------------------------------------------------------------------------------------
def refused(text, options, file, capsys, *more):
    """One line on stderr, exit code 1, and the file as it was."""
    before = file.read_bytes()
    assert main(list(map(str, command(text, options, "--checkpoint", file, *more)[3:]))) == 1
    assert file.read_bytes() == before
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return err.replace(str(file), "FILE")


def test_a_truncated_or_changed_checkpoint_is_refused_and_kept(text, tmp_path, whole, capsys):
    good, file = (whole / "windows").read_bytes(), tmp_path / "run"
    changed = bytearray(good)
    changed[-100] ^= 1
    for content in (good[: len(good) // 2], bytes(changed)):
        file.write_bytes(content)
        err = refused(text, RUNS["windows"], file, capsys, "--resume")
        assert err.startswith("minigrad: checkpoint: 'FILE' cannot be read as one: its ")


def test_a_checkpoint_of_another_model_lists_the_differences(text, tmp_path, whole, capsys):
    file = shutil.copy(whole / "windows", tmp_path / "run")
    options = ["--cell", "rnn", "--hidden", "6", "--steps", "8"]
    err = refused(text, options, file, capsys, "--resume")
    assert err.startswith("minigrad: checkpoint: 'FILE' is of another model: ")
    for part in (
        "W_hh is not in the file",
        "b_h is not in the file",
        "W_xi (16, 6) is in the file only",
    ):
        assert part in err
    assert "W_hq" not in err
    wider = [*RUNS["windows"], "--hidden", "7"]
    err = refused(text, wider, file, capsys, "--resume")
    assert "W_hq is float32(6, 16) in the file and float32(7, 16) here" in err


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (["--seed", "8"], "seed 7 there, 8 here"),
        (["--lr", "0.5"], "lr 0.02 there, 0.5 here"),
        (["--epochs", "99"], "epochs 60 there, 99 here"),
        (["--truncate", "4"], "truncate 3 there, 4 here"),
    ],
)
def test_a_run_with_other_options_is_not_gone_on_with(more, what, text, tmp_path, whole, capsys):
    file = shutil.copy(whole / "windows", tmp_path / "run")
    assert refused(text, [*RUNS["windows"], *more], file, capsys, "--resume") == (
        f"minigrad: checkpoint: 'FILE' is of a run with other options: {what}. Give the same, or another file.\n"
    )


def test_another_text_is_not_gone_on_with(text, tmp_path, whole, capsys):
    file = shutil.copy(whole / "windows", tmp_path / "run")
    text.write_text(PROSE.replace("wisdom", "wisdoms"))
    assert "other options: another text" in refused(text, RUNS["windows"], file, capsys, "--resume")


def test_a_model_without_a_training_cannot_be_resumed(text, tmp_path, whole, capsys):
    model, vocab = checkpoint.load(whole / "windows")
    model.dropout = 0.3
    file = checkpoint.save(model, vocab, tmp_path / "run")
    assert refused(text, RUNS["windows"], file, capsys, "--resume") == (
        "minigrad: checkpoint: 'FILE' cannot be resumed: it holds a model and no training. Train anew.\n"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"progress": '{"step": "x"}'},
        {"progress": '{"epoch": -1}'},
        {"progress": '{"number": 1.5}'},
        {"progress": "[]"},
        {"progress": '{"what": 1}'},
        {"options": "[]"},
        {"options": "{"},
        {"generator": '{"bit_generator": "os"}'},
        {"generator": "7"},
    ],
)
def test_a_forged_training_with_a_right_checksum_is_one_line(change, text, tmp_path, whole, capsys):
    arrays, about = tensorfile.read(whole / "windows")
    file = tensorfile.write(tmp_path / "run", arrays, about | change)
    err = refused(text, RUNS["windows"], file, capsys, "--resume")
    assert err.startswith("minigrad: checkpoint: 'FILE' cannot be resumed: ")


def test_a_forged_state_with_a_right_checksum_is_one_line(text, tmp_path, whole, capsys):
    arrays, about = tensorfile.read(whole / "windows")
    for change in (
        {"training.state.0": np.zeros((9, 9), np.float32)},
        {"training.history": np.zeros(3)},
        {"training.optimizer.0.1": np.zeros((3, 3), np.float32)},
    ):
        file = tensorfile.write(tmp_path / "run", arrays | change, about)
        assert "cannot be resumed: " in refused(text, RUNS["windows"], file, capsys, "--resume")


def test_a_checkpoint_is_not_written_over_by_mistake(text, tmp_path, whole, capsys):
    file = shutil.copy(whole / "windows", tmp_path / "run")
    assert refused(text, RUNS["windows"], file, capsys) == (
        "minigrad: --checkpoint: 'FILE' exists already. Add --resume to go on with it, or delete it.\n"
    )


def test_a_finished_run_that_is_resumed_stays_as_it_is(text, tmp_path, whole):
    file = shutil.copy(whole / "windows", tmp_path / "run")
    done = run(text, RUNS["windows"], "--checkpoint", file, "--resume")
    assert (done.returncode, done.stderr) == (0, "")
    assert_same_bits(file, whole / "windows")


def test_more_epochs_go_on_from_fewer(text, tmp_path):
    """With a constant rate the number of epochs decides nothing but the end."""
    file, options, _ = half_way(text, tmp_path)
    assert run(text, options, "--checkpoint", file, "--resume").returncode == 0
    assert run(text, options, "--checkpoint", tmp_path / "whole").returncode == 0
    assert_same_bits(file, tmp_path / "whole")


def test_another_training_with_the_same_checkpoint_is_noticed(tmp_path):
    text, path = tmp_path / "text.txt", tmp_path / "run.safetensors"
    text.write_text("the time machine by h g wells " * 40)
    settings = trainer.Settings(text=str(text), steps=8, epochs=4)

    class Meddling(Reporter):
        def update(self, u):
            if u.step == 3:
                path.write_bytes(path.read_bytes() + b" ")

    with pytest.raises(DataError, match=r"another training has written .* meanwhile"):
        trainer.train(settings, Meddling(quiet=True), trainer.Keep(str(path), every=0.0))


def test_a_finite_loss_beyond_all_sense_is_divergence(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("the time machine by h g wells " * 40)
    settings = trainer.Settings(text=str(text), steps=8, epochs=9, lr=1e6, clip=1e6)
    with pytest.raises(DataError, match=r"training diverged at update .*nats per character"):
        trainer.train(settings, Reporter(quiet=True))
