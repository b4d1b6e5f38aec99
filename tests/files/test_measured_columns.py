"""Columns of stored tables as measurements, beside columns of symbols."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from files.support import WRITABLE, write_npz, write_parquet, write_safetensors, write_table

from infotheory.files import SymbolTable, UnusableFileError, delimited, open_symbols

REAL = [0.5, -1.25, 3.0, 1e-300, 0.1, 7.0]
WORDS = ["x", "y", "x", "z", "z", "x"]


def measurements(table: SymbolTable, name: str, *others: str, step: int = 4) -> list[float]:
    reader = table.reader([name, *others], [name])
    batches = list(reader.batches(step))
    assert reader.broken == {}
    found = np.concatenate([batch[name] for batch in batches])
    assert found.dtype == np.float64
    for other in others:
        assert batches[0][other].dtype == np.int64
    return found.tolist()


@pytest.mark.parametrize("form", [form for form in WRITABLE if form != "npy"])
@pytest.mark.parametrize("step", [1, 4, 100])
def test_numbers_come_back_bit_for_bit_in_every_format(
    tmp_path: Path, form: str, step: int
) -> None:
    path = tmp_path / f"t.{form}"
    columns: dict[str, Any] = {"r": np.array(REAL), "n": np.array([1, 2, 1, 2, 3, 3])}
    if form == "npz":
        write_npz(path, columns)
    elif form == "safetensors":
        write_safetensors(path, columns)
    elif form == "parquet":
        write_parquet(path, columns, rows_of_a_group=4)
    else:
        write_table(path, {name: values.tolist() for name, values in columns.items()})
    table = open_symbols(path)
    assert {name: column.measurable for name, column in table.columns.items()} == {
        "r": True, "n": False
    }  # fmt: skip
    assert measurements(table, "r", "n", step=step) == REAL
    assert measurements(table, "n", step=step) == [1.0, 2.0, 1.0, 2.0, 3.0, 3.0]


def test_what_is_missing_is_nan(tmp_path: Path) -> None:
    entries = ["0.5", "", " ", "nan", "NA", " 2 "]
    path = write_table(tmp_path / "t.csv", {"a": entries, "b": WORDS})
    expected = [0.5, np.nan, np.nan, np.nan, np.nan, 2.0]
    np.testing.assert_array_equal(measurements(open_symbols(path, ["NA"]), "a", "b"), expected)
    pytest.importorskip("pyarrow")
    gaps = [0.5, None, float("nan"), 2.0]
    path = write_parquet(tmp_path / "t.parquet", {"a": gaps})
    np.testing.assert_array_equal(measurements(open_symbols(path), "a"), [0.5, np.nan, np.nan, 2.0])


@pytest.mark.parametrize("text", ["NA", "1_0", "x"])
def test_texts_end_a_column_of_measurements(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "_ENTRIES", 4)  # two rows at a time
    path = write_table(tmp_path / "t.csv", {"a": ["0.5", "1", "2", text, "3", "y"], "b": WORDS})
    reader = open_symbols(path).reader(["a", "b"], ["a"])
    batches = list(reader.batches())
    assert reader.broken == {"a": f"{text} at row 3 among measurements"}
    values = np.concatenate([batch["a"] for batch in batches])
    np.testing.assert_array_equal(values, [0.5, 1.0, *[np.nan] * 4])
    assert np.concatenate([batch["b"] for batch in batches]).tolist() == [0, 1, 0, 2, 2, 0]


def test_columns_of_matrices(tmp_path: Path) -> None:
    matrix = np.arange(12).reshape(6, 2) / 8
    np.save(tmp_path / "m.npy", matrix.astype(np.float32))
    assert measurements(open_symbols(tmp_path / "m.npy"), "1") == matrix[:, 1].tolist()
    pytest.importorskip("pyarrow")
    path = write_parquet(tmp_path / "t.parquet", {"m": matrix}, rows_of_a_group=4)
    assert measurements(open_symbols(path), "m.0") == matrix[:, 0].tolist()


def test_measurements_are_chosen_where_they_are_of_use(tmp_path: Path) -> None:
    columns = {"a": np.zeros(3), "b": np.zeros((3, 2)), "n": np.arange(3), "c": np.zeros(3, "c8")}
    table = open_symbols(write_npz(tmp_path / "t.npz", columns | {"cube": np.zeros((3, 1, 1))}))
    odd = {"c": "dtype complex64", "cube": "an array of 3 dimensions"}
    assert table.choose(measured=table.columns) == (["a", "b.0", "b.1", "n"], odd)
    assert table.choose(["a", "n"], measured={"a"}) == (["a", "n"], {})
    assert table.choose(["[ab]*"], measured={"b.0"}) == (
        ["b.0"], {"a": "dtype float64", "b.1": "dtype float64"}
    )  # fmt: skip
    with pytest.raises(
        UnusableFileError,
        match=r"^column 'a' must be numbers, booleans or strings; got dtype float64\.$",
    ):
        table.choose(["a"], measured={"b.0"})
    assert table.matching("b.*") == ["b.0", "b.1"]
    assert table.matching("n") == ["n"]
    with pytest.raises(UnusableFileError, match=r"got 'z', and there are 'a', 'b\.0', 'b\.1', 'n'"):
        table.matching("z")


def test_dates_of_parquet_are_symbols(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    columns = {
        "day": pa.array([1, None, 1, 2], pa.date32()),
        "time": pa.array([1, 5, 1, None], pa.timestamp("us")),
        "clock": pa.array([0, 1, 1, 1], pa.time32("s")),
    }
    table = open_symbols(write_parquet(tmp_path / "t.parquet", columns, rows_of_a_group=3))
    assert table.choose() == (["day", "time", "clock"], {})
    reader = table.reader(["day", "time", "clock"])
    codes = {name: [] for name in columns}
    for batch in reader.batches(2):
        for name, found in batch.items():
            codes[name] += found.tolist()
    assert codes == {"day": [0, -1, 0, 1], "time": [0, 1, 0, -1], "clock": [0, 1, 1, 1]}
    assert reader.symbols("day") == ["1970-01-02", "1970-01-03"]
    assert reader.symbols("clock") == ["00:00:00", "00:00:01"]
