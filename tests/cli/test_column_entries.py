"""``infotheory entropy`` and ``infotheory mi``: entries that are easily taken for others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.columns import estimates, table
from files.support import write_parquet

from infotheory.cli import main
from infotheory.files import UnusableFileError, open_symbols

VERBS = ("entropy", "mi")
WHOLE = ["1", "2", "1.0"] * 500  # more than the rows that decide what a column holds


def found(path: Path, out: Path) -> dict[Any, int]:
    """The symbols of column a and how often they occur."""
    (item,) = estimates("entropy", path, "--columns", "a", "--per-symbol", out=out)
    return {symbol["symbol"]: symbol["count"] for symbol in item["symbols"]}


# --------------------------------------------------------------------------------- whole numbers


@pytest.mark.parametrize("row", [0, 5, 999, 1000, 1500])
@pytest.mark.parametrize("verb", VERBS)
def test_a_text_among_whole_numbers_is_said_wherever_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: int, verb: str
) -> None:
    entries = [*WHOLE[:row], "NA", *WHOLE[row:], "-9 x", "NA"]
    path = table(tmp_path / "t.csv", {"a": entries, "b": [0, 1, 2] * 501})
    assert main([verb, str(path), "--method", "plugin"]) == 0
    assert capsys.readouterr().err.startswith(
        f"note: {path}: column 'a': 'NA' at row {row} among whole numbers counts as a symbol; "
        "--missing NA --nan-policy omit leaves it out\n"
    )
    assert found(path, tmp_path / "out.json") == {1: 1000, 2: 500, "NA": 2, "-9 x": 1}
    options = ["--missing", "NA", "--nan-policy", "omit"]
    assert main([verb, str(path), *options, "--method", "plugin"]) == 0
    err = capsys.readouterr().err
    assert "counts as a symbol; --missing='-9 x' --nan-policy omit leaves it out\n" in err


@pytest.mark.parametrize(
    "entries",
    [
        ["x", "y", "1"],
        ["x", "1"],
        ["01", "2", "x"],
        ["1", "2", ""],
    ],
)
def test_nothing_is_said_of_other_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], entries: Sequence[str]
) -> None:
    path = table(tmp_path / "t.csv", {"a": entries, "b": [1] * len(entries)})
    assert main(["entropy", str(path), "--nan-policy", "omit", "--method", "plugin"]) == 0
    assert "among whole numbers" not in capsys.readouterr().err


def test_of_a_column_that_a_fraction_ends_nothing_else_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path / "t.csv", {"a": ["x", *WHOLE, "0.5"], "b": [0, 1] * 751})
    assert main(["entropy", str(path)]) == 0
    err = capsys.readouterr().err
    assert f"note: {path}: not discrete, passed over: 'a' (0.5 at row 1501)\n" in err
    assert "among whole numbers" not in err


def test_postcodes_are_strings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = {"a": ["1234", "01234", "99999"] * 2, "b": [0, 1, 2] * 2}
    path = table(tmp_path / "t.csv", columns)
    assert found(path, tmp_path / "out.json") == {"1234": 2, "01234": 2, "99999": 2}
    assert "among whole numbers" not in capsys.readouterr().err


def test_a_late_postcode_is_a_symbol_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path / "t.csv", {"a": [*WHOLE, "01"], "b": [0] * 1501})
    assert found(path, tmp_path / "out.json") == {1: 1000, 2: 500, "01": 1}
    assert capsys.readouterr().err.startswith(
        f"note: {path}: column 'a': '01' at row 1500 among whole numbers counts as a symbol, "
        "apart from the number without leading zeros\n"
    )


# ------------------------------------------------------------------------------------- the formats


def test_bytes_that_are_no_utf8_are_written_and_stay_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [b"\xff", b"a", b"\\xff", b"\xfe"] * 20
    np.save(tmp_path / "b.npy", np.array(entries))
    out = tmp_path / "out.json"
    (item,) = estimates("entropy", tmp_path / "b.npy", "--per-symbol", out=out)
    symbols = [symbol["symbol"].encode(errors="surrogateescape") for symbol in item["symbols"]]
    assert symbols == entries[:4]
    out.read_bytes().decode()
    assert "\n'\\udcff'  " in capsys.readouterr().out


def test_other_types_of_parquet_are_called_what_they_are(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    columns = {
        "d": pa.array([1, 2], pa.decimal128(3)), "n": [1, 2], "m": np.ones((2, 2), int),
    }  # fmt: skip
    opened = open_symbols(write_parquet(tmp_path / "t.parquet", columns))
    assert opened.choose()[0] == ["n", "m.0", "m.1"]
    with pytest.raises(UnusableFileError) as caught:
        opened.choose(["d"])
    assert str(caught.value) == (
        "column 'd' must be discrete (whole numbers, booleans or strings); got type "
        "decimal128(3, 0), which is passed over. Store it as strings."
    )
    for other in ("m", "e"):
        with pytest.raises(UnusableFileError, match=f"got '{other}', and there are 'n', 'm.0'"):
            opened.choose([other])


# ----------------------------------------------------------------------------------- the arguments


@pytest.mark.parametrize("number", ["1000000000", "1e9", str(2**53 + 1), str(2**63 - 1)])
def test_large_alphabets_are_taken_as_they_are(tmp_path: Path, number: str) -> None:
    np.save(tmp_path / "v.npy", np.array([1, 2, 2, 3]))
    arguments = [tmp_path / "v.npy", "--n-symbols", number, "--method", "plugin"]
    (item,) = estimates("entropy", *arguments, out=tmp_path / "out.json")
    assert item["n_symbols"] == int(float(number) if "e" in number else number)


@pytest.mark.parametrize("number", [str(2**63), "1.5", "nan", "inf", "-inf", "six", "1e999999"])
def test_no_alphabets(capsys: pytest.CaptureFixture[str], number: str) -> None:
    assert main(["entropy", "v.npy", f"--n-symbols={number}"]) == 2
    assert (
        "argument --n-symbols: must be a whole number from 1 to 9223372036854775807; "
        f"got '{number}'" in capsys.readouterr().err
    )


def test_mi_says_that_alphabets_are_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mi", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "how many symbols can occur is taken as unknown here" in words
