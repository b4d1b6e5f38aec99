"""Columns of parquet files as samples, read a row group at a time."""

from __future__ import annotations

import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infotheory.models import UnreadableSampleError
from infotheory.models.datasets import open_dataset


@pytest.fixture
def pa() -> Any:
    pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    return pytest.importorskip("pyarrow")


def write(path: Path, table: Any, **options: Any) -> Path:
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path, **options)
    return path


def encoded(array: Any) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(array).save(stream, format="png")
    return stream.getvalue()


@pytest.fixture
def pixels() -> Any:
    pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    return np.random.default_rng(0).integers(0, 256, (7, 4, 5, 3), dtype=np.uint8)


@pytest.mark.parametrize("form", ["struct", "bytes", "path"])
def test_images_in_the_forms_of_hugging_face(
    tmp_path: Path, pa: Any, pixels: Any, form: str
) -> None:
    content: list[Any] = [encoded(array) for array in pixels]
    if form == "struct":
        content = [{"bytes": item, "path": "somewhere.png"} for item in content]
    elif form == "path":
        for row, item in enumerate(content):
            (tmp_path / f"{row}.png").write_bytes(item)
        content = [{"bytes": None, "path": str(tmp_path / f"{row}.png")} for row in range(7)]
    table = pa.table({"image": content, "label": [0, 1, 2, 0, 1, 2, 0]})
    path = write(tmp_path / "data.parquet", table, row_group_size=2)
    data = open_dataset(f"parquet:{path}")
    assert data.labels.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert data.class_names is None
    assert data.name == "data"
    for row in range(7):
        assert np.array_equal(np.asarray(data.sample(row)), pixels[row])


def test_class_names_are_read_from_the_metadata(tmp_path: Path, pa: Any) -> None:
    feature = {"names": ["no", "yes"], "_type": "ClassLabel"}
    about = {"info": {"features": {"label": feature, "text": {"_type": "Value"}}}}
    table = pa.table({"text": ["a", "b"], "label": [1, 0]})
    named = table.replace_schema_metadata({"huggingface": json.dumps(about)})
    assert open_dataset(f"parquet:{write(tmp_path / 'a.parquet', named)}").class_names == (
        "no",
        "yes",
    )
    feature["_type"] = "Sequence"
    for text in (json.dumps(about), "no JSON", "[]", "{}"):
        other = table.replace_schema_metadata({"huggingface": text})
        assert open_dataset(f"parquet:{write(tmp_path / 'b.parquet', other)}").class_names is None


def test_texts_and_pairs_of_texts(tmp_path: Path, pa: Any) -> None:
    table = pa.table(
        {"idx": [0, 1], "sentence1": ["a", "b"], "sentence2": ["c", ""], "label": [0, 1]}
    )
    path = write(tmp_path / "data.parquet", table)
    assert open_dataset(f"parquet:{path}").sample(1) == ("b", "")
    assert open_dataset(f"parquet:{path}?sample=sentence2").sample(0) == "c"


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary"])
def test_labels_by_name(tmp_path: Path, pa: Any, kind: str) -> None:
    labels = pa.array(["dog", "cat", "dog"], pa.large_string() if kind == "large_string" else None)
    if kind == "dictionary":
        labels = labels.dictionary_encode()
    path = write(tmp_path / "data.parquet", pa.table({"text": ["a", "b", "c"], "label": labels}))
    data = open_dataset(f"parquet:{path}")
    assert data.labels.tolist() == [1, 0, 1]
    assert data.class_names == ("cat", "dog")


def test_lists_of_numbers_are_features_or_pixels(tmp_path: Path, pa: Any) -> None:
    columns = {
        "single": pa.array([[0.5, 1.5], [2.5, 3.5]], pa.list_(pa.float32())),
        "fixed": pa.array([[1, 2], [3, 4]], pa.list_(pa.int32(), 2)),
        "nested": pa.array([[[1, 2]], [[3, 4]]], pa.list_(pa.list_(pa.float64()))),
        "pixels": pa.array([[[1, 2]], [[3, 255]]], pa.list_(pa.list_(pa.uint8()))),
        "bytes": pa.array([[1, 2], [3, 4]], pa.list_(pa.uint8())),
        "label": [0, 1],
    }
    path = write(tmp_path / "data.parquet", pa.table(columns))
    expected = {
        "single": np.array([2.5, 3.5], np.float32),
        "fixed": np.array([3.0, 4.0]),
        "nested": np.array([[3.0, 4.0]]),
        "pixels": np.array([[3, 255]], np.uint8),
        "bytes": np.array([3.0, 4.0]),
    }
    for name, array in expected.items():
        sample = open_dataset(f"parquet:{path}?sample={name}").sample(1)
        assert sample.dtype == array.dtype
        assert np.array_equal(sample, array)


