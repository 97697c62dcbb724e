"""The command line as a user meets it: real processes, one clear line for each mistake, nothing half-written."""

import contextlib
import json
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.cli import main, parser

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.children import running

ROOT = Path(__file__).parents[3]
PROSE = "It was the best of times, it was the worst of times, it was the age of wisdom. " * 20


@pytest.fixture
def text(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text(PROSE)
    return file


def minigrad(*args, cwd=None, **kwargs):
    command = [sys.executable, "-m", "minigrad", *map(str, args)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, timeout=120, check=False, **kwargs
    )


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (
            "fly",
            "minigrad: argument COMMAND: invalid choice: 'fly' (choose from demo, train, sample, figure, "
            "anatomy, compare, step) (see minigrad --help)",
        ),
        (
            "train --epochs 0",
            "minigrad train: argument --epochs: got '0', expected a whole number from 1 "
            "(see minigrad train --help)",
        ),
        (
            "train --clip -1",
            "minigrad train: argument --clip: got '-1', expected a number above 0 "
            "(see minigrad train --help)",
        ),
        (
            "train --clip nan",
            "minigrad train: argument --clip: got 'nan', expected a number above 0 "
            "(see minigrad train --help)",
        ),
        (
            "figure strategies --keep 0 -o a.svg",
            "minigrad figure strategies: argument --keep: got '0', expected a probability above 0 and at most 1 "
            "(see minigrad figure strategies --help)",
        ),
        (
            "figure unrolled",
            "minigrad figure unrolled: the following arguments are required: -o/--output "
            "(see minigrad figure unrolled --help)",
        ),
    ],
)
def test_a_usage_error_is_one_line_and_exit_code_2(args, line, capsys):
    with pytest.raises(SystemExit) as exit:
        main(args.split())
    assert exit.value.code == 2
    commands = "demo, train, sample, figure, anatomy, compare, step"
    assert (
        capsys.readouterr().err.replace("'" + commands.replace(", ", "', '") + "'", commands)
        == line + "\n"
    )


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (
            "train --text {tmp}/text.txt --resume",
            "minigrad: --resume: no --checkpoint FILE; it says where to go on from.",
        ),
        (
            "train --text {tmp}/text.txt --curve {tmp}/c.jpg",
            "minigrad: cannot write '{tmp}/c.jpg': of no format that is "
            "known by its ending; expected one that ends in .svg, .png, .pdf.",
        ),
        (
            "train --text {tmp}/short.txt --stream",
            "minigrad: Rows: 32 rows of 32 steps from 4 tokens; expected at least "
            "one step in each of at least one row. Take more text or fewer rows.",
        ),
        (
            "train --text {tmp}/text.txt --log {tmp}",
            "minigrad: cannot write '{tmp}': it is a folder. Name a file in it.",
        ),
        (
            "sample {tmp}/text.txt",
            "minigrad: checkpoint: '{tmp}/text.txt' cannot be read as one: its header would be "
            "8,367,814,970,102,019,145 bytes long, in a file of 1,580. Make one with minigrad train --save or --checkpoint.",
        ),
        (
            "sample {tmp}/none",
            "minigrad: checkpoint: '{tmp}/none' cannot be read as one: No such file or directory. "
            "Make one with minigrad train --save or --checkpoint.",
        ),
        (
            "train --text {tmp}/none.txt",
            "minigrad: text: cannot read '{tmp}/none.txt': No such file or directory. "
            "Give the path of a plain text file.",
        ),
        (
            "train --text {tmp}",
            "minigrad: text: cannot read '{tmp}': Is a directory. Give the path of a plain text file.",
        ),
        (
            "train --text {tmp}/empty.txt",
            "minigrad: text: '{tmp}/empty.txt' is empty. Give a file with some text in it.",
        ),
        (
            "train --text {tmp}/short.txt",
            "minigrad: text: 5 characters after preprocessing, too few for windows of 32 "
            "steps. Give a text with at least 35 letters.",
        ),
        (
            "train --text {tmp}/text.txt --save {tmp}/no/m",
            "minigrad: cannot write '{tmp}/no/m': its folder does not exist. Make it first.",
        ),
        (
            "demo -o {tmp}/text.txt",
            "minigrad: cannot make the folder '{tmp}/text.txt': File exists. "
            "Name another folder with -o DIR.",
        ),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_1(args, line, capsys, text):
    (text.parent / "empty.txt").touch()
    (text.parent / "short.txt").write_text("hello")
    assert main(args.format(tmp=text.parent).split()) == 1
    assert capsys.readouterr().err == line.format(tmp=text.parent) + "\n"
    assert len(list(text.parent.iterdir())) == 3


def test_train_prints_perplexities_and_a_continuation_and_saves(text, tmp_path):
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


def test_quiet_prints_nothing_and_json_prints_nothing_else(text, tmp_path):
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
    assert curve.read_bytes().startswith({"svg": b"<?xml", "png": b"\x89PNG"}[suffix])
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
    command = [sys.executable, "-m", "minigrad", "train", "--text", text, "--epochs", "30"]
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
        r"it. \[cells.py:\d+\]. Try a smaller learning rate \(--lr\) or gradient norm \(--clip\).\n",
        err,
    )
    assert not save.exists()


