"""``infotheory mi`` of measured columns: which are, and that estimates are those of the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cli.columns import estimates, expected, lines, table
from files.support import write_npz, write_parquet

from infotheory.cli import main
from infotheory.estimators import (
    CONDITIONAL_METHODS,
    INFORMATION_METHODS,
    estimate_conditional_mutual_information,
    estimate_mutual_information,
)

N = 150
RNG = np.random.default_rng(7)
HEIGHT = RNG.normal(170.0, 8.0, N)
WEIGHT = HEIGHT - 100.0 + RNG.normal(0.0, 6.0, N)
RATIO = np.where(RNG.random(N) < 0.4, 0.0, WEIGHT / 100.0)
SEX = np.where(HEIGHT + RNG.normal(0.0, 5.0, N) > 170.0, "m", "f")
AGE = RNG.integers(20, 30, N)
COLUMNS: dict[str, Any] = {
    "height": HEIGHT, "weight": WEIGHT, "ratio": RATIO, "sex": SEX, "age": AGE
}  # fmt: skip


def plain(columns: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {name: np.asarray(values).tolist() for name, values in columns.items()}


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return table(tmp_path / "people.csv", plain(COLUMNS))


def pair(item: Mapping[str, Any]) -> tuple[str, str]:
    (x,), (y,) = item["x"], item["y"]
    return x, y


def assert_same(item: Mapping[str, Any], by_library: Mapping[str, Any]) -> None:
    for key, value in by_library.items():
        if type(value) is float and np.isnan(value):
            assert item[key] is None
        else:
            # Symbols have other numbers, and sums of them another order: a few ulp of numbers near
            # 1. Of measurements nothing differs.
            assert item[key] == (pytest.approx(value, abs=1e-12) if type(value) is float else value)


# ------------------------------------------------------------------------------------- the numbers


def test_all_pairs_are_those_of_the_library(
    tmp_path: Path, people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = estimates("mi", people, out=tmp_path / "out.json")
    by_pair = {pair(item): item for item in found}
    assert set(by_pair) == set(combinations(COLUMNS, 2))
    for (x, y), item in by_pair.items():
        assert_same(item, expected(estimate_mutual_information, COLUMNS[x], COLUMNS[y]))
    values = [item["value"] for item in found]
    assert values == sorted(values, reverse=True)
    methods = {names: item["method"] for names, item in by_pair.items()}
    assert methods["height", "weight"] == "ksg1"
    assert methods["height", "sex"] == "ross"
    assert methods["ratio", "sex"] == "ksg_ties"
    assert methods["sex", "age"] == "chao_wang_jost"
    out = capsys.readouterr().out
    assert [tuple(words[:2]) for words in lines(out)] == [pair(item) for item in found]


@pytest.mark.parametrize("method", INFORMATION_METHODS)
def test_every_method_is_that_of_the_library(tmp_path: Path, people: Path, method: str) -> None:
    x, y = ("weight", "age") if method == "ross" else ("height", "weight")
    options = {"method": method, "k": 4, "base": 2, "level": 0.8}
    arguments = ["--x", x, "--y", y, "--method", method, "--k", 4, "--base", 2, "--level", 0.8]
    (item,) = estimates("mi", people, *arguments, out=tmp_path / "out.json")
    assert_same(item, expected(estimate_mutual_information, COLUMNS[x], COLUMNS[y], **options))
    assert item["method"] == method


@pytest.mark.parametrize("method", ["auto", *CONDITIONAL_METHODS])
def test_given_other_columns(tmp_path: Path, people: Path, method: str) -> None:
    arguments = ["--x", "height", "--y", "weight", "--z", "ratio", "--method", method]
    (item,) = estimates("mi", people, *arguments, out=tmp_path / "out.json")
    by_library = expected(
        estimate_conditional_mutual_information, HEIGHT, WEIGHT, RATIO, method=method
    )
    assert_same(item, by_library)


def test_given_symbols(tmp_path: Path, people: Path) -> None:
    arguments = ["--x", "height", "--y", "weight", "--z", "sex", "--permutations", 9]
    (item,) = estimates("mi", people, *arguments, "--seed", 3, out=tmp_path / "out.json")
    codes = pd.factorize(SEX)[0]  # numbered as they come, as the file is read
    assert_same(
        item,
        expected(
            estimate_conditional_mutual_information,
            HEIGHT, WEIGHT, codes, n_permutations=9, rng=3,
        ),
    )  # fmt: skip


def test_several_columns_are_one_variable(tmp_path: Path, people: Path) -> None:
    arguments = ["--x", "[hw]eight", "--y", "sex"]
    (item,) = estimates("mi", people, *arguments, out=tmp_path / "out.json")
    assert item["x"] == ["height", "weight"]
    assert_same(
        item, expected(estimate_mutual_information, np.stack([HEIGHT, WEIGHT], axis=1), SEX)
    )
    # Whole numbers beside measurements are measured as well.
    arguments = ["--x", "age", "weight", "--y", "height"]
    (item,) = estimates("mi", people, *arguments, out=tmp_path / "out.json")
    assert_same(
        item, expected(estimate_mutual_information, np.stack([AGE, WEIGHT], axis=1), HEIGHT)
    )


def test_a_p_value_is_that_of_the_library(tmp_path: Path, people: Path) -> None:
    options = ["--x", "height", "--permutations", 19, "--seed", 5, "--columns", "weight", "age"]
    for item in estimates("mi", people, *options, out=tmp_path / "out.json"):
        (y,) = item["y"]
        by_library = expected(
            estimate_mutual_information, HEIGHT, COLUMNS[y], n_permutations=19, rng=5
        )
        assert_same(item, by_library)


def test_known_alphabets(tmp_path: Path, people: Path) -> None:
    options = ["--x", "sex", "--y", "age", "--n-symbols", 2, 40]
    (item,) = estimates("mi", people, *options, out=tmp_path / "out.json")
    assert_same(item, expected(estimate_mutual_information, SEX, AGE, n_symbols=(2, 40)))
    assert item["n_symbols"] == 80


# -------------------------------------------------------------------------------- which is what


@pytest.mark.parametrize("form", ["csv", "npz", "parquet"])
def test_whole_numbers_are_symbols_in_every_format(
    tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"t.{form}"
    columns = {"height": HEIGHT, "age": AGE.astype(np.float64)}
    if form == "csv":
        table(path, plain(columns))
    elif form == "npz":
        write_npz(path, columns)
    else:
        pytest.importorskip("pyarrow")
        write_parquet(path, columns, rows_of_a_group=40)
    (item,) = estimates("mi", path, out=tmp_path / "out.json")
    assert_same(item, expected(estimate_mutual_information, HEIGHT, AGE))
    err = capsys.readouterr().err
    note = "column 'age' holds whole numbers only, which count as symbols; --continuous age measur"
    assert (note in err) == (form != "csv")  # where the type said something else
    (item,) = estimates("mi", path, "--continuous", "a*", out=tmp_path / "out.json")
    assert_same(item, expected(estimate_mutual_information, HEIGHT, AGE.astype(float)))
    (item,) = estimates("mi", path, "--discrete", "height", out=tmp_path / "out.json")
    assert_same(item, expected(estimate_mutual_information, HEIGHT, AGE, discrete=True))


@pytest.mark.parametrize("method", ["ksg1", "gaussian"])
def test_whole_numbers_are_measured_by_methods_of_numbers(
    tmp_path: Path, people: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = estimates("mi", people, "--method", method, out=tmp_path / "out.json")
    numbers = [name for name in COLUMNS if name != "sex"]
    assert {pair(item) for item in found} == set(combinations(numbers, 2))
    by_pair = {pair(item): item for item in found}
    by_library = expected(estimate_mutual_information, WEIGHT, AGE, method=method)
    assert_same(by_pair["weight", "age"], by_library)
    note = f"note: {people}: not numbers, passed over: 'sex' ('{SEX[0]}' at row 0)\n"
    assert note in capsys.readouterr().err


def test_methods_of_counts_take_declared_numbers(
    tmp_path: Path, people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--method", "plugin", "--discrete", "ratio", "--columns", "ratio", "sex", "h*"]
    found = estimates("mi", people, *arguments, out=tmp_path / "out.json")
    assert [pair(item) for item in found] == [("ratio", "sex")]
    by_library = expected(
        estimate_mutual_information, RATIO, SEX, method="plugin", discrete=(True, "auto")
    )
    assert_same(found[0], by_library)
    assert "not discrete, passed over: 'height' (" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("method", "count", "left"),
    [("ross", 6, 4), ("gao", 9, 1), ("mesner_shalizi", 9, 1), ("ksg_ties", 9, 1)],
)
def test_pairs_that_a_method_is_not_for_are_left_out(
    tmp_path: Path,
    people: Path,
    method: str,
    count: int,
    left: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = estimates("mi", people, "--method", method, out=tmp_path / "out.json")
    assert len(found) == count
    assert {item["method"] for item in found} == {method}
    note = f"note: {people}: {left} of 10 pairs are not for --method {method}, and left out\n"
    assert note in capsys.readouterr().err


def test_a_late_fraction_makes_a_column_measured(tmp_path: Path) -> None:
    late = [3] * 600 + [4] * 600 + [0.25, -2]
    other = [0, 1] * 601
    path = table(tmp_path / "t.csv", {"a": late, "b": other})
    (item,) = estimates("mi", path, out=tmp_path / "out.json")
    assert_same(item, expected(estimate_mutual_information, np.array(late, float), other))
    arguments = ["--method", "plugin", "--discrete", "a"]
    (item,) = estimates("mi", path, *arguments, out=tmp_path / "out.json")
    names = list(map(str, late))
    assert_same(item, expected(estimate_mutual_information, names, other, method="plugin"))


def test_dates_of_parquet_are_symbols(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    days = [18_000 + int(day) for day in AGE]
    gaps = [None if row == 4 else day for row, day in enumerate(days)]
    columns = {
        "day": pa.array(gaps, pa.date32()),
        "time": pa.array(days, pa.timestamp("s")),
        "height": HEIGHT,
    }
    path = write_parquet(tmp_path / "t.parquet", columns, rows_of_a_group=40)
    found = estimates("mi", path, "--nan-policy", "omit", out=tmp_path / "out.json")
    by_pair = {pair(item): item for item in found}
    rows = np.arange(N) != 4
    by_library = expected(estimate_mutual_information, AGE[rows], HEIGHT[rows])
    assert_same(by_pair["day", "height"], by_library)
    assert by_pair["day", "time"]["n"] == N - 1
    assert_same(by_pair["time", "height"], expected(estimate_mutual_information, AGE, HEIGHT))


def test_columns_of_matrices(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.stack([HEIGHT, WEIGHT], axis=1).astype(np.float32))
    (item,) = estimates("mi", tmp_path / "m.npy", out=tmp_path / "out.json")
    samples = (HEIGHT.astype(np.float32), WEIGHT.astype(np.float32))
    assert_same(item, expected(estimate_mutual_information, *samples))
    assert pair(item) == ("0", "1")


# ------------------------------------------------------------------------------------- the missing


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_rows_are_left_out_pair_by_pair(tmp_path: Path, form: str) -> None:
    height = HEIGHT.copy()
    height[[3, 9]] = np.nan
    sex = [None if row == 5 else name for row, name in enumerate(SEX.tolist())]
    path = tmp_path / f"t.{form}"
    columns = {"height": height, "sex": sex, "weight": WEIGHT}
    if form == "csv":
        written = [None if np.isnan(number) else number for number in height.tolist()]
        written[9] = "NA"
        table(path, {"height": written, "sex": sex, "weight": WEIGHT.tolist()})
    else:
        pytest.importorskip("pyarrow")
        write_parquet(path, columns)
    arguments = ["--nan-policy", "omit", "--missing", "NA"]
    found = estimates("mi", path, *arguments, out=tmp_path / "out.json")
    by_pair = {pair(item): item for item in found}
    for (x, y), item in by_pair.items():
        by_library = expected(
            estimate_mutual_information, columns[x], columns[y], nan_policy="omit"
        )
        assert_same(item, by_library)
    lost = {names: item["missing"] for names, item in by_pair.items()}
    assert lost == {("height", "sex"): 3, ("height", "weight"): 2, ("sex", "weight"): 1}


def test_missing_measurements_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path / "t.csv", {"a": [0.5, None, 2.5], "b": [1.5, 2.5, 3.5]})
    assert main(["mi", str(path)]) == 1
    assert capsys.readouterr().err == (
        f"infotheory mi: {path}[a]: column 'a' must be without missing entries; got nothing at row "
        "1. Pass --nan-policy omit to leave such rows out.\n"
    )


def test_a_column_without_any_entry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_npz(tmp_path / "t.npz", {"a": np.full(9, np.nan), "b": np.arange(9) + 0.5})
    assert main(["mi", str(path), "--nan-policy", "omit"]) == 1
    err = capsys.readouterr().err
    assert "columns 'a', 'b' must have a row without missing" in err
    assert "whole numbers" not in err


@pytest.mark.parametrize("form", ["csv", "npz"])
def test_whole_numbers_with_gaps_are_symbols_or_measured(tmp_path: Path, form: str) -> None:
    age = AGE.astype(np.float64)
    age[[0, 8]] = np.nan
    path = tmp_path / f"t.{form}"
    if form == "csv":
        written = [None if np.isnan(number) else int(number) for number in age.tolist()]
        table(path, {"age": written, "height": HEIGHT.tolist()})
    else:
        write_npz(path, {"age": age, "height": HEIGHT})
    rows = ~np.isnan(age)
    for options, discrete in (([], True), (["--continuous", "age"], False)):
        arguments = ["--nan-policy", "omit", *options]
        (item,) = estimates("mi", path, *arguments, out=tmp_path / "out.json")
        by_library = expected(
            estimate_mutual_information, age[rows], HEIGHT[rows], discrete=(discrete, False)
        )
        assert_same(item, by_library)
        assert item["missing"] == 2


# --------------------------------------------------------------------------------------- the files


def test_the_matrix_shows_all_pairs(
    tmp_path: Path, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infotheory import plotting

    shown: list[Mapping[tuple[str, str], Any]] = []
    draw: Callable[..., Any] = plotting.pair_matrix
    monkeypatch.setattr(
        plotting, "pair_matrix", lambda *a, **o: shown.append(a[0]) or draw(*a, **o)
    )
    out = tmp_path / "x.png"
    table_out = tmp_path / "x.csv"
    assert main(["mi", str(people), "--plot", str(out), "--csv", str(table_out)]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert list(shown[0]) == list(combinations(COLUMNS, 2))
    rows = pd.read_csv(table_out)
    assert sorted(rows["method"].unique()) == ["chao_wang_jost", "ksg1", "ksg_ties", "ross"]
    by_pair = {(row.x, row.y): row.value for row in rows.itertuples()}
    assert by_pair == {names: float(value) for names, value in shown[0].items()}
