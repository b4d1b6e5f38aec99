"""``infotheory entropy``: what is measured, printed and written."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.columns import (
    AGE,
    COLUMNS,
    PRICE,
    SEX,
    VOTE,
    WITH_GAPS,
    N,
    estimates,
    expected,
    lines,
    table,
)
from oracles import columns as oracle

from infotheory.cli import _counting, main
from infotheory.estimators import ENTROPY_METHODS, estimate_entropy
from infotheory.files import text as text_module


def approx(value: float) -> Any:
    """Symbols are added up in another order: at most ten terms, each off by a few ulp.

    The difference of two such sums, in a standard error, may lose two digits more.
    """
    return pytest.approx(value, rel=1e-12, abs=1e-13)


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    return table(tmp_path / "survey.csv")


# ------------------------------------------------------------------------------------- the numbers


def test_each_column_of_symbols_has_a_line(
    survey: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["entropy", str(survey), "--method", "plugin", "--level", "0.9"]) == 0
    out, err = capsys.readouterr()
    found = lines(out)
    assert " interval, 90 %  std. error    n  distinct  method\n" in out
    assert [words[0] for words in found] == ["sex", "age", "vote"]
    for words in found:
        assert float(words[1]) == pytest.approx(oracle.entropy(COLUMNS[words[0]]), abs=5e-7)
        assert words[-1] == "plugin"
        assert str(N) in words
    assert out.endswith("H in nats.\n")
    assert err == f"note: {survey}: not discrete, passed over: 'price' ({PRICE[0]} at row 0)\n"


@pytest.mark.parametrize("method", ["auto", *ENTROPY_METHODS])
def test_every_method_is_that_of_the_library(tmp_path: Path, survey: Path, method: str) -> None:
    arguments = ["--method", method, "--base", "2", "--level", "0.9", "--n-symbols", "9"]
    found = estimates("entropy", survey, *arguments, out=tmp_path / "out.json")
    assert [item["columns"] for item in found] == [["sex"], ["age"], ["vote"]]
    for item in found:
        (name,) = item["columns"]
        options = {"method": method, "base": 2, "level": 0.9, "n_symbols": 9}
        by_library = expected(estimate_entropy, COLUMNS[name], **options)
        assert list(item)[:4] == ["file", "columns", "distinct", "missing"]
        assert list(item)[4:-1] == list(by_library)
        for key, value in by_library.items():
            if type(value) is float and math.isnan(value):
                assert item[key] is None
            else:
                assert item[key] == (approx(value) if type(value) is float else value)
        assert item["file"] == str(survey)
        assert item["distinct"] == len(set(COLUMNS[name]))


def test_columns_together_have_a_joint_entropy(tmp_path: Path, survey: Path) -> None:
    arguments = ["--columns", "vote", "s*", "--joint", "--method", "plugin"]
    (found,) = estimates("entropy", survey, *arguments, out=tmp_path / "out.json")
    assert found["columns"] == ["vote", "sex"]
    assert found["value"] == pytest.approx(oracle.entropy(list(zip(VOTE, SEX, strict=True))))
    assert found["distinct"] == 4


def test_small_batches_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(tmp_path / "t.csv", COLUMNS | {"gaps": WITH_GAPS})
    arguments = [path, "--per-symbol", "--nan-policy", "omit"]
    whole = estimates("entropy", *arguments, out=tmp_path / "a.json")
    batches = _counting.SymbolReader.batches
    monkeypatch.setattr(_counting.SymbolReader, "batches", lambda self: batches(self, 7))
    assert estimates("entropy", *arguments, out=tmp_path / "b.json") == whole
    assert whole[-1]["missing"] == 3


def test_columns_of_several_lengths(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    np.savez(path, a=np.arange(6) % 3, b=np.arange(8) % 2, c=np.arange(6) % 2)
    found = estimates("entropy", path, "--method", "plugin", out=tmp_path / "out.json")
    by_name = {item["columns"][0]: item for item in found}
    assert {name: item["n"] for name, item in by_name.items()} == {"a": 6, "b": 8, "c": 6}
    assert by_name["a"]["value"] == pytest.approx(np.log(3))


def test_several_files(tmp_path: Path, survey: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "rolls.npy", np.array(AGE))
    files = [str(survey), str(tmp_path / "rolls.npy")]
    assert main(["entropy", *files, "--columns", "age", "0"]) == 1
    assert main(["entropy", *files]) == 0
    out = capsys.readouterr().out
    rows = lines(out)
    assert [words[:2] for words in rows] == [
        *([str(survey), name] for name in ("sex", "age", "vote")),
        [str(tmp_path / "rolls.npy"), "0"],
    ]
    assert rows[1][2:] == rows[3][2:]


def test_a_known_alphabet(tmp_path: Path) -> None:
    np.save(tmp_path / "rolls.npy", np.array([1, 2, 2, 3]))
    arguments = [tmp_path / "rolls.npy", "--n-symbols", 6]
    (found,) = estimates("entropy", *arguments, out=tmp_path / "out.json")
    assert found["n_symbols"] == 6
    by_library = expected(estimate_entropy, [1, 2, 2, 3], n_symbols=6)
    assert (found["method"], found["value"]) == (by_library["method"], approx(by_library["value"]))


# ------------------------------------------------------------------------------------- the missing


def test_missing_entries_are_refused_and_the_other_columns_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path / "t.csv", {"age": WITH_GAPS, "sex": SEX})
    assert main(["entropy", str(path)]) == 1
    out, err = capsys.readouterr()
    assert [words[0] for words in lines(out)] == ["sex"]
    assert err == (
        f"infotheory entropy: {path}[age]: column 'age' must be without missing entries; got "
        "nothing at row 3. Pass --nan-policy omit to leave such rows out.\n"
    )


def test_missing_entries_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path / "t.csv", {"age": WITH_GAPS, "sex": SEX})
    arguments = [path, "--nan-policy", "omit", "--method", "plugin"]
    age, sex = estimates("entropy", *arguments, out=tmp_path / "out.json")
    there = [v for v in WITH_GAPS if v is not None]
    assert (age["n"], age["missing"], sex["n"], sex["missing"]) == (N - 3, 3, N, 0)
    assert age["value"] == pytest.approx(oracle.entropy(there))
    assert "missing" in capsys.readouterr().out.splitlines()[0]
    (both,) = estimates("entropy", *arguments, "--joint", out=tmp_path / "out.json")
    rows = [row for row in zip(WITH_GAPS, SEX, strict=True) if row[0] is not None]
    assert (both["n"], both["missing"]) == (N - 3, 3)
    assert both["value"] == pytest.approx(oracle.entropy(rows))


def test_the_missing_entry_of_several_columns_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path / "t.csv", {"sex": SEX, "age": WITH_GAPS})
    batches, read = _counting.SymbolReader.batches, []
    monkeypatch.setattr(
        _counting.SymbolReader,
        "batches",
        lambda self: (read.append(codes) or codes for codes in batches(self, 2)),
    )
    assert main(["entropy", str(path), "--joint"]) == 1
    assert f"{path}[sex, age]: column 'age' must be without" in (err := capsys.readouterr().err)
    assert "at row 3." in err
    assert len(read) == 2  # there is nothing left to count


def test_texts_that_stand_for_missing_entries(tmp_path: Path) -> None:
    entries = ["NA" if value is None else value for value in WITH_GAPS]
    path = table(tmp_path / "t.csv", {"age": entries, "sex": SEX})
    arguments = [path, "--missing", "NA", "--nan-policy", "omit"]
    age, _ = estimates("entropy", *arguments, out=tmp_path / "out.json")
    assert (age["n"], age["distinct"]) == (N - 3, 4)


def test_nothing_but_missing_entries(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path / "t.csv", {"a": ["", "", ""], "b": [1, 1, 2]})
    assert main(["entropy", str(path), "--nan-policy", "omit"]) == 1
    out, err = capsys.readouterr()
    assert len(lines(out)) == 1
    assert err.endswith(
        f"{path}[a]: column 'a' must have a row without missing entries; got none. "
        "Choose columns that were observed together.\n"
    )


# ------------------------------------------------------------------------------ what is no symbol


def test_a_late_fraction_ends_a_column_and_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = {"a": [1] * 1200 + [0.5, 2], "b": [0, 1] * 601}
    path = table(tmp_path / "t.csv", columns)
    assert main(["entropy", str(path)]) == 0
    out, err = capsys.readouterr()
    assert [words[0] for words in lines(out)] == ["b"]
    assert err == f"note: {path}: not discrete, passed over: 'a' (0.5 at row 1200)\n"


@pytest.mark.parametrize("arguments", [["--columns", "a", "b"], ["--joint"], ["--columns", "[a]"]])
def test_a_late_fraction_fails_where_the_column_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    path = table(tmp_path / "t.csv", {"a": [1] * 1200 + [0.5, 2], "b": [0, 1] * 601})
    assert main(["entropy", str(path), *arguments]) == 1
    out, err = capsys.readouterr()
    assert [words[0] for words in lines(out)] == ["b"] if "b" in arguments else out == ""
    assert f"{path}[a]: column 'a' must be discrete (whole numbers" in err
    assert "got 0.5 at row 1200" in err


# -------------------------------------------------------------------------------------------- text


def test_letters_and_words_of_a_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.txt"
    content = "To be, or not to be: that’s the question.\n" * 3
    path.write_text(content, encoding="utf-8")
    arguments = [path, "--text", "letters", "words", "--method", "plugin", "--base", 2]
    letters, words = estimates("entropy", *arguments, out=tmp_path / "out.json")
    assert letters["columns"] == ["letters"]
    assert letters["value"] == pytest.approx(oracle.entropy(oracle.letters(content)) / np.log(2))
    assert words["value"] == pytest.approx(oracle.entropy(oracle.words(content)) / np.log(2))
    assert words["n"] == len(oracle.words(content))
    assert capsys.readouterr().out.endswith("H in bits.\n")


def test_a_long_text_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.txt"
    path.write_text("one two three two\n" * 40, encoding="utf-8")
    whole = estimates("entropy", path, "--text", "words", out=tmp_path / "a.json")
    monkeypatch.setattr(text_module, "_CHARACTERS", 11)
    assert estimates("entropy", path, "--text", "words", out=tmp_path / "b.json") == whole


def test_a_text_that_is_taken_for_a_table_is_refused_with_the_way_to_read_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.txt"
    path.write_text("to be", encoding="utf-8")
    assert main(["entropy", str(path), str(tmp_path / "none.txt")]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("Pass --text words, letters or characters to read plain text.")
    assert second.endswith("none.txt: there is no such file.")


def test_a_text_without_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.txt"
    path.write_text("1 2 3\n", encoding="utf-8")
    assert main(["entropy", str(path), "--text", "words", "characters"]) == 1
    out, err = capsys.readouterr()
    assert [row[0] for row in lines(out)] == ["characters"]
    assert err.endswith(f"infotheory entropy: {path}[words]: there are no words in it.\n")


# ------------------------------------------------------------------------------------- the symbols


def test_symbols_are_listed_by_their_frequency(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path / "t.csv", {"a": [7] * 3 + [5], "b": ["x", "y", "x", "x"]})
    arguments = ["--per-symbol", "--base", 2]
    a, b = estimates("entropy", path, *arguments, out=tmp_path / "out.json")
    assert a["symbols"] == [{"symbol": 7, "count": 3}, {"symbol": 5, "count": 1}]
    assert b["symbols"] == [{"symbol": "x", "count": 3}, {"symbol": "y", "count": 1}]
    out = capsys.readouterr().out
    assert "\na\nsymbol  count     share  -log share\n7           3  0.750000    0.415037\n" in out
    assert "\n'y'         1  0.250000    2.000000\n" in out
    (both,) = estimates("entropy", path, *arguments, "--joint", out=tmp_path / "out.json")
    assert both["symbols"][0] == {"symbol": [7, "x"], "count": 2}


def test_of_many_symbols_the_most_frequent_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "v.npy", np.repeat(np.arange(30), np.arange(1, 31)))
    found = estimates("entropy", tmp_path / "v.npy", "--per-symbol", out=tmp_path / "out.json")
    assert [item["symbol"] for item in found[0]["symbols"]] == list(range(29, -1, -1))
    out = capsys.readouterr().out
    assert out.endswith("\n... and 10 symbols more; --json writes all of them.\n")
    assert "\n10         11 " in out
    assert "\n9          10 " not in out


# --------------------------------------------------------------------------------------- the files


def test_csv_holds_what_json_holds(tmp_path: Path, survey: Path) -> None:
    out = tmp_path / "out.csv"
    arguments = ["--columns", "sex", "vote", "--joint", "--csv", out]
    (item,) = estimates("entropy", survey, *arguments, out=tmp_path / "out.json")
    with out.open(newline="", encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert row.pop("columns") == "sex; vote"
    assert list(row) == [k for k in item if k not in {"columns", "warnings", "non_finite"}]
    for key, text in row.items():
        value = item[key]
        assert text == ("" if value is None else text if isinstance(value, float) else str(value))
        assert not isinstance(value, float) or float(text) == value


def test_values_that_json_cannot_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "v.npy", np.array([4]))
    (found,) = estimates("entropy", tmp_path / "v.npy", out=tmp_path / "out.json")
    by_library = expected(estimate_entropy, [4])
    odd = {k: "nan" for k, v in by_library.items() if isinstance(v, float) and math.isnan(v)}
    assert found["non_finite"] == odd
    assert {"low", "high", "standard_error"} <= set(odd)
    assert all(found[key] is None for key in odd)
    assert lines(capsys.readouterr().out) == [
        ["0", "0.000000", "-", "-", "1", "1", found["method"]]
    ]


def test_warnings_are_notes_with_the_columns_they_are_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path / "t.csv", {"id": range(20), "other": range(20), "c": [1, 2] * 10})
    with warnings.catch_warnings(record=True) as seen:
        found = estimates("entropy", path, out=tmp_path / "out.json")
    assert seen == []
    (text,) = found[0]["warnings"]
    assert found[1]["warnings"] == [text]
    assert capsys.readouterr().err == f"note: id, other: {text}\n"


def test_the_plot_shows_how_much_so_many_symbols_could_tell(
    tmp_path: Path, survey: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    monkeypatch.setattr(
        "infotheory.plotting.estimate_points", lambda shown, _, **o: drawn.append((shown, o))
    )
    arguments = ["entropy", str(survey), "--base", "2", "--plot", str(tmp_path / "x.png")]
    assert main(arguments) == 0
    assert main([*arguments, "--n-symbols", "8"]) == 0
    for (shown, options), most in zip(drawn, ([1.0, 2.0, 1.0], [3.0] * 3), strict=True):
        assert list(shown) == ["sex", "age", "vote"]
        assert options["quantity"] == "entropy"
        assert options["beside"] == ("log of the number of symbols", pytest.approx(most))


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_plots_are_written(tmp_path: Path, survey: Path, ending: str) -> None:
    out = tmp_path / f"figure.{ending}"
    assert main(["entropy", str(survey), "--plot", str(out)]) == 0
    assert out.read_bytes().startswith({"png": b"\x89PNG", "svg": b"<?xml"}[ending])


def test_the_failed_are_in_the_document(tmp_path: Path, survey: Path) -> None:
    out, missing = tmp_path / "out.json", tmp_path / "none.csv"
    plot = tmp_path / "x.png"
    assert main(["entropy", str(missing), "--json", str(out), "--plot", str(plot)]) == 1
    assert json.loads(out.read_text()) == {
        "infotheory": json.loads(out.read_text())["infotheory"],
        "estimates": [],
        "failed": [{"where": str(missing), "reason": "there is no such file."}],
    }
    assert not plot.exists()


def test_it_loads_no_classifiers_and_no_figures(survey: Path) -> None:
    code = (
        "import sys; from infotheory.cli import main; main(['entropy', sys.argv[1]]); "
        "assert not {'infotheory.classifiers', 'matplotlib', 'pandas', 'torch', 'pyarrow'} "
        "& set(sys.modules)"
    )
    command = [sys.executable, "-c", code, str(survey)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
