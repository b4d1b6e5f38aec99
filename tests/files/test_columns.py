"""Where labels, weights and groups are found, and what they may be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from files.support import (
    FORMATS,
    LABELS,
    LOGITS,
    N,
    joined,
    refused,
    stored,
    write_npz,
    write_parquet,
    write_safetensors,
    write_table,
)

from infotheory.files import UnusableFileError, find_models

OTHERS = {"y": LABELS[::-1].copy(), "fold": LABELS // 2}


def beside(folder: Path, form: str, columns: dict[str, np.ndarray]) -> Path:
    path = folder / f"beside.{form}"
    if form == "npz":
        return write_npz(path, columns)
    if form == "safetensors":
        return write_safetensors(path, columns)
    if form == "parquet":
        return write_parquet(path, columns, rows_of_a_group=11)
    return write_table(path, {name: values.tolist() for name, values in columns.items()})


def main_file(folder: Path, **arrays: np.ndarray) -> Path:
    return write_npz(folder / "main.npz", {"z": LOGITS, **arrays})


# ----------------------------------------------------------------------------------------- inside


@pytest.mark.parametrize(
    ("arrays", "labels", "expected"),
    [
        (("labels", "label", "y"), None, "labels"),
        (("label", "y"), None, "label"),
        (("labels", "y"), "y", "y"),
    ],
)
def test_labels_inside(
    tmp_path: Path, arrays: tuple[str, ...], labels: str | None, expected: str
) -> None:
    path = main_file(tmp_path, **{name: np.full(N, k) for k, name in enumerate(arrays)})
    (model,), _ = find_models(path, labels)
    assert set(joined(model).labels.tolist()) == {arrays.index(expected)}


def test_y_is_not_taken_for_labels_unasked(tmp_path: Path) -> None:
    assert refused(main_file(tmp_path, y=LABELS)) == (
        "labels must be in the file or in a file of their own; got no array 'labels' or 'label' "
        "among 'z', 'y'. Say where they are: KEY, FILE or FILE:KEY."
    )


def test_an_npy_holds_no_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", LOGITS)
    assert refused(tmp_path / "z.npy") == (
        "labels must be in the file or in a file of their own; got no array 'labels' or 'label': "
        "an npy file holds one array without a name. Say where they are: KEY, FILE or FILE:KEY."
    )
    assert "no file '' and no array ''" in refused(tmp_path / "z.npy", "")


# -------------------------------------------------------------------------------------- other files


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "npy"])
@pytest.mark.parametrize("start", [0, 9, 30])
def test_labels_in_a_file_of_any_format(tmp_path: Path, form: str, start: int) -> None:
    other = beside(tmp_path, form, OTHERS)
    (model,), _ = find_models(main_file(tmp_path), f"{other}:y", groups=f"{other}:fold")
    batch = joined(model, 300, start)
    np.testing.assert_array_equal(batch.labels, OTHERS["y"][start:])
    np.testing.assert_array_equal(batch.groups, OTHERS["fold"][start:])
    np.testing.assert_array_equal(batch.outputs, LOGITS[start:])
    assert model.files == (tmp_path / "main.npz", other)


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "npy"])
def test_several_columns_need_a_key(tmp_path: Path, form: str) -> None:
    path = main_file(tmp_path)
    one = beside(tmp_path, form, {"anything": LABELS})
    np.testing.assert_array_equal(joined(find_models(path, str(one))[0][0]).labels, LABELS)
    two = beside(tmp_path, form, OTHERS)
    text = refused(path, str(two))
    assert text.startswith(f"labels in {two}: there are 2 ")
    assert "'y'" in text
    assert "'fold'" in text
    assert text.endswith(f"Say which: {two}:KEY.")
    noun = "array" if form in {"npz", "safetensors"} else "column"
    assert refused(path, f"{two}:x").startswith(
        f"labels in {two}: there is no {noun} 'x' among 'y', 'fold'."
        if form != "safetensors"
        else f"labels in {two}: there is no array 'x' among 'fold', 'y'."
    )


def test_a_file_wins_over_an_array_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = main_file(tmp_path, y=LABELS)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fold").mkdir()  # a folder does not
    (tmp_path / "odd:name.npy").touch()
    np.testing.assert_array_equal(joined(find_models(path, "y")[0][0]).labels, LABELS)
    np.save(tmp_path / "y.npy", OTHERS["y"])
    (tmp_path / "y.npy").rename(tmp_path / "y")
    (model,), notes = find_models(path, "y")
    np.testing.assert_array_equal(joined(model).labels, OTHERS["y"])
    assert notes == ["'y' is 1-dimensional: passed over"]
    assert refused(path, "odd:name.npy") == "labels in odd:name.npy: it is empty."
    assert "no file 'fold' and no array 'fold'" in refused(path, "fold")


def test_the_same_file_by_name_is_the_same_file(tmp_path: Path) -> None:
    table = {"p_0": LOGITS[:, 0].tolist(), "p_1": LOGITS[:, 1].tolist(), "y": LABELS.tolist()}
    path = write_table(tmp_path / "t.csv", table)
    (model,), notes = find_models(path, f"{path}:y")
    assert notes == []
    assert model.columns == ("p_0", "p_1")
    assert model.labels.source is model.source


def test_neither_a_file_nor_an_array(tmp_path: Path) -> None:
    path = main_file(tmp_path, labels=LABELS)
    for name in ("none.npy", "x" * 5000, "none.npy:y", "a\0b"):
        assert refused(path, name) == (
            f"labels must be in the file or in a file of their own; got no file {name!r} and no "
            f"array {name!r} among 'z', 'labels'. Say where they are: KEY, FILE or FILE:KEY."
        )
    assert refused(path, weights="w").startswith("weights must be in the file or in a file")


def test_faults_of_another_file_name_it(tmp_path: Path) -> None:
    path = main_file(tmp_path)
    other = tmp_path / "y.npy"
    other.touch()
    assert refused(path, str(other)) == f"labels in {other}: it is empty."
    np.save(other, LABELS)
    (model,), _ = find_models(path, str(other))
    other.unlink()
    with pytest.raises(UnusableFileError, match=f"^in {other}: the array is truncated or damaged"):
        list(model.batches())
    rows = ["0"] * N
    rows[20] = ""
    other = write_table(tmp_path / "y.csv", {"y": rows, "x": rows})
    assert refused(path, f"{other}:y").startswith(
        f"in {other}: column 'y' must be without missing entries; got nothing at row 20."
    )


# ------------------------------------------------------------------------------------ what they are


@pytest.mark.parametrize(
    ("role", "values", "reason"),
    [
        ("labels", LABELS.astype(float), "labels must be integers; got dtype float64."),
        ("labels", LABELS.astype(str), "labels must be integers; got strings. Encode names as"),
        ("labels", LABELS[:, None], f"labels must be 1-dimensional; got shape ({N}, 1)."),
        ("labels", LABELS[:-1], f"labels must have one entry per row of outputs ({N}); got shape"),
        ("weights", LABELS.astype(str), "weights must be numbers; got strings. Save them as"),
        ("weights", np.ones((N, 1)), f"weights must be 1-dimensional; got shape ({N}, 1)."),
        ("weights", np.ones(N + 1), f"weights must have one entry per row of outputs ({N});"),
        ("groups", np.ones(N, complex), "groups must be numbers or strings; got dtype complex128."),
        ("groups", np.ones(N - 1), f"groups must have one entry per row of outputs ({N});"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, role: str, values: np.ndarray, reason: str) -> None:
    arrays = {"labels": LABELS, role: values}
    options = {} if role == "labels" else {role: role}
    assert refused(main_file(tmp_path, **arrays), **options).startswith(reason)


@pytest.mark.parametrize("dtype", ["U3", "S3", "i4", "?", "f4"])
def test_groups_of_every_type(tmp_path: Path, dtype: str) -> None:
    groups = (LABELS % 2).astype(dtype)
    (model,), _ = find_models(main_file(tmp_path, labels=LABELS, g=groups), groups="g")
    found = joined(model, 300).groups
    assert found is not None
    assert found.dtype == groups.dtype
    np.testing.assert_array_equal(found, groups)


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "npy"])
def test_one_column_in_two_roles(tmp_path: Path, form: str) -> None:
    path = stored(tmp_path, form).file
    batch = joined(find_models(path, groups="labels")[0][0], 300)
    np.testing.assert_array_equal(batch.groups, batch.labels)
