"""csv and tsv: text without types, read strictly."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from files.support import LABELS, LOGITS, N, joined, refused, scalars, write_table

from infotheory.files import UnusableFileError, find_models


def text(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# ---------------------------------------------------------------------------------------- accepted


def test_what_pandas_writes_is_read(tmp_path: Path) -> None:
    frame = pd.DataFrame(LOGITS).assign(label=LABELS)
    for index in (False, True):
        path = tmp_path / f"{index}.csv"
        frame.to_csv(path, index=index)
        (model,), notes = find_models(path)
        assert notes == ["the column without a name is passed over"] * index
        assert model.columns == ("0", "1", "2", "3")
        np.testing.assert_array_equal(joined(model).outputs, LOGITS)
        np.testing.assert_array_equal(joined(model).labels, LABELS)


@pytest.mark.parametrize("name", ["T.CSV", "t.csv.gz", "t.tsv", "t.Tsv.GZ"])
def test_the_ending_says_how_it_is_written(tmp_path: Path, name: str) -> None:
    separator = "\t" if "tsv" in name.lower() else ","
    lines = separator.join(["a_0", "a_1", "label"]) + "\n" + separator.join("120") + "\n"
    content = gzip.compress(lines.encode()) if "gz" in name.lower() else lines.encode()
    (model,), _ = find_models(text(tmp_path, content, name))
    assert joined(model).outputs.tolist() == [[1.0, 2.0]]


def test_marks_quotes_blank_lines_and_line_ends(tmp_path: Path) -> None:
    content = '\ufeff"a_0","a_1",label,"a ""name"""\r\n\r\n1, 2 ,0,"x,\ny"\r\n"3",4,1,z\r\n\r\n'
    (model,), notes = find_models(text(tmp_path, content), groups='a "name"')
    batch = joined(model)
    assert batch.outputs.tolist() == [[1, 2], [3, 4]]
    assert batch.groups is not None
    assert batch.groups.tolist() == ["x,\ny", "z"]
    assert notes == []


def test_infinite_logits_are_numbers(tmp_path: Path) -> None:
    path = text(tmp_path, "a_0,a_1,label\n-inf,0,1\n1e3,-Infinity,0\n")
    assert joined(find_models(path)[0][0]).outputs.tolist() == [[-np.inf, 0], [1000, -np.inf]]


def test_whole_numbers_in_the_first_rows_do_not_make_a_column_of_integers(tmp_path: Path) -> None:
    outputs = np.ones((3000, 2))
    outputs[2000] = 0.5
    path = write_table(tmp_path / "t.csv", scalars(outputs) | {"label": [0, 1] * 1500})
    np.testing.assert_array_equal(joined(find_models(path)[0][0]).outputs, outputs)


def test_whole_numbers_serve_as_labels_however_they_are_written(tmp_path: Path) -> None:
    batch = joined(find_models(text(tmp_path, "a_0,a_1,label\n1,2,1.0\n3,4,0e0\n"))[0][0])
    assert batch.labels.dtype == np.int64
    assert batch.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [(["1", "2"], [1, 2]), (["1", "2.5"], [1.0, 2.5]), (["NA", "nan"], ["NA", "nan"])],
)
def test_groups_are_integers_numbers_or_names(
    tmp_path: Path, entries: list[str], expected: list[object]
) -> None:
    path = text(tmp_path, "a_0,a_1,label,g\n" + "".join(f"1,2,0,{g}\n" for g in entries))
    groups = joined(find_models(path, groups="g")[0][0]).groups
    assert groups is not None
    assert groups.tolist() == expected
    assert [type(g) for g in groups.tolist()] == [type(g) for g in expected]