def test_demo_tells_the_story_and_names_its_files(text, tmp_path):
    run = minigrad("demo", "--text", text, "--epochs", 2, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert "h_3: float64[4, 1] = add(matmul@3, matmul@3#2)" in run.stdout
    assert [float(d) < 1e-12 for d in re.findall(r"largest difference (\S+)", run.stdout)] == [
        True
    ] * 3
    written = re.search(r"wrote (.*) \(Fig. 9.7.2 and 9.7.1\)\n$", run.stdout)[1].split(", ")
    assert written == ["minigrad-demo/unrolled.svg", "minigrad-demo/strategies.svg"]
    assert all((tmp_path / w).stat().st_size > 1000 for w in written)


@pytest.mark.parametrize("kind", ["unrolled", "strategies"])
@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "dot"])
def test_figure_writes_what_the_suffix_says(kind, suffix, tmp_path):
    start = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}[suffix]
    assert main(["figure", kind, "-o", str(tmp_path / f"f.{suffix}")]) == 0
    assert (tmp_path / f"f.{suffix}").read_bytes().lstrip(b"\n").startswith(start)


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


BARE = {
    name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ
}  # nothing about buffers


@pytest.mark.parametrize(
    ("args", "start"),
    [
        ("train --epochs 1000000", "text: "),
        ("train --epochs 1000000 --json", '{"event": '),
        ("anatomy --updates 1000000", "text: "),
        ("compare --updates 1000000", "text: "),
    ],
)
def test_a_pipe_carries_each_line_when_it_is_said(args, start, text, tmp_path):
    """Long before the run ends: it would take hours, and is killed where its first line does not come."""
    command = [sys.executable, "-m", "minigrad", *args.split(), "--text", text]
    env = BARE | {"PYTHONPATH": str(ROOT)}
    with running(
        command, seconds=60, stdout=subprocess.PIPE, text=True, env=env, cwd=tmp_path
    ) as run:
        first = run.stdout.readline()
        assert run.poll() is None
        run.kill()
    assert first.startswith(start)


def test_a_trainer_s_lines_reach_a_pipe_of_any_program(tmp_path):
    """A reporter in a program of the user's own, whose output nobody else flushes."""
    code = "import time; from minigrad.models.train.log import Reporter; Reporter().say('epoch 1'); time.sleep(600)"
    env = BARE | {"PYTHONPATH": str(ROOT)}
    with running(
        [sys.executable, "-c", code], seconds=60, stdout=subprocess.PIPE, env=env, cwd=tmp_path
    ) as run:
        assert run.stdout.readline() == b"epoch 1\n"
        run.kill()


def test_a_checkout_that_is_not_installed_knows_its_version(tmp_path):
    """Python without its site-packages: the checkout's folder and NumPy, no metadata of an installation."""
    (tmp_path / "minigrad").symlink_to(ROOT / "minigrad")
    numpys = Path(np.__file__).parents[1]
    for name in ("numpy", "numpy.libs"):  # the second holds the libraries of a wheel
        (tmp_path / name).symlink_to(numpys / name)
    command = [sys.executable, "-S", "-m", "minigrad", "--version"]
    env = BARE | {"PYTHONPATH": str(tmp_path)}
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env=env, cwd=tmp_path
    )
    assert (run.stdout, run.stderr) == (f"minigrad {mg.__version__}\n", "")


def test_a_reader_who_leaves_is_no_traceback(text):
    command = (
        f"{shlex.quote(sys.executable)} -m minigrad train --text {text} --epochs 30 | head -n 1"
    )
    run = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=120, check=True
    )
    assert run.stdout.startswith("text: ")
    assert run.stderr == ""


def test_modules_of_the_users_own_are_not_in_the_way(tmp_path):
    """Nearly every project has a models.py or a viz.py: neither is imported for ours, nor ours for theirs."""
    for name in ("models.py", "viz.py"):
        (tmp_path / name).write_text("raise SystemExit('this is the file of the user')\n")
    run = minigrad(
        "figure",
        "unrolled",
        "-o",
        "unrolled.svg",
        cwd=tmp_path,
        env={**os.environ, "PYTHONSAFEPATH": ""},
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert (tmp_path / "unrolled.svg").stat().st_size > 0


def test_the_readme_s_commands_parse():
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    commands = [
        m for block in blocks for m in re.findall(r"(?:^|/)minigrad ([a-z].*)$", block, re.M)
    ]
    assert len(commands) >= 1
    for command in commands:
        parser().parse_args(shlex.split(command, comments=True))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--save", "x.png", "--curve", "x.png"],
            "--curve: 'x.png', which is the file of --save too. Name another.",
        ),
        (
            ["--text", "text.txt", "--log", "text.txt"],
            "--log: 'text.txt', which is the file of --text too. Name another.",
        ),
    ],
)
def test_two_options_do_not_mean_one_file(options, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("the time machine " * 9)
    assert main(["train", *options]) == 1
    assert said in capsys.readouterr().err
    assert Path("text.txt").read_text() == "the time machine " * 9
