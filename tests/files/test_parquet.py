"""parquet: lists and columns, row groups, and what is not read."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from files.support import LABELS, LOGITS, K, N, joined, refused, scalars, write_parquet

from infotheory.files import UnusableFileError, find_models

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def lists(values: object, kind: object = None) -> object:
    return pa.array(values, pa.list_(kind or pa.float64()))


# ---------------------------------------------------------------------------------------- accepted


@pytest.mark.parametrize("rows", [1, 7, 13, 50, 1000])
@pytest.mark.parametrize("batch_bytes", [1, 13 * 8 * K, 1 << 20])
@pytest.mark.parametrize("start", [0, 13, 39])
def test_row_groups_of_any_size(tmp_path: Path, rows: int, batch_bytes: int, start: int) -> None:
    columns = {"z": LOGITS, "labels": LABELS, **scalars(LOGITS)}
    path = write_parquet(tmp_path / "x.parquet", columns, rows_of_a_group=rows)
    for pattern in ("z", "logit_*"):
        (model,), _ = find_models(path, outputs=[pattern])
        step = max(1, batch_bytes // (8 * K))
        sizes = [len(batch.labels) for batch in model.batches(batch_bytes, start)]
        ends = [*range(start - start % step + step, N, step), N]
        assert sizes == np.diff([start, *ends]).tolist()
        batch = joined(model, batch_bytes, start)
        np.testing.assert_array_equal(batch.outputs, LOGITS[start:])
        np.testing.assert_array_equal(batch.labels, LABELS[start:])


@pytest.mark.parametrize("kind", ["list", "large_list", "fixed"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_lists_of_every_kind(tmp_path: Path, kind: str, dtype: str) -> None:
    value = pa.from_numpy_dtype(np.dtype(dtype))
    kinds = {
        "list": pa.list_(value),
        "large_list": pa.large_list(value),
        "fixed": pa.list_(value, K),
    }
    outputs = (9 * LOGITS).astype(dtype)
    columns = {"z": pa.array(list(outputs), kinds[kind]), "label": LABELS}
    (model,), notes = find_models(write_parquet(tmp_path / "x.parquet", columns))
    assert (notes, model.key, model.n_outputs, model.dtype) == ([], "z", K, np.dtype(dtype))
    assert joined(model, 100).outputs.tobytes() == outputs.tobytes()


def test_what_pandas_writes_is_read(tmp_path: Path) -> None:
    frame = pd.DataFrame(scalars(LOGITS)).assign(label=LABELS, z=list(LOGITS), name="x")
    frame.index = pd.Index(np.arange(N) + 5)
    frame.to_parquet(tmp_path / "x.parquet")
    (model,), notes = find_models(tmp_path / "x.parquet")
    assert model.key == "z"
    np.testing.assert_array_equal(joined(model).outputs, LOGITS)
    assert notes == [
        "neither numbers nor strings, passed over: '__index_level_0__'",
        "columns passed over: 'logit_0', 'logit_1', 'logit_2', 'logit_3', 'name'",
    ]


def test_columns_of_several_precisions_meet_in_the_widest(tmp_path: Path) -> None:
    columns = {"a_0": LOGITS[:, 0].astype("f2"), "a_1": LOGITS[:, 1].astype("f4"), "label": LABELS}
    (model,), _ = find_models(write_parquet(tmp_path / "x.parquet", columns))
    assert model.dtype == np.float32
    expected = np.stack([columns["a_0"], columns["a_1"]], axis=1)
    assert joined(model).outputs.tobytes() == expected.tobytes()


def test_a_hundred_columns_are_one_model(tmp_path: Path) -> None:
    outputs = np.arange(300.0).reshape(3, 100)
    columns = {**scalars(outputs), "label": np.arange(3)}
    (model,), _ = find_models(write_parquet(tmp_path / "x.parquet", columns))
    np.testing.assert_array_equal(joined(model).outputs, outputs)


def test_names_with_dots(tmp_path: Path) -> None:
    columns = {"a.0": LOGITS[:, 0], "a.1": LOGITS[:, 1], "a": LOGITS[:, 2], "label": LABELS}
    (model,), _ = find_models(write_parquet(tmp_path / "x.parquet", columns), outputs=["a.*"])
    np.testing.assert_array_equal(joined(model).outputs, LOGITS[:, :2])


@pytest.mark.parametrize("dictionary", [False, True])
def test_groups_may_be_strings(tmp_path: Path, dictionary: bool) -> None:
    names = pa.array([f"g{k % 3}" for k in range(N)])
    groups = names.dictionary_encode() if dictionary else names
    columns = {"z": LOGITS, "label": LABELS, "g": groups}
    (model,), _ = find_models(write_parquet(tmp_path / "x.parquet", columns), groups="g")
    found = joined(model, 100).groups
    assert found is not None
    assert found.tolist() == names.to_pylist()


def test_only_the_wanted_columns_are_read(tmp_path: Path) -> None:
    """Another column may be damaged without anybody noticing; with checksums, its reader does."""
    other = np.random.default_rng(0).integers(0, 2**60, N)
    path = tmp_path / "x.parquet"
    table = pa.table({"z": list(LOGITS), "other": other, "label": LABELS})
    parquet.write_table(
        table, path, use_dictionary=False, compression="none", write_page_checksum=True
    )
    content = bytearray(path.read_bytes())
    content[content.find(other.tobytes()) + 100] ^= 1
    path.write_bytes(content)
    (model,), notes = find_models(path)
    assert notes == ["columns passed over: 'other'"]
    np.testing.assert_array_equal(joined(model).outputs, LOGITS)
    (model,), _ = find_models(path, outputs=["other"])
    with pytest.raises(UnusableFileError, match=r"column 'other' is truncated or damaged \(.*CRC"):
        joined(model)


def test_row_groups_before_the_start_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    table = pa.table({"z": list(LOGITS), "label": LABELS})
    parquet.write_table(
        table,
        path,
        row_group_size=10,
        use_dictionary=False,
        compression="none",
        write_page_checksum=True,
    )
    content = bytearray(path.read_bytes())
    content[content.find(LOGITS[10:20].tobytes()) + 100] ^= 1
    path.write_bytes(content)
    (model,), _ = find_models(path)
    np.testing.assert_array_equal(joined(model, start=20).outputs, LOGITS[20:])
    with pytest.raises(UnusableFileError, match="CRC"):
        joined(model, start=19)


def test_a_row_group_is_not_held_in_memory(tmp_path: Path) -> None:
    outputs = np.random.default_rng(0).normal(size=(100_000, 16))  # 13 MB
    labels = np.zeros(len(outputs), np.int64)
    path = tmp_path / "x.parquet"
    write_parquet(path, {"z": outputs, "label": labels}, rows_of_a_group=len(outputs))
    (model,), _ = find_models(path)
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in model.batches(1 << 16)]
    assert max(held) < 4 * 2**20  # some pages, of one MiB


# ----------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (
            {"z": lists([[1, 2], [1, 2], [1, 2, 3]])},
            (
                "column 'z' must be of lists of one length (2, as in row 0); "
                "got 3 entries at row 2. Pad the lists, or choose other columns."
            ),
        ),
        (
            {"z": lists([[1, 2], None, [3, 4]])},
            (
                "column 'z' must be without missing entries; got null at row 1. "
                "Drop such rows, or fill them in."
            ),
        ),
        ({"z": lists([[1, 2], [1, 2], [3, None]])}, "column 'z' must be without missing entries; "),
        (
            {"z": pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float64(), 2))},
            "column 'z' must be without missing entries; got null at row 1.",
        ),
        ({"z": lists([None, [1], [2]])}, "outputs must have at least one row and one column; "),
        (
            {"z": lists([[1, 2]] * 3), "label": pa.array([0, None, 1])},
            "column 'label' must be without missing entries; got null at row 1.",
        ),
        (
            {"z": lists([[1, 2]] * 3), "label": pa.array(["a", "b", "c"])},
            "labels must be integers; got strings. Encode names as class numbers, counted from 0.",
        ),
        (
            {"z": lists([[1, 2]] * 3), "label": pa.array(["a", "b", "c"]).dictionary_encode()},
            "labels must be integers; got strings. Encode names as class numbers, counted from 0.",
        ),
        (
            {"z": lists([[1, 2]] * 3), "label": pa.array([0.0, 1.0, 2.0])},
            "labels must be integers; got dtype float64.",
        ),
        (
            {"z": lists([[1, 2]] * 3), "label": pa.array([True, False, True])},
            "labels must be integers; got dtype bool.",
        ),
        (
            {"z": lists([[1, 2]] * 3), "label": lists([[0], [1], [0]])},
            "labels must be 1-dimensional",
        ),
        ({"z": pa.array([True, False, True])}, "there is no column of numbers in it to measure; "),
    ],
)
def test_columns_that_cannot_be_used(
    tmp_path: Path, columns: dict[str, object], reason: str
) -> None:
    columns = {"label": np.arange(3) % 2} | columns
    for rows in (1, 10):
        path = write_parquet(tmp_path / "x.parquet", columns, rows_of_a_group=rows)
        assert refused(path).startswith(reason)


def test_missing_entries_are_placed_across_row_groups(tmp_path: Path) -> None:
    values = LOGITS.tolist()
    values[33][2] = None
    path = write_parquet(
        tmp_path / "x.parquet", {"z": lists(values), "label": LABELS}, rows_of_a_group=9
    )
    (model,), _ = find_models(path)
    with pytest.raises(UnusableFileError, match="got null at row 33"):
        list(model.batches(200))
    with pytest.raises(UnusableFileError, match="got null at row 33"):
        list(model.batches(200, start=30))


def test_labels_that_are_not_there_list_the_columns(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "x.parquet", {"z": LOGITS, "y": LABELS, "fold": LABELS})
    assert refused(path) == (
        "labels must be in the file or in a file of their own; got no column 'labels' or 'label' "
        "among 'z', 'y', 'fold'. Say where they are: KEY, FILE or FILE:KEY."
    )
    assert refused(path, "target").startswith(
        "labels must be in the file or in a file of their own; got no file 'target' and no column "
        "'target' among 'z', 'y', 'fold'."
    )


def test_outputs_that_are_not_there_list_the_columns(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "x.parquet", {"z": LOGITS, "label": LABELS, "name": ["x"] * N})
    assert refused(path, outputs=["resnet*"]) == (
        "outputs must be chosen by patterns that match columns of numbers; got 'resnet*', and "
        "there are 'z'. Patterns are those of a shell: 'resnet*'."
    )


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["a", "a"])
    parquet.write_table(table, tmp_path / "x.parquet")
    assert (
        refused(tmp_path / "x.parquet")
        == "names of columns must be different; got 'a' 2 times. Rename some of them."
    )


def test_only_the_beginning_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"PAR1" + bytes(100))
    assert refused(tmp_path / "x.csv").startswith("the file is truncated or damaged (")


def test_without_pyarrow_the_way_to_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_parquet(tmp_path / "x.parquet", {"z": LOGITS, "label": LABELS})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert refused(path) == "parquet files need pyarrow: pip install 'infotheory-toolkit[files]'."