def test_labels_in_a_table_of_one_column(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", LOGITS)
    labels = write_table(tmp_path / "y.csv", {"class": LABELS.tolist()})
    (model,), _ = find_models(tmp_path / "z.npy", str(labels))
    np.testing.assert_array_equal(joined(model, 100).labels, LABELS)


# ----------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            "0.5,0.25,1\n0.1,0.2,0\n",
            (
                "columns must be named; got numbers in the first line ('0.5', ...). "
                "The first line must name the columns."
            ),
        ),
        ("3\n1\n2\n", "columns must be named; got numbers in the first line ('3', ...)."),
        (",,\n1,2,3\n", "columns must be named; got a first line without names."),
        ("a,a,label\n1,2,0\n", "names of columns must be different; got 'a' 2 times."),
        (
            "a_0,a_1,label\n1,2,0\n1,2\n",
            (
                "rows must have one entry per column (3); got 2 at row 1. "
                "The file may be cut off, or have another separator."
            ),
        ),
        ("a_0,a_1,label\n1,2,0,9\n", "rows must have one entry per column (3); got 4 at row 0."),
        ('a_0,a_1,label\n1,"2,0\n', "the file is truncated or damaged (unexpected end of data)."),
        (
            'a_0,a_1,label\n1,"2"x,0\n',
            "the file is truncated or damaged (',' expected after '\"').",
        ),
        (b"a_0,a_1,label\n\xff,2,0\n", "the file is truncated or damaged ('utf-8' codec"),
        ("\n\n", "it is empty."),
        ("a_0,a_1,label\n", "outputs must have at least one row and one column; got shape (0, 2)."),
        (
            "a_0,a_1,label\n1,2,0\n,2,0\n",
            (
                "column 'a_0' must be without missing entries; got nothing at row 1. "
                "Drop such rows, or fill them in."
            ),
        ),
        (
            "a_0,a_1,label\n1,2,0\n1,2,\n",
            "column 'label' must be without missing entries; got nothing at row 1.",
        ),
        ("a_0,a_1,label\n1,2,cat\n", "labels must be integers; got strings. Encode names as class"),
        ("a_0,a_1,label\n1,2,0\n1,2,2.5\n", "labels must be integers; got 2.5 at row 1."),
        ("a_0,a_1,label\n1,2,0\n1,2,nan\n", "labels must be integers; got nan at row 1."),
        ("a_0,a_1,label\n1,2,0\n1,2,1e17\n", "labels must be integers; got 1e+17 at row 1."),
        (
            "cat,dog,y\n1,2,0\n",
            (
                "labels must be in the file or in a file of their own; got no column 'labels' or "
                "'label' among 'cat', 'dog', 'y'. Say where they are: KEY, FILE or FILE:KEY."
            ),
        ),
        ("name,label\nx,0\n", "there is no column of numbers in it to measure; beside the labels"),
    ],
)
def test_content_that_cannot_be_used(tmp_path: Path, content: str | bytes, reason: str) -> None:
    assert refused(text(tmp_path, content)).startswith(reason)


@pytest.mark.parametrize("entry", ["x", "1_0", "True", "0x1"])
def test_a_late_entry_that_is_no_number_is_placed(tmp_path: Path, entry: str) -> None:
    columns = {"a_0": ["1.5"] * 5000, "a_1": ["2"] * 5000, "label": ["0"] * 5000}
    columns["a_1"][4321] = entry
    path = write_table(tmp_path / "t.csv", columns)
    if entry == "1_0":  # Python takes it for ten; the sample of the first rows does not
        columns["a_1"][0] = entry
        path = write_table(tmp_path / "t.csv", columns)
        assert find_models(path)[0][0].columns == ("a_0",)
        return
    assert refused(path) == (
        f"column 'a_1' must be a number in every row; got {entry!r} at row 4321. "
        "Mend the file, or choose other columns."
    )


def test_a_missing_group_is_refused(tmp_path: Path) -> None:
    path = text(tmp_path, "a_0,a_1,label,g\n1,2,0,x\n1,2,0,\n")
    assert refused(path, groups="g").startswith(
        "column 'g' must be without missing entries; got nothing at row 1."
    )


def test_labels_without_a_name_are_one_row_short(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", LOGITS)
    path = text(tmp_path, "".join(f"{y}\n" for y in [0, *LABELS[1:]]), "y.csv")
    assert refused(tmp_path / "z.npy", str(path)).startswith(
        f"labels must have one entry per row of outputs ({N}); got shape ({N - 1},)."
    )


def test_a_compressed_file_that_is_none(tmp_path: Path) -> None:
    path = text(tmp_path, "a,label\n1,0\n", "t.csv.gz")
    assert refused(path).startswith("the file is truncated or damaged (Not a gzipped file")


def test_a_table_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.csv", scalars(LOGITS) | {"label": LABELS.tolist()})
    (model,), _ = find_models(path)
    write_table(path, scalars(LOGITS, "other_") | {"a": LABELS.tolist(), "b": LABELS.tolist()})
    with pytest.raises(UnusableFileError, match=r"damaged \(it changed while it was read\)"):
        joined(model)
