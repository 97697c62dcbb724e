"""``minigrad train`` and ``minigrad sample`` as a user meets them."""

import contextlib
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minigrad.cli import main

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.children import running


def test_train_prints_perplexities_and_a_continuation_and_saves(text, tmp_path, minigrad):
    save = tmp_path / "m.safetensors"
    options = ["--cell", "gru", "--truncate", 8, "--epochs", 2, "--steps", 16, "--save", save]
    run = minigrad("train", "--text", text, *options)
    assert (run.returncode, run.stderr) == (0, "")
    assert re.search(
        r"epoch +2: perplexity +\d+\.\d\d train, +\d+\.\d\d validation\n'it has' continues",
        run.stdout,
    )
    assert "BPTT truncated every 8 steps" in run.stdout
    assert run.stdout.endswith(f"wrote {save}\n")
    assert save.stat().st_size > 1000


@pytest.fixture
def model(text, tmp_path):
    """A model of that text."""
    file = tmp_path / "model"
    assert (
        main(
            [
                "train",
                "--text",
                str(text),
                "--epochs",
                "1",
                "--steps",
                "8",
                "--quiet",
                "--save",
                str(file),
            ]
        )
        == 0
    )
    return file


def test_sample_writes_what_the_seed_decides_and_at_temperature_0_the_likeliest(model, capsys):
    def sampled(*options):
        assert main(["sample", str(model), "--prefix", "it was", "--length", "30", *options]) == 0
        out = capsys.readouterr().out
        assert out.startswith("it was")
        assert len(out) == 6 + 30 + 1
        return out

    assert sampled("--seed", "3") == sampled("--seed", "3") != sampled("--seed", "4")
    assert sampled("--temperature", "0", "--seed", "3") == sampled(
        "--temperature", "0", "--seed", "4"
    )


def test_a_prefix_that_the_model_cannot_read_is_one_line(model, capsys):
    assert main(["sample", str(model), "--prefix", "It é it É I"]) == 1
    known = " abefghimorstw" + "d"
    assert capsys.readouterr().err == (
        f"minigrad: --prefix: 'I', 'é', 'É' unknown to the model; it knows {''.join(sorted(known))!r}.\n"
    )


def test_quiet_prints_nothing_and_json_prints_nothing_else(text, tmp_path, minigrad):
    options = ["train", "--text", text, "--epochs", 3, "--steps", 8]
    quiet = minigrad(*options, "--quiet", "--save", tmp_path / "m")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    run = minigrad(*options, "--json", "--save", tmp_path / "m")
    assert (run.returncode, run.stderr) == (0, "")
    events = [json.loads(line) for line in run.stdout.splitlines()]
    assert [e["event"] for e in events] == ["start", "epoch", "epoch", "epoch", "wrote"]
    assert events[0]["hidden"] == 32
    assert [e["epoch"] for e in events[1:4]] == [1, 2, 3]
    assert events[3]["best"] == min(e["validation"] for e in events[1:4])
    assert events[4]["path"] == str(tmp_path / "m")


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_train_logs_every_update_and_draws_the_curve(suffix, text, tmp_path, capsys):
    log, curve = tmp_path / "log.jsonl", tmp_path / f"curve.{suffix}"
    options = ["--stream", "--batch", "4", "--steps", "50", "--epochs", "2", "--clip", "0.01"]
    assert (
        main(["train", "--text", str(text), *options, "--log", str(log), "--curve", str(curve)])
        == 0
    )
    assert f"wrote {curve}" in capsys.readouterr().out
    assert curve.read_bytes().startswith({"svg": b"<svg", "png": b"\x89PNG"}[suffix])
    events = [json.loads(line) for line in log.read_text().splitlines()]
    updates = [e for e in events if e["event"] == "update"]
    assert [e["step"] for e in updates] == list(range(1, len(updates) + 1))
    for e in updates:
        assert e["perplexity"] == pytest.approx(math.exp(e["loss"]))
        assert e["clipped_norm"] == pytest.approx(min(e["norm"], 0.01))
        assert e["lr"] == 1
    first = [e for e in updates if e["epoch"] == 1]
    assert len(first) * 2 == len(updates)


def test_the_bar_shows_what_one_wants_to_know(text):
    """In a terminal: loss, perplexity, norm, clipped share, tokens per second."""
    pty = pytest.importorskip("pty")
    mine, theirs = pty.openpty()
    pytest.importorskip("termios").tcsetwinsize(theirs, (24, 200))
    small = ["--epochs", "30", "--steps", "8", "--hidden", "4"]
    command = [sys.executable, "-m", "minigrad", "train", "--text", text, *small]
    shown = b""
    # Read while it runs: a terminal that nobody reads is full after a few lines. Its end is an error.
    with running(command, stdout=subprocess.DEVNULL, stderr=theirs) as child:
        os.close(theirs)
        with contextlib.suppress(OSError), os.fdopen(mine, "rb", 0) as screen:
            while read := screen.read(1 << 16):
                shown += read
    assert child.returncode == 0
    bar = r"30/30 .*loss [\d.]+, perplexity [\d.]+, norm [\d.]+, clipped \d+%, [\d,]+ tokens/s"
    assert re.search(bar, shown.decode()), shown


def test_divergence_stops_with_the_step_the_first_bad_value_and_advice(text, capsys, tmp_path):
    save = tmp_path / "m"
    assert (
        main(["train", "--text", str(text), "--lr", "1e300", "--quiet", "--save", str(save)]) == 1
    )
    err = capsys.readouterr().err
    assert re.fullmatch(
        r"minigrad: training diverged at update 2: parameter: 'W_xh' has .*The update before this forward pass wrote "
        r"it. \[initial.py:\d+\]. Try a smaller learning rate \(--lr\) or gradient norm \(--clip\).\n",
        err,
    )
    assert not save.exists()


def test_an_interrupt_is_one_line_and_leaves_no_file(text, tmp_path):
    save = tmp_path / "m.safetensors"
    command = [
        sys.executable,
        "-m",
        "minigrad",
        "train",
        "--text",
        text,
        "--epochs",
        "100000",
        "--save",
        save,
    ]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline().startswith("text: ")
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        err = run.stderr.read()
    assert (run.returncode, err.strip()) == (130, "minigrad: interrupted")
    assert not save.exists()
