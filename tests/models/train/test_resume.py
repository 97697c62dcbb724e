"""Interruptions lose nothing: a run killed or stopped at any moment goes on to the same bits."""

import json
import random
import shutil
import signal
import sys
import time

import pytest

from minigrad.internal import leftovers
from minigrad.models.train.interrupt import Pause
from tests import children
from tests.models.train.runs import (
    RUNS,
    assert_same_bits,
    half_way,
    progress,
    run,
    started,
)


# --- killed ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("kind", "kills"), [("windows", 10), ("stream", 4)])
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
    killed = children.run([sys.executable, "-c", code], timeout=120, check=False)
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


@pytest.fixture
def ctrl_c():
    """Ctrl-C as Python has it, though the tests be run to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_second_ctrl_c_does_not_wait(ctrl_c):
    with Pause() as pause:
        signal.raise_signal(signal.SIGINT)
        assert pause.wanted
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_who_ignores_ctrl_c_goes_on_ignoring_it(ctrl_c):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Pause() as pause:
        signal.raise_signal(signal.SIGINT)
        assert not pause.wanted
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


# --- finished -------------------------------------------------------------------------------------------------------
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
