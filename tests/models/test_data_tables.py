"""Tables of text: tsv as in GLUE, and csv."""

from __future__ import annotations

import csv
import gzip
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infotheory.models.datasets import open_dataset

GLUE = 'index\tsentence1\tsentence2\tlabel\n0\tA "quoted\tword" here\tyes\n1\t \t b \tno\n'


def written(folder: Path, text: str, name: str = "data.tsv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def test_quotation_marks_are_text_in_tsv(tmp_path: Path) -> None:
    path = written(tmp_path, GLUE)
    data = open_dataset(f"tsv:{path}")
    assert [data.sample(row) for row in (0, 1)] == [('A "quoted', 'word" here'), (" ", " b ")]
    assert data.labels.tolist() == [1, 0]
    assert data.class_names == ("no", "yes")
    assert data.name == "data.tsv"
    assert data.where(1) == f"row 1 of {path}"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("packed", [False, True])
def test_line_ends_marks_and_compression_make_no_difference(
    tmp_path: Path, end: str, mark: str, packed: bool
) -> None:
    text = mark + end.join(["text\tlabel", "ä\u2028b\t1", "", "c\t0", ""])
    path = written(tmp_path, text, "data.tsv")
    if packed:
        path = path.with_suffix(".tsv.gz")
        path.write_bytes(gzip.compress(text.encode()))
    data = open_dataset(f"tsv:{path}")
    assert [data.sample(0), data.sample(1)] == ["ä\u2028b", "c"]
    assert data.labels.tolist() == [1, 0]
    assert data.class_names is None


def test_columns_are_named_where_they_are_unusual(tmp_path: Path) -> None:
    path = written(tmp_path, "Quality\t#1 String\ta,b\tlabel\n1\tx\ty\tu\n0\tz\tw\tv\n")
    one = open_dataset(f"tsv:{path}?label=Quality&sample=#1 String")
    assert one.sample(1) == "z"
    assert one.labels.tolist() == [1, 0]
    two = open_dataset(f"tsv:{path}?label=Quality&sample=label,#1 String")
    assert two.sample(1) == ("v", "z")
    assert open_dataset(f"tsv:{path}?sample=a,b").sample(0) == "y"  # a name with a comma


def test_the_only_other_column_needs_no_name(tmp_path: Path) -> None:
    path = written(tmp_path, "label\treview\n1\tgood\n")
    assert open_dataset(f"tsv:{path}").sample(0) == "good"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("idx\tquestion\tsentence\tlabel", ("1", "2")),
        ("premise\thypothesis\tx\tlabels", ("0", "1")),
        ("text\tx\ty\ttarget", "0"),
        ("x\tsentence\ty\tclass", "1"),
    ],
)
def test_usual_names_are_known(tmp_path: Path, names: str, expected: object) -> None:
    path = written(tmp_path, f"{names}\n0\t1\t2\t3\n")
    data = open_dataset(f"tsv:{path}")
    assert data.sample(0) == expected
    assert data.labels.tolist() == [3]


def test_without_a_header_columns_are_numbered(tmp_path: Path) -> None:
    path = written(tmp_path, "gj04\t1\t\tIt sails.\ngj05\t0\t*\tSails it.\n")
    data = open_dataset(f"tsv:{path}?header=no&label=1&sample=3")
    assert data.sample(1) == "Sails it."
    assert data.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("name", "option", "delimiter"),
    [
        ("a.csv", "", ","),
        ("a.txt", "?delimiter=comma", ","),
        ("a.txt", "?delimiter=;", ";"),
        ("a.csv", "?delimiter=semicolon", ";"),
        ("a.CSV.gz", "", ","),
    ],
)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.integers(0, 9)
        ),
        min_size=1,
    )
)
def test_csv_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    option: str,
    delimiter: str,
    rows: list[tuple[str, int]],
) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerows([("text", "label"), *rows])
    path = tmp_path_factory.mktemp("csv") / name
    content = stream.getvalue().encode()
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    data = open_dataset(f"tsv:{path}{option}")
    assert [(data.sample(k), data.labels[k]) for k in range(len(rows))] == rows


