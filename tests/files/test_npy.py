"""npy and npz files: what is accepted, what is refused, and in which words."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from files.support import joined, refused, write_npz

from infotheory.files import UnusableFileError, find_models

LOGITS = np.arange(12, dtype=np.float32).reshape(4, 3)
LABELS = np.array([0, 1, 2, 0])


def npz(folder: Path, **arrays: np.ndarray) -> Path:
    return write_npz(folder / "models.npz", arrays)


def npy(folder: Path, array: np.ndarray, name: str = "outputs.npy") -> Path:
    path = folder / name
    np.save(path, array)
    return path


# ---------------------------------------------------------------------------------------- accepted


def test_every_2d_array_is_a_model(tmp_path: Path) -> None:
    path = npz(tmp_path, b=LOGITS, labels=LABELS, a=LOGITS + 1)
    models, notes = find_models(path)
    assert [model.key for model in models] == ["b", "a"]
    assert {model.file for model in models} == {path}
    assert notes == []
    np.testing.assert_array_equal(joined(models[1]).outputs, LOGITS + 1)
    np.testing.assert_array_equal(joined(models[1]).labels, LABELS)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("start", [0, 3])
def test_arrays_in_fortran_order_and_compressed_ones(
    tmp_path: Path, compressed: bool, start: int
) -> None:
    arrays = {"a": np.asfortranarray(LOGITS), "b": LOGITS, "labels": LABELS}
    path = write_npz(tmp_path / "models.npz", arrays, compressed=compressed)
    for model in find_models(path)[0]:
        outputs = joined(model, 24, start).outputs
        np.testing.assert_array_equal(outputs, LOGITS[start:])
        assert outputs.flags.c_contiguous


def test_an_npy_file_in_fortran_order(tmp_path: Path) -> None:
    path = npy(tmp_path, np.asfortranarray(LOGITS))
    (model,), _ = find_models(path, str(npy(tmp_path, LABELS, "y.npy")))
    batches = list(model.batches(24))
    assert [len(batch.labels) for batch in batches] == [2, 2]
    np.testing.assert_array_equal(joined(model).outputs, LOGITS)


def test_other_byte_orders(tmp_path: Path) -> None:
    path = npz(tmp_path, a=LOGITS.astype(">f4"), labels=LABELS.astype(">i2"))
    (model,), _ = find_models(path)
    np.testing.assert_array_equal(joined(model).outputs, LOGITS)
    np.testing.assert_array_equal(joined(model).labels, LABELS)


def test_other_arrays_are_passed_over_with_a_note(tmp_path: Path) -> None:
    about = np.array({"epochs": 3}, dtype=object)  # never read, so no harm
    names = np.array([["a", "b"]])
    path = npz(tmp_path, a=LOGITS, labels=LABELS, x=np.zeros((2, 3, 3)), about=about, names=names)
    models, notes = find_models(path)
    assert len(models) == 1
    assert notes == [
        "'x' is 3-dimensional: passed over",
        "'about' is 0-dimensional: passed over",
        "'names' is of the type <U1: passed over",
    ]


def test_other_members_of_the_zip_are_passed_over_with_a_note(tmp_path: Path) -> None:
    path = npz(tmp_path, a=LOGITS, labels=LABELS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("README.txt", "hello")
        archive.mkdir("folder")
    models, notes = find_models(path)
    assert len(models) == 1
    assert notes == ["'README.txt' is not an array: passed over"]


def test_content_decides_and_not_the_ending(tmp_path: Path) -> None:
    path = npz(tmp_path, a=LOGITS, labels=LABELS).rename(tmp_path / "models.csv")
    assert len(find_models(path)[0]) == 1


def test_long_headers_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "two.npy"
    with path.open("wb") as stream:
        np.lib.format.write_array(stream, LOGITS, version=(2, 0))
    (model,), _ = find_models(path, str(npy(tmp_path, LABELS, "y.npy")))
    np.testing.assert_array_equal(joined(model).outputs, LOGITS)


# ----------------------------------------------------------------------------------------- refused


def test_a_missing_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.npz") == "there is no such file."


def test_a_folder(tmp_path: Path) -> None:
    assert refused(tmp_path) == "this is a folder."


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names on this system")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.npy"
    os.mkfifo(path)
    assert refused(path) == "it is a device or a pipe, which cannot be read twice."


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may read everything"
)
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = npz(tmp_path, a=LOGITS, labels=LABELS)
    path.chmod(0)
    assert refused(path) == "it may not be read (permission denied)."


def test_a_file_that_may_not_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = npz(tmp_path, a=LOGITS, labels=LABELS)

    def denied(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert refused(path) == "it may not be read (permission denied)."


@pytest.mark.parametrize("name", ["empty.npz", "empty.csv", "empty"])
def test_an_empty_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.touch()
    assert refused(path) == "it is empty."


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\x89PNG\r\n\x1a\n", b"\x80\x05K\x01.", b"x"])
def test_another_format(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.txt"
    path.write_bytes(content)
    assert refused(path) == (
        "it is no npy, npz, parquet or safetensors file, and its name does not end in .csv or "
        ".tsv (or .gz behind them). Pickles and other formats are not read."
    )


def test_a_pickle_is_refused_without_being_run(tmp_path: Path) -> None:
    path = tmp_path / "models.npz"
    path.write_bytes(pickle.dumps({"a": LOGITS}))
    assert refused(path).endswith("Pickles and other formats are not read.")


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.98])
def test_a_truncated_npz(tmp_path: Path, kept: float) -> None:
    path = npz(tmp_path, a=np.random.default_rng(0).normal(size=(100, 10)), labels=np.zeros(100))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    assert refused(path).startswith("the file is truncated or damaged (")


def test_a_truncated_npy_states_its_sizes(tmp_path: Path) -> None:
    path = npy(tmp_path, LOGITS)
    path.write_bytes(path.read_bytes()[:150])
    text = refused(path, str(npy(tmp_path, LABELS, "y.npy")))
    assert text == "the file is truncated: 176 bytes announced, 150 there."


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_damaged_member(tmp_path: Path, compressed: bool, order: str) -> None:
    logits = np.array(np.random.default_rng(0).normal(size=(4, 10_000)), order=order)
    arrays = {"a": logits, "labels": LABELS}
    path = write_npz(tmp_path / "models.npz", arrays, compressed=compressed)
    content = bytearray(path.read_bytes())
    content[120_000] ^= 0xFF  # in the middle of the outputs
    path.write_bytes(content)
    (model,), _ = find_models(path)
    with pytest.raises(
        UnusableFileError, match=r"array 'a' is truncated or damaged \((Bad CRC-32|Error -3)"
    ):
        list(model.batches(1 << 16))


def test_a_changed_last_byte_is_found(tmp_path: Path) -> None:
    outputs = np.random.default_rng(0).integers(0, 256, (40, 200), np.uint8)
    arrays = {"a": outputs, "labels": np.zeros(40, int)}
    path = write_npz(tmp_path / "models.npz", arrays)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        second = archive.getinfo("labels.npy").header_offset
    content[second - 1] ^= 1
    path.write_bytes(content)
    (model,), _ = find_models(path)
    with pytest.raises(UnusableFileError, match=r"damaged \(Bad CRC-32"):
        list(model.batches(600))


def test_objects_are_refused_when_read_and_spare_the_other_models(tmp_path: Path) -> None:
    models, _ = find_models(npz(tmp_path, a=LOGITS.astype(object), b=LOGITS, labels=LABELS))
    assert [model.key for model in models] == ["a", "b"]
    with pytest.raises(UnusableFileError, match="array 'a' holds Python objects, which are never"):
        models[0].batches()
    assert len(joined(models[1]).labels) == 4


def test_objects_in_an_npy_and_in_the_labels_are_refused(tmp_path: Path) -> None:
    text = refused(npy(tmp_path, LOGITS.astype(object)), str(npy(tmp_path, LABELS, "y.npy")))
    assert text.startswith("the array holds Python objects, which are never unpickled here.")
    path = npz(tmp_path, a=LOGITS, labels=LABELS.astype(object))
    assert refused(path).startswith("array 'labels' holds Python objects")


def test_a_record_format_is_refused(tmp_path: Path) -> None:
    record = np.zeros(3, dtype=[("größe✓", "f4")])
    path = tmp_path / "records.npy"
    with pytest.warns(UserWarning, match="format 3"), path.open("wb") as stream:
        np.lib.format.write_array(stream, record)
    assert refused(path) == "npy format (3, 0) is for records, not for plain arrays."


def test_two_arrays_of_one_name(tmp_path: Path) -> None:
    path = npz(tmp_path, a=LOGITS, labels=LABELS)
    with zipfile.ZipFile(path) as archive:
        member = archive.read("a.npy")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a.npy", member)
    assert refused(path) == "it holds two arrays of the name 'a'."


def test_a_zip_without_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "")
    assert refused(path) == "it is a zip file without arrays; it holds 'notes.txt'."


def test_nothing_to_measure(tmp_path: Path) -> None:
    text = refused(npz(tmp_path, labels=LABELS, x=np.zeros(4)))
    assert text == (
        "there is no 2-dimensional array of numbers in it to measure; beside the labels it "
        "holds 'x'."
    )


def test_an_npy_of_another_dimension(tmp_path: Path) -> None:
    text = refused(npy(tmp_path, np.zeros(4)), str(npy(tmp_path, LABELS, "y.npy")))
    assert text == ("outputs must be a 2-dimensional array of numbers; got shape (4,) in the file.")


@pytest.mark.parametrize("shape", [(0, 5), (4, 0)])
def test_nothing_in_an_array(tmp_path: Path, shape: tuple[int, int]) -> None:
    text = refused(npz(tmp_path, a=np.zeros(shape), labels=np.zeros(shape[0], int)))
    assert text.startswith(f"outputs must have at least one row and one column; got shape {shape}.")


def test_too_little_memory_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (model,), _ = find_models(npz(tmp_path, a=np.asfortranarray(LOGITS), labels=LABELS))

    def exhausted(*arguments: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr("infotheory.files.npy.npy.read_array", exhausted)
    with pytest.raises(UnusableFileError, match=r"array 'a' does not fit in memory\. Save it in C"):
        list(model.batches())
