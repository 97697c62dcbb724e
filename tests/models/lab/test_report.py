"""The page and the experiments' commands: complete, self-contained, repeatable, or not there at all."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import minigrad as mg
from minigrad.cli import compare as lab
from minigrad.cli import main
from minigrad.errors import ArgumentError
from minigrad.files import refuse_unwritable
from minigrad.models import RNNCell, anatomy, report, section, unroll
from minigrad.models.lab.report import pieces, recurrent_weight, usual
from minigrad.viz.report.html import number
from tests.children import running
from tests.zoo import small_net

PROSE = "It was the best of times, it was the worst of times, it was the age of wisdom. " * 20


@pytest.fixture
def text(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text(PROSE)
    return str(file)


def svgs(page):
    return re.findall(r"<svg.*?</svg>", page, re.S)


@pytest.mark.parametrize("kind", ["lstm", "two layers"])
def test_the_page_of_a_loop_of_one_s_own_is_complete_and_stands_alone(kind, tmp_path):
    tape, _ = small_net(kind, 6)
    page = report(tape, tmp_path / "r.html", about={"run": "<b>mine</b> & yours"}).read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert page.endswith("</body></html>\n")
    assert "&lt;b&gt;mine&lt;/b&gt; &amp; yours" in page
    assert len(svgs(page)) == 3
    for svg in svgs(page):
        ET.fromstring(svg)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert not re.search(r"<(script|link|img|iframe)\b|@import|src=|url\((?!#)", page)


def test_the_page_s_verdict_and_tables_hold_the_computed_numbers(tmp_path):
    e = section(T=6)
    page = report(e.tape, tmp_path / "r.html", e.rnn.W_hh, strategies=["every=2"]).read_text()
    a = anatomy(e.tape, e.rnn.W_hh)
    assert "sigma_max(W_hh) max|phi&#x27;|" in page
    for k, lost in enumerate(a.lost, 1):
        assert (
            k == 5
            or f"<td>{k}</td><td>truncate(tape, window={k - 1})</td><td>{100 * lost:.3g}%</td>"
            in page
        )
    assert f"<td>full</td><td>{number(float(np.linalg.norm(a.total)))}</td><td>0.00%</td>" in page
    assert f"<td>W_hh</td><td>(4, 4)</td><td>{number(float(np.linalg.norm(a.total)))}</td>" in page


def test_the_same_tape_gives_the_same_page_and_progress_is_bounded(tmp_path):
    tape, _ = small_net("lstm", 5, batch=1)
    calls = []
    pages = [
        report(tape, tmp_path / f"{k}.html", on_step=lambda: calls.append(0)).read_bytes()
        for k in (1, 2)
    ]
    assert pages[0] == pages[1]
    assert 0 < len(calls) <= 2 * pieces(tape)


def test_what_cannot_be_shown_is_said(tmp_path):
    h = older = mg.tensor(np.ones(2), requires_grad=True)
    for t in range(5):
        with mg.timestep(t):
            h, older = np.tanh(h) + older, h
    page = report(mg.Tape.of(np.sum(h)), tmp_path / "r.html").read_text()
    assert page.count("Not shown: ") == 2


def test_the_recurrent_weight_is_found_by_what_it_meets():
    for kind, names in (("rnn", {"W_hh"}), ("lstm", {"W_hi", "W_hf", "W_ho", "W_hc"})):
        tape, params = small_net(kind, 4)
        assert (
            recurrent_weight(
                tape, dict(zip(params, mg.grad(tape.outputs[0], params), strict=True))
            ).name
            in names
        )
    assert usual(48) == ["every=12", "window=12", "random=0.92"]


def test_a_batch_that_is_too_large_for_jacobians_takes_an_example(tmp_path):
    cell = RNNCell(2, 3, 0)
    hs, _ = unroll(cell, np.ones((4, 200, 2)))
    tape = mg.Tape.of(np.sum(np.stack(hs)))
    assert "Pick one example" in report(tape, tmp_path / "a.html").read_text()
    assert "Pick one example" not in report(tape, tmp_path / "b.html", example=3).read_text()


# --- the commands ---------------------------------------------------------------------------------------------------
SMALL = ["--hidden", "4", "--steps", "8"]


def test_anatomy_writes_a_page_with_the_command_that_made_it(text, tmp_path, monkeypatch, capsys):
    file = str(tmp_path / "page.html")
    args = [
        "anatomy",
        "--text",
        text,
        "--cell",
        "lstm",
        *SMALL,
        "--updates",
        "2",
        "--strategies",
        "every=3",
    ]
    args += ["-o", file]
    monkeypatch.setattr(sys, "argv", ["minigrad", *args])
    assert main(args) == 0
    assert f"wrote {file}" in capsys.readouterr().out
    page = Path(file).read_text()
    assert f"<td>command</td><td>minigrad anatomy --text {text} --cell lstm" in page
    assert "every=3" in page


def test_compare_prints_a_table_and_writes_every_format(text, tmp_path, capsys):
    files = [str(tmp_path / f"c.{s}") for s in ("svg", "png", "pdf", "csv", "json")]
    outputs = [x for f in files for x in ("-o", f)]
    small = [
        *SMALL,
        "--updates",
        "2",
        "--seeds",
        "2",
        "--draws",
        "3",
        "--strategies",
        "full",
        "random=0.5",
    ]
    assert main(["compare", "--text", text, *small, *outputs]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^random=0.5 +\d", out, re.M)
    starts = [b"<svg", b"\x89PNG", b"%PDF", b"name,draws", b"{"]
    assert all(Path(f).read_bytes().startswith(s) for f, s in zip(files, starts, strict=True))
    assert len(json.loads(Path(files[-1]).read_text())["results"]) == 2


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (
            "anatomy -o page.txt",
            "cannot write 'page.txt': of no format that is known by its ending",
        ),
        (
            "anatomy -o nowhere/page.html",
            "cannot write 'nowhere/page.html': its folder does not exist",
        ),
        (
            "anatomy --wrt W_xy --updates 0 --hidden 2 --steps 4",
            "--wrt: 'W_xy'; expected one of W_xh, W_hh",
        ),
        ("compare -o c.txt", "cannot write 'c.txt'"),
        ("compare --strategies fly", "strategy: 'fly'; expected one of full"),
        (
            "anatomy --strategies fly --updates 0 --hidden 2 --steps 4",
            "strategy: 'fly'; expected one of full",
        ),
    ],
)
def test_a_mistake_is_one_line_and_no_file(args, line, text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*args.split(), "--text", text]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"minigrad: {line}")
    assert err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["text.txt"]


def test_an_interrupt_leaves_no_page(text, tmp_path):
    page = tmp_path / "page.html"
    command = [
        sys.executable,
        "-m",
        "minigrad",
        "anatomy",
        "--text",
        text,
        "--updates",
        "100000",
        "-o",
        str(page),
    ]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline().startswith("text: ")
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        err = run.stderr.read()
    assert (run.returncode, err.strip().splitlines()[-1]) == (130, "minigrad: interrupted")
    assert [p.name for p in tmp_path.iterdir()] == ["text.txt"]


def test_every_experiment_of_the_command_line_exists():
    from minigrad.cli.laboratory_options import EXPERIMENTS

    assert set(EXPERIMENTS) == set(lab.EXPERIMENTS)


def test_a_suffix_is_refused_before_the_work():
    with pytest.raises(ArgumentError, match=r"ends in \.html"):
        refuse_unwritable("x.svg", (".html",))
