"""Finding and reading stored arrays: what is accepted, what is refused, and in which words."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from infotheory.cli._files import StoredArray, UnusableFileError, find_models

LOGITS = np.arange(12, dtype=np.float32).reshape(4, 3)
LABELS = np.array([0, 1, 2, 0])


def npz(folder: Path, **arrays: object) -> Path:
    path = folder / "models.npz"
    np.savez(path, **arrays)
    return path


def npy(folder: Path, array: np.ndarray, name: str = "outputs.npy") -> Path:
    path = folder / name
    np.save(path, array)
    return path


def refused(path: Path, labels: str | None = None) -> str:
    with pytest.raises(UnusableFileError) as caught:
        find_models(path, labels)
    return str(caught.value)


# ---------------------------------------------------------------------------------------- accepted


def test_every_2d_array_is_a_model(tmp_path: Path) -> None:
    path = npz(tmp_path, b=LOGITS, labels=LABELS, a=LOGITS + 1)
    models, notes = find_models(path, None)
    assert [model.outputs.key for model in models] == ["b", "a"]
    assert {model.labels.key for model in models} == {"labels"}
    assert notes == []
    np.testing.assert_array_equal(models[1].outputs.read(), LOGITS + 1)
    np.testing.assert_array_equal(models[1].labels.read(), LABELS)


def test_compressed_and_fortran_ordered_arrays_are_read(tmp_path: Path) -> None:
    path = tmp_path / "models.npz"
    np.savez_compressed(path, a=np.asfortranarray(LOGITS), labels=LABELS)
    (model,), _ = find_models(path, None)
    np.testing.assert_array_equal(model.outputs.read(), LOGITS)


def test_labels_under_another_key(tmp_path: Path) -> None:
    (model,), _ = find_models(npz(tmp_path, a=LOGITS, y=LABELS), "y")
    assert model.labels.key == "y"


def test_labels_in_a_file_of_their_own(tmp_path: Path) -> None:
    labels = npy(tmp_path, LABELS, "y.npy")
    for path in (npz(tmp_path, a=LOGITS), npy(tmp_path, LOGITS)):
        (model,), _ = find_models(path, str(labels))
        assert model.labels.file == labels
        np.testing.assert_array_equal(model.labels.read(), LABELS)


def test_labels_of_a_file_win_over_a_key(tmp_path: Path) -> None:
    path = npz(tmp_path, a=LOGITS, labels=LABELS)
    (model,), notes = find_models(path, str(npy(tmp_path, LABELS[::-1], "y.npy")))
    np.testing.assert_array_equal(model.labels.read(), LABELS[::-1])
    assert notes == ["'labels' is 1-dimensional: passed over"]


def test_other_arrays_are_passed_over_with_a_note(tmp_path: Path) -> None:
    about = np.array({"epochs": 3}, dtype=object)  # never read, so no harm
    path = npz(tmp_path, a=LOGITS, labels=LABELS, images=np.zeros((2, 3, 3)), about=about)
    models, notes = find_models(path, None)
    assert len(models) == 1
    assert notes == [
        "'images' is 3-dimensional: passed over",
        "'about' is 0-dimensional: passed over",
    ]


def test_other_members_of_the_zip_are_passed_over_with_a_note(tmp_path: Path) -> None:
    path = npz(tmp_path, a=LOGITS, labels=LABELS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("README.txt", "hello")
    models, notes = find_models(path, None)
    assert len(models) == 1
    assert notes == ["'README.txt' is not an array: passed over"]


def test_an_npy_file_is_mapped_and_not_loaded(tmp_path: Path) -> None:
    path = npy(tmp_path, LOGITS)
    (model,), _ = find_models(path, str(npy(tmp_path, LABELS, "y.npy")))
    assert isinstance(model.outputs.read(), np.memmap)
    assert model.outputs.shape == (4, 3)


def test_content_decides_and_not_the_ending(tmp_path: Path) -> None:
    path = npz(tmp_path, a=LOGITS, labels=LABELS).rename(tmp_path / "models.dat")
    assert len(find_models(path, None)[0]) == 1


def test_long_headers_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "two.npy"
    with path.open("wb") as stream:
        np.lib.format.write_array(stream, LOGITS, version=(2, 0))
    (model,), _ = find_models(path, str(npy(tmp_path, LABELS, "y.npy")))
    np.testing.assert_array_equal(model.outputs.read(), LOGITS)


# ----------------------------------------------------------------------------------------- refused


def test_a_missing_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.npz") == "there is no such file."


def test_a_folder(tmp_path: Path) -> None:
    assert refused(tmp_path) == "this is a folder."


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.npz"
    path.touch()
    assert refused(path).startswith("it is empty.")


def test_another_format(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    assert refused(path).startswith("it is neither an npy nor an npz file.")


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


@pytest.mark.parametrize("kept", [9, 40, 127, 128, 150])
def test_a_truncated_npy(tmp_path: Path, kept: int) -> None:
    path = npy(tmp_path, LOGITS)
    path.write_bytes(path.read_bytes()[:kept])
    assert "truncated" in refused(path, str(npy(tmp_path, LABELS, "y.npy")))


def test_a_truncated_npy_states_its_sizes(tmp_path: Path) -> None:
    path = npy(tmp_path, LOGITS)
    path.write_bytes(path.read_bytes()[:150])
    text = refused(path, str(npy(tmp_path, LABELS, "y.npy")))
    assert text == "the file is truncated: 176 bytes announced, 150 there."


def test_a_damaged_member(tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(size=(4, 10_000))  # longer than one read
    path = npz(tmp_path, a=logits, labels=LABELS)
    content = bytearray(path.read_bytes())
    content[content.find(logits[3].tobytes())] ^= 0xFF
    path.write_bytes(content)
    (model,), _ = find_models(path, None)
    with pytest.raises(UnusableFileError, match=r"array 'a' is truncated or damaged \(Bad CRC-32"):
        model.outputs.read()


def test_object_outputs_are_refused_when_read(tmp_path: Path) -> None:
    path = npz(tmp_path, a=LOGITS.astype(object), labels=LABELS)
    (model,), _ = find_models(path, None)
    with pytest.raises(UnusableFileError, match="array 'a' holds Python objects, which are never"):
        model.outputs.read()


def test_object_labels_are_refused_when_read(tmp_path: Path) -> None:
    (model,), _ = find_models(npz(tmp_path, a=LOGITS, labels=LABELS.astype(object)), None)
    with pytest.raises(UnusableFileError, match="array 'labels' holds Python objects"):
        model.labels.read()


def test_an_object_npy_is_refused_when_read(tmp_path: Path) -> None:
    path = npy(tmp_path, LOGITS.astype(object))
    (model,), _ = find_models(path, str(npy(tmp_path, LABELS, "y.npy")))
    with pytest.raises(UnusableFileError, match="the array holds Python objects"):
        model.outputs.read()


def test_a_record_format_is_refused(tmp_path: Path) -> None:
    record = np.zeros(3, dtype=[("größe✓", "f4")])
    path = tmp_path / "records.npy"
    with pytest.warns(UserWarning, match="format 3"), path.open("wb") as stream:
        np.lib.format.write_array(stream, record)
    assert refused(path) == "npy format (3, 0) is for records, not for plain arrays."


def test_no_labels_in_an_npz(tmp_path: Path) -> None:
    text = refused(npz(tmp_path, a=LOGITS, y=LABELS))
    assert text == (
        "there are no labels under 'labels'; the arrays are 'a', 'y'. "
        "Pass --labels KEY or --labels FILE.npy."
    )


@pytest.mark.parametrize("labels", [None, "y"])
def test_no_labels_for_an_npy(tmp_path: Path, labels: str | None) -> None:
    text = refused(npy(tmp_path, LOGITS), labels)
    assert text == "an npy file holds no labels. Pass them by --labels FILE.npy."


def test_a_missing_labels_file_is_named(tmp_path: Path) -> None:
    labels = tmp_path / "y.npy"
    assert refused(npz(tmp_path, a=LOGITS), str(labels)) == (
        f"labels in {labels}: there is no such file."
    )


def test_an_npz_in_the_place_of_the_labels_file(tmp_path: Path) -> None:
    labels = npz(tmp_path, labels=LABELS).rename(tmp_path / "y.npy")
    text = refused(npy(tmp_path, LOGITS), str(labels))
    assert text == f"labels in {labels}: this is an npz file. Save them as npy."


def test_nothing_to_measure(tmp_path: Path) -> None:
    text = refused(npz(tmp_path, labels=LABELS, x=np.zeros(4)))
    assert text == "there is no 2-dimensional array in it to measure."


def test_a_zip_without_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("folder")
    assert refused(path) == "it is a zip file without arrays."


def test_an_npy_of_another_dimension(tmp_path: Path) -> None:
    text = refused(npy(tmp_path, np.zeros(4)), str(npy(tmp_path, LABELS, "y.npy")))
    assert text == "outputs must be 2-dimensional; got shape (4,) in the file."


def test_too_little_memory_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (model,), _ = find_models(npz(tmp_path, a=LOGITS, labels=LABELS), None)

    def exhausted(*args: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr("infotheory.cli._files.npy.read_array", exhausted)
    with pytest.raises(UnusableFileError, match="array 'a' does not fit in memory"):
        model.outputs.read()


def test_a_file_that_vanishes_is_said(tmp_path: Path) -> None:
    gone = StoredArray(tmp_path / "gone.npy", "", (1, 1), np.dtype(float))
    with pytest.raises(UnusableFileError, match="No such file"):
        gone.read()