def test_columns_of_numbers_make_up_the_features(tmp_path: Path, pa: Any) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": [3, 4], "label": [1, 0]}, index=[7, 9])
    path = write(tmp_path / "data.parquet", pa.Table.from_pandas(frame))
    data = open_dataset(f"parquet:{path}")
    assert data.sample(1).tolist() == [2.5, 4.0]
    assert data.sample(1).dtype == np.float64
    assert open_dataset(f"parquet:{path}?sample=b,a").sample(1).tolist() == [4.0, 2.5]
    assert open_dataset(f"parquet:{path}?sample=b").sample(1).tolist() == [4.0]


@pytest.mark.parametrize(
    ("names", "asked", "rows"),
    [
        (("a.parquet", "b.parquet"), "", [0, 1]),
        (("test-00000-of-00002.parquet", "test-00001-of-00002.parquet"), "", [0, 1]),
        (("test-00000-of-00001.parquet", "train-00000-of-00001.parquet"), "?split=train", [1]),
        (
            ("data/test-00000-of-00001.parquet", "data/val-00000-of-00001.parquet"),
            "?split=dev",
            [1],
        ),
        (("test/0000.parquet", "train/0000.parquet"), "?split=test", [0]),
        (("mnli_test.parquet", "mnli_train.parquet"), "?split=testing", [0]),
        (("val_a-00000-of-00001.parquet", "val_b-00000-of-00001.parquet"), "?split=val_b", [1]),
        (("a.parquet", ".b.parquet", "_c.parquet", ".d/e.parquet"), "", [0]),
    ],
)
def test_files_of_a_folder_are_one_split(
    tmp_path: Path, pa: Any, names: tuple[str, ...], asked: str, rows: list[int]
) -> None:
    for number, name in enumerate(names):
        write(tmp_path / name, pa.table({"text": [f"text {number}"], "label": [number]}))
    data = open_dataset(f"parquet:{tmp_path}{asked}")
    assert data.labels.tolist() == rows
    assert [data.sample(k) for k in range(len(rows))] == [f"text {number}" for number in rows]
    assert data.where(len(rows) - 1) == f"row 0 of {tmp_path / names[rows[-1]]}"


@pytest.fixture
def grouped(tmp_path: Path, pa: Any) -> Path:
    """Two files, of 23 and 9 rows in groups of 5."""
    for number, (start, stop) in enumerate(((0, 23), (23, 32))):
        texts = [f"text {row}" for row in range(start, stop)]
        table = pa.table({"text": texts, "label": list(range(start, stop))})
        write(tmp_path / f"{number}.parquet", table, row_group_size=5)
    return tmp_path


