"""Every mistake of the user's is one clear line, and leaves no file."""

from pathlib import Path

import pytest

from minigrad.cli import main


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
            "8,367,814,970,102,019,145 bytes long, in a file of 1,580. Make one with minigrad train "
            "--save or --checkpoint.",
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
