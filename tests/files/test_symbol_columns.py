"""Columns of stored tables as symbols: which ones, what their entries are, and where they end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from files.support import WRITABLE, write_npz, write_parquet, write_safetensors, write_table
from hypothesis import given
from hypothesis import strategies as st

from infotheory.files import SymbolTable, UnusableFileError, delimited, open_symbols
from infotheory.files.entries import MISSING, Book

NUMBERS = [3, -1, 3, 7, 3, -1]
WORDS = ["x", "ÿ", "x", "a,b", "", "x"]
TRUTHS = [True, False, True, True, False, True]


def text(folder: Path, content: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def symbols(table: SymbolTable, *names: str, step: int = 4) -> list[list[Any]]:
    """The entries of columns, None where they are missing."""
    reader = table.reader(names)
    found: list[list[Any]] = [[] for _ in names]
    for batch in reader.batches(step):
        assert tuple(batch) == names
        for name, column in zip(names, found, strict=True):
            book = reader.symbols(name)
            column += [None if code == MISSING else book[code] for code in batch[name]]
    assert reader.broken == {}
    return found


def counted(table: SymbolTable, name: str, step: int = 4) -> Counter[Any]:
    (found,) = symbols(table, name, step=step)
    return Counter(found)


def refused(path: Path, *names: str, patterns: list[str] | None = None) -> str:
    def use() -> None:
        table = open_symbols(path)
        list(table.reader(names or table.choose(patterns)[0]).batches())

    with pytest.raises(UnusableFileError) as caught:
        use()
    return str(caught.value)


# ------------------------------------------------------------------------------------ every format


@pytest.mark.parametrize("form", [form for form in WRITABLE if form != "npy"])
@pytest.mark.parametrize("step", [1, 4, 100])
def test_the_same_columns_in_every_format(tmp_path: Path, form: str, step: int) -> None:
    path = tmp_path / f"t.{form}"
    columns: dict[str, Any] = {"n": NUMBERS, "w": ["x", "y", "x", "z", "z", "x"], "t": TRUTHS}
    arrays = {name: np.array(values) for name, values in columns.items()}
    if form == "npz":
        write_npz(path, arrays)
    elif form == "safetensors":
        columns["w"] = list(map(ord, columns["w"]))  # it has no strings
        write_safetensors(path, arrays | {"w": np.array(columns["w"])})
    elif form == "parquet":
        write_parquet(path, columns, rows_of_a_group=4)
    else:
        columns["t"] = list(map(str, TRUTHS))
        write_table(path, columns)
    table = open_symbols(path)
    names, passed_over = table.choose()
    assert (sorted(names), passed_over) == (["n", "t", "w"], {})
    assert symbols(table, "n", "w", "t", step=step) == list(columns.values())


@given(
    st.lists(st.one_of(st.none(), st.integers(-3, 3)), min_size=1, max_size=30),
    st.integers(1, 40),
    st.sampled_from([form for form in WRITABLE if form in {"csv", "parquet"}]),
)
def test_counts_do_not_depend_on_the_batches(
    tmp_path_factory: pytest.TempPathFactory, values: list[int | None], step: int, form: str
) -> None:
    path = tmp_path_factory.mktemp("symbols") / f"t.{form}"
    if form == "csv":
        write_table(path, {"a": ["" if v is None else v for v in values], "b": values})
    else:
        write_parquet(path, {"a": pd.array(values, dtype="Int64")}, rows_of_a_group=7)
    assert counted(open_symbols(path), "a", step) == Counter(values)


# ------------------------------------------------------------------------------------------- texts


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (["1", "1.0", "-0", " 1e0 ", "+1"], [1, 1, 0, 1, 1]),
        (["01234", "1234", "1234.0", "99"], ["01234", "1234", "1234.0", "99"]),
        (["1", "nan", "NaN", " ", "2"], [1, None, None, None, 2]),
        (["9007199254740993", "9007199254740992"], [2**53 + 1, 2**53]),
        (["x", "nan", "1.5", "y", "1.0"], ["x", "nan", "1.5", "y", "1.0"]),
        (["A1", "1", "1.0"], ["A1", 1, 1]),
        (["A1", "1", "1.0", "A2"], ["A1", "1", "1.0", "A2"]),
        (["1_000", "1"], ["1_000", "1"]),
        (["nan", "nan"], [None, None]),
        (["x", " ", "x "], ["x", None, "x "]),
    ],
)
def test_entries_of_a_text(tmp_path: Path, entries: list[str], expected: list[Any]) -> None:
    table = open_symbols(write_table(tmp_path / "t.csv", {"a": entries, "b": entries}))
    assert symbols(table, "a") == [expected]


def test_integers_with_gaps_as_pandas_writes_them(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.0, np.nan, 3.0, 1.0], "b": list("xyzx")})
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert symbols(open_symbols(tmp_path / "t.csv"), "a") == [[1, None, 3, 1]]


def test_texts_that_stand_for_nothing(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.csv", {"a": ["1", "NA", "2"], "b": ["x", "NA", "?"]})
    assert symbols(open_symbols(path), "a", "b") == [[1, "NA", 2], ["x", "NA", "?"]]
    assert symbols(open_symbols(path, ["NA", "?"]), "a", "b") == [[1, None, 2], ["x", None, None]]


def test_strings_of_typed_files_are_taken_as_they_are(tmp_path: Path) -> None:
    entries = ["", " ", "nan", "1", "1.0"]
    path = write_npz(
        tmp_path / "t.npz", {"a": np.array(entries), "b": np.array([b"\xff", b"\xfe"])}
    )
    assert symbols(open_symbols(path), "a") == [entries]
    assert symbols(open_symbols(path, ["nan"]), "a") == [["", " ", None, "1", "1.0"]]
    assert len(counted(open_symbols(path), "b")) == 2


@pytest.mark.parametrize(
    ("entries", "fact"),
    [
        (["1", "0.5"], "got 0.5 at row 1."),
        (["2", "2", "inf"], "got inf at row 2."),
        (["", "0.5", "1"], "got 0.5 at row 1."),
        (["1.5", "NA", "2.5"], "got 1.5 at row 0 beside 'NA' at row 1 (is it a missing entry?)."),
    ],
)
def test_fractional_numbers_are_measurements(tmp_path: Path, entries: list[str], fact: str) -> None:
    path = write_table(tmp_path / "t.csv", {"a": entries, "b": ["x"] * len(entries)})
    assert fact in refused(path, patterns=["a"])
    assert "Cut measurements into bins, with numpy.digitize" in refused(path, patterns=["a"])
    names, passed_over = open_symbols(path).choose()
    assert names == ["b"]
    assert passed_over == {"a": fact.removeprefix("got ").removesuffix(".")}


def test_a_fraction_behind_the_first_rows_ends_the_column(tmp_path: Path) -> None:
    late = ["1"] * 1500 + ["0.25", "x"]
    path = write_table(tmp_path / "t.csv", {"a": late, "b": ["x"] * 1502})
    reader = open_symbols(path).reader(["a", "b"])
    batches = list(reader.batches(200))
    assert reader.broken == {"a": "0.25 at row 1500"}
    assert sum(batch["b"].size for batch in batches) == 1502
    alone = open_symbols(path).reader(["a"])
    assert sum(batch["a"].size for batch in alone.batches(200)) <= 1500
    assert alone.broken == reader.broken


def test_what_follows_a_fraction_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_table(
        tmp_path / "t.csv", {"a": ["1"] * 1100 + ["0.5", "0.25"] * 9, "b": [7] * 1118}
    )
    monkeypatch.setattr(delimited, "_ENTRIES", 8)  # four rows at a time
    reader = open_symbols(path).reader(["a", "b"])
    batches = list(reader.batches())
    assert reader.broken == {"a": "0.5 at row 1100"}
    assert sum((batch["b"] == 0).sum() for batch in batches) == 1118


def test_a_column_without_a_name_is_passed_over(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [3, 4, 3]})
    frame.to_csv(tmp_path / "t.csv", index=True)
    table = open_symbols(tmp_path / "t.csv")
    assert symbols(table, "a") == [[3, 4, 3]]
    assert list(table.columns) == ["a"]
    assert table.notes == ("the column without a name is passed over",)


def test_a_word_behind_the_first_rows_is_a_symbol(tmp_path: Path) -> None:
    late = ["1"] * 1500 + ["12A", "1.0", "01"]
    path = write_table(tmp_path / "t.csv", {"a": late, "b": late[::-1]})
    assert counted(open_symbols(path), "a") == {1: 1501, "12A": 1, "01": 1}
    assert counted(open_symbols(path), "b") == {"1": 1500, "12A": 1, "1.0": 1, "01": 1}


def test_only_the_first_rows_are_looked_at(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.csv", {"a": ["x"] * 1000 + ["0.5"] * 3000})
    assert counted(open_symbols(path), "a", 700) == {"x": 1000, "0.5": 3000}


# ------------------------------------------------------------------------------------------- types


def test_columns_of_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.array(NUMBERS))
    assert symbols(open_symbols(tmp_path / "v.npy"), "0") == [NUMBERS]
    matrix = np.arange(12).reshape(6, 2)
    for order in ("C", "F"):
        np.save(tmp_path / "m.npy", np.array(matrix, order=order))
        assert symbols(open_symbols(tmp_path / "m.npy"), "1", "0") == matrix.T[::-1].tolist()
    path = write_npz(tmp_path / "t.npz", {"m": matrix, "cube": np.zeros((6, 1, 1), int), "p": 0.5})
    assert list(open_symbols(path).columns) == ["m.0", "m.1", "cube", "p"]
    assert symbols(open_symbols(path), "m.1") == [matrix[:, 1].tolist()]
    assert open_symbols(path).choose()[1] == {
        "cube": "an array of 3 dimensions",
        "p": "an array of 0 dimensions",
    }


@pytest.mark.parametrize("dtype", ["int8", "uint8", ">i2", "uint64", "int64"])
def test_integers_of_every_width(tmp_path: Path, dtype: str) -> None:
    info = np.iinfo(dtype)
    values = np.array([info.min, info.max, 0, info.max], dtype)
    np.save(tmp_path / "v.npy", values)
    assert symbols(open_symbols(tmp_path / "v.npy"), "0", step=3) == [values.tolist()]


def test_other_types_are_named(tmp_path: Path) -> None:
    arrays = {
        "a": np.zeros(2),
        "b": np.zeros(2, complex),
        "c": np.array(["2024-01-01"], "M8[D]"),
        "d": np.array([object(), None]),
        "e": np.zeros(2, int),
    }
    path = write_npz(tmp_path / "t.npz", arrays)
    names, passed_over = open_symbols(path).choose()
    assert names == ["e"]
    assert passed_over == {
        "a": "dtype float64",
        "b": "dtype complex128",
        "c": "dtype datetime64[D]",
        "d": "Python objects, which are never unpickled",
    }
    assert refused(path, patterns=["d"]).startswith("column 'd' must be discrete (whole numbers,")


def test_columns_of_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    many = [f"s{number:03d}" for number in range(128)]  # all numbers that int8 can count
    columns = {
        "bool": pa.array([True, None, False] * 50),
        "category": pa.DictionaryArray.from_arrays(
            pa.array([*range(128), *[None] * 22], pa.int8()), many
        ),
        "large": pa.array(["x", "", None] * 50, pa.large_string()),
        "pair": np.arange(300).reshape(150, 2) % 7,
        "real": np.ones(150),
    }
    path = write_parquet(tmp_path / "t.parquet", columns, rows_of_a_group=40)
    table = open_symbols(path)
    names, passed_over = table.choose()
    assert names == ["bool", "category", "large", "pair.0", "pair.1"]
    assert passed_over == {"real": "dtype float64"}
    assert symbols(table, "bool", "category", "large", step=33) == [
        [True, None, False] * 50,
        many + [None] * 22,
        ["x", "", None] * 50,
    ]
    assert symbols(table, "pair.1", "bool", step=33)[0] == columns["pair"][:, 1].tolist()


def test_missing_entries_in_lists_are_refused(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pairs = pa.array([[1, 2], [3, None]], pa.list_(pa.int64(), 2))
    path = write_parquet(tmp_path / "t.parquet", {"a": pairs})
    assert refused(path, "a.0") == (
        "column 'a' must be without missing entries; got null at row 1. "
        "Drop such rows, or fill them in."
    )


# ------------------------------------------------------------------------------------------ choice


@pytest.fixture
def table(tmp_path: Path) -> SymbolTable:
    columns = {"q1": [1, 2], "q2": [2, 1], "label": ["x", "y"], "q[1]": [0, 0], "p": [0.5, 1.5]}
    return open_symbols(write_table(tmp_path / "t.csv", columns))


@pytest.mark.parametrize(
    ("patterns", "names", "passed_over"),
    [
        (None, ["q1", "q2", "label", "q[1]"], ["p"]),
        (["label", "q?"], ["label", "q1", "q2"], []),
        (["q[1]"], ["q[1]"], []),  # a name is meant before a pattern
        (["*[p1]"], ["q1"], ["p"]),
        (["q1", "q1", "q*"], ["q1", "q2", "q[1]"], []),
    ],
)
def test_columns_are_chosen_by_name_and_pattern(
    table: SymbolTable, patterns: list[str] | None, names: list[str], passed_over: list[str]
) -> None:
    found, odd = table.choose(patterns)
    assert found == names
    assert list(odd) == passed_over


@pytest.mark.parametrize(
    ("patterns", "text"),
    [
        (["lbel"], "got 'lbel', and there are 'q1', 'q2', 'label', 'q[1]', 'p'. Did you mean 'l"),
        (["q1", "z*"], "got 'z*', and there are"),
        (["z*"], "Patterns are those of a shell: 'x*'."),
        (["p"], "column 'p' must be discrete (whole numbers, booleans or strings); got 0.5 at row"),
        (["p*"], "column 'p' must be discrete"),
    ],
)
def test_wrong_choices_are_refused(table: SymbolTable, patterns: list[str], text: str) -> None:
    with pytest.raises(UnusableFileError) as caught:
        table.choose(patterns)
    assert text in str(caught.value)


def test_a_file_of_measurements_alone_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.zeros((4, 3)))
    assert refused(tmp_path / "m.npy") == (
        "column '0', and 2 more such must be discrete (whole numbers, booleans or strings); got "
        "dtype float64. Cut measurements into bins, with numpy.digitize for instance, and store "
        "whole numbers as integers."
    )


# ---------------------------------------------------------------------------------------- refusals


def test_columns_of_several_lengths_are_not_read_together(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "t.npz", {"a": np.arange(3), "b": np.arange(4)})
    assert refused(path, "a", "b") == (
        "columns must have one entry for each row; got 3 in 'a' and 4 in 'b'. "
        "Choose columns of one length."
    )


@pytest.mark.parametrize(
    ("content", "name", "text"),
    [
        ("", "t.csv", "it is empty."),
        ("a,b\n", "t.csv", "columns must have at least one row; got none."),
        ("a,b\n1\n", "t.csv", "rows must have one entry per column (2); got 1 at row 0."),
        ("a,a\n1,2\n", "t.csv", "names of columns must be different; got 'a' 2 times."),
        ("a,b\n1,2\n", "t.txt", "it is no npy, npz, parquet or safetensors file"),
    ],
)
def test_files_that_are_no_tables(tmp_path: Path, content: str, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert text in refused(path)
    assert refused(tmp_path / "none.csv") == "there is no such file."


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "t.npz", {"a": np.zeros((2, 2), int), "a.1": np.zeros(2, int)})
    assert "names of columns must be different; got 'a.1' 2 times." in refused(path)


@pytest.mark.parametrize("form", [form for form in WRITABLE if form in {"csv", "npz", "parquet"}])
def test_a_file_that_shrinks_after_it_was_opened_is_refused(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"t.{form}"
    columns = {"a": np.arange(5000) % 7}
    if form == "npz":
        write_npz(path, columns)
    elif form == "parquet":
        write_parquet(path, columns)
    else:
        write_table(path, {"a": columns["a"].tolist()})
    reader = open_symbols(path).reader(["a"])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnusableFileError, match="the file is truncated or damaged"):
        list(reader.batches())


def test_a_book_numbers_what_it_is_given() -> None:
    book = Book(str.lower, ["-"])
    assert book.numbers(["B", "a", "-", "b", "A"]).tolist() == [0, 1, MISSING, 0, 1]
    assert book.symbols == ["b", "a"]
    assert Book().numbers([]).tolist() == []
