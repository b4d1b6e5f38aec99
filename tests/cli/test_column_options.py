"""``infotheory entropy`` and ``infotheory mi``: arguments, exit codes, help."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from cli.columns import table

from infotheory.cli import main
from infotheory.estimators import ENTROPY_METHODS

VERBS = ("entropy", "mi")


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    return table(tmp_path / "survey.csv")


# ---------------------------------------------------------------------------------- what goes wrong


def test_a_failing_file_is_named_and_the_others_are_measured(
    survey: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing, empty = tmp_path / "none.csv", tmp_path / "empty.csv"
    empty.touch()
    assert main(["entropy", str(missing), str(survey), str(empty)]) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 6
    assert err.splitlines()[1:] == [
        f"infotheory entropy: {missing}: there is no such file.",
        f"infotheory entropy: {empty}: it is empty.",
    ]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "it is empty."),
        ("a,b\n", "columns must have at least one row; got none. Store some samples."),
        ("a,b\n1,2\n3\n", "rows must have one entry per column (2); got 1 at row 1."),
    ],
)
def test_files_without_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, content: str, text: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content, encoding="utf-8")
    assert main([verb, str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"infotheory {verb}: {path}: {text}")


def test_an_alphabet_that_is_too_small_fails_where_it_is(
    survey: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["entropy", str(survey), "--n-symbols", "3"]) == 1
    out, err = capsys.readouterr()
    assert "sex" in out
    assert "age" not in out
    assert (
        f"infotheory entropy: {survey}[age]: n_symbols must be at least the number of symbols seen "
        "(4); got 3."
    ) in err


def test_a_file_that_is_cut_off_while_it_is_read_gives_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from infotheory.files.delimited import DelimitedSource

    path = table(tmp_path / "t.csv")
    entries = DelimitedSource.entries
    monkeypatch.setattr(
        DelimitedSource, "entries", lambda self: (part[:100] for part in entries(self))
    )
    for verb in VERBS:
        assert main([verb, str(path)]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert f"infotheory {verb}: {path}: the file is truncated or damaged (rows from" in err


@pytest.mark.parametrize("verb", VERBS)
def test_what_else_is_in_a_file_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    path = table(tmp_path / "t.csv", {"": [0, 1, 2], "a": [1, 1, 2], "b": [2, 2, 1]})
    assert main([verb, str(path)]) == 0
    assert f"note: {path}: the column without a name is passed over\n" in capsys.readouterr().err


def test_many_columns_that_are_passed_over_are_not_all_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.npz"
    np.savez(path, a=np.arange(3), z=np.zeros((3, 25)))
    assert main(["entropy", str(path)]) == 0
    err = capsys.readouterr().err
    assert err.startswith(f"note: {path}: not discrete, passed over: 'z.0' (dtype float64), ")
    assert "'z.19' (dtype float64) and 5 more\n" in err


# --------------------------------------------------------------------------------------- arguments


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "the following arguments are required: FILE"),
        (["t.csv", "--method", "magic"], "argument --method: invalid choice: 'magic'"),
        (["t.csv", "--base", "1"], "argument --base: must be a number above 1; got '1'"),
        (["t.csv", "--base", "e"], "argument --base: must be a number above 1; got 'e'"),
        (["t.csv", "--level", "95"], "--level: must be a number between 0 and 1; got '95'"),
        (["t.csv", "--nan-policy", "drop"], "--nan-policy: invalid choice: 'drop'"),
        (["t.csv", "--plot", "x.xyz"], "x.xyz: a figure's name must end in one of "),
        (["t.csv", "--json", "no/x.json"], "no/x.json: there is no folder no"),
        (["t.csv", "--csv", "."], ".: this is a folder"),
        (["t.csv", "--csv", "t.csv"], "t.csv: would be overwritten, and is read"),
        (["t.csv", "--csv", "x", "--json", "x"], "x: would be overwritten, and is written for"),
    ],
)
def test_arguments_that_are_not_understood(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    arguments: list[str],
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([verb, *arguments]) == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["entropy", "--columns", "a", "t.csv"], "required: FILE, in front of the options"),
        (
            ["entropy", "t.csv", "--n-symbols", "0"],
            "must be a whole number from 1 to 9223372036854775807",
        ),
        (["entropy", "t.csv", "--text", "lines"], "argument --text: invalid choice: 'lines'"),
        (["entropy", "t.txt", "--text", "words", "--joint"], "--text has no columns: leave out"),
        (["entropy", "t.txt", "--text", "words", "--missing", "x"], "--text has no columns"),
        (["entropy", "t.txt", "--text", "words", "--columns", "x"], "--text has no columns"),
        (
            ["mi", "t.csv", "--permutations", "-1"],
            "--permutations: must be a whole number from 0 to ",
        ),
        (
            ["mi", "t.csv", "--seed", "0.5"],
            "--seed: must be a whole number from 0 to 9007199254740992",
        ),
        (["mi", "t.csv", "--x", "a", "--y", "b", "--columns", "c"], "--columns has no meaning wi"),
        (["mi", "a.csv", "b.csv"], "unrecognized arguments: b.csv"),
    ],
)
def test_arguments_that_do_not_go_together(
    capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    assert main(arguments) == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("verb", VERBS)
def test_a_plot_without_matplotlib_is_refused_before_the_work(
    survey: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.backend_bases", None)
    assert main([verb, str(survey), "--plot", "x.png"]) == 2
    out, err = capsys.readouterr()
    assert 'pip install "infotheory-toolkit[demo]"' in err
    assert out == ""


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_examples_and_methods(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    assert main([verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"examples:\n  infotheory {verb} survey.csv\n" in out
    assert "exit status: 0 everything was measured" in out
    words = out.replace(",", " ").split()
    assert set(ENTROPY_METHODS) <= set(words)


def test_the_program_lists_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert "  entropy    entropy of columns of symbols, and of text\n" in out
    assert "  mi         mutual information between columns of symbols or measurements\n" in out


@pytest.mark.parametrize("verb", VERBS)
def test_an_interruption_is_one_line_and_the_usual_status(
    survey: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    def interrupted(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("infotheory.files.SymbolReader.batches", interrupted)
    assert main([verb, str(survey)]) == 130
    assert capsys.readouterr().err.endswith(f"infotheory {verb}: interrupted\n")