def test_a_tab_is_a_tab_in_csv_too(tmp_path: Path) -> None:
    path = written(tmp_path, 'text\tlabel\n"a, b\t1\n', "data.csv")
    assert open_dataset(f"tsv:{path}?delimiter=tab").sample(0) == '"a, b'


def test_the_fingerprint_is_of_texts_and_labels(tmp_path: Path) -> None:
    texts = [
        "text\tlabel\na\t0\nb\t1\n",
        "text\tlabel\na\t0\nc\t1\n",
        "text\tlabel\na\t1\nb\t0\n",
        "text\tsentence\tlabel\na\tx\t0\nb\ty\t1\n",
    ]
    prints = [open_dataset(f"tsv:{written(tmp_path, text)}").fingerprint() for text in texts]
    assert len(set(prints)) == 4
    same = written(tmp_path, texts[0].replace("\n", "\r\n"), "other.tsv")
    assert open_dataset(f"tsv:{same}").fingerprint() == prints[0]


@pytest.mark.parametrize(
    ("text", "options", "fact"),
    [
        ("", "", "data must have at least one sample; got none in PATH."),
        ("text\tlabel\n", "", "data must have at least one sample; got none."),
        (
            "text\tlabel\na\t0\nb\n",
            "",
            "one entry a column (2) in every row; got 1 at row 1 of PATH",
        ),
        ("text\ttext\na\t0\n", "", "with different names of columns; got 'text' twice in PATH."),
        ("a\tb\n1\t2\n", "", "label must be a column of tsv:PATH, which has 'a', 'b'; got none of"),
        ("a\tb\n1\t2\n", "?label=c", "got 'c'. Say which: ?label=COLUMN behind the place."),
        ("label\n1\n", "", "sample must be a column of tsv:PATH, which has 'label'; got none of"),
        ("a\tb\tlabel\nx\ty\t1\n", "", "which has 'a', 'b', 'label'; got none of the usual names."),
        ("a\tb\tlabel\nx\ty\t1\n", "?sample=a,c", "sample must be a column of tsv:PATH, which has"),
        ("a\tb\tlabel\nx\ty\t1\n", "?sample=label", "got 'label'. Say which: ?sample=COLUMN"),
        ("a\tb\tc\tlabel\nx\ty\tz\t1\n", "?sample=a,b,c", "one column of text, or two; got 3 in"),
        (
            "text\tlabel\na\t0\nb\t\n",
            "",
            "column 'label' of PATH must be there for every sample; got",
        ),
        (
            "text\tlabel\na\t-1\n",
            "",
            "column 'label' of PATH must be integers from 0 on, or names;",
        ),
        ("text\tlabel\na\t1\nb\t0.5\n", "", "got 0.5 at row 1, of dtype float64."),
        (
            "text\tlabel\na\t1\n",
            "?header=maybe",
            "header must be one of 'yes', 'no'; got 'maybe' in",
        ),
        (
            "text\tlabel\na\t1\n",
            "?delimiter=::",
            "delimiter must be one character, or one of 'tab'",
        ),
        (
            'text,label\n"a,1\n',
            "?delimiter=,",
            "a table of text in UTF-8; got PATH: unexpected end",
        ),
        (
            "text\tlabel\na\t1\n",
            "?labels=1",
            "got 'labels' in 'tsv:PATH?labels=1'. Options of tsv:",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, text: str, options: str, fact: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=re.escape(fact.replace("PATH", str(path)))):
        open_dataset(f"tsv:{path}{options}")


def test_other_encodings_and_damage_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "text\tlabel\nä\t1\n", encoding="latin-1")
    with pytest.raises(
        ValueError, match=r"must be a table of text in UTF-8; got .*data\.tsv: 'utf-8'"
    ):
        open_dataset(f"tsv:{path}")
    packed = tmp_path / "data.tsv.gz"
    packed.write_bytes(gzip.compress(b"text\tlabel\na\t1\n")[:-9])
    with pytest.raises(ValueError, match=r"must be a table of text in UTF-8; got .*gz: Compressed"):
        open_dataset(f"tsv:{packed}")