def counted(data: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that grows by each row group that is read."""
    read: list[Any] = []
    before = data._rows._read
    monkeypatch.setattr(data._rows, "_read", lambda group: (read.append(group), before(group))[1])
    return read


def test_rows_in_order_read_each_group_once(grouped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data: Any = open_dataset(f"parquet:{grouped}")
    read = counted(data, monkeypatch)
    assert [data.sample(row) for row in range(32)] == [f"text {row}" for row in range(32)]
    assert len(read) == 5 + 2
    assert data.where(22) == f"row 22 of {grouped / '0.parquet'}"
    assert data.where(31) == f"row 8 of {grouped / '1.parquet'}"


def test_threads_read_the_same_and_each_group_once(
    grouped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data: Any = open_dataset(f"parquet:{grouped}")
    read = counted(data, monkeypatch)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(data.sample, range(32)))
    assert found == [f"text {row}" for row in range(32)]
    assert len(read) == 7
    rows = np.random.default_rng(0).permutation(32).tolist()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(data.sample, rows)) == [f"text {row}" for row in rows]


def test_little_is_kept_but_the_last_two_groups(
    grouped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infotheory.models.parquet_data._KEPT", 0)
    data: Any = open_dataset(f"parquet:{grouped}")
    read = counted(data, monkeypatch)
    for row in (0, 5, 0, 5, 10, 5, 0):  # the last one has been forgotten
        data.sample(row)
    assert len(data._rows._tables) == 2
    assert [group.number for group in read] == [0, 1, 2, 0]
    for row in (5, 15, 5, 20, 5):  # what was used last is kept
        data.sample(row)
    assert [group.number for group in read[4:]] == [3, 4]


def test_the_fingerprint_sees_columns_labels_and_content(tmp_path: Path, pa: Any) -> None:
    def fingerprint(options: str = "", **columns: Any) -> str:
        path = write(tmp_path / "data.parquet", pa.table(columns))
        return open_dataset(f"parquet:{path}{options}").fingerprint()

    columns = {"text": ["a", "b"], "other": ["a", "b"], "label": [0, 1], "second": [1, 0]}
    prints = [
        fingerprint(**columns),
        fingerprint("?sample=other", **columns),
        fingerprint("?label=second", **columns),
        fingerprint(**(columns | {"text": ["a", "c"]})),
    ]
    assert len(set(prints)) == 4
    assert fingerprint(**columns) == prints[0]


@pytest.mark.parametrize(
    ("cell", "fact"),
    [
        (None, "row 1 of PATH must be an image, one text or two, or numbers; got nothing."),
        (
            {"bytes": None, "path": None},
            "row 1 of PATH cannot be read as an image: nothing is store",
        ),
        ({"bytes": b"", "path": "x.png"}, "row 1 of PATH cannot be read as an image: it is empty."),
        ({"bytes": None, "path": "no such file"}, "cannot be read as an image: [Errno 2] No such"),
        ({"bytes": b"text", "path": None}, "its content is of no known format."),
        ({"bytes": None, "path": "/dev/null"}, "as an image: '/dev/null': it is no regular file."),
    ],
)
def test_a_missing_image_is_named(
    tmp_path: Path, pa: Any, pixels: Any, cell: Any, fact: str
) -> None:
    images = [{"bytes": encoded(pixels[0]), "path": None}, cell]
    path = write(tmp_path / "data.parquet", pa.table({"image": images, "label": [0, 1]}))
    data = open_dataset(f"parquet:{path}")
    with pytest.raises(UnreadableSampleError, match=re.escape(fact.replace("PATH", str(path)))):
        data.sample(1)
    assert data.sample(0).size == (5, 4)


@pytest.mark.parametrize(
    ("cells", "fact"),
    [
        ([[1.0], None], "got nothing."),
        ([[1.0], []], "got ndarray."),
        ([[[1.0, 2.0], [3.0]], [[1.0], [2.0, 3.0]]], "cannot be read: "),
        ([[1], [None]], "cannot be read: "),
    ],
)
def test_lists_with_gaps_are_unreadable(tmp_path: Path, pa: Any, cells: Any, fact: str) -> None:
    path = write(tmp_path / "data.parquet", pa.table({"features": cells, "label": [0, 1]}))
    with pytest.raises(UnreadableSampleError, match=re.escape(fact)):
        open_dataset(f"parquet:{path}").sample(1)


def test_mixed_columns_and_many_texts_are_unreadable(tmp_path: Path, pa: Any) -> None:
    table = pa.table({"a": ["x"], "b": [1], "c": ["y"], "d": ["z"], "label": [0]})
    path = write(tmp_path / "data.parquet", table)
    with pytest.raises(UnreadableSampleError, match=r"or numbers; got str, str, str\."):
        open_dataset(f"parquet:{path}?sample=a,c,d").sample(0)
    with pytest.raises(UnreadableSampleError, match=r"one text or two, or numbers; got str, int\."):
        open_dataset(f"parquet:{path}?sample=a,b").sample(0)


@pytest.mark.parametrize(
    ("labels", "fact"),
    [
        ([0, None], "column 'label' of PATH must be there for every sample; got None at row 1."),
        ([0, -1], "got -1 at row 1. Samples without a label (often -1) must be left out."),
        ([0.0, 1.0], "got 0.0 at row 0, of dtype float64."),
        ([], "data must have at least one sample"),
    ],
)
def test_labels_that_are_none_are_refused(tmp_path: Path, pa: Any, labels: Any, fact: str) -> None:
    table = pa.table({"text": ["a", "b"][: len(labels)], "label": labels})
    path = write(tmp_path / "data.parquet", table)
    with pytest.raises(ValueError, match=re.escape(fact.replace("PATH", str(path)))):
        open_dataset(f"parquet:{path}")


def test_folders_that_say_too_little_are_refused(tmp_path: Path, pa: Any) -> None:
    table = pa.table({"text": ["a"], "label": [0]})
    with pytest.raises(ValueError, match="data must be parquet files; got none in the folder: "):
        open_dataset(f"parquet:{tmp_path}")
    with pytest.raises(ValueError, match="got no such file or folder: "):
        open_dataset(f"parquet:{tmp_path}/nothing")
    write(tmp_path / "a" / "test-00000-of-00001.parquet", table)
    write(tmp_path / "a" / "train-00000-of-00001.parquet", table)
    listed = r"split must be one of 'test', 'train'; got none in 'parquet:.*'\. Add \?split=test\."
    with pytest.raises(ValueError, match=listed):
        open_dataset(f"parquet:{tmp_path}")
    with pytest.raises(
        ValueError, match="split must be one of 'test', 'train'; got 'validation' in"
    ):
        open_dataset(f"parquet:{tmp_path}?split=validation")
    write(tmp_path / "b" / "test-00000-of-00001.parquet", table)
    with pytest.raises(
        ValueError, match=r"parquet files in one folder; got files in .*Choose one: "
    ):
        open_dataset(f"parquet:{tmp_path}?split=test")


def test_a_split_that_fits_two_is_refused(tmp_path: Path, pa: Any) -> None:
    for name in ("val", "dev"):
        write(tmp_path / f"{name}-00000-of-00001.parquet", pa.table({"text": ["a"], "label": [0]}))
    with pytest.raises(ValueError, match="split must be one of 'dev', 'val'; got 'validation' in"):
        open_dataset(f"parquet:{tmp_path}?split=validation")
    assert open_dataset(f"parquet:{tmp_path}?split=val").sample(0) == "a"


def test_files_with_other_columns_are_refused(tmp_path: Path, pa: Any) -> None:
    write(tmp_path / "a.parquet", pa.table({"text": ["a"], "label": [0]}))
    write(tmp_path / "b.parquet", pa.table({"text": ["a"], "target": [0]}))
    with pytest.raises(ValueError, match=r"same columns, each once; got 0 of the name 'label' in"):
        open_dataset(f"parquet:{tmp_path}")


@pytest.mark.parametrize("cut", [0, 3, -40])
def test_damaged_files_are_refused(tmp_path: Path, pa: Any, cut: int) -> None:
    path = write(tmp_path / "data.parquet", pa.table({"text": ["a"], "label": [0]}))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match="data must be undamaged parquet files; got 'parquet:"):
        open_dataset(f"parquet:{path}")


def test_damage_inside_is_met_by_the_samples(tmp_path: Path, pa: Any) -> None:
    texts = [f"{k:>100}" for k in range(50)]
    table = pa.table({"text": texts, "label": list(range(50))})
    path = write(
        tmp_path / "data.parquet", table, compression="none", use_dictionary=False,
        write_page_checksum=True,
    )  # fmt: skip
    content = bytearray(path.read_bytes())
    content[content.index(b" 17")] = 0
    path.write_bytes(bytes(content))
    data = open_dataset(f"parquet:{path}")
    with pytest.raises(UnreadableSampleError, match=r"row 17 of .*data\.parquet cannot be read: "):
        data.sample(17)


def test_a_group_with_fewer_rows_than_announced_is_unreadable(
    tmp_path: Path, pa: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "data.parquet", pa.table({"text": ["a", "b"], "label": [0, 1]}))
    data: Any = open_dataset(f"parquet:{path}")
    monkeypatch.setattr(data._rows, "_read", lambda group: pa.table({"text": ["a"]}))
    with pytest.raises(UnreadableSampleError, match="cannot be read: index out of bounds"):
        data.sample(1)
