"""A checkpoint that cannot be written or gone on with: one line, and the file stays as it was."""

import json
import os
import resource
import shutil

import numpy as np
import pytest

from minigrad.cli import main
from minigrad.models.train import checkpoint, tensorfile
from tests import children
from tests.models.train.runs import PROSE, RUNS, command, half_way, run


# --- what cannot be written -----------------------------------------------------------------------------------------
def one_error(done):
    assert done.returncode == 1
    assert done.stderr.startswith("minigrad: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


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
        done = children.run(args, capture_output=True, text=True, timeout=300, check=False)
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
        {"progress": "{}"},
        {"progress": "NaN"},
        {"options": "[" * 50_000},
        {"generator": '{"bit_generator": "PCG64", "state": {"state": 1e999, "inc": 1}}'},
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
        {"training.history": np.zeros((7, 3))},
        {"training.optimizer.AdamW.0.mean": np.zeros((3, 3), np.float32)},
        {"training.optimizer.AdamW.lr": np.array([-1.0])},
        {"training.optimizer.AdamW.groups": np.array([1])},
        {"training.optimizer.0.1": np.zeros((3, 3), np.float32)},
        {"training.state.0": arrays["training.state.0"] * np.float32(np.nan)},
        {"training.state.0": arrays["training.state.0"].astype(np.float64)},
        {"training.state.0": arrays["training.state.0"][:1]},
    ):
        file = tensorfile.write(tmp_path / "run", arrays | change, about)
        assert "cannot be resumed: " in refused(text, RUNS["windows"], file, capsys, "--resume")


@pytest.mark.parametrize(
    "change", [{"step": 1}, {"number": 3}, {"number": 10**9}, {"epoch": 7}, {"nats": np.inf}]
)
def test_a_place_that_is_not_in_the_data_is_one_line(change, text, tmp_path, whole, capsys):
    arrays, about = tensorfile.read(whole / "windows")
    progress = json.dumps(json.loads(about["progress"]) | change)
    file = tensorfile.write(tmp_path / "run", arrays, about | {"progress": progress})
    assert "cannot be resumed: its " in refused(text, RUNS["windows"], file, capsys, "--resume")


def test_the_optimizer_of_0_1_0_is_one_line(text, tmp_path, whole, capsys):
    """It named its arrays by numbers alone; the model of such a file loads."""
    arrays, about = tensorfile.read(whole / "windows")
    kept = {k: a for k, a in arrays.items() if ".optimizer." not in k}
    kept["training.optimizer.0.0"] = np.array(7)
    file = tensorfile.write(tmp_path / "run", kept, about)
    err = refused(text, RUNS["windows"], file, capsys, "--resume")
    assert "restore: a state of no kind; expected one of AdamW. Train anew" in err
    assert checkpoint.load(file)[0].kind == "lstm"


def test_a_checkpoint_is_not_written_over_by_mistake(text, tmp_path, whole, capsys):
    file = shutil.copy(whole / "windows", tmp_path / "run")
    assert refused(text, RUNS["windows"], file, capsys) == (
        "minigrad: --checkpoint: 'FILE' exists already. Add --resume to go on with it, or delete it.\n"
    )
